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
    """The page's lines. Lines of a paragraph are joined; blocks of code follow each other without a gap."""
    before = ""
    for block in _blocks(markdown):
        kind = "code" if block[0].startswith("```") else "text"
        if before and not (kind == before == "code"):
            yield ""
        before = kind
        if kind == "code":
            yield from _code(_FENCES.get(block[0][3:], ""), block[1:], columns)
        elif block[0].startswith("#"):
            yield _styled(block[0].lstrip("# "), "bold")
        else:
            yield from _text(block, columns)


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Paragraphs, lists and blocks of code, each as its lines; a block of code without its closing fence."""
    block: list[str] = []
    for line in markdown.splitlines():
        in_code = bool(block) and block[0].startswith("```")
        if (line.startswith("```") and in_code) or (not line and not in_code):
            if block:
                yield block
            block = []
        else:
            block.append(line)
    if block:
        yield block


def _text(lines: list[str], columns: int) -> Iterator[str]:
    """A paragraph or a list; a line that opens no bullet belongs to what is before it."""
    parts: list[tuple[str, str]] = []
    for line in lines:
        if bullet := _BULLET.fullmatch(line):
            parts.append((bullet[1] + "  ", bullet[2]))
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {line.strip()}")
        else:
            parts.append(("", line.strip()))
    for indent, text in parts:
        yield from _wrapped(text, indent, f"{indent}  " if indent else "", columns)


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
    plain = ""
    styles: list[Style | None] = []
    at = 0
    for mark in _MARKED.finditer(text):
        inside: str = mark[1] or mark[2] or ""
        plain += text[at : mark.start()] + inside
        styles.extend([None] * (mark.start() - at))
        style: Style = "bold" if mark[1] is not None else "dim"
        styles.extend(style for _ in inside)
        at = mark.end()
    styles.extend([None] * (len(text) - at))
    return plain + text[at:], styles


def _styled(text: str, style: Style | None) -> str:
    if style == "bold":
        text = re.sub(r"`([^`]*)`", r"\1", text)
    return paint(text, style, sys.stdout) if style and text.strip() else text
