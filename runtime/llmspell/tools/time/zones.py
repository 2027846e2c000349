"""Time zones by name, as they are at a moment, and when they next change. Pure functions over aware datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones


def named(search: str) -> list[str]:
    """Names that hold `search`, in whatever case and with spaces for `_`, sorted."""
    wanted = search.casefold().strip().replace(" ", "_")
    return [name for name in _names() if wanted in name.casefold()]


@cache
def _names() -> list[str]:
    """The zone data base's, without its links for POSIX. Read from disk, 20 ms."""
    return sorted(name for name in available_timezones() if not name.startswith(("posix", "right", "Etc/", "System")))


def described(moment: datetime, name: str) -> dict[str, Any]:
    return {
        "timezone": name,
        "iso": moment.isoformat(),
        "offset": offset(moment),
        "abbreviation": moment.tzname() or "",
        "daylight_saving": bool(moment.dst()),
    }


def offset(moment: datetime) -> str:
    """`+02:00`; seconds, which zones of the 19th century have, are rounded down to minutes."""
    away = moment.utcoffset() or timedelta()
    sign = "-" if away < timedelta() else "+"
    hours, minutes = divmod(int(abs(away).total_seconds()) // 60, 60)
    return f"{sign}{hours:02}:{minutes:02}"


def hours_ahead(iso: str, moment: datetime) -> float:
    """Hours that the clock which shows `iso` is ahead of the one of `moment`."""
    there = datetime.fromisoformat(iso).utcoffset() or timedelta()
    hours = (there - (moment.utcoffset() or timedelta())).total_seconds() / 3600
    return int(hours) if hours.is_integer() else round(hours, 4)


def next_change(moment: datetime) -> dict[str, Any]:
    """When the offset next changes within a year, to the second: days are looked through, then halved."""
    start, zone = moment.astimezone(UTC).replace(microsecond=0), moment.tzinfo
    before = moment.utcoffset()

    def changed(at: datetime) -> bool:
        return at.astimezone(zone).utcoffset() != before

    try:
        day = next((start + timedelta(days=n) for n in range(1, 367) if changed(start + timedelta(days=n))), None)
    except OverflowError:  # the calendar ends with the year 9999
        day = None
    if day is None:
        return {"next_change": None, "next_offset": None}
    low, high = day - timedelta(days=1), day
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (low, middle) if changed(middle) else (middle, high)
    return {"next_change": high.isoformat(), "next_offset": offset(high.astimezone(zone))}
