"""From a cold start: the help page, a spell that says hello, one answer of a model."""

from __future__ import annotations

from benchmark import LLMSPELL, PYTHON, Lab, Row, sides
from measuring import measure
from servers import model_server


def help_page(lab: Lab) -> list[Row]:
    env = lab.environ()
    found = lab.rounds(
        15,
        {
            "bare": lambda: measure([PYTHON, "-c", "pass"], env=env),
            "help": lambda: measure([LLMSPELL, "--help"], env=env),
        },
    )
    bare, ours = sides(found["bare"]), sides(found["help"])
    more = ours.median_wall - bare.median_wall
    return [
        Row(
            "llmspell --help",
            "<= 100 ms more than python -c pass",
            f"python -c pass: {bare.shown(1000, 'ms', 0)}",
            f"{ours.shown(1000, 'ms', 0)}: {more * 1000:.0f} ms more",
            more <= 0.10,
            ours.median_wall / bare.median_wall,
            figures={"bare": bare.figures(), "help": ours.figures()},
        )
    ]


def hello(lab: Lab) -> list[Row]:
    """The goal speaks of a quiet machine: the least disturbed round is judged, the median shown."""
    env = lab.environ()
    found = lab.rounds(
        15,
        {
            "bare": lambda: measure([PYTHON, "-c", "pass"], env=env),
            "Lua": lambda: lab.spell("hello.lua"),
            "JavaScript": lambda: lab.spell("hello.js"),
        },
    )
    bare = sides(found["bare"])
    rows: list[Row] = []
    for language in ("Lua", "JavaScript"):
        ours = sides(found[language])
        rows.append(
            Row(
                f"offline hello spell, {language}",
                "<= 150 ms wall on a quiet machine",
                f"python -c pass: {bare.shown(1000, 'ms', 0)}, best {bare.quiet_wall * 1000:.0f} ms",
                f"{ours.shown(1000, 'ms', 0)}, best {ours.quiet_wall * 1000:.0f} ms",
                ours.quiet_wall <= 0.15,
                ours.quiet_wall / bare.quiet_wall,
                "judged by its best round",
                {"bare": bare.figures(), "ours": ours.figures()},
            )
        )
    return rows


def cold_answer(lab: Lab) -> list[Row]:
    """Both goals at once; the relation by wall and by CPU, for on a busy machine only the latter can be trusted."""
    with model_server() as url:
        found = lab.rounds(
            9,
            {
                "aiohttp": lambda: lab.peer("aiohttp_lua.py", server=url),
                "ours": lambda: lab.spell("one_answer.lua", url),
            },
        )
    floor, ours = sides(found["aiohttp"]), sides(found["ours"])
    ratio = ours.median_wall / floor.median_wall
    return [
        Row(
            "cold start to one answer, native",
            "<= 0.35 s and <= 1.5 x aiohttp + Lua in one process",
            f"aiohttp + Lua: {floor.shown()}",
            f"{ours.shown()}, best {ours.quiet_wall:.2f} s",
            ours.quiet_wall <= 0.35 and ratio <= 1.5,
            ratio,
            f"CPU x {ours.median_cpu / floor.median_cpu:.2f}",
            {"aiohttp": floor.figures(), "ours": ours.figures()},
        )
    ]
