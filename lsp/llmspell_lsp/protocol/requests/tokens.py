"""Semantic tokens: of a document, of a part of it, and what has changed since the last answer.

A chunk's tokens are encoded once, as JSON with lines relative to each other, and kept with them; an answer joins them
(1 ms at 10,000 lines). Columns and lengths are units of the session's encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from llmspell_lsp.protocol.methods import Encoded, Method
from llmspell_lsp.protocol.params import document_uri, member
from llmspell_lsp.protocol.positions import Encoding, units_of
from llmspell_lsp.protocol.session import Session, Silent

if TYPE_CHECKING:
    from llmspell_lsp.features.semantic_tokens import ChunkTokens, Token
    from llmspell_lsp.workspace.snapshot import Snapshot

_FIELDS: Final = 5
"""Numbers of a token: lines and columns from the one before, length, type, modifiers."""


class _Encoded(NamedTuple):
    """A chunk's tokens. first, last: lines of the chunk. rest: all numbers but the very first, as JSON."""

    tokens: tuple[Token, ...]
    encoding: Encoding
    first: int
    last: int
    rest: bytes


class _Part(NamedTuple):
    """A chunk's tokens in an answer. lines: from the token before to its first one."""

    lines: int
    rest: bytes
    tokens: int


class _Answer(NamedTuple):
    """What a client has been told of a document."""

    id: str
    parts: list[_Part]


def full(session: Session, params: dict[str, Any]) -> Encoded:
    snapshot = _script(session, document_uri(params))
    answer = _answer(session, snapshot)
    return Encoded(b'{"resultId":"%b","data":%b}' % (answer.id.encode(), _data(answer.parts)))


def delta(session: Session, params: dict[str, Any]) -> Encoded:
    """What has changed; everything where the client's last answer is not the one that we remember."""
    snapshot = _script(session, document_uri(params))
    older = snapshot.document.facts.get(_Answer)
    said = member(params, "previousResultId", str)
    answer = _answer(session, snapshot)
    if not isinstance(older, _Answer) or older.id != said:
        return Encoded(b'{"resultId":"%b","data":%b}' % (answer.id.encode(), _data(answer.parts)))
    edits = _edits(older.parts, answer.parts)
    return Encoded(b'{"resultId":"%b","edits":[%b]}' % (answer.id.encode(), edits))


def of_range(session: Session, params: dict[str, Any]) -> Encoded:
    """Of all chunks that the range touches: a client drops what lies outside."""
    snapshot, (line, _, end_line, _) = session.span(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    return Encoded(b'{"data":%b}' % _data(_parts(session, snapshot, line, end_line)))


def _script(session: Session, uri: str) -> Snapshot:
    snapshot = session.snapshot(uri)
    if not snapshot.is_script:
        raise Silent(uri)
    return snapshot


def _answer(session: Session, snapshot: Snapshot) -> _Answer:
    """Of the document as it now stands; remembered for the next delta."""
    parts = _parts(session, snapshot, 0, None)
    older = snapshot.document.facts.get(_Answer)
    if isinstance(older, _Answer) and older.parts == parts:
        return older
    made = _Answer(str(int(older.id) + 1 if isinstance(older, _Answer) else 1), parts)
    snapshot.document.facts[_Answer] = made
    return made


def _parts(session: Session, snapshot: Snapshot, first: int, last: int | None) -> list[_Part]:
    from llmspell_lsp.features.semantic_tokens import semantic_tokens

    encoding = session.client.encoding
    found: list[_Part] = []
    line = 0
    for each in semantic_tokens(snapshot, first, last):
        if each.tokens:
            encoded = _encoded(each, encoding)
            start = each.placed.start
            found.append(_Part(start + encoded.first - line, encoded.rest, len(each.tokens)))
            line = start + encoded.last
    return found


def _encoded(each: ChunkTokens, encoding: Encoding) -> _Encoded:
    chunk = each.placed.chunk
    known = cast("_Encoded | None", chunk.facts.get(_Encoded))
    # Equal chunks in different surroundings have other tokens.
    if known is not None and known.tokens is each.tokens and known.encoding == encoding:
        return known
    numbers: list[int] = []
    line, column = each.tokens[0].line, 0
    for token in each.tokens:
        text = chunk.lines[token.line]
        start = units_of(text, token.column, encoding)
        length = units_of(text, token.column + token.length, encoding) - start
        column = start - column if token.line == line else start
        numbers += [token.line - line, column, length, token.kind, token.modifiers]
        line, column = token.line, start
    made = _Encoded(each.tokens, encoding, each.tokens[0].line, line, _json(numbers[1:]))
    chunk.facts[_Encoded] = made
    return made


def _data(parts: Sequence[_Part]) -> bytes:
    return b"[%b]" % _numbers(parts)


def _numbers(parts: Sequence[_Part]) -> bytes:
    return b",".join([b"%d,%b" % (part.lines, part.rest) for part in parts])


def _edits(older: list[_Part], newer: list[_Part]) -> bytes:
    """One edit: all between the first and the last chunk that differ."""
    if older == newer:
        return b""
    head, tail = 0, 0
    most = min(len(older), len(newer))
    while head < most and older[head] == newer[head]:
        head += 1
    while tail < most - head and older[-1 - tail] == newer[-1 - tail]:
        tail += 1
    gone, fresh = older[head : len(older) - tail], newer[head : len(newer) - tail]
    start = sum(part.tokens for part in newer[:head]) * _FIELDS
    removed = sum(part.tokens for part in gone) * _FIELDS
    return b'{"start":%d,"deleteCount":%d,"data":%b}' % (start, removed, _data(fresh))


def _json(numbers: list[int]) -> bytes:
    return ",".join(map(str, numbers)).encode()


def _legend() -> dict[str, list[str]]:
    """The order of `features.semantic_tokens`, which the capabilities must not import: a test holds them together."""
    return {"tokenTypes": list(TYPES), "tokenModifiers": list(MODIFIERS)}


TYPES: Final = ("namespace", "class", "function", "method", "parameter", "variable", "property", "event")
MODIFIERS: Final = ("declaration", "readonly", "static", "deprecated", "async", "defaultLibrary")

FEATURES: Final = ("semantic_tokens",)

METHODS: Final = (
    Method("textDocument/semanticTokens/full", full, options=_legend(), newest=True),
    Method("textDocument/semanticTokens/full/delta", delta, options=_legend(), newest=True),
    Method("textDocument/semanticTokens/range", of_range, options=_legend(), newest=True),
)
