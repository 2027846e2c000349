"""Code actions reach the client: with their edits, or resolved when they are chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Server = Callable[..., Any]

TEXT = 'return Agent.new{ systemPrompt = "x" }\n'
RESOLVES = {
    "textDocument": {"codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}},
    "workspace": {"workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]}},
}


def asked(uri: str, character: int, **context: Any) -> dict[str, Any]:
    at = {"line": 0, "character": character}
    return {"textDocument": {"uri": uri}, "range": {"start": at, "end": at}, "context": {"diagnostics": [], **context}}


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return (tmp_path / "spell.lua").as_uri()


def titled(actions: list[dict[str, Any]], title: str) -> dict[str, Any]:
    return next(each for each in actions if each["title"] == title)


def test_a_client_that_resolves_gets_the_edit_when_it_chooses(server: Server, uri: str) -> None:
    client = server()
    assert client.initialize(RESOLVES)["capabilities"]["codeActionProvider"]["resolveProvider"] is True
    client.open(uri, TEXT, version=3)
    action = titled(client.result("textDocument/codeAction", asked(uri, 20)), "Change to 'system_prompt'")
    assert "edit" not in action and action["isPreferred"]
    (part,) = client.result("codeAction/resolve", action)["edit"]["documentChanges"]
    assert part["textDocument"] == {"uri": uri, "version": 3}
    assert [each["newText"] for each in part["edits"]] == ["system_prompt"]
    client.change(uri, 4, {"text": "return 1\n"})
    assert "edit" not in client.result("codeAction/resolve", action)


def test_any_other_client_gets_it_at_once(server: Server, uri: str) -> None:
    client = server()
    client.initialize({})
    client.open(uri, TEXT)
    actions = client.result("textDocument/codeAction", asked(uri, 20))
    edit = titled(actions, "Change to 'system_prompt'")["edit"]["changes"][uri]
    place = {"start": {"line": 0, "character": 18}, "end": {"line": 0, "character": 30}}
    assert edit == [{"range": place, "newText": "system_prompt"}]
    assert not [each for each in actions if each["title"] == "Move the prompt into a file"]


def test_a_file_is_made_for_a_client_that_can(server: Server, uri: str, tmp_path: Path) -> None:
    client = server()
    client.initialize(RESOLVES)
    client.open(uri, TEXT)
    action = titled(client.result("textDocument/codeAction", asked(uri, 34)), "Move the prompt into a file")
    parts = client.result("codeAction/resolve", action)["edit"]["documentChanges"]
    prompt = (tmp_path / "prompts" / "prompt.md").as_uri()
    assert parts[0] == {"kind": "create", "uri": prompt}
    assert parts[1]["edits"][0]["newText"] == "x"
    assert not (tmp_path / "prompts").exists()


def test_on_save_everything_certain_is_mended(server: Server, uri: str) -> None:
    client = server()
    client.initialize({})
    client.open(uri, TEXT)
    (action,) = client.result("textDocument/codeAction", asked(uri, 0, only=["source.fixAll"]))
    assert action["kind"] == "source.fixAll.llmspell"
    assert action["edit"]["changes"][uri][0]["newText"] == "system_prompt"
    assert client.result("textDocument/codeAction", asked(uri, 20, only=["refactor.inline"])) == []


def test_an_action_names_the_diagnostic_that_it_mends(server: Server, uri: str) -> None:
    client = server()
    client.initialize({"textDocument": {"diagnostic": {}}})
    client.open(uri, TEXT)
    told = client.result("textDocument/diagnostic", {"textDocument": {"uri": uri}})["items"]
    actions = client.result("textDocument/codeAction", asked(uri, 20, diagnostics=told))
    assert titled(actions, "Change to 'system_prompt'")["diagnostics"] == told
