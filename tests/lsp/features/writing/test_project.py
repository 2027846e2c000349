"""Completion of what other files of the project name: agents, state keys, modules and what they export."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmspell_lsp.documents.document import Document
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.features.completion import complete
from llmspell_lsp.workspace.project import Project
from llmspell_lsp.workspace.snapshot import Snapshot

from .constructs import Language

FILES = {
    "cast.lua": 'local critic = Agent.new{ name = "critic" }\nState.set("verdict", 1)\nreturn { critic = critic }\n',
    "tools/helpers.js": "export function tidy(text) { return text; }\nexport const limit = 3;\n",
}


def offered(folder: Path, name: str, text: str) -> set[str]:
    """The labels at the mark of a file beside `FILES`."""
    (folder / "llmspell.toml").write_text("")
    for path, content in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content)
    before, _, after = text.partition("▮")
    language: Language = "lua" if name.endswith(".lua") else "javascript"
    path = folder / name
    document = Document(uri_of(str(path)), language, 1, before + after)
    project = Project({document.uri: document}, lambda: [str(folder)], environ={})
    project.opened(document)
    for _ in project.work():
        pass
    line = before.count("\n")
    snapshot = Snapshot(document, str(path), [str(folder)], project)
    found = complete(snapshot, line, len(before) - before.rfind("\n") - 1)
    return {each.label for each in found.all()} if found is not None else set()


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("spell.lua", 'Agent.get("▮")', {"critic"}),
        ("spell.js", 'Agent.get("▮")', {"critic"}),
        ("spell.lua", 'State.get("▮")', {"verdict"}),
        ("spell.lua", 'Workflow.sequential{ steps = { { agent = "▮" } } }', {"critic"}),
        ("spell.lua", 'local cast = require("▮")', {"cast"}),
        ("spell.lua", 'local cast = require("cast")\ncast.▮', {"critic"}),
        ("spell.lua", 'local cast = require("cast")\ncast.critic:▮', {"chat"}),
        ("spell.js", 'import { tidy } from "▮"', {"./"}),
        ("spell.js", 'import { tidy } from "./tools/▮"', {"helpers.js"}),
        ("spell.js", 'import { ▮ } from "./tools/helpers.js"', {"tidy", "limit"}),
    ],
)
def test_what_other_files_give_is_offered(name: str, text: str, wanted: set[str], tmp_path: Path) -> None:
    assert wanted <= offered(tmp_path, name, text)


def test_what_other_files_only_ask_for_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "other.lua").write_text('Agent.get("nobody")\n')
    assert "nobody" not in offered(tmp_path, "spell.lua", 'Agent.get("▮")')
