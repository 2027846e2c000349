"""The client of `llmspell host`: spawns it, asks it for runs, spawns it again when it has died.

`HostClient` is used from one event loop. What happens by itself it tells as `Ended`; of a host that died, each run is
told as ended with the status `lost`. Knows no screen and no file's saves.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llmspell.errors import LlmspellError, UsageError, revived

#: Bytes of one line of the host: an error may carry as much as a spell's longest value.
_LINE: Final = 64 * 1024 * 1024
#: Seconds after which a host that died counts as one that had worked: it is spawned again at once.
_WORKED: Final = 2.0
#: Seconds that a host has to end by itself.
_PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Started:
    """A run under way. path: of its file; socket: its own, for events (`traces.live`) and control; file: the spell's
    path, label: as the person knows it."""

    run: str
    path: str
    socket: str
    file: str
    label: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended. status: ok, error, limit, cancelled or lost."""

    run: str
    status: str
    error: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Refused(LlmspellError):
    """The spell's engine will not have its text: nothing was started, nothing cancelled. line: from 1."""

    def __init__(self, message: str, file: str, line: int, text: str) -> None:
        super().__init__(message, source=f"{file}:{line}")
        self.file = file
        self.line = line
        self.text = text


class HostLost(LlmspellError):
    """The host died before it answered."""


class HostClient:
    """command: what spawns the host; told: hears of each run's end."""

    def __init__(
        self,
        told: Callable[[Ended], object] = lambda ended: None,
        *,
        command: Sequence[str] = (sys.executable, "-m", "llmspell", "host"),
        cwd: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.told = told
        self.loaded: list[Callable[[str, str], object]] = []  # each told the spell's file and that of a module of it
        self.spawned = 0  # hosts so far
        self._command = command
        self._cwd = cwd
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._runs: dict[str, None] = {}
        self._ended: set[str] = set()  # ends that were told before the answer that named their run
        self._number = 0
        self._closed = False

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs under way."""
        return tuple(self._runs)

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def warm(self) -> None:
        """Spawns the host ahead of the first run."""
        await self._running()

    async def start(self, file: str | None = None, **wanted: Any) -> Started:
        """Starts a run; returns when its first event is there. wanted: as `run.start` of `llmspell.serve.host` has it.

        Raises Refused, HostLost, and whatever error the host names.
        """
        given = {name: value for name, value in wanted.items() if value not in (None, "", ())}
        found = await self._ask("run.start", {**given, **({"file": file} if file else {})})
        started = Started(found["run"], found["path"], found["socket"], found["file"], found["spell"])
        if started.run in self._ended:
            self._ended.discard(started.run)
        else:
            self._runs[started.run] = None
        return started

    async def cancel(self, run: str, reason: str = "cancelled") -> None:
        """Ends a run and waits until it has ended. Raises UsageError where the host runs none of that id."""
        await self._ask("run.cancel", {"run": run, "reason": reason})

    async def written(self, files: Mapping[str, Any]) -> dict[str, str]:
        """Which of the files runs of this host wrote: path -> `tool`, or `command` where one may have. files: what is
        seen of each: time of its change in ns, size, inode; None where it is gone."""
        if self.pid is None:
            return {}
        found: dict[str, list[str]] = await self._ask("written", {"files": dict(files)})
        return {path: whose for whose, paths in found.items() for path in paths}

    async def status(self) -> dict[str, Any]:
        return await self._ask("status", {})

    async def close(self) -> None:
        """Ends the host and with it what it runs."""
        self._closed = True
        process, reading = self._process, self._reading
        if process is None or reading is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(reading), _PATIENCE)
        except TimeoutError:
            process.kill()
        await reading

    # -- inside --------------------------------------------------------------------------------------------------

    async def _ask(self, do: str, given: dict[str, Any]) -> Any:
        process = await self._running()
        assert process.stdin is not None
        self._number += 1
        number = self._number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            process.stdin.write(json.dumps({"id": number, "do": do, **given}).encode() + b"\n")
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._turn:
            if self._closed:
                raise UsageError("the host is closed")
            if self._process is None or self._reading is None or self._reading.done():
                try:
                    self._process = await asyncio.create_subprocess_exec(
                        *self._command,
                        "--parent",
                        str(os.getpid()),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=asyncio.subprocess.DEVNULL,
                        cwd=self._cwd,
                        env=None if self._environ is None else dict(self._environ),
                        limit=_LINE,
                        start_new_session=True,  # Ctrl-C of the terminal is for this program
                    )
                except OSError as error:
                    raise HostLost(f"llmspell host cannot be started: {error}") from None
                self.spawned += 1
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """What a host says until it ends, however it ends."""
        assert process.stdout is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            while line := await process.stdout.readline():
                self._heard(line)
        except (ValueError, OSError):
            process.kill()
        code = await process.wait()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(HostLost(f"llmspell host has ended (exit {code})", hint="it is started again"))
        runs, self._runs = self._runs, {}
        for run in runs:
            self.told(Ended(run, "lost"))
        if not self._closed and loop.time() - began > _WORKED:
            self._again = asyncio.create_task(self._warm_again())

    async def _warm_again(self) -> None:
        try:
            await self._running()
        except LlmspellError:
            return  # who asks next is told

    def _heard(self, line: bytes) -> None:
        try:
            said: Any = json.loads(line)
        except ValueError:
            return
        match said:
            case {"id": int(number), "ok": ok} if (answer := self._waiting.get(number)) and not answer.done():
                answer.set_result(ok)
            case {"id": int(number), "error": dict(error)} if (answer := self._waiting.get(number)) and (
                not answer.done()
            ):
                answer.set_exception(_error(error))
            case {"notice": "run.ended", "run": str(run), "status": str(status)}:
                if run in self._runs:
                    del self._runs[run]
                else:
                    self._ended.add(run)
                self.told(Ended(run, status, said.get("error"), said.get("usage") or {}))
            case {"notice": "run.loaded", "spell": str(spell), "file": str(file)}:
                for told in self.loaded:
                    told(spell, file)
            case _:
                return


def _error(fields: dict[str, Any]) -> LlmspellError:
    match fields:
        case {"type": "syntax", "data": {"file": str(file), "line": int(line), "text": str(text)}}:
            return Refused(str(fields.get("message", "")), file, line, text)
        case {"name": "UsageError", "message": str(message)}:
            return UsageError(message, hint=str(fields.get("hint") or ""))
        case _:
            return revived(fields)
