"""The namespace `State`: values of the project that outlast the run, and the states of agents and workflows by name."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal, Protocol, TypedDict

from llmspell.agents.live_state import LiveStates
from llmspell.api.callback import Callback
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import StateKey, Takes
from llmspell.errors import ArgumentError
from llmspell.library.global_state import GLOBAL, Fn, GlobalState
from llmspell.library.live_scope import LiveScope
from llmspell.run import Run
from llmspell.state.access import Kind

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,99}")


class StateOptions(TypedDict, total=False):
    ttl: float
    """Milliseconds until the value is gone."""


class ScopeOptions(TypedDict, total=False):
    access: Literal["open", "read_only", "private"]
    """Who may use it: everybody; everybody to read and its owner to write; its owner alone."""
    owner: str
    """`spell` or `agent:NAME` of this spell; whoever asks, unless given."""


class StateEntry(TypedDict):
    key: str
    value: Any
    version: int
    """The number of its last change: later changes of any key have higher ones."""
    expires_at: float | None
    """When it is gone: milliseconds since 1970."""


class StateChange(TypedDict):
    scope: str
    key: str
    value: Any
    deleted: bool
    version: int
    by: str
    """The spell, or agent of it, that made the change."""


Updater = Annotated[Callback, Takes(value=Any, result=Any)]
Watcher = Annotated[Callback, Takes(change=StateChange)]


class Scope(Protocol):
    """A part of the state that can be worked with. None is no value: to set it deletes."""

    name: str

    async def get(self, key: str) -> Any: ...
    async def entry(self, key: str) -> dict[str, Any] | None: ...
    async def list(self, prefix: str) -> list[str]: ...
    async def snapshot(self, prefix: str) -> dict[str, Any]: ...
    async def set(self, key: str, value: Any, ttl: float | None) -> bool: ...
    async def compare_and_set(self, key: str, expected: Any, value: Any, ttl: float | None) -> bool: ...
    async def update(self, key: str, fn: Fn, ttl: float | None) -> Any: ...
    async def restore(self, values: dict[str, Any]) -> None: ...
    async def claim(self, kind: Kind, owner: str) -> None: ...
    def watch(self, prefix: str, tell: Callable[[dict[str, Any]], object]) -> Awaitable[Callable[[], None]]: ...


@exposed(constructible=False)
class StateWatch:
    """A watcher, as `State.watch` gives it."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._active = True

    @method(example='local watch = State.watch("jobs/", print)\nwatch:stop()')
    def stop(self) -> None:
        """Stops watching."""
        if self._active:
            self._active = False
            self._stop()

    @property
    @prop()
    def active(self) -> bool:
        """Whether it still watches."""
        return self._active


