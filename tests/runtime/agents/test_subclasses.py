"""Classes that scripts make of the library's: overrides that the host calls back, options of their own, `super`."""

from __future__ import annotations

from typing import Any

import pytest

both = pytest.mark.parametrize("language", ["lua", "js"])

OWN_CLASS = {
    "lua": """
        local Doubler = BaseAgent:extend("Doubler")
        function Doubler:init(config)
          self.factor = config.factor or 2
          self.state = { status = "ready", runs = 0 }
        end
        function Doubler:execute(input)
          self:set_state("working")
          self.state.runs = self.state.runs + 1
          return { doubled = input.n * self.factor }
        end
        function Doubler:triple(n) return n * 3 end
        local d = Doubler.new{ name = "d", factor = 4 }
        local first = d:execute{ n = 3 }
        local second = Agent.execute("d", { n = 5 })
        return { first.doubled, second.doubled, d.state.status, d.state.runs, d:triple(2), d.factor, d.name }
    """,
    "js": """
        class Doubler extends BaseAgent {
          constructor(config) {
            super(config);
            this.factor = config.factor ?? 2;
            this.state = { status: "ready", runs: 0 };
          }
          async execute(input) {
            this.setState("working");
            this.state.runs += 1;
            return { doubled: input.n * this.factor };
          }
          triple(n) { return n * 3; }
        }
        const d = new Doubler({ name: "d", factor: 4 });
        const first = await d.execute({ n: 3 });
        const second = await Agent.execute("d", { n: 5 });
        return [first.doubled, second.doubled, d.state.status, d.state.runs, d.triple(2), d.factor, d.name];
    """,
}


@both
@pytest.mark.mission(12, 15)
async def test_a_class_of_the_script_is_executed_like_any_agent(cast: Any, language: str) -> None:
    spell = await cast(**{language: OWN_CLASS[language]})
    assert spell.value == [12, 20, "working", 2, 6, 4, "d"]
    done = spell.of("execution_completed")
    assert [(event.data["agent_type"], event.data["output"]) for event in done] == [
        ("Doubler", {"doubled": 12}),
        ("Doubler", {"doubled": 20}),
    ]


LAZY = {
    "lua": """
        local Lazy = BaseAgent:extend()
        function Lazy:execute(input)
          return coroutine.wrap(function()
            self:set_state("half")
            coroutine.yield("half of " .. input.n)
            return "all of " .. input.n
          end)
        end
        local lazy = Lazy.new{}
        local resume = lazy:execute{ n = 2 }
        local before = lazy.state.status
        return { before == nil, resume(), lazy.state.status, resume() }
    """
}


@pytest.mark.mission(14)
async def test_a_lua_execute_may_give_a_wrapped_coroutine(cast: Any) -> None:
    assert (await cast(lua=LAZY["lua"])).value == [True, "half of 2", "half", "all of 2"]


@pytest.mark.mission(14)
async def test_a_wrapped_coroutine_is_called_where_its_value_is_wanted(cast: Any) -> None:
    spell = await cast(
        lua="""
        local Lazy = BaseAgent:extend()
        function Lazy:execute(input) return coroutine.wrap(function() Async.sleep(1) return "did " .. input.message end) end
        return AgentTool.wrap(Lazy.new{}, "lazy", "does it"):execute{ message = "it" }
        """
    )
    assert spell.value == {"response": "did it"}


SUPER = {
    "lua": """
        local Polite = Agent:extend("Polite")
        function Polite:init(config) self.greeting = config.greeting end
        function Polite:execute(input)
          local out = Agent.execute(self, self.greeting .. " " .. input)
          local more = self:chat("Thanks")
          return out .. " / " .. more
        end
        local p = Polite.new{ system_prompt = "Be kind", greeting = "Hello" }
        local Kinder = Polite:extend("Kinder")
        function Kinder:execute(input) return "kinder: " .. Polite.execute(self, input) end
        local k = Kinder.new{ greeting = "Hi" }
        return { p:execute("you"), p:chat("direct"), p.system_prompt, #p:conversation_history(), k:execute("there") }
    """,
    "js": """
        class Polite extends Agent {
          constructor(config) { super(config); }
          async execute(input) {
            const out = await super.execute(this.greeting + " " + input);
            const more = await this.chat("Thanks");
            return out + " / " + more;
          }
        }
        const p = new Polite({ systemPrompt: "Be kind", greeting: "Hello" });
        class Kinder extends Polite {
          async execute(input) { return "kinder: " + await super.execute(input); }
        }
        const k = new Kinder({ greeting: "Hi" });
        return [await p.execute("you"), await p.chat("direct"), p.systemPrompt, p.conversationHistory().length,
          await k.execute("there")];
    """,
}


