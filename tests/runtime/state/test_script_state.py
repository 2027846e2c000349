"""The namespace State as spells use it, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.traces.recording import Recording

Cast = Callable[..., Any]
both = pytest.mark.parametrize("language", ["lua", "js"])

VALUES = {
    "lua": """
      local seen = { State.get("n") == nil, State.get("n", "none") }
      State.set("n", 1)
      State.set("table", { a = { 1, 2, { b = "c" } } })
      seen[3] = State.get("table").a[3].b
      seen[4] = State.update("n", function(n) return n + 41 end)
      seen[5] = State.update("new", function(n) return n == nil and "made" or n end)
      seen[6] = State.compare_and_set("n", 41, 0)
      seen[7] = State.compare_and_set("n", 42, 43)
      seen[8] = State.compare_and_set("free", nil, "taken")
      seen[9] = State.compare_and_set("free", nil, "again")
      seen[10] = State.list()
      seen[11] = State.list("n")
      seen[12] = State.delete("free")
      seen[13] = State.delete("free")
      State.set("table", nil)
      local entry = State.entry("n")
      seen[14] = { entry.key, entry.value, entry.version, entry.expires_at == nil, State.entry("none") == nil }
      seen[15] = State.snapshot()
      return seen""",
    "js": """
      const seen = [await State.get("n") === null, await State.get("n", "none")];
      await State.set("n", 1);
      await State.set("table", { a: [1, 2, { b: "c" }] });
      seen.push((await State.get("table")).a[2].b);
      seen.push(await State.update("n", (n) => n + 41));
      seen.push(await State.update("new", async (n) => n ?? "made"));
      seen.push(await State.compareAndSet("n", 41, 0));
      seen.push(await State.compareAndSet("n", 42, 43));
      seen.push(await State.compareAndSet("free", null, "taken"));
      seen.push(await State.compareAndSet("free", undefined, "again"));
      seen.push(await State.list());
      seen.push(await State.list("n"));
      seen.push(await State.delete("free"));
      seen.push(await State.delete("free"));
      await State.set("table", null);
      const entry = await State.entry("n");
      seen.push([entry.key, entry.value, entry.version, entry.expiresAt === null, await State.entry("none") === null]);
      seen.push(await State.snapshot());
      return seen;""",
}


@both
@pytest.mark.mission(91, 92)
async def test_values_are_kept_changed_listed_and_forgotten(cast: Cast, language: str) -> None:
    spell = await cast(**{language: VALUES[language]})
    assert spell.value == [
        *(True, "none", "c", 42, "made", False, True, True, False),
        *(["free", "n", "new", "table"], ["n", "new"], True, False),
        *(["n", 43, 5, True, True], {"n": 43, "new": "made"}),
    ]
    changes = [event.data for event in spell.of("state_changed")]
    assert [(each["path"], each["value"], each["old"]) for each in changes] == [
        ("n", 1, None),
        ("table", {"a": [1, 2, {"b": "c"}]}, None),
        ("n", 42, 1),
        ("new", "made", None),
        ("n", 43, 42),
        ("free", "taken", None),
        ("free", None, "taken"),
        ("table", None, {"a": [1, 2, {"b": "c"}]}),
    ]
    assert {(each["scope"], each["by"]) for each in changes} == {("global", "spell")}
    assert [each["version"] for each in changes] == list(range(1, 9))


@pytest.mark.mission(91, 92)
async def test_what_one_run_keeps_another_finds_in_either_language(cast: Cast, tmp_path: Path) -> None:
    await cast(lua='State.set("notes", { "a", { b = true } }) State.set("plain", "text")')
    text = 'return [await State.get("notes"), await State.get("plain")]'
    assert (await cast(js=text)).value == [["a", {"b": True}], "text"]
    assert (tmp_path / ".llmspell" / "state.db").is_file()
    assert (await cast(lua='return State.list("")')).value == ["notes", "plain"]


TTL = {
    "lua": """
      State.set("short", 1, { ttl = 1 })
      State.set("long", 1, { ttl = 60000 })
      State.update("also", function() return 2 end, { ttl = 1 })
      Async.sleep(10)
      local ok, problem = pcall(State.set, "x", 1, { ttl = 0 })
      local misspelled = select(2, pcall(State.set, "x", 1, { ttll = 5 }))
      return { State.get("short", "gone"), State.get("also", "gone"), State.entry("long").expires_at > 0,
        problem.message, misspelled.message .. misspelled.hint }""",
    "js": """
      await State.set("short", 1, { ttl: 1 });
      await State.set("long", 1, { ttl: 60000 });
      await State.update("also", () => 2, { ttl: 1 });
      await Async.sleep(10);
      const problemOf = (work) => work.then(() => null, (error) => error);
      const problem = await problemOf(State.set("x", 1, { ttl: 0 }));
      const misspelled = await problemOf(State.set("x", 1, { ttll: 5 }));
      return [await State.get("short", "gone"), await State.get("also", "gone"),
        (await State.entry("long")).expiresAt > 0, problem.message, misspelled.message + misspelled.hint];""",
}


@both
async def test_a_time_to_live(cast: Cast, language: str) -> None:
    *seen, problem, misspelled = (await cast(**{language: TTL[language]})).value
    assert seen == ["gone", "gone", True]
    assert problem == "ttl is 0: it must be more than 0"
    assert "ttll" in misspelled and "ttl" in misspelled.replace("ttll", "")


WATCH = {
    "lua": """
      local seen = {}
      local watch = State.watch("jobs/", function(change)
        seen[#seen + 1] = { change.key, change.value or "nothing", change.deleted, change.by, change.scope }
      end)
      State.set("jobs/a", { 1 })
      State.set("other", 1)
      State.delete("jobs/a")
      while #seen < 2 do Async.sleep(1) end
      watch:stop()
      State.set("jobs/b", 1)
      Async.sleep(60)
      return { seen, watch.active }""",
    "js": """
      const seen = [];
      const watch = await State.watch("jobs/", ({ key, value, deleted, by, scope }) => {
        seen.push([key, value ?? "nothing", deleted, by, scope]);
      });
      await State.set("jobs/a", [1]);
      await State.set("other", 1);
      await State.delete("jobs/a");
      while (seen.length < 2) await Async.sleep(1);
      watch.stop();
      await State.set("jobs/b", 1);
      await Async.sleep(60);
      return [seen, watch.active];""",
}


@both
@pytest.mark.mission(92)
async def test_a_watcher_hears_changes_of_its_prefix_until_it_is_stopped(cast: Cast, language: str) -> None:
    seen, active = (await cast(**{language: WATCH[language]})).value
    name = f"spell.{language}"
    assert seen == [["jobs/a", [1], False, name, "global"], ["jobs/a", "nothing", True, name, "global"]]
    assert not active


SNAPSHOT = {
    "lua": """
      State.set("a", 1) State.set("b", { x = 1 })
      local before = State.snapshot()
      State.set("a", 2) State.delete("b") State.set("c", 3)
      State.restore(JSON.parse(JSON.stringify(before)))
      return { State.snapshot(), State.snapshot("b") }""",
    "js": """
      await State.set("a", 1); await State.set("b", { x: 1 });
      const before = await State.snapshot();
      await State.set("a", 2); await State.delete("b"); await State.set("c", 3);
      await State.restore(JSON.parse(JSON.stringify(before)));
      return [await State.snapshot(), await State.snapshot("b")];""",
}


@both
async def test_a_snapshot_is_restored_in_one_step(cast: Cast, language: str) -> None:
    spell = await cast(**{language: SNAPSHOT[language]})
    assert spell.value == [{"a": 1, "b": {"x": 1}}, {"b": {"x": 1}}]
    restored = [event.data for event in spell.of("state_changed")][-3:]
    assert [(each["path"], each["value"]) for each in restored] == [("a", 1), ("b", {"x": 1}), ("c", None)]


SCOPES = {
    "lua": """
      local notes = State.scope("notes")
      notes:set("a", 1)
      State.set("a", "mine")
      local agent = Agent.new{ name = "ada", state = { plan = { "x", "y" } } }
      local live = State.scope("agent:ada")
      live:update("plan.0", function(step) return step .. "!" end)
      live:set("mood", "good")
      local seen = { notes.name, live.name, notes:get("a"), State.get("a"), notes:list(), State.list(),
        agent.state.plan[1], agent.state.mood, live:get("plan.1"), live:list(), live:compare_and_set("mood", "bad", 1) }
      local before = live:snapshot()
      live:delete("mood")
      live:restore(before)
      seen[12] = agent.state.mood
      local heard = {}
      local watch = live:watch("plan", function(change) heard[#heard + 1] = change.key end)
      agent.state.plan[2] = "z"
      agent.state.mood = "same"
      watch:stop()
      agent.state.plan[1] = "w"
      Async.sleep(0)
      seen[13] = heard
      for at, name in ipairs{ "agent:none", "a/b" } do
        local ok, problem = pcall(State.scope, name)
        seen[13 + at] = problem.message
      end
      return seen""",
    "js": """
      const notes = await State.scope("notes");
      await notes.set("a", 1);
      await State.set("a", "mine");
      const agent = new Agent({ name: "ada", state: { plan: ["x", "y"] } });
      const live = await State.scope("agent:ada");
      await live.update("plan.0", (step) => step + "!");
      await live.set("mood", "good");
      const seen = [notes.name, live.name, await notes.get("a"), await State.get("a"), await notes.list(), await State.list(),
        agent.state.plan[0], agent.state.mood, await live.get("plan.1"), await live.list(),
        await live.compareAndSet("mood", "bad", 1)];
      const before = await live.snapshot();
      await live.delete("mood");
      await live.restore(before);
      seen.push(agent.state.mood);
      const heard = [];
      const watch = await live.watch("plan", (change) => { heard.push(change.key); });
      agent.state.plan[1] = "z";
      agent.state.mood = "same";
      watch.stop();
      agent.state.plan[0] = "w";
      await Async.sleep(0);
      seen.push(heard);
      for (const name of ["agent:none", "a/b"]) {
        seen.push(await State.scope(name).catch((error) => error.message));
      }
      return seen;""",
}


@both
@pytest.mark.mission(91)
async def test_scopes_of_the_project_and_of_agents(cast: Cast, language: str) -> None:
    *seen, heard, nobody, no_name = (await cast(**{language: SCOPES[language]})).value
    assert seen == ["notes", "agent:ada", 1, "mine", ["a"], ["a"], "x!", "good", "y", ["mood", "plan"], False, "good"]
    assert heard == (["plan.1"] if language == "lua" else ["plan"]), "JavaScript writes lists as a whole"
    assert nobody == "there is no state 'agent:none'"
    assert "'a/b' cannot name a part of the state" in no_name


@both
@pytest.mark.mission(92)
async def test_a_replay_does_not_touch_the_store(cast: Cast, language: str, tmp_path: Path) -> None:
    for text in (VALUES, TTL, WATCH, SCOPES):
        spell = await cast(**{language: text[language]})
        _remove_store(tmp_path)
        path = tmp_path / ".llmspell" / "runs" / f"{spell.result.run_id}.db"
        again = await cast(**{language: text[language]}, replay=Recording.load(path, values.unpack))
        assert again.value == spell.value
        assert again.events == spell.events
        assert not (tmp_path / ".llmspell" / "state.db").exists()


def _remove_store(project: Path) -> None:
    for path in project.glob(".llmspell/state.db*"):
        path.unlink()


@both
async def test_watchers_have_a_limit(cast: Cast, language: str) -> None:
    text = {
        "lua": 'for _ = 1, 600 do State.watch("x", print):stop() end\nfor _ = 1, 600 do State.watch("x", print) end',
        "js": 'for (let n = 0; n < 600; n++) (await State.watch("x", print)).stop();\n'
        'for (let n = 0; n < 600; n++) await State.watch("x", () => {});',
    }
    spell = await cast(**{language: text[language].replace('"x", print)).', '"x", () => {})).')})
    assert spell.result.status == "limit"
    assert "watches its state 500 times at once" in str(spell.result.error)
