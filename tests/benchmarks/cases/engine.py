"""The worker: host calls through it, and how soon a new one runs its first line."""

from __future__ import annotations

import json
import statistics

from benchmark import Lab, Row, per

_CALLS = 20_000


def host_calls(lab: Lab) -> list[Row]:
    """A synchronous question to an agent and its answer, as often as it goes; events, store and sequence on."""
    count = f"calls={_CALLS}"
    found = lab.rounds(
        7,
        {
            "echo": lambda: lab.peer("socket_echo.py", str(_CALLS)),
            "Lua": lambda: lab.spell("host_calls.lua", "", "--param", count),
            "JavaScript": lambda: lab.spell("host_calls.js", "", "--param", count),
        },
    )
    floor = per(found["echo"], _CALLS)
    rows: list[Row] = []
    for language, goal in (("Lua", 30_000), ("JavaScript", 15_000)):
        ours = per(found[language], _CALLS)
        rows.append(
            Row(
                f"host calls from a spell through the worker, {language}",
                f">= {goal:,} /s",
                f"a bare echo over a socket pair: {1 / floor.median_wall:,.0f} /s",
                f"{1 / ours.median_wall:,.0f} /s, best {1 / ours.quiet_wall:,.0f} /s, {ours.median_cpu * 1e6:.0f} µs CPU",
                1 / ours.median_wall >= goal,
                floor.median_wall / ours.median_wall,
                figures={"echo": floor.figures(), "ours": ours.figures()},
            )
        )
    return rows


def first_line(lab: Lab) -> list[Row]:
    """The goal speaks of a quiet machine: the best is judged, the median shown."""
    found = lab.rounds(3, {"forks": lambda: json.loads(lab.peer("first_line.py").lines[-1])})["forks"]
    times = {name: [value for each in found for value in each[name]] for name in found[0]}
    rows: list[Row] = []
    for language in ("lua", "javascript"):
        best, usual = min(times[language]), statistics.median(times[language])
        rows.append(
            Row(
                f"fork to first line of the spell, {language}",
                "<= 10 ms quiet",
                f"a bare fork that says one byte: {statistics.median(times['bare']) * 1000:.1f} ms",
                f"{usual * 1000:.1f} ms, best {best * 1000:.1f} ms",
                best <= 0.010,
                usual / statistics.median(times["bare"]),
                "judged by its best",
                {"bare": times["bare"], language: times[language]},
            )
        )
    return rows