@both
@pytest.mark.mission(12, 15)
async def test_super_asks_the_model_and_chats_stay_the_models(cast: Any, model: Any, language: str) -> None:
    spell = await cast(**{language: SUPER[language]}, model=model)
    assert spell.value == [
        "You said: Hello you / You said: Thanks",
        "You said: direct",
        "Be kind",
        2,
        "kinder: You said: Hi there / You said: Thanks",
    ]
    parents = {event.span: event for event in spell.of("execution_started")}
    thanks = next(event for event in parents.values() if event.data["input"] == {"message": "Thanks"})
    assert parents[thanks.parent].data["agent_type"] == "Polite", "a call made inside an override is in its span"


@both
async def test_an_override_that_fails_fails_the_execution_with_its_line(cast: Any, language: str) -> None:
    source = {
        "lua": "local X = BaseAgent:extend()\nfunction X:execute() error('no luck') end\nX.new{}:execute(1)",
        "js": "class X extends BaseAgent {\n  async execute() { throw new Error('no luck'); }\n}\nawait new X({}).execute(1)",
    }
    spell = await cast(**{language: source[language]})
    assert "no luck" in spell.result.error.message and spell.result.error.source.endswith(":2")
    assert [event.data["unit"] for event in spell.of("error")] == ["execute"]
    assert spell.of("execution_completed")[0].data["status"] == "error"


@both
async def test_options_of_the_base_are_checked_in_subclasses_too(cast: Any, language: str) -> None:
    source = {
        "lua": "local X = Agent:extend()\nX.new{ retries = 'many', own = 1 }",
        "js": "class X extends Agent {}\nnew X({ retries: 'many', own: 1 })",
    }
    error = (await cast(**{language: source[language]})).result.error
    assert "retries" in error.message and error.source.endswith(":2" if language == "lua" else ":1")
    unknown = {"lua": "Agent.new{ sistem_prompt = 'x' }", "js": "new Agent({ sistemPrompt: 'x' })"}
    error = (await cast(**{language: unknown[language]})).result.error
    wanted = "system_prompt" if language == "lua" else "systemPrompt"
    assert wanted in f"{error.message} {error.hint}"


ORCHESTRATOR = {
    "js": """
        class Orchestrator extends BaseAgent {
          constructor(config) {
            super(config);
            this.agents = new Map();
            this.delegationStrategy = config.delegationStrategy || "round_robin";
            this.activeJobs = new Map();
            this.turn = 0;
          }
          addAgent(name, agent) { this.agents.set(name, agent); this.addTool(new AgentTool(agent, name)); }
          selectAgents(input) {
            const names = [...this.agents.keys()];
            if (this.delegationStrategy === "round_robin") return [names[this.turn++ % names.length]];
            return names.filter((name) => this.agents.get(name).capabilities().includes(input.skill));
          }
          generateJobId() { return `job_${this.activeJobs.size + 1}`; }
          aggregateResults(results) { return results.map(({ agent, result }) => `${agent}: ${result}`); }
          async executeSingleAgent(name, input) { return String(await this.agents.get(name).execute(input)); }
          async execute(input) {
            const names = this.selectAgents(input);
            if (names.length === 1) return await this.executeSingleAgent(names[0], input);
            const jobs = names.map(async (name) => {
              const id = this.generateJobId();
              this.activeJobs.set(id, "running");
              const result = await this.agents.get(name).execute(input);
              this.activeJobs.set(id, "completed");
              return { agent: name, result };
            });
            return this.aggregateResults(await Promise.all(jobs));
          }
        }
        const o = new Orchestrator({ id: "main", delegationStrategy: "skill_based" });
        const skilled = (...capabilities) => new Agent({ capabilities });
        o.addAgent("one", skilled("write")); o.addAgent("two", skilled("write", "draw"));
        const together = await o.execute({ query: "q", skill: "write" });
        const alone = await o.execute({ query: "q", skill: "draw" });
        const turns = new Orchestrator({});
        turns.addAgent("a", new Agent({ name: "a" })); turns.addAgent("b", new Agent({ name: "b" }));
        for (let n = 0; n < 3; n++) await turns.execute("next");
        return [o.id, o.delegationStrategy, o.tools.map(t => t.name), together, alone, [...o.activeJobs.values()]];
    """
}


@pytest.mark.mission(16)
async def test_an_orchestrator_holds_agents_and_wraps_them_as_tools(cast: Any, model: Any) -> None:
    spell = await cast(js=ORCHESTRATOR["js"], model=model)
    identity, strategy, tools, together, alone, jobs = spell.value
    assert (identity, strategy, tools) == ("main", "skill_based", ["one", "two"])
    assert [text.partition("\n")[0] for text in together] == ["one: You said: q", "two: You said: q"]
    assert alone.startswith("You said: q")
    assert jobs == ["completed", "completed"]
    names = [event.name for event in spell.of("execution_started")]
    assert [name for name in names if name in ("a", "b")] == ["a", "b", "a"]
