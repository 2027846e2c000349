"""Answers of HTTP/1.1 are read the same however their bytes are split, and what is none is refused."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.providers.http_answer import HttpAnswer, TooLong, WireError

BODY = b'{"answer": "' + b"fifty-one " * 30 + b'"}'
LIMIT = 100_000


def head(*lines: str, first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join((first, *lines, "", "")).encode()


def chunked(body: bytes, size: int = 100) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%X;note=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-Last: 1\r\n\r\n"


WHOLE = {
    "length": head(f"Content-Length: {len(BODY)}") + BODY,
    "bare line feeds": head(f"content-length:{len(BODY)}").replace(b"\r\n", b"\n") + BODY,
    "chunks": head("Transfer-Encoding: chunked") + chunked(BODY),
    "one chunk": head("Transfer-Encoding: Chunked") + chunked(BODY, LIMIT),
    "gzip": head("Content-Encoding: gzip", f"Content-Length: {len(gzip.compress(BODY))}") + gzip.compress(BODY),
    "deflate": head("Content-Encoding: deflate", "Transfer-Encoding: chunked") + chunked(zlib.compress(BODY)),
    "announced": head(first="HTTP/1.1 100 Continue") + head(f"Content-Length: {len(BODY)}") + BODY,
    "twice the same length": head(f"Content-Length: {len(BODY)}", f"Content-Length: {len(BODY)}") + BODY,
}


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_any_split_gives_the_same_answer(name: str, data: st.DataObject) -> None:
    raw = WHOLE[name]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    answer = HttpAnswer(LIMIT)
    body = b""
    for start, end in zip((0, *cuts), (*cuts, len(raw)), strict=True):
        answer.feed(raw[start:end])
        body += answer.take()
    assert (answer.status, answer.complete, answer.keeps, answer.held) == (200, True, True, 0)
    assert body == BODY
    assert answer.size == len(BODY)


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    answer = HttpAnswer(LIMIT)
    answer.feed(head() + BODY[:100])
    answer.feed(BODY[100:])
    assert not answer.complete
    answer.end()
    assert (answer.complete, answer.keeps, answer.take()) == (True, False, BODY)


@pytest.mark.parametrize(
    ("lines", "first", "keeps"),
    [
        ((), "HTTP/1.1 204 No Content", True),
        (("Content-Length: 0",), "HTTP/1.1 200 OK", True),
        (("Content-Length: 0",), "HTTP/1.1 200", True),
        (("Content-Length: 0", "Connection: close"), "HTTP/1.1 200 OK", False),
        (("Content-Length: 0",), "HTTP/1.0 200 OK", False),
        (("Content-Length: 0", "Connection: Keep-Alive"), "HTTP/1.0 200 OK", True),
    ],
)
def test_whether_a_connection_can_be_used_again(lines: tuple[str, ...], first: str, keeps: bool) -> None:
    answer = HttpAnswer(LIMIT)
    answer.feed(head(*lines, first=first))
    assert (answer.complete, answer.keeps) == (True, keeps)


@pytest.mark.parametrize(
    "raw",
    [
        WHOLE["length"] + b"HTTP/1.1 200 OK",
        head("Transfer-Encoding: chunked", "Content-Length: 3") + chunked(BODY),
    ],
    ids=["more than was asked for", "two lengths"],
)
def test_what_could_mix_two_answers_up_ends_the_connection(raw: bytes) -> None:
    answer = HttpAnswer(LIMIT)
    answer.feed(raw)
    assert (answer.complete, answer.keeps, answer.take()) == (True, False, BODY)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"\x00" * 70_000,
        head("no colon"),
        head(" folded: line"),
        head("Content-Length: -1"),
        head("Content-Length: 1", "Content-Length: 2"),
        head("Content-Length: 0x10"),
        head("Content-Length: \u0663"),
        head("Transfer-Encoding: chunked") + b"+5\r\nhello\r\n",
        head("Transfer-Encoding: chunked") + b"5\r\nhello more",
        head("Transfer-Encoding: chunked") + b"0\r\n" + b"a: b\r\n" * 20_000,
        head("Content-Encoding: br", "Content-Length: 3"),
        head("Content-Encoding: gzip", "Content-Length: 3") + b"abc",
        head("Content-Encoding: gzip", "Content-Length: 20") + gzip.compress(BODY)[:20],
        head(first="HTTP/1.1 103 Early Hints") * 20,
        head("X: " + "y" * 70_000),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    answer = HttpAnswer(LIMIT)
    with pytest.raises(WireError) as caught:
        answer.feed(raw)
    assert not isinstance(caught.value, TooLong)
    assert not answer.complete


@pytest.mark.parametrize(
    "raw",
    [
        head() + b"x" * (LIMIT + 1),
        head("Content-Length: 999999") + b"x" * (LIMIT + 1),
        head("Content-Encoding: gzip") + gzip.compress(b"x" * 50_000_000),
    ],
    ids=["until the end", "announced", "a bomb"],
)
def test_an_answer_over_its_limit_is_refused_before_it_is_held(raw: bytes) -> None:
    answer = HttpAnswer(LIMIT)
    with pytest.raises(TooLong):
        answer.feed(raw)
    assert answer.held <= LIMIT


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "it closed the connection without an answer"),
        (b"HTTP/1.1 2", "it broke off in the middle of its answer"),
        (head("Content-Length: 10") + b"half", "it broke off in the middle of its answer"),
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n", "it broke off in the middle of its answer"),
        (head("Content-Encoding: gzip") + gzip.compress(BODY)[:-20], "it broke off in the middle of its answer"),
    ],
)
def test_an_answer_that_breaks_off_is_none(raw: bytes, said: str) -> None:
    answer = HttpAnswer(LIMIT)
    answer.feed(raw)
    with pytest.raises(WireError, match=said):
        answer.end()
