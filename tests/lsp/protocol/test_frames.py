"""Messages cut out of a stream of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.protocol import frames
from llmspell_lsp.protocol.frames import Decoder, encode


@given(st.lists(st.binary(max_size=60)), st.data())
def test_bodies_come_out_as_they_went_in_wherever_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(encode(body) for body in bodies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, found = Decoder(), list[bytes]()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert found == bodies
    assert decoder.complaints == []


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 7))
def test_no_bytes_raise(parts: list[bytes], step: int) -> None:
    decoder = Decoder()
    stream = b"".join(parts)
    for at in range(0, len(stream), step):
        decoder.feed(stream[at : at + step])


def test_noise_is_skipped_up_to_the_next_header() -> None:
    decoder = Decoder()
    assert decoder.feed(b"what is this?\r\n\r\n" + encode(b"{}")) == [b"{}"]
    assert decoder.feed(b"Content-Length: many\r\n\r\n" + encode(b"[]")) == [b"[]"]
    assert decoder.feed(b"Content-Length: -3\r\n\r\n" + encode(b"1")) == [b"1"]
    assert len(decoder.complaints) == 3


def test_other_headers_any_case_and_bare_line_feeds_are_understood() -> None:
    decoder = Decoder()
    assert decoder.feed(b"Content-Type: x; charset=utf-8\r\ncontent-length:  2\r\n\r\n{}") == [b"{}"]
    assert decoder.feed(b"CONTENT-LENGTH: 2\n\n[]") == [b"[]"]
    assert decoder.complaints == []


def test_a_body_that_is_too_long_is_dropped_and_the_next_is_read() -> None:
    decoder = Decoder()
    size = frames.LONGEST + 1
    assert decoder.feed(b"Content-Length: %d\r\n\r\n" % size) == []
    block = bytes(1 << 20)
    for _ in range(size // len(block)):
        assert decoder.feed(block) == []
    assert decoder.feed(bytes(size % len(block)) + encode(b"{}")) == [b"{}"]
    assert "skipped a message of" in decoder.complaints[0]


def test_a_length_of_more_digits_than_there_are_bytes_is_no_length() -> None:
    decoder = Decoder()
    assert decoder.feed(b"Content-Length: " + b"9" * 6000 + b"\r\n\r\n" + encode(b"{}")) == [b"{}"]


def test_endless_noise_is_not_kept() -> None:
    decoder = Decoder()
    for _ in range(50):
        decoder.feed(b"x" * 4096)
    assert sum(map(len, decoder.complaints)) < 10_000
    assert decoder.feed(b"\r\n\r\n" + encode(b"{}")) == [b"{}"]
