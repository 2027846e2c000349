"""Plain mode, for screen readers: a line when something begins, ends or is printed. No drawing, no colour, no signs
beyond ASCII. Ends with the run that is looked at; with a spell that runs on save, at ^C.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell.traces.feed import feed_of
from llmspell.traces.layout import Look
from llmspell.traces.tree import LiveTree

if TYPE_CHECKING:
    from llmspell_tui.feed.runs import StoredRun
    from llmspell_tui.host.session import News
    from llmspell_tui.host.wishes import Wishes

Write = Callable[[str], object]
_STEMS = re.compile(r"(?:\|  )+")
_COLUMNS = re.compile(" {2,}")
_LOOK = Look(width=100, colour=False, fancy=False)


async def tell_run(path: Path, write: Write) -> None:
    """A run from its first event to its end. Raises StoreError."""
    live = LiveTree(lambda line: write(spoken(line)), _LOOK)
    async for events in feed_of(path).batches():
        for event in events:
            live.add(event)


def spoken(line: str) -> str:
    """A line of the tree as it is read aloud: its level as a number, no columns."""
    stems = _STEMS.match(line)
    rest = line[stems.end() :] if stems else line
    return f"{stems.end() // 3 + 1 if stems else 1}: {_COLUMNS.sub(', ', rest.rstrip())}\n"


async def tell_spells(wishes: Wishes, write: Write) -> None:
    """Spells that run now and at every save, until cancelled."""
    from llmspell_tui.host.client import HostClient
    from llmspell_tui.host.session import Began, Session

    telling: dict[str, asyncio.Task[None]] = {}

    def told(news: News) -> None:
        match news:
            case Began(file, started, _, saved):
                if file in telling:
                    telling[file].cancel()
                write(f"{started.label}: run {started.run} began{', saved ' + ', '.join(saved) if saved else ''}\n")
                telling[file] = asyncio.ensure_future(tell_run(Path(started.path), write))
            case _:
                write(f"{news.file}: {news.message}; the run before goes on\n")

    client = HostClient()
    try:
        await asyncio.gather(*(Session(client, file, wishes, told).watch() for file in wishes.files))
    finally:
        for task in telling.values():
            task.cancel()
        await client.close()


def list_runs(runs: list[StoredRun], write: Write) -> None:
    """A line a run, newest first."""
    for run in runs:
        write(f"{run.meta.id} {run.meta.status} {run.meta.label}\n")


def until_left(telling: Coroutine[object, object, None]) -> int:
    """Run it until it ends or ^C."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(telling)
    return 0
