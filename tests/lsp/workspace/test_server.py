"""Modules, names, models, last runs and the files beside spells through the real server process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lsp.protocol.conftest import COMMAND, Process

from llmspell_lsp.documents.uris import uri_of

HINTS = {"codeLens": {"refreshSupport": True}, "inlayHint": {"refreshSupport": True}}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(capabilities: dict[str, Any] | None = None, **more: Any) -> Process:
        environ = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
        client = Process(COMMAND, tmp_path, env=environ)
        started.append(client)
        client.initialize(capabilities, workspaceFolders=[{"uri": uri_of(str(tmp_path)), "name": "x"}], **more)
        return client

    yield start
    for process in started:
        process.stop()


def labels(client: Process, uri: str, line: int, character: int) -> list[str]:
    at = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
    found = client.result("textDocument/completion", at)
    items = found["items"] if isinstance(found, dict) else found or []
    return [each["label"] for each in items]


def test_a_name_of_another_file(start: Callable[..., Process], tmp_path: Path) -> None:
    (tmp_path / "agents.lua").write_text("Agent.new{ name = 'from_afar' }\n")
    client = start()
    uri = uri_of(str(tmp_path / "spell.lua"))
    client.open(uri, "local a = Agent.get('')\n")
    client.diagnostics(uri)
    # The folder is read when nobody asks; names that have come have documents checked again.
    client.diagnostics(uri)
    assert "from_afar" in labels(client, uri, 0, 21)
    assert client.leave() == 0


def test_members_of_a_module_as_it_is_typed(start: Callable[..., Process], tmp_path: Path) -> None:
    client = start()
    module, uri = uri_of(str(tmp_path / "m.lua")), uri_of(str(tmp_path / "spell.lua"))
    client.open(module, "local M = {}\nfunction M.first() end\nreturn M\n")
    client.open(uri, "local m = require('m')\nm.\n")
    assert labels(client, uri, 1, 2) == ["first"]
    edit = {"range": {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 16}}, "text": "second"}
    client.change(module, 2, edit)
    assert labels(client, uri, 1, 2) == ["second"]
    assert labels(client, uri, 0, 19) == ["m"]
    assert client.leave() == 0


def test_the_last_run(start: Callable[..., Process], tmp_path: Path) -> None:
    path = tmp_path / "spell.lua"
    text = 'local a = Agent.new{ model = "offline/auto" }\nlocal x = a:chat("hello")\nerror("boom")\n'
    path.write_text(text)
    client = start({"workspace": HINTS}, initializationOptions={"commands": ["llmspell.openTrace"]})
    uri = uri_of(str(path))
    client.open(uri, text)
    client.diagnostics(uri)
    environ = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    subprocess.run(
        [sys.executable, "-m", "llmspell", "run", "spell.lua"], cwd=tmp_path, env=environ, timeout=60, check=False
    )
    asked = client.until(lambda message: message.get("method") == "workspace/codeLens/refresh")
    client.send({"id": asked["id"], "result": None})
    found = client.result("textDocument/codeLens", {"textDocument": {"uri": uri}})
    (lens,) = [each["command"] for each in found]
    assert lens["title"].startswith("last run failed after ") and lens["command"] == "llmspell.openTrace"
    (stored,) = lens["arguments"]
    assert Path(stored).is_file()
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 3, "character": 0}}
    hints = client.result("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": whole})
    assert [each["label"] for each in hints if each["position"]["line"] == 1] == ['= "(offline model) You said: hello"']

    def tells(message: dict[str, Any]) -> bool:
        published = message.get("method") == "textDocument/publishDiagnostics"
        return published and any(each["code"] == "last-run-error" for each in message["params"]["diagnostics"])

    seen = next(filter(tells, client.seen), None) or client.until(tells)
    (finding,) = [each for each in seen["params"]["diagnostics"] if each["code"] == "last-run-error"]
    assert finding["range"]["start"] == {"line": 2, "character": 0} and finding["message"] == "last run: boom"
    assert client.leave() == 0


def test_lenses_that_run_a_command_need_a_client_that_has_it(start: Callable[..., Process], tmp_path: Path) -> None:
    uri = uri_of(str(tmp_path / "spell.lua"))
    client = start()
    client.open(uri, "return 1\n")
    assert client.result("textDocument/codeLens", {"textDocument": {"uri": uri}}) == []
    client.leave()
    client = start(initializationOptions={"commands": ["llmspell.run", "llmspell.debug", 3]})
    client.open(uri, "return 1\n")
    found = client.result("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert [(each["command"]["command"], each["command"]["arguments"]) for each in found] == [
        ("llmspell.run", [str(tmp_path / "spell.lua")]),
        ("llmspell.debug", [str(tmp_path / "spell.lua")]),
    ]


@pytest.mark.parametrize(
    ("name", "text", "place", "offered", "code", "symbol"),
    [
        ("llmspell.toml", "[limits]\n\n[trac]\n", (1, 0), "cpu_seconds", "settings", "limits"),
        ("replies.json", '[{"match": "a", "mach": "b", "" }]', (0, 30), "text", "replies", "match a"),
    ],
)
@pytest.mark.parametrize("hierarchical", [True, False])
def test_files_beside_spells(
    start: Callable[..., Process], tmp_path: Path, name: str, text: str, place: tuple[int, int], offered: str, code: str,
    symbol: str, hierarchical: bool,
) -> None:  # fmt: skip
    client = start({"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": hierarchical}}})
    uri = uri_of(str(tmp_path / name))
    client.open(uri, text, language="x")
    assert code in [each["code"] for each in client.diagnostics(uri)]
    assert offered in labels(client, uri, *place)
    symbols = client.result("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert symbols[0]["name"] == symbol and ("location" in symbols[0]) != hierarchical
    line, character = (0, 2) if code == "settings" else (0, 4)
    at = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
    assert client.result("textDocument/hover", at)["contents"]["kind"] == "markdown"
    assert client.leave() == 0
