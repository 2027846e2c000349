"""Chunks: where a file is cut, and that edits find the same chunks as a fresh reading."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell_lsp.documents.document import Document
from llmspell_lsp.syntax.chunks import Chunk, Chunks
from llmspell_lsp.syntax.skeleton import ScriptLanguage

EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/*/spell.*"))
SCRIPTS: list[tuple[ScriptLanguage, str]] = [
    ("lua" if path.suffix == ".lua" else "javascript", path.read_text(encoding="utf-8"))
    for path in EXAMPLES
    if path.suffix in {".lua", ".js"}
]
KEYS = [
    *[
        "",
        "\n",
        "\n\n",
        "{",
        "}",
        "(",
        ")",
        "[[",
        "]]",
        "`",
        "${",
        '"',
        "'",
        "\\",
        "--",
        "--[[",
        "/*",
        "*/",
        "\t",
        "😀",
    ],
    *["end\n", "\nlocal x = 1\n", "if x then\n", "function f()\n", "x = ", "do", "else", "const y = `a", "\r\n", "a."],
]


def starts(language: ScriptLanguage, text: str) -> list[int]:
    return [place.start for place in Chunks(Document("u", language, 1, text)).placed]


LUA = {
    "statements": ("local a = 1\n\nprint(a)\n", [0, 2]),
    "a table": ("local a = {\n  b = 1,\n}\nprint(a)", [0, 3]),
    "a comment belongs to what is below": ("-- about a\n---@type A\nlocal a = 1\nlocal b", [0, 3]),
    "a comment apart": ("-- the file\n\nlocal a", [0, 2]),
    "blank lines above": ("\n\nlocal a", [0]),
    "a body that is not indented": ("if a then\nprint(1)\nend\nprint(2)", [0, 3]),
    "a chain": ("local a = b\n  :c()\n:d()\nprint(a)", [0, 3]),
    "an operand on the next line": ("local a =\nf()\nlocal b", [0, 2]),
    "a keyword ends a half statement": ("local a =\nlocal b = 1", [0, 1]),
    "do on its own line": ("while a\ndo\n  b()\nend\nc()", [0, 4]),
    "a long text at column 0": ("a = [[\nlocal b\n]]\nc()", [0, 3]),
    "a long comment": ("--[[\nlocal b\n]]\nc()\nd()", [0, 4]),
    "a text with an escaped line end": ('a = "x\\\nlocal y"\nb()', [0, 2]),
    "brackets in texts and comments": ('a = "{"\n-- {\nb()', [0, 1]),
    "a half-typed table": ("local a = {\n  b = 1,\n\nlocal c = {\n  d = 1,\n}\ne()", [0, 3, 6]),
    "a half-typed function": ("local function f()\n  if a then\nend\nlocal b = 1\nprint(b)", [0, 3, 4]),
    "half-typed between": ("f(function()\nlocal a = {\nprint(1)\nend)\ng()", [0, 4]),
    "arguments in the next line": ('f\n{ a = 1 }\nrequire\n"x"', [0, 2]),
}
JAVASCRIPT = {
    "statements": ("const a = 1;\n\nprint(a)\n", [0, 2]),
    "an object": ("const a = {\n  b: 1,\n};\nf(a)", [0, 3]),
    "else": ("if (a) {\n  b\n}\nelse {\n  c\n}\nd", [0, 6]),
    "a body that is not indented": ("function f() {\na();\nb();\n}\nc();", [0, 4]),
    "a template at column 0": ("a = `\nconst b\n`;\nc()", [0, 3]),
    "an expression in a template": ("a = `${f({\n  b: `}`,\n})} `;\nc()", [0, 3]),
    "a regular expression": ("a = /[{/]`/;\nb = 1 / 2; // `\nc", [0, 1, 2]),
    "a comment": ("/**\n * about f\n */\nfunction f() {}\n// g\ng()", [0, 4]),
    "a chain": ("a\n  .b()\n.c()\nd()", [0, 3]),
    "a call in the next line": ("const f = g\n(h)\nk", [0, 2]),
    "a half-typed object": ("new Agent({\n  a: 1,\n\nconst c = {\n  d: 1,\n};\ne()", [0, 3, 6]),
    "a half-typed template": ("a(`x\nconst b = `y`;\nc()", [0, 1, 2]),
    "imports": ('import {\n  a,\n} from "b";\nimport c from "d";', [0, 3]),
}


@pytest.mark.parametrize("case", LUA)
def test_lua_is_cut_where_a_statement_begins_at_column_0(case: str) -> None:
    text, expected = LUA[case]
    assert starts("lua", text) == expected


@pytest.mark.parametrize("case", JAVASCRIPT)
def test_javascript_is_cut_where_a_statement_begins_at_column_0(case: str) -> None:
    text, expected = JAVASCRIPT[case]
    assert starts("javascript", text) == expected


def seen(chunks: Chunks) -> list[object]:
    return [(place.start, place.end, place.chunk.lines) for place in chunks.placed]


@settings(max_examples=120, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(range(len(SCRIPTS))))
def test_edits_find_the_chunks_of_a_fresh_reading(rng: random.Random, script: int) -> None:
    language, text = SCRIPTS[script]
    document = Document("u", language, 1, text)
    chunks = Chunks(document)
    for _ in range(8):
        for _ in range(rng.randrange(1, 3)):
            first = rng.randrange(len(document.lines))
            last = min(first + rng.choice([0, 0, 0, 1, 4]), len(document.lines) - 1)
            column = rng.choice([0, rng.randrange(len(document.lines[first]) + 1)])
            end = column + rng.choice([0, 1, 5]) if last == first else rng.randrange(len(document.lines[last]) + 1)
            document.edit(first, column, last, end, rng.choice(KEYS))
        chunks.update()
        fresh = Chunks(Document("u", language, 1, document.text))
        assert seen(chunks) == seen(fresh)
        assert chunks.skeletons == fresh.skeletons


@pytest.mark.parametrize("script", range(len(SCRIPTS)))
def test_chunks_cover_the_file_and_parse_as_well_as_the_whole(script: int) -> None:
    language, text = SCRIPTS[script]
    chunks = Chunks(Document("u", language, 1, text))
    lines = text.split("\n")
    at = 0
    for start, end, chunk in chunks.placed:
        assert start == at
        assert list(chunk.lines) == lines[start : start + len(chunk.lines)]
        assert not "".join(lines[start + len(chunk.lines) : end]).strip()
        assert chunk.tree.problems == []
        at = end
    assert at == len(lines)


def test_a_key_makes_one_chunk_anew_and_keeps_the_others() -> None:
    language, text = max(SCRIPTS, key=lambda script: len(script[1]))
    document = Document("u", language, 1, text)
    chunks = Chunks(document)
    before = {id(place.chunk) for place in chunks.placed}
    middle = chunks.placed[len(chunks.placed) // 2]
    document.edit(middle.start, 0, middle.start, 0, " \n")
    assert chunks.update()
    assert not chunks.update()
    assert sum(id(place.chunk) not in before for place in chunks.placed) <= 2
    assert chunks.at(len(document.lines) - 1).end == len(document.lines)
    assert chunks.between(0, len(document.lines)) == chunks.placed


def test_a_broken_chunk_remembers_what_stood_there_when_it_was_whole() -> None:
    document = Document("u", "lua", 1, "local a = 1\n\nlocal b = { c = 1 }\n")
    chunks = Chunks(document)
    whole = chunks.at(2).chunk
    assert not whole.broken
    for key in "= ( + {":
        document.edit(2, 10, 2, 10, key)
        chunks.update()
    broken = chunks.at(2).chunk
    assert broken.broken
    assert chunks.former(broken) is whole
    assert chunks.former(chunks.at(0).chunk) is None


@pytest.mark.parametrize("tail", ["", "("])
def test_of_a_function_of_thousands_of_lines_few_older_texts_are_kept(tail: str) -> None:
    body = "".join(f"  local name_{index} = {index}\n" for index in range(4_000))
    document = Document("file:///long.lua", "lua", 1, f"local function main()\n{body}end\n")
    chunks = Chunks.of(document)
    place = chunks.placed[0]
    assert not place.chunk.broken
    for key in range(10):
        document.edit(2, len(document.lines[2]), 2, len(document.lines[2]), f"{key}{tail}")
        place = Chunks.of(document).placed[0]
        assert place.chunk.broken == bool(tail)
        assert (chunks.former(place.chunk) is not None) == bool(tail)
    held = [each for each in gc.get_objects() if isinstance(each, Chunk) and each.lines[2:3] == place.chunk.lines[2:3]]
    assert len(held) == 1
    held = [each for each in gc.get_objects() if isinstance(each, Chunk) and len(each.lines) > 4_000]
    assert len(held) <= 5
