"""What is wrong with a document reaches the client: pushed, or asked for by it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell_lsp.protocol.methods import Command
from llmspell_lsp.protocol.session import Session

Server = Callable[..., Any]
URI = "file:///spell.lua"

PUSHED = {"textDocument": {"publishDiagnostics": {"versionSupport": True, "relatedInformation": True}}}
PULLED = {
    "textDocument": {"diagnostic": {"relatedDocumentSupport": True}},
    "workspace": {"diagnostics": {"refreshSupport": True}},
}


def published(client: Any, uri: str = URI) -> dict[str, Any]:
    wanted = "textDocument/publishDiagnostics"
    return client.until(lambda message: message.get("method") == wanted and message["params"]["uri"] == uri)["params"]


def test_they_are_pushed_with_the_version_they_are_about(server: Server) -> None:
    client = server()
    result = client.initialize(PUSHED)
    assert "diagnosticProvider" not in result["capabilities"]
    client.open(URI, "local x = = 1\n", version=4)
    found = published(client)
    assert found["version"] == 4
    assert found["diagnostics"] == [
        {
            "range": {"start": {"line": 0, "character": 10}, "end": {"line": 0, "character": 11}},
            "severity": 1,
            "code": "syntax",
            "source": "llmspell",
            "message": "unexpected symbol near '='",
        }
    ]
    client.change(URI, 5, {"text": "local x = 1\nprint(x)\n"})
    assert published(client) == {"uri": URI, "version": 5, "diagnostics": []}


def test_they_are_taken_back_when_the_document_is_closed(server: Server) -> None:
    client = server()
    client.initialize(PUSHED)
    client.open(URI, "local x = = 1\n")
    assert published(client)["diagnostics"]
    client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert published(client) == {"uri": URI, "diagnostics": []}


def test_who_types_is_told_of_the_last_text_and_not_of_each(server: Server) -> None:
    client = server()
    client.initialize(PUSHED)
    client.open(URI, "", version=1)
    published(client)
    for version in range(2, 40):
        client.change(URI, version, {"text": "x = " * (version % 2) + "x = 1"})
    while published(client)["version"] != 39:
        pass
    told = [message for message in client.seen if message.get("method") == "textDocument/publishDiagnostics"]
    assert len(told) < 20


def test_what_opened_a_block_is_related(server: Server) -> None:
    client = server()
    client.initialize(PUSHED)
    client.open(URI, "local a\nif a then\n  print(a)\n")
    related = published(client)["diagnostics"][0]["relatedInformation"]
    assert related[0]["location"] == {
        "uri": URI,
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 9}},
    }
    other = server()
    other.initialize()
    other.open(URI, "local a\nif a then\n  print(a)\n")
    assert "relatedInformation" not in published(other)["diagnostics"][0]


def test_who_asks_for_them_is_not_told_unasked(server: Server) -> None:
    client = server()
    result = client.initialize(PULLED)
    assert result["capabilities"]["diagnosticProvider"]["workspaceDiagnostics"] is True
    client.open(URI, "x = = 1")
    first = client.result("textDocument/diagnostic", {"textDocument": {"uri": URI}})
    assert first["kind"] == "full"
    assert len(first["items"]) == 1
    again = {"textDocument": {"uri": URI}, "previousResultId": first["resultId"]}
    assert client.result("textDocument/diagnostic", again) == {"kind": "unchanged", "resultId": first["resultId"]}
    client.change(URI, 2, {"text": "x = 1"})
    changed = client.result("textDocument/diagnostic", again)
    assert (changed["kind"], changed["items"]) == ("full", [])
    assert not [message for message in client.seen if message.get("method") == "textDocument/publishDiagnostics"]


def test_of_a_document_that_is_not_open_nothing_is_said(server: Server) -> None:
    client = server()
    client.initialize(PULLED)
    assert client.result("textDocument/diagnostic", {"textDocument": {"uri": URI}}) == {"kind": "full", "items": []}
    assert client.code("textDocument/diagnostic", {"textDocument": {}}) == -32602


def test_two_who_ask_at_once_are_both_answered(server: Server) -> None:
    client = server()
    client.initialize(PULLED)
    client.open(URI, "x = = 1")
    for id_ in ("a", "b"):
        client.send({"id": id_, "method": "textDocument/diagnostic", "params": {"textDocument": {"uri": URI}}})
    assert client.answer("a")["result"]["resultId"] == client.answer("b")["result"]["resultId"]


def test_closing_ends_the_wait(server: Server) -> None:
    client = server()
    client.initialize(PULLED)
    client.open(URI, "x = 1\n" * 200_000)
    client.send({"id": "a", "method": "textDocument/diagnostic", "params": {"textDocument": {"uri": URI}}})
    client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    answer = client.answer("a")
    assert answer.get("error", {}).get("code") == -32802 or answer["result"]["items"] == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "inner").mkdir(parents=True)
    (folder / "node_modules").mkdir()
    (folder / "llmspell.toml").write_text("")
    (folder / "good.lua").write_text("return 1\n")
    (folder / "bad.lua").write_text("return = 1\n")
    (folder / "inner" / "bad.js").write_text("const = 1\n")
    (folder / "node_modules" / "theirs.js").write_text("const = 1\n")
    (folder / "inner" / "loop").symlink_to(folder)
    (folder / "self.lua").symlink_to(folder / "self.lua")
    (folder / "unreadable.lua").write_bytes(b"return '\xff\xfe'")
    os.mkfifo(folder / "pipe.lua")
    other = tmp_path / "other"
    other.mkdir()
    (other / "theirs.js").write_text("const = 1\n")
    return folder


def folders(*paths: Path) -> list[dict[str, str]]:
    return [{"uri": path.as_uri(), "name": path.name} for path in paths]


def test_the_whole_workspace_is_checked_on_demand(server: Server, project: Path) -> None:
    client = server()
    client.initialize(PULLED, workspaceFolders=folders(project, project.parent / "other"))
    client.open((project / "good.lua").as_uri(), "x = = 1")
    found = client.result("workspace/diagnostic", {"previousResultIds": [], "workDoneToken": 1})["items"]
    wrong = {Path(each["uri"]).name: len(each["items"]) for each in found}
    assert wrong == {"good.lua": 1, "bad.lua": 1, "bad.js": 1, "unreadable.lua": 0, "llmspell.toml": 0}
    known = [{"uri": each["uri"], "value": each["resultId"]} for each in found]
    again = client.result("workspace/diagnostic", {"previousResultIds": known})["items"]
    assert {each["kind"] for each in again} == {"unchanged"}
    assert any(message.get("method") == "$/progress" for message in client.seen)


def test_a_workspace_check_can_be_cancelled_and_does_not_stand_in_the_way(server: Server, project: Path) -> None:
    for number in range(300):
        (project / f"{number}.lua").write_text("return 1\n")
    client = server()
    client.initialize(PULLED, workspaceFolders=folders(project))
    client.send({"id": "all", "method": "workspace/diagnostic", "params": {"previousResultIds": []}})
    client.open(URI, "x = = 1")
    assert client.result("textDocument/diagnostic", {"textDocument": {"uri": URI}})["items"]
    client.notify("$/cancelRequest", {"id": "all"})
    answer = client.answer("all")
    assert answer.get("error", {}).get("code", -32800) == -32800


def test_what_changes_around_a_document_has_it_checked_anew(server: Server, project: Path) -> None:
    pushed = server()
    pushed.initialize(PUSHED)
    pushed.open(URI, "x = = 1")
    published(pushed)
    changed = {"changes": [{"uri": (project / "llmspell.toml").as_uri(), "type": 2}]}
    pushed.notify("workspace/didChangeWatchedFiles", changed)
    assert published(pushed)["diagnostics"]
    pulled = server()
    pulled.initialize(PULLED)
    pulled.notify("workspace/didChangeWatchedFiles", changed)
    assert pulled.until(lambda message: message.get("method") == "workspace/diagnostic/refresh")


def test_a_check_that_was_under_way_when_something_changed_tells_nothing(beside: Server) -> None:
    held: list[Callable[[None], None]] = []

    def hold(session: Session) -> None:
        session.compiler.compile = lambda *asked: held.append(asked[-1])

    def change(session: Session) -> None:
        session.checking.recheck()

    def answer(_session: Session) -> None:
        held.pop(0)(None)

    steps = {"hold": hold, "change": change, "answer": answer, "nothing": lambda _session: None}
    client = beside(commands=[Command(name, step) for name, step in steps.items()])
    client.initialize(PULLED)
    client.open(URI, "x = 1\n")

    def ask(id_: str) -> None:
        client.send({"id": id_, "method": "textDocument/diagnostic", "params": {"textDocument": {"uri": URI}}})

    def do(*names: str) -> None:
        for name in names:
            client.result("workspace/executeCommand", {"command": name})

    do("hold")
    ask("before")
    do("change")
    ask("after")
    do("answer", "nothing")
    assert not [message for message in client.seen if message.get("id") in ("before", "after")]
    do("answer")
    assert client.answer("before")["result"]["resultId"] == client.answer("after")["result"]["resultId"]
