"""From feeds to the desk: the run shown, read as it goes on, and the list of runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, cast

from llmspell_tui.app.finding import Finding
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.feed.runs import RunList
from llmspell_tui.feed.source import RunSource
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch, Complete, Page, Update

#: Events folded between two keys: 3 ms.
SLICE: Final = 500
#: Seconds between two looks for a file that is about to be written, and how often.
_LOOK, _LOOKS = 0.02, 100
#: Spans from which the collector is told to leave what is there alone: it would look at all of it again and again.
_LARGE: Final = 20_000


class Reading(Finding):
    """data_dirs: where the runs are. first: the run to begin with; without one the list of runs is shown.
    path_shown: the file of the run on the desk."""

    data_dirs: Sequence[Path] = ()
    first: Path | None = None
    path_shown: Path | None = None

    async def on_mount(self) -> None:
        if self.first is not None:
            await self.show_run(self.first)
        if self.data_dirs:
            self.run_worker(self._list(RunList(self.data_dirs)), group="runs", exclusive=True)

    def opening(self) -> str:
        return "trace" if self.first is not None or not self.data_dirs else "runs"

    async def show_run(self, path: Path, *, unstored: int = 0) -> None:
        """Put a run on the desk, from its file and, while it goes on, its socket. unstored: as its source has it."""
        before = self.desk.payloads
        self.path_shown = path
        model = RunModel()
        payloads = Payloads(path)
        self.lay(model, payloads)
        self.run_worker(self._read(model, RunSource(path, unstored=unstored)), group="read", exclusive=True)
        if before is not None:
            await asyncio.to_thread(before.close)

    async def _read(self, model: RunModel, source: RunSource) -> None:
        known = source.unstored
        await _written(source.path)
        # It is a generator, and one that is left early is to be closed.
        async with aclosing(cast("AsyncGenerator[Update, None]", source.updates())) as updates:
            async for update in updates:
                for part in _slices(update):
                    model.take(part)
                    if isinstance(part, Page):
                        self.paged(model)
                    self.touch()
                    await asyncio.sleep(0)
                if isinstance(update, Complete) and len(model.spans) > _LARGE:
                    gc.collect()
                    gc.freeze()
        if source.unstored > known:  # what is shown is what there is
            await self.show_run(source.path, unstored=source.unstored)

    def paged(self, model: RunModel) -> None:
        """The run's own page was read: once as it is read first, once when it has ended."""

    async def _list(self, runs: RunList) -> None:
        async for found in runs.followed():
            self.desk.runs = found
            self.touch()


async def _written(path: Path) -> None:
    """Wait a while for the file: a run's first event may be told before it is written. Nothing is said of failure."""
    for _ in range(_LOOKS):
        if await asyncio.to_thread(path.exists):
            return
        await asyncio.sleep(_LOOK)


def _slices(update: Update) -> Sequence[Update]:
    """A batch in pieces, so that no key waits for all of it."""
    if isinstance(update, Batch) and len(update.events) > SLICE:
        return [Batch(update.events[at : at + SLICE]) for at in range(0, len(update.events), SLICE)]
    return [update]
