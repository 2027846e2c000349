"""One script's debugger, inside its worker: decides whether a line it has reached stops it, and serves whoever asks
while it stands. Knows no language: that is an `Inspected`; frames go through a `Wire`.

Commands are `debug` frames (`engines.protocol`). Answered at any time:

    breakpoints {label, points}   all of a file: `id`, `line` and perhaps `condition`, `hit`, `log` of each
    errors {caught, uncaught}     which errors stop it: those that the script catches, and those that leave it
    pause {}                      stop where it waits, or at the next line that runs
    go {how}                      go on, if it stands: go, in, over or out

    look {}                       the host holds back what the script waits for, which so stands, too
    callers {call}                then, the frames of who waits for an answer
    catches {call}                whether one of those would catch an error
    leave {}                      the host goes on: what was seen is forgotten

and only while it stands, or waits so: `frames`, `scopes {frame}`, `variables {reference, start, count}`,
`evaluate {text, frame, whole}`, `holds {text, frame}`, `assign {reference, name, text, frame}`, `store {target, text,
frame}`, `completions {text, frame}`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol

from llmspell.engines.debugging.breakpoints import LineBreakpoint, log_parts
from llmspell.engines.debugging.inspected import SHOWN, WHOLE, Debuggable, Inspected, Refused, Thrown
from llmspell.engines.engine import Ended
from llmspell.engines.protocol import Frame

#: Seconds that one evaluation may take: the worker hears nothing else meanwhile.
EVALUATION: Final = 1.0
#: How a stop is called whose reason the engine gives.
_REASONS: Final = {"line": "breakpoint", "step": "step", "entry": "entry", "statement": "breakpoint"}

Why = Literal["line", "step", "entry", "statement"]


class Wire(Protocol):
    """What the debugger needs of the worker."""

    def tell_host(self, frame: Frame) -> None: ...

    def commands(self) -> list[Frame]:
        """Those that have come, without waiting."""
        ...

    def next_command(self) -> Frame:
        """Waits for one, whatever else comes. Raises Ended, OSError."""
        ...

    def question(self, call: int) -> int:
        """The depth from 1 of a question that is under way; 0 for a call, or one that is answered."""
        ...

    def waiting(self) -> Sequence[int]:
        """Where nothing of the script runs: the calls whose answers it waits for, as `Inspected.callers` takes them,
        the likeliest first. Empty where something does."""
        ...

    def apart(self, deadline: float | None) -> None:
        """What the engine asks from here on, up to a moment of the monotonic clock, is not the script's: nothing of it
        is recorded, and it waits no longer than that. None: it is the script's again."""
        ...


