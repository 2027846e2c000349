"""Finds the line of a key in a TOML file, for messages; `tomllib` reads values but keeps no positions."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_NAME = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*""")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The 1-based line where `path` is set: its own line, else the nearest table or inline table that holds it."""
    wanted = tuple(path)
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    closing = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if closing:
            closing = "" if closing in line else closing
            continue
        stripped = line.strip()
        if header := _HEADER.match(stripped):
            table = here = _names(header[1])
        elif found := _assignment(stripped):
            here = (*table, *found[0])
            closing = _unclosed(found[1])
        else:
            continue
        if here == wanted[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _assignment(line: str) -> tuple[tuple[str, ...], str] | None:
    names, at = _dotted(line)
    return (names, line[at + 1 :]) if names and line[at : at + 1] == "=" else None


def _names(text: str) -> tuple[str, ...]:
    return _dotted(text)[0]


def _dotted(text: str) -> tuple[tuple[str, ...], int]:
    """The names of a dotted key at the start of `text`, and where it ends."""
    names: list[str] = []
    at = 0
    while found := _NAME.match(text, at):
        names.append(next(part for part in found.groups() if part is not None))
        at = found.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(names), at


def _unclosed(value: str) -> str:
    """The quotes that a multi-line string in `value` still waits for, or ""."""
    for quotes in ('"""', "'''"):
        if value.count(quotes) % 2:
            return quotes
    return ""
