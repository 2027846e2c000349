"""States, hooks, points and the moments of a run, at any of its events."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.events.event import Event
from llmspell.traces.state_at import fold
from llmspell_tui.model import states as module
from llmspell_tui.model.control import said_before
from llmspell_tui.model.points import PointLog
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.states import StateHistory, differences
from llmspell_tui.model.timeline import Timeline
from llmspell_tui.model.updates import Batch, Complete, Page

_VALUES = st.recursive(
    st.one_of(st.none(), st.integers(0, 3), st.text(max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)),
    max_leaves=4,
)
_CHANGES = st.lists(
    st.tuples(st.sampled_from(["agent", "global"]), st.lists(st.sampled_from(["a", "b", 0]), max_size=3), _VALUES),
    max_size=30,
)


def _change(seq: int, scope: str, at: list[Any], value: Any) -> Event:
    data = {"scope": scope, "owner": "x" if scope == "agent" else "", "at": at, "value": value, "by": "writer"}
    return Event(
        seq, float(seq), "state_changed", "point", 1, 0, "", "s.lua:1", data | {"path": ".".join(map(str, at))}
    )


@settings(max_examples=150, deadline=None)
@given(_CHANGES, st.lists(st.integers(0, 70), max_size=12), st.integers(1, 7), st.integers(2, 5))
def test_states_at_any_moment_are_those_folded_from_the_beginning(
    changes: list[tuple[str, list[Any], Any]], asked: list[int], every: int, kept: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_EVERY", every)
        patch.setattr(module, "_KEPT", kept)
        history = StateHistory()
        expected: list[dict[str, Any]] = [{}]
        for at, (scope, path, value) in enumerate(changes):
            event = _change(2 * at + 1, scope, path, value)
            history.add(event)
            after = copy.deepcopy(expected[-1])
            fold(after, copy.deepcopy(event.data))
            expected.append(after)
        for seq in [*asked, None, *reversed(asked)]:
            count = len(changes) if seq is None else min(len(changes), (seq + 1) // 2)
            found = history.at(seq)
            assert found == expected[count]
            found.clear()  # it is the caller's own


def test_a_flood_of_changes_leaves_nothing_for_the_collector_to_look_at() -> None:
    history = StateHistory()
    history.add(_change(1, "global", ["k"], {"n": [0]}))
    before = len(gc.get_objects())
    for seq in range(2, 1002):
        history.add(_change(seq, "global", ["k"], {"n": [seq]}))
    assert len(gc.get_objects()) - before < 100
    assert history.at(500)["global"] == {"k": {"n": [500]}}
    assert [change.seq for change in history.between(990)[:2]] == [990, 991]


def test_who_changed_what_is_known() -> None:
    history = StateHistory()
    history.add(_change(3, "global", ["plan"], {"steps": [1]}))
    history.add(_change(7, "agent", ["plan"], {"x": 1}))
    history.add(_change(9, "global", ["plan"], {}))
    assert [change.seq for change in history.between(3, 7)] == [3, 7]
    assert [change.seq for change in history.between(4)] == [7, 9]
    assert history.at(8)["agent:x"] == {"plan": {"x": 1}}
    latest = history.latest("global", "plan.steps", 8)
    assert latest is not None
    assert (latest.seq, latest.by, latest.new) == (3, "writer", {"steps": [1]})
    newest = history.latest("global", "plan.steps.0")
    assert newest is not None
    assert newest.seq == 9
    assert history.latest("global", "planned") is None
    assert differences(history.at(3), history.at(9)) == {
        ("global", "plan", "steps"): ([1], None),
        ("agent:x",): (None, {"plan": {"x": 1}}),
    }


def test_a_model_scrubs_by_events_spans_states_and_hooks(stored: Callable[[str], Any]) -> None:
    model: RunModel = stored("research").model()
    line = Timeline(model)
    edges = sorted({seq for i in range(len(model.spans)) for seq in (model.spans.first(i), model.spans.last(i))})
    found, moment = [], 1
    while (after := line.later(moment, "span")) is not None:
        found.append(after)
        moment = after
    assert found == edges[1:-1]
    assert [line.earlier(seq, "span") for seq in edges[1:]] == edges[:-1]
    assert line.earlier(None, "span") == edges[-2]
    assert line.later(line.last - 1) is None
    assert line.earlier(1) == 1
    assert line.later(1, "hook") == model.hooks[0].seq
    assert line.later(1, "state") is None
    assert [line.at_share(line.share(seq)) for seq in range(1, line.last)] == [*range(1, line.last)]
    assert line.at_share(1.0) is None
    assert all(line.at_time(line.time(seq)) == seq for seq in edges[:-1])


def test_the_past_shows_no_future(stored: Callable[[str], Any]) -> None:
    whole: RunModel = stored("research").model()
    for moment in (1, 20, 47, 80):
        then: RunModel = stored("research").model(moment)
        whole.moment = moment
        one, other = whole.spans, then.spans
        assert one.height == other.height
        for i in one.rows(0, 1000):
            assert (one.status(i), one.error(i), one.tokens(i), one.cost(i), one.ended(i)) == (
                (other.status(i), other.error(i), other.tokens(i), other.cost(i), other.ended(i))
            )  # fmt: skip
        assert whole.states.at(moment) == then.states.at()
        assert whole.points.upto(moment) == len(then.points)
        assert whole.hooks.begun(moment) == len(then.hooks)


def _paid_for() -> list[Event]:
    """Ten agents whose calls end after one another; every third has no price, the last agent's are free of charge."""
    events = [Event(1, 0.0, "spell_started", "start", 1, 0, "s.lua", "", {})]

    def add(kind: str, phase: Any, span: int, parent: int, **data: Any) -> None:
        seq = len(events) + 1
        events.append(Event(seq, float(seq), kind, phase, span, parent, "m", "", data))

    for agent in range(2, 42, 4):
        add("execution_started", "start", agent, 1)
        for call in range(agent + 1, agent + 4):
            add("llm_call_started", "start", call, agent)
        for call in (agent + 2, agent + 1, agent + 3):
            price = None if call % 3 == 0 else 0.0 if agent == 38 else call / 8
            add("llm_call_completed", "end", call, agent, status="ok", usage={"input_tokens": call, "cost": price})
        add("execution_completed", "end", agent, 1, status="ok")
    return events


