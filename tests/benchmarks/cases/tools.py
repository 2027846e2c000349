"""Tools: what a direct call costs above the bare function, what of it the schema check is, and what a category costs to
start. CPU of all processes, the store and the audit trail on: a call is committed before its result is released.
"""

from __future__ import annotations

import json
import statistics

from benchmark import Lab, Row, per

_CALLS = 500
_CATEGORIES = ("system", "data", "web", "communication", "integration", "ai", "math", "time", "crypto", "documents")


def direct_call(lab: Lab) -> list[Row]:
    """The whole way: worker to host, hooks, schema, permission, time and size limits, recording, audit, and back."""
    found = lab.rounds(
        5,
        {
            "bare": lambda: json.loads(lab.peer("tool_rates.py").lines[-1]),
            "stored": lambda: lab.spell("tool_calls.js", "", "--param", f"calls={_CALLS}"),
            "unstored": lambda: lab.spell("tool_calls.js", "", "--param", f"calls={_CALLS}", "--no-store"),
        },
    )
    rates = {name: statistics.median(each[name] for each in found["bare"]) for name in found["bare"][0]}
    rows: list[Row] = []
    for name, goal, what in (("unstored", 0.5, "without a store"), ("stored", 1.0, "audited, committed")):
        ours = per(found[name], _CALLS)
        rows.append(
            Row(
                f"direct tool call, {what}",
                f"<= {goal} ms CPU above the tool's own work",
                f"bare function {rates['bare'] * 1e6:.1f} µs, tool's work {rates['work'] * 1e6:.0f} µs",
                ours.shown(1000, "ms"),
                ours.median_cpu - rates["work"] <= goal / 1000,
                ours.median_cpu / rates["work"],
                figures={"rates": found["bare"], "calls": ours.figures()},
            )
        )
    rows.append(
        Row(
            "schema check of a tool's arguments",
            "<= 20 µs",
            f"bare function {rates['bare'] * 1e6:.1f} µs",
            f"{rates['check'] * 1e6:.1f} µs",
            rates["check"] <= 20e-6,
            figures={"rates": found["bare"]},
        )
    )
    return rows


def categories(lab: Lab) -> list[Row]:
    """Each in a process of its own, by its most usual tool; `made` is all that a spell pays which does not call it."""
    rounds = {name: (lambda name=name: json.loads(lab.peer("tool_rates.py", name).lines[-1])) for name in _CATEGORIES}
    found = lab.rounds(5, rounds)
    rows: list[Row] = []
    for name in _CATEGORIES:
        made = statistics.median(each["made"] for each in found[name])
        worked = statistics.median(each["worked"] for each in found[name])
        rows.append(
            Row(
                f"start of the category {name}",
                "<= 20 ms CPU until a tool is made",
                "what any tool needs is there",
                f"made {made * 1000:.0f} ms, first call {worked * 1000:.0f} ms",
                made <= 0.02,
                figures={"rounds": found[name]},
            )
        )
    return rows
