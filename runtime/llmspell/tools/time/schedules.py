"""When something is due: cron expressions, intervals, single times. Pure functions; cron is read by cronsim."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.tools.extras import missing
from llmspell.tools.time import calendar

_NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
#: Missed times that are counted; a run that slept for longer says this many.
MOST_MISSED: Final = 10_000


@frozen
class Schedule:
    """One of the three. every: seconds, counted from `start`; at: one moment; both in seconds since 1970."""

    where: tzinfo
    start: float
    cron: str | None = None
    every: float | None = None
    at: float | None = None

    def after(self, moment: float) -> float | None:
        """The first time later than `moment`, in seconds since 1970; None where there is none."""
        if self.at is not None:
            return self.at if self.at > moment else None
        if self.every is not None:
            passed = math.floor((moment - self.start) / self.every) + 1
            return self.start + max(1, passed) * self.every
        return next(self._by_cron(moment), None)

    def upcoming(self, moment: float, count: int) -> list[float]:
        """The next `count` times, or as many as there are."""
        if self.cron is not None:
            times = self._by_cron(moment)
            return [found for _, found in zip(range(count), times, strict=False)]
        found: list[float] = []
        while len(found) < count and (following := self.after(found[-1] if found else moment)) is not None:
            found.append(following)
        return found

    def missed(self, due: float, now: float) -> int:
        """How many times lie after `due`, up to `now`."""
        if self.every is not None:
            return min(MOST_MISSED, math.floor((now - due) / self.every))
        if self.at is not None:
            return 0
        count = 0
        for time in self._by_cron(due):
            if time > now or count >= MOST_MISSED:
                break
            count += 1
        return count

    def _by_cron(self, moment: float) -> Iterator[float]:
        from cronsim import CronSim

        assert self.cron is not None
        for found in CronSim(self.cron, datetime.fromtimestamp(moment, UTC).astimezone(self.where)):
            yield found.timestamp()


def made(cron: str | None, every: float | None, at: str | float | None, zone: str, now: float) -> Schedule:
    """every: milliseconds. Raises ToolError where none, several or a wrong one is given."""
    if sum(given is not None for given in (cron, every, at)) != 1:
        raise ToolError("a schedule is given by `cron`, `every` or `at`, one of them", hint='for example "*/5 * * * *"')
    where = calendar.zone(zone)
    if every is not None:
        return Schedule(where, now, every=every / 1000)
    if at is not None:
        return Schedule(where, now, at=calendar.parse(at, where, None).timestamp())
    return Schedule(where, now, cron=_checked(str(cron)))


def written(time: float, where: tzinfo) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(time * 1000))
    return calendar.in_zone(moment, where).isoformat()


def _checked(text: str) -> str:
    try:
        from cronsim import CronSim, CronSimError  # 5 ms
    except ImportError:
        raise missing("cronsim") from None
    expression = _NICKNAMES.get(text.strip().lower(), text)
    try:
        CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError, IndexError) as error:
        reason = str(error)
        raise ToolError(
            f"{text!r} is no cron expression" + (f": {reason[0].lower()}{reason[1:]}" if reason else ""),
            hint="minute hour day month weekday, as in `30 9 * * MON-FRI`; seconds may come first",
        ) from None
    return expression
