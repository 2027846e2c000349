"""The timer tool: stop watches by name, and waiting. They live as long as the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NotRequired, Self, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import SchemaError, ToolError
from llmspell.run import Run
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.time.clock import Clock

_MOST: Final = 1000
_MOST_LAPS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerOptions:
    max_wait: Annotated[float, Bounds(ge=0, le=3_600_000)] = 3_600_000
    """Milliseconds that one call may wait at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerParams:
    operation: Literal["start", "lap", "read", "pause", "resume", "stop", "list", "wait"]
    """start: starts the timer `name` from zero. lap: notes the time since the last lap. read: how long it has run.
    pause, resume: stops the clock for a while. stop: how long it has run; the timer is gone. list: all timers. wait:
    waits for `duration`."""

    name: Annotated[str, Bounds(min_length=1, max_length=100)] = "default"
    """The timer's name."""

    duration: Annotated[float, Bounds(ge=0, le=3_600_000)] | None = None
    """For wait: milliseconds."""


class TimerState(TypedDict):
    name: str
    """The timer's name."""
    elapsed: float
    """Milliseconds that it has run, pauses not counted."""
    running: bool
    """Whether it runs; false while it is paused, and once it is stopped."""
    laps: list[float]
    """Milliseconds of each lap."""


class TimerResult(TypedDict):
    name: NotRequired[str]
    """The timer's name; not given by list and wait."""
    elapsed: NotRequired[float]
    """Milliseconds that it has run, pauses not counted. wait: milliseconds waited."""
    running: NotRequired[bool]
    """Whether it runs; false while it is paused, and once it is stopped."""
    laps: NotRequired[list[float]]
    """Milliseconds of each lap."""
    timers: NotRequired[list[TimerState]]
    """list: all timers, in the order they were started."""


@dataclass
class Watch:
    """A stop watch. since: when it was last started, None while it is paused; before: what it had run until then."""

    since: float | None
    before: float = 0.0
    laps: list[float] = field(default_factory=list[float])

    def elapsed(self, now: float) -> float:
        """Seconds. A system's clock that was set back does not make it negative."""
        return self.before + (0.0 if self.since is None else max(0.0, now - self.since))


class Watches:
    """The stop watches of one run, by name."""

    def __init__(self) -> None:
        self.named: dict[str, Watch] = {}


@exposed(
    aliases=("Timer",),
    options=TimerOptions,
    tool=ToolMark(
        name="timer",
        category="time",
        params=TimerParams,
        result=TimerResult,
        examples=(
            Example(
                {"operation": "start", "name": "build"}, {"name": "build", "elapsed": 0, "running": True, "laps": []}
            ),
            Example({"operation": "list"}, {"timers": []}, "no timer runs"),
            Example({"operation": "wait", "duration": 20}, note="waits for 20 ms"),
        ),
        timeout=3_660_000,
        max_output=20_000_000,
    ),
)
class TimerTool(BuiltinTool[TimerOptions]):
    """Measures how long things take, with named stop watches, and waits for a while.

    A timer lives until it is stopped or the run ends; every timer tool of a run sees the same ones. Times are in
    milliseconds.
    """

    recorded = False  # a replay does it again, with the recorded times: timers are there when a run is resumed

    def __init__(self, options: TimerOptions) -> None:
        super().__init__(options)
        self._clock = Clock()
        self._watches = Watches()

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._clock = Clock(run)
        self._watches = run.service(Watches, lambda _: Watches())
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = TimerParams(**params)
        if asked.operation == "wait":
            return ToolOutput(await self._wait(asked, context))
        now = self._clock.now(context)
        if asked.operation == "list":
            return ToolOutput({"timers": [_state(name, watch, now) for name, watch in self._watches.named.items()]})
        return ToolOutput(_state(asked.name, self._used(asked.operation, asked.name, now), now))

    async def _wait(self, asked: TimerParams, context: ToolContext) -> dict[str, Any]:
        if asked.duration is None:
            raise SchemaError("`wait` needs `duration`", hint="give milliseconds")
        if asked.duration > self.options.max_wait:
            raise ToolError(
                f"{asked.duration:g} ms is longer than the tool may wait, {self.options.max_wait:g} ms",
                hint="wait for less, or raise max_wait",
            )
        started = self._clock.now(context)
        await self._clock.sleep(asked.duration / 1000)
        return {"elapsed": _milliseconds(max(0.0, self._clock.now(context) - started))}

    def _used(self, operation: str, name: str, now: float) -> Watch:
        watches = self._watches.named
        if operation == "start":
            if name not in watches and len(watches) >= _MOST:
                raise ToolError(f"there are {_MOST} timers already", hint="stop some")
            watch = watches[name] = Watch(now)
            return watch
        watch = watches.get(name)
        if watch is None:
            there = ", ".join(list(watches)[:20]) or "none"
            raise ToolError(f"there is no timer {name!r}", hint=f"start it first; there are: {there}")
        match operation:
            case "lap":
                if len(watch.laps) >= _MOST_LAPS:
                    raise ToolError(f"the timer {name!r} has {_MOST_LAPS} laps already", hint="start another one")
                watch.laps.append(watch.elapsed(now) - sum(watch.laps))
            case "pause" | "stop":
                watch.before, watch.since = watch.elapsed(now), None
                if operation == "stop":
                    del watches[name]
            case "resume" if watch.since is None:
                watch.since = now
            case _:
                pass
        return watch


def _state(name: str, watch: Watch, now: float) -> dict[str, Any]:
    return {
        "name": name,
        "elapsed": _milliseconds(watch.elapsed(now)),
        "running": watch.since is not None,
        "laps": [_milliseconds(lap) for lap in watch.laps],
    }


def _milliseconds(seconds: float) -> float:
    found = round(seconds * 1000, 3)
    return int(found) if found.is_integer() else found
