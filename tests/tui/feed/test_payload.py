"""What the inspector and the list of runs get from files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.traces.runs import Runs
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.feed.runs import RunList
from llmspell_tui.model.messages import conversation
from llmspell_tui.model.run import RunModel


@pytest.fixture
def research(stored: Callable[[str], Any]) -> tuple[RunModel, Payloads]:
    run = stored("research")
    return run.model(), Payloads(run.path)


def _of(model: RunModel, kind: str, name: str) -> list[int]:
    spans = model.spans
    return [i for i in range(len(spans)) if (spans.kind(i), spans.name(i)) == (kind, name)]


def test_a_spans_payload_is_its_events_and_what_happened_in_it(research: tuple[RunModel, Payloads]) -> None:
    model, payloads = research
    spans = model.spans
    i = _of(model, "workflow", "research desk")[0]
    found = payloads.span(spans.number(i), spans.first(i), spans.last(i))
    assert found.start is not None
    assert found.end is not None
    assert found.start.data["workflow_name"] == "research desk"
    assert found.end.data["output"].startswith("output/report.md")
    assert [event.kind for event in found.inner].count("workflow_progress") > 1
    assert {event.span for event in found.inner} == {spans.number(i)}
    assert not found.more
    assert payloads.event(10**6) is None
    payloads.close()


def test_a_text_is_found_in_payloads_whatever_its_case(research: tuple[RunModel, Payloads]) -> None:
    model, payloads = research
    spans = model.spans
    seen: list[tuple[int, int]] = []
    found = payloads.search("EMBARGOED", lambda done, total: not seen.append((done, total)))
    names = {spans.name(i) for number in found if (i := spans.index(number)) is not None}
    assert "file_system" in names
    assert seen[-1] == (model.events, model.events)
    assert payloads.search("100% sure_") == set()
    assert payloads.search("cooler: 33.5 °C against") != set()
    assert payloads.search("") == set()


def test_a_conversation_is_that_of_its_moment(research: tuple[RunModel, Payloads]) -> None:
    model, payloads = research
    spans = model.spans
    calls = [i for i in range(len(spans)) if spans.kind(i) == "llm_call" and spans.agent(i) == "analyst"]
    seqs = sorted(seq for i in calls for seq in (spans.first(i), spans.last(i)))
    whole = conversation(payloads.events(seqs))
    assert [message.role for message in whole] == [
        "system", "user", "assistant", "tool", "assistant", "tool", "assistant",
    ]  # fmt: skip
    assert [call.name for message in whole for call in message.calls] == ["csv", "calculator"]
    assert whole[1].seq == spans.first(calls[0]) < whole[3].seq
    early = conversation(payloads.events(seqs[:2]))
    assert early[:2] == whole[:2]
    assert len(early) == 3


async def test_runs_are_followed_the_live_ones_first(stored: Callable[[str], Any], tmp_path: Path) -> None:
    first, second = stored("research"), stored("hooks")
    (tmp_path / "runs").mkdir()
    shutil.copy(first.path, tmp_path / "runs")
    lists = RunList([tmp_path, tmp_path / "none"]).followed(look=0.01)
    assert [run.meta.label for run in await anext(lists)] == ["examples/research/spell.lua"]
    news = asyncio.ensure_future(anext(lists))
    shutil.copy(second.path, tmp_path / "runs")
    found = await asyncio.wait_for(news, 20)
    assert {run.path.name for run in found} == {first.path.name, second.path.name}
    assert [run.meta.started for run in found] == sorted((run.meta.started for run in found), reverse=True)
    gone = asyncio.ensure_future(anext(lists))
    Runs(tmp_path).remove([found[0].meta.id])
    assert [run.path for run in await asyncio.wait_for(gone, 20)] == [found[1].path]
    await lists.aclose()
