"""The event log in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from llmspell.events.event import Event
from llmspell.traces.describe import describe, masked, without_content
from llmspell.traces.ids import RUN_ID, run_id
from llmspell.traces.log import EventLog, recorded_clock, steady_clock


def test_events_are_numbered_timed_and_handed_to_each_sink_in_order() -> None:
    moments = iter([10.0, 11.0])
    log = EventLog(lambda: next(moments))
    seen: list[tuple[str, Event]] = []
    log.attach(lambda event: seen.append(("first", event)))
    log.attach(lambda event: seen.append(("second", event)))
    one = log.emit("custom", name="a", site="x.lua:1", data={"n": 1})
    two = log.emit("custom")
    assert one == Event(1, 10.0, "custom", "point", 1, 0, "a", "x.lua:1", {"n": 1})
    assert seen == [("first", one), ("second", one), ("first", two), ("second", two)]
    assert (two.seq, two.time, log.seq) == (2, 11.0, 2)


def test_spans_are_numbered_after_the_run_itself() -> None:
    log = EventLog()
    assert [log.new_span(), log.new_span()] == [2, 3]


def test_a_detached_sink_hears_nothing_more() -> None:
    log, seen = EventLog(), list[int]()
    detach = log.attach(lambda event: seen.append(event.seq))
    log.emit("custom")
    detach()
    log.emit("custom")
    assert seen == [1]


def test_a_sink_that_fails_is_detached_and_the_others_are_told() -> None:
    log, seen = EventLog(), list[str]()

    def bad(event: Event) -> None:
        raise OSError("pipe")

    log.attach(bad)
    log.attach(lambda event: seen.append(event.kind))
    log.emit("custom")
    log.emit("custom")
    assert sorted(seen) == ["custom", "custom", "warning"]


def test_a_replay_answers_the_recorded_times_and_then_goes_on_live() -> None:
    read = recorded_clock([5.0, 7.5, 7.5], live=lambda: 100.0)
    assert [read() for _ in range(5)] == [5.0, 7.5, 7.5, 100.0, 100.0]
    late = recorded_clock([500.0], live=lambda: 100.0)
    assert [late(), late()] == [500.0, 500.0]


def test_the_clock_never_steps_back() -> None:
    read = steady_clock()
    moments = [read() for _ in range(1000)]
    assert moments == sorted(moments)


def test_values_without_a_json_form_say_what_they_were() -> None:
    class Thing:
        pass

    value = {"raw": bytes(100), "thing": Thing(), 3: float("nan"), "list": (1, {2})}
    described = describe(value)
    assert described["raw"]["bytes"] == 100
    assert described["raw"]["base64"] == "A" * 64
    assert described["thing"] == {"object": "Thing"}
    assert described["3"] == {"number": "nan"}
    assert described["list"] == [1, [2]]


def test_without_content_only_structure_and_numbers_stay() -> None:
    data = {"role": "user", "content": "my secret plan", "tokens": 12, "items": ["secret"]}
    left = without_content(data)
    assert left["role"] == "user"
    assert left["tokens"] == 12
    assert left["content"]["length"] == 14
    assert len(left["content"]["sha256"]) == 64
    assert "secret" not in repr(left)


def test_a_text_that_could_be_found_by_trying_leaves_no_hash() -> None:
    assert without_content({"text": " sec"}) == {"text": {"length": 4}}


def test_run_ids_are_unique_and_sort_by_time() -> None:
    ids = [run_id(1_700_000_000_000.0 + tick) for tick in range(0, 5000, 5)]
    assert ids == sorted(ids)
    assert len({run_id() for _ in range(1000)}) == 1000
    assert all(RUN_ID.fullmatch(one) and len(one) == 14 for one in ids)


class _Table(dict[str, object]):
    pass


class _Text(str):
    __slots__ = ()


class _Pair(NamedTuple):
    first: str
    second: str


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, None, ("x", "my key")]}, {"a": [1, None, ("x", "my ***")]}),
        ({"key": 1, 5: "no"}, {"***": 1, 5: "no"}),
        ({5: b"a key"}, {5: b"a ***"}),
        ([_Table(a="key")], [{"a": "***"}]),
        ([_Text("key")], ["***"]),
        ({_Text("key"): 1}, {"***": 1}),
        ([_Pair("no", "key")], [("no", "***")]),
    ],
)
def test_a_secret_is_hidden_in_whatever_holds_it(value: Any, shown: Any) -> None:
    assert masked(value, lambda text: text.replace("key", "***")) == shown


def test_a_value_without_secrets_is_itself() -> None:
    value = {"a": ["x", 1.5, True, None, b"y", {"z": ()}], 5: "b"}
    assert masked(value, lambda text: text.replace("key", "***")) is value
