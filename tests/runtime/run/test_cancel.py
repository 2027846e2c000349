"""A run can be cancelled in every state: it ends with a whole trace, nothing of it goes on, its worker is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmspell.events.event import Event
from llmspell.runtime import Asking, Result, Runtime, Spell, Started
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.traces.reader import RunFile

AGENT = 'local a = Agent.new{ name = "a", tools = { tool } } '
#: How each state is reached, in Lua: what the spell does once it has said "begun", or begins to do.
STATES = {
    "computes": 'print("begun") while true do end',
    "sleeps": 'print("begun") Async.sleep(60000)',
    "waits for a model": 'a:chat("hang")',
    "streams": 'for piece in a:stream_chat("stall") do print("begun") end',
    "is in a tool": 'a:chat("use the slow tool")',
    "is in a hook": 'Hooks.register("before_llm_call", function() print("begun") Async.sleep(60000) end) a:chat("x")',
    "is in a listener": """eventBus.on("tea", function() print("begun") Async.sleep(60000) end) eventBus.emit("tea")
      Async.sleep(60000)""",
    "waits for many": """
      local all = {}
      for i = 1, 50 do all[i] = function() if i == 50 then print("begun") end return a:execute("hang " .. i) end end
      Async.all(all)""",
    "catches everything": """
      print("begun")
      while true do pcall(function() Async.sleep(10) end) pcall(Async.timeout, 1, function() Async.sleep(50) end) end""",
}
TOOL = """
local tool = Tool.define{
  name = "slow", description = "takes long", parameters = { type = "object", properties = {} },
  execute = function() print("begun") Async.sleep(60000) end,
}
"""


@dataclass
class Running:
    started: Started
    events: list[Event] = field(default_factory=list[Event])
    begun: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    def answer(request: Any, number: int) -> Answer:
        from llmspell.testing import model

        said = request.messages[-1].content
        if "hang" in said:
            return Answer(fault="hang")
        return Answer(text="one two three", fault="stall") if "stall" in said else model.answer(request, number)

    async with ModelServer(answer=answer) as server:
        yield server


Begin = Callable[..., Awaitable[Running]]


@pytest.fixture
async def begin(tmp_path: Path, server: ModelServer) -> AsyncIterator[Begin]:
    """`await begin(source)`: a run under way, once it has said "begun" or a model was asked."""
    environ = {"HOME": str(tmp_path), "OPENAI_API_BASE": server.openai_url, "OPENAI_API_KEY": "k"}
    (tmp_path / "llmspell.toml").touch()
    async with Runtime(environ={**environ, "LLMSPELL_DEFAULT_MODEL": "openai/test"}) as runtime:

        async def start(source: str, **asking: Any) -> Running:
            path = tmp_path / "spell.lua"
            path.write_text(source)
            running: Running

            def heard(event: Event) -> None:
                running.events.append(event)
                if event.kind == "output":
                    running.begun.set()

            def say(stream: str, text: str) -> None:
                assert "after the end" not in text

            running = Running(runtime.start(Spell.read(path), Asking(on_event=heard, say=say, **asking)))
            while not running.begun.is_set() and not server.requests:
                await asyncio.sleep(0.005)
            return running

        yield start


def ended_well(result: Result, events: list[Event]) -> None:
    """Every span that has begun has ended, the run's own as the last event."""
    assert (result.status, str(result.error), result.value) == ("cancelled", "enough", None)
    opened = {event.span for event in events if event.phase == "start"}
    closed = [event.span for event in events if event.phase == "end"]
    assert sorted(closed) == sorted(opened)
    assert (events[-1].kind, events[-1].data["status"]) == ("spell_completed", "cancelled")
    assert [event.data["reason"] for event in events if event.kind == "cancelled"] == ["enough"]


@pytest.mark.parametrize("state", STATES)
async def test_in_every_state(begin: Begin, tmp_path: Path, state: str) -> None:
    running = await begin(f'{TOOL}{AGENT}{STATES[state]} print("after the end")')
    running.started.cancel("enough")
    async with asyncio.timeout(60):
        result = await running.started.result()
    ended_well(result, running.events)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in others if "llmspell/" in str(task.get_coro())], "no task of the run is left"
    with RunFile(tmp_path / ".llmspell" / "runs" / f"{result.run_id}.db") as file:
        assert [event.kind for event in file.events()] == [event.kind for event in running.events]
        assert (file.meta().status, file.meta().exit) == ("cancelled", 130)


async def test_before_it_has_begun(tmp_path: Path) -> None:
    events: list[Event] = []
    async with Runtime(environ={"HOME": str(tmp_path)}) as runtime:
        said: list[str] = []
        asking = Asking(on_event=events.append, say=lambda _, text: said.append(text))
        started = runtime.start(Spell.of('print("after the end")', "lua"), asking)
        started.cancel("enough")
        result = await started.result()
    ended_well(result, events)
    assert [event.kind for event in events] == ["spell_started", "cancelled", "spell_completed"]
    assert said == []


async def test_after_it_has_ended_nothing_happens(begin: Begin) -> None:
    running = await begin('print("begun") return 7')
    result = await running.started.result()
    count = len(running.events)
    running.started.cancel("too late")
    await asyncio.sleep(0)
    assert (await running.started.result(), len(running.events)) == (result, count)
    assert result.unwrap() == 7


async def test_while_a_python_hook_waits(tmp_path: Path) -> None:
    waiting = asyncio.Event()

    async def wait(context: dict[str, Any]) -> None:
        waiting.set()
        await asyncio.Event().wait()

    events: list[Event] = []
    async with Runtime(environ={"HOME": str(tmp_path)}) as runtime:
        asking = Asking(on_event=events.append, hooks={"before_spell": wait})
        started = runtime.start(Spell.of("return 1", "lua"), asking)
        await waiting.wait()
        started.cancel("enough")
        ended_well(await started.result(), events)


async def test_cancelling_who_waits_cancels_the_run(begin: Begin) -> None:
    running = await begin('print("begun") Async.sleep(60000)')
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await running.started.result()
    result = await running.started.result()
    assert (result.status, running.events[-1].kind) == ("cancelled", "spell_completed")


async def test_leaving_the_runtime_ends_its_runs(tmp_path: Path) -> None:
    begun = asyncio.Event()
    async with Runtime(environ={"HOME": str(tmp_path)}) as runtime:
        spell = Spell.of('print("begun") Async.sleep(60000)', "lua")
        started = runtime.start(spell, Asking(say=lambda *_: begun.set()))
        await begun.wait()
    result = await started.result()
    assert (result.status, str(result.error)) == ("cancelled", "the runtime was closed")


async def test_tasks_that_await_a_cancelled_answer_end_in_their_order(begin: Begin, server: ModelServer) -> None:
    """However long each connection takes to be given up: their ends are a function of the run alone."""
    running = await begin(f"{TOOL}{AGENT}{STATES['waits for many']}")
    while len(server.requests) < 50:
        await asyncio.sleep(0.005)
    running.started.cancel("enough")
    await running.started.result()
    begun = [event.data["input"] for event in running.events if event.kind == "execution_started"]
    ended = {event.span: event for event in running.events if event.kind == "execution_completed"}
    inputs = {event.span: event.data["input"] for event in running.events if event.kind == "execution_started"}
    assert [inputs[span] for span in ended] == begun
