"""The scheduler tool: what is due when, and waiting for it, within a run. `schedules` computes the times."""

from __future__ import annotations

from dataclasses import dataclass
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
#: A day, in milliseconds: the longest that one call waits.
_DAY: Final = 86_400_000

Zone = Annotated[str, Bounds(min_length=1, max_length=64)]
Name = Annotated[str, Bounds(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerOptions:
    timezone: Zone = "UTC"
    """The zone of cron expressions and times where a call names none."""

    max_wait: Annotated[float, Bounds(ge=0, le=_DAY)] = _DAY
    """Milliseconds that one call may wait at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerParams:
    operation: Literal["next", "add", "wait", "list", "remove"]
    """next: the next `count` times of a schedule. add: notes the job `name`. wait: waits until a job is due (only
    `name`, if given) and tells which are. list: all jobs. remove: forgets the job `name`."""

    name: Name | None = None
    """The job's name, for add and remove, and for wait to wait for this one only."""

    cron: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """For next and add: minute hour day month weekday, as `30 9 * * MON-FRI` or `*/5 * * * *`; six fields begin with
    seconds. Also `@hourly`, `@daily`, `@weekly`, `@monthly`."""

    every: Annotated[float, Bounds(ge=10, le=1e12)] | None = None
    """For next and add, in place of `cron`: milliseconds between two times."""

    at: Annotated[str, Bounds(min_length=1, max_length=100)] | float | None = None
    """For next and add, in place of `cron`: one time, in ISO 8601 or seconds since 1970."""

    timezone: Zone | None = None
    """For next and add: the zone of the cron expression and of the times."""

    count: Annotated[int, Bounds(ge=1, le=1000)] = 5
    """For next: how many times."""

    times: Annotated[int, Bounds(ge=1)] | None = None
    """For add: how often the job becomes due before it is forgotten. None: until the run ends."""

    data: Any = None
    """For add: what wait gives back when the job is due."""

    timeout: Annotated[float, Bounds(ge=0, le=_DAY)] | None = None
    """For wait: milliseconds; when they are over and no job is due, `due` is empty."""


class DueJob(TypedDict):
    name: str
    """The job."""
    time: str
    """When it was due."""
    missed: int
    """How many later times have passed as well, because nobody waited."""
    data: Any
    """What it was added with."""


class ScheduledJob(TypedDict):
    name: str
    """The job."""
    next: str
    """When it is next due."""
    runs: int
    """How often it has been due."""
    remaining: int | None
    """How often it will still be; null without a limit."""


class SchedulerResult(TypedDict):
    times: NotRequired[list[str]]
    """next: the times, in ISO 8601; fewer than asked for where there are no more."""
    due: NotRequired[list[DueJob]]
    """wait: the jobs that are due, the earliest first."""
    jobs: NotRequired[list[ScheduledJob]]
    """add: the new job. list: all of them, the next first."""
    removed: NotRequired[bool]
    """remove: whether there was such a job."""


@dataclass
class _Job:
    schedule: Any  # schedules.Schedule, whose module loads zoneinfo
    next: float
    data: Any
    remaining: int | None
    runs: int = 0


class Jobs:
    """The jobs of one run, by name."""

    def __init__(self) -> None:
        self.named: dict[str, _Job] = {}


@exposed(
    aliases=("Scheduler",),
    options=SchedulerOptions,
    tool=ToolMark(
        name="scheduler",
        category="time",
        params=SchedulerParams,
        result=SchedulerResult,
        examples=(
            Example({"operation": "next", "cron": "30 9 * * MON-FRI", "timezone": "Europe/Berlin", "count": 3}),
            Example({"operation": "next", "at": "2099-12-31T23:59:59Z"}, {"times": ["2099-12-31T23:59:59+00:00"]}),
            Example(
                {"operation": "add", "name": "report", "every": 60000, "times": 3}, note="then call wait in a loop"
            ),
        ),
        timeout=_DAY + 60_000,
        max_output=5_000_000,
    ),
)
class SchedulerTool(BuiltinTool[SchedulerOptions]):
    """Tells when a cron expression or interval is next due, and waits for jobs to become due within this run.

    Add jobs, then call wait as often as work is to be done: it answers when one or more are due. Jobs live until the
    run ends; nothing runs by itself. Every scheduler tool of a run sees the same jobs.
    """

    recorded = False  # a replay does it again, with the recorded times: jobs are there when a run is resumed

    def __init__(self, options: SchedulerOptions) -> None:
        super().__init__(options)
        self._clock = Clock()
        self._jobs = Jobs()

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._clock = Clock(run)
        self._jobs = run.service(Jobs, lambda _: Jobs())
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = SchedulerParams(**params)
        match asked.operation:
            case "next":
                return ToolOutput(self._next(asked, self._clock.now(context)))
            case "add":
                return ToolOutput(self._add(asked, self._clock.now(context)))
            case "list":
                jobs = sorted(self._jobs.named.items(), key=lambda item: item[1].next)
                return ToolOutput({"jobs": [_shown(name, job) for name, job in jobs]})
            case "remove":
                if asked.name is None:
                    raise SchemaError("`remove` needs `name`", hint="list tells which jobs there are")
                return ToolOutput({"removed": self._jobs.named.pop(asked.name, None) is not None})
            case "wait":
                return ToolOutput(await self._wait(asked, context))

    def _schedule(self, asked: SchedulerParams, now: float) -> Any:
        from llmspell.tools.time import schedules  # zoneinfo: 6 ms

        return schedules.made(asked.cron, asked.every, asked.at, asked.timezone or self.options.timezone, now)

    def _next(self, asked: SchedulerParams, now: float) -> dict[str, Any]:
        from llmspell.tools.time import schedules

        schedule = self._schedule(asked, now)
        return {"times": [schedules.written(time, schedule.where) for time in schedule.upcoming(now, asked.count)]}

    def _add(self, asked: SchedulerParams, now: float) -> dict[str, Any]:
        if asked.name is None:
            raise SchemaError("`add` needs `name`", hint="name the job: wait tells which one is due")
        if asked.name not in self._jobs.named and len(self._jobs.named) >= _MOST:
            raise ToolError(f"there are {_MOST} jobs already", hint="remove some")
        schedule = self._schedule(asked, now)
        first = schedule.after(now)
        if first is None:
            raise ToolError("that schedule is never due again", hint="give a time in the future")
        job = self._jobs.named[asked.name] = _Job(schedule, first, asked.data, asked.times)
        return {"jobs": [_shown(asked.name, job)]}

    async def _wait(self, asked: SchedulerParams, context: ToolContext) -> dict[str, Any]:
        limit = self.options.max_wait if asked.timeout is None else min(asked.timeout, self.options.max_wait)
        now = self._clock.now(context)
        over = now + limit / 1000
        while True:
            waited = self._waited_for(asked.name)
            if due := _due(waited, now):
                return {"due": [self._taken(name, now) for name in due]}
            if now >= over:
                return {"due": []}
            first = min(job.next for job in waited.values())
            await self._clock.sleep(max(0.001, min(first, over) - now))
            now = self._clock.now(context)

    def _waited_for(self, name: str | None) -> dict[str, _Job]:
        jobs = self._jobs.named
        if not jobs or (name is not None and name not in jobs):
            there = ", ".join(list(jobs)[:20]) or "none"
            what = "there is no job to wait for" if name is None else f"there is no job {name!r}"
            raise ToolError(what, hint=f"add it first; there are: {there}")
        return jobs if name is None else {name: jobs[name]}

    def _taken(self, name: str, now: float) -> dict[str, Any]:
        """The job was due: it is told, and due again later, or forgotten."""
        from llmspell.tools.time import schedules

        job = self._jobs.named[name]
        due, missed = job.next, job.schedule.missed(job.next, now)
        job.runs += 1
        following = job.schedule.after(now)
        if job.remaining is not None:
            job.remaining -= 1
        if following is None or job.remaining == 0:
            del self._jobs.named[name]
        else:
            job.next = following
        return {"name": name, "time": schedules.written(due, job.schedule.where), "missed": missed, "data": job.data}


def _due(jobs: dict[str, _Job], now: float) -> list[str]:
    return sorted((name for name, job in jobs.items() if job.next <= now), key=lambda name: jobs[name].next)


def _shown(name: str, job: _Job) -> dict[str, Any]:
    from llmspell.tools.time import schedules

    when = schedules.written(job.next, job.schedule.where)
    return {"name": name, "next": when, "runs": job.runs, "remaining": job.remaining}
