"""Memory: the host's, a further worker's, and that of agents who wait."""

from __future__ import annotations

import statistics

from benchmark import HERE, LLMSPELL, PYTHON, Lab, Row
from measuring import rss_mb, running, tree_pss_mb
from servers import model_server


def host_and_workers(lab: Lab) -> list[Row]:
    """A further worker is charged with everything that eleven spells in one host need more than one, by PSS."""

    def waiting() -> float:
        command = [LLMSPELL, "run", str(HERE / "spells" / "waiting.lua")]
        with running(command, env=lab.environ(url), cwd=lab.folder, ready="ready".__eq__) as (pid, _):
            return rss_mb(pid)

    def many(count: int) -> float:
        command = [PYTHON, str(HERE / "peers" / "many_spells.py"), str(HERE / "spells" / "waiting.lua"), str(count)]
        with running(command, env=lab.environ(url), cwd=lab.folder, ready="all ready".__eq__) as (pid, _):
            return tree_pss_mb(pid)

    def bare() -> float:
        command = [PYTHON, "-c", "import aiohttp, time; print('ready', flush=True); time.sleep(60)"]
        with running(command, env=lab.environ()) as (pid, _):
            return rss_mb(pid)

    with model_server() as url:
        found = lab.rounds(3, {"bare": bare, "host": waiting, "one": lambda: many(1), "eleven": lambda: many(11)})
    median = {name: statistics.median(values) for name, values in found.items()}
    further = (median["eleven"] - median["one"]) / 10
    return [
        Row(
            "host process, one spell running",
            "<= 60 MB resident",
            f"import aiohttp: {median['bare']:.0f} MB",
            f"{median['host']:.1f} MB",
            median["host"] <= 60,
            median["host"] / median["bare"],
            figures=found,
        ),
        Row(
            "each further worker, its share of the host included",
            "<= 6 MB",
            f"one spell: {median['one']:.1f} MB in all",
            f"{further:.1f} MB",
            further <= 6,
            figures=found,
        ),
    ]


def idle_agents(lab: Lab) -> list[Row]:
    """Host, zygote and worker together, by PSS."""

    def agents(count: int) -> float:
        command = [LLMSPELL, "run", str(HERE / "spells" / "idle_agents.lua"), "--param", f"agents={count}"]
        with running(command, env=lab.environ(url), cwd=lab.folder, ready="ready".__eq__) as (pid, _):
            return tree_pss_mb(pid)

    with model_server() as url:
        found = lab.rounds(3, {"none": lambda: agents(0), "thousand": lambda: agents(1000)})
    more = statistics.median(found["thousand"]) - statistics.median(found["none"])
    floor = statistics.median(found["none"])
    return [
        Row(
            "1,000 idle agents",
            "<= 20 MB",
            f"none: {floor:.1f} MB in all",
            f"{more:.1f} MB",
            more <= 20,
            figures=found,
        )
    ]
