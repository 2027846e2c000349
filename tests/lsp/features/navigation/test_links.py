"""The links of a text, and what the files of a project are told when one of them moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.features.links import links
from llmspell_lsp.features.moving import moved

Spell = Callable[..., Any]

CASES: list[tuple[str, str, list[str]]] = [
    ("lua", 'local m = require("«lib»")', ["lib.lua"]),
    ("lua", 'local m = require("«deep.tool»")', ["deep/tool.lua"]),
    ("javascript", 'import { a } from "«./lib.js»";\nexport { b } from "«./deep/tool.js»";', ["lib.js", "deep/tool.js"]),
    ("lua", 'Agent.new({ system_prompt = "See «https://example.org/a?b=c#d»." })', ["https://example.org/a?b=c#d"]),
    ("lua", 'AuditLogger.new({ path = "«notes.md»" })\nlocal x = "missing.md"', ["notes.md"]),
    ("javascript", "const x = '«notes.md»';\nconst y = `😀 «https://example.org» é`;", ["notes.md", "https://example.org"]),
    ("lua", "-- https://example.org\nlocal x = 'no.thing'", []),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "targets"), CASES, ids=[each[1] for each in CASES])
def test_links(spell: Spell, language: str, text: str, targets: list[str]) -> None:
    here = spell(language, "▮" + text, lib="", deep__tool="")
    (here.folder / "notes.md").write_text("")
    found = links(here.snapshot)
    name = here.name(here.snapshot.document.uri)
    assert [tuple(each.span) for each in found] == here.marks[name]
    assert [each.target for each in found] == [
        each if "://" in each else uri_of(str(here.folder / each)) for each in targets
    ]


def after(here: Any, old: str, new: str) -> dict[str, str]:
    project = here.snapshot.project
    found: dict[str, str] = {}
    for each in moved(project, uri_of(str(here.folder / old)), uri_of(str(here.folder / new))):
        copy = Document(each.document.uri, each.document.language, 1, each.document.text)
        for span, text in each.edits:
            copy.edit(*span, text)
        found[each.document.uri.rpartition("/")[2]] = copy.text
    return found


@pytest.mark.parametrize(
    ("language", "text", "old", "new", "expected"),
    [
        ("lua", 'require("lib")', "lib.lua", "other.lua", 'require("other")'),
        ("lua", 'require("lib")', "lib.lua", "deep/lib.lua", 'require("deep.lib")'),
        ("lua", 'require("deep.tool")', "deep", "flat", 'require("flat.tool")'),
        ("lua", 'require("deep/tool")', "deep/tool.lua", "deep/other.lua", 'require("deep/other")'),
        ("javascript", 'import "./lib.js";', "lib.js", "deep/other.js", 'import "./deep/other.js";'),
        ("javascript", 'import a from "./lib";', "lib.js", "other.js", 'import a from "./other";'),
        ("javascript", 'export { a } from "./deep/tool.js";', "deep", "flat", 'export { a } from "./flat/tool.js";'),
    ],
)
def test_imports_follow_a_file_that_moves(
    spell: Spell, language: str, text: str, old: str, new: str, expected: str
) -> None:
    here = spell(language, "▮" + text, lib="", deep__tool="")
    ending = ".lua" if language == "lua" else ".js"
    assert after(here, old, new) == {f"spell{ending}": expected}


def test_a_file_that_moves_finds_its_own_imports_again(spell: Spell) -> None:
    here = spell("javascript", '▮import { a } from "./lib.js";', lib="export const a = 1;")
    assert after(here, "spell.js", "deep/spell.js") == {"spell.js": 'import { a } from "../lib.js";'}


def test_a_file_that_nobody_imports_tells_nobody(spell: Spell) -> None:
    here = spell("lua", '▮require("lib")', lib="", deep__tool="")
    assert after(here, "deep/tool.lua", "deep/other.lua") == {}
    assert after(here, "missing.lua", "other.lua") == {}
