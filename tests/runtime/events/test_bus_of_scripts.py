"""What a spell does with buses beyond `on` and `emit`, in both languages: waiting, history, hooks, systems, pressure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])


def stored(folder: Path, spell: Any) -> Path:
    """The file of a run."""
    return next(folder.rglob(f"{spell.result.run_id}.db"))


WAITS = {
    "lua": """
        Async.spawn(function()
          for n = 1, 3 do Async.sleep(1) eventBus.emit("report_ready", { pages = n, toolName = "kept" }) end
        end)
        local first = eventBus.wait_for("report:*")
        local third = eventBus.wait_for("reportReady", { timeout = 60000, filter = function(event) return event.pages > 2 end })
        local ok, err = pcall(eventBus.wait_for, "nothing", { timeout = 5 })
        local made = Async.spawn(function() return eventBus.wait_for("agent:created") end)
        Async.sleep(1)
        local agent = Agent.new{ name = "ada" }
        local created = made:await()
        local asked = Async.spawn(function() return agent:wait_for("execution_completed") end)
        Async.sleep(1)
        agent:chat("Hi")
        return { first.pages, first.event, first.toolName, third.pages, err.type, created.agent_name, asked:await().agent_name }
    """,
    "js": """
        (async () => {
          for (let n = 1; n <= 3; n++) { await Async.sleep(1); eventBus.emit("report_ready", { pages: n, toolName: "kept" }); }
        })();
        const first = await eventBus.waitFor("report:*");
        const third = await eventBus.waitFor("reportReady", { timeout: 60000, filter: (event) => event.pages > 2 });
        const err = await eventBus.waitFor("nothing", { timeout: 5 }).catch((error) => error);
        const made = eventBus.waitFor("agent:created");
        const agent = new Agent({ name: "ada" });
        const created = await made;
        const asked = agent.waitFor("executionCompleted");
        await agent.chat("Hi");
        return [first.pages, first.event, first.toolName, third.pages, err.type, created.agentName, (await asked).agentName];
    """,
}


@both
@pytest.mark.mission(83, 84)
async def test_a_spell_waits_for_the_event_it_wants(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: WAITS[language]}, model=model)
    assert spell.value == [1, "report_ready", "kept", 3, "timeout", "ada", "ada"]


HISTORY = {
    "lua": """
        for n = 1, 5 do eventBus.emit("step_done", { n = n }) end
        eventBus.emit("other")
        local agent = Agent.new{ name = "ada" }
        local steps, two = eventBus.history("step:*"), eventBus.history("stepDone", 2)
        return { #steps.events, steps.forgotten, two.events[1].n, two.events[2].n, #eventBus.history("*").events,
                 eventBus.history("agent_created").events[1].agent_name }
    """,
    "js": """
        for (let n = 1; n <= 5; n++) eventBus.emit("step_done", { n });
        eventBus.emit("other");
        const agent = new Agent({ name: "ada" });
        const steps = eventBus.history("step:*"), two = eventBus.history("stepDone", 2);
        return [steps.events.length, steps.forgotten, two.events[0].n, two.events[1].n, eventBus.history("*").events.length,
                eventBus.history("agent_created").events[0].agentName];
    """,
}


@both
@pytest.mark.mission(83)
async def test_what_happened_before_can_be_looked_up(cast: Any, language: str) -> None:
    assert (await cast(**{language: HISTORY[language]})).value == [5, 0, 4, 5, 8, "ada"]


async def test_a_long_history_says_how_much_it_has_forgotten(cast: Any) -> None:
    spell = await cast(
        lua="""
            for n = 1, 10500 do eventBus.emit("tick", { n = n }) end
            local known = eventBus.history("tick", 20000)
            return { #known.events, known.forgotten, known.events[1].n, metrics.snapshot().counters.llmspell_custom_events }
        """
    )
    count, forgotten, first, counted = spell.value
    assert count == 10_000 and forgotten == 501 and first == 501, "the run's first event is no tick"
    assert counted == 10_500, "what is counted is counted from the beginning all the same"


DRIVEN = {
    "lua": """
        local system, order = EventSystem.new{ name = "shop" }, {}
        local function note(event) order[#order + 1] = event.event .. " " .. event.round end
        system:on("*", function(event_type, event) note(event) end)
        system:on("draft_completed", function(event)
          if event.round < 3 then system:emit("revision_needed", { round = event.round }) else system:emit("published", event) end
        end)
        system:on("revision_needed", function(event) system:emit("draft_completed", { round = event.round + 1 }) end)
        eventBus.on("*", function(event_type) order[#order + 1] = "bus " .. event_type end)
        local published = Async.spawn(function() return system:wait_for("published", { timeout = 60000 }) end)
        Async.sleep(1)
        system:emit("draft_completed", { round = 1 })
        local last = published:await()
        local once = 0
        system:once("ping", function() once = once + 1 end)
        system:emit("ping", { round = 0 }) system:emit("ping", { round = 0 })
        return { order, last.event, last.round, once, system:off("*"), system:listener_count("draft_completed"), system.name }
    """,
    "js": """
        const system = new EventSystem({ name: "shop" }), order = [];
        const note = (event) => order.push(event.event + " " + event.round);
        system.on("*", (eventType, event) => note(event));
        system.on("draft_completed", (event) => {
          if (event.round < 3) system.emit("revision_needed", { round: event.round }); else system.emit("published", event);
        });
        system.on("revision_needed", (event) => system.emit("draft_completed", { round: event.round + 1 }));
        eventBus.on("*", (eventType) => order.push("bus " + eventType));
        const published = system.waitFor("published", { timeout: 60000 });
        await Async.sleep(1);
        system.emit("draft_completed", { round: 1 });
        const last = await published;
        let once = 0;
        system.once("ping", () => { once += 1; });
        system.emit("ping", { round: 0 }); system.emit("ping", { round: 0 });
        return [order, last.event, last.round, once, system.off("*"), system.listenerCount("draft_completed"), system.name];
    """,
}


@both
@pytest.mark.mission(87)
async def test_handlers_drive_each_other_round_and_round(cast: Any, language: str) -> None:
    spell = await cast(**{language: DRIVEN[language]})
    order, *rest = spell.value
    assert order == [
        *("draft_completed 1", "revision_needed 1", "draft_completed 2", "revision_needed 2", "draft_completed 3"),
        *("published 3", "ping 0", "ping 0"),
    ]
    assert rest == ["published", 3, 1, 1, 1, "shop"]
    told = spell.of("custom")
    assert [event.name for event in told][:2] == ["draft_completed", "revision_needed"]
    assert {event.data["event_system"] for event in told} == {"shop"}
    assert "event" not in told[5].data, "a payload that is passed on as it came is not told whose it was"


HOOKED = {
    "lua": """
        local seen, agent = {}, Agent.new{ name = "ada" }
        Hooks.register("before_event_emit", function(context)
          Async.sleep(1)
          if context.event == "secret" then error("not that one") end
          context.data.stamped = true
          context.added = 7
        end)
        Hooks.register("after_event_emit", function(context) seen[#seen + 1] = "after " .. context.event .. context.added end)
        eventBus.on("*", function(event_type, event) if event.stamped then seen[#seen + 1] = event_type .. event.n end end)
        eventBus.emit("first", { n = 1 })
        agent:emit("second", { n = 2 })
        local system = EventSystem.new()
        system:on("third", function(event) seen[#seen + 1] = "third" .. event.n .. tostring(event.stamped) end)
        system:emit("third", { n = 3 })
        local ok, err = pcall(eventBus.emit, "secret", { n = 4 })
        return { seen, ok, tostring(err):match("not that one") }
    """,
    "js": """
        const seen = [], agent = new Agent({ name: "ada" });
        Hooks.register("beforeEventEmit", async (context) => {
          await Async.sleep(1);
          if (context.event === "secret") throw new Error("not that one");
          context.data.stamped = true;
          context.added = 7;
        });
        Hooks.register("afterEventEmit", (context) => { seen.push("after " + context.event + context.added); });
        eventBus.on("*", (eventType, event) => { if (event.stamped) seen.push(eventType + event.n); });
        eventBus.emit("first", { n: 1 });
        agent.emit("second", { n: 2 });
        const system = new EventSystem();
        system.on("third", (event) => { seen.push("third" + event.n + event.stamped); });
        system.emit("third", { n: 3 });
        let ok = true, message = "";
        try { eventBus.emit("secret", { n: 4 }); } catch (err) { ok = false; message = err.message.match("not that one")[0]; }
        return [seen, ok, message];
    """,
}


@both
async def test_hooks_have_their_say_in_what_a_spell_emits(cast: Any, language: str) -> None:
    spell = await cast(**{language: HOOKED[language]})
    seen, ok, message = spell.value
    assert seen == ["first1", "after first7", "second2", "after second7", "third3true", "after third7"]
    assert (ok, message) == (False, "not that one")
    assert [event.name for event in spell.of("custom")] == ["first", "second", "third"], "a veto keeps it untold"
    (error,) = spell.of("error")
    assert error.data["unit"] == "event_emit"


FULL = {
    "lua": """
        local done, refused = {}, {}
        eventBus.on("row", function(event) Async.sleep(2) done[#done + 1] = event.n end, { concurrency = 1, limit = 3 })
        for n = 1, 5 do
          local ok, err = pcall(eventBus.emit, "row", { n = n })
          if not ok then refused[#refused + 1] = { n, err.type } end
        end
        local heard = eventBus.emit_and_wait("row", { n = 6 })
        return { done, refused, heard }
    """,
    "js": """
        const done = [], refused = [];
        eventBus.on("row", async (event) => { await Async.sleep(2); done.push(event.n); }, { concurrency: 1, limit: 3 });
        for (let n = 1; n <= 5; n++) {
          try { eventBus.emit("row", { n }); } catch (err) { refused.push([n, err.type]); }
        }
        const heard = await eventBus.emitAndWait("row", { n: 6 });
        return [done, refused, heard];
    """,
}


@both
async def test_a_full_listener_refuses_and_who_waits_is_heard(cast: Any, language: str) -> None:
    spell = await cast(**{language: FULL[language]})
    done, refused, heard = spell.value
    assert done == [1, 2, 3, 6] and heard == 1, "each of those that were taken, in order, one at a time"
    assert refused == [[4, "invalid_argument"], [5, "invalid_argument"]]
    assert [event.data["n"] for event in spell.of("custom")] == [1, 2, 3, 6], "what is refused is told to nobody"


DROPS = {
    "lua": """
        local done = {}
        local slow = eventBus.on("tick", function(event) Async.sleep(2) done[#done + 1] = event.n end, { limit = 2, overflow = "drop" })
        for n = 1, 10 do eventBus.emit("tick", { n = n }) end
        while #done < 2 do Async.sleep(1) end
        for n = 11, 15 do eventBus.emit("tick", { n = n }) end
        while #done < 4 do Async.sleep(1) end
        return { done, slow.dropped }
    """,
    "js": """
        const done = [];
        const slow = eventBus.on("tick", async (event) => { await Async.sleep(2); done.push(event.n); }, { limit: 2, overflow: "drop" });
        for (let n = 1; n <= 10; n++) eventBus.emit("tick", { n });
        while (done.length < 2) await Async.sleep(1);
        for (let n = 11; n <= 15; n++) eventBus.emit("tick", { n });
        while (done.length < 4) await Async.sleep(1);
        return [done, slow.dropped];
    """,
}


@both
async def test_what_a_listener_opted_to_miss_is_counted(cast: Any, language: str) -> None:
    spell = await cast(**{language: DROPS[language]})
    assert spell.value == [[1, 2, 11, 12], 11]
    told = spell.of("events_dropped")
    assert [(event.data["pattern"], event.data["count"]) for event in told] == [("tick", 8), ("tick", 3)]
    assert told[0].data["handler"].endswith(":3")
    assert len(spell.of("custom")) == 15, "the trace has all of them"


SLOW = {
    "lua": """
        local done, agent = 0, Agent.new{ name = "ada" }
        eventBus.on("llm:*", function() Async.sleep(5) done = done + 1 end, { limit = 2 })
        for n = 1, 4 do agent:chat("Hi") end
        return done
    """,
    "js": """
        let done = 0;
        const agent = new Agent({ name: "ada" });
        eventBus.on("llm:*", async () => { await Async.sleep(5); done += 1; }, { limit: 2 });
        for (let n = 1; n <= 4; n++) await agent.chat("Hi");
        return done;
    """,
}


@both
async def test_the_runtime_itself_waits_for_a_listener_that_is_behind(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: SLOW[language]}, model=model)
    assert spell.value >= 5, "each call began only when the listener had room again"
    (warning,) = spell.of("warning")
    assert "waits for the listener of 'llm:*'" in warning.data["message"]


TELLS = {
    "lua": """
        local heard = 0
        eventBus.on("*", function(event_type)
          heard = heard + 1
          print(event_type) logger:debug(event_type) metrics:increment("heard", { event = event_type })
        end)
        eventBus.emit("hello")
        Async.sleep(5)
        print("bye")
        Async.sleep(5)
        return heard
    """,
    "js": """
        let heard = 0;
        eventBus.on("*", (eventType) => {
          heard += 1;
          console.log(eventType); logger.debug(eventType); metrics.increment("heard", { event: eventType });
        });
        eventBus.emit("hello");
        await Async.sleep(5);
        console.log("bye");
        await Async.sleep(5);
        return heard;
    """,
}


@both
async def test_a_handler_does_not_hear_what_it_prints_logs_and_counts(cast: Any, language: str) -> None:
    spell = await cast(**{language: TELLS[language]})
    assert spell.value == 2
    assert spell.output["out"].splitlines() == ["hello", "bye", "output"]


@both
@pytest.mark.parametrize(
    "script",
    [WAITS, FULL, DROPS, HOOKED, DRIVEN, HISTORY],
    ids=["waits", "full", "drops", "hooked", "driven", "history"],
)
async def test_a_replay_gives_the_same_events(cast: Any, tmp_path: Path, language: str, script: dict[str, str]) -> None:
    first = await cast(**{language: script[language]})
    recording = Recording.load(stored(tmp_path, first), values.unpack)
    again = await cast(**{language: script[language]}, replay=recording)
    assert again.result.error is None
    assert again.value == first.value and again.events == first.events


EMITTER = {
    "lua": """
        local emitter, seen = EventEmitter.new(), {}
        local function add(data) seen[#seen + 1] = data end
        local counts = { emitter:on("x", add):on("x", add):listener_count("x"), emitter:off("x", add):listener_count("x"), emitter:off("x"):listener_count("x") }
        local unheard, err = pcall(emitter.emit, emitter, "error", "bad")
        local _, err2 = pcall(emitter.emit, emitter, "error", { message = "worse" })
        local _, err3 = pcall(emitter.emit, emitter, "error", ToolError and ToolError.new("worst") or "worst")
        emitter:on("error", add)
        local heard = emitter:emit("error", "fine")
        emitter:once("y", function() emitter:emit("y") add("once") end)
        emitter:emit("y")
        emitter:on("z", function() error("thrown") end):on("z", add)
        local ok, thrown = pcall(emitter.emit, emitter, "z", "never")
        emitter:on("w", function() emitter:on("w", add) end)
        emitter:emit("w", "first") emitter:emit("w", "second")
        return { counts, unheard, err.message, err2.message, err3.message:match("worst"), heard, seen, ok, tostring(thrown):match("thrown"), emitter:remove_all_listeners():listener_count("w") }
    """,
    "js": """
        const emitter = new EventEmitter(), seen = [];
        const add = (data) => { seen.push(data); };
        const counts = [emitter.on("x", add).on("x", add).listenerCount("x"), emitter.off("x", add).listenerCount("x"), emitter.off("x").listenerCount("x")];
        const thrownBy = (work) => { try { work(); return null; } catch (error) { return error; } };
        const err = thrownBy(() => emitter.emit("error", "bad"));
        const err2 = thrownBy(() => emitter.emit("error", { message: "worse" }));
        const err3 = thrownBy(() => emitter.emit("error", new Error("worst")));
        emitter.on("error", add);
        const heard = emitter.emit("error", "fine");
        emitter.once("y", () => { emitter.emit("y"); add("once"); });
        emitter.emit("y");
        emitter.on("z", () => { throw new Error("thrown"); }).on("z", add);
        const thrown = thrownBy(() => emitter.emit("z", "never"));
        emitter.on("w", () => { emitter.on("w", add); });
        emitter.emit("w", "first"); emitter.emit("w", "second");
        return [counts, err === null, err.message, err2.message, err3.message, heard, seen, thrown === null, thrown.message, emitter.removeAllListeners().listenerCount("w")];
    """,
}


@both
@pytest.mark.mission(88)
async def test_an_emitter_counts_forgets_and_does_not_hide_errors(cast: Any, language: str) -> None:
    counts, unheard, bad, worse, worst, heard, seen, ok, thrown, left = (
        await cast(**{language: EMITTER[language]})
    ).value
    assert counts == [2, 1, 0] and not unheard and "bad" in bad and "worse" in worse and worst == "worst"
    assert heard is True and seen == ["fine", "once", "second"]
    assert (ok, thrown, left) == (False, "thrown", 0)


@both
@pytest.mark.parametrize(
    ("lua", "js", "said"),
    [
        ("eventBus.emit('')", "eventBus.emit('')", "name"),
        ("eventBus.on('x', print, { limit = 'many' })", "eventBus.on('x', () => {}, { limit: 'many' })", "limit"),
        (
            "eventBus.on('x', print, { overflw = 'drop' })",
            "eventBus.on('x', () => {}, { overflw: 'drop' })",
            "overflow",
        ),
        ("EventSystem.new{ nam = 'x' }", "new EventSystem({ nam: 'x' })", "name"),
        ("eventBus.wait_for('x', { timeot = 1 })", "await eventBus.waitFor('x', { timeot: 1 })", "timeout"),
    ],
)
async def test_mistakes_are_told_with_what_was_meant(cast: Any, language: str, lua: str, js: str, said: str) -> None:
    error = (await cast(**{language: lua if language == "lua" else js})).result.error
    assert error is not None and error.type == "invalid_argument" and error.source.endswith(":1")
    assert said in f"{error.message} {error.hint}"
