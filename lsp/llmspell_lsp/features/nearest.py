"""The names that a spell declares as completion offers them: where there are thousands, those near and those meant.

Of a file of 10,000 lines each key would otherwise bring the client 200 KB of names. Knows no candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from llmspell_lsp.analysis.bindings import bindings

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Analysis, Binding

NEAR: Final = 50
"""Names nearest to the place whose types are shown; to tell those of thousands would cost 20 ms a key."""

MOST: Final = 300
"""Names up to which all are offered, whatever has been typed."""

FEW: Final = 120
"""Of more than that so many are offered, and the client asks again at the next key."""

_Named = TypeVar("_Named")


class Nearest(NamedTuple):
    """near: the nearest first. far: others. complete: nothing that could be meant is missing."""

    near: list[tuple[str, Binding]]
    far: list[tuple[str, Binding]]
    complete: bool


def nearest(analysis: Analysis, line: int, column: int, typed: str) -> Nearest:
    """What the document declares that can be named at a place. typed: what stands there of a name."""
    outer = analysis.outer
    if len(outer.declared) + len(outer.assigned) <= MOST:
        found = analysis.visible(line, column)
        complete = True
    else:
        found, complete = _some(analysis, line, column, typed), False
    if len(found) > MOST:
        found, complete = _inner(found, line, typed), False
    ranked = nsmallest(NEAR, found.items(), key=lambda each: abs(each[1].placed.start - line))
    near = {name for name, _ in ranked}
    ranked.sort(key=lambda each: abs(each[1].placed.start + each[1].local.span.line - line))
    return Nearest(ranked, [each for each in found.items() if each[0] not in near], complete)


def shadowed(analysis: Analysis, names: Iterable[str], line: int, column: int) -> Iterator[str]:
    """Those of some global names that mean something else at a place."""
    found, later = analysis.inside(line, column)
    index = analysis.index(analysis.chunks.at(line).start)
    lost = analysis.lost(line, column)
    for name in names:
        if name in found or name in lost or analysis.outside(name, index, later=later) is not None:
            yield name


def _some(analysis: Analysis, line: int, column: int, typed: str) -> dict[str, Binding]:
    """What the chunk declares, what the nearest others do, and what begins with or holds the letters typed."""
    outer, placed = analysis.outer, analysis.placed
    found, later = analysis.inside(line, column)
    home = analysis.index(analysis.chunks.at(line).start)
    own = len(found)

    def add(name: str) -> None:
        if name not in found and (binding := analysis.outside(name, home, later=later)) is not None:
            found[name] = binding

    meant = likely([*outer.declared, *outer.assigned], typed, str, lambda name: abs(_index(analysis, name) - home))
    for name in meant:
        add(name)
    # Without a word the nearest are all that can be told; with one, enough to show what is around.
    wanted = own + len(meant) + (NEAR if typed else FEW)
    for index in _outward(home, len(placed)):
        here = bindings(placed[index].chunk)
        for name in (*here.top.names, *here.assigned):
            add(name)
        if len(found) >= wanted:
            break
    for name, binding in analysis.lost(line, column).items():
        if name not in outer.declared and name not in outer.assigned:
            found.setdefault(name, binding)
    return found


def _inner(found: dict[str, Binding], line: int, typed: str) -> dict[str, Binding]:
    """Of thousands that one function declares, or all together."""

    def away(each: tuple[str, Binding]) -> int:
        return abs(each[1].placed.start + each[1].local.span.line - line)

    meant = likely(found.items(), typed, lambda each: each[0], away)
    return dict([*meant, *nsmallest(NEAR if typed else FEW, found.items(), key=away)])


def likely(
    named: Iterable[_Named], typed: str, name: Callable[[_Named], str], away: Callable[[_Named], int] | None = None
) -> list[_Named]:
    """A few of those in whose names the letters typed stand in their order, as editors compare them: the name that is
    typed out, those that begin so, the others; of each kind the nearest."""
    if not typed:
        return []
    low = typed.lower()
    lowered = [(name(each).lower(), each) for each in named]
    for letter in set(low):
        lowered = [each for each in lowered if letter in each[0]]
    found = [each for each_low, each in lowered if each_low == low]
    begin = [each for each_low, each in lowered if each_low.startswith(low) and each_low != low]
    found += begin if away is None else nsmallest(FEW, begin, key=away)
    if len(found) < FEW:
        hold = [each for each_low, each in lowered if not each_low.startswith(low) and _holds(each_low, low)]
        found += hold if away is None else nsmallest(FEW, hold, key=away)
    return found[:FEW]


def _holds(name: str, typed: str) -> bool:
    at = 0
    for letter in typed:
        at = name.find(letter, at) + 1
        if not at:
            return False
    return True


def _index(analysis: Analysis, name: str) -> int:
    """A chunk that declares a name."""
    found: Sequence[tuple[int, object]] = analysis.outer.declared.get(name) or analysis.outer.assigned[name]
    return found[0][0]


def _outward(index: int, count: int) -> Iterator[int]:
    """Every index, the nearest first."""
    for away in range(max(index, count - index) + 1):
        if index - away >= 0:
            yield index - away
        if away and index + away < count:
            yield index + away
