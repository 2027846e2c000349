"""What is made of a model: bars, boxes, figures by line and by kind, two runs side by side, the SVG picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from llmspell.events.event import Event
from llmspell_tui.app.picture import picture
from llmspell_tui.model.diff import diff, diverge, side_by_side
from llmspell_tui.model.flame import flame
from llmspell_tui.model.lines import line_figures, running_sites
from llmspell_tui.model.metrics import metrics, quantile
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.waterfall import waterfall
from llmspell_tui.theme import palette


@pytest.fixture
def research(stored: Callable[[str], Any]) -> RunModel:
    return stored("research").model()


def test_bars_fit_the_rows_on_the_screen_or_the_whole_run(research: RunModel) -> None:
    spans = research.spans
    rows = spans.rows(0, 40)
    whole = waterfall(research, rows, 60, axis="whole")
    assert whole.bars[0].start < 1
    assert whole.bars[0].width == pytest.approx(60, abs=1)
    late = rows[-8:]
    fit = waterfall(research, late, 60)
    innermost = [i for i in late if i not in {spans.parent(inner) for inner in late}]
    assert (fit.begin, fit.end) == (min(map(spans.started, innermost)), max(spans.ended(i) or 0.0 for i in innermost))
    assert fit.end - fit.begin < whole.end - whole.begin
    assert all(0 <= bar.start <= 60 and bar.start + bar.width <= 60.000001 for bar in (*whole.bars, *fit.bars))
    assert fit.time_at(60, 60) == fit.end
    assert waterfall(research, [], 0).bars == ()
    research.moment = spans.first(rows[10])
    then = {bar.span: bar.status for bar in waterfall(research, spans.rows(0, 40), 60).bars}
    assert then[rows[10]] == "running"
    assert len(then) < len(rows)


@pytest.mark.parametrize("by", ["time", "tokens", "cost"])
def test_boxes_lie_inside_the_box_around_them(research: RunModel, by: Any) -> None:
    priced = RunModel()
    usage = {"input_tokens": 5, "output_tokens": 5, "cost": 0.5}
    tree = [(1, 0, "spell"), (2, 1, "execution"), (3, 2, "llm_call"), (4, 2, "llm_call"), (5, 1, "tool")]
    priced.add([Event(n, n * 10.0, f"{kind}_started", "start", n, p, "x", "", {}) for n, p, kind in tree])
    priced.add(
        [
            Event(20 - n, 200.0 - n, f"{kind}_completed", "end", n, p, "x", "", {"usage": usage})
            for n, p, kind in reversed(tree)
        ]
    )
    for model in (research, priced):
        boxes = flame(model.spans, by=by)
        if model is research and by == "cost":
            assert boxes == []  # the offline model costs nothing
            continue
        assert boxes[0].depth == 0
        assert boxes[0].width == pytest.approx(1.0)
        for box in boxes[1:]:
            assert any(
                outer.depth == box.depth - 1
                and outer.left <= box.left + 1e-9
                and box.left + box.width <= outer.left + outer.width + 1e-9
                for outer in boxes
            )
    two = next(box for box in flame(priced.spans, by="tokens") if box.kind == "llm_call")
    assert (two.count, two.value, two.own) == (2, 20.0, 20.0)
    inner = flame(priced.spans, by="tokens", root=1)
    assert [(box.kind, box.width) for box in inner] == [("execution", 1.0), ("llm_call", 1.0)]


def test_what_ran_side_by_side_takes_the_room_of_both_and_is_told_as_it_was() -> None:
    model = RunModel()
    tree = [(1, 0, "spell", 0, 100), (2, 1, "execution", 10, 90), (3, 1, "tool", 10, 80)]
    starts = [(start, Event(0, start, f"{kind}_started", "start", n, p, kind, "", {})) for n, p, kind, start, _ in tree]
    ends = [(end, Event(0, end, f"{kind}_completed", "end", n, p, kind, "", {})) for n, p, kind, _, end in tree]
    told = sorted((*starts, *ends), key=lambda pair: pair[0])
    model.add([dataclasses.replace(event, seq=seq) for seq, (_, event) in enumerate(told, 1)])
    boxes = {box.kind: box for box in flame(model.spans)}
    assert {kind: (box.value, box.own) for kind, box in boxes.items()} == {
        "spell": (100.0, 0.0),
        "execution": (80.0, 80.0),
        "tool": (70.0, 70.0),
    }
    assert boxes["execution"].width == pytest.approx(80 / 150) and boxes["tool"].left == pytest.approx(80 / 150)


def test_a_line_bears_what_its_own_calls_cost(research: RunModel) -> None:
    figures = line_figures(research)
    assert sum(line.tokens for line in figures.values()) == research.tokens
    assert sum(line.spans for line in figures.values()) == sum(
        1 for i in range(len(research.spans)) if research.spans.site(i)
    )
    assert sum(line.errors for line in figures.values()) == research.errors
    assert all(line.running == 0 for line in figures.values())
    assert running_sites(research) == []
    research.moment = 20
    site = running_sites(research)
    assert site
    assert site[0].startswith("examples/research/spell.lua:")
    assert line_figures(research)[site[0]].running > 0


def test_metrics_add_up(research: RunModel) -> None:
    by_model = metrics(research.spans, "model")
    assert [(metric.name, metric.calls, metric.tokens) for metric in by_model] == [
        ("offline", research.calls, research.tokens)
    ]
    by_agent = {metric.name: metric for metric in metrics(research.spans, "agent")}
    assert sum(metric.tokens for metric in by_agent.values()) == research.tokens
    assert {metric.calls for metric in by_agent.values()} == {1}
    tools = {metric.name: metric for metric in metrics(research.spans, "tool")}
    assert tools["file_system"].errors == 1
    assert tools["file_system"].p50 is not None
    assert sum(metric.calls for metric in metrics(research.spans, "kind")) == len(research.spans)
    assert quantile([], 0.5) is None
    assert [quantile([3.0, 1.0, 2.0, 4.0], share) for share in (0.5, 0.95, 0.0)] == [2.0, 4.0, 1.0]


def test_a_run_is_the_same_as_itself(stored: Callable[[str], Any]) -> None:
    run = stored("research")
    found = diff(run.model(), run.model(), diverge(run.events, run.events))
    assert found.divergence is None
    assert found.first_row is None
    assert found.left == found.right
    rows = run.model().spans.rows(0, 1000)
    assert [row.left for row in found.rows] == [row.right for row in found.rows] == rows


def test_a_spell_is_the_same_one_by_whatever_path_it_was_started(stored: Callable[[str], Any]) -> None:
    run = stored("research")
    label, elsewhere = run.events[0].name, f"/home/ada/{run.events[0].name}"
    moved = [
        dataclasses.replace(event, name=event.name.replace(label, elsewhere), site=event.site.replace(label, elsewhere))
        for event in run.events
    ]
    other = RunModel()
    other.add(moved)
    found = diff(run.model(), other)
    assert label.endswith(".lua") and other.spans.name(0) == elsewhere
    assert {row.sign for row in found.rows} == {"same"} and len(found.rows) == len(other.spans)


def test_two_runs_are_paired_by_structure(stored: Callable[[str], Any]) -> None:
    run = stored("research")
    csv = next(e for e in run.events if e.kind == "tool_called" and e.name == "csv")
    changed = [event for event in run.events if event.span != csv.span]
    end = next(at for at, event in enumerate(changed) if event.kind == "llm_call_completed")
    usage = {**changed[end].data["usage"], "output_tokens": 999}
    changed[end] = dataclasses.replace(changed[end], data={**changed[end].data, "usage": usage})
    other = RunModel()
    other.add(changed)
    found = diff(run.model(), other, diverge(run.events, changed))
    left = run.model().spans
    signs = {left.index(row.left + 1) if row.left is not None else None: row for row in found.rows}
    assert [left.name(row.left) for row in found.rows if row.sign == "left" and row.left is not None] == ["csv"]
    assert sum(row.sign == "changed" for row in found.rows) == 1
    assert signs[0].sign == "same"
    assert signs[0].differs_within
    assert found.divergence is not None
    assert found.divergence.one is not None
    assert any("output_tokens" in path for path in found.divergence.changes)
    assert found.right.spans == found.left.spans - 1
    back = diff(other, run.model())
    assert [row.sign for row in back.rows].count("right") == 1


def test_what_was_answered_from_a_recording_is_the_same(stored: Callable[[str], Any]) -> None:
    run = stored("research")
    again: list[Event] = []
    for event in run.events:
        data = dict(event.data)
        if event.kind == "llm_call_completed":
            data |= {"from_recording": True, "recorded_usage": data.pop("usage")}
        again.append(dataclasses.replace(event, data=data))
    free = RunModel()
    free.add(again)
    for one, other in ((run.model(), free), (free, run.model())):
        found = diff(one, other, diverge(run.events, again))
        assert found.divergence is None and found.first_row is None
        assert (found.left.tokens == 0) != (found.right.tokens == 0)


def test_prompts_stand_side_by_side() -> None:
    found = side_by_side(
        "You are kind.\nAnswer briefly.\nThanks.", "You are kind.\nAnswer at length.\nPlease.\nThanks."
    )
    assert [(line.left, line.right, line.sign) for line in found] == [
        ("You are kind.", "You are kind.", "same"),
        ("Answer briefly.", "Answer at length.", "changed"),
        (None, "Please.", "right"),
        ("Thanks.", "Thanks.", "same"),
    ]
    assert [line.sign for line in side_by_side("a\n" * 9000, "b\n" * 9000)][:2] == ["changed", "changed"]


def test_the_picture_is_svg_whatever_is_in_a_name(research: RunModel) -> None:
    model = RunModel("id", "<&\x00\ud800>")
    model.add([Event(1, 0.0, "tool_called", "start", 1, 0, '<script>"\x1b[31m\ud800', "", {})])
    for each, light in ((model, False), (research, True)):
        root = ElementTree.fromstring(picture(each, light=light).encode())
        bars = root.findall("{http://www.w3.org/2000/svg}g")
        assert len(bars) == each.spans.height
    for mode, light in (("dark", False), ("light", True)):
        drawn = picture(research, light=light)
        assert "✓ workflow research desk" in drawn and "✗ tool call file_system" in drawn
        assert palette(mode).colour("agent") in drawn and palette(mode).ground("plain") in drawn
    research.spans.fold_all(1)
    assert "file_system" not in picture(research)