@exposed(constructible=False)
class StateScope:
    """A part of the state with keys of its own, as `State.scope` gives it; the same methods as `State`."""

    def __init__(self, kept: Scope) -> None:
        self._kept = kept

    @property
    @prop()
    def name(self) -> str:
        """What it is called."""
        return self._kept.name

    @method(errors=("security", "store"), example='local visits = State.get("visits", 0)')
    async def get(self, key: StateKey, default: Any = None) -> Any:
        """The value of a key; `default` where there is none or its time is over."""
        found = await self._kept.get(key)
        return default if found is None else found

    @method(
        params={"options": StateOptions | None},
        errors=("security", "store", "invalid_argument"),
        example='State.set("token", token, { ttl = 60000 })',
    )
    async def set(self, key: StateKey, value: Any = None, options: StateOptions | None = None) -> None:
        """Keeps a value: plain data of any shape. nil deletes the key. Done when the value is safe on the disk's side
        of the program: a run that is killed a moment later has not lost it."""
        await self._kept.set(key, value, _ttl(options))

    @method(errors=("security", "store"))
    async def delete(self, key: StateKey) -> bool:
        """Forgets a key; gives whether there was one."""
        return await self._kept.set(key, None, None)

    @method(
        params={"options": StateOptions | None},
        errors=("security", "store", "invalid_argument"),
        example='State.update("visits", function(count) return (count or 0) + 1 end)',
    )
    async def update(self, key: StateKey, fn: Updater, options: StateOptions | None = None) -> Any:
        """Sets what `fn` makes of the present value (nil where there is none), and gives it. Atomic across runs and
        processes: where somebody else was quicker, `fn` is called again with the newer value."""
        return await self._kept.update(key, fn, _ttl(options))

    @method(
        params={"options": StateOptions | None},
        errors=("security", "store", "invalid_argument"),
        example='local mine = State.compare_and_set("leader", nil, "worker-1", { ttl = 10000 })',
    )
    async def compare_and_set(
        self, key: StateKey, expected: Any = None, value: Any = None, options: StateOptions | None = None
    ) -> bool:
        """Sets a value if the present one equals `expected` (nil: if there is none); gives whether it did."""
        return await self._kept.compare_and_set(key, expected, value, _ttl(options))

    @method(errors=("security", "store"), example='for _, key in ipairs(State.list("jobs/")) do print(key) end')
    async def list(self, prefix: StateKey = "") -> list[str]:
        """The keys that begin so, in order."""
        return await self._kept.list(prefix)

    @method(errors=("security", "store"), result=StateEntry | None)
    async def entry(self, key: StateKey) -> dict[str, Any] | None:
        """A value with its version and the time when it is gone; nil where there is none."""
        return await self._kept.entry(key)

    @method(
        errors=("security", "store"),
        example='local watch = State.watch("jobs/", function(change) print(change.key, change.value) end)',
    )
    async def watch(self, prefix: StateKey, fn: Watcher) -> StateWatch:
        """Calls `fn` with each change of a key that begins so, from now on, whichever process makes it. Changes come
        in order, each once. Watching alone does not keep a spell running."""
        return StateWatch(await self._kept.watch(prefix, fn.post))

    @method(errors=("security", "store"), example="local before = State.snapshot()")
    async def snapshot(self, prefix: StateKey = "") -> dict[str, Any]:
        """All values at one moment, by key: plain data, also for JSON."""
        return await self._kept.snapshot(prefix)

    @method(errors=("security", "store", "invalid_argument"), example="State.restore(before)")
    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Makes it what it was at a snapshot, in one step: values are set, keys that the snapshot lacks deleted."""
        await self._kept.restore(snapshot)


@exposed(name="State", namespace=True)
class State:
    """Values of the project that outlast the run: in `.llmspell/state.db`, or where `[state]` in llmspell.toml says.

    Keys are text, with `/` between parts by custom; values are plain data. Every change has a version, passes the hooks
    `before_state_change` and `after_state_change`, and is an event. An agent's own state is `agent.state`.

    What is promised: a call that has returned is safe from the sudden end of the program (from a loss of power too with
    `[state] fsync = true`); calls happen in the order they are made, and all processes see the changes in one order;
    `update`, `compare_and_set` and `restore` are atomic across processes; nobody sees half of a change; a watcher is
    told each change once, in order. `[state] backend` chooses `sqlite` (one machine), `postgres` (many), or `rocksdb`
    (one process at a time).
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: Scope = GlobalState(run)

    get = StateScope.get
    set = StateScope.set
    delete = StateScope.delete
    update = StateScope.update
    compare_and_set = StateScope.compare_and_set
    entry = StateScope.entry
    watch = StateScope.watch
    snapshot = StateScope.snapshot
    restore = StateScope.restore
    list = StateScope.list

    @method(
        params={"options": ScopeOptions | None},
        errors=("security", "invalid_argument"),
        example='local ledger = State.scope("ledger", { access = "private" })',
    )
    async def scope(self, name: StateKey, options: ScopeOptions | None = None) -> StateScope:
        """A part of the state with keys of its own. `agent:NAME` and `workflow:NAME` are the states of agents and
        workflows of this run, `global` is State itself; any other name is kept in the project. With `access` whoever
        is first says who may use it; from then on others get a SecurityError for what they may not."""
        kept = self._scope(name)
        given = options or {}
        if "access" in given:
            await kept.claim(given["access"], self._owner(given.get("owner"), kept))
        return StateScope(kept)

    def _scope(self, name: str) -> Scope:
        if name == GLOBAL:
            return self._kept
        kind, mark, _ = name.partition(":")
        if mark and kind in ("agent", "workflow"):
            return LiveScope(self._run, self._run.service(LiveStates, LiveStates.of).named(name))
        if not _NAME.fullmatch(name) or name in ("agent", "workflow"):
            raise ArgumentError(
                f"{name[:100]!r} cannot name a part of the state", hint="use letters, digits and _ . : - (at most 100)"
            )
        return GlobalState(self._run, name)

    def _owner(self, owner: str | None, kept: Scope) -> str:
        if owner is None:
            return ""
        kind, _, name = owner.partition(":")
        if owner != "spell" and not (kind in ("agent", "workflow") and name):
            raise ArgumentError(f"{owner!r} cannot own a state", hint="`spell`, `agent:NAME` or `workflow:NAME`")
        if isinstance(kept, LiveScope):
            return owner
        spell = self._run.identity.spell
        return spell if owner == "spell" else f"{spell} {owner}"


def _ttl(options: StateOptions | None) -> float | None:
    ttl = (options or {}).get("ttl")
    if ttl is not None and ttl <= 0:
        raise ArgumentError(f"ttl is {ttl:g}: it must be more than 0", hint="milliseconds until the value is gone")
    return ttl
