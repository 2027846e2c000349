"""Spans reach a collector while the run goes, with the events' own times and OpenTelemetry's names; or nobody at all."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmspell.errors import SettingsError
from llmspell.traces import otel
from llmspell.traces.otel import Export
from llmspell.traces.otlp import otlp
from llmspell.traces.reader import RunFile

if TYPE_CHECKING:
    from conftest import Collector

both = pytest.mark.parametrize("language", ["lua", "js"])


def stored(folder: Path, spell: Any) -> Path:
    """The file of a run."""
    return next(folder.rglob(f"{spell.result.run_id}.db"))


ASKS = {
    "lua": 'local agent = Agent.new{ name = "ada", tools = { Calculator.new() } }\nreturn agent:chat("What is 2 + 2?")',
    "js": 'const agent = new Agent({ name: "ada", tools: [new Calculator()] });\nreturn await agent.chat("What is 2 + 2?");',
}


@both
@pytest.mark.mission(144)
async def test_a_collector_gets_each_span_with_its_times_parents_and_tokens(
    cast: Any, model: Any, collector: Collector, language: str
) -> None:
    spell = await cast(**{language: ASKS[language]}, model=model, flags={"otel.endpoint": collector.url})
    assert spell.value and spell.output["err"] == ""
    assert {path for path, _, _ in collector.requests} == {"/v1/traces"}
    assert {headers["content-type"] for _, headers, _ in collector.requests} == {"application/x-protobuf"}
    spans = {span.name: span for span in collector.spans}
    assert spans.keys() >= {"invoke_agent ada", "chat test", "execute_tool calculator"}
    starts = {event.span: event for event in spell.events if event.phase == "start"}
    ends = {event.span: event for event in spell.events if event.phase == "end"}
    assert len(collector.spans) == len(starts)
    times = sorted((span.start_time_unix_nano, span.end_time_unix_nano) for span in collector.spans)
    assert times == sorted((round(starts[n].time * 1000) * 1000, round(ends[n].time * 1000) * 1000) for n in starts)
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    assert root.name.startswith("spell ") and spans["invoke_agent ada"].parent_span_id == root.span_id
    assert {span.trace_id for span in collector.spans} == {root.trace_id} and len(root.trace_id) == 16
    asked, chat = (collector.attributes(span.attributes) for span in collector.spans if span.name == "chat test")
    assert asked["gen_ai.response.finish_reasons"] == ["tool_calls"] and chat["gen_ai.response.finish_reasons"] == [
        "stop"
    ]
    assert json.loads(asked["gen_ai.output.messages"])[0]["parts"][0]["name"] == "calculator"
    assert (chat["gen_ai.operation.name"], chat["gen_ai.provider.name"]) == ("chat", "openai")
    assert chat["gen_ai.usage.input_tokens"] > 0 and chat["gen_ai.usage.output_tokens"] > 0
    assert "4" in json.loads(chat["gen_ai.output.messages"])[0]["parts"][0]["content"]
    (about,) = {
        tuple(sorted(collector.attributes(each.resource_spans[0].resource.attributes).items()))
        for each in collector.exports
    }
    assert dict(about)["service.name"] == "llmspell" and dict(about)["llmspell.run.id"] == spell.result.run_id


@pytest.mark.mission(144)
async def test_what_is_sent_and_what_is_exported_later_are_the_same_spans(
    cast: Any, model: Any, collector: Collector, tmp_path: Path
) -> None:
    spell = await cast(lua=ASKS["lua"], model=model, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url + "/"})
    with RunFile(stored(tmp_path, spell)) as file:
        written = otlp(file.meta(), file.events())["resourceSpans"][0]["scopeSpans"][0]["spans"]
    later = {
        (
            span["traceId"],
            span["spanId"],
            span.get("parentSpanId", ""),
            span["name"],
            span["kind"],
            span["startTimeUnixNano"],
            span["endTimeUnixNano"],
            len(span["events"]),
            span["status"]["code"],
        )
        for span in written
    }
    sent = {
        (
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.name,
            span.kind,
            str(span.start_time_unix_nano),
            str(span.end_time_unix_nano),
            len(span.events),
            span.status.code,
        )
        for span in collector.spans
    }
    assert sent == later


async def test_spans_arrive_while_the_run_still_goes(cast: Any, collector: Collector) -> None:
    """The spell ends only when the collector has had a span: it asks until a file says so."""
    seen: list[int] = []

    def on_output(event: Any) -> None:
        seen.append(len(collector.requests))

    spell = await cast(
        lua="""
            Agent.new{ name = "ada" }:chat("Hi")
            for _ = 1, 200 do print("looking") Async.sleep(50) if #eventBus.history("output").events > 40 then break end end
        """,
        flags={"otel.endpoint": collector.url},
        on_output=on_output,
    )
    assert spell.result.error is None
    assert seen[0] == 0 and seen[-1] >= 1, "what had ended was sent before the spell had"


async def test_failures_are_told_with_their_type(cast: Any, collector: Collector) -> None:
    spell = await cast(
        js='Tool.define({ name: "t", description: "x", execute() { throw new Error("broken"); } }).execute({})',
        flags={"otel.endpoint": collector.url},
    )
    assert spell.result.status == "error"
    (tool,) = [span for span in collector.spans if span.name == "execute_tool t"]
    assert tool.status.code == 2 and "broken" in tool.status.message
    assert collector.attributes(tool.attributes)["error.type"]


async def test_nothing_is_sent_unless_it_was_asked_for(cast: Any, model: Any, collector: Collector) -> None:
    await cast(lua=ASKS["lua"], model=model)
    for switch in ({"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}):
        await cast(lua=ASKS["lua"], model=model, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **switch})
    assert collector.requests == []


async def test_a_replay_tells_no_collector(cast: Any, collector: Collector, tmp_path: Path) -> None:
    from llmspell.engines import values
    from llmspell.traces.recording import Recording

    first = await cast(lua="Async.sleep(1) return uuid.generate()")
    recording = Recording.load(stored(tmp_path, first), values.unpack)
    again = await cast(
        lua="Async.sleep(1) return uuid.generate()", replay=recording, flags={"otel.endpoint": collector.url}
    )
    assert again.value == first.value and collector.requests == []


async def test_secrets_and_contents_that_are_not_kept_are_not_sent(
    cast: Any, model: Any, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "llmspell.toml").write_text("[trace]\ncontent = false\n")
    spell = (
        'Agent.new{ name = "ada" }:chat("the word is swordfish") eventBus.emit("told", { text = "swordfish", n = 3 })'
    )
    assert (await cast(lua=spell, model=model, flags={"otel.endpoint": collector.url})).result.error is None
    assert collector.requests and not any(b"swordfish" in body for _, _, body in collector.requests)
    (tmp_path / "llmspell.toml").write_text("")
    collector.requests.clear()
    await cast(lua=spell, model=model, flags={"otel.endpoint": collector.url}, environ={"SOME_PASSWORD": "swordfish"})
    assert collector.requests and not any(b"swordfish" in body for _, _, body in collector.requests)


async def test_a_collector_that_is_not_there_costs_one_line(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "_PATIENCE", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        spell = await cast(lua="return 1", flags={"otel.endpoint": url})
    assert spell.value == 1
    (line,) = spell.output["err"].splitlines()
    assert line.startswith("llmspell: ") and ("sent" in line or "taken" in line)
    assert url in line and "Traceback" not in line


async def test_a_collector_that_refuses_is_named_with_what_was_lost(cast: Any, collector: Collector) -> None:
    collector.status = 400
    spell = await cast(lua="return 1", flags={"otel.endpoint": collector.url})
    assert spell.value == 1 and "1 spans could not be sent" in spell.output["err"] and "400" in spell.output["err"]


async def test_exports_of_two_runs_at_once_hear_each_their_own(
    cast: Any, collector: Collector, another: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    """The first is refused while the second waits for its answer, which comes when the first has ended."""
    for each, status in ((collector, 400), (another, 403)):
        each.status = status
        each.answers.clear()
    first = asyncio.create_task(cast(lua="return 1", flags={"otel.endpoint": collector.url}))
    assert await asyncio.to_thread(collector.came.wait, 60)
    second = asyncio.create_task(cast(lua="return 1", flags={"otel.endpoint": another.url}))
    assert await asyncio.to_thread(another.came.wait, 60)
    collector.answers.set()
    said = [(await first).output["err"]]
    another.answers.set()
    said.append((await second).output["err"])
    assert "400" in said[0] and "403" in said[1]
    assert caplog.messages == []


async def test_a_machine_that_is_slow_to_import_is_no_slow_collector(
    cast: Any, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends, close, closing = Export._send_all, Export.close, threading.Event()

    def slow(export: Export) -> None:
        assert closing.wait(60)
        time.sleep(0.1)  # the import
        monkeypatch.setattr(otel, "_PATIENCE", 60)
        sends(export)

    def closed(export: Export) -> str:
        closing.set()
        return close(export)

    monkeypatch.setattr(otel, "_PATIENCE", 0.01)
    monkeypatch.setattr(Export, "_send_all", slow)
    monkeypatch.setattr(Export, "close", closed)
    spell = await cast(lua="return 1", flags={"otel.endpoint": collector.url})
    assert len(collector.spans) == 1 and spell.output["err"] == ""


async def test_an_address_that_is_none_is_refused_before_anything_runs(cast: Any) -> None:
    with pytest.raises(SettingsError, match="no address"):
        await cast(lua="print('never')", flags={"otel.endpoint": "localhost:4318"})


WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from llmspell.cli.main import entry
sys.argv = ["llmspell", "run", *sys.argv[1:]]
entry()
"""


def test_a_missing_extra_is_one_clear_error_or_one_line(tmp_path: Path) -> None:
    (tmp_path / "spell.lua").write_text("print('ran')")
    (tmp_path / "llmspell.toml").write_text('[otel]\nendpoint = "http://127.0.0.1:9"\n')

    def run(**environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT, str(tmp_path / "spell.lua")],
            env={"HOME": str(tmp_path), "PATH": "", **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    asked = run()
    assert asked.returncode != 0 and asked.stdout == "" and "pip install 'llmspell[otel]'" in asked.stderr
    (tmp_path / "llmspell.toml").write_text("")
    inherited = run(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert (inherited.returncode, inherited.stdout) == (0, "ran\n")
    assert "pip install 'llmspell[otel]'" in inherited.stderr and "Traceback" not in inherited.stderr
