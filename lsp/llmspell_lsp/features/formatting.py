"""Formatting by the programs that a project's people have (`workspace.programs`). None of our own.

The text goes in and out by standard streams, within a time limit. Knows no protocol; `run` blocks and is for a thread.
Its command lines are those of stylua 2.5 and prettier 3.10.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from llmspell_lsp.documents.document import split
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace.programs import Formatter, above

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


def run(using: Formatter, lines: Sequence[str], path: str, within: Span | None = None) -> str:
    """The formatted text, its lines ending with LF; within: only what stands there is formatted. Raises Refused."""
    text = "\n".join(lines)
    returned, said, written = _piped([using.path, *_arguments(using, lines, path, within)], text, using, path)
    if returned:
        raise Refused(f"{using.program}: {_complaint(said) or f'ended with {returned}'}")
    try:
        formatted = written.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{using.program} gave what is no text") from None
    if text.strip() and not formatted.strip():
        raise Refused(f"{using.program} gave nothing")
    return formatted


def _arguments(using: Formatter, lines: Sequence[str], path: str, within: Span | None) -> list[str]:
    """Both look for the project's settings from the file on. Ranges are whole lines: of a part of one, stylua takes no
    notice; it counts bytes, prettier UTF-16 units."""
    found = ["--stdin-filepath", path]
    if within is not None:
        encoding, unit = ("utf-8", 1) if using.program == "stylua" else ("utf-16-le", 2)
        last = within.end_line - 1 if within.end_column == 0 and within.end_line > within.line else within.end_line
        for name, before in (("start", lines[: within.line]), ("end", lines[: last + 1])):
            units = len("".join([f"{line}\n" for line in before]).encode(encoding, "surrogatepass")) // unit
            found += [f"--range-{name}", str(units)]
    return ["--search-parent-directories", "--respect-ignores", *found, "-"] if using.program == "stylua" else found


def _piped(command: Sequence[str], text: str, using: Formatter, path: str) -> tuple[int, bytes, bytes]:
    """Exit code, standard error and output. What npm installs as a program starts another, so a group is ended."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=_folder(path),
            start_new_session=True,
        )
    except OSError as error:
        raise Refused(f"{using.path} cannot be run: {error.strerror}") from None
    with process:
        try:
            written, said = process.communicate(text.encode("utf-8", "surrogatepass"), LIMIT)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise Refused(f"{using.program} took longer than {LIMIT:.0f} s") from None
    return process.returncode, said, written


def _folder(path: str) -> str | None:
    """Where the program is started: prettier reads `.prettierignore` there and nowhere else."""
    folders = [folder for folder in above(path) if os.path.isdir(folder)]  # noqa: PTH112
    with_list = (each for each in folders if os.path.isfile(os.path.join(each, ".prettierignore")))  # noqa: PTH113, PTH118
    return next(with_list, folders[0] if folders else None)


def _complaint(said: bytes) -> str:
    """What a program said, as one line: stylua ends its first with a colon and says the reason below."""
    lines = [
        line.strip().removeprefix("[error] ").removeprefix("error: ")
        for line in said.decode("utf-8", "replace").strip().split("\n")
    ]
    if lines[0].endswith(":") and len(lines) > 1:
        return f"{lines[0]} {lines[1].removeprefix('- ')}"
    return lines[0]


def edits(lines: Sequence[str], formatted: str, line_end: str) -> list[Edit]:
    """What changes the lines into the formatted text, and leaves alone what is the same."""
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
    return [
        _edit(lines, head + first, head + last, new_part[new_first:new_last], line_end)
        for _, first, last, new_first, new_last in changes
    ]


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
