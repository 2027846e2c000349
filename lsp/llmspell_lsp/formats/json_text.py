"""A JSON text as a tree with places, however half typed: what is missing is left out, and `problem` says where the
first thing is that is no JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from llmspell_lsp.syntax.nodes import Span

_TOKEN: Final = re.compile(r"""[ \t]*(?:("(?:[^"\\]|\\.)*"?)|([{}\[\]:,])|([^\s{}\[\]:,"]+))""")
#: Brackets inside brackets that are followed.
_DEEPEST: Final = 200

MISSING: Final = object()


@dataclass(slots=True)
class Node:
    """held: the plain value of a text, number or word; MISSING where it is none yet."""

    kind: Literal["object", "array", "text", "word", "none"]
    span: Span
    held: Any = MISSING
    members: list[Member] = field(default_factory=list["Member"])
    items: list[Node] = field(default_factory=list["Node"])

    @property
    def value(self) -> Any:
        """The whole as plain values; what is missing is None."""
        match self.kind:
            case "object":
                return {member.key: member.value.value for member in self.members}
            case "array":
                return [item.value for item in self.items]
            case _:
                return None if self.held is MISSING else self.held

    @property
    def whole(self) -> bool:
        """Whether nothing of it is missing."""
        if self.kind == "object":
            return all(member.value.whole for member in self.members)
        return all(item.whole for item in self.items) if self.kind == "array" else self.held is not MISSING

    def holds(self, line: int, column: int) -> bool:
        return self.span.holds(line, column)


@dataclass(slots=True)
class Member:
    key: str
    key_span: Span
    value: Node


@dataclass(slots=True, frozen=True)
class _Token:
    text: str
    span: Span


def read(lines: Sequence[str]) -> Node:
    return _Reader(_tokens(lines), lines).value(0)


def problem(lines: Sequence[str]) -> tuple[Span, str] | None:
    """Where the text is no JSON, and why."""
    try:
        json.loads("\n".join(lines))
    except json.JSONDecodeError as error:
        line = min(error.lineno - 1, len(lines) - 1)
        column = min(error.colno - 1, len(lines[line]))
        return Span(line, column, line, min(column + 1, len(lines[line]))), error.msg
    except RecursionError:
        return Span(0, 0, 0, len(lines[0])), "nested too deeply"
    return None


def _tokens(lines: Sequence[str]) -> list[_Token]:
    found: list[_Token] = []
    for line, text in enumerate(lines):
        at = 0
        while match := _TOKEN.match(text, at):
            group = match.lastindex or 1
            found.append(_Token(match[group], Span(line, match.start(group), line, match.end(group))))
            at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[_Token], lines: Sequence[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._end = Span(len(lines) - 1, len(lines[-1]), len(lines) - 1, len(lines[-1]))

    def value(self, depth: int) -> Node:
        token = self._next()
        if token is None or token.text in ("}", "]", ",", ":"):
            here = self._end if token is None else token.span
            return Node("none", Span(here.line, here.column, here.line, here.column))
        self._at += 1
        match token.text[0]:
            case "{" if depth < _DEEPEST:
                return self._object(token, depth)
            case "[" if depth < _DEEPEST:
                return self._array(token, depth)
            case '"':
                return Node("text", token.span, _loaded(token.text))
            case _:
                return Node("word", token.span, _loaded(token.text))

    def _object(self, opened: _Token, depth: int) -> Node:
        members: list[Member] = []
        while (token := self._next()) is not None and token.text not in ("}", "]"):
            self._at += 1
            if not token.text.startswith('"'):
                continue
            key = _loaded(token.text)
            name = key if isinstance(key, str) else token.text.strip('"')
            if (mark := self._next()) is not None and mark.text == ":":
                self._at += 1
                members.append(Member(name, token.span, self.value(depth + 1)))
            else:
                end = token.span
                empty = Span(end.end_line, end.end_column, end.end_line, end.end_column)
                members.append(Member(name, token.span, Node("none", empty)))
        return Node("object", self._closed(opened, "}"), members=members)

    def _array(self, opened: _Token, depth: int) -> Node:
        items: list[Node] = []
        while (token := self._next()) is not None and token.text not in ("}", "]"):
            if token.text in (",", ":"):
                self._at += 1
                continue
            items.append(self.value(depth + 1))
        return Node("array", self._closed(opened, "]"), items=items)

    def _closed(self, opened: _Token, mark: str) -> Span:
        token = self._next()
        if token is not None and token.text == mark:
            self._at += 1
        end = token.span if token is not None else self._end
        begin = opened.span
        closed = token is not None and token.text == mark
        return Span(
            begin.line, begin.column, end.end_line if closed else end.line, end.end_column if closed else end.column
        )

    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return MISSING
