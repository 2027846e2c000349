"""Every known way to abuse JSON, CSV, expressions, dates, hashes and the environment, one test each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, SchemaError, TimeoutError, ToolError
from llmspell.tools.crypto.hash_tool import HashTool
from llmspell.tools.data.csv_tool import CsvTool
from llmspell.tools.data.json_tool import JsonTool
from llmspell.tools.data.regex_tool import RegexTool
from llmspell.tools.system.environment import EnvironmentTool
from llmspell.tools.time.date_time import DateTimeTool

KNOWN = {
    "json": (
        "depth",
        "size",
        "duplicate_keys",
        "no_numbers",
        "huge_numbers",
        "schema_elsewhere",
        "schema_bomb",
        "schema_pattern",
        "patch_doubling",
        "query_doubling",
        "query_deep",
        "pointer_tricks",
    ),
    "csv": ("formulas", "many_columns", "many_rows", "open_quote", "huge_cell", "nul", "odd_delimiter", "not_text"),
    "regex": ("backtracking", "repeated_repeats", "long_pattern", "replacement_flood", "bad_pattern", "many_matches"),
    "datetime": ("zone_traversal", "format_width", "far_years", "bad_layouts", "long_text"),
    "hash": ("timing_safe", "bad_input"),
    "environment": ("not_allowed", "no_existence", "options_cannot_widen", "list_is_filtered"),
}


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Nothing hostile may cost more than a moment of computing."""
    started = time.process_time()
    yield
    assert time.process_time() - started < 6


async def test_json_depth(call: Any) -> None:
    for text in ("[" * 1_000_000, '{"a":' * 200_000, "[" * 150 + "]" * 150):
        with pytest.raises(ToolError, match="deep"):
            await call(JsonTool, {"operation": "parse", "text": text})
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    with pytest.raises(ToolError, match="deep"):
        await call(JsonTool, {"operation": "diff", "data": deep, "other": 1})
    assert await call(JsonTool, {"operation": "parse", "text": '"' + "[" * 1000 + '"'}) == {"result": "[" * 1000}


async def test_json_size(call: Any) -> None:
    with pytest.raises(ToolError, match="more than"):
        await call(JsonTool, {"operation": "parse", "text": "[" + "1," * 1_100_000 + "1]"})
    with pytest.raises(SchemaError):
        await call(JsonTool, {"operation": "parse", "text": " " * 10_000_001})


async def test_json_duplicate_keys(call: Any) -> None:
    with pytest.raises(ToolError, match="twice"):
        await call(JsonTool, {"operation": "parse", "text": '{"role": "user", "role": "admin"}'})
    found = await call(JsonTool, {"operation": "parse", "text": '{"a": 1, "a": 2}', "duplicates": "last"})
    assert found == {"result": {"a": 2}}


async def test_json_no_numbers(call: Any) -> None:
    for text in ("NaN", "[Infinity]", '{"a": -Infinity}'):
        with pytest.raises(ToolError, match="not a JSON number"):
            await call(JsonTool, {"operation": "parse", "text": text})


async def test_json_huge_numbers(call: Any) -> None:
    with pytest.raises(ToolError, match="4300 digits"):
        await call(JsonTool, {"operation": "parse", "text": "9" * 1_000_000})
    with pytest.raises(LlmspellError):
        await call(JsonTool, {"operation": "stringify", "data": [10**5000]})


async def test_json_schema_elsewhere(call: Any) -> None:
    for reference in ("http://127.0.0.1:9/", "file:///etc/passwd", "https://example.org/s"):
        with pytest.raises(SchemaError):
            await call(JsonTool, {"operation": "validate", "data": 1, "schema": {"$ref": reference}})