class Debugger:
    """Debugs one script (`inspected.Teller`)."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._points: dict[str, dict[int, list[LineBreakpoint]]] = {}
        self._expected = ""  # what the next stop of a step is called: it was a pause, or the entry
        self._standing = False
        self._waits = False  # the host holds back what it waits for, and looks at it
        self._call = 0  # the call whose answer it waits for where it stands; 0: it stands at a line that runs
        self._go: str | None = None
        self._deadline: float | None = None
        self._inspected: Inspected | None = None

    def begin(self, engine: Debuggable, wanted: dict[str, Any]) -> None:
        """Before the engine starts. wanted: `Start.debug`."""
        self._inspected = inspected = engine.debugged(self)
        for label, points in wanted.get("breakpoints", {}).items():
            self._set(label, points)
        errors = wanted.get("errors", {})
        self._errors(bool(errors.get("caught")), bool(errors.get("uncaught")))
        if wanted.get("entry"):
            self._expected = "entry"
        if self._expected:
            inspected.step("in")

    @property
    def _script(self) -> Inspected:
        if self._inspected is None:
            raise Ended
        return self._inspected

    # -- what the engine tells -----------------------------------------------------------------------------------

    @property
    def evaluating(self) -> bool:
        return self._deadline is not None

    def late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def moves(self) -> None:
        """Something comes that the script goes on with."""
        if self._waits and not self._standing:
            self._waits = False
            self._script.forget()

    def poll(self) -> None:
        if not self.evaluating and not self._standing:
            for frame in self._wire.commands():
                self.take(frame)

    def reached(self, label: str, line: int, why: Why) -> None:
        if self.evaluating or self._standing:
            return
        self._waits = False
        stopping, text = self._at(label, line)
        if stopping or why != "line":
            reason = "breakpoint" if stopping else self._expected or _REASONS[why]
            if why == "statement" and not stopping:
                text = "debugger statement"
            self._stand({"reason": reason, "ids": stopping, "label": label, "line": line, "text": text})

    def failed(self, label: str, line: int, thrown: Thrown) -> None:
        if not self.evaluating and not self._standing:
            told = {"reason": "exception", "ids": [], "label": label, "line": line, "text": thrown["message"]}
            self._stand({**told, "thrown": thrown})

    def unseen(self, label: str, why: str) -> None:
        self._wire.tell_host(["unseen", label, why])

    # -- breakpoints ---------------------------------------------------------------------------------------------

    def _at(self, label: str, line: int) -> tuple[list[int], str]:
        """The breakpoints of a line that stop it now, and what is to be said of it."""
        stopping: list[int] = []
        text = ""
        for point in self._points.get(label, {}).get(line, ()):
            if point.condition:
                try:
                    with self._apart():
                        if not self._script.holds(point.condition, 0):
                            continue
                except Refused as error:
                    text = f"the condition {point.condition!r} cannot be evaluated: {error}"
            if not point.counts():
                continue
            if point.log and not text:
                self._wire.tell_host(["logged", self._message(point.log), f"{label}:{line}"])
            else:
                stopping.append(point.id)
        return stopping, text

    def _message(self, log: str) -> str:
        parts: list[str] = []
        for is_expression, text in log_parts(log):
            try:
                with self._apart():
                    parts.append(self._script.text(text, 0) if is_expression else text)
            except Refused as error:
                parts.append(f"{{{text}: {error}}}")
        return "".join(parts)

    def _set(self, label: str, points: list[dict[str, Any]]) -> None:
        """Breakpoints that were there before keep how often they were hit."""
        before = {point.id: point for points in self._points.get(label, {}).values() for point in points}
        by_line: dict[int, list[LineBreakpoint]] = {}
        for given in points:
            point = LineBreakpoint.of(given)
            if (known := before.get(point.id)) is not None and known.hit == point.hit:
                point.hits = known.hits
            by_line.setdefault(point.line, []).append(point)
        self._points[label] = by_line
        self._script.lines(label, sorted(by_line))

    def _errors(self, caught: bool, uncaught: bool) -> None:
        """What leaves the script may be caught by who has called it: the host decides then, and is always told."""
        self._script.errors(caught, caught or uncaught)

    # -- standing ------------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        for call in self._wire.waiting():
            if places := self._script.callers(call):
                at = {"label": places[0]["label"], "line": places[0]["line"]}
                self._stand({"reason": "pause", "ids": [], **at, "text": "", "callback": 0}, call)
                return
            self._script.forget()
        self._expected = "pause"
        self._script.step("in")

    def _stand(self, report: dict[str, Any], call: int = 0) -> None:
        """Until somebody says how to go on. call: whose answer it waits for there."""
        self._expected = ""
        self._go = None
        self._call = call
        self._standing = True
        self._wire.tell_host(["stopped", report])
        try:
            while self._go is None:
                self.take(self._wire.next_command())
        finally:
            self._standing = False
        script = self._script
        script.forget()
        script.step(self._go if not call or self._go == "go" else "in")

    def take(self, frame: Frame) -> None:
        """A command: it is carried out and answered."""
        _, number, command, given = frame
        try:
            value = self._do(command, given)
        except Refused as error:
            answer = [False, str(error)]
        except (Ended, OSError, MemoryError):
            raise
        except Exception as error:  # a fault of ours must not end the script
            answer = [False, f"the debugger failed: {type(error).__name__}: {error}"]
        else:
            answer = [True, value]
        self._wire.tell_host(["debugged", number, *answer])

    def _do(self, command: str, given: dict[str, Any]) -> Any:
        if self._inspected is None:  # it has not begun, and will with what is wanted by then
            self._expected = "pause" if command == "pause" else self._expected
            return None
        match command:
            case "breakpoints":
                return self._set(given["label"], given["points"])
            case "errors":
                return self._errors(bool(given["caught"]), bool(given["uncaught"]))
            case "pause":
                return None if self._standing else self._pause()
            case "go":
                if not self._standing:
                    raise Refused("the script runs already")
                self._go = given["how"]
                return None
            case "leave":
                return self.moves()
            case "frames" if self._standing and self._call:
                return self._script.callers(self._call)
            case "look":
                self._waits = True
                return None
            case "callers":
                self._waits = True
                return self._script.callers(self._waiting(given))
            case "catches":
                return self._script.catches(self._waiting(given))
            case _:
                if not self._standing and not self._waits:
                    raise Refused("the script runs: it can be looked at while it stands still")
                inspect = _INSPECTIONS.get(command)
                if inspect is None:
                    raise Refused(f"there is no command {command!r}")
                with self._apart():
                    return inspect(self._script, given)

    def _waiting(self, given: dict[str, Any]) -> int:
        call = given["call"]
        return -self._wire.question(call) or call

    @contextmanager
    def _apart(self) -> Generator[None]:
        """What runs meanwhile is not the script, and is over after a second."""
        self._deadline = time.monotonic() + EVALUATION
        self._wire.apart(self._deadline)
        try:
            yield
        finally:
            self._deadline = None
            self._wire.apart(None)


_INSPECTIONS: Final[dict[str, Callable[[Inspected, dict[str, Any]], Any]]] = {
    "frames": lambda script, _: script.frames(),
    "scopes": lambda script, given: script.scopes(given["frame"]),
    "variables": lambda script, given: script.variables(given["reference"], given["start"], given["count"]),
    "evaluate": lambda script, given: script.evaluate(
        given["text"], given["frame"], WHOLE if given.get("whole") else SHOWN
    ),
    "holds": lambda script, given: script.holds(given["text"], given["frame"]),
    "assign": lambda script, given: script.assign(given["reference"], given["name"], given["text"], given["frame"]),
    "store": lambda script, given: script.store(given["target"], given["text"], given["frame"]),
    "completions": lambda script, given: script.completions(given["text"], given["frame"]),
}
