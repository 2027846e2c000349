"""What functions and references see inside a run of a workflow: its input, its outputs so far, and what functions set.

A `Scope` is the view from one place: a list of steps counts its own `step_N`, a loop has its `iteration`, an item of a
map its own values. `WorkflowContext` is a scope as scripts hold it, live: reading and writing a field is reading and
writing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from llmspell.api.describe import exposed, method, prop
from llmspell.api.references import RESERVED, STEP, Reference
from llmspell.errors import ArgumentError
from llmspell.workflows.definition import Step
from llmspell.workflows.kept import Kept
from llmspell.workflows.references import inside, missing


@dataclass(slots=True)
class Ledger:
    """One run of a workflow, as everything inside it sees it. final: the value of the step that ended last.

    metadata: gives what is known so far; changed: told of each value that a function sets.
    """

    input: Any
    params: Any
    metadata: Callable[[], dict[str, Any]]
    changed: Callable[[str, Any], None]
    final: Any = None


class Fields(Protocol):
    """What the bridge reads and writes a live table by."""

    def read(self, path: list[Any]) -> Any: ...

    def write(self, path: list[Any], value: Any) -> None: ...


@dataclass(slots=True, eq=False)
class Scope:
    """values: outputs and what functions set, shared with scopes inside unless they have their own. own: variables of
    this place (`iteration`, `item`). results: what the steps of its list gave, by index from 1. bare: without a context
    of its own, which is then that around it. kept: where it is kept what its steps have done."""

    ledger: Ledger
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    own: dict[str, Any] = field(default_factory=dict[str, Any])
    results: dict[int, Any] = field(default_factory=dict[int, Any])
    parent: Scope | None = None
    bare: bool = False
    kept: Kept = field(default_factory=Kept)
    _context: WorkflowContext | None = None

    def inner(self, kept: Kept | None = None) -> Scope:
        """For a list of steps inside: the same values and variables, its own `step_N`. kept: where what they do is
        kept, if that is not with the steps around."""
        return Scope(self.ledger, self.values, {}, {}, self, kept=kept or self.kept)

    def of(self, own: dict[str, Any]) -> Scope:
        """With variables of its own: a loop."""
        return Scope(self.ledger, self.values, own, {}, self, kept=self.kept)

    def apart(self, own: dict[str, Any], *, bare: bool) -> Scope:
        """With values of its own too: one item among many at once."""
        return Scope(self.ledger, {}, own, {}, self, bare, self.kept)

    def key(self, path: str) -> str:
        """Where the step of a path is, here and now: see `kept`."""
        places = [str(own.get("index", own.get("iteration"))) for scope in self.chain() if (own := scope.own)]
        return f"{path}@{'.'.join(reversed(places))}" if places else path

    @property
    def context(self) -> WorkflowContext:
        """As a function is given it. Scopes that differ by their `step_N` alone are one to it."""
        scope = self
        while scope.parent is not None and (scope.bare or (not scope.own and scope.parent.values is scope.values)):
            scope = scope.parent
        if scope._context is None:
            scope._context = WorkflowContext(scope)
        return scope._context

    def chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def variable(self, name: str) -> dict[str, Any] | None:
        """The variables or values that have the name, the nearest."""
        for scope in self.chain():
            if name in scope.own:
                return scope.own
            if name in scope.values:
                return scope.values
        return None

    def set(self, name: str, value: Any) -> None:
        """A value by name. Raises ArgumentError for a name that means something else."""
        if name in RESERVED or STEP.fullmatch(name):
            raise ArgumentError(f"context.{name} cannot be set: it is the workflow's own", hint="choose another name")
        for scope in self.chain():
            if name in scope.own:
                scope.own[name] = value
                return
        self.values[name] = value

    def remove(self, name: str) -> None:
        """The value of a name is no longer there."""
        for scope in self.chain():
            if name in scope.values:
                del scope.values[name]
                return

    def absent(self, step: Step) -> None:
        """The step is not done: what it and those inside would have been called by is nil, unless it is something."""
        for each in step.inner():
            for name in (each.output, each.name):
                if name and self.variable(name) is None:
                    self.values[name] = None

    def everything(self) -> dict[str, Any]:
        """All values and variables, the nearest of each name."""
        found: dict[str, Any] = {}
        for scope in reversed(list(self.chain())):
            found.update(scope.values)
            found.update(scope.own)
        return found

    def look(self, wanted: Reference) -> Any:
        """What a reference means here. Raises ArgumentError, saying what there is."""
        return inside(self._named(wanted), wanted)

    def _named(self, wanted: Reference) -> Any:
        name, ledger = wanted.name, self.ledger
        match name:
            case "input":
                return ledger.input
            case "params":
                return ledger.params
            case "context":
                return self.everything()
            case _:
                pass
        if (step := STEP.fullmatch(name)) is not None:
            for scope in self.chain():
                if int(step[1]) in scope.results:
                    return scope.results[int(step[1])]
        elif (found := self.variable(name)) is not None:
            return found[name]
        elif isinstance(ledger.input, dict) and name in ledger.input:
            return ledger.input[name]
        raise missing(f"{{{{{wanted.text}}}}}: there is no {name!r} here", name, self.names(), "there are")

    def names(self) -> list[str]:
        """What a reference could begin with here."""
        given = self.ledger.input
        fields = map(str, given) if isinstance(given, dict) else ()
        steps = {f"step_{number}" for scope in self.chain() for number in scope.results}
        return [*self.everything(), *sorted(steps), *fields, "input", "params"]


@exposed(constructible=False)
class WorkflowContext:
    """What a workflow knows so far, as its functions are given it: outputs by name, and whatever functions set.

    Fields are live: `context.draft` reads the output `draft`, `context.confidence_score = 0.9` sets a value that
    conditions and references see. Inside a loop `iteration` counts from 0 and `confidence_score` is 0 until it is set;
    inside a map or a loop over items there are `item` and `index`.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.live_state: Fields = _Live(scope)

    @method(example='local draft = context:get("draft", "")')
    def get(self, name: str, default: Any = None) -> Any:
        """A value by name: an output, a value that was set, a field of the run's input, `step_2`."""
        try:
            found = self._scope.look(Reference(name, name))
        except ArgumentError:
            return default
        return default if found is None else found

    @method(example='context:set("confidence_score", 0.9)')
    def set(self, name: str, value: Any = None) -> None:
        """Sets a value for steps, conditions and references from here on."""
        self.live_state.write([name], value)

    @method()
    def get_final_output(self) -> Any:
        """What the step gave that ended last."""
        return self._scope.ledger.final

    @method(result=dict[str, Any])
    def metadata(self) -> dict[str, Any]:
        """What is known of the run: the workflow's `id`, `name` and `type`, the `steps` done, `skipped`, `failed`."""
        return self._scope.ledger.metadata()

    @property
    @prop(open=True)
    def fields(self) -> dict[str, Any]:
        """All values and variables; `context.name` is `context.fields.name`."""
        return self._scope.everything()

    @property
    @prop()
    def input(self) -> Any:
        """What the workflow was run with."""
        return self._scope.ledger.input

    @property
    @prop()
    def params(self) -> Any:
        """The spell's parameters."""
        return self._scope.ledger.params

    @property
    @prop()
    def iteration(self) -> int | None:
        """How often the loop around has been through, from 0."""
        return self._variable("iteration")

    @property
    @prop()
    def item(self) -> Any:
        """The present item of the map or loop around."""
        return self._variable("item")

    @property
    @prop()
    def index(self) -> int | None:
        """The present item's place, from 0."""
        return self._variable("index")

    @property
    @prop()
    def confidence_score(self) -> float | None:
        """In a loop, 0 until it is set."""
        return self._variable("confidence_score")

    @confidence_score.setter
    def confidence_score(self, value: float) -> None:
        self.set("confidence_score", value)

    def _variable(self, name: str) -> Any:
        found = self._scope.variable(name)
        return None if found is None else found[name]


