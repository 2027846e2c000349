"""State: operations a second on each backend, beside its bare library in the same round."""

from __future__ import annotations

import json
import statistics
from typing import Final

from benchmark import Lab, Row

#: Of the bare library's rate: a store also hands each operation to its thread or server, numbers and logs the change.
_GOALS: Final = {"sqlite": (0.2, 0.1, 0.5), "rocksdb": (0.04, 0.02, 0.1), "postgres": (0.4, 0.4, 0.3)}


def sqlite(lab: Lab) -> list[Row]:
    return _rows(lab, "sqlite")


def rocksdb(lab: Lab) -> list[Row]:
    return _rows(lab, "rocksdb")


def postgres(lab: Lab) -> list[Row]:
    return _rows(lab, "postgres")


def _rows(lab: Lab, backend: str) -> list[Row]:
    found = lab.rounds(3, {"rates": lambda: json.loads(lab.peer("state_rates.py", backend).lines[-1])})["rates"]
    rate = {name: statistics.median(each[name] for each in found) for name in found[0]}
    figures = {name: [each[name] for each in found] for name in found[0]}
    rows: list[Row] = []
    for goal, (name, floor, doing) in zip(
        _GOALS[backend],
        (("set", "bare_set", "set"), ("get", "bare_get", "get"), ("crowd", "bare_set", "set by 200 at once")),
        strict=True,
    ):
        ratio = rate[name] / rate[floor]
        note = f"update {rate['update']:,.0f} /s" if name == "set" else ""
        bare = f"bare library, {floor.removeprefix('bare_')}: {rate[floor]:,.0f} /s"
        measured = f"{rate[name]:,.0f} /s"
        rows.append(
            Row(f"state {doing}, {backend}", f">= {goal} x floor", bare, measured, ratio >= goal, ratio, note, figures)
        )
    return rows
