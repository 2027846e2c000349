"""Inputs are let in one at a time, each when the one before has come to rest; a replay lets them in as recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from llmspell.traces import sequencer as module
from llmspell.traces.sequencer import Hold, Sequencer

where: ContextVar[str] = ContextVar("where", default="outside")


async def settled() -> None:
    """Until the loop has come to rest, which a sequencer of another run on it can tell."""
    await Sequencer(lambda key: None).turn("", lambda: None)


def spawn(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.get_running_loop().create_task(work)


def chain(heard: list[str], name: str, length: int) -> Callable[[], None]:
    """An act that sets tasks going which wake each other."""

    async def link(left: int) -> None:
        heard.append(f"{name}{left}")
        if left:
            await spawn(link(left - 1))

    return lambda: tasks.append(spawn(link(length)))


tasks: list[asyncio.Task[Any]] = []


async def test_an_input_waits_until_all_that_came_of_the_last_has_come_to_rest() -> None:
    heard: list[str] = []
    order: list[str] = []
    sequencer = Sequencer(order.append)
    sequencer.admit("a", chain(heard, "a", 5))
    sequencer.admit("b", chain(heard, "b", 2))
    sequencer.admit("c", lambda: heard.append("c"))
    await settled()
    assert heard == ["a5", "a4", "a3", "a2", "a1", "a0", "b2", "b1", "b0", "c"]
    assert order == ["a", "b", "c"]


async def test_a_loop_that_hides_its_queue_is_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = module._Gate(None)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(module, "_gate", lambda: gate)
    heard: list[str] = []
    sequencer = Sequencer(lambda key: None)
    sequencer.admit("a", chain(heard, "a", 5))
    sequencer.admit("b", lambda: heard.append("b"))
    while "b" not in heard:
        await asyncio.sleep(0)
    assert heard == ["a5", "a4", "a3", "a2", "a1", "a0", "b"]


async def test_what_a_task_notices_acts_when_the_task_waits() -> None:
    heard: list[str] = []
    sequencer = Sequencer(lambda key: None)

    async def work() -> None:
        sequencer.input("t", lambda: heard.append("input")).arrive_within()
        heard.append("task")

    await work()
    await settled()
    assert heard == ["task", "input"]


async def test_an_act_inside_an_act_waits() -> None:
    heard: list[str] = []
    sequencer = Sequencer(lambda key: None)

    def outer() -> None:
        sequencer.admit("b", lambda: heard.append("inner"))
        heard.append("outer")

    sequencer.input("a", outer).arrive_within()
    await settled()
    await settled()
    assert heard == ["outer", "inner"]


async def test_every_act_is_in_the_context_of_its_sequencer() -> None:
    where.set("run")
    heard: list[str] = []
    sequencer = Sequencer(lambda key: None)
    where.set("elsewhere")
    for key in "abc":
        sequencer.admit(key, lambda: heard.append(where.get()))
    await sequencer.turn("d", lambda: heard.append(where.get()))
    assert heard == ["run"] * 4
    assert where.get() == "elsewhere"


async def test_a_withdrawn_input_is_neither_let_in_nor_recorded() -> None:
    order: list[str] = []
    sequencer = Sequencer(order.append)
    task = spawn(sequencer.turn("a", lambda: order.append("acted")))
    await asyncio.sleep(0)
    task.cancel()
    await settled()
    assert order == [] and task.cancelled()
    waiting = sequencer.input("b", lambda: order.append("acted"))
    waiting.arrive_within()
    waiting.withdraw()
    await settled()
    assert order == []


async def test_an_act_that_raises_stops_nobody() -> None:
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
    heard: list[str] = []
    sequencer = Sequencer(lambda key: None)

    def fail() -> None:
        raise RuntimeError("an act")

    sequencer.input("a", fail).arrive_within()
    sequencer.input("b", lambda: heard.append("b")).arrive_within()
    await settled()
    assert heard == ["b"]
    assert [str(fault) for fault in faults] == ["an act"]


async def test_a_replay_follows_the_recorded_order_then_takes_what_comes() -> None:
    heard: list[str] = []
    order: list[str] = []
    sequencer = Sequencer(order.append, ["b", "a", "a", "c"])

    def act(name: str) -> Callable[[], None]:
        return lambda: heard.append(name)

    sequencer.admit("a", act("a1"))
    sequencer.admit("c", act("c"))
    await settled()
    assert (heard, sequencer.awaited) == ([], "b")
    sequencer.admit("b", act("b"))
    await settled()
    assert (heard, sequencer.awaited) == (["b", "a1"], "a")
    sequencer.admit("a", act("a2"))
    sequencer.admit("d", act("d"))
    await settled()
    assert (heard, sequencer.awaited) == (["b", "a1", "a2", "c", "d"], None)
    assert order == ["b", "a", "a", "c", "d"]


async def test_after_a_recording_that_was_cut_short_nothing_is_let_in() -> None:
    heard: list[str] = []
    sequencer = Sequencer(heard.append, ["a"], over=lambda: heard.append("over"))
    sequencer.admit("a", lambda: None)
    await settled()
    assert heard == ["a"]
    sequencer.admit("b", lambda: heard.append("never"))
    await settled()
    assert heard == ["a", "over"]


async def test_what_a_pause_kept_goes_before_what_came_with_the_word_to_go_on() -> None:
    order: list[str] = []
    sequencer = Sequencer(order.append)
    hold = sequencer.hold = Hold(lambda: False, lambda: False)
    hold.closed = True

    def go_on() -> None:
        hold.closed = False
        sequencer.review()

    for key in ("w1", "w2"):
        sequencer.admit(key, lambda: None)
    sequencer.input("c1", go_on).arrive_within()
    sequencer.admit("w3", lambda: None)
    assert order == []
    await settled()
    assert order == ["c1", "w1", "w2", "w3"]


async def test_a_closed_sequencer_lets_nobody_in() -> None:
    heard: list[str] = []
    sequencer = Sequencer(heard.append)
    sequencer.input("a", lambda: None).arrive_within()
    sequencer.close()
    sequencer.admit("b", lambda: None)
    await settled()
    assert heard == []


async def test_an_input_whose_turn_it_is_enters_without_a_round_of_the_loop() -> None:
    heard: list[str] = []
    sequencer = Sequencer(heard.append)
    asyncio.get_running_loop().call_soon(heard.append, "a round")
    await asyncio.sleep(0)  # which only this round was waited for
    await sequencer.turn("a", lambda: heard.append("acts"))
    asyncio.get_running_loop().call_soon(heard.append, "another")
    await sequencer.turn("b", lambda: heard.append("waits for it"))
    assert heard == ["a round", "a", "acts", "another", "b", "waits for it"]


async def test_in_a_replay_what_waits_for_the_turn_just_taken_follows_it() -> None:
    heard: list[str] = []
    sequencer = Sequencer(heard.append, ["a", "b", "c"])
    sequencer.admit("c", lambda: None)
    sequencer.admit("b", lambda: None)
    assert heard == []
    await sequencer.turn("a", lambda: None)
    assert heard == ["a"]
    await settled()
    assert heard == ["a", "b", "c"]


async def test_tasks_that_are_answered_at_once_leave_the_loop_its_rounds() -> None:
    rounds = 0
    sequencer = Sequencer(lambda key: None)
    going = True

    def tick() -> None:
        nonlocal rounds
        rounds += 1
        if going:
            asyncio.get_running_loop().call_later(0, tick)  # a timer: it is not in the queue of what is ready

    asyncio.get_running_loop().call_later(0, tick)
    for number in range(48):
        await sequencer.turn(f"e{number}", lambda: None)
    going = False
    assert rounds >= 20


async def test_a_script_that_opens_lets_in_what_comes_after_it_once_it_is_told_to() -> None:
    heard: list[str] = []
    over, late = asyncio.Event(), asyncio.Event()
    sequencer = Sequencer(heard.append, ["a", "b"], opens=over.set)
    for key in ("c", "b", "a"):
        sequencer.admit(key, lambda: None)
    await over.wait()
    sequencer.admit("d", late.set)
    assert heard == ["a", "b"]
    sequencer.open()
    await late.wait()
    assert heard == ["a", "b", "c", "d"]


async def test_an_empty_script_opens_at_once() -> None:
    over = asyncio.Event()
    sequencer = Sequencer(lambda key: None, [], opens=over.set)
    sequencer.begin()
    await over.wait()
