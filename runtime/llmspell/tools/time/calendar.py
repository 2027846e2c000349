"""Times, zones and the calendar: pure functions over aware datetimes, every failure a ToolError."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from llmspell.errors import ToolError

P = ParamSpec("P")
R = TypeVar("R")

#: Names of the zone data base. ZoneInfo would open files by other names.
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]{0,31}(?:/[A-Za-z0-9_+\-]{1,31}){0,2}")
_OFFSET: Final = re.compile(r"([+\-])([0-9]{2}):?([0-9]{2})")
#: What strftime may be given: a width (`%999999999d`) would fill memory.
_FORMAT: Final = re.compile(r"(?:[^%]|%[aAbBcdfGHIjmMpSuUVwWxXyYzZ%])*", re.DOTALL)
_LENGTHS: Final = {
    "week": 604_800.0,
    "day": 86_400.0,
    "hour": 3600.0,
    "minute": 60.0,
    "second": 1.0,
    "millisecond": 1e-3,
}


def _in_range(function: Callable[P, R]) -> Callable[P, R]:
    """Makes the calendar's ends (years 1 to 9999) a ToolError."""

    @wraps(function)
    def guarded(*given: P.args, **named: P.kwargs) -> R:
        try:
            return function(*given, **named)
        except (OverflowError, OSError, ValueError):
            raise ToolError("that time lies outside the years 1 to 9999", hint="choose a smaller amount") from None

    return guarded


def zone(name: str) -> tzinfo:
    """Raises ToolError for a zone that does not exist."""
    if name.upper() in {"UTC", "Z", "GMT"}:
        return UTC
    if match := _OFFSET.fullmatch(name):
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        if offset < timedelta(hours=24) and int(minutes) < 60:
            return timezone(-offset if sign == "-" else offset)
    elif _ZONE.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise ToolError(f"there is no time zone {name!r}", hint="write Europe/Berlin, America/New_York, UTC or +02:00")


@_in_range
def parse(value: str | float, where: tzinfo, layout: str | None) -> datetime:
    """A written time. One that names no zone is in `where`."""
    if isinstance(value, int | float):
        if value != value:
            raise ToolError("a time cannot be NaN")
        return datetime.fromtimestamp(value, UTC).astimezone(where)
    if layout is not None:
        _check_format(layout)
        try:
            found = datetime.strptime(value, layout)  # noqa: DTZ007  the zone is added below
        except (ValueError, re.error):
            raise ToolError(f"{value!r} is not written as {layout!r}", hint="%Y-%m-%d %H:%M:%S, as strptime") from None
    else:
        found = _read(value.strip())
    return found if found.tzinfo is not None else _exists(found.replace(tzinfo=where))


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if re.fullmatch(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,9})?", text):
        return datetime.fromtimestamp(float(text), UTC)
    from email.utils import parsedate_to_datetime  # 20 ms

    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        raise ToolError(
            f"{text!r} is no time that can be read", hint="write 2025-01-20T10:30:00Z, or give `format`"
        ) from None


@_in_range
def in_zone(moment: datetime, where: tzinfo) -> datetime:
    return moment.astimezone(where)


@_in_range
def written(moment: datetime, layout: str) -> str:
    _check_format(layout)
    return moment.strftime(layout)


def _check_format(layout: str) -> None:
    if not _FORMAT.fullmatch(layout):
        raise ToolError(f"{layout!r} is no format", hint="%Y %m %d %H %M %S %f %z %Z %A %B %j …, and %% for a %")


@_in_range
def add(moment: datetime, amount: float, unit: str) -> datetime:
    """Days and longer on the wall clock, shorter ones on the clock of UTC. The 31st becomes the month's last day."""
    if unit in {"year", "month"}:
        if amount != int(amount):
            raise ToolError(f"{amount:g} {unit}s are no whole number", hint="use days for parts of a month")
        months = moment.year * 12 + moment.month - 1 + int(amount) * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            raise OverflowError
        return _exists(moment.replace(year=year, month=month + 1, day=min(moment.day, _days(year, month + 1)), fold=0))
    if unit in {"week", "day"}:
        return _exists((moment + timedelta(seconds=amount * _LENGTHS[unit])).replace(fold=0))
    return (moment.astimezone(UTC) + timedelta(seconds=amount * _LENGTHS[unit])).astimezone(moment.tzinfo)


@_in_range
def start_of(moment: datetime, unit: str) -> datetime:
    if unit == "millisecond":
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if unit == "second":
        return moment.replace(microsecond=0)
    if unit == "minute":
        return moment.replace(second=0, microsecond=0)
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match unit:
        case "week":
            start -= timedelta(days=start.weekday())
        case "month":
            start = start.replace(day=1)
        case "year":
            start = start.replace(month=1, day=1)
        case _:
            pass
    return _exists(start)


def end_of(moment: datetime, unit: str) -> datetime:
    """The last microsecond before the next unit begins."""
    start = start_of(moment, unit)
    try:
        following = add(start, 1, unit)
    except ToolError:  # the calendar ends with the year 9999
        return moment.replace(year=9999, month=12, day=31, hour=23, minute=59, second=59, microsecond=999_999)
    return (following.astimezone(UTC) - timedelta(microseconds=1)).astimezone(moment.tzinfo)


@_in_range
def difference(start: datetime, end: datetime) -> dict[str, Any]:
    seconds = (end - start.astimezone(UTC)).total_seconds()
    return {"seconds": _plain(seconds), "days": _plain(seconds / 86_400), "text": _in_words(seconds)}


@_in_range
def described(moment: datetime) -> dict[str, Any]:
    name = moment.tzinfo.key if isinstance(moment.tzinfo, ZoneInfo) else moment.tzname() or "UTC"
    return {
        "iso": moment.isoformat(),
        "unix": _plain(moment.timestamp()),
        "timezone": name,
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
        "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[moment.weekday()],
        "week": moment.isocalendar().week,
        "day_of_year": moment.timetuple().tm_yday,
    }


def _exists(moment: datetime) -> datetime:
    """The moment, moved on by an hour where daylight saving leaves its time on the wall clock out."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def _days(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None  # noqa: DTZ001
    return 31 if following is None else (following - timedelta(days=1)).day


def _plain(value: float) -> float:
    return int(value) if value.is_integer() else value


def _in_words(seconds: float) -> str:
    left = round(abs(seconds))
    words: list[str] = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, length)
        if count:
            words.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return ("-" if seconds < 0 and words else "") + (" ".join(words) or "0 seconds")
