"""One open text, held as lines so that a key typed costs what it changes and not what the file holds.

Positions are (line, column), columns in code points; a position past a line's or the text's end means that end, as the
protocol asks. Lines end at LF, CRLF or CR and nowhere else; the ends are kept, so `text` is exact. Any text is welcome:
a byte order mark, NUL, lone surrogates, one line of a megabyte. Knows no language beyond its name.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, Literal, NamedTuple

Language = Literal["lua", "javascript", "toml", "json"]

KEPT_SPLICES: Final = 256
"""How many edits a reader may lag behind before it has to read the whole text again."""

_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n)")


class Splice(NamedTuple):
    """An edit as the lines see it: from `first` on, `removed` lines gave way to `added` lines."""

    first: int
    removed: int
    added: int


def split(text: str) -> tuple[list[str], list[str]]:
    """The lines of a text, and the line end of each ("" for the last)."""
    if "\r" not in text:
        lines = text.split("\n")
        return lines, ["\n"] * (len(lines) - 1) + [""]
    lines = list[str]()
    ends = list[str]()
    at = 0
    for found in _LINE.finditer(text):
        lines.append(found[1])
        ends.append("\n" if found[2] == "\n" else "\r\n" if found[2] == "\r\n" else "\r")
        at = found.end()
    lines.append(text[at:])
    ends.append("")
    return lines, ends


class Document:
    """An open text. `lines` are without their ends; read them, and change them only by `edit` and `replace`."""

    __slots__ = ("_ends", "_splices", "facts", "language", "lines", "revision", "uri", "version")

    def __init__(self, uri: str, language: Language, version: int, text: str) -> None:
        self.uri = uri
        self.language: Language = language
        self.version = version
        self.revision = 0
        """Counts the edits since the beginning; unlike `version`, no client can make it jump or stand."""
        self.lines: list[str]
        self._ends: list[str]
        self.lines, self._ends = split(text)
        self.facts: dict[object, object] = {}
        """What other modules keep about it, each under a key of its own."""
        self._splices: deque[Splice] = deque(maxlen=KEPT_SPLICES)

    @property
    def text(self) -> str:
        """The whole text, exact; built anew at each call (1 ms for 10,000 lines)."""
        if all(end == "\n" for end in self._ends[:-1]):
            return "\n".join(self.lines)
        return "".join(part for pair in zip(self.lines, self._ends, strict=True) for part in pair)

    @property
    def line_end(self) -> str:
        """What a new line should end with: as the first line does."""
        return self._ends[0] or "\n"

    def clip(self, line: int, column: int) -> tuple[int, int]:
        """The nearest position that exists."""
        if line < 0:
            return 0, 0
        if line >= len(self.lines):
            return len(self.lines) - 1, len(self.lines[-1])
        return line, min(max(column, 0), len(self.lines[line]))

    def between(self, start_line: int, start_column: int, end_line: int, end_column: int) -> str:
        """The text from one position up to another, with its line ends."""
        start_line, start_column = self.clip(start_line, start_column)
        end_line, end_column = self.clip(end_line, end_column)
        if start_line == end_line:
            return self.lines[start_line][start_column:end_column]
        if start_line > end_line:
            return ""
        parts = [self.lines[start_line][start_column:], self._ends[start_line]]
        for line in range(start_line + 1, end_line):
            parts += self.lines[line], self._ends[line]
        return "".join((*parts, self.lines[end_line][:end_column]))

    def edit(self, start_line: int, start_column: int, end_line: int, end_column: int, text: str) -> Splice:
        """Puts `text` in the place of a range, whose two ends may come in either order."""
        start, end = sorted((self.clip(start_line, start_column), self.clip(end_line, end_column)))
        first, last = start[0], end[0]
        head, tail = self.lines[first][: start[1]], self.lines[last][end[1] :]
        if first > 0 and start[1] == 0 and self._ends[first - 1] == "\r":
            # A line feed now coming first would join the carriage return before it to one line end.
            first -= 1
            head = self.lines[first] + "\r"
        if "\n" in text or "\r" in text or head.endswith("\r"):
            lines, ends = split(head + text + tail + self._ends[last])
            if self._ends[last]:
                lines.pop()
                ends.pop()
        else:
            lines, ends = [head + text + tail], [self._ends[last]]
        self.lines[first : last + 1] = lines
        self._ends[first : last + 1] = ends
        return self._changed(Splice(first, last + 1 - first, len(lines)))

    def replace(self, text: str) -> Splice:
        """Puts a whole new text in. What stays the same at both ends is not counted as changed."""
        lines, ends = split(text)
        old, longest = self.lines, min(len(lines), len(self.lines))
        head = 0
        while head < longest and lines[head] == old[head]:
            head += 1
        tail = 0
        while tail < longest - head and lines[-1 - tail] == old[-1 - tail]:
            tail += 1
        splice = Splice(head, len(old) - head - tail, len(lines) - head - tail)
        # The list stays the same object: whoever holds `lines` sees the new text.
        self.lines[:] = lines
        self._ends[:] = ends
        return self._changed(splice)

    def since(self, revision: int) -> list[Splice] | None:
        """The edits after a revision, oldest first; None if they are no longer known (then read everything)."""
        missing = self.revision - revision
        if missing < 0 or missing > len(self._splices):
            return None
        return [self._splices[index - missing] for index in range(missing)]

    def _changed(self, splice: Splice) -> Splice:
        self.revision += 1
        self._splices.append(splice)
        return splice
