"""One spell under the person's hands: run now, and again at every save, with the run before cancelled.

What a run itself writes is no save: the host says which files its tools and hook files wrote, and which may be its
doing, because a command of it was under way, say. Whose change the latter was nobody can know: the person is told
(`Passed`). Files that the spell is made of always count; the texts of other spells of the window never do, nor Python
that is no hook file of it. `Session` tells what becomes of it as plain values: `Began`, `Refusal` (the run before goes
on), `Trouble`, `Passed`. Ends of runs are the client's to tell. Knows no screen.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
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
#: Scripts have others beside them that they may load next.
_SCRIPTS: Final = frozenset({".lua", ".js", ".mjs"})
#: What belongs to every spell beside it.
_SETTINGS: Final = frozenset({"llmspell.toml", "replies.json"})


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


@dataclass(frozen=True, slots=True)
class Passed:
    """These files changed in a way that may be the work of a run, and were taken for it: no run was started."""

    file: str
    names: tuple[str, ...]


News = Began | Refusal | Trouble | Passed


def passed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} changed, perhaps by the run itself"


class Session:
    """file: one of the wishes'. told: hears what becomes of it, in the event loop."""

    def __init__(self, client: HostClient, file: str, wishes: Wishes, told: Callable[[News], object]) -> None:
        self.file = file
        self.wishes = wishes
        self.run = self.path = ""  # the last run, its file
        self._client = client
        self._told = told
        self._saves = Saves(folders_of(Path(file)))
        self._turn = asyncio.Lock()
        self._path = Path(file).resolve()
        self._parts: set[Path] = set()  # what the spell has loaded
        client.loaded.append(self._loaded)

    @property
    def folders(self) -> tuple[Path, ...]:
        """What is watched, with what lies below."""
        return self._saves.folders

    async def watch(self) -> None:
        """Runs now and after every save, until cancelled. The run of the moment is left as it is then."""
        async with aclosing(self._saves.each()) as saves:
            async for seen in saves:
                saved = await self._by_person(seen)
                if saved or not seen:
                    await self.again(saved=tuple(sorted(path.name for path in saved)))

    async def _by_person(self, saved: frozenset[Path]) -> frozenset[Path]:
        """Those of the files that concern this spell and that no run wrote."""
        saved = frozenset(path for path in saved if path in self._parts or not self._anothers(path))
        rest = [path for path in saved if not self._made_of(path)]
        if not rest or not self.run:
            return saved
        seen = _by_real_name(rest)
        try:
            written = await self._client.written({name: self._saves.seen(path) for name, path in seen.items()})
        except LlmspellError:  # the host was lost: whatever it wrote, it writes no more
            return saved
        passed = sorted(seen[name].name for name, whose in written.items() if whose == "command")
        if passed and len(rest) == len(saved):
            self._told(Passed(self.file, tuple(passed)))
        return saved - {seen[name] for name in written}

    def _made_of(self, path: Path) -> bool:
        return path == self._path or path in self._parts or path.name in _SETTINGS

    def _anothers(self, path: Path) -> bool:
        others = (Path(file).resolve() for file in self.wishes.files)
        return path.suffix == ".py" or any(path == other != self._path for other in others)

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
                said = f"{error.source}: {error.message}" if error.source else error.message
                self._told(Trouble(self.file, said, error.hint))
                return None
            self.run, self.path = started.run, started.path
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

    def _loaded(self, spell: str, module: str) -> None:
        """A run has loaded a file: saves beside it count too, if it is a script."""
        if Path(spell).resolve() == self._path:
            path = Path(module).resolve()
            self._parts.add(path)
            if path.suffix in _SCRIPTS:
                self._saves.also(folders_of(Path(self.file), [module]))
            else:
                self._saves.file(path)


def _by_real_name(paths: Iterable[Path]) -> dict[str, Path]:
    return {os.path.realpath(path): path for path in paths}
