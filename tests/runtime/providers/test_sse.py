"""Event streams are read the same however their bytes are split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.providers.sse import EventParser

STREAM = (
    "\ufeff: comment\nevent: a\ndata: one\ndata:two\n\n"
    "data: zwölf \U0001f389\r\n\r\nid: 7\rretry: 1\rdata\r\r"
    "event: nothing\n\ndata: [DONE]\n\ndata: never ended"
).encode()
EVENTS = [("a", b"one\ntwo"), ("message", "zwölf \U0001f389".encode()), ("message", b""), ("message", b"[DONE]")]


@pytest.mark.parametrize("size", range(1, len(STREAM) + 1))
def test_every_split_gives_the_same_events(size: int) -> None:
    parser = EventParser()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


@given(st.lists(st.binary(max_size=12).filter(lambda data: not set(data) & {10, 13})), st.data())
def test_data_comes_back_whatever_the_cuts(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(b"data: " + line + b"\n\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    parser = EventParser()
    seen: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)]):
        seen += [value for _, value in parser.feed(stream[start:end])]
    assert seen == lines
