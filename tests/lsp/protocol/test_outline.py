"""Outline, folds, selections and semantic tokens, as a client gets them from the real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Server = Callable[..., Any]
URI = "file:///spell.lua"
TEXT = """\
--- Says it. 100 %d
local function greet(name)
  return "😀" .. name
end

local a = Agent.new({
  name = "é",
})
greet(a)
"""
HIERARCHY = {"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True}}}


@pytest.fixture(params=["utf-8", "utf-16", "utf-32"])
def encoding(request: pytest.FixtureRequest) -> str:
    return request.param


def started(server: Server, capabilities: dict[str, Any], text: str = TEXT) -> Any:
    client = server()
    client.initialize(capabilities)
    client.open(URI, text)
    return client


def of(uri: str = URI, **more: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, **more}


def test_an_outline_is_a_tree_or_flat_as_the_client_can(server: Server) -> None:
    client = started(server, HIERARCHY, "local M = { go = function() end }\nlocal p = 1 -- 100 %\n")
    tree = client.result("textDocument/documentSymbol", of())
    assert [(each["name"], [child["name"] for child in each.get("children", [])]) for each in tree] == [
        ("M", ["go"]),
        ("p", []),
    ]
    assert tree[0]["children"][0]["selectionRange"]["start"] == {"line": 0, "character": 12}
    client.change(URI, 2, {"range": _at(0, 0), "text": "\n\n"})
    moved = client.result("textDocument/documentSymbol", of())
    assert moved[1]["range"]["start"] == {"line": 3, "character": 0}
    assert client.leave() == 0

    client = started(server, {}, "local M = { go = function() end }\n")
    flat = client.result("textDocument/documentSymbol", of())
    assert [(each["name"], each.get("containerName"), each["location"]["uri"]) for each in flat] == [
        ("M", None, URI),
        ("go", "M", URI),
    ]


def test_folds_by_lines_and_by_characters(server: Server) -> None:
    client = started(server, {"textDocument": {"foldingRange": {"lineFoldingOnly": True, "rangeLimit": 1}}})
    assert client.result("textDocument/foldingRange", of()) == [{"startLine": 1, "endLine": 2}]
    assert client.leave() == 0
    client = started(server, {})
    assert client.result("textDocument/foldingRange", of()) == [
        {"startLine": 1, "startCharacter": 26, "endLine": 3, "endCharacter": 0},
        {"startLine": 5, "startCharacter": 21, "endLine": 7, "endCharacter": 0},
    ]


def test_a_selection_grows_for_each_place(server: Server) -> None:
    client = started(server, {})
    places = [{"line": 8, "character": 7}, {"line": 0, "character": 5}]
    first, second = client.result("textDocument/selectionRange", of(positions=places))
    assert first["range"] == {"start": {"line": 8, "character": 6}, "end": {"line": 8, "character": 7}}
    assert first["parent"]["range"] == {"start": {"line": 8, "character": 5}, "end": {"line": 8, "character": 8}}
    while "parent" in second:
        second = second["parent"]
    assert second["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}


def test_tokens_count_in_the_clients_units(server: Server, encoding: str) -> None:
    client = server()
    legend = client.initialize({"general": {"positionEncodings": [encoding]}})["capabilities"]["semanticTokensProvider"]
    client.open(URI, TEXT)
    data = client.result("textDocument/semanticTokens/full", of())["data"]
    wide = {"utf-8": 4, "utf-16": 2, "utf-32": 1}[encoding]
    # `name` after the emoji: two lines below the header, behind `return "😀" .. `.
    assert [2 - 1, 9 + 2 + wide + 4, 4] in [data[at : at + 3] for at in range(0, len(data), 5)]
    assert legend["full"] == {"delta": True} and legend["range"] is True
    kinds = {legend["legend"]["tokenTypes"][data[at + 3]] for at in range(0, len(data), 5)}
    assert {"function", "class", "method", "property", "parameter", "variable"} <= kinds
    part = client.result("textDocument/semanticTokens/range", of(range=_at(5, 0)))["data"]
    assert part[0] == 5


def test_deltas_lead_to_what_there_is(server: Server) -> None:
    client = started(server, {})
    answer = client.result("textDocument/semanticTokens/full", of())
    id_, data = answer["resultId"], answer["data"]
    same = client.result("textDocument/semanticTokens/full/delta", of(previousResultId=id_))
    assert same == {"resultId": id_, "edits": []}
    for version, (line, text) in enumerate([(8, "local b = a\n"), (0, "\n"), (4, "x = greet\n"), (0, "-- c\n\n")], 2):
        client.change(URI, version, {"range": _at(line, 0), "text": text})
        answer = client.result("textDocument/semanticTokens/full/delta", of(previousResultId=id_))
        for edit in answer["edits"]:
            data[edit["start"] : edit["start"] + edit["deleteCount"]] = edit.get("data", [])
        assert data == client.result("textDocument/semanticTokens/full", of())["data"]
        id_ = answer["resultId"]
    assert "data" in client.result("textDocument/semanticTokens/full/delta", of(previousResultId="from nowhere"))


def test_symbols_are_found_in_files_that_are_not_open(server: Server, tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text("")
    (tmp_path / "far.lua").write_text('local M = {}\nfunction M.greetEverybody() end\nAgent.new({ name = "writer" })\n')
    (tmp_path / "other.js").write_text("export function greet() {}\n")
    client = server()
    client.initialize(workspaceFolders=[{"uri": tmp_path.as_uri(), "name": "x"}])
    client.open((tmp_path / "here.lua").as_uri(), "local function regreet() end\n")
    client.diagnostics((tmp_path / "here.lua").as_uri())

    def found(query: str) -> list[str]:
        return [each["name"] for each in client.result("workspace/symbol", {"query": query})]

    assert found("greet") == ["greet", "M.greetEverybody", "regreet"]
    assert found("gEy") == ["M.greetEverybody"]
    assert found("writer") == ["writer"]
    assert found("nothing like it") == []


@pytest.mark.parametrize(
    "method",
    ["foldingRange", "semanticTokens/full", "selectionRange"],
)
def test_of_what_is_no_script_nothing_is_said(server: Server, method: str) -> None:
    client = server()
    client.initialize()
    client.open("file:///llmspell.toml", "[defaults]\n", "toml")
    asked = of("file:///llmspell.toml", positions=[{"line": 0, "character": 0}])
    assert not client.result(f"textDocument/{method}", asked)
    assert client.result(f"textDocument/{method}", of("file:///not-open.lua", positions=[])) is None


def _at(line: int, character: int) -> dict[str, Any]:
    place = {"line": line, "character": character}
    return {"start": place, "end": place}
