"""Every known way to abuse Markdown, XML, SQLite, PDF, charts, differences and written files, one test each."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import zlib
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, SchemaError, ToolError
from llmspell.tools.data.data_cleaner import DataCleanerTool
from llmspell.tools.data.json_tool import JsonTool
from llmspell.tools.data.sqlite_tool import SqliteTool
from llmspell.tools.data.xml_tool import XmlTool
from llmspell.tools.documents.chart_generator import ChartGeneratorTool
from llmspell.tools.documents.csv_reader import CsvReaderTool
from llmspell.tools.documents.diff_tool import DiffTool
from llmspell.tools.documents.file_writer import FileWriterTool
from llmspell.tools.documents.markdown_tool import MarkdownTool
from llmspell.tools.documents.pdf_reader import PdfReaderTool

KNOWN = {
    "markdown": ("html", "script_links", "nesting", "yaml_aliases", "yaml_objects", "yaml_values"),
    "xml": ("entities", "outside", "depth", "elements", "path_blow_up", "built_names"),
    "sqlite": ("other_files", "settings", "extensions", "endless", "memory", "injection", "views", "links", "size"),
    "pdf": ("no_pdf", "inflating", "cycles", "endless"),
    "chart": ("too_large", "places", "numbers"),
    "cleaner": ("numbers",),
    "diff": ("endless", "patch_sizes"),
    "jsonpath": ("blow_up", "backtracking"),
    "files": ("writer_links", "reader_places"),
}


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process outlives its call, and the host itself computes for no more than a moment."""
    before, started = children(), time.process_time()
    yield
    assert children() <= before
    assert time.process_time() - started < 6


def children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread may end meanwhile
            found |= {int(word) for word in (task / "children").read_text().split()}
    return found


async def ends(work: Awaitable[Any], seconds: float = 1.0) -> None:
    """It is ended from outside, at once, as the pipeline's time limit does it."""
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work, seconds)
    assert time.monotonic() - started < seconds + 4


async def test_markdown_html(call: Any) -> None:
    text = '<script>alert(1)</script>\n\na <img src=x onerror="alert(1)"> b'
    html = (await call(MarkdownTool, {"operation": "to_html", "text": text}))["html"]
    assert "<script" not in html and "<img" not in html and "&lt;script&gt;" in html


async def test_markdown_script_links(call: Any) -> None:
    for link in ("javascript:alert(1)", "JaVaScRiPt:alert(1)", "vbscript:x", "file:///etc/passwd", "&#106;avascript:x"):
        html = (await call(MarkdownTool, {"operation": "to_html", "text": f"[a]({link})"}))["html"]
        assert "href" not in html
    assert (
        'href="data:'
        not in (await call(MarkdownTool, {"operation": "to_html", "text": "[a](data:text/html,x)"}))["html"]
    )


async def test_markdown_nesting(call: Any) -> None:
    for text in (">" * 3000, "[" * 3000, "*a " * 1300, "- " * 2000, "`" * 4000, "![" * 1500 + "](" * 400):
        assert "html" in await call(MarkdownTool, {"operation": "to_html", "text": text})
    for text in (">" * 50_000 + "a", "[" * 50_000, "*a **a " * 10_000):
        try:
            await asyncio.wait_for(call(MarkdownTool, {"operation": "to_text", "text": text}), 3)
        except (ToolError, TimeoutError):
            continue


async def test_markdown_yaml_aliases(call: Any) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(ToolError, match="refers to its own parts"):
        await call(MarkdownTool, {"operation": "front_matter", "text": "---\n" + "\n".join(lines) + "\n---\n"})


async def test_markdown_yaml_objects(call: Any) -> None:
    for value in ("!!python/object/apply:os.system [id]", "!!python/name:os.system", "!!python/module:os"):
        with pytest.raises(ToolError, match="no YAML"):
            await call(MarkdownTool, {"operation": "front_matter", "text": f"---\na: {value}\n---\n"})


