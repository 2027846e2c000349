"""Markdown and rows as a terminal shows them: wrapped, coloured where that is wanted. Knows no command."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from llmspell.cli.terminal import Style, paint

#: Wider lines are hard to read; narrower than 20 nothing fits.
_WIDEST, _NARROWEST = 80, 20

_FENCES: Final = {"lua": "Lua", "js": "JS"}
_BULLET: Final = re.compile(r"(\s*)- (.*)")
_MARKED: Final = re.compile(r"`([^`]*)`|\*([^*\s][^*]*)\*")


def width() -> int:
    """Columns to write in: the terminal's, at most 80; 80 where there is none."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns))


def show_page(markdown: str) -> None:
    for line in rendered(markdown, width()):
        print(line)


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show_rows(rows: Sequence[tuple[str, ...]], columns: int | None = None) -> None:
    """Rows in columns, the last of which wraps under itself; one line each where the terminal is very narrow."""
    if not rows:
        return
    room = columns or width()
    sizes = [max(len(row[index]) for row in rows) + 2 for index in range(len(rows[0]) - 1)]
    left = sum(sizes)
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, sizes)]
        head = paint(cells[0], "bold", sys.stdout) + "".join(cells[1:]) if cells else ""
        lines = textwrap.wrap(row[-1], max(_NARROWEST, room - left)) or [""]
        print((head + lines[0]).rstrip())
        for line in lines[1:]:
            print(" " * left + line)


def rendered(markdown: str, columns: int) -> Iterator[str]:
    """The page's lines. Code of one line stands beside its language's name."""
    code: list[str] | None = None
    language = ""
    before = ""
    for line in markdown.splitlines():
        if line.startswith("```"):
            if code is None:
                code, language = [], _FENCES.get(line[3:], "")
            else:
                yield from _code(language, code, columns)
                code = None
        elif code is not None:
            code.append(line)
        elif line.startswith("#"):
            yield _styled(line.lstrip("# "), "bold")
        elif bullet := _BULLET.fullmatch(line):
            indent = bullet[1] + "  "
            yield from _wrapped(bullet[2], f"{indent}", f"{indent}  ", columns)
        elif line or not before.startswith("```"):
            yield from _wrapped(line, "", "", columns) if line else [""]
        before = line


def _code(language: str, lines: list[str], columns: int) -> Iterator[str]:
    label = f"  {language:<5}" if language else "  "
    for index, line in enumerate(lines):
        head = paint(label, "dim", sys.stdout) if index == 0 else " " * len(label)
        indent = len(line) - len(line.lstrip())
        parts = textwrap.wrap(
            line.strip(),
            max(_NARROWEST, columns - len(label) - indent),
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
        for number, part in enumerate(parts or [""]):
            yield f"{head if number == 0 else ' ' * len(label)}{' ' * indent}{part}".rstrip()


def _wrapped(text: str, first: str, rest: str, columns: int) -> Iterator[str]:
    """Wrapped by what is seen, styled afterwards: a mark may be broken over two lines."""
    plain, styles = _parts(text)
    at = 0
    lines = textwrap.wrap(
        plain, columns, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )
    for number, line in enumerate(lines):
        indent = first if number == 0 else rest
        body = line[len(indent) :]
        at = plain.index(body, at)
        yield indent + "".join(_runs(body, styles[at : at + len(body)]))
        at += len(body)


def _runs(text: str, styles: list[Style | None]) -> Iterator[str]:
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or styles[end] != styles[start]:
            yield _styled(text[start:end], styles[start])
            start = end


def _parts(text: str) -> tuple[str, list[Style | None]]:
    """The text without its marks, and the style of each of its characters."""
    plain: list[str] = []
    styles: list[Style | None] = []
    at = 0
    for mark in _MARKED.finditer(text):
        inside: str = mark[1] or mark[2] or ""
        style: Style = "bold" if mark[1] is not None else "dim"
        plain += [text[at : mark.start()], inside]
        styles += [None] * (mark.start() - at) + [style] * len(inside)
        at = mark.end()
    plain.append(text[at:])
    styles.extend([None] * (len(text) - at))
    return "".join(plain), styles


def _styled(text: str, style: Style | None) -> str:
    if style == "bold":
        text = re.sub(r"`([^`]*)`", r"\1", text)
    return paint(text, style, sys.stdout) if style and text.strip() else text
