"""The datetime tool: what it is asked and what it gives. `calendar` computes; the clock is the run's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Unit = Literal["year", "month", "week", "day", "hour", "minute", "second", "millisecond"]
Zone = Annotated[str, Bounds(min_length=1, max_length=64)]
Moment = Annotated[str, Bounds(min_length=1, max_length=100)] | float


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTimeOptions:
    timezone: Zone = "UTC"
    """The time zone where a call names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTimeParams:
    operation: Literal["now", "parse", "format", "add", "diff", "convert", "start_of", "end_of"]
    """now: the current time. parse: a written time. format: a time written by `format`. add: a time `amount` units
    later. diff: from `value` to `other`. convert: the same moment in `timezone`. start_of, end_of: the first or last
    moment of the `unit` around a time."""

    value: Moment | None = None
    """The time: ISO 8601 (`2025-01-20T10:30:00Z`, `2025-01-20`), RFC 2822, or seconds since 1970. Without it: now."""

    other: Moment | None = None
    """For diff: the later time."""

    timezone: Zone | None = None
    """The zone of the answer, and of a time that names none: `Europe/Berlin`, `UTC` or `+02:00`."""

    format: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """How to write a time, or for parse how it is written: `%Y-%m-%d %H:%M:%S`, as strftime."""

    amount: Annotated[float, Bounds(ge=-1e12, le=1e12)] | None = None
    """For add: how many units, negative for earlier; whole for years and months."""

    unit: Unit | None = None
    """The unit for add, start_of and end_of; weeks begin on Monday. Days and longer keep the time on the wall clock."""


class DateTimeResult(TypedDict):
    iso: NotRequired[str]
    """The time in ISO 8601 with its offset; not given by format and diff."""
    unix: NotRequired[float]
    """Seconds since 1970."""
    timezone: NotRequired[str]
    """The zone's name."""
    year: NotRequired[int]
    """The year."""
    month: NotRequired[int]
    """The month, 1 to 12."""
    day: NotRequired[int]
    """The day of the month."""
    hour: NotRequired[int]
    """The hour, 0 to 23."""
    minute: NotRequired[int]
    """The minute."""
    second: NotRequired[int]
    """The second."""
    weekday: NotRequired[str]
    """The day of the week in English."""
    week: NotRequired[int]
    """The ISO week of the year."""
    day_of_year: NotRequired[int]
    """The day of the year, from 1."""
    text: NotRequired[str]
    """format: the written time. diff: the difference in words, as `1 day 2 hours`."""
    seconds: NotRequired[float]
    """diff: the whole difference in seconds, negative where `other` is earlier."""
    days: NotRequired[float]
    """diff: the whole difference in days."""


@exposed(
    aliases=("DateTime",),
    options=DateTimeOptions,
    tool=ToolMark(
        name="datetime",
        category="time",
        params=DateTimeParams,
        result=DateTimeResult,
        examples=(
            Example({"operation": "now"}, note="the current time"),
            Example(
                {"operation": "format", "value": "2025-01-20T10:30:00Z", "format": "%d.%m.%Y %H:%M"},
                {"text": "20.01.2025 10:30"},
            ),
            Example(
                {"operation": "diff", "value": "2025-01-20", "other": "2025-03-01"},
                {"seconds": 3456000, "days": 40, "text": "40 days"},
            ),
        ),
        timeout=5_000,
        max_output=20_000,
    ),
)
class DateTimeTool(BuiltinTool[DateTimeOptions]):
    """Tells the time, reads and writes dates, adds to them, compares them and converts between time zones.

    Use it for every question about now, weekdays, durations and zones. Days, weeks, months and years are added on the
    calendar of the zone, hours and less on the clock that knows no daylight saving.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.time import calendar  # zoneinfo: 6 ms

        asked = DateTimeParams(**params)
        zone = calendar.zone(asked.timezone or self.options.timezone)
        if asked.operation == "now" or asked.value is None:
            moment = datetime.fromtimestamp(context.clock(), UTC).astimezone(zone)
        else:
            layout = asked.format if asked.operation == "parse" else None
            moment = calendar.parse(asked.value, zone, layout)
            if asked.timezone is not None or asked.operation == "convert":
                moment = calendar.in_zone(moment, zone)
        return ToolOutput(self._answer(asked, moment, zone), {"operation": asked.operation})

    def _answer(self, asked: DateTimeParams, moment: datetime, zone: Any) -> dict[str, Any]:
        from llmspell.tools.time import calendar

        match asked.operation:
            case "now" | "parse" | "convert":
                return calendar.described(moment)
            case "format":
                if asked.format is None:
                    raise SchemaError("`format` needs `format`", hint="for example %Y-%m-%d")
                return {"text": calendar.written(moment, asked.format)}
            case "add":
                if asked.amount is None or asked.unit is None:
                    raise SchemaError("`add` needs `amount` and `unit`", hint='for example amount = 2, unit = "week"')
                return calendar.described(calendar.add(moment, asked.amount, asked.unit))
            case "diff":
                if asked.other is None:
                    raise SchemaError("`diff` needs `other`", hint="give the time to measure to")
                return calendar.difference(moment, calendar.parse(asked.other, zone, None))
            case "start_of" | "end_of":
                if asked.unit is None:
                    raise SchemaError(f"`{asked.operation}` needs `unit`", hint='for example "month"')
                edge = calendar.start_of if asked.operation == "start_of" else calendar.end_of
                return calendar.described(edge(moment, asked.unit))
