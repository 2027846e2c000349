"""From a save to what the saved text prints, as a client of the run's socket hears it: a warm host, four editors' ways.

    python -m tests.benchmarks.tui.saving FOLDER COUNT        prints one JSON object

Two of three saves find the run before still under way.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.tui.saves import STYLES

from llmspell.traces.feed import SocketFeed
from llmspell_tui.host.client import HostClient
from llmspell_tui.host.session import Began, News, Session
from llmspell_tui.host.wishes import Wishes

#: Seconds after which a save counts as lost.
_LOST = 10.0


class Heard:
    """When each nonce was first heard of."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def told(self, news: News) -> None:
        if isinstance(news, Began):
            task = asyncio.create_task(self._follow(news.started.socket, Path(news.started.path)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _follow(self, socket: str, path: Path) -> None:
        async for batch in SocketFeed(socket, path).batches():
            for event in batch:
                if event.kind == "output":
                    self.at.setdefault(event.data["text"].strip(), time.perf_counter())
                    self._news.set()

    async def wait(self, nonce: str) -> bool:
        try:
            async with asyncio.timeout(_LOST):
                while nonce not in self.at:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True


async def measured(folder: Path, count: int) -> dict[str, Any]:
    (folder / "llmspell.toml").touch()
    file = folder / "spell.lua"
    file.write_text('print("n0")')
    heard, client = Heard(), HostClient(cwd=str(folder))
    session = Session(client, str(file), Wishes(files=(str(file),)), heard.told)
    watching = asyncio.create_task(session.watch())
    if not await heard.wait("n0"):
        raise RuntimeError("the spell did not run")
    took: dict[str, list[float]] = {style.__name__: [] for style in STYLES}
    lost = 0
    for number in range(1, count + 1):
        style, nonce = STYLES[number % 4], f"n{number}"
        text = f'print("{nonce}")' + (" Async.sleep(600000)" if number % 3 else "")
        begin = time.perf_counter()
        style(file, text)
        if await heard.wait(nonce):
            took[style.__name__].append(heard.at[nonce] - begin)
        else:
            lost += 1
        await asyncio.sleep(0.02)  # a person's saves are further apart
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await client.close()
    return {"took": took, "lost": lost}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(Path(sys.argv[1]), int(sys.argv[2])))))
