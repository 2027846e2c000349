"""A warm host: one process that runs spells for another, which tells it so in JSON lines. `llmspell host` is it.

Each line that it reads is one request, each that it writes an answer or a notice:

    {"id": 1, "do": "run.start", "file": "a.lua"}  → {"id": 1, "ok": {"run": …, "path": …, "socket": …}}
    {"id": 2, "do": "run.begin"}                   → {"id": 2, "error": {"type": "usage", "message": …, "hint": …}}
                                                   → {"notice": "run.ended", "run": …, "status": "ok", …}

| do           | with                                                         | ok                             |
|--------------|--------------------------------------------------------------|--------------------------------|
| `run.start`  | `file`; `params`; `flags`: settings by `section.name`;       | `run`: its id, `path`: of its  |
|              | `state`: keep, reset or fork; `replay_prefix`: a run;        | file, `socket`, `file`,        |
|              | `fork`: `RUN@SEQ` (its spell unless `file` says it), `edit`; | `spell`: path and label        |
|              | `replay`: a run, repeated as it was, asking nobody;          |                                |
|              | `breakpoints`, `approve`: as `llmspell run` has them;        |                                |
|              | `cancels`: a run of this host that this one replaces         |                                |
| `run.cancel` | `run`; `reason`                                              | `{"run": …}`, once it has ended|
| `written`    | `files`: what is seen of each path: time of change in ns,    | `tool`, `command`: the paths   |
|              | size, inode; null where it is gone                           | that runs of this host wrote   |
| `status`     |                                                              | `pid`, `version`, `runs`       |
| `stop`       |                                                              | `{}`; then it ends             |

A text that its engine refuses, the spell's or that of a module which a run of it has loaded and which was saved since,
is an error of type `syntax` with `data.file`, `data.line` (from 1) and `data.text`, the line; nothing was started then
and nothing cancelled. `replay_prefix` may be `cancels`: the new run waits for its end.
What a run loads (modules, hook files, prompts of the project's own, its `llmspell.toml`) is told as `run.loaded`, with
the `file` and the `spell` that it is a part of.
Everything else about a run (events, pausing, answers to what it asks) goes over the run's own socket (`traces.live`,
`control.socket`); to stay attached is to be there: questions wait for whoever connects. The host ends with what it
reads from, after it has cancelled its runs.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from llmspell.asking import Result
from llmspell.errors import ArgumentError, LlmspellError, ScriptError, UsageError, fault
from llmspell.events.event import Event
from llmspell.runtime import Runtime, Started
from llmspell.security import touched
from llmspell.serve.wanted import Wanted
from llmspell.settings import find_project_file, load
from llmspell.spell import Spell
from llmspell.version import VERSION

#: Bytes of one request: parameters may be as long as a spell's.
LINE: Final = 16 * 1024 * 1024

Write = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _Running:
    started: Started
    task: asyncio.Task[Result]


class Host:
    """Serves one client. write: takes each line that is to be sent."""

    def __init__(self, runtime: Runtime, write: Write) -> None:
        self._runtime = runtime
        self._write = write
        self._runs: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._touched: touched.Touched | None = None
        self._parts: dict[str, dict[Path, touched.Seen]] = {}  # modules as they were loaded, by spell
        self.stopped = asyncio.Event()
        self._acts: Mapping[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "run.start": self._start,
            "run.cancel": self._cancel,
            "written": self._written,
            "status": self._status,
            "stop": self._stop,
        }

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until the other side is gone or says `stop`."""
        with touched.keep(self._loaded) as self._touched:
            await self._serve(reader)

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        self._write({"notice": "ready", "pid": os.getpid(), "version": VERSION})
        stopping = asyncio.create_task(self.stopped.wait())
        try:
            while not self.stopped.is_set():
                reading = asyncio.create_task(reader.readline())
                await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    break
                try:
                    line = reading.result()
                except ValueError:  # longer than `LINE`: where the next one begins is not known
                    break
                if not line:
                    break
                self._heard(line)
        finally:
            stopping.cancel()
            await self._end()

    def _heard(self, line: bytes) -> None:
        task = asyncio.create_task(self._answer(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        """Nothing of it is left running."""
        for running in self._runs.values():
            running.started.cancel("its host was ended")
        waiting = [*self._tasks, *(running.task for running in self._runs.values())]
        if waiting:
            await asyncio.wait(waiting)

    async def _answer(self, line: bytes) -> None:
        number: Any = None
        try:
            request = _request(line)
            number = request.pop("id", None)
            do = request.pop("do", None)
            act = self._acts.get(do) if isinstance(do, str) else None
            if act is None:
                raise UsageError(f"there is no request {do!r}", hint=f"one of {', '.join(self._acts)}")
            self._write({"id": number, "ok": await act(request)})
        except LlmspellError as error:
            self._write({"id": number, "error": error.to_value()})
        except Exception as error:
            self._write({"id": number, "error": fault(error, "the host").to_value()})

    # -- requests ------------------------------------------------------------------------------------------------

    async def _start(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = Wanted.of(given)
        spell = None if wanted.file is None else Spell.read(wanted.file)
        if spell is not None:
            load(spell.path, os.environ, wanted.flags or {})  # with settings that are wrong nothing is cancelled
            await self._check(spell)
        if wanted.cancels:
            await self._replace(wanted.cancels, wait=wanted.replay_prefix == wanted.cancels)
        asking, spell = wanted.asking(spell)
        begun = asyncio.Event()

        def heard(event: Event) -> None:
            begun.set()

        started = self._runtime.start(spell, replace(asking, on_event=heard))
        run = started.meta.id
        task = asyncio.create_task(self._followed(started))
        self._runs[run] = _Running(started, task)
        if (settings := find_project_file(spell.path)) is not None:
            self._loaded(run, settings)
        first = asyncio.create_task(begun.wait())
        await asyncio.wait((first, task), return_when=asyncio.FIRST_COMPLETED)  # from then on its socket is there
        first.cancel()
        if started.store is not None:
            await started.store.flush()  # 3 ms; its file is there then, with its first events
        path = "" if started.store is None else str(started.store.path)
        meta = started.meta
        return {"run": run, "path": path, "socket": meta.socket, "file": str(spell.path), "spell": spell.label}

    async def _check(self, spell: Spell) -> None:
        """Raise what the engine will not have: the text, or a module that a run of it has loaded and that is another
        one now."""
        parts = self._parts.get(str(spell.path), {})
        now = {path: touched.seen_of(path) for path in parts}
        changed = {path: seen for path, seen in now.items() if seen not in (None, parts[path])}
        for text in (spell, *filter(None, map(_module, changed))):
            refused = await self._runtime.refusal(text, module=text is not spell)
            if refused is not None:
                raise _placed(refused, text)
        parts.update(changed)

    async def _followed(self, started: Started) -> Result:
        result = await started.result()
        del self._runs[result.run_id]
        told = {"run": result.run_id, "status": result.status, "duration": result.duration, "usage": result.usage}
        error = None if result.error is None else result.error.to_value()
        self._write({"notice": "run.ended", **told, "error": error})
        return result

    def _loaded(self, run: str, path: Path) -> None:
        running = self._runs.get(run)
        if running is not None:
            spell = running.started.meta.spell
            self._parts.setdefault(spell, {})[path] = touched.seen_of(path)
            self._write({"notice": "run.loaded", "run": run, "spell": spell, "file": str(path)})

    async def _replace(self, run: str, *, wait: bool) -> None:
        """wait: its recording is needed whole."""
        running = self._runs.get(run)
        if running is not None:
            running.started.cancel("saved")
            if wait:
                await asyncio.wait((running.task,))

    async def _cancel(self, given: dict[str, Any]) -> dict[str, Any]:
        run, reason = given.get("run"), given.get("reason", "cancelled")
        running = self._runs.get(run) if isinstance(run, str) else None
        if running is None:
            raise UsageError(f"this host runs no {run!r}", hint=f"it runs {', '.join(self._runs) or 'nothing'}")
        running.started.cancel(str(reason))
        await asyncio.wait((running.task,))
        return {"run": run}

    async def _written(self, given: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, list[str]] = {"tool": [], "command": []}
        for path, seen in _files(given.get("files")).items():
            if self._touched is not None and (whose := self._touched.whose(path, seen)):
                found[whose].append(path)
        return found

    async def _status(self, given: dict[str, Any]) -> dict[str, Any]:
        runs = [{"run": run, "spell": running.started.meta.label} for run, running in self._runs.items()]
        return {"pid": os.getpid(), "version": VERSION, "runs": runs}

    async def _stop(self, given: dict[str, Any]) -> dict[str, Any]:
        asyncio.get_running_loop().call_soon(self.stopped.set)
        return {}


def _files(given: Any) -> dict[str, touched.Seen]:
    """Raises UsageError."""
    match given:
        case dict():
            files = cast("dict[str, Any]", given)
        case _:
            raise UsageError(f"`files` is a table, not {given!r}", hint='{"PATH": [TIME, SIZE, INODE]} or null')
    found: dict[str, touched.Seen] = {}
    for path, seen in files.items():
        match seen:
            case None:
                found[path] = None
            case [int(time), int(size), int(inode)]:
                found[path] = (time, size, inode)
            case _:
                raise UsageError(f"{seen!r} of {path!r} is no state of a file", hint="[TIME, SIZE, INODE] or null")
    return found


def _module(path: Path) -> Spell | None:
    """A module as a text to be checked; None for what no engine compiles, or what cannot be read: a run tells that."""
    try:
        return Spell.read(path)
    except UsageError:
        return None


def _placed(error: LlmspellError, spell: Spell) -> LlmspellError:
    """A refusal with the file, the line and its text as data."""
    file, _, line = error.source.rpartition(":")
    number = int(line) if line.isdecimal() else 1
    lines = spell.source.splitlines()
    text = lines[number - 1] if 0 < number <= len(lines) else ""
    where = {"file": file or spell.label, "line": number, "text": text}
    return ScriptError(error.message, type="syntax", source=error.source, hint=error.hint, data=where)


def _request(line: bytes) -> dict[str, Any]:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"a request is a line of JSON: {error}") from None
    if not isinstance(value, dict):
        raise ArgumentError(f"a request is a JSON object, not {value!r}")
    return value
