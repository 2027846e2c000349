"""Formatting by the programs that a project's people have (`workspace.programs`). None of our own.

The text goes in and out by standard streams, within a time limit. Knows no protocol; `run` blocks and is for a thread.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from llmspell_lsp.documents.document import split
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace.programs import Formatter

LIMIT: Final = 8.0
"""Seconds a program may take: prettier needs one to start, and longer for 10,000 lines."""

_COMPARED: Final = 4_000
"""Changed lines up to which the lines that stay are looked for between them: it takes the square of their number."""


class Edit(NamedTuple):
    """A text in the place of another; whole lines."""

    span: Span
    text: str


class Refused(Exception):
    """The program would not format the text: what it said."""


def run(using: Formatter, text: str, path: str) -> str:
    """The formatted text. Raises Refused."""
    arguments = (
        ["--search-parent-directories", "--stdin-filepath", path, "-"]
        if using.program == "stylua"
        else ["--stdin-filepath", path]
    )
    folder = os.path.dirname(path)  # noqa: PTH120
    try:
        done = subprocess.run(
            [using.path, *arguments],
            input=text.encode("utf-8", "surrogatepass"),
            capture_output=True,
            timeout=LIMIT,
            check=False,
            cwd=folder if os.path.isdir(folder) else None,  # noqa: PTH112
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"{using.program} took longer than {LIMIT:.0f} s") from None
    except OSError as error:
        raise Refused(f"{using.path} cannot be run: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise Refused(f"{using.program}: {said or f'ended with {done.returncode}'}")
    try:
        formatted = done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{using.program} gave what is no text") from None
    if text.strip() and not formatted.strip():
        raise Refused(f"{using.program} gave nothing")
    return formatted


def edits(lines: Sequence[str], formatted: str, line_end: str, within: Span | None = None) -> list[Edit]:
    """What changes the lines into the formatted text, and leaves alone what is the same; within: only there."""
    new, _ = split(formatted)
    head, tail, most = 0, 0, min(len(lines), len(new))
    while head < most and lines[head] == new[head]:
        head += 1
    while tail < most - head and lines[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_part, new_part = lines[head : len(lines) - tail], new[head : len(new) - tail]
    if not old_part and not new_part:
        return []
    if len(old_part) + len(new_part) > _COMPARED:
        changes = [("replace", 0, len(old_part), 0, len(new_part))]
    else:
        matcher = SequenceMatcher(None, old_part, new_part, autojunk=False)
        changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    found: list[Edit] = []
    for _, first, last, new_first, new_last in changes:
        if within is None or (head + first <= within.end_line and head + last > within.line):
            found.append(_edit(lines, head + first, head + last, new_part[new_first:new_last], line_end))
    return found


def _edit(lines: Sequence[str], first: int, last: int, new: Sequence[str], line_end: str) -> Edit:
    """The lines first..last gone, others in their place; the document's last line has no end of its own."""
    if last < len(lines):
        return Edit(Span(first, 0, last, 0), "".join([f"{line}{line_end}" for line in new]))
    end = len(lines) - 1
    text = line_end.join(new)
    if first == 0:
        return Edit(Span(0, 0, end, len(lines[end])), text)
    before = first - 1
    return Edit(Span(before, len(lines[before]), end, len(lines[end])), f"{line_end}{text}" if new else "")
