"""What the chunks of a document declare at the outermost level, give fields to, or use of each other: by name.

Followed from version to version: a key typed costs the names of one chunk, and where chunks come or go, a shift of the
numbers (1 ms at 10,000 lines). Chunks are told by their index. Knows no places within a chunk, and no types.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import add
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from llmspell_lsp.analysis.bindings import Bindings, bindings

if TYPE_CHECKING:
    from llmspell_lsp.analysis.bindings import Local
    from llmspell_lsp.syntax.chunks import Placed

MANY: Final = 64
"""Fresh chunks from which on the whole document is read anew, 3 ms at 10,000 lines."""

Declared = tuple[int, "Local"]
_Entry = TypeVar("_Entry", int, Declared)


class Change(NamedTuple):
    """From a chunk's index on, `removed` chunks gave way to `added` others."""

    first: int
    removed: int
    added: int


def change(was: Sequence[Placed], now: Sequence[Placed]) -> Change:
    """What is different between two versions, wherever the chunks stand."""
    first, most = 0, min(len(was), len(now))
    while first < most and was[first].chunk is now[first].chunk:
        first += 1
    tail = 0
    while tail < most - first and was[-1 - tail].chunk is now[-1 - tail].chunk:
        tail += 1
    return Change(first, len(was) - first - tail, len(now) - first - tail)


class Outermost:
    """Of one version. Lists are in the order of the file and never changed once they are here."""

    __slots__ = ("_placed", "apart", "assigned", "declared", "grown", "used")

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._placed = placed
        self.declared: dict[str, list[Declared]] = {}
        self.assigned: dict[str, list[Declared]] = {}
        """Lua: names that are assigned to and that the chunk does not declare."""
        self.grown: dict[str, list[int]] = {}
        """Chunks that give fields to a name, if that is none of their inner ones."""
        self.used: dict[str, list[int]] = {}
        """Chunks that use a name without declaring it."""
        self.apart: list[int] = []
        """Chunks with exports, imports or outermost returns."""

    @staticmethod
    def read(placed: Sequence[Placed]) -> Outermost:
        made = Outermost(placed)
        for index, place in enumerate(placed):
            here = bindings(place.chunk)
            for local in here.top.locals:
                made.declared.setdefault(local.name, []).append((index, local))
            for name, local in here.assigned.items():
                made.assigned.setdefault(name, []).append((index, local))
            for name in _grown(here):
                made.grown.setdefault(name, []).append(index)
            for name in here.free:
                made.used.setdefault(name, []).append(index)
            if _is_apart(here):
                made.apart.append(index)
        return made

    def followed(self, placed: Sequence[Placed]) -> Outermost:
        """Of a later version."""
        first, removed, added = change(self._placed, placed)
        if added > MANY:
            return Outermost.read(placed)
        old = [bindings(place.chunk) for place in self._placed[first : first + removed]]
        new = [(at, bindings(placed[at].chunk)) for at in range(first, first + added)]
        rest, more = first + removed, added - removed
        made = Outermost(placed)
        names = {local.name for here in old for local in here.top.locals}
        made.declared = followed(self.declared, names, first, rest, more, _place, _further)
        made.assigned = followed(
            self.assigned, {name for here in old for name in here.assigned}, first, rest, more, _place, _further
        )
        made.grown = followed(self.grown, {name for here in old for name in _grown(here)}, first, rest, more, int, add)
        made.used = followed(self.used, {name for here in old for name in here.free}, first, rest, more, int, add)
        for index, here in new:
            for local in here.top.locals:
                put(made.declared, local.name, (index, local), _place)
            for name, local in here.assigned.items():
                put(made.assigned, name, (index, local), _place)
            for name in _grown(here):
                put(made.grown, name, index, int)
            for name in here.free:
                put(made.used, name, index, int)
        kept = (at if at < first else at + more for at in self.apart if not first <= at < rest)
        made.apart = sorted([*kept, *(index for index, here in new if _is_apart(here))])
        return made


def followed(
    entries: dict[str, list[_Entry]],
    names: set[str],
    first: int,
    rest: int,
    more: int,
    place: Callable[[_Entry], int],
    further: Callable[[_Entry, int], _Entry],
) -> dict[str, list[_Entry]]:
    """Without what the chunks first..rest gave to these names; what is behind them some chunks further."""
    made = dict(entries)
    for name in names:
        left = [each for each in made[name] if not first <= place(each) < rest]
        if left:
            made[name] = left
        else:
            del made[name]
    if more:
        for name, found in made.items():
            if place(found[-1]) >= rest:
                made[name] = [each if place(each) < rest else further(each, more) for each in found]
    return made


def put(entries: dict[str, list[_Entry]], name: str, entry: _Entry, place: Callable[[_Entry], int]) -> None:
    """Into a list of its own: that of the older version stays."""
    found = entries.get(name, ())
    at = bisect_right(found, place(entry), key=place)
    entries[name] = [*found[:at], entry, *found[at:]]


def _place(entry: Declared) -> int:
    return entry[0]


def _further(entry: Declared, more: int) -> Declared:
    return entry[0] + more, entry[1]


def _grown(here: Bindings) -> set[str]:
    return {
        name
        for name, each in here.grown.items()
        if any(growth.use.local is None or growth.use.local.scope.parent is None for growth in each)
    }


def _is_apart(here: Bindings) -> bool:
    return bool(here.exports or here.imports or here.returns)
