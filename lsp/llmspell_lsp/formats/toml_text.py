"""A TOML text as entries with their places, however half typed. What a value is, `tomllib` says, one at a time."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llmspell_lsp.syntax.nodes import Span

_KEY: Final = re.compile(r"""[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([\w-]+))[ \t]*""")
_BEGINS: Final = re.compile(r"[ \t]*(?:\[\[?[\w.\-\"' \t]+\]\]?[ \t]*(?:#.*)?$|[\w-]+(?:\.[\w-]+)*[ \t]*=)")
_QUOTES: Final = ('"""', "'''", '"', "'")

MISSING: Final = object()
"""The value of an entry that has none yet, or none that can be read."""


@dataclass(slots=True, frozen=True)
class Name:
    text: str
    span: Span


@dataclass(slots=True)
class Entry:
    """`key = value`. path: of tables and keys; the last `own` of them stand here. mark: the column behind `=`, or
    -1."""

    path: tuple[str, ...]
    own: tuple[Name, ...]
    line: int
    mark: int
    value: Span
    text: str = ""
    inline: bool = False

    @property
    def key(self) -> Name:
        return self.own[-1]

    @property
    def held(self) -> Any:
        try:
            return tomllib.loads(f"x = {self.text}")["x"] if self.text else MISSING
        except (tomllib.TOMLDecodeError, RecursionError, ValueError):
            return MISSING


@dataclass(slots=True)
class Header:
    """`[a.b]`, `[[a.b]]`. end: the line before the next header."""

    names: tuple[Name, ...]
    line: int
    is_list: bool
    closed: bool
    end: int = 0
    entries: list[Entry] = field(default_factory=list["Entry"])

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(name.text for name in self.names)


@dataclass(slots=True)
class Toml:
    """headers: the first one has no names, and holds what stands before all others."""

    headers: list[Header]

    @property
    def entries(self) -> list[Entry]:
        return [entry for header in self.headers for entry in header.entries]

    def header_at(self, line: int) -> Header:
        return next(header for header in reversed(self.headers) if header.line <= line)

    def entry_at(self, line: int, column: int) -> Entry | None:
        """The entry whose key or value a place touches, the innermost."""
        found: Entry | None = None
        for entry in self.entries:
            begin = entry.own[0].span
            end = max((entry.value.end_line, entry.value.end_column), (begin.end_line, begin.end_column))
            if (begin.line, begin.column) <= (line, column) <= end:
                found = entry
        return found


def read(lines: Sequence[str]) -> Toml:
    headers = [Header((), 0, False, True)]
    line = 0
    while line < len(lines):
        text = lines[line]
        column = len(text) - len(text.lstrip(" \t"))
        if text.startswith("[", column):
            headers[-1].end = line - 1
            headers.append(_header(text, line, column))
            line += 1
            continue
        names, at = _names(text, line, column)
        if names and at < len(text) and text[at] == "=":
            end = _value_end(lines, line, at + 1)
            _entry(headers[-1], headers[-1].path, names, lines, line, at + 1, end)
            line = end[0] + 1
            continue
        if names:
            last = names[-1].span
            place = Span(line, last.end_column, line, last.end_column)
            path = (*headers[-1].path, *(name.text for name in names))
            headers[-1].entries.append(Entry(path, names, line, -1, place))
        line += 1
    headers[-1].end = len(lines) - 1
    return Toml(headers)


def _header(text: str, line: int, column: int) -> Header:
    is_list = text.startswith("[[", column)
    names, at = _names(text, line, column + (2 if is_list else 1))
    return Header(names, line, is_list, text.startswith("]", at))


def _names(text: str, line: int, column: int) -> tuple[tuple[Name, ...], int]:
    """The names of a dotted key, and where it ends."""
    names: list[Name] = []
    at = column
    while found := _KEY.match(text, at):
        group = next(index for index in (1, 2, 3) if found[index] is not None)
        names.append(Name(found[group], Span(line, found.start(group), line, found.end(group))))
        at = found.end()
        if not text.startswith(".", at):
            break
        at += 1
    return tuple(names), at


def _entry(
    header: Header,
    table: tuple[str, ...],
    names: tuple[Name, ...],
    lines: Sequence[str],
    line: int,
    mark: int,
    end: tuple[int, int],
    *,
    inline: bool = False,
) -> None:
    text = _between(lines, (line, mark), end)
    blank = len(text) - len(text.lstrip(" \t"))
    begin = mark + blank
    path = (*table, *(name.text for name in names))
    stripped = text.strip(" \t")
    stop = end if end[0] != line else (line, max(begin, mark + len(text.rstrip(" \t"))))
    header.entries.append(Entry(path, names, line, mark, Span(line, begin, *stop), stripped, inline))
    if stripped.startswith("{") and end[0] == line:
        _inline(header, path, lines, line, begin + 1, stop[1])


def _inline(header: Header, table: tuple[str, ...], lines: Sequence[str], line: int, column: int, end: int) -> None:
    """The entries of `{ a = 1, b = 2 }`."""
    text = lines[line]
    while column < end:
        names, at = _names(text, line, column)
        if not names or at >= end or text[at] != "=":
            return
        stop = at + 1
        depth = 0
        while stop < end:
            letter = text[stop]
            quote = next((each for each in _QUOTES if text.startswith(each, stop)), None)
            if quote is not None:
                stop = _string_end(text, stop, quote)
                continue
            depth += (letter in "[{") - (letter in "]}")
            if depth < 0 or (letter == "," and depth == 0):
                break
            stop += 1
        _entry(header, table, names, lines, line, at + 1, (line, min(stop, end)), inline=True)
        column = stop + 1


def _value_end(lines: Sequence[str], line: int, column: int) -> tuple[int, int]:
    """Where a value ends: at the end of its line, of its string, of its brackets; a half-typed one before the next."""
    depth = 0
    first = line
    while line < len(lines):
        text = lines[line]
        if line > first and depth and _BEGINS.match(text):
            return line - 1, len(lines[line - 1])
        while column < len(text):
            letter = text[column]
            quote = next((each for each in _QUOTES if text.startswith(each, column)), None)
            if quote is not None and len(quote) == 3:
                closing = text.find(quote, column + 3)
                while closing < 0:
                    line += 1
                    if line >= len(lines):
                        return len(lines) - 1, len(lines[-1])
                    text = lines[line]
                    closing = text.find(quote)
                column = closing + 3
                continue
            if quote is not None:
                column = _string_end(text, column, quote)
                continue
            if letter == "#":
                if not depth:
                    return line, len(text[:column].rstrip())
                break
            depth += (letter in "[{") - (letter in "]}")
            column += 1
            if depth <= 0 and letter in "]}":
                return line, column
        if depth <= 0:
            return line, len(text)
        line, column = line + 1, 0
    return len(lines) - 1, len(lines[-1])


def _string_end(text: str, column: int, quote: str) -> int:
    """Behind a string on one line; the line's end where it is not closed."""
    at = column + len(quote)
    while at < len(text):
        if text[at] == "\\" and quote == '"':
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote)
        else:
            at += 1
    return len(text)


def _between(lines: Sequence[str], begin: tuple[int, int], end: tuple[int, int]) -> str:
    if begin[0] == end[0]:
        return lines[begin[0]][begin[1] : end[1]]
    inner = lines[begin[0] + 1 : end[0]]
    return "\n".join((lines[begin[0]][begin[1] :], *inner, lines[end[0]][: end[1]]))