class _Live:
    """A scope's values by path. A table is never changed where it is: others may hold it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def read(self, path: list[Any]) -> Any:
        if not path:
            return self._scope.everything()
        value = self._named(path[0])
        for key in path[1:]:
            value = _item(value, key)
        return value

    def write(self, path: list[Any], value: Any) -> None:
        if not path:
            self._replace(value)
            return
        name = str(path[0])
        whole = _changed(self._named(name), path[1:], value, f"context.{name}")
        self._scope.set(name, whole)
        if whole is None:
            self._scope.remove(name)
        self._scope.ledger.changed(name, whole)

    def _replace(self, values: Any) -> None:
        """All values at once, as JavaScript writes them where a field is deleted."""
        before = self._scope.everything()
        given: dict[str, Any] = values if isinstance(values, dict) else {}
        for name, value in [*given.items(), *((name, None) for name in before if name not in given)]:
            if before.get(name) != value:
                self.write([name], value)

    def _named(self, name: Any) -> Any:
        found = self._scope.variable(str(name))
        if found is not None:
            return found[str(name)]
        given = self._scope.ledger.input
        if (step := STEP.fullmatch(str(name))) is not None:
            return next((s.results[int(step[1])] for s in self._scope.chain() if int(step[1]) in s.results), None)
        return given.get(name) if isinstance(given, dict) else None


def _item(value: Any, key: Any) -> Any:
    match value:
        case dict():
            return value.get(key, value.get(str(key)) if isinstance(key, int) else None)
        case list() if isinstance(key, int) and 0 <= key < len(value):
            return value[key]
        case _:
            return None


def _changed(value: Any, path: list[Any], new: Any, where: str) -> Any:
    """The value with another one at a path; None takes it away."""
    if not path:
        return new
    key, *rest = path
    inner = _changed(_item(value, key), rest, new, f"{where}.{key}")
    match value:
        case list() if isinstance(key, int):
            copied = list(value)
            if key == len(value):
                copied.append(inner)
            elif 0 <= key < len(value):
                copied[key] = inner
            else:
                raise ArgumentError(f"{where}: index {key} is past the end of a list of {len(value)}")
            return copied
        case dict() | []:
            copied = dict(value or {})
            if inner is None:
                copied.pop(key, None)
            else:
                copied[key] = inner
            return copied
        case _:
            raise ArgumentError(f"{where} is not a table", hint="assign a table to it first")
