"""JSON, CSV and regular expressions: what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import SchemaError, ToolError
from llmspell.tools.data import json_patch, json_pointer
from llmspell.tools.data.csv_tool import CsvTool
from llmspell.tools.data.json_tool import JsonTool
from llmspell.tools.data.regex_tool import RegexTool

pytestmark = pytest.mark.mission(98)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_JSON, _JSON)
def test_diff_is_a_patch_to_the_other_value(before: Any, after: Any) -> None:
    assert json_patch.equal(json_patch.apply(before, json_patch.diff(before, after)), after)


@given(st.lists(st.text()))
def test_pointers_are_read_as_they_are_written(steps: list[str]) -> None:
    assert json_pointer.parse(json_pointer.written(tuple(steps))) == tuple(steps)


@pytest.mark.parametrize(
    ("params", "result"),
    [
        ({"operation": "stringify", "data": {"b": 1, "a": [True, None]}, "sort_keys": True}, '{"a":[true,null],"b":1}'),
        ({"operation": "stringify", "data": [1], "indent": 2}, "[\n  1\n]"),
        ({"operation": "get", "data": {"a": [{"b": 5}]}, "path": "a[0].b"}, 5),
        ({"operation": "get", "data": {"a/b": {"~": 1}}, "path": "/a~1b/~0"}, 1),
        ({"operation": "get", "data": {}, "path": "/x", "value": 7}, 7),
        ({"operation": "set", "data": {"a": [1, 2]}, "path": "/a/0", "value": 9}, {"a": [9, 2]}),
        ({"operation": "set", "data": {"a": [1]}, "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"operation": "delete", "data": {"a": 1, "b": 2}, "path": "a"}, {"b": 2}),
        (
            {"operation": "merge", "data": {"a": {"b": 1, "c": 2}}, "other": {"a": {"b": None}, "d": 3}},
            {"a": {"c": 2}, "d": 3},
        ),
        (
            {"operation": "diff", "data": {"a": 1}, "other": {"a": True}},
            [{"op": "replace", "path": "/a", "value": True}],
        ),
        (
            {
                "operation": "patch",
                "data": {"a": [1, 2]},
                "patch": [
                    {"op": "move", "from": "/a/0", "path": "/b"},
                    {"op": "test", "path": "/b", "value": 1},
                    {"op": "copy", "from": "/b", "path": "/a/0"},
                ],
            },
            {"a": [1, 2], "b": 1},
        ),
        (
            {"operation": "query", "text": '{"u": [{"n": "a", "x": 1}, {"n": "b", "x": 2}]}', "query": "u[?x > `1`].n"},
            ["b"],
        ),
    ],
)
async def test_json(call: Any, params: dict[str, Any], result: Any) -> None:
    assert await call(JsonTool, params) == {"result": result}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"operation": "parse", "text": '{"a": 1,\n "b" 2}'}, "line 2, column 6"),
        ({"operation": "get", "data": {"a": 1}, "path": "/b"}, "nothing at '/b'"),
        ({"operation": "patch", "data": {}, "patch": [{"op": "test", "path": "", "value": 1}]}, "operation 1"),
        ({"operation": "patch", "data": {}, "patch": [{"op": "jump", "path": ""}]}, "jump"),
        ({"operation": "patch", "data": {}, "patch": [{"op": "add", "path": "/a"}]}, "value"),
        ({"operation": "query", "data": {}, "query": "a["}, "JMESPath"),
        ({"operation": "parse"}, "needs `text`"),
        ({"operation": "parse", "text": "1", "data": 1}, "not both"),
    ],
)
async def test_json_says_what_is_wrong(call: Any, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError) as caught:
        await call(JsonTool, params)
    assert said in caught.value.message


async def test_csv_reads_files_and_types(call: Any, project: Path) -> None:
    (project / "a.csv").write_bytes('\ufeffname;age;code\nAda;36;007\n"a;b";;x\n'.encode())
    found = await call(CsvTool, {"operation": "parse", "path": "a.csv", "delimiter": ";"})
    assert found["rows"] == [{"name": "Ada", "age": 36, "code": "007"}, {"name": "a;b", "age": None, "code": "x"}]
    found = await call(CsvTool, {"operation": "parse", "text": "a,a,\n1,2,3", "types": False})
    assert found["rows"] == [{"a": "1", "a_2": "2", "column_3": "3"}]


SALES = "city,price,day\nRome,10,2\nOslo,5,1\nRome,20.5,10\nOslo,,3\n"


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        ({"operation": "select", "columns": ["price"], "limit": 1}, [{"price": 10}]),
        (
            {"operation": "filter", "where": [{"column": "price", "op": ">", "value": 5}], "columns": ["city"]},
            [{"city": "Rome"}] * 2,
        ),
        ({"operation": "filter", "where": [{"column": "price", "op": "empty"}], "columns": ["day"]}, [{"day": 3}]),
        (
            {"operation": "filter", "where": [{"column": "city", "op": "in", "value": ["Oslo"]}], "columns": ["day"]},
            [{"day": 1}, {"day": 3}],
        ),
        (
            {"operation": "sort", "sort_by": ["day"], "columns": ["day"]},
            [{"day": 1}, {"day": 2}, {"day": 3}, {"day": 10}],
        ),
        (
            {"operation": "sort", "sort_by": ["price"], "descending": True, "columns": ["price"]},
            [{"price": 20.5}, {"price": 10}, {"price": 5}, {"price": None}],
        ),
        (
            {
                "operation": "aggregate",
                "group_by": ["city"],
                "aggregates": [
                    {"function": "sum", "column": "price"},
                    {"function": "count"},
                    {"function": "mean", "column": "price", "name": "m"},
                ],
            },
            [
                {"city": "Rome", "sum_price": 30.5, "count": 2, "m": 15.25},
                {"city": "Oslo", "sum_price": 5, "count": 2, "m": 5},
            ],
        ),
    ],
)
async def test_csv(call: Any, params: dict[str, Any], rows: Any) -> None:
    assert (await call(CsvTool, {"text": SALES, **params}))["rows"] == rows


async def test_csv_says_what_is_wrong(call: Any) -> None:
    with pytest.raises(ToolError, match="line 3 has 3 cells"):
        await call(CsvTool, {"operation": "parse", "text": "a,b\n1,2\n1,2,3\n"})
    with pytest.raises(ToolError, match="no column 'prize'") as caught:
        await call(CsvTool, {"operation": "select", "text": SALES, "columns": ["prize"]})
    assert "price" in caught.value.hint
    with pytest.raises(SchemaError, match="one of them"):
        await call(CsvTool, {"operation": "parse"})


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_csv_reads_what_it_writes(rows: list[dict[str, str]]) -> None:
    from llmspell.tools.data import table

    made = table.of_rows(rows, True, 100)
    read = table.read(table.write(made, ",", True, False), ",", True, False, 100)
    assert [[cell or "" for cell in row] for row in read.rows] == made.rows


@pytest.mark.parametrize("engine", ["re2", "regex"])
async def test_regex(call: Any, engine: str) -> None:
    async def run(**params: Any) -> Any:
        return await call(RegexTool, params, options={"engine": engine})

    found = await run(operation="search", pattern=r"(?P<y>\d{4})-(\d\d)?", text="ä€😀 2024-")
    assert found["match"] == {"text": "2024-", "start": 4, "end": 9, "groups": ["2024", None], "named": {"y": "2024"}}
    assert await run(operation="match", pattern="a+", text="aab") == {"matched": False, "match": None}
    assert (await run(operation="split", pattern=r"\s*,\s*", text="a , b,c"))["parts"] == ["a", "b", "c"]
    assert await run(operation="test", pattern="^b$", text="a\nB", flags=["ignore_case", "multiline"]) == {
        "matched": True
    }
    found = await run(operation="replace", pattern="(?P<x>b)", text="abcb", replacement="[${x}$1$$$0]", limit=1)
    assert found == {"text": "a[bb$b]cb", "count": 1, "truncated": True}
    found = await run(operation="find_all", pattern="x*", text="axb")
    assert [(one["start"], one["end"]) for one in found["matches"]] == [(0, 0), (1, 2), (2, 2), (3, 3)]
    with pytest.raises(ToolError, match="no group"):
        await run(operation="replace", pattern="a", text="a", replacement="$1")


async def test_backreferences_need_the_other_engine(call: Any) -> None:
    with pytest.raises(ToolError) as caught:
        await call(RegexTool, {"operation": "test", "pattern": r"(a)\1", "text": "aa"})
    assert "regex" in caught.value.hint
    assert await call(RegexTool, {"operation": "test", "pattern": r"(a)\1", "text": "aa", "engine": "regex"}) == {
        "matched": True
    }