async def test_markdown_yaml_values(call: Any) -> None:
    text = "---\na: .nan\nb: .inf\n1: 2\nc: !!binary aGk=\nd: !!set {x}\n---\n"
    found = await call(MarkdownTool, {"operation": "front_matter", "text": text})
    assert found["values"] == {"a": "nan", "b": "inf", "1": 2, "c": "hi", "d": ["x"]}
    for source in ("[" * 1500, "- a", "a: " + "9" * 5000):
        with pytest.raises(ToolError):
            await call(MarkdownTool, {"operation": "front_matter", "text": f"---\n{source}\n---\n"})


async def test_xml_entities(call: Any) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for head in (f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]>', '<!DOCTYPE a [<!ENTITY l9 "x">]>', "<!DOCTYPE a>"):
        with pytest.raises(ToolError, match="refused"):
            await call(XmlTool, {"operation": "parse", "text": f"{head}<a>&l9;</a>"})


async def test_xml_outside(call: Any, project: Path) -> None:
    (project.parent / "secret").write_text("secret")
    for entity in (
        f'<!ENTITY x SYSTEM "file://{project.parent}/secret">',
        '<!ENTITY % x SYSTEM "http://127.0.0.1:9/">',
    ):
        with pytest.raises(ToolError, match="refused"):
            await call(XmlTool, {"operation": "parse", "text": f"<!DOCTYPE a [{entity}]><a>&x;</a>"})
    found = await call(
        XmlTool,
        {"operation": "parse", "text": '<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="secret"/></a>'},
    )
    assert found["element"]["children"][0]["attributes"] == {"href": "secret"}, "kept as it is, not followed"


async def test_xml_depth(call: Any) -> None:
    for text in ("<a>" * 1_000_000, "<a>" * 61 + "</a>" * 61):
        with pytest.raises(ToolError, match="deep"):
            await call(XmlTool, {"operation": "parse", "text": text})
    element: dict[str, Any] = {"name": "a"}
    for _ in range(80):
        element = {"name": "a", "children": [element]}
    with pytest.raises(ToolError, match="levels"):
        await call(XmlTool, {"operation": "build", "element": element})


async def test_xml_elements(call: Any) -> None:
    with pytest.raises(ToolError, match="more than 200000"):
        await call(XmlTool, {"operation": "parse", "text": "<a>" + "<b/>" * 250_000 + "</a>"})


async def test_xml_path_blow_up(call: Any) -> None:
    text = "<a>" * 55 + "</a>" * 55
    query = ".//a" + "//a" * 12 + "//zzz"
    await ends(call(XmlTool, {"operation": "query", "text": text, "query": query}))


async def test_xml_built_names(call: Any) -> None:
    for element in (
        {"name": "a><b"},
        {"name": "a", "attributes": {'x="1" y': "2"}},
        {"name": "a", "text": "\ud800"},
        {"name": "a", "children": "b"},
        {"name": 1},
    ):
        with pytest.raises(ToolError):
            await call(XmlTool, {"operation": "build", "element": element})
    found = await call(
        XmlTool, {"operation": "build", "element": {"name": "a", "attributes": {"x": "'\"<&\n"}, "text": "]]>"}}
    )
    assert (await call(XmlTool, {"operation": "parse", **found}))["element"]["attributes"] == {"x": "'\"<&\n"}


@pytest.fixture
def database(project: Path) -> Path:
    path = project / "output/a.db"
    db = sqlite3.connect(path)
    db.executescript("CREATE TABLE t (a); INSERT INTO t VALUES ('one');")
    db.close()
    return path


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


MAY: dict[str, Any] = {"options": {"read_only": False, "timeout": 1000}}


async def on_database(call: Any, sql: str, operation: str = "query", **more: Any) -> Any:
    return await call(SqliteTool, {"operation": operation, "sql": sql, "path": "output/a.db", **more}, **MAY)


async def test_sqlite_other_files(call: Any, database: Path, project: Path) -> None:
    other = project.parent / "other.db"
    for sql in (
        f"ATTACH '{other}' AS o",
        f"VACUUM INTO '{other}'",
        "DETACH main",
        f"ATTACH DATABASE 'file:{other}?mode=rwc' AS o",
    ):
        for operation in ("query", "execute"):
            with pytest.raises((PermissionDenied, ToolError)):
                await on_database(call, sql, operation)
    assert not other.exists()


