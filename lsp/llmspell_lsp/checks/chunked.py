"""Checks that look at one chunk at a time, and are asked again only where something that the chunk sees has changed.

A check of a chunk may follow names into other chunks and files and may ask for settings: what it found is good as long
as they are the same (`analysis.reach`). Chunks that the grammar could not read whole are left alone: their trees
are guesses. Knows no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis.bindings import bindings
from llmspell_lsp.analysis.reach import Reach
from llmspell_lsp.checks.finding import Finding, moved
from llmspell_lsp.checks.given import of_chunk
from llmspell_lsp.checks.project import settings_of
from llmspell_lsp.syntax.lookup import Kind, of_kind

if TYPE_CHECKING:
    from llmspell.settings.values import Settings
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.checks.values import Place
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.workspace.snapshot import Snapshot

Family = Callable[["Snapshot"], Iterable[Finding | None]]
Check = Callable[["View"], Iterable[Finding | None]]
"""None among the findings: as in a family."""
Found = dict[Check, list[Finding]]

_SOME: Final = 100
"""Values that are looked at without a pause: some 5 ms."""


def prepared(snapshot: Snapshot) -> Iterator[None]:
    """Reads what all checks ask of every chunk, chunk by chunk: of 10,000 lines 0.4 s, at the first time."""
    for _, _, chunk in snapshot.chunks.placed:
        if not chunk.facts.get(prepared):
            chunk.facts[prepared] = True
            bindings(chunk)
            yield
            of_chunk(chunk)
            yield
    _ = snapshot.analysis.outer
    yield
    _ = snapshot.types
    yield


class View:
    """A chunk with the types of its document. Good for one version."""

    def __init__(self, snapshot: Snapshot, placed: Placed, kept: Found | None = None) -> None:
        """kept: what the checks have found in it, and will."""
        self.snapshot = snapshot
        self.kept: Found = {} if kept is None else kept
        self.infer: Inference = snapshot.types
        self.placed = placed

    @property
    def lua(self) -> bool:
        return self.infer.language == "lua"

    def nodes(self, kind: type[Kind]) -> list[Kind]:
        """The chunk's nodes of a kind, in the order of the file."""
        return of_kind(self.placed.chunk, kind)

    @cached_property
    def places(self) -> list[Place]:
        """Every value that stands where the registry says what is wanted."""
        for _ in self.gathered():
            pass
        return self.places

    def gathered(self) -> Iterator[None]:
        """Reads `places` in pieces: those of a function of 10,000 lines take 0.2 s."""
        from llmspell_lsp.checks.values import places  # which reads views

        found: list[Place] = []
        for number, place in enumerate(places(self), 1):
            found.append(place)
            if not number % _SOME:
                yield
        self.places = found


def views(snapshot: Snapshot) -> list[View]:
    """Each chunk that could be read, with what is still good of what was found in it."""
    settings, world = settings_of(snapshot), _world(snapshot)
    revision = snapshot.document.revision
    last = snapshot.document.facts.get(_Views)
    if isinstance(last, _Views) and last.revision == revision and last.settings is settings and last.world == world:
        return last.views
    reach = Reach.of(snapshot.analysis, world)
    made: list[View] = []
    for index, placed in enumerate(snapshot.chunks.placed):
        chunk = placed.chunk
        if chunk.broken:
            continue
        number = reach.number(index)
        known = chunk.facts.get(_Kept)
        if not isinstance(known, _Kept) or known.number != number or known.settings is not settings:
            known = chunk.facts[_Kept] = _Kept(number, settings)
        made.append(View(snapshot, placed, known.found))
    snapshot.document.facts[_Views] = _Views(revision, settings, world, made)
    return made


@dataclass(slots=True)
class _Views:
    revision: int
    settings: Settings | None
    world: object
    views: list[View]


@dataclass(slots=True)
class _Kept:
    """What was found in a chunk while what it depends on had a number. Lines are the chunk's."""

    number: int
    settings: Settings | None
    found: Found = field(default_factory=dict["Check", "list[Finding]"])


def by_chunk(check: Check) -> Family:
    """A family out of a check of one chunk."""

    def family(snapshot: Snapshot) -> Iterator[Finding | None]:
        if not snapshot.is_script:
            return
        for view in views(snapshot):
            kept = view.kept.get(check)
            if kept is not None:
                for each in kept:
                    yield moved(each, view.placed.start)
                continue
            found: list[Finding] = []
            for each in check(view):
                yield each
                if each is not None:
                    found.append(each)
            yield None
            start, end, _ = view.placed
            if all(start <= span.line < end for each in found for span in each.spans()):
                view.kept[check] = [moved(each, -start) for each in found]

    family.__module__ = check.__module__
    return family


def _world(snapshot: Snapshot) -> object:
    """What the files that are imported are like."""
    return snapshot.project.state(snapshot.document.uri) if snapshot.project is not None else None
