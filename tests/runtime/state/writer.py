"""A process of its own that uses a store: `writer.py MODE BACKEND FOLDER URL`. Says what was acknowledged, line by line.

numbers: sets n/0, n/1, … without end. pairs: changes two keys in one commit, without end. count: adds 50 to `count`.
set: sets `w/there` once.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path
from typing import Any

from llmspell.errors import StoreError
from llmspell.settings.values import Settings, State
from llmspell.state.opening import opened
from llmspell.state.store import GONE, StateStore, Write


def say(line: object) -> None:
    print(line, flush=True)


async def numbers(store: StateStore) -> None:
    for number in count():
        await store.set(f"n/{number}", number)
        say(number)


async def pairs(store: StateStore) -> None:
    for number in count():
        await store.commit([Write("p/a", number), Write("p/b", "x" * 5000 + str(number)), Write("p/c", number)])
        say(number)


async def add(store: StateStore) -> None:
    async def more(value: Any) -> Any:
        return (0 if value is GONE else value) + 1

    for _ in range(50):
        await store.update("count", more)


async def one(store: StateStore) -> None:
    await store.set("w/there", "from another process", by="somebody else")


async def main(mode: str, backend: Any, folder: str, url: str) -> None:
    settings = Settings(Path(folder), Path(folder), state=State(backend=backend, url=url or None))
    lease = await opened(settings)
    try:
        await {"numbers": numbers, "pairs": pairs, "count": add, "set": one}[mode](lease.store)
    except StoreError as error:
        say(f"{error.message}; {error.hint}")
    finally:
        await lease.close()


asyncio.run(main(*sys.argv[1:]))
