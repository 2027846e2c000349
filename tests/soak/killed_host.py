"""Run as a program: a host with a zygote and three spells in conversation, to be killed at any moment.

Prints "zygote worker worker worker" once all of them run; a spell that ends starts again.
"""

import asyncio
import sys

from llmspell.engines import protocol
from llmspell.engines.process import Zygote
from llmspell.engines.protocol import Frame

SPELL = "while true do Async.sleep(1) end"


async def converse(zygote: Zygote, begun: asyncio.Queue[int]) -> None:
    while True:
        await spell(zygote, begun)


async def spell(zygote: Zygote, begun: asyncio.Queue[int]) -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def answer(call: int, milliseconds: float) -> None:
        await asyncio.sleep(milliseconds / 1000)
        worker.send(protocol.encode(["ret", call, True, None]))

    def on_frame(frame: Frame) -> None:
        if frame[0] == "ready":
            begun.put_nowait(frame[1])
        elif frame[0] == "call":
            task = asyncio.ensure_future(answer(frame[1], frame[4][0]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    worker = zygote.worker("lua", on_frame)
    start = {"language": "lua", "label": "spell.lua", "source": SPELL, "module": False, "params": {}, "config": {}}
    start |= {"env": {}, "globals": {}, "seed": 1, "clock": None, "memory_mb": 64}
    worker.send(protocol.encode(["run", start]))
    await worker.exit


async def main(binding: str) -> None:
    zygote = Zygote.spawn(("lua",), binding=binding)
    begun: asyncio.Queue[int] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(converse(zygote, begun))
        print(zygote.pid, *[await begun.get() for _ in range(3)], flush=True)


asyncio.run(main(sys.argv[1]))
