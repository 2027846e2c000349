"""One host, COUNT spells at once: `python many_spells.py SPELL COUNT` prints `all ready` when each has printed its line."""

from __future__ import annotations

import asyncio
import sys

from llmspell import Runtime


async def main(spell: str, count: int) -> None:
    ready: asyncio.Queue[str] = asyncio.Queue()
    async with Runtime() as runtime, asyncio.TaskGroup() as spells:
        for _ in range(count):
            spells.create_task(runtime.run(spell, say=lambda _, text: ready.put_nowait(text)))
        for _ in range(count):
            await ready.get()
        print("all ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