async def test_json_schema_bomb(call: Any) -> None:
    defs: dict[str, Any] = {
        f"a{n}": {"anyOf": [{"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"minimum": k}]} for k in (5, 6)]}
        for n in range(40)
    }
    schema = {"$defs": {**defs, "a40": {}}, "$ref": "#/$defs/a0"}
    with pytest.raises(SchemaError, match="too long"):
        await call(JsonTool, {"operation": "validate", "data": 1, "schema": schema})


async def test_json_schema_pattern(call: Any) -> None:
    found = await call(
        JsonTool, {"operation": "validate", "data": "a" * 50_000 + "!", "schema": {"pattern": "^(a|a)*$"}}
    )
    assert found["valid"] is False
    with pytest.raises(SchemaError):
        await call(JsonTool, {"operation": "validate", "data": "a", "schema": {"pattern": "((a{1000}){1000}){1000}"}})


async def test_json_patch_doubling(call: Any) -> None:
    patch = [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(60)]
    with pytest.raises(ToolError, match="more than"):
        await call(JsonTool, {"operation": "patch", "data": {"a": 1}, "patch": patch})


async def test_json_query_doubling(call: Any) -> None:
    for query in (
        "|".join(["[@,@]"] * 60),
        "|".join(["[@,@][]"] * 60),
        "join('', [" * 30 + "'a'" + ",'a'])" * 30,
        "to_string([" * 25 + "'\"'" + "])" * 25,
    ):
        with pytest.raises(ToolError):
            await call(JsonTool, {"operation": "query", "data": {"a": list(range(100))}, "query": query})


async def test_json_query_deep(call: Any) -> None:
    for query in (
        "(" * 400 + "a" + ")" * 399,
        "!" * 900 + "a",
        ".".join(["a"] * 400),
        "a[?" * 200,
        "&" * 500,
        "length(" * 120,
    ):
        with pytest.raises(LlmspellError):
            await call(JsonTool, {"operation": "query", "data": {"a": 1}, "query": query})


async def test_json_pointer_tricks(call: Any) -> None:
    for path in ("/a/-1", "/a/01", "/a/1e0", "/a/99999999999999999999", "/a/٣", "/a/0/x", "/~2", "a[", "/a/ 0"):
        with pytest.raises(ToolError):
            await call(JsonTool, {"operation": "get", "data": {"a": [1, 2, 3, 4]}, "path": path})
    with pytest.raises(ToolError):
        await call(JsonTool, {"operation": "get", "data": {}, "path": "__class__.__init__"})


async def test_csv_formulas(call: Any) -> None:
    cells = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "-5", "fine"]
    found = await call(CsvTool, {"operation": "stringify", "rows": [[cell] for cell in cells], "header": False})
    written = [line.strip('"') for line in found["text"].splitlines()]
    assert written == ["'=cmd|'/c calc'!A1", "'+1+1", "'-2+3", "'@SUM(A1)", "'\t=1", "-5", "fine"]


async def test_csv_many_columns(call: Any) -> None:
    with pytest.raises(ToolError, match="columns"):
        await call(CsvTool, {"operation": "parse", "text": "," * 100_000})
    with pytest.raises(ToolError, match="columns"):
        await call(CsvTool, {"operation": "stringify", "rows": [{f"c{n}": 1 for n in range(2000)}]})


async def test_csv_many_rows(call: Any) -> None:
    with pytest.raises(ToolError, match="more than"):
        await call(CsvTool, {"operation": "parse", "text": "a\n" * 200_000})


async def test_csv_open_quote(call: Any) -> None:
    for text in ('a,b\n"open', 'a\n"x"y'):
        with pytest.raises(ToolError, match="no CSV"):
            await call(CsvTool, {"operation": "parse", "text": text})


async def test_csv_huge_cell(call: Any) -> None:
    with pytest.raises(ToolError, match="no CSV"):
        await call(CsvTool, {"operation": "parse", "text": "a\n" + "x" * 1_000_000})


async def test_csv_nul(call: Any) -> None:
    found = await call(CsvTool, {"operation": "parse", "text": "a\nx\0y\n"})
    assert found["rows"] == [{"a": "x\0y"}]


async def test_csv_odd_delimiter(call: Any) -> None:
    for delimiter in ("\n", '"', "\r", "\0"):
        with pytest.raises(ToolError):
            await call(CsvTool, {"operation": "parse", "text": "a,b", "delimiter": delimiter})
    with pytest.raises(SchemaError):
        await call(CsvTool, {"operation": "parse", "text": "a", "delimiter": "ab"})


async def test_csv_not_text(call: Any, project: Path) -> None:
    (project / "x.csv").write_bytes(b"\xff\xfe\0\0")
    with pytest.raises(ToolError, match="UTF-8"):
        await call(CsvTool, {"operation": "parse", "path": "x.csv"})


async def test_regex_backtracking(call: Any) -> None:
    for pattern in ("^(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "(x+x+)+y"):
        text = ("a" * 5000 + "x" * 5000) + "!"
        found = await call(RegexTool, {"operation": "test", "pattern": pattern + "b", "text": text})
        assert found == {"matched": False}
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="200 ms"):
        params = {
            "operation": "test",
            "pattern": r"^(a|aa|aaa)+\1b$",
            "text": "a" * 5000,
            "engine": "regex",
            "timeout": 200,
        }
        await call(RegexTool, params)
    assert time.monotonic() - started < 2


async def test_regex_repeated_repeats(call: Any) -> None:
    for pattern in (
        "((a{1000}){1000}){1000}",
        "(?:(?:x{900}){900})",
        "a{1001}",
        "(((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9})",
    ):
        with pytest.raises(ToolError):
            await call(RegexTool, {"operation": "test", "pattern": pattern, "text": "a"})


async def test_regex_long_pattern(call: Any) -> None:
    with pytest.raises(SchemaError):
        await call(RegexTool, {"operation": "test", "pattern": "a" * 5001, "text": "a"})
    with pytest.raises(ToolError, match="1000"):
        await call(RegexTool, {"operation": "test", "pattern": "(a)" * 400, "text": "a", "engine": "regex"})
    for engine in ("re2", "regex"):
        with pytest.raises(LlmspellError):
            await call(
                RegexTool, {"operation": "test", "pattern": "(" * 500 + ")" * 500 + "(", "text": "a", "engine": engine}
            )


async def test_regex_replacement_flood(call: Any) -> None:
    with pytest.raises(ToolError, match="longer"):
        await call(
            RegexTool,
            {"operation": "replace", "pattern": "a", "text": "a" * 5000, "replacement": "x" * 40_000, "limit": 5000},
        )
    with pytest.raises(ToolError, match="references"):
        await call(RegexTool, {"operation": "replace", "pattern": "a", "text": "a", "replacement": "$0" * 40_000})


async def test_regex_bad_pattern(call: Any) -> None:
    for engine in ("re2", "regex"):
        for pattern in ("(", "[a", "a**", "(?P<a", "\\"):
            with pytest.raises(ToolError):
                await call(RegexTool, {"operation": "test", "pattern": pattern, "text": "a", "engine": engine})


async def test_regex_many_matches(call: Any) -> None:
    found = await call(RegexTool, {"operation": "find_all", "pattern": "x*", "text": "a" * 100_000})
    assert (found["count"], found["truncated"]) == (1000, True)


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "America",
        "posix/../../x",
        "Europe/Berlin\0",
        "~",
        ".",
        "+99:99",
        "localtime/",
        "A" * 64,
        "zone.tab",
        "Europe//Berlin",
        "-00:00:00",
    ],
)
async def test_datetime_zone_traversal(call: Any, name: str) -> None:
    with pytest.raises(ToolError, match="no time zone"):
        await call(DateTimeTool, {"operation": "now", "timezone": name})


