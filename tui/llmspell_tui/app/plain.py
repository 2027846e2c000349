"""Plain mode, for screen readers and pipes: a line for each thing that happens, in words, and a person who types words
of their own. No drawing, no colour, nothing is moved, nothing is shown twice. No Textual.

On a terminal it ends when the person says so. Elsewhere it ends when all is told and what stdin says has ended; words
that come through a pipe are done as typed ones are. A terminal whose output goes elsewhere is not read: `| less` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from llmspell.errors import LlmspellError, UsageError
from llmspell_tui.app import spoken, words
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.feed.source import RunSource
from llmspell_tui.host.control import RunControl
from llmspell_tui.host.wishes import apart
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Batch, Complete, Page, Recovered, Trouble, Update

if TYPE_CHECKING:
    from llmspell_tui.feed.runs import RunList
    from llmspell_tui.host.session import News, Session
    from llmspell_tui.host.wishes import Wishes

Write = Callable[[str], object]
#: Lines are of events: none is read as a row.
_EACH_EVENT: Final = sys.maxsize


class Plain:
    """One person who listens. write: takes whole lines. runs: what `runs` lists; find: a run's file by its name."""

    def __init__(self, write: Write, runs: RunList, find: Callable[[str], Path]) -> None:
        self.unheard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready = asyncio.Event()  # there is something to ask about
        self._write = write
        self._runs = runs
        self._find = find
        self._told = spoken.Told()
        self._brief = False
        self._model = RunModel()
        self._path: Path | None = None
        self._following: asyncio.Task[None] | None = None
        self._control: RunControl | None = None
        self._session: Session | None = None
        self._sessions: dict[str, Session] = {}

    def say(self, *lines: str) -> None:
        try:
            for line in lines:
                self._write(line + "\n")
        except OSError as error:  # the reader has gone: `| head`
            if not self.unheard.done():
                self.unheard.set_exception(error)
            raise

    # What is told

    async def follow(self, path: Path, *, attend: bool = False) -> None:
        """A run, from its first event to its end. attend: be the one whom it asks."""
        self._path, self._model, self._told = path, RunModel(), spoken.Told()
        self._told.brief = self._brief
        source = RunSource(path, short=_EACH_EVENT)
        async with aclosing(cast("AsyncGenerator[Update, None]", source.updates())) as updates:
            async for update in updates:
                self._model.take(update)
                if not isinstance(update, Batch) and (self._model.status == "running" or self._model.complete):
                    self.ready.set()
                match update:
                    case Batch(events):
                        for event in events:
                            self.say(*self._told.lines(event))
                    case Page() if attend and update.socket and update.status == "running" and self._control is None:
                        await self._connect(update.socket)
                    case Trouble(text, remedy):
                        self.say(f"trouble: {text}; {remedy}")
                    case Recovered():
                        self.say("the run can be read again")
                    case Complete():
                        self.say(spoken.summary(self._model))
                    case _:
                        pass

    async def work(self, wishes: Wishes) -> None:
        """Spells that run now and at every save, until cancelled."""
        from llmspell_tui.host.client import Ended, HostClient  # with what watches folders: 15 ms
        from llmspell_tui.host.session import Session

        def ended(ended: Ended) -> None:
            if ended.status == "lost":
                self.say(f"the host died, and run {ended.run} with it. Type again, or save, to run the spell again")

        client = HostClient(ended)
        sessions = [Session(client, file, wishes, self._news) for file in wishes.files]
        self._session, self._sessions = sessions[0], {session.file: session for session in sessions}
        try:
            await asyncio.gather(*(session.watch() for session in sessions))
        finally:
            await self.close()
            await client.close()

    def _news(self, news: News) -> None:
        from llmspell_tui.host.session import Began, Passed, Refusal, passed

        self.ready.set()
        match news:
            case Began(file, started, before, saved):
                why = f"saved {', '.join(saved)}: " if saved else ""
                self.say(f"{why}{started.label} runs, run {started.run}{f', instead of {before}' if before else ''}")
                self._session = self._sessions[file]
                self._open(Path(started.path), attend=True)
            case Refusal(_, message, where, line, text):
                self.say(f"{Path(where).name} line {line}: {message}; the run before goes on. The line is: {text}")
            case Passed(_, names):
                self.say(f"{passed(names)}: type again to run the spell again")
            case trouble:
                self.say(f"{trouble.message}{f'; {trouble.hint}' if trouble.hint else ''}")

    def _open(self, path: Path, *, attend: bool) -> None:
        before = self._following
        self._following = asyncio.ensure_future(self._instead(before, path, attend))

    async def _instead(self, before: asyncio.Task[None] | None, path: Path, attend: bool) -> None:
        await self._stopped(before)
        await self.follow(path, attend=attend)

    async def close(self) -> None:
        await self._stopped(self._following)

    async def _stopped(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._control is not None:
            control, self._control = self._control, None
            await control.close()

    # What is typed

    async def typed(self, lines: asyncio.Queue[str | None]) -> None:
        """Does what is typed, until it ends or says `quit`."""
        await self.ready.wait()
        while (line := await lines.get()) is not None:
            if not line.strip():
                continue
            try:
                word, rest = words.read(line, dev=self._session is not None)
                if word == "quit":
                    raise Left
                await self._do(word, rest)
            except LlmspellError as error:
                self.say(f"{error.message}{f'; {error.hint}' if error.hint else ''}")

    async def _do(self, word: str, rest: str) -> None:
        match word:
            case "help":
                self.say(*words.told(dev=self._session is not None))
            case "status":
                self.say(spoken.summary(self._model))
            case "errors":
                self.say(*spoken.errors(self._model))
            case "state":
                self.say(*spoken.states(self._model))
            case "why":
                self.say(*await self._why(rest))
            case "runs":
                self.say(*listed(await asyncio.to_thread(self._runs.read)))
            case "open":
                self._open(await asyncio.to_thread(self._find, rest or "last"), attend=False)
            case "less" | "more":
                self._brief = self._told.brief = word == "less"
                self.say("errors, warnings and printed text are told" if self._brief else "everything is told")
            case "spells":
                self._tell_of(rest)
            case "again":
                assert self._session is not None
                await self._session.again()
            case _:
                self.say(await self._commanded(word, rest))

    def _tell_of(self, name: str) -> None:
        """Which spells there are, or another one from now on. Raises UsageError."""
        names = dict(zip(apart([*self._sessions]), self._sessions.values(), strict=True))
        if not name:
            for short, session in names.items():
                self.say(f"{short}{', told of' if session is self._session else ''}")
            return
        found = [session for short, session in names.items() if name in short]
        if len(found) != 1:
            raise UsageError(f"{len(found)} spells are named {name!r}", hint=f"one of {', '.join(names)}")
        self._session = found[0]
        if not found[0].path:
            raise UsageError("it has not run yet", hint="save it, or type again")
        self._open(Path(found[0].path), attend=True)

    async def _why(self, rest: str) -> list[str]:
        spans = self._model.spans
        if rest:
            i = spans.index(int(rest)) if rest.isdecimal() else None
        else:
            failed = (i for i in range(len(spans) - 1, -1, -1) if spans.status(i) not in ("ok", "running"))
            i = next(failed, 0 if len(spans) else None)
        if i is None or self._path is None:
            raise UsageError(f"there is no number {rest!r}", hint="each line that begins or ends something has one")
        payloads = Payloads(self._path)
        try:
            found = await asyncio.to_thread(payloads.span, spans.number(i), spans.first(i), spans.last(i))
        finally:
            payloads.close()
        return spoken.why(self._model, i, found.start, found.end)

    async def _commanded(self, word: str, rest: str) -> str:
        """A word that the run itself does. Raises what it answers with."""
        if self._control is None:
            page = self._model.page
            if page is None or not page.socket or self._model.status != "running":
                raise UsageError("the run has ended" if self._model.complete else "there is no run")
            await self._connect(page.socket)
        control = self._control
        assert control is not None
        match word:
            case "step":
                await control.do("step", to=rest or "either")
            case "answer":
                await control.do("answer", text=rest)
            case "approve" | "deny":
                await control.do("approve", decision=word, reason=rest)
            case _:
                await control.do(word)
        return f"{word}: done"

    async def _connect(self, socket: str) -> None:
        """Be told what waits for a person, now and from now on."""
        try:
            control = self._control = await RunControl.connect(socket, self._heard)
            status = await control.do("status")
        except UsageError:  # it has ended meanwhile: its last events say so
            self._control = None
            return
        if status["pause"]:
            self.say(spoken.paused(status["pause"]))
        self.say(*map(spoken.waits, status["waiting"]))

    def _heard(self, notice: dict[str, Any]) -> None:
        match notice["notice"]:
            case "waiting":
                self.say(spoken.waits(notice))
            case "paused":
                self.say(spoken.paused(notice))
            case "resumed":
                self.say("it goes on")
            case "gone":
                self._control = None
            case _:
                pass


class Left(Exception):
    """The person has typed `quit`."""


async def attended(plain: Plain, telling: Coroutine[Any, Any, None]) -> None:
    """Tells, and does what is typed."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()
    typing = sys.stdin.isatty()
    if typing and not sys.stdout.isatty():
        typing = False
        lines.put_nowait(None)
    else:
        threading.Thread(target=_read, args=(loop, lines), name="typed", daemon=True).start()
    told, typed = asyncio.ensure_future(telling), asyncio.ensure_future(plain.typed(lines))
    waited: set[asyncio.Future[None]] = {told, typed, plain.unheard}
    try:
        while not typed.done() or not (typing or told.done()):
            done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
    except Left:
        return
    finally:
        for task in (told, typed):
            task.cancel()
        await asyncio.gather(told, typed, return_exceptions=True)
        await plain.close()


def _read(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
    """Not through `sys.stdin`: its lock, held by who waits for a line, would keep the program from ending."""
    rest = b""
    with contextlib.suppress(OSError, RuntimeError):  # there is no stdin, or the loop is closed
        while piece := os.read(0, 4096):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(lines.put_nowait, line.decode("utf-8", "replace"))
    with contextlib.suppress(RuntimeError):
        if rest.strip():
            loop.call_soon_threadsafe(lines.put_nowait, rest.decode("utf-8", "replace"))
        loop.call_soon_threadsafe(lines.put_nowait, None)


def listed(runs: list[Any]) -> list[str]:
    """A line a run, live ones first, then the newest."""
    return [f"{run.meta.id}, {run.meta.status}, {run.meta.label}" for run in runs] or ["no stored runs"]


def until_left(begin: Callable[[], Coroutine[object, object, None]]) -> int:
    """Run it until it ends or ^C."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(begin())
    return 0
