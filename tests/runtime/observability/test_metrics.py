"""What spells count and log, what the runtime counts beside it, and how other programs read it."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.engines import values
from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.traces.metrics import OVERFLOW, SERIES, About, Metrics, labels_of
from llmspell.traces.prometheus import exposition
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])

# The text format, as https://prometheus.io/docs/instrumenting/exposition_formats/ describes it.
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
_SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{((?:{_LABEL})(?:,{_LABEL})*)\}})? (\S+)")
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> tuple[dict[str, str], Samples]:
    """Types by metric, and samples by name and labels. Fails for whatever the format does not allow."""
    assert text.endswith("\n")
    types: dict[str, str] = {}
    helped: set[str] = set()
    samples: Samples = {}
    metric = ""
    for line in text[:-1].split("\n"):
        match line.split(" ", 3):
            case ["#", "HELP", name, said]:
                assert name not in helped and re.fullmatch(r"(?:[^\\\n]|\\\\|\\n)+", said)
                helped.add(name)
                metric = name
            case ["#", "TYPE", name, kind]:
                assert name == metric and name not in types and kind in ("counter", "gauge", "histogram")
                types[name] = kind
            case _:
                found = _SAMPLE.fullmatch(line)
                assert found, line
                name, labels, value = found.groups()
                endings = ("_bucket", "_sum", "_count") if types[metric] == "histogram" else ("",)
                assert name in {metric + ending for ending in endings}, line
                assert types[metric] != "counter" or name.endswith("_total")
                pairs = [
                    (label, re.sub(r'\\[\\"n]', lambda each: _UNESCAPED[each[0]], text))
                    for label, text in re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', labels or "")
                ]
                assert len(dict(pairs)) == len(pairs), f"a label twice: {line}"
                key = (name, tuple(sorted(pairs)))
                assert key not in samples, f"a sample twice: {line}"
                samples[key] = float(value.replace("Inf", "inf"))
    assert helped == types.keys()
    _check_histograms(types, samples)
    return types, samples


def _check_histograms(types: dict[str, str], samples: Samples) -> None:
    for name in (name for name, kind in types.items() if kind == "histogram"):
        series = {labels for (sample, labels) in samples if sample == f"{name}_count"}
        assert series
        for labels in series:
            buckets = sorted(
                (float(dict(each)["le"].replace("Inf", "inf")), count)
                for (sample, each), count in samples.items()
                if sample == f"{name}_bucket" and tuple(pair for pair in each if pair[0] != "le") == labels
            )
            counts = [count for _, count in buckets]
            assert buckets[-1][0] == math.inf and counts == sorted(counts)
            assert counts[-1] == samples[f"{name}_count", labels]
            assert (f"{name}_sum", labels) in samples


def stored(folder: Path, spell: Any) -> Path:
    """The file of a run."""
    return next(folder.rglob(f"{spell.result.run_id}.db"))


MEASURES = {
    "lua": """
        metrics:increment("orders", { kind = "book", fast = true })
        metrics.increment("orders", { kind = "lamp", n = 2 }, 4)
        metrics:gauge("queue", 5) metrics:gauge("queue", 3)
        for n = 1, 100 do metrics:histogram("size", n, { unit = "kB" }) end
        local timer = metrics:timer("load")
        Async.sleep(3)
        local took = timer:stop()
        local mine = MetricsCollector.new{ name = "mine" }
        mine:increment("seen") mine:histogram("seconds", 0.5) mine:gauge("level", 2) mine:timer("t"):stop()
        local all, own = metrics:snapshot(), mine:get_snapshot()
        return { all.counters.orders, all.gauges.queue, all.histograms.size, took == timer:stop() and took >= 3,
                 timer.running, own.counters, own.gauges, own.histograms.seconds.sum, #own.series, own.counters.orders }
    """,
    "js": """
        metrics.increment("orders", { kind: "book", fast: true });
        metrics.increment("orders", { kind: "lamp", n: 2 }, 4);
        metrics.gauge("queue", 5); metrics.gauge("queue", 3);
        for (let n = 1; n <= 100; n++) metrics.histogram("size", n, { unit: "kB" });
        const timer = metrics.timer("load");
        await Async.sleep(3);
        const took = timer.stop();
        const mine = new MetricsCollector({ name: "mine" });
        mine.increment("seen"); mine.histogram("seconds", 0.5); mine.gauge("level", 2); mine.timer("t").stop();
        const all = metrics.snapshot(), own = mine.getSnapshot();
        return [all.counters.orders, all.gauges.queue, all.histograms.size, took === timer.stop() && took >= 3,
                timer.running, own.counters, own.gauges, own.histograms.seconds.sum, own.series.length, own.counters.orders ?? null];
    """,
}


@both
@pytest.mark.mission(145)
async def test_scripts_count_set_and_measure(cast: Any, language: str) -> None:
    spell = await cast(**{language: MEASURES[language]})
    orders, queue, size, timed, running, counters, gauges, seconds, series, *rest = spell.value
    assert (orders, queue, timed, running) == (5, 3, True, False)
    assert {key: size[key] for key in ("count", "sum", "min", "max", "mean")} == {
        "count": 100, "sum": 5050, "min": 1, "max": 100, "mean": 50.5,
    }  # fmt: skip
    assert (size["p50"], size["p95"], size["p99"]) == (51, 96, 100)
    assert (counters, gauges, seconds, series) == ({"seen": 1}, {"level": 2}, 0.5, 4)
    assert rest in ([None], []), "a collector knows nothing of what others count"
    told = spell.of("metric_recorded")
    assert len(told) == 109 and told[0].data == {
        "metric": "orders", "type": "counter", "value": 1, "labels": {"fast": "true", "kind": "book"}, "collector": "",
    }  # fmt: skip
    (started,) = [event for event in spell.of("timer_started") if event.name == "load"]
    (stopped,) = [event for event in told if event.name == "load"]
    assert stopped.data["value"] == pytest.approx(stopped.time - started.time, abs=0.002)


WORKS = {
    "lua": """
        local ada = Agent.new{ name = "ada", tools = { Calculator.new() }, retries = 0 }
        local bob = Agent.new{ name = "bob", retries = 0 }
        ada:chat("What is 2 + 2?")
        pcall(bob.chat, bob, "Hi")
        eventBus.emit("noted")
        return { metrics:snapshot(), metrics:dashboard(), metrics:export("prometheus") }
    """,
    "js": """
        const ada = new Agent({ name: "ada", tools: [new Calculator()], retries: 0 });
        const bob = new Agent({ name: "bob", retries: 0 });
        await ada.chat("What is 2 + 2?");
        try { await bob.chat("Hi"); } catch {}
        eventBus.emit("noted");
        return [metrics.snapshot(), metrics.dashboard(), metrics.export("prometheus")];
    """,
}


@both
@pytest.mark.mission(90, 144)
async def test_what_the_runtime_does_is_counted_in_the_same_place(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    call = ToolCall("call_1", "calculator", {"expression": "2 + 2"})
    model.will(Answer(tool_calls=(call,)), Answer(text="4"), Answer(fault="close"))
    spell = await cast(**{language: WORKS[language]}, model=model)
    snapshot, dashboard, text = spell.value
    counters = snapshot["counters"]
    ends = Counter(event.kind for event in spell.events if event.phase == "end")
    assert counters["llmspell_llm_calls"] == ends["llm_call_completed"] == 3
    assert counters["llmspell_tool_calls"] == ends["tool_completed"] == 1
    assert counters["llmspell_executions"] == ends["execution_completed"] == 2
    assert counters["llmspell_errors"] == len(spell.of("error")) == 2
    usages = [event.data["usage"] for event in spell.of("llm_call_completed") if event.data.get("usage")]
    assert counters["llmspell_tokens"] == sum(usage["input_tokens"] + usage["output_tokens"] for usage in usages) > 0
    lasted = snapshot["histograms"]["llmspell_llm_call_duration_seconds"]
    assert lasted["sum"] == pytest.approx(
        sum(event.data["duration"] for event in spell.of("llm_call_completed")) / 1000
    )
    activity = "last_activity" if language == "lua" else "lastActivity"
    ada, bob = dashboard["agents"]
    assert (ada["name"], ada["status"], bob["name"], bob["status"]) == ("ada", "idle", "bob", "error")
    heard = [event for event in spell.events if event.data.get("agent_name") == "bob"]
    assert bob[activity] == heard[-1].time and dashboard["timestamp"] >= bob[activity]
    assert ada["tool_calls" if language == "lua" else "toolCalls"] == 1 and dashboard["run"]["status"] == "running"
    types, samples = parsed(text)
    assert types["llmspell_llm_calls_total"] == "counter" and types["llmspell_tool_duration_seconds"] == "histogram"
    tool = (("agent", "ada"), ("status", "ok"), ("tool", "calculator"))
    assert samples["llmspell_tool_calls_total", tool] == 1
    types, later = parsed(await _exported(stored(tmp_path, spell)))
    ended = {"llmspell_runs_total", "llmspell_run_duration_seconds"}
    assert ended <= types.keys()
    assert {key: value for key, value in later.items() if key[0] not in ended} == samples


async def _exported(file: Path) -> str:
    import asyncio

    command = [sys.executable, "-m", "llmspell", "trace", "export", str(file), "--format", "prometheus"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


MONITOR = """
    class AgentActivityMonitor {
      constructor() {
        this.eventStream = new EventEmitter();
        this.activeAgents = new Map();
        this.metrics = new MetricsCollector();
      }
      monitorAgent(agent) {
        const agentId = agent.id;
        this.activeAgents.set(agentId, { agent, status: "idle", lastActivity: Date.now() });
        agent.on("*", (eventType, data) => this.handleAgentEvent(agentId, eventType, data));
      }
      handleAgentEvent(agentId, eventType, data) {
        const info = this.activeAgents.get(agentId);
        info.lastActivity = Date.now();
        if (eventType === "execution_started") { info.status = "executing"; this.metrics.increment("agent_executions_started"); }
        if (eventType === "tool_called") this.metrics.increment("tool_calls", { tool: data.toolName, agent: agentId });
        if (eventType === "execution_completed") { info.status = "idle"; this.metrics.histogram("execution_duration", data.duration); }
        if (eventType === "error") { info.status = "error"; this.metrics.increment("agent_errors", { agent: agentId, error_type: data.error.name }); }
        this.eventStream.emit("agent_activity", { agentId, eventType, agentStatus: info.status });
      }
      getDashboardData() {
        const agents = Array.from(this.activeAgents.entries()).map(([id, info]) => ({ id, status: info.status, lastActivity: info.lastActivity, name: info.agent.name }));
        return { agents, metrics: this.metrics.getSnapshot(), timestamp: Date.now() };
      }
    }
    const monitor = new AgentActivityMonitor(), seen = [];
    const ada = new Agent({ name: "ada", tools: [new Calculator()] });
    monitor.monitorAgent(ada);
    monitor.eventStream.on("agent_activity", (activity) => seen.push(activity.eventType + " " + activity.agentStatus));
    await ada.chat("What is 2 + 2?");
    return [seen, monitor.getDashboardData(), ada.id];
"""


@pytest.mark.mission(88, 90, 145)
async def test_a_monitor_of_the_scripts_own(cast: Any, model: Any) -> None:
    seen, data, agent_id = (await cast(js=MONITOR, model=model)).value
    assert seen[0] == "execution_started executing" and seen[-1] == "execution_completed idle"
    (agent,) = data["agents"]
    assert (agent["id"], agent["name"], agent["status"]) == (agent_id, "ada", "idle")
    assert data["metrics"]["counters"] == {"agent_executions_started": 1, "tool_calls": 1}
    assert data["metrics"]["histograms"]["execution_duration"]["count"] == 1
    (of_tool,) = [each for each in data["metrics"]["series"] if each["name"] == "tool_calls"]
    assert of_tool["labels"] == {"agent": agent_id, "tool": "calculator"}


LOGS = {
    "lua": """
        logger:error({ message = "Agent failed", agent_id = "a1", tries = 3, details = { 1, 2 }, empty = "" })
        logger.warn("look out", { city = "New York" })
        logger:info("hello") logger:debug("quiet")
        local ok, err = pcall(Tool.get, "nothing such")
        logger:error{ message = "caught", error = err }
        logger:error(err)
    """,
    "js": """
        logger.error({ message: "Agent failed", agent_id: "a1", tries: 3, details: [1, 2], empty: "" });
        logger.warn("look out", { city: "New York" });
        logger.info("hello"); logger.debug("quiet");
        try { await Agent.execute("nobody such", "x"); } catch (err) { logger.error({ message: "caught", error: err }); logger.error(err); }
    """,
}


@both
@pytest.mark.mission(144, 146)
async def test_structured_messages_are_events_and_lines(cast: Any, language: str) -> None:
    script = LOGS[language].replace('pcall(Tool.get, "nothing such")', 'pcall(Agent.execute, "nobody such", "x")')
    spell = await cast(**{language: script})
    assert spell.result.error is None
    first, second, third, fourth, caught, bare = spell.of("log")
    assert first.data == {
        "level": "error",
        "message": "Agent failed",
        "fields": {"agent_id": "a1", "tries": 3, "details": [1, 2], "empty": ""},
    }
    assert [event.data["level"] for event in (second, third, fourth)] == ["warn", "info", "debug"]
    assert caught.data["fields"]["error"]["type"] and "nobody such" in caught.data["fields"]["error"]["message"]
    assert "nobody such" in bare.data["message"]
    lines = spell.output["err"].splitlines()
    assert lines[:3] == [
        'error: Agent failed agent_id=a1 tries=3 details=[1, 2] empty=""',
        'warn: look out city="New York"',
        "info: hello",
    ] or sorted(lines[0].split()) == sorted('error: Agent failed agent_id=a1 tries=3 details=[1, 2] empty=""'.split())
    assert lines[3].startswith("error: caught error=") and len(lines) == 5
    assert spell.output["out"] == ""


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warn", 2), ("error", 1), ("off", 0)])
async def test_the_level_decides_what_is_shown_and_not_what_is_kept(cast: Any, level: str, shown: int) -> None:
    spell = await cast(
        lua='for _, level in ipairs{ "debug", "info", "warn", "error" } do logger[level](logger, "m\\27[2J\\nx") end',
        flags={"log.level": level},
    )
    assert len(spell.of("log")) == 4
    assert len(spell.output["err"].splitlines()) == shown and "\x1b" not in spell.output["err"]


async def test_lines_for_programs_are_json_without_secrets(cast: Any) -> None:
    spell = await cast(
        js='logger.info("it is hunter2hunter2", { n: 1 })',
        flags={"log.format": "json"},
        environ={"MY_PASSWORD": "hunter2hunter2"},
    )
    assert json.loads(spell.output["err"]) == {"level": "info", "message": "it is ***", "n": 1}


@both
@pytest.mark.mission(147)
async def test_names_are_unique_and_the_same_in_a_replay(cast: Any, tmp_path: Path, language: str) -> None:
    source = {"lua": "return { uuid.generate(), uuid:generate() }", "js": "return [uuid.generate(), uuid.generate()];"}
    first = await cast(**{language: source[language]})
    one, other = first.value
    assert one != other
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", each)
        for each in (one, other)
    )
    recording = Recording.load(stored(tmp_path, first), values.unpack)
    assert (await cast(**{language: source[language]}, replay=recording)).value == first.value


@both
@pytest.mark.parametrize("script", [MEASURES, LOGS], ids=["measures", "logs"])
async def test_a_replay_measures_and_logs_the_same(
    cast: Any, tmp_path: Path, language: str, script: dict[str, str]
) -> None:
    first = await cast(**{language: script[language]})
    recording = Recording.load(stored(tmp_path, first), values.unpack)
    again = await cast(**{language: script[language]}, replay=recording)
    assert again.events == first.events and again.value == first.value


@both
@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('increment("", {})', "name"),
        ('increment("x", {}, -1)', "cannot go down"),
        ('gauge("taken", 1)', "is a counter already"),
        ('increment("llmspell_x")', "runtime's own"),
        ('histogram("x", 1, { deep = { 1 } })', "must be a text"),
        ('histogram("x", "many")', "number"),
        ('export("xml")', "prometheus"),
    ],
)
async def test_mistakes_are_told(cast: Any, language: str, call: str, said: str) -> None:
    written = call if language == "lua" else call.replace("deep = { 1 }", "deep: [1]")
    error = (await cast(**{language: f'metrics.increment("taken")\nmetrics.{written}'})).result.error
    assert error.type == "invalid_argument" and said in f"{error.message} {error.hint}" and error.source.endswith(":2")


async def test_labels_without_end_are_counted_together_and_said_so(cast: Any) -> None:
    spell = await cast(
        lua="for n = 1, 1010 do metrics:increment('visits', { user = n }) end local s = metrics:snapshot() return { s.counters.visits, #s.series }"
    )
    assert spell.value == [1010, SERIES + 1]
    (warning,) = spell.of("warning")
    assert "'visits' has more than 1000 combinations" in warning.data["message"]


NAME = st.text(min_size=1, max_size=12)
VALUE = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(10**6), 10**6)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["counter", "gauge", "histogram"]), NAME, VALUE, st.dictionaries(NAME, NAME, max_size=3)
        ),
        max_size=12,
    )
)
def test_whatever_is_recorded_reads_back_from_the_text(records: list[tuple[Any, str, float, dict[str, str]]]) -> None:
    metrics, kept = Metrics(), 0
    for kind, name, value, labels in records:
        kept += metrics.record(About(kind, "Line one\nand \\ two."), name, abs(value), labels_of(labels)) is not None
    text = exposition(metrics, {"run": 'a"b\\c\nd'})
    types, samples = parsed(text)
    assert samples["llmspell_run_info", (("run", 'a"b\\c\nd'),)] == 1
    assert len(types) == len(metrics.families) + 1
    measured = sum(
        value
        for (name, _), value in samples.items()
        if types.get(name.removesuffix("_count")) == "histogram" and name.endswith("_count")
    )
    wanted = sum(1 for kind, name, *_ in records if kind == "histogram" and metrics.kind_of(name) == "histogram")
    assert measured == wanted


def test_series_beyond_the_limit_go_under_the_agreed_label() -> None:
    metrics, about = Metrics(), About("counter", "x")
    for number in range(SERIES + 5):
        metrics.record(about, "n", 1, (("i", str(number)),))
    assert metrics.families["n"].series[OVERFLOW] == 5 and metrics.families["n"].overflowed
