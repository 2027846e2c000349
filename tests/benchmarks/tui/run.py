"""`make bench-tui`: the terminal interface against its goals, on a terminal of its own.

    python tests/benchmarks/tui/run.py [--only NAME]... [--spans N] [--seconds S] [--json]

A missed goal is a finding, not a failure; what cannot be measured is one. Times are wall times, with CPU beside them
where a busy machine would tell another story.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import stored
from terminal import on_terminal

from llmspell.events.event import Event
from llmspell.traces.reader import RunFile
from llmspell_tui.feed.rows import StoredRun
from llmspell_tui.model.query import Query
from llmspell_tui.model.run import RunModel

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    goal: str
    floor: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True)
class Lab:
    """folder: for files of runs. spans: of the large one. seconds: for which a live run talks; settle: that the
    interface has to be there before."""

    folder: Path
    spans: int
    seconds: float
    settle: float = 2.5

    def environ(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder)}

    def large(self) -> Path:
        path = self.folder / "runs" / "1m7large00000.db"
        if not path.exists():
            stored.write(path, self.spans)
        return path

    def shown(self, run: Path, stay: float = 0.0, **keys: Any) -> dict[str, Any]:
        """The interface's own report of showing a run, with what its terminal saw."""
        report = self.folder / "report.json"
        command = [sys.executable, str(HERE / "shown.py"), str(run), str(report), str(stay)]
        session = on_terminal(command, self.environ(), **keys)
        return json.loads(report.read_text()) | {"session": session}

    def talked(self, rate: float, **keys: Any) -> dict[str, Any]:
        """The same of a run that talks at a rate, with the number of events that it said."""
        folder = self.folder / f"live{rate:.0f}{len(keys)}"
        folder.mkdir()
        command = [sys.executable, str(HERE / "talker.py"), str(folder), str(rate), str(self.seconds)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as talker:
            assert talker.stdin is not None
            assert talker.stdout is not None
            run = Path(talker.stdout.readline().strip())
            starter = threading.Timer(self.settle, lambda: (talker.stdin.write("go\n"), talker.stdin.flush()))
            starter.start()
            found = self.shown(run, **keys)
            said = int(talker.stdout.read())
        with RunFile(run) as file:
            times = [event.time for event in file.events()]
        return found | {"said": said, "times": times}


def fold(lab: Lab) -> list[Row]:
    rows = [*stored.spans(100_000)]
    events: list[tuple[int, Event]] = []
    for number, parent, kind, name, site, status, began, ended, first, last, tokens, _, cost, _ in rows:
        usage = {"input_tokens": tokens, "output_tokens": 0, "cost": cost}
        start = Event(first, began, f"{kind}_started", "start", number, parent, name, site, {})
        events += [(first, start)]
        end = {"status": status, "usage": usage}
        events += [(last, Event(last, ended, f"{kind}_completed", "end", number, parent, name, site, end))]
    ordered = [event for _, event in sorted(events, key=lambda pair: pair[0])]
    model, begin = RunModel(), time.process_time()
    for at in range(0, len(ordered), 500):
        model.add(ordered[at : at + 500])
    rate = len(ordered) / (time.process_time() - begin)
    begin = time.process_time()
    counts: dict[str, int] = {}
    for event in ordered:
        counts[event.kind] = counts.get(event.kind, 0) + 1
    floor = len(ordered) / (time.process_time() - begin)
    return [
        Row("model: events folded", ">= 100,000 /s CPU", f"counting kinds {floor:,.0f}", f"{rate:,.0f} /s", rate >= 1e5)
    ]


def find(lab: Lab) -> list[Row]:
    run, model = StoredRun(lab.large()), RunModel()
    for piece in run.span_pieces():
        model.load_spans(piece)
    run.close()
    last = max(model.spans.lasts)
    found: list[Row] = []
    for name, work in (
        ("filter kind:tool status:error", lambda: model.spans.filter(Query.parse("kind:tool status:error"))),
        ("filter tokens>=100 name:gpt", lambda: model.spans.filter(Query.parse("tokens>=100 name:gpt"))),
        ("filter off", lambda: model.spans.filter(None)),
        ("search the last error", lambda: model.spans.search(Query.parse("status:error"), 0, backwards=True)),
        ("50 rows in the middle", lambda: model.spans.rows(model.spans.height // 2, 50)),
        ("one moment back", lambda: setattr(model, "moment", last - 1)),
        ("half the run back", lambda: setattr(model, "moment", last // 2)),
        ("and to its end", lambda: setattr(model, "moment", None)),
    ):
        begin = time.process_time()
        work()
        took = time.process_time() - begin
        found.append(Row(f"{len(model.spans):,} spans: {name}", "<= 0.5 s CPU", "-", f"{took:.3f} s", took <= 0.5))
    return found


def large(lab: Lab) -> list[Row]:
    path = lab.large()
    begin, cpu = time.perf_counter(), time.process_time()
    run = StoredRun(path)
    count = sum(map(len, run.span_pieces()))
    run.close()
    took, used = time.perf_counter() - begin, time.process_time() - cpu
    told = lab.shown(path)
    # From the first picture of the empty window on.
    first, every = told["first rows"] - told["painted"], told["all spans"] - told["painted"]
    every_cpu = told["spans cpu"] - told["first cpu"]
    floor = f"reading alone {took:.2f} s, {used:.2f} s CPU"
    whole = f"{every:.2f} s, {every_cpu:.2f} s CPU"
    shown = f"{told['events']:,} of {told['events'] + told['missing']:,}"
    return [
        Row(f"{count:,} spans: first rows", "<= 0.3 s", "-", f"{first:.2f} s", first <= 0.3),
        Row(f"{count:,} spans: all", "<= 5 s", floor, whole, every <= 5),
        Row(f"{count:,} spans: memory", "<= 200 MB", "-", f"{told['rss']:.0f} MB", told["rss"] <= 200),
        Row("events shown of those stored", "all", "-", shown, not told["missing"]),
    ]


def start(lab: Lab) -> list[Row]:
    report = lab.folder / "bare.json"
    small = lab.folder / "runs" / "1m7small00000.db"
    stored.write(small, 200)
    bare, ours, idle = [], [], []
    for _ in range(5):
        on_terminal([sys.executable, str(HERE / "bare.py"), str(report), "0.1"], lab.environ())
        bare.append(json.loads(report.read_text())["painted"])
        ours.append(lab.shown(small)["painted"])
    seconds = max(lab.seconds, 3.0)
    idle = lab.shown(small, seconds)["idle cpu"] / seconds
    on_terminal([sys.executable, str(HERE / "bare.py"), str(report), str(seconds)], lab.environ())
    still = json.loads(report.read_text())["idle cpu"] / seconds
    floor = f"bare Textual {_middle(bare):.2f} s, best {min(bare):.2f}"
    paint = f"{_middle(ours):.2f} s, best {min(ours):.2f}"
    return [
        Row("start to first paint", "<= 0.5 s", floor, paint, _middle(ours) <= 0.5),
        Row("CPU idle", "<= 1 %", f"bare Textual {still:.2%}", f"{idle:.2%}", idle <= 0.01),
    ]


def busy(lab: Lab) -> list[Row]:
    flood = drawn(lab.talked(20_000), lab.seconds)
    felt = answered(lab.talked(10_000, keys="jk", first=lab.settle + 1.0))
    return [flood, *felt, calm(lab.talked(1_000))]


def drawn(told: dict[str, Any], seconds: float) -> Row:
    session = told["session"]
    rate = told["events"] / told["span"]
    frames = sum(0 <= at - told["begin"] <= told["span"] for at in session.frames) / told["span"]
    dropped = told["said"] - max((count for _, count in session.shown), default=0)
    offered = f"offered {told['said'] / seconds:,.0f} /s"
    each = (told["cpu"] - told["begin cpu"]) / told["events"] * 1e6
    said = f"{rate:,.0f} /s, {frames:.0f} frames/s, {dropped} dropped, {each:.0f} us CPU an event"
    met = rate >= 20_000 * 0.98 and frames >= 25 and not dropped
    return Row("events drawn", ">= 20,000 /s, 25 frames/s, 0 dropped", offered, said, met)


def answered(told: dict[str, Any]) -> list[Row]:
    """How late events and keys are seen."""
    session = told["session"]
    aged = ages(session.shown, told["times"])
    p50, p95 = _middle(aged), _high(aged)
    seen = f"p50 {p50:.0f}, p95 {p95:.0f} ms of {len(aged):,} events"
    lag = [(at - pressed) * 1000 for pressed, at in zip(session.pressed, told["keys"])]
    said = f"p50 {_middle(lag):.0f}, p95 {_high(lag):.0f} ms of {len(lag)} keys"
    met = p50 <= 60 and p95 <= 100
    return [
        Row("event to screen at 10,000 /s", "p50 <= 60, p95 <= 100 ms", "-", seen, met),
        Row("key lag at 10,000 /s", "p95 <= 50 ms", "-", said, _high(lag) <= 50),
    ]


def calm(told: dict[str, Any]) -> Row:
    share = (told["cpu"] - told["begin cpu"]) / told["span"]
    return Row("CPU at 1,000 events/s", "<= 20 % of a core", "-", f"{share:.0%}", share <= 0.2)


def ages(shown: Sequence[tuple[float, int]], times: Sequence[float]) -> list[float]:
    """How old each event was, in ms, when the first picture that counts it was on the terminal."""
    since_1970 = time.time() - time.monotonic()
    found: list[float] = []
    for at, count in shown:
        found += [(at + since_1970) * 1000 - moment for moment in times[len(found) : count]]
    return found[2:]  # the run's own first events are there before anybody looks


def saves(lab: Lab) -> list[Row]:
    """In a process of its own, as the interface is."""
    folder = lab.folder / "saves"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.benchmarks.tui.saving", str(folder), "200"]
    done = subprocess.run(
        command, cwd=HERE.parents[2], env=lab.environ(), stdout=subprocess.PIPE, text=True, check=True, timeout=600
    )
    found = json.loads(done.stdout)
    took = [seconds * 1000 for style in found["took"].values() for seconds in style]
    p50, p95 = _middle(took), _high(took)
    styles = ", ".join(f"{name} {_middle(each) * 1000:.0f}" for name, each in found["took"].items())
    said = f"p50 {p50:.0f}, p95 {p95:.0f}, max {max(took):.0f} ms"
    goal = "p50 <= 60, p95 <= 120 ms"
    return [
        Row("save to what the saved text prints", goal, "-", f"{said} ({styles})", p50 <= 60 and p95 <= 120),
        Row("200 saves in four styles, lost", "0", "-", str(found["lost"]), not found["lost"]),
    ]


CASES: Final[dict[str, Callable[[Lab], list[Row]]]] = {
    "fold": fold,
    "find": find,
    "large": large,
    "start": start,
    "busy": busy,
    "saves": saves,
}


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else float("nan")


def _high(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description="measures the terminal interface against its goals")
    parser.add_argument("--only", action="append", choices=list(CASES), metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="llmspell-bench-", dir="/tmp") as folder:
        lab = Lab(Path(folder), options.spans, options.seconds)
        if not options.json:
            print(_line("", "goal", "floor", "measured", ""))
        for name in options.only or CASES:
            try:
                found = CASES[name](lab)
            except (RuntimeError, OSError, LookupError) as error:
                failures.append(f"{name}: {type(error).__name__}: {error}")
                continue
            rows += found
            for row in found if not options.json else ():
                verdict = "met" if row.met else "NOT MET"
                print(_line(row.name, row.goal, row.floor, row.measured, verdict), flush=True)
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "failures": failures, "load": os.getloadavg()}))
    else:
        print(
            f"\n{sum(row.met for row in rows)} of {len(rows)} goals met; load of the machine {os.getloadavg()[0]:.1f}"
        )
    for failure in failures:
        print(f"not measured: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _line(name: str, goal: str, floor: str, measured: str, verdict: str) -> str:
    return f"{name:<46} {goal:<38} {floor:<38} {measured:<56} {verdict}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
