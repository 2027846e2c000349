"""200 agents asked at the same moment, of a server that takes 50 ms to answer."""

from __future__ import annotations

from benchmark import Lab, Row, per
from servers import model_server

_AGENTS = 200
_LATENCY = 50


def native(lab: Lab) -> list[Row]:
    """The time is measured from outside, between two lines the spell prints; new connections are part of it."""
    count = f"agents={_AGENTS}"
    with model_server(_LATENCY) as url:
        found = lab.rounds(
            9,
            {
                "ideal": lambda: lab.peer("sleeps.py", str(_AGENTS), str(_LATENCY)),
                "Lua": lambda: lab.spell("crowd.lua", url, "--param", count),
                "JavaScript": lambda: lab.spell("crowd.js", url, "--param", count),
            },
        )
    ideal = per(found["ideal"], 1)
    rows: list[Row] = []
    for language in ("Lua", "JavaScript"):
        ours = per(found[language], 1, "settled")
        ratio = ours.median_wall / ideal.median_wall
        rows.append(
            Row(
                f"{_AGENTS} agents at once, {_LATENCY} ms answers, {language}",
                "<= 3 x ideal",
                f"asyncio sleeps: {ideal.shown(1000, 'ms', 0)}",
                f"{ours.shown(1000, 'ms', 0)}, best {ours.quiet_wall * 1000:.0f} ms",
                ratio <= 3,
                ratio,
                figures={"ideal": ideal.figures(), "ours": ours.figures()},
            )
        )
    return rows


def through_litellm(lab: Lab) -> list[Row]:
    count = f"agents={_AGENTS}"
    with model_server(_LATENCY) as url:
        found = lab.rounds(
            5,
            {
                "litellm": lambda: lab.peer("litellm_alone.py", str(_AGENTS), server=url),
                "ours": lambda: lab.spell("crowd.lua", url, "--param", count, "--param", "provider=litellm"),
            },
        )
    floor, ours = per(found["litellm"], 1), per(found["ours"], 1, "settled")
    ratio = ours.median_wall / floor.median_wall
    return [
        Row(
            f"{_AGENTS} agents at once through litellm",
            "<= 1.15 x litellm alone",
            f"litellm: {floor.shown(1000, 'ms', 0)}",
            ours.shown(1000, "ms", 0),
            ratio <= 1.15,
            ratio,
            f"CPU x {ours.median_cpu / floor.median_cpu:.2f}",
            {"litellm": floor.figures(), "ours": ours.figures()},
        )
    ]
