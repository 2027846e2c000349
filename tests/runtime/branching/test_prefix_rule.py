"""What of an edited spell is free, and what is asked live: the rule in `llmspell.following`, a sentence a test."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.runtime.branching.recorded import asked, free, prefix

from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

if TYPE_CHECKING:
    from conftest import Caster


ONE_AFTER_THE_OTHER = {
    "lua": """
        local one, other = Agent.new{{ name = "one" }}, Agent.new{{ name = "other" }}
        one:execute("{first}")
        other:execute("second")
        one:execute("third")
        return other:execute("fourth after " .. #"{first}").content
    """,
    "js": """
        const one = new Agent({{ name: "one" }}), other = new Agent({{ name: "other" }});
        await one.execute("{first}");
        await other.execute("second");
        await one.execute("third");
        return (await other.execute("fourth after " + "{first}".length)).content;
    """,
}


async def test_an_agent_that_changed_is_live_and_another_free_as_long_as_it_asks_the_same(
    cast: Caster, model: ModelServer, language: str
) -> None:
    text = ONE_AFTER_THE_OTHER[language]
    first = await cast(**{language: text.format(first="first")}, model=model)
    model.requests.clear()
    same = await cast(**{language: text.format(first="early")}, model=model, prefix=prefix(first))
    assert free(same) == [False, True, False, True]
    assert asked(model) == ["early", "third"]
    model.requests.clear()
    again = await cast(**{language: text.format(first="another")}, model=model, prefix=prefix(first))
    assert free(again) == [False, True, False, False]
    assert asked(model) == ["another", "third", "fourth after 7"]


@pytest.mark.parametrize(("word", "counts"), [("one", True), ("other", False)])
async def test_the_spells_own_tools_are_called_anew_behind_a_change(
    cast: Caster, model: ModelServer, language: str, word: str, counts: bool
) -> None:
    """What they do may depend on it; before, what they did is not done again."""
    text = {
        "lua": """
            local agent = Agent.new{{ name = "a" }}
            Tool.get("file_writer"):execute{{ path = "output/a.txt", content = "a" }}
            agent:execute("{word}")
            return Tool.get("file_writer"):execute{{ path = "output/b.txt", content = "b" }} ~= nil
        """,
        "js": """
            const agent = new Agent({{ name: "a" }});
            await Tool.get("file_writer").execute({{ path: "output/a.txt", content: "a" }});
            await agent.execute("{word}");
            return (await Tool.get("file_writer").execute({{ path: "output/b.txt", content: "b" }})) !== null;
        """,
    }[language]
    first = await cast(**{language: text.format(word="one")}, model=model)
    assert first.value is True
    again = await cast(**{language: text.format(word=word)}, model=model, prefix=prefix(first))
    assert again.value is True
    assert [event.data.get("from_recording") is True for event in again.of("tool_completed")] == [True, counts]


async def test_a_tool_that_keeps_to_itself_changes_nobody_elses(
    cast: Caster, model: ModelServer, language: str
) -> None:
    text = {
        "lua": """
            local sum = Agent.new{{ name = "sum", tools = {{ Calculator.new() }} }}
            local other = Agent.new{{ name = "other", tools = {{ {tool} }} }}
            other:execute("{first}")
            return sum:execute("What is 2 + 3?").content
        """,
        "js": """
            const sum = new Agent({{ name: "sum", tools: [new Calculator()] }});
            const other = new Agent({{ name: "other", tools: [{tool}] }});
            await other.execute("{first}");
            return (await sum.execute("What is 2 + 3?")).content;
        """,
    }[language]
    made = {"lua": "Calculator.new()", "js": "new Calculator()"}[language]
    writer = {"lua": 'Tool.get("file_writer")', "js": 'Tool.get("file_writer")'}[language]
    for tool, question, harmless in ((made, "What is 1 + {}?", True), (writer, "Use the file_writer {}", False)):
        first = await cast(**{language: text.format(tool=tool, first=question.format(1))}, model=model)
        assert first.value == "The answer is 5."
        again = await cast(
            **{language: text.format(tool=tool, first=question.format(2))}, model=model, prefix=prefix(first)
        )
        called = {event.name: event.data.get("from_recording") is True for event in again.of("tool_completed")}
        assert called["calculator"] is harmless
        assert free(again)[-2:] == [True, True]  # the models of the one that asks the same are free all the same


async def test_a_time_limit_that_was_reached_counts_for_what_is_asked_anew(
    cast: Caster, silent: ModelServer, language: str
) -> None:
    text = {
        "lua": """
            local agent = Agent.new{{ name = "a" }}
            local ok, answer = pcall(function() return agent:execute{{ query = "{word}", timeout = {limit} }}.content end)
            return ok and answer or answer.type
        """,
        "js": """
            const agent = new Agent({{ name: "a" }});
            return await agent.execute({{ query: "{word}", timeout: {limit} }}).then((all) => all.content, (error) => error.type);
        """,
    }[language]
    first = await cast(**{language: text.format(word="hang", limit=50)}, model=silent)
    assert first.value == "timeout"
    silent.requests.clear()
    same = await cast(**{language: text.format(word="hang", limit=50)}, model=silent, prefix=prefix(first))
    assert same.value == "timeout"
    assert not silent.requests
    other = await cast(**{language: text.format(word="now", limit=50_000)}, model=silent, prefix=prefix(first))
    assert other.value == "You said: now"


async def test_what_the_host_does_for_long_gives_no_place_away(
    cast: Caster, silent: ModelServer, language: str
) -> None:
    """One agent's hook takes its time while another's limit waits for its turn: who draws first draws first again."""
    text = {
        "lua": """
            local slow, late = Agent.new{ name = "slow" }, Agent.new{ name = "late" }
            Async.all{
              function() for _, word in ipairs{ "one", "two" } do slow:execute(word) end slow:execute(uuid.generate()) end,
              function()
                pcall(function() late:execute{ query = "hang", timeout = 100 } end)
                late:execute(uuid.generate())
              end,
            }
        """,
        "js": """
            const slow = new Agent({ name: "slow" }), late = new Agent({ name: "late" });
            const work = async () => {
              for (const word of ["one", "two"]) await slow.execute(word);
              await slow.execute(uuid.generate());
            };
            const other = async () => {
              await late.execute({ query: "hang", timeout: 100 }).catch(() => {});
              await late.execute(uuid.generate());
            };
            await Promise.all([work(), other()]);
        """,
    }[language]

    async def thorough(context: Any) -> None:
        for _ in range(30 if context["prompt"] == "two" else 0):
            time.sleep(0.001)  # noqa: ASYNC251 what a busy machine makes of a few steps
            await asyncio.sleep(0)

    hooks = {"before_llm_call": thorough}
    first = await cast(**{language: text}, model=silent, hooks=hooks)
    silent.requests.clear()
    again = await cast(**{language: text}, model=silent, hooks=hooks, prefix=prefix(first))
    assert again.result.status == "ok"
    assert not silent.requests


async def test_what_does_not_come_again_holds_up_no_audit_record(
    cast: Caster, model: ModelServer, language: str
) -> None:
    """The recorded run asked for something while a tool ran, and this one does not: the record has come, and waits."""
    text = {
        "lua": """
            local waits, began = {waits}, false
            local weather = Tool.define{{
              name = "weather", description = "d",
              parameters = {{ type = "object", properties = {{ city = {{ type = "string" }} }} }},
              execute = function(given)
                began = true
                while waits do Async.sleep(1) end
                return given
              end,
            }}
            local function work()
              local agent = Agent.new{{ name = "changed", tools = {{ weather }} }}
              agent:chat("{word}")
              return agent:chat("Ask the weather tool")
            end
            local function beside()
              if not waits then return "" end
              while not began do Async.sleep(1) end
              Agent.new{{ name = "beside" }}:chat("one")
              waits = false
              return ""
            end
            return Async.all{{ work, beside }}
        """,
        "js": """
            let waits = {waits}, began = false;
            const weather = Tool.define({{
              name: "weather", description: "d",
              parameters: {{ type: "object", properties: {{ city: {{ type: "string" }} }} }},
              execute: async (given) => {{
                began = true;
                while (waits) await Async.sleep(1);
                return given;
              }},
            }});
            const work = async () => {{
              const agent = new Agent({{ name: "changed", tools: [weather] }});
              await agent.chat("{word}");
              return await agent.chat("Ask the weather tool");
            }};
            const beside = async () => {{
              if (!waits) return "";
              while (!began) await Async.sleep(1);
              await new Agent({{ name: "beside" }}).chat("one");
              waits = false;
              return "";
            }};
            return await Async.all([work(), beside()]);
        """,
    }[language]
    first = await cast(**{language: text.format(waits="true", word="two")}, model=model)
    run = cast(**{language: text.format(waits="false", word="zwei")}, model=model, prefix=prefix(first))
    again = await asyncio.wait_for(run, 30)
    assert again.value == first.value
    assert free(again) == [False] * 3


async def test_what_never_came_is_asked_for_when_nothing_else_is_left(
    cast: Caster, silent: ModelServer, language: str
) -> None:
    text = {
        "lua": 'local a = Agent.new{ name = "a" } a:execute("one") return a:execute("hang on").content',
        "js": 'const a = new Agent({ name: "a" }); await a.execute("one"); return (await a.execute("hang on")).content;',
    }[language]
    first = await cast(**{language: text}, model=silent, flags={"limits.wall_seconds": 1.0})
    assert first.result.status == "limit"

    async with ModelServer() as model:
        again = await cast(**{language: text}, model=model, prefix=prefix(first))
        assert again.value == "You said: hang on"
        assert free(again) == [True, False]
        assert asked(model) == ["hang on"]
        assert again.result.usage["calls"] == 1
        over = await cast(**{language: text}, model=model, prefix=prefix(first), flags={"limits.max_calls": 0})
        assert over.result.status == "limit"


async def test_a_call_that_is_live_has_the_turn_of_the_recorded_one(cast: Caster, language: str) -> None:
    """It takes its time, and those who came after it wait: they see what they saw."""
    text = {
        "lua": """
            local order = {{}}
            local function ask(word, name)
              return function()
                Agent.new{{ name = name }}:execute(word)
                order[#order + 1] = name
                Agent.new{{ name = name .. "2" }}:execute(name .. " after " .. table.concat(order, " "))
              end
            end
            Async.all{{ ask("{first}", "a"), ask("two", "b"), ask("three", "c") }}
            return order
        """,
        "js": """
            const order = [];
            const ask = async (word, name) => {{
              await new Agent({{ name }}).execute(word);
              order.push(name);
              await new Agent({{ name: name + "2" }}).execute(name + " after " + order.join(" "));
            }};
            await Promise.all([ask("{first}", "a"), ask("two", "b"), ask("three", "c")]);
            return order;
        """,
    }[language]

    def late(request: Any, number: int) -> Answer:
        word = request.messages[-1].content
        return Answer(word, delay={"one": 1, "eins": 200, "two": 40, "three": 80}.get(word, 1))

    async with ModelServer(answer=late) as model:
        first = await cast(**{language: text.format(first="one")}, model=model)
        assert first.value == ["a", "b", "c"]
        model.requests.clear()
        again = await cast(**{language: text.format(first="eins")}, model=model, prefix=prefix(first))
        assert again.value == ["a", "b", "c"]
        assert asked(model) == ["eins"]


async def test_another_model_is_said(cast: Caster, model: ModelServer, language: str) -> None:
    """A run with a prefix has the settings of now."""
    text = {
        "lua": 'local a = Agent.new{ name = "clerk" } a:execute("one") return a:execute("two").content',
        "js": 'const a = new Agent({ name: "clerk" }); await a.execute("one"); return (await a.execute("two")).content;',
    }[language]
    first = await cast(**{language: text}, model=model)
    same = await cast(**{language: text}, model=model, prefix=prefix(first))
    assert not same.of("warning")
    model.requests.clear()
    environ = {"LLMSPELL_DEFAULT_MODEL": "openai/another"}
    other = await cast(**{language: text}, model=model, prefix=prefix(first), environ=environ)
    [warning] = other.of("warning")
    assert "clerk asked openai/test" in warning.data["message"]
    assert "asks openai/another now" in warning.data["message"]
    assert first.result.run_id in warning.data["message"]
    assert len(model.requests) == 2
