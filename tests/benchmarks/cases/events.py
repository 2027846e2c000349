"""Events: through the bus of a run, and into its store."""

from __future__ import annotations

import json
import statistics

from benchmark import Lab, Row


def bus_and_store(lab: Lab) -> list[Row]:
    found = lab.rounds(7, {"rates": lambda: json.loads(lab.peer("event_rates.py").lines[-1])})["rates"]
    rate = {name: statistics.median(each[name] for each in found) for name in found[0]}
    figures = {name: [each[name] for each in found] for name in found[0]}
    return [
        Row(
            "event bus in process, one listener",
            ">= 200,000 events/s",
            f"a call of the listener: {rate['call']:,.0f} /s",
            f"{rate['bus']:,.0f} /s",
            rate["bus"] >= 200_000,
            rate["bus"] / rate["call"],
            f"with the event made and logged: {rate['emit']:,.0f} /s",
            figures,
        ),
        Row(
            "events into the trace store, committed",
            ">= 100,000 events/s",
            f"sqlite3 inserting finished rows: {rate['sqlite']:,.0f} /s",
            f"{rate['store']:,.0f} /s",
            rate["store"] >= 100_000,
            rate["store"] / rate["sqlite"],
            "from the first emit to the last commit, two threads",
            figures,
        ),
    ]
