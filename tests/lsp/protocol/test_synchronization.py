"""Open documents follow the client, whatever it does. Seen through a request that gives the text back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.params import document_uri
from llmspell_lsp.protocol.session import Session

Beside = Callable[..., Any]
URI = "file:///spell.lua"


def tell(session: Session, params: dict[str, Any]) -> Any:
    """The text as a hover."""
    document = session.snapshot(document_uri(params)).document
    return {"contents": document.text}


def place(session: Session, params: dict[str, Any]) -> Any:
    """The position as a highlight of the character there."""
    snapshot, line, column = session.place(params)
    return [{"range": session.range(snapshot, (line, column, line, column + 1))}]


METHODS = (Method("textDocument/hover", tell), Method("textDocument/documentHighlight", place))


@pytest.fixture
def client(beside: Beside) -> Any:
    wire = beside(*METHODS)
    wire.initialize()
    return wire


def text_of(client: Any, uri: str = URI) -> str | None:
    params = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
    found = client.result("textDocument/hover", params)
    return None if found is None else found["contents"]


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    return {
        "range": {
            "start": {"line": start[0], "character": start[1]},
            "end": {"line": end[0], "character": end[1]},
        },
        "text": text,
    }


def test_edits_are_carried_out_in_order(client: Any) -> None:
    client.open(URI, "local a = 1\nlocal b = 2\n")
    client.change(URI, 2, edit((0, 6), (0, 7), "x"), edit((1, 0), (1, 0), "-- "), edit((2, 0), (2, 0), "return x"))
    assert text_of(client) == "local x = 1\n-- local b = 2\nreturn x"
    client.change(URI, 3, {"text": "whole"}, edit((0, 5), (0, 5), "!"))
    assert text_of(client) == "whole!"
    client.change(URI, 4, edit((0, 0), (0, 1), "lost"), {"text": "last"})
    assert text_of(client) == "last"


@pytest.mark.parametrize(
    ("encodings", "units"), [(["utf-8"], 4), (["utf-16"], 2), (["utf-32"], 1), (["utf-16", "utf-32", "utf-8"], 4)]
)
def test_positions_are_in_the_units_that_were_agreed(beside: Beside, encodings: list[str], units: int) -> None:
    client = beside(*METHODS)
    result = client.initialize({"general": {"positionEncodings": encodings}})
    assert result["capabilities"]["positionEncoding"] in encodings
    client.open(URI, "🎉 = 1")
    client.change(URI, 2, edit((0, units), (0, units), "!"))
    assert text_of(client) == "🎉! = 1"
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}}
    assert client.result("textDocument/documentHighlight", params)[0]["range"]["end"]["character"] == units


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (edit((9, 9), (12, 3), "!"), "ab\ncd!"),
        (edit((0, 1), (0, 99), "!"), "a!\ncd"),
        (edit((-4, 0), (0, 1), "!"), "!b\ncd"),
        (edit((1, 1), (0, 1), "!"), "a!d"),
        (edit((0, 0), (99, 0), ""), ""),
    ],
)
def test_an_edit_outside_of_the_text_is_clamped_into_it(client: Any, change: dict[str, Any], text: str) -> None:
    client.open(URI, "ab\ncd")
    client.change(URI, 2, change)
    assert text_of(client) == text


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"text": None},
        {"range": {}, "text": "x"},
        {"range": {"start": {"line": "0", "character": 0}, "end": {"line": 0, "character": 0}}, "text": "x"},
        {"range": {"start": {"line": 0.5, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "x"},
        "x",
        None,
    ],
)
def test_a_change_that_cannot_be_read_is_left_out_and_the_next_is_not(client: Any, change: Any) -> None:
    client.open(URI, "ab")
    client.change(URI, 2, change, edit((0, 2), (0, 2), "c"))
    assert text_of(client) == "abc"


def test_an_old_version_is_carried_out_all_the_same(client: Any) -> None:
    client.open(URI, "a", version=7)
    client.change(URI, 3, edit((0, 1), (0, 1), "b"))
    assert text_of(client) == "ab"


def test_opening_what_is_open_takes_the_new_text(client: Any) -> None:
    client.open(URI, "old")
    client.open(URI, "x = = 1", version=1)
    assert text_of(client) == "x = = 1"
    client.until(lambda message: bool(message.get("params", {}).get("diagnostics")))


def test_a_change_of_what_is_not_open_reads_the_file_first(client: Any, tmp_path: Path) -> None:
    (tmp_path / "a b.lua").write_text("local a\n")
    uri = (tmp_path / "a b.lua").as_uri()
    client.change(uri, 5, edit((0, 6), (0, 7), "name"))
    assert text_of(client, uri) == "local name\n"
    client.change("untitled:nothing.lua", 2, {"text": "whole"})
    assert text_of(client, "untitled:nothing.lua") == "whole"
    client.change("file:///no/such.lua", 2, edit((0, 0), (0, 0), "x"))
    assert text_of(client, "file:///no/such.lua") is None


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(client: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.lua")
    uri = (tmp_path / "pipe.lua").as_uri()
    client.change(uri, 2, edit((0, 0), (0, 0), "x"))
    assert text_of(client, uri) is None


def test_the_text_at_saving_is_the_true_one(client: Any) -> None:
    client.open(URI, "a")
    client.notify("textDocument/didSave", {"textDocument": {"uri": URI}})
    assert text_of(client) == "a"
    client.notify("textDocument/didSave", {"textDocument": {"uri": URI}, "text": "b"})
    assert text_of(client) == "b"


def test_a_closed_document_is_forgotten(client: Any) -> None:
    client.open(URI, "a")
    client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert text_of(client) is None


def test_a_document_is_found_however_its_uri_is_spelt(client: Any) -> None:
    client.open("file:///a%20b/%C3%A9.lua", "a")
    client.change("file:///a b/é.lua", 2, edit((0, 1), (0, 1), "b"))
    assert text_of(client, "FILE:///a%20b/%c3%a9.lua") == "ab"


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "vscode-notebook-cell:/x#1", "", "not a uri", "file://", "🎉"])
def test_any_uri_is_a_document(client: Any, uri: str) -> None:
    client.open(uri, "x = = 1")
    assert text_of(client, uri) == "x = = 1"
    client.until(lambda message: bool(message.get("params", {}).get("diagnostics")))
    assert client.seen[-1]["params"]["uri"] == uri


def test_a_document_of_another_language_is_none_of_ours(client: Any) -> None:
    client.open("file:///x.py", "import", language="python")
    assert text_of(client, "file:///x.py") is None


def test_line_ends_of_any_kind_are_kept(client: Any) -> None:
    client.open(URI, "a\r\nb\rc\n")
    client.change(URI, 2, edit((1, 1), (1, 1), "!"), edit((2, 0), (2, 0), "?"))
    assert text_of(client) == "a\r\nb!\r?c\n"


SOME_TEXT = st.text(alphabet=st.sampled_from("ab é🎉\n\r"), max_size=12)
POSITION = st.tuples(st.integers(0, 5), st.integers(0, 12))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SOME_TEXT, st.lists(st.tuples(POSITION, POSITION, SOME_TEXT), max_size=8))
def test_any_edits_do_to_the_text_what_they_do_to_a_plain_string(
    client: Any, text: str, edits: list[tuple[tuple[int, int], tuple[int, int], str]]
) -> None:
    client.open(URI, text)
    for version, (start, end, new) in enumerate(edits, 2):
        first, last = sorted((offset(text, *start), offset(text, *end)))
        text = text[:first] + new + text[last:]
        client.change(URI, version, edit(start, end, new))
    assert text_of(client) == text


def offset(text: str, line: int, units: int) -> int:
    """Where a UTF-16 position is in a string, by plain counting."""
    at = 0
    for _ in range(line):
        ends = [end for end in (text.find("\n", at), text.find("\r", at)) if end >= 0]
        if not ends:
            return len(text)
        at = min(ends) + (2 if text.startswith("\r\n", min(ends)) else 1)
    while units > 0 and at < len(text) and text[at] not in "\r\n":
        units -= len(text[at].encode("utf-16-le")) // 2
        if units < 0:
            break
        at += 1
    return at
