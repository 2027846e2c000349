"""Workflows: what a step costs above the same calls made without a workflow, a fan-out, and many items of a map.

CPU is that of all processes but the server's; the store and the events are on, on both sides.
"""

from __future__ import annotations

from benchmark import Lab, Row, Sides, per
from servers import model_server

_STEPS = 300
_CROWD = 200
_LATENCY = 50
_ITEMS = 10_000
_SPELL = "workflows.lua"


def steps(lab: Lab) -> list[Row]:
    """An agent asked in each of many steps, against the same agent asked in a loop of the spell's own."""
    floor, ours = _both(lab, "steps", _STEPS, 0, _STEPS)
    more = ours.median_cpu - floor.median_cpu
    return [
        Row(
            "workflow overhead a step, each a model call",
            "<= 0.6 ms CPU",
            f"the same calls in a loop: {floor.shown(1000, 'ms')} a call",
            f"{ours.shown(1000, 'ms')} a step: {more * 1000:+.2f} ms CPU",
            more <= 0.0006,
            ours.median_cpu / floor.median_cpu,
            figures={"floor": floor.figures(), "ours": ours.figures()},
        )
    ]


def fan_out(lab: Lab) -> list[Row]:
    """Answers that come together are committed together."""
    floor, ours = _both(lab, "crowd", _CROWD, _LATENCY, 1)
    ratio = ours.median_wall / floor.median_wall
    return [
        Row(
            f"fan-out of {_CROWD} steps, {_LATENCY} ms answers",
            "<= 1.5 x Async.all",
            f"Async.all of the same: {floor.shown(1000, 'ms', 0)}",
            f"{ours.shown(1000, 'ms', 0)}",
            ratio <= 1.5,
            ratio,
            figures={"floor": floor.figures(), "ours": ours.figures()},
        )
    ]


def items(lab: Lab) -> list[Row]:
    """A function of the spell called for each item: a round trip through the worker, a step with its two events."""
    count = ("--param", f"count={_ITEMS}")
    found = lab.rounds(
        5,
        {
            "echo": lambda: lab.peer("socket_echo.py", str(_ITEMS)),
            "Lua": lambda: lab.spell(_SPELL, "", "--param", "kind=items", *count),
            "JavaScript": lambda: lab.spell("workflow_items.js", "", *count),
        },
    )
    floor = per(found["echo"], _ITEMS)
    rows: list[Row] = []
    for language, goal in (("Lua", 2_000), ("JavaScript", 2_000)):
        ours = per(found[language], _ITEMS, "settled")
        rows.append(
            Row(
                f"map_reduce over {_ITEMS:,} items, a function as map, {language}",
                f">= {goal:,} items /s",
                f"a bare echo over a socket pair: {1 / floor.median_wall:,.0f} /s",
                f"{1 / ours.median_wall:,.0f} /s, {ours.median_cpu * 1e6:.0f} µs CPU an item",
                1 / ours.median_wall >= goal,
                ours.median_wall / floor.median_wall,
                figures={"echo": floor.figures(), "ours": ours.figures()},
            )
        )
    return rows


def _both(lab: Lab, kind: str, count: int, latency: float, by: int) -> tuple[Sides, Sides]:
    """The calls without a workflow, and with one."""
    wanted = ("--param", f"kind={kind}", "--param", f"count={count}")
    with model_server(latency) as url:
        found = lab.rounds(
            7,
            {
                "plain": lambda: lab.spell(_SPELL, url, *wanted, "--param", "plain=true"),
                "workflow": lambda: lab.spell(_SPELL, url, *wanted),
            },
        )
    return per(found["plain"], by, "settled"), per(found["workflow"], by, "settled")
