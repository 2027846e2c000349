"""Where a run stands: threads, frames, scopes and values, as the protocol numbers them.

A script stands in its worker, which is asked; a run that its control has stopped stands between two things it does, and
its frames are the calls around that place, with those of the scripts that wait for them. Thread 1 is the spell's
script, the next ones are hook files; what the spell has begun (an agent's work, a workflow) has a thread of its own
while it is under way. Numbers of frames and values mean nothing once their thread has gone on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Final, cast

from llmspell import place
from llmspell.control.control import Control, Paused
from llmspell.engines.debugging.inspected import FRAMES
from llmspell.engines.debugging.session import CallSite, Debuggee
from llmspell.errors import UsageError
from llmspell.frozen import frozen
from llmspell.run import Run
from llmspell.serve.dap import around
from llmspell.serve.dap.sources import Sources
from llmspell.serve.dap.spans import Open, Spans

#: Numbers of threads from here on are of what the spell has begun: its span's number is added.
BRANCHES: Final = 1000

#: Where a stop's `about` names what is about to be done.
_NAMES: Final = {
    "agent": "agent_name",
    "tool": "tool_name",
    "model": "model",
    "hook": "point",
    "error": "unit",
    "event": "event",
}

#: Seconds that a script which computes has to say who of it waits; its stack is shown without them then.
_SOON: Final = 1.0

#: Parts of a value that are told at once to a client that does not ask for pages; the rest is one more part.
_PARTS: Final = 1000

_VIRTUAL: Final = {"kind": "virtual", "attributes": ["readOnly"]}

_GONE: Final = "that was seen before the spell went on; it is no longer there"
_RUNS: Final = "the spell runs: it can be looked at while it stands still"


@frozen
class _Frame:
    """A frame that was told to the client. thread: whose. number: the worker's, None for one of the host's: what is
    evaluated there is so in `below`, the next one of a script's."""

    thread: int
    worker: Debuggee | None
    number: int | None
    chain: tuple[Open, ...]
    about: dict[str, Any]
    below: _Frame | None = None


@frozen
class _Value:
    """A value that can be opened: `reference` in a worker, seen from a frame of it, or what `make` gives. start: the
    first of its parts that is meant."""

    thread: int
    worker: Debuggee | None = None
    reference: int = 0
    frame: int | None = None
    make: Callable[[], Any] | None = None
    start: int = 0


