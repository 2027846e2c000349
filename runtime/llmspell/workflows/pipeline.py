"""A pipeline under way: items flow through stages that all work at once, each with a bounded queue before it.

A stage that is full holds up the one before it, so a slow stage is never buried. Items stay in order. The first stage
that fails ends the others; whatever they were doing is cancelled and waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from llmspell.workflows import steps
from llmspell.workflows.concurrency import all_of
from llmspell.workflows.context import Scope
from llmspell.workflows.definition import Part, Step

if TYPE_CHECKING:
    from llmspell.workflows.execution import Execution

#: Items that may wait before a stage.
BUFFER: Final = 8

Give = Callable[[Any], Awaitable[None]]


class _End:
    """What follows the last item."""


_END: Final = _End()


async def flow(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    """The items that come out, in order. An input that is no list flows as one item, and comes out as one value unless
    a stage made several of it."""
    items: list[Any] = given if isinstance(given, list) else [given]
    if not step.path:
        execution.expect(len(items) * len(step.parts))
    if any(part.steps[0].stream for part in step.parts):
        scope.kept.whole = True  # an answer that comes in pieces comes in other pieces the next time
    size = step.buffer or BUFFER
    queues = [asyncio.Queue[Any](size) for _ in step.parts]
    results: list[Any] = []

    async def keep(item: Any) -> None:
        results.append(item)
        if execution.give is not None and not step.path:
            await execution.give(item)

    async def feed() -> None:
        for item in items:
            await queues[0].put(item)
        await queues[0].put(_END)

    def stage(place: int) -> Callable[[], Any]:
        following = queues[place + 1].put if place + 1 < len(queues) else None
        return lambda: _stage(execution, step.parts[place], scope, queues[place], following, keep)

    await all_of(execution.run, [feed, *(stage(place) for place in range(len(queues)))])
    if isinstance(given, list) or len(results) > 1:
        return results
    return results[0] if results else None


async def _stage(
    execution: Execution, part: Part, scope: Scope, queue: asyncio.Queue[Any], following: Give | None, keep: Give
) -> None:
    """Works on each item that comes and hands on what it makes of it. following: takes it, and the end; None: keep
    does."""
    step = part.steps[0]
    own: dict[str, Any] = {"item": None, "index": 0}
    inner = scope.of(own)

    async def hand_on(value: Any) -> None:
        if part.transformer is not None:
            value = await execution.call(part.transformer, value, inner.context)
        if value is not None:
            await (following or keep)(value)

    place = 0
    while (item := await queue.get()) is not _END:
        own.update(item=item, index=place)
        if step.stream:
            await steps.do(execution, step, inner, item, hand_on)
        else:
            await hand_on(await steps.do(execution, step, inner, item))
        place += 1
    if following is not None:
        await following(_END)
