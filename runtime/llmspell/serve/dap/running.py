"""One debugged run: started as it was asked for, and what happens in it told to the client. Knows no request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from llmspell.asking import Asking, Result
from llmspell.control.control import Control, Paused
from llmspell.control.wanted import Controls
from llmspell.engines.debugging.breakpoints import LineBreakpoint
from llmspell.engines.debugging.session import Debug, Debuggee
from llmspell.errors import CancelledByUser, LlmspellError, UsageError
from llmspell.events.event import Event
from llmspell.person import Answers
from llmspell.run import Run
from llmspell.runtime import Runtime, Started
from llmspell.serve.dap.breaks import Breaks
from llmspell.serve.dap.console import Console
from llmspell.serve.dap.failing import is_caught
from llmspell.serve.dap.launching import Launch
from llmspell.serve.dap.sources import Sources
from llmspell.serve.dap.spans import Spans
from llmspell.serve.dap.stops import Stops, when
from llmspell.spell import Spell

#: Who goes on, of what the client asks for.
_BY: Final = "the debugger"

Send = Callable[[str, dict[str, Any]], None]

#: What the client calls a stop of the run's control.
_REASONS: Final = {"error": "exception", "start": "entry"}


class Running:
    """send: takes an event's name and body."""

    def __init__(self, launch: Launch, runtime: Runtime, sources: Sources, debug: Debug, send: Send) -> None:
        self.launch = launch
        self.sources = sources
        self.debug = debug
        self.spans = Spans()
        self.stops: Stops | None = None
        self.console = Console(self.output)
        self.over = False
        self._runtime = runtime
        self._send = send
        self._run: Run | None = None
        self._started: Started | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asked = 1  # the thread that the client wants to stand
        debug.wanted["entry"] = launch.stops_on_entry
        debug.joined, debug.left = self._joined, self._left
        debug.stopped, debug.logged, debug.loaded = self._stopped, self._logged, self._loaded
        debug.unseen = self._unseen

    # -- the run -------------------------------------------------------------------------------------------------

    def start(self, breaks: Breaks) -> None:
        """Raises LlmspellError for what cannot be started."""
        launch = self.launch
        spell = Spell.read(self.sources.label(str(launch.program)))
        self._breaks = breaks
        self._loaded(spell.label, spell.source)
        asking = Asking(
            params=launch.params,
            flags=launch.flags,
            state=cast(Any, launch.state),
            say=_unheard,
            on_event=self._heard,
            person=self.console if launch.answers is None else Answers.read(launch.answers),
            prepare=self._prepared,
            control=Controls(tuple(breaks.texts)) if launch.debugs else None,
            debug=self.debug if launch.debugs else None,
        )
        self._started = started = self._runtime.start(spell, asking)
        self._send("process", {"name": spell.label, "startMethod": "launch", "isLocalProcess": True})
        self._soon(self._followed(started))

    def _prepared(self, run: Run) -> None:
        self._run = run
        self.stops = Stops(run, self.spans, self.sources)

    async def _followed(self, started: Started) -> None:
        result = await started.result()
        if self.launch.record is not None and started.store is not None:
            from llmspell.traces.schema import copy  # sqlite3, 4 ms

            try:
                await asyncio.to_thread(copy, started.store.path, self.launch.record)
            except LlmspellError as error:
                self._show_error(error)
        self._ended(result)

    def _ended(self, result: Result) -> None:
        if isinstance(result.error, CancelledByUser):
            self.output("console", f"{result.error.message}\n")
        elif result.error is not None:
            self._show_error(result.error)
        elif result.value is not None:
            from llmspell.serve.dap.around import text
            from llmspell.traces.describe import describe

            self.output("console", f"{text(describe(result.value))}\n")
        self._exited(0 if result.error is None else result.error.exit_code)

    def fail(self, error: LlmspellError) -> None:
        """It cannot be started."""
        self._show_error(error)
        self._exited(error.exit_code)

    def _exited(self, code: int) -> None:
        self.over = True
        self._send("exited", {"exitCode": code})
        self._send("terminated", {})

    def cancel(self, reason: str) -> None:
        if self._started is not None and not self.over:
            self._started.cancel(reason)

    def silence(self) -> None:
        """Another run takes its place: its end is told to nobody."""
        self._send = _untold

    async def end(self) -> None:
        """Waits until nothing of it is left."""
        self.cancel("the debugger has left")
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- going on ------------------------------------------------------------------------------------------------

    def worker(self, thread: Any) -> Debuggee | None:
        """None for what the spell has begun. Raises UsageError for a thread that there is not."""
        if thread not in [each["id"] for each in self.threads()]:
            raise UsageError(f"there is no thread {thread!r}", hint="`threads` names those there are")
        return self.debug.workers[thread - 1] if 0 < thread <= len(self.debug.workers) else None

    def stands(self, thread: Any) -> Debuggee | None:
        """The worker of a thread that stands; None: the run stands between two things it does. Raises UsageError."""
        worker = self.worker(thread)
        if worker is not None and worker.stopped is not None:
            return worker
        if self.stops is None or self.stops.pause is None or (worker is not None and self.stops.place != thread):
            raise UsageError("the thread runs already")
        return None

    def go(self, worker: Debuggee | None, how: str) -> None:
        """how: go, in, over or out. A run that stands between two things goes on to the next of them for a step."""
        assert self.stops is not None
        self.stops.forget(self.stops.place if worker is None else worker.number)
        if worker is not None:
            worker.go(how)
            if (pause := self.stops.pause) is not None and self._place(pause) == worker.number:
                self._paused()  # it stands all the same
        else:
            self._leave()
            self._command(
                {"do": "step", "to": "either", "by": _BY} if how in ("in", "over") else {"do": "resume", "by": _BY}
            )

    def pause(self, thread: int) -> None:
        """Lets nothing more begin, wherever the run is by then; the client is told that this thread stands, which is of
        what the spell has begun."""
        self._asked = thread
        self._command({"do": "pause", "by": _BY})

    def _leave(self) -> None:
        """The scripts that wait go on, too."""
        for worker in self.debug.workers:
            worker.tell("leave")

    def breakpoints(self, texts: list[str]) -> None:
        """New breakpoints of the control, which has those of the beginning from `start`."""
        if self._run is not None and not self.over:
            self._command({"do": "breakpoints", "set": texts})

    def _command(self, record: dict[str, Any]) -> None:
        control = None if self._run is None else self._run.control
        if isinstance(control, Control):
            self._soon(self._commanded(control, record))

    async def _commanded(self, control: Control, record: dict[str, Any]) -> None:
        try:
            await control.command(record)
        except LlmspellError as error:
            if not self.over:
                self.output("console", f"llmspell: {error.message}\n")

    def _soon(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what happens --------------------------------------------------------------------------------------------

    def threads(self) -> list[dict[str, Any]]:
        if self.over:  # whose workers may have a moment to live
            return []
        names = {worker.number: worker.label for worker in self.debug.workers if not worker.ended}
        names.setdefault(1, self.sources.label(str(self.launch.program)))
        if self.stops is not None:
            names |= self.stops.branches()
        return [{"id": number, "name": name} for number, name in sorted(names.items())]

    def _joined(self, worker: Debuggee) -> None:
        self._send("thread", {"reason": "started", "threadId": worker.number})

    def _left(self, worker: Debuggee) -> None:
        self._send("thread", {"reason": "exited", "threadId": worker.number})

    def _stopped(self, worker: Debuggee) -> None:
        if worker.stopped is not None and worker.stopped.get("thrown"):
            self._soon(self._failed(worker, worker.stopped["thrown"]))
        else:
            self._tell_stop(worker)

    async def _failed(self, worker: Debuggee, thrown: dict[str, Any]) -> None:
        """An error of a kind that nobody wants to know of stops nothing."""
        assert self._run is not None
        thrown["caught"] = thrown["caught"] or await is_caught(self._run, self.spans, worker)
        if self.debug.wanted["errors"].get("caught" if thrown["caught"] else "uncaught"):
            self._tell_stop(worker)
        else:
            worker.go("go")

    def _tell_stop(self, worker: Debuggee) -> None:
        report = worker.stopped or {}
        told: dict[str, Any] = {"reason": report.get("reason", "pause"), "hitBreakpointIds": report.get("ids") or []}
        if text := report.get("text"):
            told.update(text=text, description=text)
        self._stop(worker.number, told)

    def _paused(self) -> None:
        pause = None if self.stops is None else self.stops.pause
        for worker in self.debug.workers:
            worker.tell("look")
        if pause is None or self.stops is None or self._stands_there(self._place(pause)):
            return
        text = pause.reason.removeprefix("breakpoint ")
        told: dict[str, Any] = {
            "text": text,
            "description": f"{when(pause.stop)} {pause.stop}" if pause.stop else pause.reason,
        }
        if points := self._breaks.met(pause):
            self._soon(self._met(pause, points, {**told, "reason": "function breakpoint"}))
            return
        if text.startswith("step"):
            told["reason"] = "step"
        else:
            told["reason"] = _REASONS.get(pause.stop, "function breakpoint" if pause.stop else "pause")
        self._stop(self._place(pause), told)

    def _place(self, pause: Paused) -> int:
        """The thread that is said to stand."""
        return self._asked if self.stops is None or pause.by == _BY else self.stops.place

    async def _met(self, pause: Paused, points: list[LineBreakpoint], told: dict[str, Any]) -> None:
        """The run goes on where no condition or hit count of a breakpoint stops it."""
        stops, ids = self.stops, list[int]()
        assert stops is not None
        for point in points:
            try:
                holds = not point.condition or await stops.holds(point.condition)
            except UsageError as error:
                told["text"] = f"the condition {point.condition!r} cannot be evaluated: {error.message}"
                holds = True
            if holds and point.counts():
                ids.append(point.id)
        if stops.pause is pause and ids:
            self._stop(stops.place, {**told, "hitBreakpointIds": ids})
        elif stops.pause is pause:
            self.go(None, "go")

    def _stands_there(self, thread: int) -> bool:
        """Whether a script stands at the same thread: it is told of first, the rest once that goes on."""
        worker = self.debug.workers[thread - 1] if thread <= len(self.debug.workers) else None
        return worker is not None and worker.stopped is not None

    def _stop(self, thread: int, told: dict[str, Any]) -> None:
        workers = [worker for worker in self.debug.workers if not worker.ended]
        every = all(worker.stopped is not None for worker in workers) and not (self.stops and self.stops.branches())
        self._send("stopped", {**told, "threadId": thread, "allThreadsStopped": every})

    def _logged(self, worker: Debuggee, text: str, site: str) -> None:
        self.output("console", f"{text}\n", site)

    def _unseen(self, label: str, why: str) -> None:
        self.output("important", f"{label} is not debugged: {why}\n", f"{label}:1")
        for number in self._breaks.without(label, why):
            self._send(
                "breakpoint", {"reason": "changed", "breakpoint": {"id": number, "verified": False, "message": why}}
            )

    def _loaded(self, label: str, source: str) -> None:
        if label not in self.sources.loaded:
            self.sources.loaded[label] = source
            self._send("loadedSource", {"reason": "new", "source": self.sources.of(label)})

    def _heard(self, event: Event) -> None:
        self.spans.heard(event)
        match event.kind:
            case "output":
                stream = "stderr" if event.data.get("stream") == "err" else "stdout"
                self.output(stream, str(event.data.get("text", "")), event.site)
            case "warning":
                self.output("console", f"warning: {event.data.get('message', '')}\n", event.site)
            case "paused":
                self._paused()
            case "resumed" if event.data.get("by") != _BY and self.stops is not None:
                thread = self.stops.place
                self.stops.forget(thread)
                self._leave()
                self._send("continued", {"threadId": thread, "allThreadsContinued": False})
            case _:
                pass

    def output(self, category: str, text: str, site: str = "") -> None:
        label, _, line = site.rpartition(":")
        where: dict[str, Any] = {}
        if label and line.isdecimal():
            where = {"source": self.sources.of(label), "line": int(line)}
        self._send("output", {"category": category, "output": text, **where})

    def _show_error(self, error: LlmspellError) -> None:
        lines = [f"{error.source}: {error.message}" if error.source else error.message]
        lines += [f"    {line}" for line in error.stack]
        if error.hint:
            lines.append(f"hint: {error.hint}")
        self.output("stderr", "\n".join(lines) + "\n", error.source)


def _untold(name: str, body: dict[str, Any]) -> None:
    """Nobody wants to know."""


def _unheard(stream: str, text: str) -> None:
    """What a spell prints is an event, and told from there with its line."""
