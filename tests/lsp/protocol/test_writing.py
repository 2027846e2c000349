"""Completion, signature help and hints through the whole server, as different clients see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Process

URI = "file:///nowhere/spell.lua"
ITEM = "textDocument.completion.completionItem"


def capabilities(**item: Any) -> dict[str, Any]:
    return {"textDocument": {"completion": {"completionItem": item}}}


def defaults(**item: Any) -> dict[str, Any]:
    listed = {"completionItem": item, "completionList": {"itemDefaults": ["editRange"]}}
    return {"textDocument": {"completion": listed}}


Started = Callable[..., Process]


def position(text: str) -> tuple[str, dict[str, Any]]:
    before, _, after = text.partition("▮")
    line = before.count("\n")
    column = len(before) - before.rfind("\n") - 1
    return before + after, {"textDocument": {"uri": URI}, "position": {"line": line, "character": column}}


def completed(process: Process, text: str) -> dict[str, Any]:
    source, params = position(text)
    process.open(URI, source)
    return process.result("textDocument/completion", params)


def item(listed: dict[str, Any], label: str) -> dict[str, Any]:
    return next(each for each in listed["items"] if each["label"] == label)


def applied(text: str, listed: dict[str, Any], each: dict[str, Any]) -> str:
    """The text with an item put in, as a client without snippets does it."""
    source, _ = position(text)
    line_edits: list[tuple[dict[str, Any], str]] = []
    edit = each.get("textEdit")
    if edit is None:
        place = listed["itemDefaults"]["editRange"]
        line_edits.append((place.get("replace", place), each.get("textEditText", each["label"])))
    else:
        line_edits.append((edit.get("replace", edit.get("range")), edit["newText"]))
    line_edits += [(more["range"], more["newText"]) for more in each.get("additionalTextEdits", ())]
    lines = source.split("\n")
    for place, new in sorted(line_edits, key=lambda one: -one[0]["start"]["character"]):
        line = place["start"]["line"]
        lines[line] = lines[line][: place["start"]["character"]] + new + lines[line][place["end"]["character"] :]
    return "\n".join(lines)


MEMBER = "local writer = Agent.new{}\nwriter.ch▮\n"


def test_a_client_without_snippets_gets_plain_text(server: Started) -> None:
    process = server()
    process.initialize(capabilities())
    listed = completed(process, MEMBER)
    assert listed["isIncomplete"] is False
    chat = item(listed, "chat")
    assert "insertTextFormat" not in chat
    assert applied(MEMBER, listed, chat) == "local writer = Agent.new{}\nwriter:chat\n"
    assert "$" not in json.dumps(listed)


def test_a_client_with_snippets_gets_the_brackets_too(server: Started) -> None:
    process = server()
    process.initialize(capabilities(snippetSupport=True))
    listed = completed(process, MEMBER)
    chat = item(listed, "chat")
    assert chat["insertTextFormat"] == 2
    assert applied(MEMBER, listed, chat) == "local writer = Agent.new{}\nwriter:chat($0)\n"


def test_a_range_for_all_items_makes_the_answer_small(server: Started) -> None:
    large, small = server(), server()
    large.initialize(capabilities(snippetSupport=True))
    small.initialize(defaults(snippetSupport=True))
    text = "pri▮\n"
    with_ranges, without = completed(large, text), completed(small, text)
    assert [each["label"] for each in with_ranges["items"]] == [each["label"] for each in without["items"]]
    assert not any("textEdit" in each for each in without["items"])
    assert len(json.dumps(without)) < 0.75 * len(json.dumps(with_ranges))
    for label in ("print", "Agent"):
        one, other = item(with_ranges, label), item(without, label)
        assert applied(text, with_ranges, one) == applied(text, without, other)


@pytest.mark.parametrize("make", [capabilities, defaults])
def test_a_client_may_choose_between_putting_in_and_replacing(
    server: Started, make: Callable[..., dict[str, Any]]
) -> None:
    process = server()
    process.initialize(make(insertReplaceSupport=True))
    listed = completed(process, "local writer = Agent.new{}\nwriter:ch▮at()\n")
    chat = item(listed, "chat")
    place = chat.get("textEdit") or listed["itemDefaults"]["editRange"]
    assert place["insert"]["end"]["character"] == 9
    assert place["replace"]["end"]["character"] == 11


def test_documentation_comes_when_it_is_looked_at(server: Started) -> None:
    process = server()
    process.initialize(capabilities(documentationFormat=["markdown", "plaintext"]))
    listed = completed(process, MEMBER)
    assert not any("documentation" in each for each in listed["items"])
    resolved = process.result("completionItem/resolve", item(listed, "chat"))
    assert resolved["documentation"]["kind"] == "markdown"
    assert "Agent.chat" in resolved["documentation"]["value"]
    key = item(completed(server_text(process, "Agent.new{ ▮ }"), "Agent.new{ ▮ }"), "temperature")
    assert "0 to 2" in process.result("completionItem/resolve", key)["documentation"]["value"]
    unknown = {"label": "x", "data": [999999, 3]}
    assert process.result("completionItem/resolve", unknown) == unknown


def server_text(process: Process, text: str) -> Process:
    """The document closed, so that it can be opened with another text."""
    process.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert "▮" in text
    return process


def test_a_deprecated_function_is_struck_through_where_that_can_be_shown(server: Started) -> None:
    plain, marked = server(), server()
    plain.initialize(capabilities())
    marked.initialize(capabilities(tagSupport={"valueSet": [1]}))
    text = "--- @deprecated\nlocal function old() end\nol▮\n"
    assert "tags" not in item(completed(plain, text), "old")
    assert item(completed(marked, text), "old")["tags"] == [1]


def test_a_command_after_an_item_only_where_the_client_names_it(server: Started) -> None:
    named, silent = server(), server()
    options = {"commands": ["editor.action.triggerParameterHints"]}
    named.initialize(capabilities(snippetSupport=True), initializationOptions=options)
    silent.initialize(capabilities(snippetSupport=True))
    command = item(completed(named, MEMBER), "chat")["command"]
    assert command["command"] == "editor.action.triggerParameterHints"
    assert "command" not in json.dumps([each.get("command", "") for each in completed(silent, MEMBER)["items"]])


def test_columns_of_items_are_in_the_client_s_units(server: Started) -> None:
    process = server()
    process.initialize(capabilities())
    source = 'local writer = Agent.new{}\nlocal s = "😀😀" writer:ch'
    process.open(URI, source)
    params = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 26}}
    edit = item(process.result("textDocument/completion", params), "chat")["textEdit"]
    assert edit["range"]["start"]["character"] == 24
    assert edit["range"]["end"]["character"] == 26


def test_signature_help(server: Started) -> None:
    process = server()
    information = {"parameterInformation": {"labelOffsetSupport": True}, "documentationFormat": ["markdown"]}
    process.initialize({"textDocument": {"signatureHelp": {"signatureInformation": information}}})
    source, params = position("State.set('k', ▮)")
    process.open(URI, source)
    found = process.result("textDocument/signatureHelp", params)
    shown = found["signatures"][found["activeSignature"]]
    start, end = shown["parameters"][found["activeParameter"]]["label"]
    assert shown["label"][start:end] == "value?"
    assert shown["documentation"]["kind"] == "markdown"


def test_the_form_that_was_chosen_stays_chosen(server: Started) -> None:
    process = server()
    process.initialize()
    source, params = position("Agent.new(▮")
    process.open(URI, source)
    shown = process.result("textDocument/signatureHelp", params)
    assert (len(shown["signatures"]), shown["activeSignature"]) == (2, 0)
    context = {"triggerKind": 3, "isRetrigger": True, "activeSignatureHelp": {**shown, "activeSignature": 1}}
    assert process.result("textDocument/signatureHelp", {**params, "context": context})["activeSignature"] == 1


def test_hints(server: Started) -> None:
    process = server()
    process.initialize(initializationOptions={"inlayHints": {"types": True}})
    process.open(URI, "local a = Agent.new{}\nAsync.sleep(500)\n")
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
    found = process.result("textDocument/inlayHint", {"textDocument": {"uri": URI}, "range": place})
    assert [(each["label"], each["kind"]) for each in found] == [(": Agent", 1), ("milliseconds:", 2)]
