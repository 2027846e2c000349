"""The loop of `llmspell run`: sockets are looked at when there is nothing else to do, and in any case now and then."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from llmspell.cli.rounds import new_loop


def test_callbacks_that_never_end_do_not_keep_a_socket_waiting() -> None:
    async def hear() -> int:
        loop = asyncio.get_running_loop()
        heard, here = loop.create_future(), socket.socketpair()
        rounds = 0

        def again() -> None:
            nonlocal rounds
            rounds += 1
            if not heard.done():
                loop.call_soon(again)

        loop.call_soon(again)
        loop.add_reader(here[0].fileno(), _told(heard))
        here[1].send(b"x")
        await asyncio.wait_for(heard, 20)
        loop.remove_reader(here[0].fileno())
        for each in here:
            each.close()
        return rounds

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert 1 < runner.run(hear()) < 40


def test_what_is_ready_comes_before_what_a_socket_has_to_say() -> None:
    async def order() -> list[str]:
        loop = asyncio.get_running_loop()
        heard, here, came = loop.create_future(), socket.socketpair(), list[str]()

        def step(count: int) -> None:
            came.append(f"step {count}")
            if count < 3:
                loop.call_soon(step, count + 1)

        def news() -> None:
            came.append("socket")
            _told(heard)()

        loop.add_reader(here[0].fileno(), news)
        here[1].send(b"x")
        loop.call_soon(step, 1)
        await heard
        loop.remove_reader(here[0].fileno())
        for each in here:
            each.close()
        return came

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(order()) == ["step 1", "step 2", "step 3", "socket"]


def test_timers_fire_among_callbacks() -> None:
    async def wait() -> bool:
        loop, fired = asyncio.get_running_loop(), asyncio.Event()

        def again() -> None:
            if not fired.is_set():
                loop.call_soon(again)

        loop.call_soon(again)
        loop.call_later(0.001, fired.set)
        return await asyncio.wait_for(fired.wait(), 20)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(wait())


def _told(heard: asyncio.Future[None]) -> Callable[[], None]:
    def tell() -> None:
        if not heard.done():
            heard.set_result(None)

    return tell
