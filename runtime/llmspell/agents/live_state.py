"""The state of an agent or a workflow: a table of plain values in memory, read and written by path.

Each change passes the hooks `before_state_change` and `after_state_change` and is an event that says who changed what;
from these events the state at any point of the run can be rebuilt (`traces.state_at`). Workflows hold the states of
their children below `children`. Knows neither agents nor workflows: an owner is whoever fits `Owner`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, Protocol

from llmspell.api.callback import Later
from llmspell.errors import ArgumentError
from llmspell.hooks.table import Context, Handler
from llmspell.run import Run
from llmspell.state.access import OPEN, Access, Doing
from llmspell.state.machine import FIRST, Transitions, following
from llmspell.state.paths import Path, put_at, shown, value_at
from llmspell.state.plain import key_text, plain
from llmspell.unit import Unit

#: The key of a workflow's state below which those of its children are.
CHILDREN: Final = "children"

Listener = Callable[[dict[str, Any]], object]


class Owner(Protocol):
    """What a state needs of the agent or workflow it belongs to."""

    run: Run
    hooks: Mapping[str, Handler]

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> Context:
        """Whose a hook's context is: `agent_id`, `agent_name`, …"""
        ...

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> object: ...


class LiveState:
    """One owner's state. scope: what the owner is. `access`: which actors may read and write it."""

    def __init__(self, owner: Owner, values: dict[str, Any], scope: Literal["agent", "workflow"] = "agent") -> None:
        """values: the first state; `announce` tells of it. Raises ArgumentError for what is no plain data."""
        self.owner = owner
        self._values = self._checked([], values)
        self._children: dict[str, LiveState] = {}
        self._listeners: list[tuple[str, Listener]] = []
        self.scope = scope
        self.access: Access = OPEN
        owner.run.service(LiveStates, LiveStates.of).add(self)

    @property
    def name(self) -> str:
        """`agent:researcher`: what scripts find it by."""
        return f"{self.scope}:{self.owner.name}"

    @property
    def values(self) -> dict[str, Any]:
        """The state itself, its children's included: to look at, not to change."""
        if not self._children:
            return self._values
        return {**self._values, CHILDREN: {name: child.values for name, child in self._children.items()}}

    def adopt(self, name: str, child: LiveState) -> None:
        """From now on another state is found in this one, under `children` and a name."""
        if child is not self:
            self._children[name] = child

    def announce(self) -> None:
        """Tells of the first state, once its owner has been told of."""
        if self._values:
            self._tell([], self._values, {})

    # -- reading and writing -------------------------------------------------------------------------------------

    def read(self, path: Path) -> Any:
        """The value at a path of keys; None where there is none. Raises SecurityError."""
        found = self._child(path)
        if found is not None:
            return found.read(path[2:])
        self._check("read")
        return value_at(self.values if not path or path[0] == CHILDREN else self._values, path)

    def write(self, path: Path, value: Any) -> Later | None:
        """Sets the value at a path (None removes it); an empty path replaces the whole state.

        Done at once where no hook is to be asked, else when the work that is given back has been awaited. Raises
        ArgumentError for what is no plain data and where the path leads through something that is no table,
        SecurityError where somebody else's state is closed.
        """
        found = self._child(path)
        if found is not None:
            return found.write(path[2:], value)
        self._check("write")
        value = self._checked(path, value)
        hooks, own = self.owner.run.hooks, (self.owner.hooks,)
        if hooks.wants("before_state_change", own) or hooks.wants("after_state_change", own):
            return Later(self._asked(path, value))
        self._put(path, value)
        return None

    async def change(self, path: Path, value: Any) -> None:
        """`write`, waited for."""
        work = self.write(path, value)
        if work is not None:
            await work.work

    def transition(self, transitions: Transitions, event: str) -> Later | str:
        """Follows a state machine from `status` on and gives the new one. Raises ArgumentError, listing what is
        allowed."""
        status = str(self._values.get("status") or FIRST)
        work = self.write(["status"], following(transitions, status, event, self.owner.name))
        if work is None:
            return str(self._values.get("status"))

        async def changed() -> str:
            await work.work
            return str(self._values.get("status"))

        return Later(changed())

    def snapshot(self) -> dict[str, Any]:
        """A copy of the state, without its children's: plain data that comes back from JSON as it was."""
        self._check("read")
        return plain(self._values, "state")

    def listen(self, prefix: str, listener: Listener) -> Callable[[], None]:
        """Tells `{path, value, old, by}` of each change of a path that begins so; the result ends it."""
        entry = (prefix, listener)
        self._listeners.append(entry)

        def stop() -> None:
            if entry in self._listeners:
                self._listeners.remove(entry)

        return stop

    # -- inside --------------------------------------------------------------------------------------------------

    def _child(self, path: Path) -> LiveState | None:
        if len(path) < 2 or path[0] != CHILDREN or not self._children:
            return None
        return self._children.get(key_text(path[1]))

    def _check(self, doing: Doing) -> None:
        if self.access.kind != "open":
            self.access.check(self.owner.run.actor, doing, self.name)

    def _checked(self, path: Path, value: Any) -> Any:
        value = plain(value, f"state.{shown(path)}" if path else "state", json=True)
        if path:
            return value
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise ArgumentError("a state holds values by their names", hint="assign to one, such as state.status")
        return value

    async def _asked(self, path: Path, value: Any) -> None:
        owner = self.owner
        key = "" if not path else key_text(path[0])
        context = {**owner.identity, "scope": self.scope, "key": key, "path": shown(path), "value": value}
        context["old"] = plain(value_at(self._values, path), "state")
        agent, own = owner.name if self.scope == "agent" else None, (owner.hooks,)
        unit = Unit(owner.run, "state_change", context, owner.tell, agent, own=own)

        async def change() -> None:
            asked = await owner.run.hooks.ask("before_state_change", dict(context), agent=agent, own=own)
            new = self._checked(path, asked["value"])
            asked["old"] = self._put(path, new)
            asked["value"] = plain(new, "state")
            await owner.run.hooks.ask("after_state_change", asked, agent=agent, own=own)

        await unit.attempt(change)

    def _put(self, path: Path, value: Any) -> Any:
        old = plain(value_at(self._values, path), "state")
        self._values = put_at(self._values, path, value)
        self._tell(path, value, old)
        return old

    def _tell(self, path: Path, value: Any, old: Any) -> None:
        """Tables of their own in the event: what was told does not change with the state."""
        owner, place = self.owner, shown(path)
        told = {"path": place, "value": plain(value, "state"), "old": old, "by": owner.run.actor}
        data = {"scope": self.scope, "owner": owner.id, "at": list(path), **told}
        owner.tell("state_changed", place, data)
        for prefix, listener in tuple(self._listeners):
            if place.startswith(prefix):
                listener({"key": place, **told})


class LiveStates:
    """The states of a run's agents and workflows by name; one a run. The newest of a name wins."""

    def __init__(self) -> None:
        self._states: list[LiveState] = []

    @staticmethod
    def of(run: Run) -> LiveStates:
        return LiveStates()

    def add(self, state: LiveState) -> None:
        self._states.append(state)

    def named(self, name: str) -> LiveState:
        """The state of `agent:NAME` or `workflow:NAME`. Raises ArgumentError, listing what there is."""
        for state in reversed(self._states):
            if state.name == name:
                return state
        listed = ", ".join(dict.fromkeys(state.name for state in self._states)) or "none yet"
        raise ArgumentError(f"there is no state {name!r}", hint=f"there are: {listed}")


def done(work: Later | None) -> Awaitable[None] | None:
    """The rest of a `write`, if there is any."""
    return None if work is None else work.work
