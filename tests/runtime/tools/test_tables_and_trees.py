"""XML, SQLite, cleaning and JSONPath: what a model asks of them, and what it is told when wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.tools.data import xml_tree
from llmspell.tools.data.data_cleaner import DataCleanerTool
from llmspell.tools.data.json_tool import JsonTool
from llmspell.tools.data.sqlite_tool import SqliteTool
from llmspell.tools.data.xml_tool import XmlTool

FEED = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><!-- a comment -->
  <title>News &amp; <![CDATA[<more>]]></title>
  <entry id="1"><title>One</title></entry>
  <entry id="2"><title>Two <b>bold</b> end</title></entry>
</feed>"""
ATOM = {"a": "http://www.w3.org/2005/Atom"}


async def find(call: Any, query: str, **more: Any) -> list[Any]:
    found = await call(XmlTool, {"operation": "query", "text": FEED, "query": query, "namespaces": ATOM, **more})
    return found["matches"]


async def test_xml_is_parsed_and_searched(call: Any) -> None:
    root = (await call(XmlTool, {"operation": "parse", "text": FEED, "namespaces": ATOM}))["element"]
    assert (root["name"], root["attributes"]) == ("a:feed", {"xml:lang": "en"})
    assert root["children"][0] == {"name": "a:title", "text": "News & <more>"}
    assert root["children"][2]["children"][0]["children"] == ["Two ", {"name": "a:b", "text": "bold"}, " end"]
    assert await find(call, "a:entry/@id") == ["1", "2"]
    assert await find(call, "a:entry[@id='2']/a:title/text()") == ["Two bold end"]
    assert await find(call, ".//a:b") == [{"name": "a:b", "text": "bold"}]
    assert await find(call, "//a:title/text()", limit=1) == ["News & <more>"]
    bare = (await call(XmlTool, {"operation": "parse", "text": FEED}))["element"]
    assert bare["name"] == "{http://www.w3.org/2005/Atom}feed"


async def test_xml_files_say_their_encoding(call: Any, project: Path) -> None:
    (project / "a.xml").write_bytes('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"))
    assert (await call(XmlTool, {"operation": "parse", "path": "a.xml"}))["element"] == {"name": "a", "text": "é"}
    given = {"operation": "parse", "text": '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'}
    assert (await call(XmlTool, given))["element"] == {"name": "a", "text": "é"}


async def test_xml_says_what_is_wrong(call: Any) -> None:
    for params, said in (
        ({"operation": "parse", "text": "<a><b></a>"}, "mismatched tag in line 1"),
        ({"operation": "parse", "text": ""}, "no element found"),
        ({"operation": "query", "text": "<a/>", "query": "b["}, "no path"),
        ({"operation": "query", "text": "<a/>", "query": "x:b"}, "no path"),
        ({"operation": "query", "text": "<a/>", "query": "/a"}, "starts at the document"),
        ({"operation": "build", "element": {"name": "a b"}}, "no name in XML"),
        ({"operation": "build", "element": {"name": "a", "children": [{"nome": "b"}]}}, "children.0. has 'nome'"),
        ({"operation": "build", "element": {"name": "a", "text": "\0"}}, "cannot hold"),
        ({"operation": "build", "element": {"name": "p:a"}}, "prefix 'p' is not known"),
    ):
        with pytest.raises(ToolError, match=said):
            await call(XmlTool, params)
    with pytest.raises(SchemaError, match="needs `query`"):
        await call(XmlTool, {"operation": "query", "text": "<a/>"})


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() and not set(text) & {"\ufffe", "\uffff"}
)
_NAMES = st.sampled_from(["a", "b-1", "_c", "é.d"])
_ELEMENTS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.fixed_dictionaries(
        {"name": _NAMES},
        optional={"attributes": st.dictionaries(_NAMES, _TEXT, min_size=1, max_size=2), "text": _TEXT},
    ),
    lambda inner: st.fixed_dictionaries({"name": _NAMES, "children": st.lists(inner, min_size=1, max_size=3)}),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(element=_ELEMENTS, indent=st.sampled_from([0, 2]))
def test_what_is_built_is_parsed_again(element: dict[str, Any], indent: int) -> None:
    text = xml_tree.build(element, {}, indent, True, 60, 1000)["text"]
    assert xml_tree.read(text, None, {}, 1, 60, 1000) == {"element": element}


@pytest.fixture
def shop(project: Path) -> Path:
    path = project / "output/shop.db"
    with sqlite3.connect(path) as db:
        db.executescript(
            """CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL DEFAULT 0, data BLOB);
            CREATE TABLE sale (item INTEGER REFERENCES item(id), n INTEGER);
            CREATE UNIQUE INDEX by_name ON item(name);
            CREATE VIEW cheap AS SELECT name FROM item WHERE price < 5;
            INSERT INTO item VALUES (1, 'pen', 2, x'00ff'), (2, 'book', 20, NULL);"""
        )
    db.close()
    return path


