"""Applies a unified diff of one file to a text. Strict: every line that it names must be there. Knows no files."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen

_HEAD: Final = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")
#: Lines that a place may have moved since the diff was made.
_REACH: Final = 200


@frozen
class Hunk:
    """One place: the line where the diff saw it (from 0), what must be there, what comes in its place."""

    start: int
    old: list[str]
    new: list[str]


def apply(text: str, patch: str) -> dict[str, Any]:
    """The tool's content. Raises ToolError with the place that does not fit."""
    lines = list(io.StringIO(text, newline="\n"))
    hunks = _parsed(patch)
    made: list[str] = []
    done = 0
    shift = 0
    for number, hunk in enumerate(hunks, 1):
        place = _place(lines, hunk, done, hunk.start + shift)
        if place is None:
            raise ToolError(
                f"place {number} of the patch, line {hunk.start + 1}, does not fit the text",
                hint="make the diff against this very text",
            )
        shift = place - hunk.start
        made += lines[done:place] + hunk.new
        done = place + len(hunk.old)
    return {"text": "".join(made + lines[done:]), "applied": len(hunks)}


def _place(lines: list[str], hunk: Hunk, first: int, expected: int) -> int | None:
    """Where the hunk's old lines stand: at the expected line, else at the nearest one."""
    size = len(hunk.old)
    last = len(lines) - size
    for distance in range(_REACH + 1):
        for place in {expected - distance, expected + distance}:
            if first <= place <= last and lines[place : place + size] == hunk.old:
                return place
        if not size:  # lines that are only added fit anywhere, so only the expected place is right
            return None
    return None


def _parsed(patch: str) -> list[Hunk]:
    lines = list(io.StringIO(patch.replace("\r\n", "\n") if "\r\n@@" in patch else patch, newline="\n"))
    hunks: list[Hunk] = []
    files = 0
    at = 0
    while at < len(lines):
        head = _HEAD.match(lines[at])
        if head is None:
            files += lines[at].startswith("--- ")
            if files > 1:
                raise ToolError("the patch changes more than one file", hint="apply the part of each file to its text")
            at += 1
            continue
        hunk, at = _hunk(lines, at + 1, head)
        hunks.append(hunk)
    if not hunks:
        raise ToolError("this is no unified diff: no line begins with `@@ -`", hint="`compare` shows its form")
    return hunks


def _hunk(lines: list[str], at: int, head: re.Match[str]) -> tuple[Hunk, int]:
    counts = [1 if head[place] is None else int(head[place]) for place in (2, 4)]
    old: list[str] = []
    new: list[str] = []
    while at < len(lines) and (len(old), len(new)) != (counts[0], counts[1]):
        mark, rest = lines[at][:1], lines[at][1:]
        if mark in ("\n", ""):  # editors take the blank off an empty line
            mark, rest = " ", "\n"
        if mark not in (" ", "-", "+", "\\"):
            break
        if mark == "\\":
            _open(old, new, lines[at - 1][:1])
        if mark in (" ", "-"):
            old.append(rest if rest.endswith("\n") else rest + "\n")
        if mark in (" ", "+"):
            new.append(rest if rest.endswith("\n") else rest + "\n")
        at += 1
    if (len(old), len(new)) != (counts[0], counts[1]):
        raise ToolError(f"the patch ends within a place: {head[0]}", hint="its line counts do not fit its lines")
    if at < len(lines) and lines[at].startswith("\\"):
        _open(old, new, lines[at - 1][:1])
        at += 1
    start = int(head[1])
    return Hunk(start - 1 if counts[0] else start, old, new), at


def _open(old: list[str], new: list[str], mark: str) -> None:
    """The line before has no end."""
    for lines, marks in ((old, " -"), (new, " +")):
        if mark in marks and lines:
            lines[-1] = lines[-1].removesuffix("\n")