async def test_sqlite_settings(call: Any, database: Path) -> None:
    before = bytes_of(database)
    for sql in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA writable_schema = ON",
        "PRAGMA temp_store_directory = '/'",
        "BEGIN",
        "COMMIT",
    ):
        for operation in ("query", "execute"):
            with pytest.raises(PermissionDenied):
                await on_database(call, sql, operation)
    for sql in (
        "INSERT INTO t VALUES (1)",
        "DROP TABLE t",
        "CREATE TABLE x (a)",
        "DELETE FROM t",
        "CREATE TEMP TABLE x (a)",
    ):
        with pytest.raises(PermissionDenied, match=r"change data|do this"):
            await on_database(call, sql)
    assert bytes_of(database) == before


async def test_sqlite_extensions(call: Any, database: Path) -> None:
    for sql in ("SELECT load_extension('x.so')", "SELECT readfile('/etc/passwd')", "SELECT fts3_tokenizer('simple')"):
        with pytest.raises((PermissionDenied, ToolError)):
            await on_database(call, sql)
    with pytest.raises(PermissionDenied):
        await on_database(call, "CREATE VIRTUAL TABLE v USING fts5(a)", "execute")


async def test_sqlite_endless(call: Any, database: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(LlmspellError, match="longer than 1000 ms"):
        await on_database(call, endless)
    with pytest.raises(LlmspellError, match="longer than 1000 ms"):
        await on_database(call, f"INSERT INTO t {endless}", "execute")
    assert (await on_database(call, "SELECT count(*) AS n FROM t"))["rows"] == [{"n": 1}]


async def test_sqlite_memory(call: Any, database: Path) -> None:
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000)"
    for sql in (
        "SELECT zeroblob(1000000000)",
        f"{many} SELECT randomblob(1000000) AS b FROM n ORDER BY b",
        f"{many} SELECT group_concat(hex(randomblob(5000))) FROM n",
        f"{many} SELECT hex(zeroblob(9000)) FROM n LIMIT 5000",
    ):
        with pytest.raises(LlmspellError):
            await on_database(call, sql, limit=10_000)


async def test_sqlite_injection(call: Any, database: Path) -> None:
    found = await on_database(call, "SELECT a FROM t WHERE a = ?", parameters=["x' OR '1'='1"])
    assert found["rows"] == []
    rows = {'t"; DROP TABLE x; --': [{'a") VALUES (1); --': 1}]}
    assert (await call(SqliteTool, {"operation": "tables", "data": rows}))["tables"][0]["columns"] == [
        'a") VALUES (1); --'
    ]


async def test_sqlite_views(call: Any, project: Path) -> None:
    """What a file of somebody else's declares is looked at as well."""
    db = sqlite3.connect(project / "output/a.db")
    db.executescript(
        """CREATE TABLE t (a); CREATE TABLE u (a);
        CREATE VIEW bad AS SELECT load_extension('x.so') AS a;
        CREATE TRIGGER more AFTER INSERT ON t BEGIN SELECT load_extension('x.so'); END;"""
    )
    db.close()
    with pytest.raises((PermissionDenied, ToolError)):
        await on_database(call, "SELECT * FROM bad")
    with pytest.raises((PermissionDenied, ToolError)):
        await on_database(call, "INSERT INTO t VALUES (1)", "execute")


async def test_sqlite_links(call: Any, database: Path, project: Path) -> None:
    outside = project.parent / "outside.db"
    outside.write_bytes(bytes_of(database))
    (project / "output/link.db").symlink_to(outside)
    os.mkfifo(project / "output/pipe.db")
    for path in ("output/link.db", "../outside.db", ".llmspell/x.db", "/etc/passwd"):
        for operation in ("query", "execute"):
            with pytest.raises(PermissionDenied):
                await on_database(call, "SELECT 1", operation, path=path)
    with pytest.raises(ToolError, match="special"):
        await on_database(call, "SELECT 1", path="output/pipe.db")
    with pytest.raises(PermissionDenied, match="sqlite may not read"):
        await call(SqliteTool, {"operation": "tables", "path": "output/a.db"}, options={"allowed_paths": ["data"]})


