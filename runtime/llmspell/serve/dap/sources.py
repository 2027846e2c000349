"""The files of a debugged run: a script's label to a client's path and back, texts, and the lines that have code."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from llmspell.errors import LlmspellError, UsageError
from llmspell.spell import Spell

MeasureLines = Callable[[Spell], Awaitable[list[int]]]


class Sources:
    """cwd: where labels begin. measure: gives the lines of a text that have code; raises LlmspellError."""

    def __init__(self, cwd: Path, measure: MeasureLines) -> None:
        self._cwd = cwd
        self._real = Path(os.path.realpath(cwd))
        self._measure = measure
        self._paths: dict[str, str] = {}  # a label: the path that the client calls it by
        self._lines: dict[str, tuple[int, list[int]]] = {}  # of a path, as it was saved last
        self.loaded: dict[str, None] = {}
        """Labels of what the run has loaded, in their order."""

    def label(self, path: str) -> str:
        """As a run calls the file: relative to where it stands, if it is below."""
        given = Path(os.path.normpath(self._cwd / path))
        for base, file in ((self._cwd, given), (self._real, Path(os.path.realpath(given)))):
            if file.is_relative_to(base):
                found = str(file.relative_to(base))
                break
        else:
            found = os.path.realpath(given)
        self._paths[found] = str(given)
        return found

    def path(self, label: str) -> str:
        """As the client knows it."""
        return self._paths.get(label) or str(self._cwd / label)

    def of(self, label: str) -> dict[str, Any]:
        """The `Source` of the protocol."""
        path = self.path(label)
        return {"name": Path(path).name, "path": path}

    def text(self, path: str) -> str:
        """Raises UsageError."""
        file = self._cwd / path
        if not self._is_script(file):
            raise UsageError(f"{path!r} is no script", hint="a source is a .lua, .js or .mjs file")
        return Spell.read(file).source

    def _is_script(self, file: Path) -> bool:
        return file.suffix.lower() in (".lua", ".js", ".mjs")

    async def lines(self, path: str) -> list[int]:
        """The lines at which a script can stop. Raises UsageError for what is no script or does not compile."""
        file = self._cwd / path
        if not self._is_script(file):
            raise UsageError(f"{file.name} is no script that can be debugged")
        spell = Spell.read(file)
        saved = file.stat().st_mtime_ns
        known = self._lines.get(str(file))
        if known is not None and known[0] == saved:
            return known[1]
        try:
            found = await self._measure(spell)
        except LlmspellError as error:
            raise UsageError(f"{file.name} has a mistake: {error.message}") from None
        self._lines[str(file)] = saved, found
        return found


def nearest(lines: list[int], wanted: int) -> int | None:
    """The line itself, or the next one that has code."""
    return next((line for line in lines if line >= wanted), None)
