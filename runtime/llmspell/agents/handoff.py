"""Handing over: values of one agent's state become another's, filtered, past the hooks `before_handoff` and
`after_handoff`.

A `StateHandoff` moves when it is executed, and whenever its first agent hands over to its second (`hand_over`, and the
stages of a PipelineAgent). Works on states by name, so workflows can take part as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, TypedDict

from llmspell.agents.base import BaseAgent
from llmspell.agents.directory import Directory
from llmspell.agents.live_state import LiveState, LiveStates
from llmspell.api.describe import Doc, exposed, method, prop
from llmspell.api.kinds import AgentName
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.hooks.table import Context
from llmspell.run import Run
from llmspell.state.paths import put_at, value_at
from llmspell.state.plain import plain
from llmspell.unit import Unit

#: What an agent without a filter keeps to itself: where it stands in its own work.
_OWN: Final = ("status",)


class HandoffFilter(TypedDict, total=False):
    include: list[str]
    """Keys to hand over: names, patterns such as `research_*`, or paths such as `plan.steps`."""
    exclude: list[str]
    """Keys to keep back, likewise; they win over `include`."""


#: Not written as a class: `from` is no name in Python.
StateHandoffOptions = TypedDict(
    "StateHandoffOptions",
    {
        "from": Annotated[AgentName | BaseAgent, Doc("Whose state it is: an agent, its name, or `workflow:NAME`.")],
        "to": Annotated[AgentName | BaseAgent, Doc("Who gets it.")],
        "filter": Annotated[HandoffFilter | None, Doc("Which of it; without a filter all but `status`.")],
        "remove": Annotated[bool | None, Doc("Whether the first no longer has it afterwards.")],
    },
    total=False,
)


class HandoffResult(TypedDict):
    values: dict[str, Any]
    """What was handed over, by key."""
    keys: list[str]


@frozen
class Rules:
    """Which values are handed over."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = _OWN
    remove: bool = False

    def of(self, state: dict[str, Any]) -> dict[str, Any]:
        """The values of a state that are handed over; it becomes theirs."""
        values: dict[str, Any] = {}
        for key in state if self.include is None else ():
            values[key] = state[key]
        for wanted in self.include or ():
            for key in _matching(wanted, state):
                values[key] = state[key]
            if "." in wanted and wanted not in state:
                _take(state, wanted, values)
        for kept in self.exclude:
            for key in _matching(kept, values):
                del values[key]
            if "." in kept and value_at(values, kept.split(".")) is not None:
                put_at(values, kept.split("."), None)
        return values


@exposed(
    options=StateHandoffOptions,
    example='StateHandoff.new{ from = "researcher", to = "writer", filter = { include = { "notes" } } }:execute()',
)
class StateHandoff:
    """Values of one agent's state for another: on `execute`, and whenever the first hands over to the second."""

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> StateHandoff:
        return cls(run, options)

    def __init__(self, run: Run, options: dict[str, Any]) -> None:
        """Raises ArgumentError where one of the two is missing. The agents may be made later."""
        for name in ("from", "to"):
            if name not in options:
                raise ArgumentError(f"missing {name!r}", hint="`from` and `to` are two agents, or their names")
        given: HandoffFilter = options.get("filter") or {}
        include, exclude = given.get("include"), given.get("exclude")
        self._run = run
        self._from, self._to = _state_name(options["from"]), _state_name(options["to"])
        self._rules = Rules(
            None if include is None else tuple(include),
            tuple(exclude or ()) if given else _OWN,
            bool(options.get("remove")),
        )
        run.service(Handoffs, Handoffs.of).add(self)

    @property
    @prop()
    def source(self) -> str:
        """Whose state it is."""
        return _shown(self._from)

    @property
    @prop()
    def target(self) -> str:
        """Who gets it."""
        return _shown(self._to)

    @method(errors=("invalid_argument", "security"), result=HandoffResult, example="handoff:execute()")
    async def execute(self) -> HandoffResult:
        """Hands the values over, and gives them. A value of the same key is replaced."""
        states = self._run.service(LiveStates, LiveStates.of)
        return await hand_over_state(self._run, states.named(self._from), states.named(self._to), self._rules)

    def is_between(self, source: LiveState, target: LiveState) -> bool:
        return (source.name, target.name) == (self._from, self._to)