async def test_sqlite_size(call: Any, database: Path) -> None:
    small: dict[str, Any] = {"options": {"read_only": False, "max_file_size": 100_000}}
    grow = {"operation": "execute", "sql": "INSERT INTO t VALUES (zeroblob(90000))", "path": "output/a.db"}
    await call(SqliteTool, grow, **small)
    with pytest.raises(ToolError):
        await call(SqliteTool, grow, **small)
    assert len(bytes_of(database)) <= 110_000
    assert (await on_database(call, "SELECT count(*) AS n FROM t"))["rows"] == [{"n": 2}], "and the file is whole"


def one_page(drawn: bytes, *, kids: bytes = b"3 0 R", more: bytes = b"") -> bytes:
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count 1>>" % kids,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<<%s/Length %d>>stream\n%s\nendstream" % (more, len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    made, places = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, part in enumerate(parts, 1):
        places += b"%010d 00000 n \n" % len(made)
        made += b"%d 0 obj%s endobj\n" % (number, part)
    return made + b"xref\n0 6\n%strailer<</Root 1 0 R/Size 6>>\nstartxref\n%d\n%%%%EOF" % (places, len(made))


async def read_pdf(call: Any, project: Path, data: bytes, **more: Any) -> Any:
    (project / "x.pdf").write_bytes(data)
    return await call(PdfReaderTool, {"operation": "text", "path": "x.pdf", **more})


async def test_pdf_no_pdf(call: Any, project: Path) -> None:
    for data in (b"", b"hello", b"%PDF-1.4\n", b"%PDF-1.4\n" + os.urandom(3000), one_page(b"")[:300]):
        with pytest.raises(ToolError):
            await read_pdf(call, project, data)
    with pytest.raises(ToolError, match="Base64"):
        await call(PdfReaderTool, {"operation": "text", "base64": "%%%"})


async def test_pdf_inflating(call: Any, project: Path) -> None:
    packed = zlib.compress(b" " * 400_000_000, 9)
    with pytest.raises(ToolError, match=r"cannot be read|memory"):
        await read_pdf(call, project, one_page(packed, more=b"/Filter/FlateDecode"))


async def test_pdf_cycles(call: Any, project: Path) -> None:
    for kids in (b"2 0 R", b"2 0 R 3 0 R", b"99 0 R"):
        try:
            await asyncio.wait_for(read_pdf(call, project, one_page(b"BT ET", kids=kids)), 8)
        except (ToolError, TimeoutError):
            continue


async def test_pdf_endless(call: Any, project: Path) -> None:
    drawn = zlib.compress(b"BT /F 12 Tf " + b"(a) Tj " * 8_000_000 + b"ET", 9)
    await ends(read_pdf(call, project, one_page(drawn, more=b"/Filter/FlateDecode")), 2)


async def test_chart_too_large(call: Any) -> None:
    rows = [{"a": 1}]
    for wrong in ({"width": 100_000}, {"height": 1}, {"bins": 10**9}, {"rows": []}, {"rows": rows * 50_001}):
        with pytest.raises(SchemaError):
            await call(ChartGeneratorTool, {"operation": "bar", "rows": rows, **wrong})


async def test_chart_places(call: Any, project: Path) -> None:
    (project / "output/link.png").symlink_to(project.parent / "x.png")
    for path in ("a.png", "../a.png", "output/link.png", "output/.env.png"):
        with pytest.raises(PermissionDenied):
            await call(ChartGeneratorTool, {"operation": "bar", "rows": [{"a": 1}], "path": path})
    with pytest.raises(ToolError, match=r"does not end in \.svg"):
        await call(
            ChartGeneratorTool, {"operation": "bar", "rows": [{"a": 1}], "path": "output/a.png", "format": "svg"}
        )
    assert not (project.parent / "x.png").exists()


async def test_chart_numbers(call: Any) -> None:
    for cell in (1e308, 10**400, -1e200):
        with pytest.raises(ToolError, match="too large"):
            await call(ChartGeneratorTool, {"operation": "histogram", "rows": [{"a": 1}, {"a": cell}]})
    for rows in ([{"a": 0}], [{"a": 5e-324}, {"a": 0}], [{"a": 1e150}, {"a": -1e150}]):
        for kind in ("histogram", "line", "box"):
            assert (await call(ChartGeneratorTool, {"operation": kind, "rows": rows}))["points"] == len(rows)


async def test_cleaner_numbers(call: Any) -> None:
    huge = [{"id": n, "a": value} for n, value in enumerate([1.7e308, 1.7e308, -1.7e308, 1.7e308, None, 10**400])]
    for more in ({"outliers": "clip"}, {"missing": "mean"}, {"missing": {"a": "median"}}, {"types": {"a": "number"}}):
        try:
            found = await call(DataCleanerTool, {"operation": "clean", "rows": huge, **more})
        except ToolError:
            continue
        assert len(found["rows"]) == 6


async def test_diff_endless(call: Any) -> None:
    old, new = (
        "".join("ab"[n % 2] + "\n" for n in range(30_000)),
        "".join("ba"[n % 3 % 2] + "\n" for n in range(30_000)),
    )
    await ends(call(DiffTool, {"operation": "compare", "old": old, "new": new}))


async def test_diff_patch_sizes(call: Any) -> None:
    for patch in (
        "@@ -1,999999999 +1,999999999 @@\n a\n",
        "@@ -999999999 +1 @@\n-a\n+b\n",
        "@@ -0,0 +999999999 @@\n+b\n",
    ):
        try:
            found = await call(DiffTool, {"operation": "apply", "old": "a\n", "patch": patch})
        except ToolError:
            continue
        assert len(found["text"]) < 10


async def test_jsonpath_blow_up(call: Any) -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep, "b": [1]}
    await ends(call(JsonTool, {"operation": "query", "data": deep, "query": "$" + "..*" * 12 + ".zzz"}))


