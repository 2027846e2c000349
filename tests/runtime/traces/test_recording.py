"""A stored run as the source of a replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import ReplayError
from llmspell.events.event import Event
from llmspell.traces.jobs import Answer
from llmspell.traces.keys import Occurrences, canonical, key
from llmspell.traces.meta import RunMeta
from llmspell.traces.recording import Recording
from llmspell.traces.store import RunStore, Writer

NewRun = Callable[..., RunMeta]


def _chat(text: str, model: str = "gpt-4o-mini") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


async def _recorded(
    writer: Writer, data: Path, meta: RunMeta, calls: list[tuple[str, str, Any, int, Any]], content: bool = True
) -> Recording:
    """A recording of (kind, name, input, span, output) calls."""
    store, counted = RunStore(writer, data, meta, content=content), Occurrences()
    for seq, (kind, name, value, span, output) in enumerate(calls, 1):
        store.append(Event(seq, 100.0 * seq, f"{kind}_completed", "end", span, 0, name, "", {}))
        place = key(kind, name, value)
        store.answer(Answer(seq, kind, name, place, span, counted.next(place, span), value, output))
    assert await store.finish("ok", 0)
    return Recording.load(store.path)


async def test_each_request_gets_its_own_answer_back(writer: Writer, data: Path, new_run: NewRun) -> None:
    recording = await _recorded(
        writer,
        data,
        new_run(),
        [
            ("llm_call", "m", _chat("a"), 2, {"content": "first"}),
            ("llm_call", "m", _chat("a"), 2, {"content": "second"}),
            ("llm_call", "m", _chat("a"), 3, {"content": "elsewhere"}),
            ("tool", "hash", {"raw": b"\x00\xff"}, 2, {"raw": b"\xff"}),
        ],
    )
    counted = Occurrences()

    def ask(kind: str, name: str, value: Any, span: int) -> Any:
        place = key(kind, name, value)
        return recording.expect(kind, name, value, span, counted.next(place, span)).output

    assert ask("llm_call", "m", _chat("a"), 3) == {"content": "elsewhere"}
    assert ask("llm_call", "m", _chat("a"), 2) == {"content": "first"}
    assert ask("tool", "hash", {"raw": b"\x00\xff"}, 2) == {"raw": b"\xff"}
    assert ask("llm_call", "m", _chat("a"), 2) == {"content": "second"}
    assert [*recording.times] == [100.0, 200.0, 300.0, 400.0]
    with pytest.raises(ReplayError, match="no answer to this llm_call 'm'"):
        ask("llm_call", "m", _chat("a"), 2)


async def test_a_miss_shows_the_nearest_request_and_the_difference(writer: Writer, data: Path, new_run: NewRun) -> None:
    recording = await _recorded(
        writer,
        data,
        new_run(),
        [
            ("llm_call", "m", _chat("something else entirely, about the weather in May"), 2, {}),
            ("llm_call", "m", _chat("Find three facts about whales"), 2, {}),
            ("tool", "hash", {"text": "a"}, 2, {}),
        ],
    )
    with pytest.raises(ReplayError) as caught:
        recording.expect("llm_call", "m", _chat("Find four facts about whales"), 2, 0)
    hint = caught.value.hint
    assert "event 2" in hint
    assert '-   "content": "Find three facts about whales",' in hint
    assert '+   "content": "Find four facts about whales",' in hint
    assert "weather" not in hint
    assert recording.nearest("env", "HOME", None) == ""
    assert "another place" in recording.nearest("tool", "hash", {"text": "a"})


async def test_a_run_that_kept_no_content_says_why_it_cannot_be_replayed(
    writer: Writer, data: Path, new_run: NewRun
) -> None:
    with pytest.raises(ReplayError, match="kept no content"):
        await _recorded(writer, data, new_run(), [("tool", "t", {}, 1, "x")], content=False)


async def test_a_recorded_call_costs_little(writer: Writer, data: Path, new_run: NewRun) -> None:
    count = 2000
    calls = [("llm_call", "m", _chat(f"question {n} " * 50), 2, {"content": "answer " * 100}) for n in range(count)]
    recording = await _recorded(writer, data, new_run(), calls)
    begin = time.thread_time()
    for kind, name, value, span, _ in calls:
        recording.expect(kind, name, value, span, 0)
    assert (time.thread_time() - begin) / count < 0.0002  # goals: 0.2 ms a recorded call


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.binary() | st.floats()))
def test_equal_inputs_have_equal_keys_whatever_their_order(value: dict[str, Any]) -> None:
    turned = dict(reversed([*value.items()]))
    assert key("tool", "t", value) == key("tool", "t", turned)
    assert key("tool", "t", value) != key("tool", "u", value)
    assert canonical(value).isascii()


def test_bytes_count_as_a_whole() -> None:
    one, other = bytes(100) + b"a", bytes(100) + b"b"
    assert key("tool", "t", {"raw": one}) != key("tool", "t", {"raw": other})
    assert key("tool", "t", {"raw": one, "n": float("nan")}) != key("tool", "t", {"raw": other, "n": float("nan")})
