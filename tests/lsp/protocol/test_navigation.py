"""Definition, references, rename and what else leads from place to place, through the real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell_lsp.documents.uris import uri_of

Server = Callable[..., Any]

TEXT = """-- 😀
local lib = require("lib")
local w = Workflow.sequential({ steps = {
  { name = "plan", agent = "writer", input = "😀 {{topic}}" },
  { agent = "writer", input = "😀 {{plan}}" },
} })
w:run({ topic = "x" })
lib.load()
"""
LIB = 'local M = {}\nfunction M.load() end\nAgent.new({ name = "writer" })\nreturn M\n'

CAPABILITIES: dict[str, Any] = {
    "textDocument": {
        "definition": {"linkSupport": True},
        "rename": {"prepareSupport": True},
        "documentLink": {"tooltipSupport": True},
    },
    "workspace": {
        "workspaceEdit": {"documentChanges": True, "changeAnnotationSupport": {"groupsOnLabel": True}},
        "fileOperations": {"willRename": True},
    },
}


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Callable[..., tuple[Any, str, str]]:
    """A client with a spell open and a module beside it."""

    def start(capabilities: dict[str, Any]) -> tuple[Any, str, str]:
        (tmp_path / "llmspell.toml").write_text("")
        (tmp_path / "lib.lua").write_text(LIB, encoding="utf-8")
        (tmp_path / "spell.lua").write_text(TEXT, encoding="utf-8")
        found = server()
        folder = uri_of(str(tmp_path))
        found.initialize(capabilities, rootUri=folder)
        uri, lib = f"{folder}/spell.lua", f"{folder}/lib.lua"
        found.open(lib, LIB)
        found.open(uri, TEXT, version=7)
        found.diagnostics(uri)
        return found, uri, lib

    return start


def at(uri: str, line: int, character: int, **more: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, **more}


def spot(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


# In UTF-16 the face before `{{plan}}` counts two.
PLAN_USE = spot(4, 36, 40)
PLAN_NAME = spot(3, 12, 16)


def test_definitions_with_and_without_links(client: Any) -> None:
    editor, uri, lib = client(CAPABILITIES)
    (link,) = editor.result("textDocument/definition", at(uri, 4, 37))
    assert link == {
        "originSelectionRange": PLAN_USE,
        "targetUri": uri,
        "targetRange": spot(3, 2, 61),
        "targetSelectionRange": PLAN_NAME,
    } | {"targetRange": link["targetRange"]}
    assert link["targetRange"]["start"]["line"] == 3
    (link,) = editor.result("textDocument/definition", at(uri, 7, 5))
    assert (link["targetUri"], link["targetSelectionRange"]) == (lib, spot(1, 11, 15))
    assert editor.result("textDocument/definition", at(uri, 0, 4)) is None
    (place,) = editor.result("textDocument/typeDefinition", at(uri, 6, 0))
    assert place["uri"].endswith("llmspell.gen.lua")
    assert editor.leave() == 0


def test_references_and_highlights(client: Any) -> None:
    editor, uri, lib = client({})
    where = at(uri, 3, 13)
    found = editor.result("textDocument/references", where | {"context": {"includeDeclaration": True}})
    assert found == [{"uri": uri, "range": PLAN_NAME}, {"uri": uri, "range": PLAN_USE}]
    found = editor.result("textDocument/references", where | {"context": {"includeDeclaration": False}})
    assert found == [{"uri": uri, "range": PLAN_USE}]
    shown = editor.result("textDocument/documentHighlight", where)
    assert shown == [{"range": PLAN_NAME, "kind": 3}, {"range": PLAN_USE, "kind": 2}]
    linked = editor.result("textDocument/linkedEditingRange", where)
    assert linked["ranges"] == [PLAN_NAME, PLAN_USE]
    found = editor.result("textDocument/references", at(uri, 7, 5, context={"includeDeclaration": True}))
    assert [each["uri"] for each in found] == [uri, lib]
    assert editor.leave() == 0


def test_rename_with_versions_and_notes(client: Any) -> None:
    editor, uri, lib = client(CAPABILITIES)
    assert editor.result("textDocument/prepareRename", at(uri, 7, 5)) == {
        "range": spot(7, 4, 8),
        "placeholder": "load",
    }
    edit = editor.result("textDocument/rename", at(uri, 7, 5, newName="read"))
    assert edit == {
        "documentChanges": [
            {
                "textDocument": {"uri": uri, "version": 7},
                "edits": [{"range": spot(7, 4, 8), "newText": "read"}],
            },
            {
                "textDocument": {"uri": lib, "version": 1},
                "edits": [{"range": spot(1, 11, 15), "newText": "read", "annotationId": "elsewhere"}],
            },
        ],
        "changeAnnotations": {
            "elsewhere": {"label": "In other files", "description": "The same name in other files of the project."}
        },
    }
    assert editor.leave() == 0


def test_rename_for_a_plain_client(client: Any) -> None:
    editor, uri, _ = client({})
    edit = editor.result("textDocument/rename", at(uri, 4, 38, newName="outline"))
    assert edit == {
        "changes": {uri: [{"range": PLAN_USE, "newText": "outline"}, {"range": PLAN_NAME, "newText": "outline"}]}
    }
    answer = editor.ask("textDocument/rename", at(uri, 2, 14, newName="x"))
    assert answer["error"]["code"] == -32803
    assert "is a name of llmspell" in answer["error"]["message"]
    answer = editor.ask("textDocument/prepareRename", at(uri, 2, 14))
    assert "is a name of llmspell" in answer["error"]["message"]
    assert editor.result("textDocument/prepareRename", at(uri, 0, 0)) is None
    assert editor.leave() == 0


def test_links_and_files_that_move(client: Any) -> None:
    editor, uri, lib = client(CAPABILITIES)
    (link,) = editor.result("textDocument/documentLink", {"textDocument": {"uri": uri}})
    assert link == {"range": spot(1, 21, 24), "target": lib, "tooltip": "the module"}
    moved = {"files": [{"oldUri": lib, "newUri": lib.replace("lib.lua", "tools.lua")}]}
    edit = editor.result("workspace/willRenameFiles", moved)
    (change,) = edit["documentChanges"]
    assert change["textDocument"]["uri"] == uri
    assert change["edits"] == [{"range": spot(1, 21, 24), "newText": "tools"}]
    nothing = {"files": [{"oldUri": f"{lib}x", "newUri": f"{lib}y"}]}
    assert editor.result("workspace/willRenameFiles", nothing) is None
    assert editor.leave() == 0


def test_who_calls_whom(client: Any) -> None:
    editor, uri, lib = client({})
    (step,) = editor.result("textDocument/prepareCallHierarchy", at(uri, 4, 37))
    assert (step["name"], step["detail"], step["selectionRange"]) == ("plan", "step 1: agent", PLAN_NAME)
    callers = editor.result("callHierarchy/incomingCalls", {"item": step})
    assert [(each["from"]["name"], each["fromRanges"][0]["start"]["line"]) for each in callers] == [
        ("workflow", 3),
        ("step_2", 4),
    ]
    workflow = callers[0]["from"]
    callees = editor.result("callHierarchy/outgoingCalls", {"item": workflow})
    assert [each["to"]["name"] for each in callees] == ["plan", "step_2"]
    (load,) = editor.result("textDocument/prepareCallHierarchy", at(lib, 1, 12))
    (caller,) = editor.result("callHierarchy/incomingCalls", {"item": load})
    assert (caller["from"]["name"], caller["fromRanges"]) == ("spell.lua", [spot(7, 4, 8)])
    assert editor.leave() == 0


def test_hover_says_what_a_variable_is(client: Any) -> None:
    editor, uri, _ = client({})
    found = editor.result("textDocument/hover", at(uri, 4, 37))
    assert found["range"] == PLAN_USE
    assert found["contents"]["value"].startswith("`{{plan}}`: what step 1 (agent) gives")
    assert editor.leave() == 0