class Stops:
    """Of one run."""

    def __init__(self, run: Run, spans: Spans, sources: Sources) -> None:
        self._run = run
        self._spans = spans
        self._sources = sources
        self._numbers = count(1)
        self._frames: dict[int, _Frame] = {}
        self._values: dict[int, _Value] = {}

    def forget(self, thread: int) -> None:
        """It has gone on."""
        self._frames = {number: frame for number, frame in self._frames.items() if frame.thread != thread}
        self._values = {number: value for number, value in self._values.items() if value.thread != thread}

    @property
    def pause(self) -> Paused | None:
        """Why the run's control has stopped it."""
        control = self._run.control
        return control.pause if isinstance(control, Control) else None

    # -- threads -------------------------------------------------------------------------------------------------

    @property
    def place(self) -> int:
        """The thread at which the run's control has stopped it."""
        chain = () if self.pause is None else self._spans.chain(self.pause.span)
        return BRANCHES + chain[-1].number if chain else 1

    def branches(self) -> dict[int, str]:
        """The threads of what the spell has begun."""
        begun = [span for span in self._spans.open.values() if span.parent and span.parent not in self._begun]
        return {BRANCHES + span.number: span.title for span in begun}

    @property
    def _begun(self) -> set[int]:
        """Spans that lie in the run itself."""
        return {span.number for span in self._spans.open.values() if span.parent}

    # -- frames --------------------------------------------------------------------------------------------------

    async def frames(self, thread: int, worker: Debuggee | None) -> list[dict[str, Any]]:
        """All of a thread's, innermost first. Raises UsageError where it runs. worker: where a script stands."""
        told = await (self._around(thread) if worker is None else self._script(worker))
        below = None
        for each in reversed(told):
            frame = self._frames[each["id"]]
            if frame.worker is not None:
                below = frame
            self._frames[each["id"]] = replace(frame, below=below)
        return told

    async def _around(self, thread: int) -> list[dict[str, Any]]:
        pause = self.pause
        if pause is None:
            raise UsageError(_RUNS)
        if thread == self.place:
            chain = tuple(self._spans.chain(pause.span))
            what = f"{pause.stop} {pause.about.get(_NAMES.get(pause.stop, ''), '')}".strip() or pause.reason
            frame = self._told(f"{when(pause.stop)} {what}", pause.site, _Frame(thread, None, None, chain, pause.about))
            return [frame, *await self._calls(thread, pause.site, chain)]
        return await self._calls(thread, "", tuple(self._spans.chain(self._innermost(thread - BRANCHES))))

    def _innermost(self, number: int) -> int:
        """The span that was begun last inside of one."""
        inside = [span.number for span in self._spans.open.values() if span.parent == number]
        return self._innermost(inside[-1]) if inside else number

    async def _script(self, worker: Debuggee) -> list[dict[str, Any]]:
        context = worker.context
        span = None if context is None else context.get(place.span)
        chain = () if span is None else tuple(self._spans.chain(span.number))
        places = await worker.ask("frames")
        told = self._places(worker.number, worker, chain, places)
        if len(places) == FRAMES:
            told.append(self._label(worker.number, "more calls than can be shown"))
        site = "" if context is None else context.get(place.site) or ""
        calls = await self._calls(worker.number, site, chain)
        return [*told, self._label(worker.number, "called by"), *calls] if calls else told

    def _places(
        self, thread: int, worker: Debuggee, chain: tuple[Open, ...], places: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        for at in places:
            if at.get("awaits"):
                told.append(self._label(thread, "awaited by"))
            frame = _Frame(thread, worker, at["number"], chain, {})
            told.append(self._told(at["name"], f"{at['label']}:{at['line']}", frame, at.get("column", 1)))
        return told

    async def _calls(self, thread: int, site: str, chain: tuple[Open, ...]) -> list[dict[str, Any]]:
        """The spans around a place as frames, each at the line of the script that began it. Where the last of those is
        told that a call of a script has begun, who waits for it follows. site: of the place itself."""
        told: list[dict[str, Any]] = []
        sites = [site, *(span.site for span in chain)]
        for at, each in enumerate(sites):
            if at:
                span = chain[at - 1]
                told.append(self._told(span.title, span.site, _Frame(thread, None, None, chain[at - 1 :], span.about)))
            if isinstance(each, CallSite) and not any(each.is_of(other) for other in sites[at + 1 :]):
                told += self._places(thread, each.worker, chain[at:], await self._callers(each))
        return told

    async def _callers(self, site: CallSite) -> list[dict[str, Any]]:
        try:
            return await asyncio.wait_for(site.worker.ask("callers", call=site.call), _SOON)
        except (UsageError, TimeoutError):  # it has ended, or computes
            return []

    def _told(self, name: str, site: str, frame: _Frame, column: int = 1) -> dict[str, Any]:
        number = next(self._numbers)
        self._frames[number] = frame
        told: dict[str, Any] = {"id": number, "name": name, "line": 0, "column": 0}
        label, _, line = site.rpartition(":")
        if label and line.isdecimal():
            told.update(source=self._sources.of(label), line=int(line))
            told["column"] = self._sources.column(label, int(line), column)
        else:
            told["presentationHint"] = "subtle"
        return told

    def _label(self, thread: int, text: str) -> dict[str, Any]:
        return {**self._told(text, "", _Frame(thread, None, None, (), {})), "presentationHint": "label"}

    def _frame(self, number: Any) -> _Frame:
        frame = self._frames.get(number) if isinstance(number, int) else None
        if frame is None:
            raise UsageError(_GONE)
        return frame

    # -- values --------------------------------------------------------------------------------------------------

    async def scopes(self, number: Any) -> list[dict[str, Any]]:
        frame = self._frame(number)
        told: list[dict[str, Any]] = []
        if frame.worker is not None:
            hints = {"Locals": "locals"}
            for scope in await frame.worker.ask("scopes", frame=frame.number):
                reference = self._refer(_Value(frame.thread, frame.worker, scope["reference"], frame.number))
                name = scope["name"]
                hint = {"presentationHint": hints[name]} if name in hints else {}
                told.append({"name": name, "variablesReference": reference, "expensive": scope["expensive"], **hint})
        for name, make in around.scopes(self._run, self._spans, list(frame.chain), frame.about):
            reference = self._refer(_Value(frame.thread, make=make))
            told.append({"name": name, "variablesReference": reference, "expensive": name != "About"})
        return told

    def _refer(self, value: _Value) -> int:
        number = next(self._numbers)
        self._values[number] = value
        return number

    def _value(self, number: Any) -> _Value:
        value = self._values.get(number) if isinstance(number, int) else None
        if value is None:
            raise UsageError(_GONE)
        return value

    async def variables(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        value = self._value(given.get("variablesReference"))
        start, count = value.start + int(given.get("start") or 0), int(given.get("count") or 0)
        most = count or _PARTS
        if value.worker is None:
            assert value.make is not None
            parts = around.parts(around.plain(self._run, value.make()))[start : start + most + 1]
            told = [self._part(value.thread, name, item) for name, item in parts[:most]]
        elif given.get("filter") == "named":
            return []  # told only of long lists, whose parts come in pages
        else:
            parts = await value.worker.ask("variables", reference=value.reference, start=start, count=most + 1)
            told = [self._variable(value, each) for each in parts[:most]]
        if len(parts) > most and not count:
            rest = self._refer(replace(value, start=start + most))
            told.append({"name": "…", "value": "more", "variablesReference": rest, "presentationHint": _VIRTUAL})
        return told

    def _part(self, thread: int, name: str, item: Any) -> dict[str, Any]:
        reference = self._refer(_Value(thread, make=lambda: item)) if around.parts(item) else 0
        hint = {"attributes": ["readOnly"]}
        return {"name": name, "value": around.text(item), "variablesReference": reference, "presentationHint": hint}

    def _variable(self, owner: _Value, given: dict[str, Any]) -> dict[str, Any]:
        told = {"name": given["name"], **self._shown(owner, given)}
        if given.get("expression"):
            told["evaluateName"] = given["expression"]
        hint: dict[str, Any] = {"kind": given["kind"]} if given.get("kind") else {}
        if given.get("writable") is False:
            hint["attributes"] = ["readOnly"]
        if given.get("lazy"):
            hint["lazy"] = True
        return {**told, "presentationHint": hint} if hint else told

    def _shown(self, owner: _Value, given: dict[str, Any]) -> dict[str, Any]:
        """owner: whose worker and frame it was seen in."""
        reference = given.get("reference") or 0
        told: dict[str, Any] = {
            "value": given["value"],
            "type": given["type"],
            "variablesReference": self._refer(replace(owner, reference=reference)) if reference else 0,
        }
        if given.get("indexed") and not given.get("named"):
            told["indexedVariables"] = given["indexed"]
        return told

    # -- evaluating ----------------------------------------------------------------------------------------------

    async def evaluate(self, given: dict[str, Any], workers: list[Debuggee]) -> dict[str, Any]:
        text = _text(given, "expression")
        at, worker = self._where(given.get("frameId"), workers)
        whole = given.get("context") == "clipboard"
        found = self._shown(at, await worker.ask("evaluate", text=text, frame=at.frame, whole=whole))
        return {"result": found.pop("value"), **found}

    async def holds(self, condition: str) -> bool:
        """Whether a condition is true in the script that waits where the run's control has stopped it. Raises
        UsageError."""
        told = await self._around(self.place)
        at = next((frame for each in told if (frame := self._frames[each["id"]]).worker is not None), None)
        if at is None or at.worker is None:
            raise UsageError("no script waits here")
        return bool(await at.worker.ask("holds", text=condition, frame=at.number))

    async def set_variable(self, given: dict[str, Any]) -> dict[str, Any]:
        value = self._value(given.get("variablesReference"))
        if value.worker is None:
            raise UsageError("this can only be read")
        name, text = _text(given, "name"), _text(given, "value")
        arguments = {"reference": value.reference, "name": name, "text": text, "frame": value.frame}
        return self._shown(value, await value.worker.ask("assign", **arguments))

    async def set_expression(self, given: dict[str, Any], workers: list[Debuggee]) -> dict[str, Any]:
        at, worker = self._where(given.get("frameId"), workers)
        target, text = _text(given, "expression"), _text(given, "value")
        return self._shown(at, await worker.ask("store", target=target, text=text, frame=at.frame))

    async def completions(self, given: dict[str, Any], workers: list[Debuggee]) -> list[dict[str, Any]]:
        text = _text(given, "text").split("\n")[max(0, int(given.get("line") or 1) - 1)]
        before = text[: max(0, int(given.get("column") or len(text) + 1) - 1)]
        at, worker = self._where(given.get("frameId"), workers)
        found = await worker.ask("completions", text=before, frame=at.frame)
        return [{"label": each["label"], "type": each["kind"]} for each in found]

    def _where(self, number: Any, workers: list[Debuggee]) -> tuple[_Value, Debuggee]:
        """The frame in which a text is evaluated; without one the globals of a script that stands, or waits."""
        if number is not None:
            frame = self._frame(number).below
            if frame is not None and frame.worker is not None:
                return _Value(frame.thread, frame.worker, frame=frame.number), frame.worker
        standing = next((worker for worker in workers if worker.stopped is not None), None)
        if standing is not None:
            return _Value(standing.number, standing), standing
        if self.pause is None or not workers:
            raise UsageError(_RUNS)
        return _Value(self.place, workers[0]), workers[0]

    # -- errors --------------------------------------------------------------------------------------------------

    def exception(self, worker: Debuggee | None) -> dict[str, Any]:
        """What an error is at which a thread stands. Raises UsageError where it stands at none."""
        report = None if worker is None else worker.stopped
        if report is not None and report.get("thrown"):
            thrown = cast(dict[str, Any], report["thrown"])
            mode = "always" if thrown["caught"] else "unhandled"
            stack = "\n".join(thrown["stack"])
            details = {"message": thrown["message"], "typeName": thrown["type"], "stackTrace": stack}
            return {
                "exceptionId": thrown["type"],
                "description": thrown["message"],
                "breakMode": mode,
                "details": details,
            }
        pause = self.pause
        if pause is not None and pause.stop == "error":
            error: dict[str, Any] = around.plain(self._run, pause.about.get("error") or {})
            message = str(error.get("message", ""))
            return {
                "exceptionId": str(error.get("name") or error.get("type") or "Error"),
                "description": message,
                "breakMode": "always",
                "details": {"message": message, "stackTrace": "\n".join(error.get("stack") or ())},
            }
        raise UsageError("it does not stand at an error")


def when(stop: str) -> str:
    """Whether a run stands before what it stops at."""
    return "after" if stop == "event" else "before"


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise UsageError(f"{name} is a text, not {value!r}")
    return value
