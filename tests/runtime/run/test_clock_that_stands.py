"""The clock of a run's sleeps and limits after it has stood still."""

from __future__ import annotations

import asyncio

import pytest

from llmspell.deadline import Clock


@pytest.mark.parametrize("how", ["sleep", "after"])
async def test_what_fell_due_while_it_stood_comes_as_soon_as_it_would_have(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, passed = asyncio.get_running_loop(), 0.0
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + passed)
    clock, came = Clock(), asyncio.Event()

    async def sleeps() -> None:
        await clock.sleep(0.001)
        came.set()

    task = loop.create_task(sleeps()) if how == "sleep" else None
    if task is None:
        clock.after(0.001, came.set)
    await asyncio.sleep(0)
    clock.stop()
    passed = 60.0  # a minute at a breakpoint
    await asyncio.sleep(0.002)
    assert not came.is_set()
    clock.go()
    began = loop.time()
    async with asyncio.timeout(5):
        await came.wait()
    assert loop.time() - began < 5


async def test_what_is_not_due_when_it_goes_on_waits_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, passed = asyncio.get_running_loop(), 0.0
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + passed)
    clock, came = Clock(), asyncio.Event()
    clock.after(30.0, came.set)
    clock.stop()
    passed = 60.0
    await asyncio.sleep(0)
    clock.go()
    passed += 29.0
    await asyncio.sleep(0.001)
    assert not came.is_set()
    passed += 2.0
    async with asyncio.timeout(5):
        await came.wait()