SHOP = {"path": "output/shop.db"}


async def test_sqlite_reads(call: Any, shop: Path) -> None:
    tables = await call(SqliteTool, {"operation": "tables", **SHOP})
    assert [(each["name"], each["type"], each["columns"]) for each in tables["tables"]] == [
        ("cheap", "view", ["name"]),
        ("item", "table", ["id", "name", "price", "data"]),
        ("sale", "table", ["item", "n"]),
    ]
    item = await call(SqliteTool, {"operation": "describe", "table": "Item", **SHOP})
    assert item["columns"][1] == {
        "name": "name",
        "type": "TEXT",
        "required": True,
        "primary_key": False,
        "default": None,
    }
    assert item["count"] == 2 and item["indexes"] == [{"name": "by_name", "unique": True, "columns": ["name"]}]
    sale = await call(SqliteTool, {"operation": "describe", "table": "sale", **SHOP})
    assert sale["foreign_keys"] == [{"column": "item", "table": "item", "other": "id"}]
    rows = await call(
        SqliteTool,
        {
            "operation": "query",
            "sql": "SELECT id, id, data FROM item WHERE name = :n",
            "parameters": {"n": "pen"},
            **SHOP,
        },
    )
    assert rows["rows"] == [{"id": 1, "id_2": 1, "data": {"base64": "AP8="}}]
    cut = await call(SqliteTool, {"operation": "query", "sql": "SELECT name FROM item", "limit": 1, **SHOP})
    assert (cut["count"], cut["truncated"]) == (1, True)
    each = {"operation": "query", "sql": "SELECT value FROM json_each(?)", "parameters": ["[1, 2]"], **SHOP}
    assert (await call(SqliteTool, each))["rows"] == [{"value": 1}, {"value": 2}]


async def test_sqlite_writes_where_it_may(call: Any, shop: Path, project: Path) -> None:
    insert = {"operation": "execute", "sql": "INSERT INTO item (name, price) VALUES (?, ?)", "parameters": ["cup", 3]}
    with pytest.raises(PermissionDenied, match="read_only"):
        await call(SqliteTool, {**insert, **SHOP})
    may: dict[str, Any] = {"options": {"read_only": False}}
    assert await call(SqliteTool, {**insert, **SHOP}, **may) == {"changed": 1, "last_id": 3}
    several = {"operation": "execute", "sql": "INSERT INTO sale VALUES (?, ?)", "batch": [[1, 5], [2, 6]], **SHOP}
    assert (await call(SqliteTool, several, **may))["changed"] == 2
    broken = {"operation": "execute", "sql": "INSERT INTO item (name) VALUES (?)", "batch": [["new"], ["pen"]], **SHOP}
    with pytest.raises(ToolError, match="UNIQUE"):
        await call(SqliteTool, broken, **may)
    count = await call(SqliteTool, {"operation": "query", "sql": "SELECT count(*) AS n FROM item", **SHOP})
    assert count["rows"] == [{"n": 3}], "all of a batch or none of it"
    made = {"operation": "execute", "sql": "CREATE TABLE t (a)", "path": "output/new/x.db", "create": True}
    assert (await call(SqliteTool, made, **may))["changed"] == 0
    assert (project / "output/new/x.db").stat().st_size > 0
    with pytest.raises(ToolError, match="does not exist"):
        await call(SqliteTool, {**made, "path": "output/y.db", "create": False}, **may)
    (project / "in.db").touch()
    with pytest.raises(PermissionDenied, match="may not write"):
        await call(SqliteTool, {**insert, "path": "in.db"}, **may)


async def test_sqlite_says_what_is_wrong(call: Any, shop: Path, project: Path) -> None:
    (project / "no.db").write_text("no database, although long enough " * 50)
    for params, said in (
        ({"sql": "SELECT * FROM absent", **SHOP}, "no such table"),
        ({"sql": "SELECT ?", "parameters": [], **SHOP}, "binding"),
        ({"sql": "SELECT 1; SELECT 2", **SHOP}, "more than one statement"),
        ({"sql": "SELEC 1", **SHOP}, "syntax error"),
        ({"sql": "SELECT 1", "path": "no.db"}, "no SQLite database"),
        ({"sql": "SELECT 1", "path": "gone.db"}, "does not exist"),
        ({"sql": "SELECT ?", "parameters": [2**70]}, "cannot be stored"),
    ):
        with pytest.raises(ToolError, match=said):
            await call(SqliteTool, {"operation": "query", **params})


