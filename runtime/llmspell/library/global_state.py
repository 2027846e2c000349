"""The global state as one run sees it: every read and change an effect, each change checked, hooked and told.

A named scope is a part of the store with keys of its own, and access of its own, which is kept in the store too. Knows
no script, nor which store it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeVar

from llmspell.errors import ArgumentError, LimitError, LlmspellError
from llmspell.identity import unawaited_context
from llmspell.library.run_store import Opened
from llmspell.run import Run
from llmspell.state.access import Access, Doing, Kind, access_of, check_granted
from llmspell.state.plain import plain, same
from llmspell.unit import Unit

if TYPE_CHECKING:
    from llmspell.state.store import (  # with msgpack and asyncio's threads, for spells that keep state
        Change,
        StateStore,
    )

#: The scope of `State` itself, as events and hooks call it.
GLOBAL: Final = "global"
#: Where the access of a named scope is kept: no scope of a spell's can have this name.
_ACCESS: Final = "\x01\0"
_TRIES: Final = 1000
#: Each reads every change of the store.
_MOST_WATCHERS: Final = 500

Fn = Callable[[Any], Awaitable[Any]]
T = TypeVar("T")


class GlobalState:
    """One scope of it: the one without a name, or a named one."""

    def __init__(self, run: Run, scope: str = "") -> None:
        self._run = run
        self._opened = run.service(Opened, Opened)
        self._scope = scope
        self.name = scope or GLOBAL

    # -- reading -------------------------------------------------------------------------------------------------

    async def get(self, key: str) -> Any:
        found = await self._entry(key)
        return None if found is None else found["value"]

    async def entry(self, key: str) -> dict[str, Any] | None:
        found = await self._entry(key)
        return None if found is None else {"key": key, **found}

    async def list(self, prefix: str) -> list[str]:
        async def work(store: StateStore) -> Any:
            keys = await store.list(self._key(prefix))
            return [key.partition("\0")[2] for key in keys]

        return [key for key in await self._effect("list", [prefix], work) if self._may_read(key)]

    async def snapshot(self, prefix: str) -> dict[str, Any]:
        entries = await self._entries(prefix)
        return {key: value for key, value, _ in entries if self._may_read(key)}

    # -- changing ------------------------------------------------------------------------------------------------

    async def set(self, key: str, value: Any, ttl: float | None) -> bool:
        """None deletes the key. Gives whether there was a value before."""
        return await self._unit(key, lambda: self._set(key, value, ttl))

    async def _set(self, key: str, value: Any, ttl: float | None) -> bool:
        self._check(key, "write")
        value, asked = await self._before(key, plain(value, repr(key)))

        async def work(store: StateStore) -> Any:
            if value is None:
                change = await store.delete(self._key(key), by=self._run.principal)
            else:
                change = await store.set(self._key(key), value, ttl=ttl, by=self._run.principal)
            return _told(change)

        told = await self._effect("set", [key, value, ttl], work)
        if told is None:
            return False
        await self._after(key, value, told, asked)
        return told["old"] is not None

    async def compare_and_set(self, key: str, expected: Any, value: Any, ttl: float | None) -> bool:
        return await self._unit(key, lambda: self._compare_and_set(key, expected, value, ttl))

    async def _compare_and_set(self, key: str, expected: Any, value: Any, ttl: float | None) -> bool:
        self._check(key, "read", "write")
        expected = plain(expected, repr(key))
        value, asked = await self._before(key, plain(value, repr(key)))

        async def work(store: StateStore) -> Any:
            from llmspell.state.store import GONE

            given = [GONE if each is None else each for each in (expected, value)]
            change = await store.compare_and_set(self._key(key), *given, ttl=ttl, by=self._run.principal)
            return None if change is None else _told(change)

        told = await self._effect("compare_and_set", [key, expected, value, ttl], work)
        if told is not None and told["version"]:
            await self._after(key, value, told, asked)
        return told is not None

    async def update(self, key: str, fn: Fn, ttl: float | None) -> Any:
        """What `fn` makes of the value becomes the value; asked again where somebody else was quicker."""
        return await self._unit(key, lambda: self._update(key, fn, ttl))

    async def _update(self, key: str, fn: Fn, ttl: float | None) -> Any:
        self._check(key, "read", "write")
        for attempt in range(_TRIES):
            found = await self._entry(key)
            old = None if found is None else found["value"]
            value, asked = await self._before(key, plain(await fn(old), repr(key)), old)
            if value is None and found is None:
                return None
            told = await self._commit([[key, value, found["version"] if found else 0]], ttl, attempt)
            if told is not None:
                await self._after(key, value, told[0], asked)
                return value
        raise _crowded(key)

    async def restore(self, values: dict[str, Any]) -> None:
        """Makes the scope what it was: values of the snapshot are set, other keys deleted, in one step."""
        return await self._unit("", lambda: self._restore(values))

    async def _restore(self, values: dict[str, Any]) -> None:
        wanted = plain(values, "snapshot")
        for key in wanted:
            self._check(key, "write")
        for attempt in range(_TRIES):
            present = {key: (value, version) for key, value, version in await self._entries("")}
            writes: list[list[Any]] = []
            hooked: list[tuple[str, Any, Any]] = []
            for key in sorted({*present, *wanted}):
                old, version = present.get(key, (None, 0))
                if same(old, wanted.get(key)):
                    continue
                self._check(key, "write")
                value, asked = await self._before(key, wanted.get(key), old)
                if value is not None or version:
                    writes.append([key, value, version])
                    hooked.append((key, value, asked))
            told = await self._commit(writes, None, attempt) if writes else []
            if told is not None:
                for (key, value, asked), change in zip(hooked, told, strict=True):
                    await self._after(key, value, change, asked)
                return
        raise _crowded(self.name)

    async def claim(self, kind: Kind, owner: str) -> None:
        """Says who may read and write the scope. Raises SecurityError where it is somebody else's."""
        if not self._scope:
            raise ArgumentError("the global state is open to every spell", hint="State.scope(name, …) gives a part")

        async def work(store: StateStore) -> None:
            from llmspell.state.store import GONE, Write, pause

            wanted = GONE if kind == "open" else Access(kind, owner or self._run.principal).to_value()
            for attempt in range(_TRIES):
                found = await store.get(_ACCESS + self._scope)
                if found is not None:
                    access_of(found.value).check_claim(self._run.principal, self._scope)
                write = Write(_ACCESS + self._scope, wanted, expected=found.version if found else 0)
                if await store.commit([write], by=self._run.principal) is not None:
                    return
                await pause(attempt)

        await self._effect("claim", [kind, owner], work, check=())

    # -- watching ------------------------------------------------------------------------------------------------

    async def watch(self, prefix: str, tell: Callable[[dict[str, Any]], object]) -> Callable[[], None]:
        """Calls `tell` with each change of keys that begin so, from now on; the result ends it. A store that fails
        later fails the run: who waits for a change must not wait for ever."""
        run, begun = self._run, asyncio.get_running_loop().create_future()
        if self._opened.watchers >= _MOST_WATCHERS:
            raise LimitError(
                f"the spell watches its state {_MOST_WATCHERS} times at once, the limit",
                limit="in_flight",
                hint="watch a shorter prefix once, and stop what is no longer needed",
            )
        self._opened.watchers += 1

        async def follow() -> None:
            stream = run.effects.stream("state", "watch", [self._scope, prefix], lambda: self._changes(prefix))
            try:
                async with aclosing(stream) as changes:
                    async for change in changes:
                        if change is None:
                            if not begun.done():
                                begun.set_result(None)
                        elif self._may_read(change["key"]):
                            tell({"scope": self.name, **change})
            except LlmspellError as error:
                if begun.done():
                    run.fail(error)
                else:
                    begun.set_exception(error)

        task = run.spawn(follow(), unawaited_context())
        task.add_done_callback(self._opened.stopped)
        try:
            await begun
        except BaseException:
            task.cancel()
            raise

        def stop() -> None:
            task.cancel()

        return stop

    async def _changes(self, prefix: str) -> AsyncGenerator[Any, None]:
        from llmspell.state.store import Gone

        store = await self._opened.store()
        await self._check_access(store, "read")
        async with aclosing(store.watch(self._key(prefix))) as changes:
            async for each in changes:
                if each is None:
                    yield None
                    continue
                gone = isinstance(each.value, Gone)
                shown = {"value": None if gone else each.value, "deleted": gone, "version": each.version, "by": each.by}
                yield {"key": each.key.partition("\0")[2], **shown}

    # -- inside --------------------------------------------------------------------------------------------------

    async def _entry(self, key: str) -> dict[str, Any] | None:
        self._check(key, "read")

        async def work(store: StateStore) -> Any:
            found = await store.get(self._key(key))
            return found and {"value": found.value, "version": found.version, "expires_at": found.until}

        return await self._effect("get", [key], work)

    async def _entries(self, prefix: str) -> list[list[Any]]:
        async def work(store: StateStore) -> Any:
            entries = await store.entries(self._key(prefix))
            return [[entry.key.partition("\0")[2], entry.value, entry.version] for entry in entries]

        return await self._effect("entries", [prefix], work)

    async def _commit(self, writes: list[list[Any]], ttl: float | None, attempt: int) -> list[dict[str, Any]] | None:
        """Each write is a key, a value (None deletes) and the version it must have."""

        async def work(store: StateStore) -> Any:
            from llmspell.state.store import GONE, Write, pause

            given = [Write(self._key(key), GONE if value is None else value, ttl, at) for key, value, at in writes]
            changes = await store.commit(given, by=self._run.principal)
            if changes is None:
                await pause(attempt)
                return None
            return [_told(change) for change in changes]

        return await self._effect("commit", [writes, ttl], work, check=("read", "write"))

    async def _effect(
        self,
        operation: str,
        given: list[Any],
        work: Callable[[StateStore], Awaitable[Any]],
        check: tuple[Doing, ...] | None = None,
    ) -> Any:
        doing = check if check is not None else _DOING[operation]

        async def perform() -> Any:
            store = await self._opened.store()
            for each in doing:
                await self._check_access(store, each)
            return await work(store)

        return await self._run.effects.once("state", operation, [self._scope, *given], perform)

    async def _check_access(self, store: StateStore, doing: Doing) -> None:
        if self._scope:
            found = await store.get(_ACCESS + self._scope)
            if found is not None:
                access_of(found.value).check(self._run.principal, doing, self._scope)

    async def _unit(self, key: str, change: Callable[[], Awaitable[T]]) -> T:
        """A change, which may fail as other work does: `on_error` is asked."""
        context = {"scope": self.name, "key": key, "path": key}
        return await Unit(self._run, "state_change", context, self._run.emit, self._agent).attempt(change)

    async def _before(self, key: str, value: Any, old: Any = None) -> tuple[Any, dict[str, Any] | None]:
        """The value as hooks left it, and the context that those after it get; None where nobody is asked."""
        hooks = self._run.hooks
        if not (hooks.wants("before_state_change") or hooks.wants("after_state_change")):
            return value, None
        if old is None:
            found = await self._entry(key)
            old = None if found is None else found["value"]
        context: dict[str, Any] = {"scope": self.name, "key": key, "path": key, "value": value, "old": old}
        if agent := self._agent:
            context["agent_name"] = agent
        asked = await hooks.ask("before_state_change", context, agent=agent)
        return plain(asked["value"], repr(key)), asked

    async def _after(self, key: str, value: Any, told: dict[str, Any], asked: dict[str, Any] | None) -> None:
        run, agent = self._run, self._agent
        old = told["old"][0] if told["old"] else None
        data = {"scope": self.name, "owner": "", "path": key, "at": [key], "value": value, "old": old}
        data |= {"by": run.actor, "version": told["version"], **({"agent_name": agent} if agent else {})}
        run.emit("state_changed", key, data)
        if asked is not None:
            await run.hooks.ask("after_state_change", {**asked, "value": value, "old": old}, agent=agent)

    @property
    def _agent(self) -> str | None:
        kind, _, name = self._run.actor.partition(":")
        return name if kind == "agent" else None

    def _key(self, key: str) -> str:
        return f"{self._scope}\0{key}"

    def _full(self, key: str) -> str:
        return f"{self._scope}/{key}" if self._scope else key

    def _check(self, key: str, *doing: Doing) -> None:
        granted = self._run.settings.state
        for each in doing:
            check_granted(self._full(key), each, granted.read if each == "read" else granted.write)

    def _may_read(self, key: str) -> bool:
        patterns = self._run.settings.state.read
        return patterns == ("*",) or _is_granted(self._full(key), patterns)


def _is_granted(name: str, patterns: tuple[str, ...]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _crowded(key: str) -> LlmspellError:
    from llmspell.state.store import crowded

    return crowded(key)


def _told(change: Change | None) -> dict[str, Any] | None:
    """A change as plain data, to be recorded: `old` is a list of the old value, or None where there was none."""
    from llmspell.state.store import Gone

    if change is None:
        return None
    return {"version": change.version, "old": None if isinstance(change.old, Gone) else [change.old]}


_DOING: Final[dict[str, tuple[Doing, ...]]] = {
    "get": ("read",),
    "list": ("read",),
    "entries": ("read",),
    "set": ("write",),
    "compare_and_set": ("read", "write"),
}