async def test_datetime_format_width(call: Any) -> None:
    for layout in ("%999999999d", "%-d", "%_100000Y", "%", "%Q", "%Ey"):
        with pytest.raises(ToolError, match="no format"):
            await call(DateTimeTool, {"operation": "format", "format": layout})


async def test_datetime_far_years(call: Any) -> None:
    for params in (
        {"operation": "add", "amount": 1e12, "unit": "year"},
        {"operation": "add", "amount": -1e12, "unit": "day"},
        {"operation": "parse", "value": 1e18},
        {"operation": "parse", "value": "999999999999"},
        {"operation": "add", "amount": 1e12, "unit": "week"},
    ):
        with pytest.raises(ToolError, match="9999"):
            await call(DateTimeTool, params)
    for value in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        for operation in ("start_of", "end_of", "convert"):
            with pytest.raises(ToolError, match="9999"):
                await call(DateTimeTool, {"operation": operation, "value": value, "unit": "year", "timezone": "UTC"})


async def test_datetime_bad_layouts(call: Any) -> None:
    for value, layout in (("1", "%Y%Y%Y"), ("x", "(a+)+$"), ("a" * 99 + "!", " " * 99 + "%d"), ("", "%d")):
        with pytest.raises(LlmspellError):
            await call(DateTimeTool, {"operation": "parse", "value": value, "format": layout})