class Handoffs:
    """The handoffs that a spell has declared; one a run."""

    def __init__(self) -> None:
        self._declared: list[StateHandoff] = []

    @staticmethod
    def of(run: Run) -> Handoffs:
        return Handoffs()

    def add(self, handoff: StateHandoff) -> None:
        self._declared.append(handoff)

    def between(self, source: LiveState, target: LiveState) -> list[StateHandoff]:
        return [each for each in self._declared if each.is_between(source, target)]


async def carry(source: BaseAgent, target: BaseAgent) -> None:
    """Hands over what the spell's StateHandoffs say of these two: for whoever lets one go on where another stopped."""
    for handoff in source.run.service(Handoffs, Handoffs.of).between(source.live_state, target.live_state):
        await handoff.execute()


async def hand_over(source: BaseAgent, to: str | BaseAgent, input: Any) -> Any:
    """What another agent makes of an input, after it was handed what is declared for it."""
    target = source.run.service(Directory).get(to) if isinstance(to, str) else to
    await carry(source, target)
    return await target.execute(input)


async def hand_over_state(run: Run, source: LiveState, target: LiveState, rules: Rules) -> HandoffResult:
    """Raises ArgumentError where both are one; what a hook threw; SecurityError where a state is closed."""
    if source is target:
        raise ArgumentError(f"{source.name} cannot hand over to itself", hint="name two agents")
    owner, values = source.owner, rules.of(source.snapshot())
    context = {"from": _shown(source.name), "to": _shown(target.name), "values": values}
    unit = Unit(run, "handoff", {**owner.identity, **context}, owner.tell, owner.name, own=(owner.hooks,))
    return await unit.attempt(lambda: _handed_over(run, source, target, dict(context), remove=rules.remove))


async def _handed_over(
    run: Run, source: LiveState, target: LiveState, context: Context, *, remove: bool
) -> HandoffResult:
    hooks, own, agent = run.hooks, (source.owner.hooks,), source.owner.name
    context = await hooks.ask("before_handoff", context, agent=agent, own=own)
    values = plain(context["values"], "values", json=True)
    if not isinstance(values, dict):
        raise ArgumentError("what is handed over is a table of values by key", hint="a hook has replaced it")
    for key, value in values.items():
        await target.change([key], value)
    for key in values if remove else ():
        await source.change([key], None)
    keys = sorted(values)
    source.owner.tell("handoff", target.name, {"from": context["from"], "to": context["to"], "keys": keys})
    if not keys:
        run.warn(f"nothing was handed over from {source.name} to {target.name}: it has none of what the filter names")
    await hooks.ask("after_handoff", {**context, "values": values}, agent=agent, own=own)
    return {"values": values, "keys": keys}


def _state_name(given: str | BaseAgent) -> str:
    if isinstance(given, BaseAgent):
        return given.live_state.name
    return given if given.startswith(("agent:", "workflow:")) else f"agent:{given}"


def _shown(name: str) -> str:
    return name.removeprefix("agent:")


def _matching(pattern: str, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if key == pattern or fnmatchcase(key, pattern)]


def _take(state: dict[str, Any], path: str, values: dict[str, Any]) -> None:
    """A value inside a table, with the tables around it."""
    keys = path.split(".")
    found = value_at(state, keys)
    if found is None:
        return
    for depth in range(1, len(keys)):
        if not isinstance(value_at(values, keys[:depth]), dict):
            put_at(values, keys[:depth], {})
    put_at(values, keys, found)