async def test_jsonpath_backtracking(call: Any) -> None:
    data = [{"a": "a" * 60 + "!"}]
    for pattern in ("(a|a)*(a|a)*b", "(.*a){25}$", "(a+)+b"):
        query = f"$[?search(@.a, '{pattern}')]"
        try:
            await asyncio.wait_for(call(JsonTool, {"operation": "query", "data": data, "query": query}), 2)
        except (ToolError, TimeoutError):
            continue


async def test_writer_links(call: Any, project: Path) -> None:
    outside = project.parent / "outside"
    outside.mkdir()
    (project / "output/link").symlink_to(outside)
    (project / "output/file").symlink_to(outside / "x")
    for path in ("link/x", "file", "../../outside/x", str(outside / "x"), "~/x", "a/../../x", ".env"):
        with pytest.raises((PermissionDenied, ToolError)):
            await call(FileWriterTool, {"path": path, "content": "x"})
    assert not list(outside.iterdir())
    with pytest.raises(ToolError, match="larger"):
        await call(FileWriterTool, {"path": "a", "content": "x" * 20}, options={"max_file_size": 10})
    with pytest.raises(PermissionDenied, match="leave such names out"):
        await call(FileWriterTool, {"path": "a.exe", "content": ""}, options={"allowed_extensions": ["md"]})


async def test_reader_places(call: Any, project: Path) -> None:
    (project.parent / "secret").write_text("secret")
    (project / "link").symlink_to(project.parent / "secret")
    for path in ("link", "../secret", ".env", "/proc/self/environ"):
        for tool, params in (
            (CsvReaderTool, {"file_path": path}),
            (MarkdownTool, {"operation": "to_text", "path": path}),
            (XmlTool, {"operation": "parse", "path": path}),
            (PdfReaderTool, {"operation": "text", "path": path}),
            (DiffTool, {"operation": "compare", "old_path": path, "new": ""}),
        ):
            with pytest.raises(PermissionDenied):
                await call(tool, params)


def test_table_is_full() -> None:
    short = {"files"}
    wanted = [abuse if kind in short else f"{kind}_{abuse}" for kind, abuses in KNOWN.items() for abuse in abuses]
    empty = [name for name in wanted if f"test_{name}" not in globals()]
    print("without a test:", empty)
    assert empty == []
