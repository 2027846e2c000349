"""Spells that would run away, each in one host with a spell that ticks: stopped in time, the host and the other unharmed."""

from __future__ import annotations

import json
import statistics

from benchmark import Lab, Row

_GRACE = 0.3


def runaways(lab: Lab) -> list[Row]:
    found = lab.rounds(1, {"runs": lambda: json.loads(lab.peer("runaway_spells.py").lines[-1])})["runs"]
    rows: list[Row] = []
    for name in found[0]:
        over = statistics.median(each[name]["over"] for each in found)
        verdicts = {each[name]["verdict"] for each in found}
        stopped = all(each[name]["stopped"] for each in found)
        unharmed = all(each[name]["unharmed"] for each in found)
        gap = max(each[name]["gap"] for each in found)
        rows.append(
            Row(
                f"runaway: {name}",
                "stopped within limit + 0.3 s, nothing harmed",
                f"the other spell's ticks: at most {gap * 1000:.0f} ms late",
                f"{', '.join(sorted(verdicts))}, {over:+.2f} s from the limit",
                stopped and unharmed and over <= _GRACE,
                figures={"runs": [each[name] for each in found]},
            )
        )
    return rows
