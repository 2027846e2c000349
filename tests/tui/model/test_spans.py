"""The span table shows what a naive tree shows, whatever events come and whatever is folded, filtered or scrubbed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.events.event import Event
from llmspell_tui.model import spans as module
from llmspell_tui.model.lines import line_figures, running_sites
from llmspell_tui.model.query import Query
from llmspell_tui.model.run import RunModel
from llmspell_tui.model.updates import Complete, SpanRows

_KINDS = ("spell_started", "llm_call_started", "tool_called", "execution_started", "never_heard_of", "")
_NAMES = ("", "a", "b", "weather")
_FIGURES = st.one_of(st.integers(0, 50), st.sampled_from([2**52, 2**70, -1, math.nan, math.inf, "many", None, True]))
#: Costs are sums of eighths, so that sums of them are exact in whatever order.
_COSTS = st.one_of(st.integers(0, 80).map(lambda n: n / 8), st.sampled_from([math.nan, -1.0, None, "dear"]))
_TIMES = st.one_of(st.integers(0, 1000).map(float), st.sampled_from([math.nan, math.inf, -1e300]))


@st.composite
def _events(draw: st.DrawFn, numbers: int = 9) -> list[Event]:
    found: list[Event] = []
    seq = 0
    for _ in range(draw(st.integers(1, 40))):
        seq += draw(st.sampled_from([0, 1, 1, 1, 2, 5])) if found else 1
        span = draw(st.one_of(st.integers(1, numbers), st.sampled_from([0, -3, 700, 2**40])))
        phase = draw(st.sampled_from(["start", "start", "end", "point"]))
        data: dict[str, Any] = {}
        if phase == "end":
            usage = {"input_tokens": draw(_FIGURES), "output_tokens": draw(_FIGURES), "cost": draw(_COSTS)}
            data = {
                "usage": draw(st.sampled_from([usage, usage, None, "none"])),
                "status": draw(st.sampled_from(["ok", "error", "cancelled", None, "veto"])),
                "error": draw(st.sampled_from([None, "it broke", "weather: no"])),
            }
        kind = draw(st.sampled_from(_KINDS)) if phase == "start" else "ended" if phase == "end" else "output"
        parent, name = draw(st.integers(0, numbers)), draw(st.sampled_from(_NAMES))
        found.append(Event(seq, draw(_TIMES), kind, phase, span, parent, name, "spell.lua:1", data))  # pyright: ignore
    return found


_QUERIES = {
    "kind:tool": lambda tree, node: node.kind == "tool",
    "-kind:llm": lambda tree, node: node.kind != "llm_call",
    "status:error": lambda tree, node: node.status == "error",
    "weather": lambda tree, node: "weather" in node.name or "weather" in node.error,
    "name:a,b": lambda tree, node: node.name in ("a", "b") or "a" in node.name,
    "tokens>20": lambda tree, node: sum(each.tokens for each in tree.within(node)) > 20,
    "cost>=1": lambda tree, node: (tree.cost(node, always=True) or 0.0) >= 1,
    "time>100ms": lambda tree, node: node.ended is not None and node.ended - node.started > 100,
    "depth<2 status:running": lambda tree, node: node.depth < 2 and node.status == "running",
}
_ACTIONS = st.one_of(
    st.tuples(st.just("toggle"), st.integers(0, 20)),
    st.tuples(st.just("fold_all"), st.sampled_from([None, 0, 1, 2])),
    st.tuples(st.just("moment"), st.one_of(st.none(), st.integers(0, 60))),
    st.tuples(st.just("filter"), st.sampled_from([None, *_QUERIES])),
    st.tuples(st.just("reveal"), st.integers(0, 20)),
)


def _act(model: RunModel, tree: Any, action: str, value: Any) -> None:
    spans = model.spans
    match action:
        case "toggle" if value < len(spans):
            spans.toggle(value)
            tree.nodes[value].folded = not tree.nodes[value].folded
        case "reveal" if value < len(spans):
            spans.reveal(value)
            node = tree.nodes[value]
            while node.parent is not None:
                node = node.parent
                node.folded = False
        case "fold_all":
            spans.fold_all(value)
            tree.fold_depth = value
            for node in tree.nodes:
                node.folded = value is not None and node.depth >= value
        case "moment":
            spans.moment = value
            tree.moment = value
        case "filter":
            spans.filter(None if value is None else Query.parse(value))
            tree.show = None if value is None else lambda node: _QUERIES[value](tree, node)
        case _:
            pass


def _check(model: RunModel, tree: Any) -> None:
    spans = model.spans
    assert len(spans) == len(tree.nodes)
    rows = tree.rows()
    places = {id(node): y for y, node in enumerate(rows)}
    assert spans.height == len(rows)
    assert [spans.number(i) for i in spans.rows(0, 1000)] == [node.number for node in rows]
    assert [spans.number(spans.row(y)) for y in range(spans.height)] == [node.number for node in rows]
    for i, node in enumerate(tree.nodes):
        assert spans.index(node.number) == i
        assert spans.place(i) == places.get(id(node))
        assert spans.depth(i) == node.depth
        assert (spans.kind(i), spans.name(i)) == (node.kind, node.name)
        assert spans.status(i) == (node.status if tree.over(node) else "running")
        assert spans.error(i) == (node.error if tree.over(node) else "")
        assert spans.ended(i) == (node.ended if tree.over(node) else None)
        assert spans.tokens(i) == tree.tokens(node)
        assert spans.cost(i) == tree.cost(node)
        assert spans.has_children(i) == any(map(tree.present, node.children))
        assert spans.found(i) == (tree.show is None or tree.show(node))
        path = spans.path(i)
        assert path == tree.path(node)
        assert spans.find(path) == i
    assert spans.total_tokens == sum(map(tree.tokens, tree.roots))
    assert spans.errors == sum(node.status == "error" for node in tree.nodes)
    assert [*spans.failures] == sorted(node.last for node in tree.nodes if node.status == "error")
    assert spans.running == sum(not node.last for node in tree.nodes)


@settings(max_examples=400, deadline=None)
@given(_events(), st.lists(_ACTIONS, max_size=6), st.data(), st.sampled_from([0, 20_000]))
def test_it_shows_what_a_naive_tree_shows(
    naive: type[Any], events: list[Event], actions: list[tuple[str, Any]], data: st.DataObject, far: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FAR", far)
        _shows_what_a_naive_tree_shows(naive, events, actions, data)


def _shows_what_a_naive_tree_shows(
    naive: type[Any], events: list[Event], actions: list[tuple[str, Any]], data: st.DataObject
) -> None:
    model, tree = RunModel("r"), naive()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), min_size=len(actions), max_size=len(actions))))
    begin = 0
    for cut, (action, value) in zip(cuts, actions):
        model.add(events[begin:cut])
        for event in events[begin:cut]:
            tree.add(event)
        begin = cut
        _act(model, tree, action, value)
        _check(model, tree)
    model.add(events[begin:])
    for event in events[begin:]:
        tree.add(event)
    _check(model, tree)


@settings(max_examples=150, deadline=None)
@given(_events(), st.lists(st.integers(0, 20), max_size=8), st.sampled_from([None, 1, 2]), st.integers(0, 40))
def test_folds_outlive_a_reload(events: list[Event], toggled: list[int], depth: int | None, cut: int) -> None:
    before = RunModel("one")
    before.add(events)
    before.spans.fold_all(depth)
    for i in toggled:
        if i < len(before.spans):
            before.spans.toggle(i)
    folds = before.spans.folds()
    after = RunModel("two")
    after.add(events[:cut])
    after.spans.restore(folds)
    after.add(events[cut:])
    assert after.spans.folds() == folds
    # A fold that hides nothing is no fold that anybody made.
    assert after.spans.rows(0, 1000) == before.spans.rows(0, 1000)


def _rows(model: RunModel) -> SpanRows:
    spans = model.spans
    every = range(len(spans))
    return SpanRows(
        number=[*map(spans.number, every)],
        parent=[0 if (parent := spans.parent(i)) is None else spans.number(parent) for i in every],
        kind=[*map(spans.kind, every)],
        name=[*map(spans.name, every)],
        site=[*map(spans.site, every)],
        status=[*map(spans.status, every)],
        started=[*map(spans.started, every)],
        ended=[*map(spans.ended, every)],
        first=[*map(spans.first, every)],
        last=[*map(spans.last, every)],
        tokens=[*map(spans.own_tokens, every)],
        cost=[*map(spans.own_cost, every)],
        error=[*map(spans.error, every)],
    )


def _as_begun(events: list[Event]) -> list[Event]:
    """The same with spans numbered in the order in which they began, as a run numbers them and its file sorts them."""
    told = RunModel()
    told.add(events)
    numbers = {told.spans.number(i): i + 1 for i in range(len(told.spans))}

    def of(number: int) -> int:
        return numbers.get(number, number if not 0 < number < 100 else number + 100)

    return [replace(event, span=of(event.span), parent=of(event.parent)) for event in events]


def _pieces(rows: SpanRows, size: int) -> list[SpanRows]:
    columns = [getattr(rows, name) for name in SpanRows.__dataclass_fields__]  # pyright: ignore
    return [SpanRows(*(column[at : at + size] for column in columns)) for at in range(0, len(rows), size)]


@settings(max_examples=150, deadline=None)
@given(_events(), st.integers(1, 10), st.lists(_ACTIONS, max_size=3), st.lists(_ACTIONS, max_size=3))
def test_stored_rows_show_what_the_events_show(
    naive: type[Any], events: list[Event], size: int, during: list[tuple[str, Any]], after: list[tuple[str, Any]]
) -> None:
    whole, tree = RunModel("events"), naive()
    events = _as_begun(events)
    whole.add(events)
    for event in events:
        tree.add(event)
    model = RunModel("rows")
    pieces = _pieces(_rows(whole), size)
    if pieces:
        model.load_spans(pieces[0])
    early = [each for each in during if each[0] in ("filter", "moment", "fold_all")]
    for action, value in early:
        _act(model, naive(), action, value) if action != "fold_all" else model.spans.fold_all(value)
        _act(whole, tree, action, value)
    for piece in pieces[1:]:
        model.load_spans(piece)
    _check(model, tree)
    for action, value in after:
        _act(model, tree, action, value)
    _check(model, tree)


def _wide(count: int) -> RunModel:
    model = RunModel("wide")
    events = [Event(1, 0.0, "spell_started", "start", 1, 0, "run", "", {})]
    for n in range(2, count + 2):
        # Every third one is inside the last that was not, so that blocks are of uneven sizes.
        parent = n - 1 if n % 3 == 0 else 1
        kind = "tool_called" if n % 5 else "llm_call_started"
        events.append(Event(n, float(n), kind, "start", n, parent, f"n{n % 4}", "", {}))
    model.add(events)
    return model


@pytest.mark.parametrize("loaded", [False, True])
def test_rows_among_thousands_of_siblings(loaded: bool) -> None:
    count = 3000
    model = _wide(count)
    if loaded:
        rows, model = _rows(model), RunModel("rows")
        for piece in _pieces(rows, 700):
            model.load_spans(piece)
            assert model.spans.row(model.spans.height - 1) == len(model.spans) - 1  # blocks are made between pieces
    spans = model.spans
    expected = [*range(count + 1)]
    assert spans.rows(0, count + 2) == expected
    folded = {i for i in expected[1:] if spans.has_children(i)}
    for i in sorted(folded)[::2]:
        spans.fold(i)
    hidden = {child for i in sorted(folded)[::2] for child in spans.children(i)}
    shown = [i for i in expected if i not in hidden]
    assert spans.height == len(shown)
    assert [spans.row(y) for y in range(0, len(shown), 7)] == shown[::7]
    assert [spans.place(i) for i in shown[::11]] == [*range(0, len(shown), 11)]
    model.add([Event(count + 2, 0.0, "tool_called", "start", count + 2, 1, "late", "", {})])
    assert spans.row(spans.height - 1) == count + 1 == spans.rows(spans.height - 1, 5)[0]
    spans.moment = 1500
    assert spans.height == sum(i < 1500 for i in shown)
    assert spans.place(shown[700]) == 700
    spans.moment = None
    spans.filter(Query.parse("kind:llm"))
    assert all(spans.found(i) or spans.has_children(i) or spans.folded(i) for i in spans.rows(0, spans.height))
    assert [spans.row(y) for y in range(spans.height)] == spans.rows(0, spans.height)


def test_search_goes_round_in_the_order_of_rows() -> None:
    model = RunModel("r")
    tree = [(1, 0, "spell"), (2, 1, "a"), (3, 1, "b"), (4, 2, "hit"), (5, 3, "hit"), (6, 2, "hit")]
    model.add([Event(n, 0.0, "tool_called", "start", n, parent, name, "", {}) for n, parent, name in tree])
    spans, query = model.spans, Query.parse("hit")
    spans.fold_all(1)
    assert [spans.search(query, i) for i in (-1, 3, 5, 4)] == [3, 5, 4, 3]
    assert [spans.search(query, i, backwards=True) for i in (-1, 4, 5, 3)] == [4, 5, 3, 4]
    assert spans.search(Query.parse("nothing"), 0) is None
    spans.reveal(5)
    assert spans.place(5) is not None
    spans.moment = 4
    assert spans.search(query, 3) == 3


def test_a_spell_that_failed_has_the_place_of_its_error_and_a_call_its_own() -> None:
    error = {"message": "no", "type": "script", "source": "a.lua:7"}
    told = [("spell_started", "start", 1, 0, ""), ("tool_called", "start", 2, 1, "a.lua:3")]
    told += [("tool_completed", "end", 2, 1, "a.lua:3"), ("spell_completed", "end", 1, 0, "")]
    events = [
        Event(seq, 0.0, kind, phase, span, parent, "x", site, {"error": error} if phase == "end" else {})  # pyright: ignore
        for seq, (kind, phase, span, parent, site) in enumerate(told, 1)
    ]
    model = RunModel("r")
    model.add(events[:3])
    assert [model.spans.site(i) for i in range(2)] == ["", "a.lua:3"]
    model.add(events[3:])
    assert [model.spans.site(i) for i in range(2)] == ["a.lua:7", "a.lua:3"]
    figures = line_figures(model)
    assert [(line.spans, line.errors) for line in (figures["a.lua:7"], figures["a.lua:3"])] == [(0, 1), (1, 1)]
    model.moment = 3
    assert [model.spans.site(i) for i in range(2)] == ["", "a.lua:3"]


def test_a_spell_that_asks_stands_at_that_line_until_it_is_answered() -> None:
    told = [
        ("spell_started", "start", ""),
        ("input_requested", "point", "a.lua:2"),
        ("input_given", "point", "a.lua:2"),
    ]
    model = RunModel("r")
    model.add(
        [Event(seq, 0.0, kind, phase, 1, 0, "x", site, {}) for seq, (kind, phase, site) in enumerate(told[:2], 1)]
    )  # pyright: ignore
    assert running_sites(model) == ["a.lua:2"]
    model.add([Event(3, 0.0, told[2][0], "point", 1, 0, "x", told[2][2], {})])
    assert running_sites(model) == []
    model.moment = 2
    assert running_sites(model) == ["a.lua:2"]


def test_a_row_that_is_not_there_is_refused() -> None:
    spans = RunModel("r").spans
    with pytest.raises(IndexError, match="no row 0 of 0"):
        spans.row(0)
    assert spans.rows(0, 5) == []


def test_what_has_no_end_when_the_run_is_over_did_not_go_on() -> None:
    model = RunModel()
    began = [("spell_started", 1, 0), ("tool_called", 2, 1), ("tool_called", 3, 1)]
    model.add([Event(seq, seq, kind, "start", n, p, "x", "", {}) for seq, (kind, n, p) in enumerate(began, 1)])
    model.add([Event(4, 9.0, "tool_completed", "end", 2, 1, "x", "", {"status": "ok"})])
    assert [model.spans.status(i) for i in range(3)] == ["running", "ok", "running"]
    model.close("lost")
    model.take(Complete())
    assert [model.spans.status(i) for i in range(3)] == ["lost", "ok", "lost"]
    model.moment = 3
    assert [model.spans.status(i) for i in range(3)] == ["running"] * 3
    model.moment = None
    model.status = "ok"
    model.take(Complete())
    assert model.spans.status(2) == "cancelled"
