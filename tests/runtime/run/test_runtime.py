"""The runtime inside a Python program: files and texts, hooks and events in Python, several runs on one loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from llmspell import Runtime as RuntimeOfThePackage
from llmspell.engines import values
from llmspell.errors import ArgumentError, ScriptError, SettingsError, UsageError
from llmspell.events.event import Event
from llmspell.runtime import Asking, Runtime, Spell
from llmspell.traces.recording import Recording


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), **more}


async def test_a_file_and_a_text(tmp_path: Path) -> None:
    (tmp_path / "spell.lua").write_text("return params.topic")
    async with RuntimeOfThePackage(environ=environ(tmp_path)) as runtime:
        assert (await runtime.run(tmp_path / "spell.lua", {"topic": "tea"})).unwrap() == "tea"
        assert (await runtime.run(str(tmp_path), {"topic": "tea"})).unwrap() == "tea"
        assert (await runtime.run(Spell.of("return params", "javascript"), [1, {"a": None}])).unwrap() == [
            1,
            {"a": None},
        ]


async def test_what_a_result_tells(tmp_path: Path) -> None:
    async with Runtime(environ=environ(tmp_path)) as runtime:
        said: list[tuple[str, str]] = []
        result = await runtime.run(
            Spell.of('print("a") io.stderr:write("b") error({ type = "tea", message = "none" })', "lua"),
            say=lambda stream, text: said.append((stream, text)),
        )
    assert (result.status, result.value, result.usage) == ("error", None, {"tokens": 0, "cost": 0.0, "calls": 0})
    assert result.duration > 0
    assert said[0] == ("out", "a\n")
    with pytest.raises(ScriptError, match="none"):
        result.unwrap()


async def test_what_is_asked_wrongly_raises_at_once(tmp_path: Path) -> None:
    async with Runtime(environ=environ(tmp_path)) as runtime:
        with pytest.raises(UsageError, match="cannot be read"):
            await runtime.run(tmp_path / "missing.lua")
        with pytest.raises(UsageError, match="no language 'python'"):
            Spell.of("1", "python")
        with pytest.raises(SettingsError):
            await runtime.run(Spell.of("return 1", "lua"), flags={"limits.memory_mb": 1})
        with pytest.raises(ArgumentError, match="before_llm_cal"):
            await runtime.run(Spell.of("return 1", "lua"), hooks={"before_llm_cal": print})
        for params in ("x" * (17 * 1024 * 1024), {"odd": object()}):
            result = await runtime.run(Spell.of("return 1", "lua"), params)
            assert (result.status, type(result.error)) == ("error", UsageError)
    with pytest.raises(UsageError, match="the runtime is closed"):
        await runtime.run(Spell.of("return 1", "lua"))


async def test_python_hooks_see_change_and_veto(tmp_path: Path) -> None:
    seen: list[str] = []

    def before(context: dict[str, Any]) -> None:
        context["params"] = {"topic": "changed"}

    async def prompt(context: dict[str, Any]) -> dict[str, Any]:
        seen.append(context["prompt"])
        await asyncio.sleep(0)
        return {**context, "prompt": "changed too"}

    def after(context: dict[str, Any]) -> None:
        context["result"] = [context["result"]]

    spell = Spell.of('return Agent.new("a"):chat(params.topic)', "lua")
    hooks = {"before_spell": before, "beforeLLMCall": prompt, "after_spell": after}
    async with Runtime(environ=environ(tmp_path, LLMSPELL_DEFAULT_MODEL="offline/automatic")) as runtime:
        assert (await runtime.run(spell, hooks=hooks)).unwrap() == ["(offline model) You said: changed too"]
        assert seen == ["changed"]

        def refuse(context: dict[str, Any]) -> None:
            raise ValueError("not today")

        result = await runtime.run(spell, {"topic": "x"}, hooks={"before_spell": refuse})
        assert (result.status, str(result.error)) == ("error", "not today")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "lua",
            """Hooks.register("after_spell", function(c) Async.sleep(1) c.result = c.result + Cache.get("x", 40) end)
               return 2""",
        ),
        (
            "javascript",
            """Hooks.register("afterSpell", async (c) => { await Async.sleep(1); c.result += await Cache.get("x", 40) })
               return 2""",
        ),
    ],
)
async def test_a_spells_own_handler_of_its_end_is_asked_and_may_wait(tmp_path: Path, language: str, text: str) -> None:
    async with Runtime(environ=environ(tmp_path)) as runtime:
        assert (await runtime.run(Spell.of(text, language))).unwrap() == 42
        failing = {
            "lua": 'Hooks.register("after_spell", function() error("no end") end) return 2',
            "javascript": 'Hooks.register("afterSpell", () => { throw new Error("no end") }); return 2',
        }[language]
        result = await runtime.run(Spell.of(failing, language))
        assert (result.status, str(result.error)) == ("error", "no end")


async def test_many_runs_at_once_on_one_loop(tmp_path: Path) -> None:
    """Each has its own events, output, spans and numbers, and each can be replayed alone."""
    text = """
      local a = Agent.new{ name = "agent" .. params.n }
      for i = 1, 3 do Async.sleep(math.random(1, 10)) print(params.n, a:chat("hello " .. params.n .. "." .. i)) end
      return params.n"""
    async with Runtime(environ=environ(tmp_path, LLMSPELL_DEFAULT_MODEL="offline/automatic")) as runtime:

        async def one(number: int) -> None:
            events: list[Event] = []
            said: list[str] = []
            asking = Asking(params={"n": number}, on_event=events.append, say=lambda _, text: said.append(text))
            started = runtime.start(Spell.of(text, "lua"), asking)
            assert (await started.result()).unwrap() == number
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            assert len(said) == 3 and all(line.startswith(f"{number}\t") for line in said)
            assert started.store is not None
            again: list[Event] = []
            recording = Recording.load(started.store.path, values.unpack)
            replayed = Asking(replay=recording, on_event=again.append, say=lambda *_: None)
            assert (await runtime.start(Spell.of(text, "lua"), replayed).result()).unwrap() == number
            assert again == events

        await asyncio.gather(*(one(number) for number in range(8)))


async def test_one_spell_twice(tmp_path: Path) -> None:
    spell = Spell.of("x = (x or 0) + 1 return x", "lua")
    async with Runtime(environ=environ(tmp_path)) as runtime:
        first, second = await runtime.run(spell), await runtime.run(spell)
    assert (first.value, second.value) == (1, 1)
    assert first.run_id != second.run_id


async def test_a_run_inside_a_hook_of_another_is_on_its_own(tmp_path: Path) -> None:
    """Its spans, sites and hooks are not those of the run around it, but the program's own context variables are."""
    mine: ContextVar[str] = ContextVar("mine", default="")
    inner: list[Event] = []
    heard: list[str] = []
    async with Runtime(environ=environ(tmp_path, LLMSPELL_DEFAULT_MODEL="offline/automatic")) as runtime:

        async def cast(context: dict[str, Any]) -> None:
            def inside(context: dict[str, Any]) -> None:
                heard.append(f"{mine.get()} {context['prompt']}")

            spell = Spell.of('return Agent.new("a"):chat("inner")', "lua", "inner.lua")
            (await runtime.run(spell, hooks={"before_llm_call": inside}, on_event=inner.append)).unwrap()

        mine.set("kept")
        spell = Spell.of('return Agent.new("a"):chat("outer")', "lua", "outer.lua")
        (await runtime.run(spell, hooks={"before_llm_call": cast})).unwrap()
    assert heard == ["kept inner"]
    assert {event.site for event in inner} <= {"", "inner.lua:1"}
    spans = {event.span for event in inner}
    assert all(event.parent in spans | {0} for event in inner)