async def test_datetime_long_text(call: Any) -> None:
    for value in ("2025-01-20" * 1000, "(" * 100, "Mon, " * 19, "not a time", "2025-13-45", "24:00"):
        with pytest.raises(LlmspellError):
            await call(DateTimeTool, {"operation": "parse", "value": value})


async def test_hash_timing_safe(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is `hmac.compare_digest`, seen to be called, with the digest's bytes."""
    import hmac

    seen: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(left: bytes, right: bytes) -> bool:
        seen.append((left, right))
        return real(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    found = await call(HashTool, {"operation": "verify", "text": "a", "expected": "00" * 32})
    assert found["valid"] is False
    assert len(seen[0][0]) == 32


async def test_hash_bad_input(call: Any) -> None:
    for params in (
        {"text": "zz", "input_encoding": "hex"},
        {"text": "?", "input_encoding": "base64"},
        {},
        {"text": "a", "path": "b"},
        {"operation": "verify", "text": "a"},
        {"operation": "hmac", "text": "a"},
        {"text": "a", "algorithm": "shake_128"},
        {"operation": "verify", "text": "a", "expected": "xyz"},
        {"path": "missing"},
        {"path": "output"},
    ):
        with pytest.raises(ToolError):
            await call(HashTool, params)


async def test_environment_not_allowed(call: Any) -> None:
    with pytest.raises(PermissionDenied) as caught:
        await call(
            EnvironmentTool, {"operation": "get", "name": "OPENAI_API_KEY"}, environ={"OPENAI_API_KEY": "secret"}
        )
    assert "secret" not in caught.value.message + caught.value.hint
    assert '--allow-env "OPENAI_API_KEY"' in caught.value.hint


async def test_environment_no_existence(call: Any) -> None:
    for name in ("SET", "UNSET"):
        for operation in ("exists", "get"):
            with pytest.raises(PermissionDenied, match="may not read"):
                await call(EnvironmentTool, {"operation": operation, "name": name, "default": ""}, environ={"SET": "1"})


async def test_environment_options_cannot_widen(call: Any) -> None:
    with pytest.raises(PermissionDenied):
        await call(
            EnvironmentTool,
            {"operation": "get", "name": "B"},
            options={"allowed_variables": ["*"]},
            environ={"B": "1"},
            env=["A"],
        )


async def test_environment_list_is_filtered(call: Any) -> None:
    environ = {"APP_A": "1", "APP_B": "2", "SECRET": "3"}
    found = await call(
        EnvironmentTool, {"operation": "list"}, options={"allowed_variables": ["*A"]}, environ=environ, env=["APP_*"]
    )
    assert found == {"variables": ["APP_A"]}


def test_table_is_full() -> None:
    cells = [f"{tool}_{abuse}" for tool, abuses in KNOWN.items() for abuse in abuses]
    empty = [cell for cell in cells if f"test_{cell}" not in globals()]
    print("without a test:", empty)
    assert empty == []