def test_back_and_forth_in_time_figures_are_those_of_the_moment() -> None:
    events, whole = _paid_for(), RunModel()
    whole.add(events)
    last = len(events)
    # From the end back, some way on, further back, from the beginning: by each way that figures are come by.
    for moment in (last - 1, last - 2, last - 9, last - 4, 60, 40, 44, 8, 1, 20, 13, last - 1, 45, 20):
        whole.moment = moment
        then = RunModel()
        then.add(events[:moment])
        for i in range(len(then.spans)):
            assert (whole.spans.tokens(i), whole.spans.cost(i)) == (then.spans.tokens(i), then.spans.cost(i))
        assert (whole.tokens, whole.cost) == (then.tokens, then.cost)


def test_hooks_say_what_they_changed_vetoed_and_asked_again() -> None:
    model = RunModel()
    place = ("hook_called", "start", 2, 1, "before_tool_call", "s.lua:6")

    def hook(seq: int, number: int, **data: Any) -> None:
        point = {"point": "before_tool_call", "handler": "s.lua:6"}
        kind, phase, _, parent, name, site = place
        start = Event(seq, 1.0 * seq, kind, phase, number, parent, name, site, point)  # pyright: ignore
        model.add([start, Event(seq + 1, 1.5 * seq, "hook_completed", "end", number, parent, name, site, point | data)])

    model.add([Event(1, 0.0, "tool_called", "start", 1, 0, "csv", "", {})])
    hook(2, 2, status="ok", changes={"params": {"n": 2}}, before={"params": {"n": 1}})
    hook(4, 3, status="veto", error={"type": "security", "message": "no"})
    hook(6, 4, status="ok", changes={"retry": True, "text": "x" * 5000}, before={"text": "y"})
    first, second, third = model.hooks
    assert [(change.name, change.before, change.after) for change in first.changes] == [("params", {"n": 1}, {"n": 2})]
    assert (first.duration, first.vetoed, first.retried) == (1.0, False, False)
    assert (second.vetoed, second.error) == (True, "security: no")
    assert third.retried
    assert not third.changes[1].whole
    assert len(str(third.changes[1].after)) < 5000
    assert [call.span for call in model.hooks.of(1)] == [2, 3, 4]
    assert [call.span for call in model.hooks.of(3)] == [3]


