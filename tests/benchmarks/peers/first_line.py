"""Seconds from asking a warm zygote for a worker to the spell's first line, beside a bare fork that says one byte."""

from __future__ import annotations

import asyncio
import json
import os
import time

from llmspell.engines import protocol
from llmspell.engines.process import Zygote
from llmspell.engines.transport import Limits

TIMES = 20
SOURCES = {"lua": "print('here')", "javascript": "console.log('here')"}


def start_frame(language: str) -> bytes:
    start: protocol.Start = {
        "language": language,
        "label": "spell",
        "source": SOURCES[language],
        "module": False,
        "params": {},
        "config": {},
        "env": {},
        "globals": {},
        "seed": 1,
        "clock": None,
        "memory_mb": 256,
    }
    return protocol.encode(["run", start])


async def first_line(zygote: Zygote, language: str) -> float:
    line: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def receive(frame: protocol.Frame) -> None:
        if frame[0] == "tell" and not line.done():
            line.set_result(time.perf_counter())

    frame = start_frame(language)
    start = time.perf_counter()
    worker = zygote.worker(language, receive, Limits())
    worker.send(frame)
    came = await line
    await worker.exit
    return came - start


def bare() -> float:
    reading, writing = os.pipe()
    start = time.perf_counter()
    if (pid := os.fork()) == 0:
        os.write(writing, b"x")
        os._exit(0)
    os.read(reading, 1)
    took = time.perf_counter() - start
    os.waitpid(pid, 0)
    os.close(reading)
    os.close(writing)
    return took


async def main() -> None:
    zygote = Zygote.spawn(list(SOURCES))
    found: dict[str, list[float]] = {"bare": [], **{language: [] for language in SOURCES}}
    for language in SOURCES:
        await first_line(zygote, language)
    for _ in range(TIMES):
        found["bare"].append(bare())
        for language in SOURCES:
            found[language].append(await first_line(zygote, language))
    zygote.close()
    print(json.dumps(found))


asyncio.run(main())
