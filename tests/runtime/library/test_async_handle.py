"""A handle on pending work: awaited, asked whether it is complete, cancelled, handed over; the same in both languages."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from llmspell.runtime import Asking, Runtime, Spell

BOTH: Final = pytest.mark.parametrize("language", ["lua", "js"])


@pytest.mark.mission(56)
@BOTH
async def test_a_handle_is_awaited_and_asked_whether_it_is_complete(cast: Any, language: str) -> None:
    text = {
        "lua": """
          local handle = Async.spawn(function(a, b) Async.sleep(5) return a + b end, 2, 3)
          local before = { handle:is_complete(), handle:status() }
          local value = handle:await_result()
          return { before = before, value = value, after = { handle:isComplete(), handle:status() }, again = handle:awaitResult() }""",
        "js": """
          const handle = Async.spawn(async (a, b) => { await Async.sleep(5); return a + b }, 2, 3);
          const before = [handle.isComplete(), handle.status()];
          const value = await handle.awaitResult();
          return { before, value, after: [handle.is_complete(), handle.status()], again: await handle }""",
    }[language]
    told = await cast(**{language: text})
    assert told.value == {"before": [False, "pending"], "value": 5, "after": [True, "fulfilled"], "again": 5}


@pytest.mark.mission(56)
@BOTH
async def test_its_failure_is_thrown_where_it_is_awaited(cast: Any, language: str) -> None:
    text = {
        "lua": """
          local handle = Async.spawn(function() Async.sleep(1)
            error("inside") end)
          local ok, e = pcall(handle.await_result, handle)
          return { ok, ErrorHandler.parse_error(e).message, handle:is_complete(), handle:status() }""",
        "js": """
          const handle = Async.spawn(async () => { await Async.sleep(1);
            throw new Error("inside") });
          try { await handle.awaitResult() } catch (e) { return [false, e.message, handle.isComplete(), handle.status()] }""",
    }[language]
    told = await cast(**{language: text})
    assert told.value == [False, "inside", True, "rejected"]


@BOTH
async def test_a_failure_that_nobody_awaits_ends_the_spell_with_its_line(cast: Any, language: str) -> None:
    text = {
        "lua": 'Async.spawn(function()\n  Async.sleep(1) error("lost") end)\nAsync.sleep(5000)',
        "js": 'Async.spawn(async () => {\n  await Async.sleep(1); throw new Error("lost") });\nawait Async.sleep(5000)',
    }[language]
    told = await cast(**{language: text})
    assert told.result.error.message == "lost"
    assert told.result.error.source.endswith(":2")


@pytest.mark.mission(56)
@BOTH
async def test_cancelling_stops_the_work_and_what_it_waits_for(cast: Any, language: str) -> None:
    text = {
        "lua": """
          local log = {}
          local handle = Async.spawn(function() Async.sleep(3600000) log[#log + 1] = "went on" end)
          Async.sleep(1)
          handle:cancel() handle:cancel()
          local ok, e = pcall(handle.await_result, handle)
          return { ok, ErrorHandler.parse_error(e).type, handle:is_complete(), #log }""",
        "js": """
          const log = [];
          const handle = Async.spawn(async () => { await Async.sleep(3600000); log.push("went on") });
          await Async.sleep(1);
          handle.cancel(); handle.cancel();
          try { await handle } catch (e) { return [false, e.type, handle.isComplete(), log.length] }""",
    }[language]
    told = await cast(**{language: text})
    assert told.value == [False, "cancelled", True, 0]


@BOTH
async def test_a_cancelled_handle_that_nobody_awaits_is_no_failure(cast: Any, language: str) -> None:
    text = {
        "lua": "local h = Async.spawn(function() Async.sleep(3600000) end) Async.sleep(1) h:cancel() return 'done'",
        "js": "const h = Async.spawn(() => Async.sleep(3600000)); await Async.sleep(1); h.cancel(); return 'done'",
    }[language]
    assert (await cast(**{language: text})).value == "done"


@pytest.mark.mission(56)
@BOTH
async def test_groups_take_handles_and_the_losers_are_cancelled(cast: Any, language: str) -> None:
    text = {
        "lua": """
          local function after(ms, value) return Async.spawn(function() Async.sleep(ms) return value end) end
          local all = Async.all{ after(3, "a"), after(1, "b"), function() return "c" end }
          local slow = after(3600000, "slow")
          local first = Async.race{ slow, after(1, "fast") }
          return { all, first, slow:status() }""",
        "js": """
          const after = (ms, value) => Async.spawn(async () => { await Async.sleep(ms); return value });
          const all = await Async.all([after(3, "a"), after(1, "b"), () => "c"]);
          const slow = after(3600000, "slow");
          const first = await Async.race([slow, after(1, "fast")]);
          return [all, first, slow.status()]""",
    }[language]
    assert (await cast(**{language: text})).value == [["a", "b", "c"], "fast", "rejected"]


@pytest.mark.mission(56)
@BOTH
async def test_the_host_awaits_one_that_it_is_handed(cast: Any, language: str) -> None:
    """What a tool gives may be pending work: whoever called it waits, whichever language made it."""
    text = {
        "lua": """
          local t = Tool.define{ name = "t", description = "d", execute = function()
            return Async.spawn(function() Async.sleep(2) return { text = "late" } end) end }
          return t:execute{}.text""",
        "js": """
          const t = Tool.define({ name: "t", description: "d",
            execute: () => Async.spawn(async () => { await Async.sleep(2); return { text: "late" } }) });
          return (await t.execute({})).text""",
    }[language]
    assert (await cast(**{language: text})).value == "late"


@pytest.mark.mission(56)
async def test_in_python_it_is_an_awaitable_that_knows_whether_it_is_done(tmp_path: Any) -> None:
    path = tmp_path / "spell.lua"
    path.write_text("Async.sleep(5) return 'from Lua'")
    (tmp_path / "llmspell.toml").touch()
    async with Runtime(environ={"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}) as runtime:
        handle = asyncio.ensure_future(runtime.start(Spell.read(path), Asking()).result())
        assert not handle.done()
        assert (await handle).value == "from Lua"
        assert handle.done()


@BOTH
async def test_scripts_do_not_make_handles(cast: Any, language: str) -> None:
    text = {"lua": "return AsyncHandle.new()", "js": "return new AsyncHandle()"}[language]
    assert (await cast(**{language: text})).result.error is not None
    assert (await cast(js="return Async.spawn(async () => 1) instanceof AsyncHandle")).value is True


@BOTH
async def test_a_replay_is_the_same(cast: Any, language: str) -> None:
    text = {
        "lua": "local h = Async.spawn(function() Async.sleep(2) print('inner') return 1 end) print(h:is_complete()) Async.sleep(4) print(h:is_complete()) return h:await_result()",
        "js": "const h = Async.spawn(async () => { await Async.sleep(2); console.log('inner'); return 1 }); console.log(h.isComplete()); await Async.sleep(4); console.log(h.isComplete()); return await h",
    }[language]  # fmt: skip
    done = await cast(**{language: text})
    again = await cast(**{language: text}, replay=done.recording)
    assert done.value == again.value == 1
    assert [event.kind for event in done.events] == [event.kind for event in again.events]
    assert done.output == again.output
