"""What every backend promises: one suite for SQLite, RocksDB and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.errors import ArgumentError, SettingsError, StoreError
from llmspell.settings.values import Settings
from llmspell.state.backend import LOG_LENGTH
from llmspell.state.opening import opened
from llmspell.state.store import GONE, Change, Entry, StateStore, Write

KEYS = ("", "a", "a\0b", "\ud800", "ключ", "x" * 1000)
VALUES = (None, False, 0, 2**63, -(2**63), 1.5, float("inf"), "", "\ud800", "a\0b", b"\xff\0", [], {}, {"a": [1, {}]})


@pytest.mark.mission(92, 93)
async def test_any_text_is_a_key_and_any_plain_value_a_value(store: StateStore) -> None:
    for key in KEYS:
        assert await store.get(key) is None
        for value in VALUES:
            await store.set(key, value)
            found = await store.get(key)
            assert found is not None and found.value == value and type(found.value) is type(value)
    assert await store.list() == sorted(KEYS, key=lambda key: key.encode("utf-8", "surrogatepass"))
    for key in KEYS:
        assert await store.delete(key) is not None
        assert await store.delete(key) is None
    assert await store.list() == []


async def test_what_is_no_plain_data_is_refused(store: StateStore) -> None:
    for value, name in ((object(), "object"), ({"a": [{1, 2}]}, "set"), (2**64, "cannot keep this value")):
        with pytest.raises(ArgumentError, match=name):
            await store.set("k", value)
    with pytest.raises(ArgumentError, match="1025 bytes is too long"):
        await store.set("k" * 1025, 1)
    with pytest.raises(ArgumentError, match=r"is 9\.0 MB, more than 8 MB"):
        await store.set("k", b"x" * (9 * 1024 * 1024))
    assert await store.list() == []


async def test_every_change_has_the_next_version(store: StateStore) -> None:
    first = await store.set("a", 1, by="me")
    assert (first.version, first.old, first.by) == (1, GONE, "me")
    second = await store.set("b", 2)
    third = await store.set("a", 3)
    assert (second.version, third.version, third.old) == (2, 3, 1)
    gone = await store.delete("b")
    assert gone is not None and (gone.version, gone.value, gone.old) == (4, GONE, 2)
    assert await store.delete("b") is None
    assert await store.version() == 4
    assert await store.get("a") == Entry("a", 3, 3)


async def test_compare_and_set(store: StateStore) -> None:
    assert await store.compare_and_set("k", GONE, {"n": 1}) is not None
    assert await store.compare_and_set("k", GONE, {"n": 2}) is None
    assert await store.compare_and_set("k", {"n": 2}, 0) is None
    assert await store.compare_and_set("k", {"n": 1.0}, [True]) is not None, "1 and 1.0 are one number to scripts"
    assert await store.compare_and_set("k", [1], 0) is None, "true is not 1"
    assert await store.compare_and_set("k", [True], GONE) is not None
    assert await store.get("k") is None


async def test_a_commit_is_all_or_nothing(store: StateStore) -> None:
    await store.set("a", 1)
    assert await store.commit([Write("b", 2), Write("a", 3, expected=7)]) is None
    assert await store.commit([Write("b", 2), Write("c", 3, expected=1)]) is None
    assert [entry.key for entry in await store.entries()] == ["a"]
    changes = await store.commit([Write("b", 2, expected=0), Write("a", GONE, expected=1), Write("none")])
    assert changes is not None and [(each.key, each.version) for each in changes] == [("b", 2), ("a", 3)]
    assert [(each.key, each.value) for each in await store.entries()] == [("b", 2)]
    assert await store.commit([]) == []


async def test_lists_and_entries_by_prefix_in_order(store: StateStore) -> None:
    keys = ["a", "a/1", "a/2", "a0", "b", "\U0010ffff", "\U0010ffff/x"]
    await store.commit([Write(key, at) for at, key in enumerate(keys)])
    assert await store.list("a/") == ["a/1", "a/2"]
    assert await store.list("a") == ["a", "a/1", "a/2", "a0"]
    assert await store.list("\U0010ffff") == ["\U0010ffff", "\U0010ffff/x"]
    assert [(entry.key, entry.value) for entry in await store.entries("a/")] == [("a/1", 1), ("a/2", 2)]
    assert await store.list("none") == []


async def test_a_value_with_a_time_to_live_is_gone_when_it_is_over(store: StateStore) -> None:
    await store.set("short", 1, ttl=1)
    await store.set("long", 2, ttl=600_000)
    while await store.get("short") is not None:
        await asyncio.sleep(0)
    assert await store.list() == ["long"] and [entry.key for entry in await store.entries()] == ["long"]
    long = await store.get("long")
    assert long is not None and long.until is not None
    assert await store.compare_and_set("short", GONE, 2) is not None, "an expired value is not there"
    assert (await store.set("long", 3)).old == 2
    long = await store.get("long")
    assert long is not None and long.until is None, "a value set without a time stays"
    await store.set("short", 3, ttl=1)
    while await store.get("short") is not None:
        await asyncio.sleep(0)
    change = await store.set("short", 4)
    assert change.old is GONE


async def test_updates_at_once_lose_nothing(store: StateStore) -> None:
    async def more(value: Any) -> Any:
        await asyncio.sleep(0)
        return (0 if value is GONE else value) + 1

    await asyncio.gather(*(store.update("count", more) for _ in range(40)))
    found = await store.get("count")
    assert found is not None and found.value == 40

    async def nothing(value: Any) -> Any:
        return GONE

    assert await store.update("none", nothing) is None
    assert await store.update("count", nothing) is not None
    assert await store.list() == []


async def test_what_one_asks_for_in_turn_happens_in_turn(store: StateStore) -> None:
    changes = await asyncio.gather(*(store.set("k", number) for number in range(300)))
    assert [change.version for change in changes] == list(range(1, 301))
    assert [change.old for change in changes] == [GONE, *range(299)]


class Seen:
    """A watcher that has begun, and reads on demand."""

    def __init__(self, changes: AsyncGenerator[Change | None, None]) -> None:
        self._changes = changes

    async def next(self, count: int) -> list[Change]:
        async with asyncio.timeout(20):
            return [change async for change in _first(self._changes, count)]


async def _first(changes: AsyncGenerator[Change | None, None], count: int) -> AsyncGenerator[Change, None]:
    for _ in range(count):
        change = await anext(changes)
        assert change is not None
        yield change


@pytest.mark.mission(92, 93)
async def test_a_watcher_is_told_each_change_of_its_prefix_once_in_order(store: StateStore) -> None:
    await store.set("w/before", 0)
    async with aclosing(store.watch("w/")) as changes:
        assert await anext(changes) is None
        await store.set("w/a", 1, by="me")
        await store.set("other", 1)
        await store.delete("w/a", by="you")
        await store.set("w/large", "x" * 10_000)
        await store.commit([Write("w/b", 2), Write("w/c", 3)])
        found = await Seen(changes).next(5)
        assert [(each.key, each.value, each.by) for each in found] == [
            ("w/a", 1, "me"),
            ("w/a", GONE, "you"),
            ("w/large", "x" * 10_000, ""),
            ("w/b", 2, ""),
            ("w/c", 3, ""),
        ]
        assert [each.version for each in found] == [2, 4, 5, 6, 7]


async def test_a_watcher_far_behind_is_told_the_newest_values(store: StateStore) -> None:
    async with aclosing(store.watch("w/")) as changes:
        assert await anext(changes) is None
        await store.set("w/first", 1)
        for start in range(0, LOG_LENGTH + 600, 600):
            await store.commit([Write("w/many", number) for number in range(start, start + 600)])
        found = await Seen(changes).next(2)
        assert [(each.key, each.value) for each in found] == [("w/first", 1), ("w/many", start + 599)]
        await store.set("w/after", 2)
        (after,) = await Seen(changes).next(1)
        assert (after.key, after.value) == ("w/after", 2)


async def test_settings_that_do_not_fit_are_one_clear_error(settings_of: Callable[..., Settings]) -> None:
    from dataclasses import replace

    from llmspell.settings.values import State

    plain = settings_of("sqlite")
    for state, message in (
        (State(backend="postgres"), "needs the server's address"),
        (State(backend="postgres", url="mysql://u:secret@host/db"), "no address of a PostgreSQL server"),
    ):
        with pytest.raises(SettingsError, match=message) as caught:
            await opened(replace(plain, state=state))
        assert "secret" not in str(caught.value.to_value())
    lost = await opened(replace(plain, state=State(backend="postgres", url="postgresql://u:secret@/db?host=/nowhere")))
    with pytest.raises(StoreError, match="PostgreSQL state postgresql://u@/db") as caught:
        await lost.store.get("k")
    assert "secret" not in str(caught.value.to_value())
    await lost.close()


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
STEP = st.tuples(st.sampled_from(("set", "delete", "cas", "commit")), st.sampled_from("abc"), PLAIN)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
async def test_a_store_behaves_as_a_table_does(store: StateStore, steps: list[tuple[str, str, Any]]) -> None:
    await store.commit([Write(key) for key in await store.list()])
    table: dict[str, Any] = {}
    for what, key, value in steps:
        match what:
            case "set":
                change = await store.set(key, value)
                assert change.old == table.get(key, GONE)
                table[key] = value
            case "delete":
                assert (await store.delete(key) is not None) == (key in table)
                table.pop(key, None)
            case "cas":
                expected = table.get("a", GONE)
                done = await store.compare_and_set(key, expected, value)
                if done is not None:
                    table[key] = value
                else:
                    assert key != "a"
            case _:
                await store.commit([Write(key, value), Write("c"), Write("a", [value])])
                table |= {key: value}
                table.pop("c", None)
                table["a"] = [value]
    assert {entry.key: entry.value for entry in await store.entries()} == table
