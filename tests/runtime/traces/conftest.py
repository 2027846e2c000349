"""A made-up but realistic run for the tests of this folder: an agent that asks a model, calls tools, and retries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from llmspell.events.event import Event
from llmspell.traces.ids import run_id
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer


@pytest.fixture
async def writer() -> AsyncIterator[Writer]:
    """A host's writer thread, ended with the test."""
    thread = Writer()
    yield thread
    thread.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / ".llmspell"


@pytest.fixture(name="new_run")
def new_run_fixture() -> Callable[..., RunMeta]:
    return new_run


@pytest.fixture
def keep(writer: Writer, data: Path) -> Callable[..., Awaitable[Path]]:
    """`await keep(events, meta)`: the file of a finished run with these events."""
    return lambda events, meta=None: stored(writer, data, events, meta)


def new_run(label: str = "research.lua", *, started: float = 1_760_000_000_000.0, run: str = "") -> RunMeta:
    return RunMeta(run or run_id(started), f"/spells/{label}", label, "lua", source="return 1", started=started)


async def stored(writer: Writer, data: Path, events: list[Event], meta: RunMeta | None = None) -> Path:
    """A finished run with these events."""
    meta = meta or new_run()
    store = RunStore(writer, data, meta)
    for event in events:
        store.append(event)
    assert await store.finish("ok", 0, ended=meta.started + 2610)
    return store.path


@pytest.fixture
def research() -> list[Event]:
    """The events of a run with every kind that a tree shows."""
    return research_events()


def ticking(step: float = 137.25, start: float = 1_760_000_000_000.0) -> Callable[[], float]:
    """A clock that goes on by `step` milliseconds at each reading."""
    moments: Iterator[float] = iter(start + step * tick for tick in range(1_000_000))
    return lambda: next(moments)


def research_events() -> list[Event]:
    log = EventLog(ticking())
    events: list[Event] = []
    log.attach(events.append)
    log.emit("spell_started", phase="start", name="research", data={"params": {"topic": "blue whales"}})
    agent, chat, tool, hook, second = (log.new_span() for _ in range(5))
    log.emit("agent_created", name="researcher", site="research.lua:3", data={"model": "openai/gpt-4o-mini"})
    where = "research.lua:12"
    question = "Find three surprising facts about blue whales and say where each of them comes from"
    log.emit(
        "execution_started",
        phase="start",
        span=agent,
        parent=1,
        name="researcher",
        site=where,
        data={"input": question},
    )
    inside = {"span": chat, "parent": agent, "name": "gpt-4o-mini", "site": where}
    request = {
        "model": "gpt-4o-mini",
        "system": "You check facts.",
        "messages": [{"role": "user", "content": question}],
    }
    log.emit("llm_call_started", phase="start", **inside, data={"provider": "openai", "request": request})
    log.emit("retry", span=chat, parent=agent, name="gpt-4o-mini", data={"attempt": 1, "reason": "rate_limit"})
    wish = {"id": "call_1", "name": "web_search", "arguments": {"query": "blue whale facts"}}
    log.emit(
        "llm_call_completed",
        phase="end",
        **inside,
        data={
            "status": "ok",
            "response": {"content": "", "tool_calls": [wish], "finish_reason": "tool_calls"},
            "usage": {"input_tokens": 412, "output_tokens": 38, "total": 450, "cost": 0.00031},
        },
    )
    inside = {"span": tool, "parent": agent, "name": "web_search", "site": where}
    log.emit("tool_called", phase="start", **inside, data={"params": {"query": "blue whale facts", "limit": 3}})
    log.emit(
        "hook_called",
        phase="start",
        span=hook,
        parent=tool,
        name="only_known_hosts",
        data={"point": "before_tool_call"},
    )
    log.emit(
        "hook_completed", phase="end", span=hook, parent=tool, data={"status": "ok", "changes": {"params.limit": 2}}
    )
    found = [{"title": "Blue whale", "url": "https://example.org/whale"}, {"title": "藍鯨 – 維基百科", "url": "…"}]
    log.emit("tool_completed", phase="end", **inside, data={"status": "ok", "result": found})
    inside = {"span": second, "parent": agent, "name": "gpt-4o-mini", "site": where}
    messages = [*request["messages"], {"role": "tool", "content": "2 pages", "tool_call_id": "call_1"}]
    log.emit(
        "llm_call_started", phase="start", **inside, data={"provider": "openai", "request": {"messages": messages}}
    )
    log.emit("llm_chunk", span=second, parent=agent, name="gpt-4o-mini", data={"text": "1. A blue"})
    log.emit(
        "llm_call_completed",
        phase="end",
        **inside,
        data={
            "status": "ok",
            "response": {"content": "1. A blue whale's heart\nis as heavy as a small car.\x1b[31m", "tool_calls": []},
            "usage": {"input_tokens": 1894, "output_tokens": 211, "total": 2105, "cost": 0.0124},
        },
    )
    answer = {"content": "1. A blue whale's heart is as heavy as a small car.", "usage": {"input_tokens": 2306}}
    log.emit("execution_completed", phase="end", span=agent, parent=1, name="researcher", data={"output": answer})
    log.emit("output", site="research.lua:14", data={"stream": "stdout", "text": "1. A blue whale's heart …\n"})
    log.emit("state_changed", name="facts", site="research.lua:15", data={"value": 3, "old": None})
    log.emit("warning", site="research.lua:16", data={"message": "agent 'researcher' replaces one of the same name"})
    write = log.new_span()
    where = "lib/report.lua:104"
    log.emit(
        "tool_called",
        phase="start",
        span=write,
        parent=1,
        name="file_system",
        site=where,
        data={"params": {"operation": "write", "path": "/etc/facts.md"}},
    )
    denied = {"type": "permission", "message": "writing '/etc/facts.md' is not allowed", "hint": "--allow-write=/etc"}
    log.emit(
        "tool_completed",
        phase="end",
        span=write,
        parent=1,
        name="file_system",
        data={"status": "error", "error": denied},
    )
    log.emit("spell_completed", phase="end", name="research", data={"status": "ok", "result": {"facts": 3}})
    return events
