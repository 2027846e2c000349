"""The time zone tool: what it is asked and what it gives. `zones` looks zones up, `calendar` converts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Zone = Annotated[str, Bounds(min_length=1, max_length=64)]
Moment = Annotated[str, Bounds(min_length=1, max_length=100)] | float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZoneOptions:
    timezone: Zone = "UTC"
    """The zone that times are in where neither they nor the call name one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZoneParams:
    operation: Literal["convert", "info", "difference", "list"]
    """convert: what the clocks of the zones in `to` show at a time. info: a zone's offset, abbreviation, daylight
    saving and next change. difference: by how much the clocks in `to` are ahead of those in `timezone`. list: the names
    of zones that hold `search`."""

    value: Moment | None = None
    """The time: ISO 8601 (`2025-01-20T10:30:00`), or seconds since 1970. Without it: now."""

    timezone: Zone | None = None
    """The zone that the time is in, or that info is about: `Europe/Berlin`, `UTC` or `+02:00`."""

    to: Annotated[list[Zone], Bounds(min_items=1, max_items=50)] | None = None
    """For convert and difference: the other zones."""

    search: Annotated[str, Bounds(max_length=64)] = ""
    """For list: a part of the name, such as `berlin` or `America/`."""

    limit: Annotated[int, Bounds(ge=1, le=1000)] = 100
    """For list: names at most."""


class ZoneTime(TypedDict):
    timezone: str
    """The zone's name."""
    iso: str
    """The time there, in ISO 8601 with its offset."""
    offset: str
    """The offset from UTC, `+02:00`."""
    abbreviation: str
    """The zone's short name at that time, such as CEST."""
    daylight_saving: bool
    """Whether daylight saving time holds."""
    hours_ahead: NotRequired[float]
    """difference: hours that its clocks are ahead; negative for behind."""


class TimeZoneResult(TypedDict):
    times: NotRequired[list[ZoneTime]]
    """convert, difference: the time in each zone of `to`."""
    zone: NotRequired[ZoneTime]
    """convert, info, difference: the time in the zone it was given in."""
    next_change: NotRequired[str | None]
    """info: when its offset next changes, in UTC; null where it does not within a year."""
    next_offset: NotRequired[str | None]
    """info: the offset from then on."""
    names: NotRequired[list[str]]
    """list: names of zones, sorted."""
    count: NotRequired[int]
    """list: how many there are, shown or not."""


@exposed(
    aliases=("TimeZone",),
    options=TimeZoneOptions,
    tool=ToolMark(
        name="timezone",
        category="time",
        params=TimeZoneParams,
        result=TimeZoneResult,
        examples=(
            Example(
                {
                    "operation": "convert",
                    "value": "2025-07-01T09:00:00",
                    "timezone": "Europe/Berlin",
                    "to": ["Asia/Tokyo"],
                },
                {
                    "zone": {
                        "timezone": "Europe/Berlin",
                        "iso": "2025-07-01T09:00:00+02:00",
                        "offset": "+02:00",
                        "abbreviation": "CEST",
                        "daylight_saving": True,
                    },
                    "times": [
                        {
                            "timezone": "Asia/Tokyo",
                            "iso": "2025-07-01T16:00:00+09:00",
                            "offset": "+09:00",
                            "abbreviation": "JST",
                            "daylight_saving": False,
                        }
                    ],
                },
            ),
            Example({"operation": "info", "timezone": "America/New_York"}, note="now, and the next change"),
            Example({"operation": "list", "search": "berlin"}, {"names": ["Europe/Berlin"], "count": 1}),
        ),
        timeout=10_000,
        max_output=200_000,
    ),
)
class TimeZoneTool(BuiltinTool[TimeZoneOptions]):
    """Converts times between time zones and tells their offsets, daylight saving and differences.

    Use it for meetings across zones and for `what time is it in …`. For dates and adding to them use datetime.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        return ToolOutput(
            await asyncio.to_thread(self._answer, TimeZoneParams(**params), context.clock()),
            {"operation": params["operation"]},
        )

    def _answer(self, asked: TimeZoneParams, now: float) -> dict[str, Any]:
        from llmspell.tools.time import calendar, zones  # zoneinfo: 6 ms

        if asked.operation == "list":
            found = zones.named(asked.search)
            return {"names": found[: asked.limit], "count": len(found)}
        name = asked.timezone or self.options.timezone
        where = calendar.zone(name)
        if asked.value is None:
            moment = datetime.fromtimestamp(now, UTC).astimezone(where)
        else:
            moment = calendar.in_zone(calendar.parse(asked.value, where, None), where)
        here = zones.described(moment, name)
        if asked.operation == "info":
            return {"zone": here, **zones.next_change(moment)}
        if not asked.to:
            raise SchemaError(f"`{asked.operation}` needs `to`", hint='for example ["Asia/Tokyo"]')
        times = [zones.described(calendar.in_zone(moment, calendar.zone(other)), other) for other in asked.to]
        if asked.operation == "difference":
            for time in times:
                time["hours_ahead"] = zones.hours_ahead(time["iso"], moment)
        return {"zone": here, "times": times}
