"""When an app under test is at rest: known from its event loop, where Textual's pilot sleeps until the process is idle.

The pilot's rule costs 40 ms a key and asks how busy the machine is: under load it gives up after a second. Here nothing
is ready to run, no thread of the loop works, nothing was put off for a moment, and the screen shows what changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

from textual._context import active_app
from textual.screen import Screen

#: A thread may as well wait for as long as the app lives: it is given this time, in seconds.
_THREADS = 0.5
#: What is put off for no longer, in seconds, belongs to what set it going.
_MOMENT = 0.1
#: Seconds after which an app that never rests is left to it.
_PATIENCE = 10


async def at_rest(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Stands where Textual's `wait_for_idle` did, and takes what that takes: neither time has a use here."""
    loop: Any = asyncio.get_running_loop()
    began, calm = loop.time(), 0
    while (now := loop.time()) < began + _PATIENCE:
        await asyncio.sleep(0)
        # Twice: between the two turns the loop has looked at its files and its clock.
        calm = 0 if loop._ready else calm + 1
        if calm < 2:
            continue
        screen = _screen()
        if screen is not None and screen._update_timer._active.is_set():
            screen._on_timer_update()  # what its next frame, up to 17 ms from now, would do
        elif now < began + _THREADS and _at_work(loop._default_executor):
            await asyncio.sleep(0.001)
        elif soon := _put_off(screen):
            await asyncio.wait(soon)
        else:
            return
        calm = 0


def _screen() -> Screen[Any] | None:
    app = active_app.get()
    return app.screen if app.is_running and app.screen_stack else None


def _put_off(screen: Screen[Any] | None) -> set[asyncio.Task[None]]:
    """The timers that go off once, and soon."""
    if screen is None:
        return set()
    timers = {timer for pump in (screen.app, *screen.walk_children(with_self=True)) for timer in pump._timers}
    tasks = {timer._task for timer in timers if timer._repeat == 0 and timer._interval <= _MOMENT}
    return {task for task in tasks if task is not None and not task.done()}


def _at_work(threads: ThreadPoolExecutor | None) -> bool:
    if threads is None:
        return False
    return not threads._work_queue.empty() or threads._idle_semaphore._value < len(threads._threads)


@contextmanager
def resting() -> Iterator[None]:
    """Every pilot's pause and every key it presses end when the app is at rest."""
    with mock.patch("textual.app.wait_for_idle", at_rest), mock.patch("textual.pilot.wait_for_idle", at_rest):
        yield
