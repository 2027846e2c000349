"""Several works of a run at once, in order of their places: the first failure ends the others, and all are waited for.

Tasks are started in order and let in one at a time by the run's sequencer, so a replay goes the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from llmspell.run import Run

T = TypeVar("T")


async def together(run: Run, count: int, work: Callable[[int], Awaitable[T]], limit: int | None) -> list[T]:
    """What the work gives for each place from 0, in order. limit: how many at once; None for all. Raises the first
    error, when no other is under way any more."""
    results: list[Any] = [None] * count
    places = iter(range(count))

    async def worker() -> None:
        for place in places:
            results[place] = await work(place)

    await all_of(run, [worker for _ in range(min(count, limit or count))])
    return results


async def all_of(run: Run, works: Iterable[Callable[[], Any]]) -> None:
    """Runs the works as tasks of the run until all have ended, or one has failed and the others are cancelled."""
    tasks = [run.spawn(work()) for work in works]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
