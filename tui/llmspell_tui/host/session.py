"""One spell under the person's hands: run now, and again at every save, with the run before cancelled.

`Session` tells what becomes of it as plain values: `Began`, `Refusal` (the run before goes on), `Trouble`. Ends of runs
are the client's to tell. Knows no screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmspell.errors import LlmspellError, UsageError
from llmspell_tui.host.client import HostClient, HostLost, Refused, Started
from llmspell_tui.host.saves import Saves, folders_of
from llmspell_tui.host.wishes import Wishes

#: Seconds after which a file that was not there is looked for again: an editor moved it away and writes it anew.
_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Began:
    """A run of the spell has begun. before: the run that it replaces, or "". saved: what was saved, if that is why."""

    file: str
    started: Started
    before: str = ""
    saved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The text as it is saved does not compile; the run before goes on. line: from 1."""

    file: str
    message: str
    where: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """No run could be started."""

    file: str
    message: str
    hint: str = ""


News = Began | Refusal | Trouble


class Session:
    """file: one of the wishes'. told: hears what becomes of it, in the event loop."""

    def __init__(self, client: HostClient, file: str, wishes: Wishes, told: Callable[[News], object]) -> None:
        self.file = file
        self.wishes = wishes
        self.run = ""
        self._client = client
        self._told = told
        self._saves = Saves(folders_of(Path(file)))
        self._turn = asyncio.Lock()

    async def watch(self) -> None:
        """Runs now and after every save, until cancelled. The run of the moment is left as it is then."""
        async with aclosing(self._saves.each()) as saves:
            async for saved in saves:
                await self.again(saved=tuple(sorted(path.name for path in saved)))

    async def again(self, *, saved: tuple[str, ...] = (), **more: Any) -> Started | None:
        """Runs the spell as it is now; None where that cannot be. more: of `run.start`, over what was wished for."""
        async with self._turn:
            wishes, before = self.wishes, self.run
            wanted: dict[str, Any] = {
                "params": wishes.params,
                "flags": wishes.flags or None,
                "state": wishes.state,
                "cancels": before,
                "replay_prefix": before if wishes.replay_prefix else "",
                "breakpoints": wishes.breakpoints,
                "approve": wishes.approve,
                **more,
            }
            try:
                started = await self._started(wanted)
            except Refused as refused:
                where = refused.file
                self._told(Refusal(self.file, refused.message, where, refused.line, refused.text))
                return None
            except LlmspellError as error:
                self._told(Trouble(self.file, error.message, error.hint))
                return None
            self.run = started.run
            self._told(Began(self.file, started, before, saved))
            return started

    async def _started(self, wanted: dict[str, Any]) -> Started:
        try:
            return await self._client.start(self.file, **wanted)
        except Refused:
            raise
        except (UsageError, HostLost):  # the file is being replaced this very moment, or the host was
            await asyncio.sleep(_AGAIN)
        return await self._client.start(self.file, **wanted)

    def loaded(self, modules: list[str]) -> None:
        """The run has loaded these files: saves beside them count too."""
        self._saves.also(folders_of(Path(self.file), modules))
