"""What text literals say, and where: escapes read, and the indexes of a value mapped to places in the file and back.

`{{var}}` references are found in a text's value and have to be underlined in the file. Knows the escapes of Lua and
JavaScript and nothing else of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmspell_lsp.syntax.nodes import Text

_LUA: Final = re.compile(r"\\(z\s*|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,8}\}|[0-9]{1,3}|.)", re.DOTALL)
_JAVASCRIPT: Final = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_PLAIN: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


def lua_value(raw: str, *, long: bool) -> str:
    """What a Lua text says: of a long one everything but a line end that it begins with."""
    if long:
        return raw.removeprefix("\n")
    return _LUA.sub(lambda found: _lua(found[1]), raw) if "\\" in raw else raw


def javascript_value(raw: str) -> str:
    return _JAVASCRIPT.sub(lambda found: _javascript(found[1]), raw) if "\\" in raw else raw


def raw_index(text: Text, index: int) -> int:
    """Where in `raw` the value's character `index` begins. Of a text with inserts the value is its raw text."""
    shift = 0
    for at, end, length in _escapes(text):
        if at - shift >= index:
            break
        if at - shift + length > index:
            return at
        shift += end - at - length
    # An escape that says nothing, such as a dropped line end, goes before what follows.
    at = index + shift
    for start, end, length in _escapes(text):
        if start == at and length == 0:
            at = end
    return at


def value_index(text: Text, raw: int) -> int:
    """Which character of the value stands at an index of `raw`; within an escape, the one it says."""
    shift = 0
    for at, end, length in _escapes(text):
        if raw <= at:
            break
        if raw < end:
            return at - shift
        shift += end - at - length
    return raw - shift


def place(text: Text, raw: int) -> tuple[int, int]:
    """Line and column, as the text's own span counts them, of an index of `raw`."""
    before = text.raw[:raw]
    lines = before.count("\n")
    if lines == 0:
        return text.content.line, text.content.column + len(before)
    return text.content.line + lines, len(before) - before.rfind("\n") - 1


def raw_at(text: Text, line: int, column: int) -> int:
    """The index of `raw` that stands at a place; the nearest one for a place outside."""
    row = line - text.content.line
    if row < 0:
        return 0
    if row == 0:
        return min(max(column - text.content.column, 0), _line_end(text.raw, 0))
    at = 0
    for _ in range(row):
        found = text.raw.find("\n", at)
        if found < 0:
            return len(text.raw)
        at = found + 1
    return min(at + column, _line_end(text.raw, at))


def where(text: Text, index: int) -> tuple[int, int]:
    """Line and column of the value's character `index`."""
    return place(text, raw_index(text, index))


def index_at(text: Text, line: int, column: int) -> int:
    """The value's character at a place."""
    return value_index(text, raw_at(text, line, column))


def _line_end(raw: str, at: int) -> int:
    found = raw.find("\n", at)
    return len(raw) if found < 0 else found


def _escapes(text: Text) -> Iterator[tuple[int, int, int]]:
    """Of each escape: where it begins and ends in `raw`, and how many characters it says."""
    if text.style == "long":
        if text.raw.startswith("\n"):
            yield 0, 1, 0
        return
    if text.value is None or "\\" not in text.raw:
        return
    lua = text.style == "lua"
    for found in (_LUA if lua else _JAVASCRIPT).finditer(text.raw):
        yield found.start(), found.end(), len(_lua(found[1]) if lua else _javascript(found[1]))


def _lua(escape: str) -> str:
    kind = escape[0]
    if kind == "z":
        return ""
    if kind == "x" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    if kind == "u" and len(escape) > 1:
        return _character(int(escape[2:-1], 16))
    if kind in "0123456789":
        return chr(int(escape))
    return _PLAIN.get(kind, kind)


def _javascript(escape: str) -> str:
    kind = escape[0]
    if kind == "\n":
        return ""
    if kind in "ux" and len(escape) > 1:
        return _character(int(escape[1:].strip("{}"), 16))
    return "\0" if kind == "0" else "a" if kind == "a" else _PLAIN.get(kind, kind)


def _character(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else "\ufffd"
