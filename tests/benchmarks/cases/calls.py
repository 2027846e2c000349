"""What a model call costs once everything is warm: against raw httpx, with everything off, and from a recording.

Milliseconds a call are those of CPU, of all processes but the server's: on two noisy cores wall time is mostly the
neighbours'. Wall time is shown beside; the server answers at once, so it is time above the server's own latency.
"""

from __future__ import annotations

from benchmark import HERE, LLMSPELL, Lab, Row, Sides, per
from measuring import Measured, measure
from servers import model_server

_CALLS = 600


def three_agents(lab: Lab) -> list[Row]:
    """Everything on: trace store, events, a hook on every request, a listener for every answer, the isolated worker."""
    with model_server() as url:
        found = lab.rounds(
            7,
            {
                "httpx": lambda: lab.peer("raw_httpx.py", "three", str(_CALLS), server=url),
                "plain": lambda: _three(lab, url),
                "watched": lambda: _three(lab, url, "--param", "watched=true"),
            },
        )
    floor = per(found["httpx"], _CALLS)
    return [
        _against_httpx("three agents one after the other, a model call", 0.65, floor, per(found[name], _CALLS, "settled"), note)
        for name, note in (("plain", "no handler, no listener"), ("watched", "a script's hook and a script's listener"))
    ]  # fmt: skip


def tool_agent(lab: Lab) -> list[Row]:
    with model_server() as url:
        found = lab.rounds(
            7,
            {
                "httpx": lambda: lab.peer("raw_httpx.py", "tool", str(_CALLS), server=url),
                "ours": lambda: lab.spell("tool_agent.lua", url, "--param", f"calls={_CALLS}"),
            },
        )
    return [
        _against_httpx(
            "agent with one tool round trip, a model call",
            0.8,
            per(found["httpx"], _CALLS),
            per(found["ours"], _CALLS, "settled"),
        )
    ]


def everything_on(lab: Lab) -> list[Row]:
    """On: store, a hook and a listener in the script. Off: `--no-store`, neither hook nor listener."""
    with model_server() as url:
        found = lab.rounds(
            7,
            {
                "off": lambda: _three(lab, url, "--no-store"),
                "on": lambda: _three(lab, url, "--param", "watched=true"),
                "store": lambda: _three(lab, url),
            },
        )
    off = per(found["off"], _CALLS, "settled")
    rows: list[Row] = []
    for name, what in (("store", "traces and events"), ("on", "traces, events, a script's hook and listener")):
        on = per(found[name], _CALLS, "settled")
        more, ratio = on.median_wall - off.median_wall, on.median_cpu / off.median_cpu
        rows.append(
            Row(
                f"on against off: {what}",
                "<= +40 % CPU and <= +0.2 ms a call",
                f"off: {off.shown(1000, 'ms')}",
                f"{on.shown(1000, 'ms')}: {more * 1000:+.2f} ms wall",
                ratio <= 1.4 and more <= 0.0002,
                ratio,
                figures={"off": off.figures(), "on": on.figures()},
            )
        )
    return rows


def replay(lab: Lab) -> list[Row]:
    """The live server is gone by then, and the address of the model leads nowhere."""
    recording = lab.folder / "recording.db"
    with model_server() as url:
        _three(lab, url, "--record", str(recording))
    spell = str(HERE / "spells" / "three_agents.lua")
    command = [LLMSPELL, "run", spell, "--replay", str(recording)]
    env = lab.environ("http://127.0.0.1:9")
    found = lab.rounds(5, {"replay": lambda: measure(command, env=env, cwd=lab.folder)})
    ours = per(found["replay"], _CALLS, "settled")
    return [
        Row(
            "replay from a recording, a recorded call",
            "<= 0.2 ms, no network",
            "-",
            ours.shown(1000, "ms"),
            ours.median_cpu <= 0.0002,
            None,
            "judged by CPU, all processes",
            {"replay": ours.figures()},
        )
    ]


def _three(lab: Lab, url: str, *arguments: str) -> Measured:
    return lab.spell("three_agents.lua", url, "--param", f"calls={_CALLS}", *arguments)


def _against_httpx(name: str, goal: float, floor: Sides, ours: Sides, note: str = "") -> Row:
    ratio = ours.median_cpu / floor.median_cpu
    return Row(
        name,
        f"<= {goal} x raw httpx (CPU of all processes)",
        f"httpx: {floor.shown(1000, 'ms')}",
        ours.shown(1000, "ms"),
        ratio <= goal,
        ratio,
        note,
        {"httpx": floor.figures(), "ours": ours.figures()},
    )
