"""How a run is shown and exported: the tree at two widths, live and afterwards, OTLP, Chrome, and the commands."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.cli import trace
from llmspell.errors import StoreError, UsageError
from llmspell.events.event import Event
from llmspell.traces.chrome import chrome
from llmspell.traces.compare import first_divergence
from llmspell.traces.layout import Cells, Look, cells, count_text, duration_text, row
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.otlp import otlp
from llmspell.traces.tree import LiveTree, tree

Keep = Callable[..., Awaitable[Path]]
NewRun = Callable[..., RunMeta]


_TREE = """\
✓ spell research  {topic: "blue whales"} → {facts: 3}              2.61 s  2,555 $0.0127
├─ ✓ agent researcher  "Find three surpris… → "1. A blue whale's … 1.51 s  2,555 $0.0127  research.lua:12
│  ├─ ✓ llm gpt-4o-mini  "Find three surprisin… → calls web_search 274 ms    450 $0.0003  research.lua:12
│  │  └─ ↻ retry gpt-4o-mini  {attempt: 1, reason: "rate_limit"}
│  ├─ ✓ tool web_search  {query: "blue whal… → [{title: "Blue wha… 412 ms                 research.lua:12
│  │  └─ ✓ hook only_known_hosts  before_tool_c… → changed params… 137 ms
│  └─ ✓ llm gpt-4o-mini  tool result "2 pag… → "1. A blue whale's… 274 ms  2,105 $0.0124  research.lua:12
├─ › 1. A blue whale's heart …                                                            research.lua:14
├─ · state facts  nothing → 3                                                             research.lua:15
├─ ! warning agent 'researcher' replaces one of the same name                             research.lua:16
└─ ✗ tool file_system  permission: writing '/etc/facts.md' is not… 137 ms                 lib/report.lua:104
"""


def test_a_tree_says_what_happened(research: list[Event]) -> None:
    assert "".join(f"{line}\n" for line in tree(research, Look(width=110))) == _TREE


def test_a_line_of_what_hooks_changed_says_what_was_sent(research: list[Event]) -> None:
    request = {"messages": [{"role": "user", "content": "Find nothing"}]}
    sent = {"llm_call_completed": {"request": request}, "tool_completed": {"params": {"query": "red whales"}}}
    changed = [dataclasses.replace(event, data={**event.data, **sent.get(event.kind, {})}) for event in research]
    shown = [line for line in tree(changed, Look(width=110)) if "✓ llm" in line or "✓ tool web" in line]
    assert '"Find nothing"' in shown[0] and '"red wha' in shown[1]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("fancy", [True, False])
def test_no_line_is_wider_than_the_screen_and_figures_stand_in_columns(
    research: list[Event], width: int, fancy: bool
) -> None:
    lines = [*tree(research, Look(width=width, fancy=fancy, spell="research.lua"))]
    assert max(map(cells, lines)) <= width
    assert len({cells(line[: line.index("$")]) for line in lines if "$" in line}) == 1


def test_a_narrow_screen_leaves_out_the_spells_own_name(research: list[Event]) -> None:
    lines = [*tree(research, Look(width=80, spell="research.lua"))]
    assert lines[1].endswith("  :12")
    assert lines[-1].endswith("  …lua:104")


def test_what_a_model_says_cannot_steer_the_terminal(research: list[Event]) -> None:
    hostile = [
        dataclasses.replace(event, name=f"{event.name}\x1b]0;x\x07", site=f"{event.site}\x1b[2J") for event in research
    ]
    assert "\x1b" not in "".join(tree(hostile, Look(width=200)))
    text: list[str] = []
    live = LiveTree(text.append, Look(width=200))
    for event in hostile:
        live.add(event)
    assert "\x1b" not in "".join(text)


def test_colour_is_only_where_it_is_wanted(research: list[Event]) -> None:
    assert "\x1b[32m✓\x1b[0m" in next(tree(research, Look(colour=True)))
    assert "\x1b" not in "".join(tree(research, Look()))


def test_a_run_that_was_cut_off_shows_what_was_under_way(research: list[Event]) -> None:
    lines = [*tree(research[:5], Look(width=100))]
    assert [line.lstrip("├└│─ ")[:1] for line in lines] == ["…", "…", "…", "↻"]


def test_what_a_listener_prints_late_stands_in_its_span_all_the_same() -> None:
    """It is told of a tool's call and prints in its own time: the call may have ended meanwhile, or its agent."""

    def lines(*order: str) -> list[str]:
        text: list[str] = []
        log = EventLog()
        log.attach(LiveTree(text.append, Look(width=60)).add)
        log.emit("spell_started", phase="start", span=1, name="s")
        log.emit("execution_started", phase="start", span=2, parent=1, name="a", data={"agent_name": "a"})
        log.emit("tool_called", phase="start", span=3, parent=2, name="t", data={"tool_name": "t"})
        for each in order:
            match each:
                case "print":
                    log.emit("output", span=3, parent=2, name="out", data={"text": "heard"})
                case "tool":
                    log.emit("tool_completed", phase="end", span=3, name="t", data={"status": "ok"})
                case _:
                    log.emit("execution_completed", phase="end", span=2, name="a", data={"status": "ok"})
        log.emit("spell_completed", phase="end", span=1, name="s", data={"status": "ok"})
        return sorted(re.sub(r" +\d[\d.]* ms", "", line).rstrip() for line in text if "┄" not in line)

    in_time = lines("print", "tool", "agent")
    assert "│  │  │  › heard" in in_time
    assert lines("tool", "print", "agent") == in_time
    assert lines("tool", "agent", "print") == in_time


def test_a_live_tree_names_the_parent_again_where_runs_interleave() -> None:
    log, text = EventLog(lambda: 0.0), list[str]()
    log.attach(LiveTree(text.append, Look(width=60)).add)
    log.emit("spell_started", phase="start", name="s")
    one, other = log.new_span(), log.new_span()
    for span, name in ((one, "a"), (other, "b")):
        log.emit("execution_started", phase="start", span=span, parent=1, name=name)
    for span in (one, other, one):
        call = log.new_span()
        log.emit("llm_call_started", phase="start", span=call, parent=span, name="m")
        log.emit("llm_call_completed", phase="end", span=call, parent=span, data={"usage": {"input_tokens": 10}})
    for span in (one, other, 1):
        log.emit("execution_completed", phase="end", span=span)
    shown = [" ".join(line.replace("│", "").split()) for line in text]
    assert shown == [
        "▸ spell s",
        "▸ agent a",
        "✓ llm m 0.0 ms 10",
        "▸ agent b",
        "✓ llm m 0.0 ms 10",
        "┄ agent a",
        "✓ llm m 0.0 ms 10",
        "✓ agent a 0.0 ms 20",
        "✓ agent b 0.0 ms 10",
        "✓ spell s 0.0 ms 30",
    ]


@given(st.text(), st.integers(60, 200), st.booleans())
def test_a_row_never_spills_over(text: str, width: int, fancy: bool) -> None:
    look = Look(width=width, fancy=fancy)
    head = Cells().add("│  ", "dim").add(text)
    assert cells(row(head, look, duration=1.0, tokens=5, cost=0.1, site=text)) <= width


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        *[(0.04, "0.0 ms"), (9.94, "9.9 ms"), (9.96, "10 ms"), (999.6, "1.00 s"), (59_994, "59.99 s")],
        *[(61_000, "1m 01s"), (3_599_400, "59m 59s"), (3_720_000, "1h 02m"), (None, "")],
    ],
)
def test_times_are_short(milliseconds: float | None, text: str) -> None:
    assert duration_text(milliseconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, ""), (99_999, "99,999"), (150_400, "150k"), (999_499, "999k"), (999_500, "1.00M"), (123_456_789, "123M")],
)
def test_counts_fit_their_column(number: int, text: str) -> None:
    assert count_text(number) == text


