"""Where a file is cut into chunks: at which lines at column 0 a statement begins, and which runs belong together.

Goes by `skeleton`'s lines alone. Knows no document, no texts and no grammar.
"""

from __future__ import annotations

from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk
    from llmspell_lsp.syntax.skeleton import Line, ScriptLanguage

_BEGINS: Final = frozenset(["comment", "soft", "hard"])
_HEADED: Final = frozenset(["if", "for", "while", "with"])
_OPENERS: Final = {")": "(", "]": "[", "}": "{", "e": "b"}


class Piece:
    """A run of lines before joining. Immutable but for the chunk it remembers."""

    __slots__ = ("chunk", "closers", "odd", "openers", "size")

    def __init__(self, size: int, openers: str, closers: str) -> None:
        self.size = size
        self.openers = openers
        self.closers = closers
        self.odd = bool(openers or closers)
        self.chunk: Chunk | None = None


_ODD: Final = attrgetter("odd")

Unions = dict[tuple[Piece, ...], Piece]


class _Run(NamedTuple):
    """Pieces first..last, and the brackets that they leave open."""

    first: int
    last: int
    openers: str


class Cutter:
    """One piece while its lines are gathered: says whether the next line begins another."""

    __slots__ = ("_closers", "_head", "_holds", "_language", "_openers", "_tail")

    def __init__(self, language: ScriptLanguage) -> None:
        self._language = language
        self._holds: Literal["", "comment", "apart", "code"] = ""
        """Nothing but blank lines yet · only comments · comments with a blank line below · code."""
        self._head = ""
        self._tail = ""
        self._openers: list[str] = []
        self._closers: list[str] = []

    def begins(self, line: Line) -> bool:
        start, holds = line.start, self._holds
        if start not in _BEGINS or holds == "":
            return False
        if holds != "code":
            # A comment directly above belongs to the statement.
            return holds == "apart"
        if start == "comment":
            return True
        if self._openers:
            return True
        head, tail = self._head, self._tail
        if self._language == "lua":
            if line.head == "do" and head in {"for", "while"}:
                return False
        elif (line.head == "while" and head == "do") or (tail == ")" and head in _HEADED and start == "soft"):
            return False
        return start == "hard" or tail != "="

    def add(self, line: Line) -> None:
        start, holds = line.start, self._holds
        if line.tail:
            if holds != "code":
                self._holds, self._head = "code", line.head
            self._tail = line.tail
        elif holds != "code":
            if start == "comment":
                self._holds = "comment"
            elif start == "blank" and holds == "comment":
                self._holds = "apart"
        for bracket in line.brackets:
            opener = _OPENERS.get(bracket)
            if opener is None:
                self._openers.append(bracket)
            elif opener in self._openers:
                # What stands open above it was never closed.
                while self._openers.pop() != opener:
                    pass
            else:
                self._closers.append(bracket)

    def piece(self, size: int) -> Piece:
        return Piece(size, "".join(self._openers), "".join(self._closers))


def join(pieces: list[Piece], unions: Unions) -> list[Piece]:
    """The pieces, those that only together close their brackets as one. `unions` keeps these from call to call."""
    runs: list[_Run] = []
    """Disjoint and in order; those with brackets still open may be swallowed by a later closer."""
    for number in compress(range(len(pieces)), map(_ODD, pieces)):
        piece = pieces[number]
        run = _Run(number, number, piece.openers)
        for closer in piece.closers:
            opener = _OPENERS[closer]
            open_within = run.openers[: len(run.openers) - len(piece.openers)]
            if (cut := open_within.rfind(opener)) >= 0:
                run = _Run(run.first, number, open_within[:cut] + piece.openers)
                continue
            for depth in range(len(runs) - 1, -1, -1):
                if (cut := runs[depth].openers.rfind(opener)) >= 0:
                    run = _Run(runs[depth].first, number, runs[depth].openers[:cut] + piece.openers)
                    del runs[depth:]
                    break
        runs.append(run)
    units = pieces[:]
    made: Unions = {}
    for first, last, _ in reversed(runs):
        if first < last:
            members = tuple(pieces[first : last + 1])
            unit = unions.get(members) or Piece(sum(piece.size for piece in members), "", "")
            made[members] = unit
            units[first : last + 1] = [unit]
    unions.clear()
    unions.update(made)
    return units
