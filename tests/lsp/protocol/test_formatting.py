"""Formatting through the real server: announced where there is a program, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.lsp.features.formatting.formatters import install

Server = Callable[..., Any]
PLACE = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 1}}
OPTIONS = {"tabSize": 2, "insertSpaces": True}
TEXT = "local a = 1  \nprint(a)\nprint(2)  \n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With stylua, and no prettier."""
    install(tmp_path / "bin", "stylua")
    return {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}


def opened(client: Any, folder: Path, text: str = TEXT) -> dict[str, Any]:
    uri = (folder / "spell.lua").as_uri()
    client.open(uri, text)
    return {"textDocument": {"uri": uri}, "options": OPTIONS}


def edited(answer: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(each["range"]["start"]["line"], each["newText"]) for each in answer]


def test_a_client_that_cannot_be_told_later_is_told_at_once(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    client = server(env=environment)
    capabilities = client.initialize()["capabilities"]
    assert capabilities["documentFormattingProvider"] is True
    assert capabilities["documentRangeFormattingProvider"] is True
    params = opened(client, tmp_path)
    assert edited(client.result("textDocument/formatting", params)) == [(0, "local a = 1\n"), (2, "print(2)\n")]
    assert edited(client.result("textDocument/rangeFormatting", {**params, "range": PLACE})) == [(2, "print(2)\n")]


def test_a_client_that_can_is_told_for_the_languages_that_have_a_program(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    client = server(env=environment)
    dynamic = {"textDocument": {"formatting": {"dynamicRegistration": True}}}
    assert "documentFormattingProvider" not in client.initialize(dynamic)["capabilities"]
    told = client.notified("client/registerCapability")["registrations"]
    assert {each["method"] for each in told} == {"textDocument/formatting", "textDocument/rangeFormatting"}
    assert all(each["registerOptions"] == {"documentSelector": [{"language": "lua"}]} for each in told)
    assert edited(client.result("textDocument/formatting", opened(client, tmp_path)))


def test_without_a_program_there_is_no_such_method(server: Server, tmp_path: Path) -> None:
    client = server(env={**os.environ, "PATH": "/nowhere"})
    assert "documentFormattingProvider" not in client.initialize()["capabilities"]
    assert client.code("textDocument/formatting", opened(client, tmp_path)) == -32601


def test_a_text_that_cannot_be_formatted_stays_as_it_is(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    client = server(env=environment)
    client.initialize()
    assert client.result("textDocument/formatting", opened(client, tmp_path, "local x = = 1\n")) is None
    said = [each["params"]["message"] for each in client.seen if each.get("method") == "window/logMessage"]
    assert said == [
        "stylua: could not format from stdin: failed to format from stdin: error parsing: "
        "unexpected token `=` (1:9 to 1:10), expected an expression"
    ]
