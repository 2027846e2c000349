"""Markdown, files, CSV files, PDF, differences and charts: what a model asks of them, and what it is told when wrong."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.tools.documents import charting, text_diff, text_patch
from llmspell.tools.documents.chart_generator import ChartGeneratorTool
from llmspell.tools.documents.csv_reader import CsvReaderTool
from llmspell.tools.documents.diff_tool import DiffTool
from llmspell.tools.documents.file_writer import FileWriterTool
from llmspell.tools.documents.markdown_tool import MarkdownTool
from llmspell.tools.documents.pdf_reader import PdfReaderTool

PAGE = """\
---
title: Notes
tags: [a, b]
day: 2026-03-01
---
# Notes

Some *text* with a [link](https://example.org) and ![a cat](cat.png).

## Data

| city | people |
|------|-------:|
| Oslo | 717710 |
| Rome |        |

- one
- two
  1. inner

## Code

```python
print(1)
```

### Below

The end.
"""


async def markdown(call: Any, operation: str, text: str = PAGE, **more: Any) -> Any:
    return await call(MarkdownTool, {"operation": operation, "text": text, **more})


async def test_markdown_takes_a_page_apart(call: Any) -> None:
    outline = await markdown(call, "outline")
    assert [(head["level"], head["text"], head["line"]) for head in outline["headings"]] == [
        (1, "Notes", 6),
        (2, "Data", 10),
        (2, "Code", 21),
        (3, "Below", 27),
    ]
    tables = await markdown(call, "tables")
    assert tables["tables"] == [{"columns": ["city", "people"], "rows": [["Oslo", "717710"], ["Rome", ""]], "line": 12}]
    links = await markdown(call, "links")
    assert links["links"] == [
        {"text": "link", "url": "https://example.org", "image": False},
        {"text": "a cat", "url": "cat.png", "image": True},
    ]
    code = await markdown(call, "code_blocks")
    assert code["code_blocks"] == [{"language": "python", "code": "print(1)\n", "line": 23}]
    section = await markdown(call, "section", heading="code")
    assert section["text"].startswith("## Code\n") and section["text"].endswith("The end.\n")
    matter = await markdown(call, "front_matter")
    assert matter["values"] == {"title": "Notes", "tags": ["a", "b"], "day": "2026-03-01"}
    assert matter["text"].startswith("# Notes")


async def test_markdown_becomes_text_and_html(call: Any) -> None:
    text = (await markdown(call, "to_text"))["text"]
    assert text.startswith("Notes\n\nSome text with a link and a cat.\n\nData\n\ncity\tpeople\nOslo\t717710\n")
    assert "- one\n- two\n  1. inner\n" in text and "print(1)" in text
    html = (await markdown(call, "to_html"))["html"]
    assert "<table>" in html and "title: Notes" not in html


async def test_markdown_reads_files_and_toml(call: Any, project: Path) -> None:
    (project / "page.md").write_bytes(b"\xef\xbb\xbf+++\r\na = 1\r\n+++\r\n# T\r\n")
    found = await call(MarkdownTool, {"operation": "front_matter", "path": "page.md"})
    assert found == {"values": {"a": 1}, "text": "# T\n"}
    assert (await markdown(call, "front_matter", "# T\n")) == {"values": {}, "text": "# T\n"}


async def test_markdown_says_what_is_wrong(call: Any) -> None:
    with pytest.raises(ToolError, match="no heading 'x'") as told:
        await markdown(call, "section", heading="x")
    assert "'Data'" in told.value.hint
    with pytest.raises(ToolError, match="no YAML in line 4"):
        await markdown(call, "front_matter", "---\na: b\nc: [\n---\n")
    with pytest.raises(SchemaError, match="needs `text` or `path`"):
        await call(MarkdownTool, {"operation": "outline"})


async def test_file_writer_stays_in_its_folder(call: Any, project: Path) -> None:
    found = await call(FileWriterTool, {"path": "a/b.md", "content": "é"}, options={"base_dir": "output/r"})
    assert found == {"path": "output/r/a/b.md", "size": 2, "created": True}
    more = {"operation": "append", "path": "a/b.md", "content": "!"}
    assert (await call(FileWriterTool, more, options={"base_dir": "output/r"}))["size"] == 3
    assert (project / "output/r/a/b.md").read_text() == "é!"
    with pytest.raises(ToolError, match="is there already"):
        await call(
            FileWriterTool, {"path": "a/b.md", "content": "", "overwrite": False}, options={"base_dir": "output/r"}
        )
    with pytest.raises(PermissionDenied, match=r"may not write.*leave it out"):
        await call(FileWriterTool, {"path": "../x", "content": ""}, options={"base_dir": "output/r"})
    with pytest.raises(PermissionDenied) as told:
        await call(FileWriterTool, {"path": "x", "content": ""}, options={"base_dir": "research"})
    assert "--allow-write" in told.value.hint, "an option narrows and never widens"


async def test_csv_reader_finds_delimiter_and_encoding(call: Any, project: Path) -> None:
    (project / "a.csv").write_bytes("name;price\nMüller;1.5\nBo;\n".encode("cp1252"))
    (project / "b.tsv").write_bytes("name\tprice\nMüller\t2\n".encode("utf-16"))
    found = await call(CsvReaderTool, {"file_path": "a.csv"})
    assert found["rows"] == [{"name": "Müller", "price": 1.5}, {"name": "Bo", "price": None}]
    assert (await call(CsvReaderTool, {"file_path": "b.tsv"}))["rows"] == [{"name": "Müller", "price": 2}]
    part = await call(CsvReaderTool, {"file_path": "a.csv", "limit": 1, "columns": ["name"]})
    assert part == {"rows": [{"name": "Müller"}], "columns": ["name"], "next_offset": 1}
    last = await call(CsvReaderTool, {"file_path": "a.csv", "limit": 1, "offset": 1})
    assert "next_offset" not in last
    with pytest.raises(PermissionDenied, match="csv_reader may not read"):
        await call(CsvReaderTool, {"file_path": "a.csv"}, options={"allowed_paths": ["output"]})


def test_csv_reader_knows_one_column() -> None:
    from llmspell.tools.documents.csv_reader import _delimiter

    assert [_delimiter(text) for text in ("a\n1\n", "a,b\n1,2\n", 'a|b\n"x,y"|2\n', "", "a;b\n1,5;2,5\n")] == [
        *(",", ","),
        *("|", ",", ";"),
    ]


TEXTS = st.lists(
    st.sampled_from(["a\n", "b\n", "\n", "é \x0c\n", " c\n", "-d\n", "@@ -1 +1 @@\n"]), max_size=12
).flatmap(lambda lines: st.sampled_from(["", "end", "\r"]).map(lambda end: "".join(lines) + end))


@settings(max_examples=300, deadline=None)
@given(old=TEXTS, new=TEXTS, around=st.integers(0, 4))
def test_what_compare_gives_apply_takes(old: str, new: str, around: int) -> None:
    found = text_diff.answer("compare", old, new, ["old", "new"], around, ignore_space=False)
    assert found["equal"] == (old == new)
    if found["diff"]:
        assert text_patch.apply(old, found["diff"])["text"] == new


@pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=TEXTS.filter(lambda text: "\r" not in text), new=TEXTS.filter(lambda text: "\r" not in text))
def test_gnu_patch_takes_what_compare_gives(old: str, new: str, tmp_path: Path) -> None:
    found = text_diff.answer("compare", old, new, ["old", "new"], 3, ignore_space=False)
    (tmp_path / "f").write_text(old, newline="")
    done = subprocess.run(
        ["patch", "-s", "--posix", "f"], cwd=tmp_path, input=found["diff"].encode(), capture_output=True, check=False
    )
    if found["diff"]:
        assert done.returncode == 0, done.stdout
        assert ((tmp_path / "f").read_bytes().decode() if (tmp_path / "f").exists() else "") == new


async def test_diff_reads_files_and_ignores_space(call: Any, project: Path) -> None:
    (project / "a").write_text("one  two\n")
    found = await call(DiffTool, {"operation": "compare", "old_path": "a", "new": "one two\n", "ignore_space": True})
    assert found == {"equal": True, "diff": "", "added": 0, "removed": 0}
    alike = await call(DiffTool, {"operation": "similarity", "old": "a b c d", "new": "a b c e"})
    assert 0.5 < alike["similarity"] < 1 and not alike["equal"]


async def test_diff_moves_and_refuses(call: Any) -> None:
    patch = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    moved = await call(DiffTool, {"operation": "apply", "old": "zero\none\ntwo\n", "patch": patch})
    assert moved == {"text": "zero\none\n2\n", "applied": 1}
    for old, wrong, said in (
        ("other\n", patch, "does not fit"),
        ("one\ntwo\n", "no patch", "no unified diff"),
        ("one\ntwo\n", patch + patch, "more than one file"),
        ("one\ntwo\n", "@@ -1,9 +1,9 @@\n one\n", "ends within"),
    ):
        with pytest.raises(ToolError, match=said):
            await call(DiffTool, {"operation": "apply", "old": old, "patch": wrong})


def pdf(*texts: str) -> bytes:
    """A document with one line of Helvetica a page."""
    count = len(texts)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * place) for place in range(count))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for place, text in enumerate(texts):
        drawn = b"BT /F 12 Tf 20 50 Td (%s) Tj ET" % text.encode("latin-1")
        parts.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 99]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>"
            % (5 + 2 * place)
        )
        parts.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn))
    made, places = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, part in enumerate(parts, 1):
        places += b"%010d 00000 n \n" % len(made)
        made += b"%d 0 obj%s endobj\n" % (number, part)
    size = len(parts) + 1
    return made + b"xref\n0 %d\n%strailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        places,
        size,
        len(made),
    )


async def test_pdf_reader_reads_pages(call: Any, project: Path) -> None:
    (project / "a.pdf").write_bytes(pdf("First page", "Second page", "Third"))
    found = await call(PdfReaderTool, {"operation": "text", "path": "a.pdf", "pages": "3,1-2"})
    assert [(page["page"], page["text"]) for page in found["pages"]] == [
        (3, "Third"),
        (1, "First page"),
        (2, "Second page"),
    ]
    cut = await call(PdfReaderTool, {"operation": "text", "path": "a.pdf"}, options={"max_pages": 1})
    assert (cut["page_count"], len(cut["pages"]), cut["truncated"]) == (3, 1, True)
    hits = await call(PdfReaderTool, {"operation": "search", "path": "a.pdf", "query": "PAGE", "pages": "2-"})
    assert hits["matches"] == [{"page": 2, "line": "Second page"}]
    with pytest.raises(ToolError, match="no page '4'"):
        await call(PdfReaderTool, {"operation": "text", "path": "a.pdf", "pages": "4"})


async def test_pdf_reader_tells_of_facts_bookmarks_and_passwords(call: Any, project: Path) -> None:
    writer = PdfWriter()
    for page in PdfReader(_file(project, pdf("One", "Two"))).pages:
        writer.add_page(page)
    writer.add_metadata({"/Title": "Plan", "/Author": "Ada", "/CreationDate": "D:20260301120000Z"})
    above = writer.add_outline_item(title="Start", page_number=0)
    writer.add_outline_item(title="Second", page_number=1, parent=above)
    writer.encrypt("opensesame", algorithm="AES-256")
    with (project / "b.pdf").open("wb") as file:
        writer.write(file)
    with pytest.raises(ToolError, match="needs a password"):
        await call(PdfReaderTool, {"operation": "info", "path": "b.pdf"})
    asked = {"path": "b.pdf", "password_variable": "PDF_KEY"}
    with pytest.raises(PermissionDenied, match="PDF_KEY"):
        await call(PdfReaderTool, {"operation": "info", **asked}, environ={"PDF_KEY": "opensesame"})
    given: dict[str, Any] = {"environ": {"PDF_KEY": "opensesame"}, "env": ["PDF_KEY"]}
    info = await call(PdfReaderTool, {"operation": "info", **asked}, **given)
    assert (info["page_count"], info["encrypted"], info["size"]) == (2, True, [300, 99])
    assert (info["info"]["title"], info["info"]["author"]) == ("Plan", "Ada")
    assert info["info"]["created"].startswith("2026-03-01T12:00:00")
    outline = await call(PdfReaderTool, {"operation": "outline", **asked}, **given)
    assert outline["outline"] == [
        {"title": "Start", "level": 1, "page": 1},
        {"title": "Second", "level": 2, "page": 2},
    ]


def _file(project: Path, data: bytes) -> Path:
    (project / "made.pdf").write_bytes(data)
    return project / "made.pdf"


ROWS = [{"city": "Oslo", "sales": 5, "cost": 2}, {"city": "Rome", "sales": 8, "cost": None}]


async def test_charts_are_pictures_of_the_size_asked_for(call: Any, project: Path) -> None:
    found = await call(
        ChartGeneratorTool,
        {"operation": "bar", "rows": ROWS, "path": "output/new/a.png", "width": 640, "height": 321},
    )
    data = (project / "output/new/a.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and struct.unpack(">II", data[16:24]) == (640, 321)
    assert (found["kind"], found["x"], found["y"], found["points"]) == ("bar", "city", ["sales", "cost"], 3)
    assert found["size"] == len(data) and "base64" not in found
    again = await call(ChartGeneratorTool, {"operation": "bar", "rows": ROWS, "width": 640, "height": 321})
    assert base64.b64decode(again["base64"]) == data, "the same table gives the same picture"


async def test_svg_holds_its_text_and_nothing_that_runs(call: Any) -> None:
    title = "</text><script>alert(1)</script> $x^2 & 東京"
    found = await call(
        ChartGeneratorTool, {"operation": "bar", "rows": ROWS, "format": "svg", "title": title, "horizontal": True}
    )
    root = fromstring(found["svg"])
    assert not [element for element in root.iter() if "script" in str(element.tag)]
    assert title in "".join(root.itertext()) and "Oslo" in "".join(root.itertext())


BASE: dict[str, Any] = {
    **dict.fromkeys(charting.GIVEN),
    "title": "",
    "horizontal": False,
    "log_scale": False,
    "width": 300,
    "height": 200,
    "format": "png",
}


@pytest.mark.parametrize("kind", ["line", "bar", "stacked_bar", "area", "scatter", "pie", "histogram", "box"])
def test_every_kind_is_drawn(kind: str) -> None:
    rows = [{"day": f"2026-03-0{n}", "a": n, "b": n * n} for n in range(1, 6)]
    found = charting.draw({**BASE, "operation": kind, "rows": rows, "y": ["a"] if kind == "pie" else ["a", "b"]})
    assert found["kind"] == kind and found["picture"].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("rows", "kind", "y"),
    [
        ([{"day": "2026-03-01", "a": 1}, {"day": "2026-03-02", "a": 2}], "line", ["a"]),
        (ROWS, "bar", ["sales", "cost"]),
        ([{"a": 1, "b": 2}, {"a": 3, "b": 4}], "scatter", ["b"]),
        ([{"a": n} for n in range(20)], "histogram", ["a"]),
        ([{"column": "a", "count": 9, "mean": 2, "standard_deviation": 1}], "bar", ["mean"]),
    ],
)
def test_visualize_chooses_what_suits(rows: list[dict[str, Any]], kind: str, y: list[str]) -> None:
    found = charting.draw({**BASE, "operation": "visualize", "rows": rows})
    assert (found["kind"], found["y"]) == (kind, y)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rows": [{"a": "x"}]}, "no column of numbers"),
        ({"rows": ROWS, "y": ["sale"]}, "no column 'sale'"),
        ({"rows": ROWS, "y": ["city"], "x": "sales"}, "is not a number"),
        ({"rows": [{"a": 0}, {"a": 1}], "log_scale": True}, "logarithmic"),
        ({"rows": [{"a": -1}], "operation": "pie"}, "pie needs"),
        ({"rows": [{"a": 1e200}]}, "too large to draw"),
        ({"rows": [{"n": f"{n}", "a": n} for n in range(300)]}, "more than 200 bars"),
    ],
)
def test_charts_say_what_is_wrong(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError, match=said):
        charting.draw({**BASE, "operation": "bar", **asked})