async def test_otlp_says_what_the_format_asks_for(research: list[Event], new_run: NewRun) -> None:
    sent = otlp(new_run(run="1m817deymajcsv"), research)
    json.dumps(sent, allow_nan=False)
    (resource,) = sent["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "llmspell"}} in resource["resource"]["attributes"]
    (scoped,) = resource["scopeSpans"]
    assert scoped["scope"]["name"] == "llmspell"
    spans = {span["spanId"]: span for span in scoped["spans"]}
    assert len(spans) == 7
    for span in spans.values():
        assert len(bytes.fromhex(span["traceId"])) == 16
        assert len(bytes.fromhex(span["spanId"])) == 8
        assert int(span["startTimeUnixNano"]) < int(span["endTimeUnixNano"])
        assert span["kind"] in (1, 3)
        assert span["status"].get("code") in (1, 2)
        assert set(span) <= {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano"} | {
            *("endTimeUnixNano", "attributes", "events", "status")
        }
        for attribute in span["attributes"]:
            assert len(attribute["value"]) == 1
            assert {*attribute["value"]} <= {"stringValue", "boolValue", "intValue", "doubleValue", "arrayValue"}
    names = [span["name"] for span in scoped["spans"]]
    assert names[:4] == ["spell research", "invoke_agent researcher", "chat gpt-4o-mini", "execute_tool web_search"]
    assert {span["parentSpanId"] for span in spans.values() if "parentSpanId" in span} < set(spans)
    chat = _attributes(scoped["spans"][2])
    assert chat["gen_ai.operation.name"] == "chat"
    assert chat["gen_ai.provider.name"] == "openai"
    assert chat["gen_ai.request.model"] == "gpt-4o-mini"
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == ("412", "38")
    assert chat["gen_ai.response.finish_reasons"] == {"values": [{"stringValue": "tool_calls"}]}
    assert json.loads(chat["gen_ai.input.messages"])[0]["parts"][0]["type"] == "text"
    assert json.loads(chat["gen_ai.output.messages"])[0]["parts"][0]["name"] == "web_search"
    assert (chat["code.file.path"], chat["code.line.number"]) == ("research.lua", "12")
    failed = scoped["spans"][-1]
    assert failed["status"] == {"code": 2, "message": "permission: writing '/etc/facts.md' is not allowed"}
    assert _attributes(failed)["error.type"] == "permission"


def _attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {attribute["key"]: next(iter(attribute["value"].values())) for attribute in span["attributes"]}


def test_chrome_events_nest_within_their_lanes(new_run: NewRun) -> None:
    moments = iter(range(1000))
    log, events = EventLog(lambda: float(next(moments))), list[Event]()
    log.attach(events.append)
    log.emit("spell_started", phase="start", name="s")
    spans = [log.new_span() for _ in range(4)]
    for span in spans:
        log.emit("llm_call_started", phase="start", span=span, parent=1, name="m")
    for span in spans:
        log.emit("llm_call_completed", phase="end", span=span, parent=1)
    log.emit("output", data={"text": "x"})
    log.emit("spell_completed", phase="end")
    exported = chrome(new_run(), events)
    json.dumps(exported, allow_nan=False)
    complete = [entry for entry in exported["traceEvents"] if entry["ph"] == "X"]
    assert len(complete) == 5
    assert {entry["ph"] for entry in exported["traceEvents"]} == {"M", "X", "i"}
    for one in complete:
        for other in complete:
            if one is not other and one["tid"] == other["tid"]:
                a, b = (one["ts"], one["ts"] + one["dur"]), (other["ts"], other["ts"] + other["dur"])
                apart = a[1] <= b[0] or b[1] <= a[0]
                inside = (a[0] <= b[0] and b[1] <= a[1]) or (b[0] <= a[0] and a[1] <= b[1])
                assert apart or inside


def test_two_runs_differ_first_where_they_do(research: list[Event]) -> None:
    later = [
        dataclasses.replace(event, time=event.time + 5, data={**event.data, "duration": at})
        for at, event in enumerate(research)
    ]
    assert first_divergence(research, later) is None
    changed = [*later]
    changed[6] = dataclasses.replace(
        later[6], data={**later[6].data, "params": {"query": "blue whale facts", "limit": 4}}
    )
    found = first_divergence(research, changed)
    assert found is not None
    assert found.changes == {"data.params.limit": (3, 4)}
    short = first_divergence(research, later[:3])
    assert short is not None
    assert (short.one, short.other) == (research[3], None)


def test_the_folder_a_spell_was_started_from_is_no_difference() -> None:
    def run(folder: str, said: str) -> list[Event]:
        log, events = EventLog(lambda: 0.0), list[Event]()
        log.attach(events.append)
        log.emit("spell_started", phase="start", span=1, name=f"{folder}a.lua", data={"spell": f"{folder}a.lua"})
        log.emit("output", span=1, site=f"{folder}lib/b.lua:3", data={"text": said, "handler": f"{folder}a.lua:7"})
        return events

    assert first_divergence(run("", "hi"), run("/home/ada/spells/", "hi")) is None
    assert first_divergence(run("spells/", "hi"), run("/home/ada/spells/", "hi")) is None
    found = first_divergence(run("spells/", "hi"), run("/home/ada/spells/", "ho"))
    assert found is not None and found.changes == {"data.text": ("hi", "ho")}


def test_what_was_answered_from_a_recording_is_no_difference_and_an_edited_call_is_its_request() -> None:
    log, events = EventLog(lambda: 0.0), list[Event]()
    log.attach(events.append)
    asked = {"system": "Be kind.", "messages": [{"role": "user", "content": "hi"}]}
    usage = {"input_tokens": 3, "output_tokens": 2, "cost": 0.5}
    for call in ("call_7", "call_9"):
        span = log.new_span()
        log.emit("llm_call_started", phase="start", span=span, parent=1, name="m", data={"request": asked})
        answer = {"response": "", "tool_calls": [{"id": call, "name": "csv"}], "usage": usage}
        log.emit("llm_call_completed", phase="end", span=span, parent=1, data=answer)
    answer = events[1].data | {"tool_calls": [{"id": "toolu_1", "name": "csv"}], "from_recording": True}
    del answer["usage"]
    free = dataclasses.replace(events[1], data=answer | {"recorded_usage": usage})
    assert first_divergence(events, [events[0], free, *events[2:]]) is None
    sent = {"request": asked | {"system": "Be brief."}, "edited": ["system"], "usage": usage | {"cost": 0.25}}
    edited = dataclasses.replace(events[3], data=events[3].data | sent)
    found = first_divergence(events, [events[0], free, events[2], edited])
    assert found is not None and found.other is edited
    assert next(iter(found.changes.items())) == ("data.request.system", ("Be kind.", "Be brief."))
    assert list(found.changes) == ["data.request.system", "data.usage.cost", "data.edited"]


@pytest.fixture
def command(data: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """`llmspell trace …` on the test's data folder: exit code and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        trace.configure(parser)
        code = trace.run(parser.parse_args([words[0], "--data", str(data), *words[1:]]))
        return code, capsys.readouterr().out

    return run


async def test_the_commands_read_what_was_stored(
    keep: Keep, research: list[Event], new_run: NewRun, command: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    path = await keep(research, new_run(run="1m817deymajcsv"))
    await keep(research[:-1], new_run("other.lua", run="1m917deymajcsv"))
    code, table = command("list")
    assert code == 0
    assert [line.split()[0] for line in table.splitlines()] == ["run", "1m817deymajcsv", "1m917deymajcsv"]
    assert [run["id"] for run in json.loads(command("list", "--json")[1])] == ["1m817deymajcsv", "1m917deymajcsv"]
    shown = command("show", "1m8")[1].splitlines()
    assert shown[0].startswith("run 1m817deymajcsv  research.lua  ok")
    assert len(shown) == 13
    assert len(json.loads(command("show", str(path), "--json")[1])["spans"]) == 7
    lines = command("show", "1m8", "--events")[1].splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [*range(1, len(research) + 1)]
    assert command("export", "1m8")[1].splitlines() == lines
    assert command("export", "1m8", "--format", "otlp", "-o", str(tmp_path / "o.json")) == (0, "")
    assert json.loads((tmp_path / "o.json").read_text())["resourceSpans"]
    assert json.loads(command("export", "1m8", "--format", "chrome")[1])["traceEvents"]
    code, said = command("diff", "1m8", "last")
    assert code == 1
    assert f"the second ends before event {len(research)} of the first: spell_completed research" in said
    assert command("diff", "1m8", "1m8")[0] == 0
    assert command("audit", "verify", "1m8")[1] == "0 records of run 1m817deymajcsv: the chain is whole\n"
    with pytest.raises(UsageError, match="say which"):
        command("rm")
    assert command("rm", "1m8") == (0, "removed 1 run\n")
    with pytest.raises(StoreError, match="no run '1m8'"):
        command("show", "1m8")


async def test_following_an_ended_run_plays_it_back(
    keep: Keep, research: list[Event], command: Callable[..., tuple[int, str]]
) -> None:
    await keep(research)
    _, lines = await asyncio.to_thread(command, "follow", "--json", "--from", "3")
    assert [json.loads(line)["seq"] for line in lines.splitlines()] == [*range(3, len(research) + 1)]
    _, text = await asyncio.to_thread(command, "follow")
    assert text.splitlines()[0].startswith("▸ spell research")
    assert text.splitlines()[-1].startswith("✓ spell research")
