"""What is found out about a text while it is rewritten: its functions, scopes and statements, by number.

Knows what they are worth to a debugger, not how they are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from llmspell.engines.javascript.instrumentation.layout import Tables
from llmspell.engines.javascript.instrumentation.marks import HIDDEN


@dataclass(slots=True)
class Scope:
    """A part of a text that declares names."""

    index: int
    parent: int
    function: int
    own: bool
    names: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether each is constant."""
    lazy: bool = False
    """Nothing in it calls or fails, so that only its own statements need to see into it."""

    def declare(self, found: list[str], *, constant: bool = False) -> None:
        self.names.update((name, constant) for name in found if not name.startswith(HIDDEN))


@dataclass(slots=True)
class Function:
    """A function, or the whole text."""

    index: int
    name: str
    waits: bool
    yields: bool
    private: tuple[str, ...]
    arguments: bool
    """Whether it has `arguments` of its own."""
    first: int = -1
    """Its first statement, where it is until it says otherwise."""
    scopes: list[int] = field(default_factory=list[int])
    """Its own one first."""
    lines: set[int] = field(default_factory=set[int])
    """That have a statement of it."""
    hoisted: list[str] = field(default_factory=list[str])
    """Functions declared at its top level."""
    variables: set[str] = field(default_factory=set[str])
    """Its parameters, and what `var` and functions in blocks declare."""

    @property
    def guarded(self) -> bool:
        """Whether its body can be put into a block: there, a function shares no name with these."""
        hoisted = set(self.hoisted)
        return len(hoisted) == len(self.hoisted) and not hoisted & self.variables


class Around(NamedTuple):
    """What a node stands in."""

    function: Function
    own: Scope
    """The function's outermost scope."""
    scope: Scope
    caught: bool = False
    """Whether a `catch` of the function takes what is thrown here."""
    private: tuple[str, ...] = ()
    """Of the classes it stands in."""
    place: int = -1
    """The statement it is part of."""


class Ledger:
    """Numbers what it is given."""

    def __init__(self) -> None:
        self._functions: list[Function] = []
        self._scopes: list[Scope] = []
        self._places: list[tuple[int, int, int, int]] = []
        self._firsts: list[int] = []

    def function(
        self, name: str, around: Around | None, *, waits: bool, yields: bool, arguments: bool = False
    ) -> Around:
        """around: None for the whole text."""
        private = around.private if around is not None else ()
        function = Function(len(self._functions), name, waits, yields, private, arguments)
        self._functions.append(function)
        scope = self._scope(around.scope.index if around is not None else -1, function, own=True)
        return Around(function, scope, scope, private=private)

    def inner(self, around: Around, found: dict[str, bool], *, lazy: bool = False) -> Around:
        """A block that declares names; one that declares none is no scope."""
        if not found:
            return around
        scope = self._scope(around.scope.index, around.function, own=False)
        scope.names.update(found)
        scope.lazy = lazy
        return around._replace(scope=scope)

    def _scope(self, parent: int, function: Function, *, own: bool) -> Scope:
        scope = Scope(len(self._scopes), parent, function.index, own)
        self._scopes.append(scope)
        function.scopes.append(scope.index)
        return scope

    def place(self, line: int, column: int, around: Around) -> int:
        """A statement that a script can be stopped at."""
        number = len(self._places)
        self._places.append((line, column, around.scope.index, int(around.caught)))
        if around.function.first < 0:
            around.function.first = number
        if line not in around.function.lines:
            around.function.lines.add(line)
            self._firsts.append(number)
        return number

    def takes_failures(self, place: int) -> None:
        """A statement handles the failure of promises: `.catch(…)`."""
        line, column, scope, caught = self._places[place]
        self._places[place] = (line, column, scope, caught or 2)

    @property
    def last(self) -> int:
        """The statement that was numbered last."""
        return len(self._places) - 1

    def near(self, scope: Scope) -> tuple[list[str], int | None]:
        """The names of a scope and of the blocks around it, up to a function's own scope, and that scope: None for the
        outermost."""
        found = dict.fromkeys(scope.names)
        number = scope.parent
        while number >= 0 and not self._scopes[number].own:
            found.update(dict.fromkeys(self._scopes[number].names))
            number = self._scopes[number].parent
        return list(found), number if number >= 0 else None

    def cost(self) -> int:
        """Steps that the engine takes to compile evaluators that see everything: each captures all names around it."""
        visible: list[int] = []
        for scope in self._scopes:
            visible.append(len(scope.names) + (visible[scope.parent] if scope.parent >= 0 else 0))
        lazy = [scope for _, _, scope, _ in self._places if self._scopes[scope].lazy]
        eager = [scope.index for scope in self._scopes if not scope.lazy]
        return sum(visible[scope] ** 2 for scope in lazy + eager)

    def tables(self, inserted: list[tuple[int, int]], *, named: bool) -> Tables:
        return {
            "places": self._places,
            "firsts": self._firsts,
            "scopes": [
                {
                    "parent": scope.parent,
                    "function": scope.function,
                    "own": scope.own,
                    "names": list(scope.names),
                    "fixed": [name for name, constant in scope.names.items() if constant],
                }
                for scope in self._scopes
            ],
            "functions": [
                {"name": function.name, "waits": function.waits, "private": list(function.private)}
                for function in self._functions
            ],
            "named": named,
            "inserted": inserted,
        }
