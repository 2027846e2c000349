"""The bus by itself: patterns, order, once, off, and listeners that change what is listened to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.api.event_kinds import ALIASES, KINDS
from llmspell.api.names import camel
from llmspell.events.bus import Bus, canonical


@pytest.mark.mission(83, 84)
@pytest.mark.parametrize("spelling", ["tool_called", "toolCalled", "tool:called", "tool-called", "tool:*", "tool*"])
def test_every_spelling_of_a_name_hears_it(spelling: str) -> None:
    bus, heard = Bus(), []
    bus.on(spelling, heard.append)
    assert (bus.publish("tool_called", 1), bus.publish("llm_call_started", 2)) == (1, 0)
    assert heard == [1]


@pytest.mark.mission(86)
def test_older_names_mean_the_canonical_event() -> None:
    bus, heard = Bus(), []
    for pattern in ("agent:started", "agent_completed", "agent:*"):
        bus.on(pattern, lambda payload, pattern=pattern: heard.append((pattern, payload)))
    bus.publish("execution_started", 1)
    bus.publish("execution_completed", 2)
    bus.publish("agent_created", 3)
    assert heard == [("agent:started", 1), ("agent:*", 1), ("agent_completed", 2), ("agent:*", 2), ("agent:*", 3)]


def test_listeners_are_called_in_the_order_they_came() -> None:
    bus, heard = Bus(), []
    for number in range(5):
        bus.on("x", lambda _, number=number: heard.append(number))
    bus.publish("x", None)
    assert heard == [0, 1, 2, 3, 4]


def test_a_listener_stopped_by_one_before_it_is_not_called() -> None:
    bus, heard = Bus(), []
    bus.on("x", lambda _: second.stop())
    second = bus.on("x", heard.append)
    bus.publish("x", 1)
    assert heard == [] and not second.active
    second.stop()
    assert len(bus.subscriptions) == 1


def test_once_is_over_before_its_listener_runs() -> None:
    bus, heard = Bus(), []

    def again(payload: int) -> None:
        heard.append(payload)
        bus.publish("x", payload + 1)

    bus.on("x", again, once=True)
    bus.publish("x", 1)
    assert heard == [1] and not bus.listens("x")


def test_off_takes_one_listener_or_all_of_a_pattern() -> None:
    bus, heard = Bus(), []

    def one(payload: Any) -> None:
        heard.append(("one", payload))

    def two(payload: Any) -> None:
        heard.append(("two", payload))

    for listener in (one, two, one):
        bus.on("tool:called", listener)
    assert bus.off("toolCalled", one) == 2
    bus.publish("tool_called", 1)
    assert bus.off("tool_called") == 1 and bus.off("tool_called") == 0
    bus.publish("tool_called", 2)
    assert heard == [("two", 1)]


NAMES = st.sampled_from([kind.name for kind in KINDS]) | st.from_regex(r"[a-z]{2,6}(_[a-z]{2,6}){0,3}", fullmatch=True)


@given(NAMES)
def test_all_spellings_of_a_name_are_one(name: str) -> None:
    wanted = ALIASES.get(name, name)
    assert canonical(name) == wanted
    assert canonical(name.replace("_", ":")) == canonical(name.replace("_", "-")) == wanted
    assert canonical(camel(name)) == wanted
    assert canonical(canonical(name)) == wanted


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=12), st.lists(NAMES, max_size=12))
def test_a_listener_hears_exactly_its_events(subscribed: list[tuple[str, bool]], published: list[str]) -> None:
    bus, heard = Bus(), dict.fromkeys(range(len(subscribed)), 0)
    for index, (name, once) in enumerate(subscribed):

        def listen(_: Any, index: int = index) -> None:
            heard[index] += 1

        bus.on(name, listen, once=once)
    for name in published:
        bus.publish(name, None)
    for index, (name, once) in enumerate(subscribed):
        count = sum(canonical(each) == canonical(name) for each in published)
        assert heard[index] == (min(count, 1) if once else count)