async def test_trusted_runs_in_this_process(tmp_path: Path) -> None:
    async with Runtime(environ=environ(tmp_path)) as runtime:
        for language in ("lua", "javascript"):
            assert (await runtime.run(Spell.of("return 7", language), trusted=True)).unwrap() == 7
        assert runtime._zygote is None  # pyright: ignore[reportPrivateUsage]


async def test_a_listener_that_raises_is_told_and_let_go(tmp_path: Path) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("my own fault")

    async with Runtime(environ=environ(tmp_path)) as runtime:
        assert (await runtime.run(Spell.of("return 7", "lua"), on_event=broken)).unwrap() == 7


async def test_events_are_the_same_stored_and_heard(tmp_path: Path) -> None:
    from llmspell.traces.reader import RunFile

    events: list[Event] = []
    async with Runtime(environ=environ(tmp_path, LLMSPELL_DEFAULT_MODEL="offline/automatic")) as runtime:
        text = 'print("x") local a = Agent.new("a") a:chat("hi") for p in a:stream_chat("ho") do io.write(p) end'
        started = runtime.start(Spell.of(text, "lua"), Asking(on_event=events.append, say=lambda *_: None))
        (await started.result()).unwrap()
        assert started.store is not None
        with RunFile(started.store.path) as file:
            assert list(file.events()) == events


def test_the_page_on_embedding_runs(tmp_path: Path) -> None:
    """A program of three lines, started for itself."""
    (tmp_path / "spell.lua").write_text('print("hello " .. params.name) return 1')
    (tmp_path / "program.py").write_text(
        "import asyncio\nfrom llmspell import Runtime\n\n"
        "async def main():\n    async with Runtime() as runtime:\n"
        '        result = await runtime.run("spell.lua", {"name": "tea"})\n        print(result.status, result.unwrap())\n\n'
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environ(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("hello tea\nok 1\n", "")