def test_an_answer_under_way_is_shown_until_it_has_ended() -> None:
    model = RunModel()
    model.add([Event(1, 0.0, "llm_call_started", "start", 1, 0, "m", "", {})])
    model.add([Event(n, 0.0, "llm_chunk", "point", 1, 0, "m", "", {"text": f"{n} "}) for n in (2, 3)])
    assert model.streaming(0) == "2 3 "
    assert len(model.points) == 0
    assert model.events == 3
    model.add([Event(4, 0.0, "llm_call_completed", "end", 1, 0, "m", "", {"status": "ok"})])
    assert model.streaming(0) == ""


def test_a_page_that_was_read_too_early_does_not_take_an_end_back() -> None:
    model = RunModel()
    model.add(
        [
            Event(1, 1.0, "spell_started", "start", 1, 0, "s.lua", "", {}),
            Event(2, 2.0, "spell_completed", "end", 1, 0, "s.lua", "", {"status": "ok"}),
        ]
    )
    model.take(Page("r", "s.lua", "", "lua", "running", 1.0, None, 2))
    assert (model.status, model.ended) == ("ok", 2.0)
    model.take(Page("r", "s.lua", "", "lua", "limit", 1.0, 3.0, 2))
    assert (model.status, model.ended) == ("limit", 3.0)


def test_who_started_a_run_says_that_it_has_ended_where_its_file_never_does() -> None:
    model = RunModel()
    model.add([Event(1, 5.0, "spell_started", "start", 1, 0, "s.lua", "", {})])
    model.close("error")
    model.take(Page("r", "s.lua", "", "lua", "running", 1.0, None, 1))
    assert (model.status, model.ended) == ("error", 5.0)


def test_a_replay_takes_as_long_as_what_it_repeats() -> None:
    """Its events have the recorded times, its page those of the day on which it was made."""
    model, day = RunModel(), 86_400_000.0
    page = Page("r1", "a.lua", "/a.lua", "lua", "running", day, None, 2, replayed=True)
    model.take(page)
    model.take(Batch([Event(1, 1000.0, "spell_started", "start", 1, 0, "a.lua", "", {})]))
    assert (model.began, model.ended) == (1000.0, None)
    model.take(Batch([Event(2, 3000.0, "spell_completed", "end", 1, 0, "a.lua", "", {"status": "ok"})]))
    model.take(replace(page, status="ok", ended=day + 50))
    model.take(Complete())
    assert (model.status, model.began, model.ended) == ("ok", 1000.0, 3000.0)


def test_a_question_is_shown_with_what_was_printed_for_it() -> None:
    log = PointLog()
    said = ["old", None, "one", "two", "three", "four", "five"]
    for seq, text in enumerate(said, 1):
        kind = "output" if text else "input_given"
        log.add(Event(seq, 0.0, kind, "point", 1, 0, "", "", {"text": text} if text else {}))
    log.add(Event(9, 0.0, "input_requested", "point", 1, 0, "", "", {"question": "well?"}))
    assert said_before(log) == ["two", "three", "four", "five"]
    assert said_before(log, 4) == ["one", "two"]
    assert said_before(log, 2) == []
