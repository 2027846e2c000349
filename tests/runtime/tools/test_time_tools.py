"""Zones, timers and schedules: what the tools give, and that a replay waits for nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from llmspell.errors import LlmspellError, ToolError
from llmspell.tools.time import schedules
from llmspell.tools.time.scheduler import SchedulerTool
from llmspell.tools.time.time_zone import TimeZoneTool
from llmspell.tools.time.timer import TimerTool

pytestmark = pytest.mark.mission(103)

MONDAY = datetime(2025, 1, 20, 10, 30, tzinfo=UTC).timestamp()


async def test_zones_over_a_change_of_the_clock(call: Any) -> None:
    given = {"operation": "info", "timezone": "Europe/Berlin", "value": "2025-03-30T01:59:59"}
    found = await call(TimeZoneTool, given)
    assert found["zone"]["abbreviation"] == "CET"
    assert (found["next_change"], found["next_offset"]) == ("2025-03-30T01:00:00+00:00", "+02:00")
    found = await call(TimeZoneTool, {**given, "value": "2025-03-30T03:00:00"})
    assert found["zone"]["daylight_saving"] is True
    assert found["next_change"] == "2025-10-26T01:00:00+00:00"
    found = await call(TimeZoneTool, {"operation": "info", "timezone": "Asia/Tokyo"}, clock=lambda: MONDAY)
    assert (found["zone"]["iso"], found["next_change"]) == ("2025-01-20T19:30:00+09:00", None)


async def test_differences_of_zones(call: Any) -> None:
    given = {"operation": "difference", "value": MONDAY, "timezone": "UTC", "to": ["Asia/Kolkata", "-05:00"]}
    assert [each["hours_ahead"] for each in (await call(TimeZoneTool, given))["times"]] == [5.5, -5]


@pytest.mark.parametrize(
    "params",
    [
        {"operation": "info", "timezone": "Mars/Olympus"},
        {"operation": "info", "timezone": "../../etc/passwd"},
        {"operation": "convert", "timezone": "UTC"},
        {"operation": "convert", "to": ["Nowhere"]},
        {"operation": "convert", "to": ["UTC"], "value": "yesterday"},
        {"operation": "info", "value": 1e300},
        {"operation": "info", "value": float("nan")},
    ],
)
async def test_zones_that_there_are_not(call: Any, params: dict[str, Any]) -> None:
    with pytest.raises(LlmspellError):
        await call(TimeZoneTool, params)


@pytest.mark.parametrize("value", ["9999-12-31T23:00:00", "0001-01-01T00:00:00"])
async def test_the_calendars_ends(call: Any, value: str) -> None:
    found = await call(TimeZoneTool, {"operation": "info", "timezone": "UTC", "value": value})
    assert found["next_change"] is None


async def test_a_timer_counts_what_it_ran(project: Any) -> None:
    from llmspell.security.permissions import Permissions
    from llmspell.tools.base import ToolContext
    from llmspell.tools.time.timer import TimerOptions

    now = [100.0]
    tool = TimerTool(TimerOptions())
    context = ToolContext(Permissions.grant(project), project, project, {}, clock=lambda: now[0])

    async def done(operation: str, passed: float, name: str = "a") -> Any:
        now[0] += passed
        return (await tool.perform({"operation": operation, "name": name}, context)).content

    assert await done("start", 0) == {"name": "a", "elapsed": 0, "running": True, "laps": []}
    assert (await done("lap", 1.5))["laps"] == [1500]
    assert (await done("pause", 1))["elapsed"] == 2500
    assert (await done("read", 60))["elapsed"] == 2500
    assert (await done("resume", 0))["running"] is True
    assert (await done("lap", 0.5))["laps"] == [1500, 1500]
    assert (await done("read", -500))["elapsed"] >= 0
    assert [timer["name"] for timer in (await done("list", 0))["timers"]] == ["a"]
    assert (await done("stop", 500.25))["running"] is False
    with pytest.raises(ToolError, match="no timer 'a'"):
        await done("read", 0)


async def test_a_wait_is_bounded(call: Any) -> None:
    assert (await call(TimerTool, {"operation": "wait", "duration": 20}))["elapsed"] >= 15
    with pytest.raises(ToolError, match="longer than the tool may wait"):
        await call(TimerTool, {"operation": "wait", "duration": 50}, options={"max_wait": 10})
    with pytest.raises(LlmspellError, match="duration"):
        await call(TimerTool, {"operation": "wait"})


@pytest.mark.parametrize(
    ("params", "times"),
    [
        ({"cron": "30 9 * * MON-FRI", "timezone": "Europe/Berlin", "count": 2},
         ["2025-01-21T09:30:00+01:00", "2025-01-22T09:30:00+01:00"]),
        ({"cron": "@daily", "count": 1}, ["2025-01-21T00:00:00+00:00"]),
        ({"cron": "0 0 29 2 *", "count": 2}, ["2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00"]),
        ({"cron": "15 * * * * *", "count": 1}, ["2025-01-20T10:30:15+00:00"]),
        ({"every": 90_000, "count": 2}, ["2025-01-20T10:31:30+00:00", "2025-01-20T10:33:00+00:00"]),
        ({"at": "2025-01-20T10:30:01Z"}, ["2025-01-20T10:30:01+00:00"]),
        ({"at": "2020-01-01"}, []),
    ],
)  # fmt: skip
async def test_next_times(call: Any, params: dict[str, Any], times: list[str]) -> None:
    assert (await call(SchedulerTool, {"operation": "next", **params}, clock=lambda: MONDAY))["times"] == times


@pytest.mark.parametrize(
    "params",
    [
        {"operation": "next"},
        {"operation": "next", "cron": "* * * * *", "every": 1000},
        {"operation": "next", "cron": "every day"},
        {"operation": "next", "cron": "61 * * * *"},
        {"operation": "next", "cron": "0 0 31 2 *"},
        {"operation": "next", "cron": "* * * * * * * *"},
        {"operation": "next", "cron": "*/0 * * * *"},
        {"operation": "next", "cron": "1-" * 90 + " * * * *"},
        {"operation": "next", "cron": "١ * * * *"},
        {"operation": "next", "every": 1},
        {"operation": "next", "at": 1e300},
        {"operation": "add", "every": 1000},
        {"operation": "add", "name": "a", "at": "2020-01-01"},
        {"operation": "wait"},
        {"operation": "wait", "name": "nobody"},
        {"operation": "remove"},
    ],
)
async def test_schedules_that_are_none(call: Any, params: dict[str, Any]) -> None:
    started = time.process_time()
    with pytest.raises(LlmspellError):
        await call(SchedulerTool, params, clock=lambda: MONDAY)
    assert time.process_time() - started < 1


def test_the_rarest_times_are_found_soon() -> None:
    started = time.process_time()
    schedule = schedules.made("0 0 29 2 1", None, None, "UTC", MONDAY)
    assert schedule.upcoming(MONDAY, 3)
    schedule = schedules.made("* * * * * *", None, None, "UTC", MONDAY)
    assert schedule.missed(MONDAY, MONDAY + 1e9) == schedules.MOST_MISSED
    assert time.process_time() - started < 3


LUA = """
local s, t = SchedulerTool.new{}, TimerTool.new{}
t:execute{ operation = "start", name = "all" }
s:execute{ operation = "add", name = "tick", every = 30, times = 3, data = { n = 1 } }
local seen = {}
for i = 1, 3 do
    for _, due in ipairs(s:execute{ operation = "wait" }.due) do seen[#seen + 1] = due.name .. due.data.n end
end
local empty = #SchedulerTool.new{}:execute{ operation = "list" }.jobs
local elapsed = TimerTool.new{}:execute{ operation = "stop", name = "all" }.elapsed
return { seen, empty, elapsed }
"""
JS = """
const s = new SchedulerTool(), t = new TimerTool();
await t.execute({ operation: "start", name: "all" });
await s.execute({ operation: "add", name: "tick", every: 30, times: 3, data: { n: 1 } });
const seen = [];
for (let i = 0; i < 3; i++)
    for (const due of (await s.execute({ operation: "wait" })).due) seen.push(due.name + due.data.n);
const empty = (await new SchedulerTool().execute({ operation: "list" })).jobs.length;
const elapsed = (await new TimerTool().execute({ operation: "stop", name: "all" })).elapsed;
return [seen, empty, elapsed];
"""


@pytest.mark.parametrize("spell", [{"lua": LUA}, {"js": JS}], ids=["lua", "javascript"])
async def test_a_spell_waits_for_what_is_due_and_its_replay_for_nothing(cast: Any, spell: dict[str, str]) -> None:
    done = await cast(**spell)
    seen, empty, elapsed = done.value
    assert (seen, empty) == (["tick1", "tick1", "tick1"], 0)
    assert elapsed >= 85
    assert (await cast(**spell, replay=done.recording)).value == done.value
