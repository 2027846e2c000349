"""The last runs of the open spells, for those who answer requests: what is known now, laid onto the present text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llmspell_lsp.documents.document import split
from llmspell_lsp.documents.uris import path_of
from llmspell_lsp.live.lines import Lines

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.live.run import Gave, LastRun, Place, StepRun


class Seen:
    """A run as a document shows it."""

    def __init__(self, run: LastRun, path: str, document: Document) -> None:
        self.run = run
        self._path = path
        self._lines = Lines(split(run.texts[path].removeprefix("\ufeff"))[0], document.lines)

    @property
    def is_own(self) -> bool:
        """Whether it was this document that was run, and not one that loaded it."""
        return self.run.spell == self._path

    def line(self, place: Place) -> int | None:
        """Where a place of the run is in the document; None: elsewhere, or changed since."""
        return self._lines.now(place.line) if place.path == self._path else None

    def values(self) -> dict[int, Gave]:
        """What lines gave, by the lines as they are now."""
        return {line: gave for place, gave in self.run.values.items() if (line := self.line(place)) is not None}

    def steps(self) -> dict[int, tuple[StepRun, ...]]:
        """The steps of workflows, by the lines where those are made."""
        return {line: steps for place, steps in self.run.steps.items() if (line := self.line(place)) is not None}


class Board:
    """One thread's."""

    def __init__(self, changed: Callable[[str], None] = lambda _path: None) -> None:
        """changed: is called with the path of a spell whose last run is another now."""
        self._changed = changed
        self._runs: dict[str, LastRun] = {}

    def put(self, path: str, run: LastRun | None) -> None:
        """The last run of a spell; None: there is none any more."""
        if run is None:
            if self._runs.pop(path, None) is None:
                return
        else:
            self._runs[path] = run
        self._changed(path)

    def forget(self, path: str) -> None:
        """The spell was closed."""
        self._runs.pop(path, None)

    def of(self, document: Document) -> Seen | None:
        """The last run of a document: as a spell, else of an open spell that loads it."""
        path = path_of(document.uri)
        if path is None:
            return None
        run = self._runs.get(path) or self._loading(path)
        if run is None:
            return None
        key = (document.revision, run.id)
        known = document.facts.get(Seen)
        if isinstance(known, tuple) and known[0] == key:
            return known[1]
        seen = Seen(run, path, document)
        document.facts[Seen] = (key, seen)
        return seen

    def _loading(self, path: str) -> LastRun | None:
        found = [run for run in self._runs.values() if path in run.texts]
        return max(found, key=lambda run: run.started, default=None)