async def clean(call: Any, rows: list[dict[str, Any]], **more: Any) -> Any:
    return await call(DataCleanerTool, {"operation": "clean", "rows": rows, "report": True, **more})


async def test_cleaning_takes_its_steps_in_order(call: Any) -> None:
    rows = [
        {"Name ": " Ada  L. ", "Age": "36", "Day": "01.03.2026"},
        {"Name ": "Ada L.", "Age": "36", "Day": "2026-03-01"},
        {"Name ": "Bob", "Age": "N/A", "Day": "soon"},
        {"Name ": "", "Age": None, "Day": " "},
    ]
    found = await clean(call, rows, snake_case=True, types={"day": "date"}, missing={"age": "mean"})
    assert found["rows"] == [
        {"name": "Ada L.", "age": 36, "day": "2026-03-01"},
        {"name": "Bob", "age": 36, "day": None},
    ]
    assert found["changes"] == {
        "rows_before": 4,
        "trimmed": 2,
        "emptied": 2,
        "converted": 3,
        "invalid": 1,
        "filled": 1,
        "outliers": 0,
        "empty_rows": 1,
        "missing_rows": 0,
        "duplicate_rows": 1,
    }


@pytest.mark.parametrize(
    ("missing", "more", "wanted"),
    [
        ("keep", {}, [1, None, 4, None]),
        ("drop", {}, [1, 4]),
        ("fill", {"fill_value": 0}, [1, 0, 4, 0]),
        ("mean", {}, [1, 2.5, 4, 2.5]),
        ("most_common", {}, [1, 1, 4, 1]),
        ("previous", {}, [1, 1, 4, 4]),
    ],
)
async def test_missing_cells(call: Any, missing: str, more: dict[str, Any], wanted: list[Any]) -> None:
    rows = [{"id": n, "v": value} for n, value in enumerate([1, None, 4, None])]
    found = await clean(call, rows, missing=missing, **more)
    assert [row["v"] for row in found["rows"]] == wanted


@pytest.mark.parametrize(
    ("way", "wanted"),
    [("drop", [1, 2, 3, 4]), ("empty", [1, 2, 3, 4, None]), ("clip", [1, 2, 3, 4, 7]), ("keep", [1, 2, 3, 4, 900])],
)
async def test_outliers(call: Any, way: str, wanted: list[Any]) -> None:
    rows = [{"id": f"n{n}", "v": value} for n, value in enumerate([1, 2, 3, 4, 900])]
    assert [row["v"] for row in (await clean(call, rows, outliers=way))["rows"]] == wanted


@pytest.mark.parametrize(
    ("kind", "cell", "wanted"),
    [
        ("number", "1,234.5", 1234.5),
        ("number", "007", None),
        ("integer", 2.5, None),
        ("boolean", "Yes", True),
        ("boolean", "perhaps", None),
        ("date", "March 1, 2026", "2026-03-01"),
        ("date", "03/04/2026", None),
        ("text", 5.0, "5"),
    ],
)
async def test_types(call: Any, kind: str, cell: Any, wanted: Any) -> None:
    found = await clean(call, [{"id": 1, "v": cell}], types={"v": kind})
    assert found["rows"][0]["v"] == wanted and type(found["rows"][0]["v"]) is type(wanted)


async def test_cleaning_says_what_is_wrong(call: Any) -> None:
    for more, said in (
        ({"types": {"b": "text"}}, "no column 'b'"),
        ({"rename": {"a": "x", "c": "x"}}, "two columns"),
        ({"missing": {"c": "mean"}}, "has no mean"),
        ({"unique_by": ["z"]}, "no column 'z'"),
    ):
        with pytest.raises(ToolError, match=said):
            await clean(call, [{"a": 1, "c": "x"}, {"a": 2, "c": None}], **more)
    with pytest.raises(SchemaError, match="fill_value"):
        await clean(call, [{"a": 1}], missing="fill")


BOOKS = {"books": [{"title": "A", "price": 8}, {"title": "B", "price": 30}], "price": 1}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("$.books[0].title", ["A"]),
        ("$.books[?@.price > 10].title", ["B"]),
        ("$..price", [1, 8, 30]),
        ("$.books[*].title", ["A", "B"]),
        ("$", [BOOKS]),
        ("$.none", []),
    ],
)
async def test_json_speaks_jsonpath(call: Any, query: str, wanted: list[Any]) -> None:
    found = await call(JsonTool, {"operation": "query", "data": BOOKS, "query": query})
    assert sorted(found["result"], key=repr) == sorted(wanted, key=repr)


async def test_a_bad_jsonpath_is_told(call: Any) -> None:
    for query in ("$[", "$.a[?", "$..[?foo(@)]"):
        with pytest.raises(ToolError, match="no JSONPath"):
            await call(JsonTool, {"operation": "query", "data": BOOKS, "query": query})
