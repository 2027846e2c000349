"""Folders, files and settings: what we ask to be told, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.session import Session

Beside = Callable[..., Any]
AT = {"textDocument": {"uri": "file:///x.lua"}, "position": {"line": 0, "character": 0}}


def tell(session: Session, params: dict[str, Any]) -> Any:
    """What the session knows, as a hover."""
    return {"contents": f"{session.folders} {session.configuration}"}


@pytest.fixture
def client(beside: Beside) -> Any:
    return beside(Method("textDocument/hover", tell))


def known(client: Any) -> str:
    return client.result("textDocument/hover", AT)["contents"]


def test_the_client_is_asked_to_watch_files_and_for_settings_where_it_can(client: Any) -> None:
    client.initialize(
        {
            "workspace": {
                "configuration": True,
                "didChangeWatchedFiles": {"dynamicRegistration": True},
                "didChangeConfiguration": {"dynamicRegistration": True},
            }
        }
    )
    registered = client.notified("client/registerCapability")["registrations"]
    assert [each["method"] for each in registered] == [
        "workspace/didChangeWatchedFiles",
        "workspace/didChangeConfiguration",
    ]
    assert {"globPattern": "**/llmspell.toml"} in registered[0]["registerOptions"]["watchers"]
    asked = client.until(lambda message: message.get("method") == "workspace/configuration")
    assert asked["params"] == {"items": [{"section": "llmspell"}]}
    client.send({"id": asked["id"], "result": [{"a": 1}]})
    assert known(client) == "[] {'a': 1}"
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    again = client.until(lambda message: message.get("method") == "workspace/configuration")
    client.send({"id": again["id"], "result": [{"a": 2}]})
    assert known(client) == "[] {'a': 2}"


@pytest.mark.parametrize(
    "answer", [{"result": None}, {"result": []}, {"result": [None]}, {"error": {"code": 1, "message": "no"}}]
)
def test_a_client_without_settings_for_us_changes_nothing(client: Any, answer: dict[str, Any]) -> None:
    client.initialize({"workspace": {"configuration": True}})
    asked = client.until(lambda message: message.get("method") == "workspace/configuration")
    client.send({"id": asked["id"], **answer})
    assert known(client) == "[] {}"


def test_a_client_that_can_do_none_of_it_is_asked_nothing(client: Any) -> None:
    client.initialize()
    assert known(client) == "[] {}"
    assert not [message for message in client.seen if "id" in message and "method" in message]
    client.notify("workspace/didChangeConfiguration", {"settings": {"llmspell": {"b": 1}, "other": 2}})
    assert known(client) == "[] {'b': 1}"
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    client.notify("workspace/didChangeConfiguration", {})
    assert known(client) == "[] {'b': 1}"


@pytest.mark.parametrize(
    ("params", "folders"),
    [
        ({}, "[]"),
        ({"workspaceFolders": None, "rootUri": "file:///r%20s"}, "['/r s']"),
        ({"rootPath": "/p q"}, "['/p q']"),
        ({"rootUri": None, "rootPath": "/p"}, "['/p']"),
        ({"workspaceFolders": [], "rootUri": "file:///r"}, "[]"),
        (
            {
                "workspaceFolders": [
                    {"uri": "file:///a", "name": "a"},
                    {"uri": "vscode-remote://b", "name": "b"},
                    {"name": "c"},
                    3,
                ]
            },
            "['/a']",
        ),
        ({"workspaceFolders": "x", "rootUri": 7, "rootPath": []}, "[]"),
    ],
)
def test_the_folders_at_the_beginning(client: Any, params: dict[str, Any], folders: str) -> None:
    client.result("initialize", {"processId": None, "capabilities": {}, **params})
    assert known(client) == f"{folders} {{}}"


def test_folders_come_and_go(client: Any) -> None:
    client.initialize(workspaceFolders=[{"uri": "file:///a", "name": "a"}])
    event = {"added": [{"uri": "file:///b", "name": "b"}], "removed": [{"uri": "file:///a", "name": "a"}]}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [3, None, {}], "removed": None}})
    client.notify("workspace/didChangeWorkspaceFolders", {"event": 3})
    assert known(client) == "['/b'] {}"


@pytest.mark.parametrize("params", [{}, {"changes": 3}, {"changes": [3, {"uri": 3}, {"uri": "untitled:x", "type": 1}]}])
def test_senseless_file_events_are_no_reason_to_stop(client: Any, params: Any) -> None:
    client.initialize()
    client.notify("workspace/didChangeWatchedFiles", params)
    assert known(client) == "[] {}"
