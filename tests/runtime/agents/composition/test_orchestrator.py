"""OrchestratorAgent: agents as its tools, one task for one of them, a plan for all; and the pattern written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

MADE = {
    "lua": """
        local boss = OrchestratorAgent.new{ name = "boss", delegation_strategy = "round_robin",
          agents = { researcher = ResearchAgent.new{ name = "r", capabilities = { "search" } } } }
        boss:add_agent("writer", WriterAgent.new{ name = "w" })
        BODY
    """,
    "js": """
        const boss = new OrchestratorAgent({ name: "boss", delegationStrategy: "round_robin",
          agents: { researcher: new ResearchAgent({ name: "r", capabilities: ["search"] }) } });
        boss.addAgent("writer", new WriterAgent({ name: "w" }));
        BODY
    """,
}


def boss(language: str, lua: str, js: str) -> dict[str, str]:
    return {language: MADE[language].replace("BODY", lua if language == "lua" else js)}


@both
@pytest.mark.mission(113)
async def test_its_agents_are_tools_and_its_prompt_names_them(cast: Any, model: Any, language: str) -> None:
    source = boss(
        language,
        'return { boss.agents, #boss.tools, boss:chat("please ask the writer") }',
        'return [boss.agents, boss.tools.length, await boss.chat("please ask the writer")];',
    )
    result = await cast(**source, model=model)
    names, tools, answer = result.value
    assert (names, tools) == (["researcher", "writer"], 2)
    assert answer.startswith("The answer is You said: please ask the writer")
    first = model.requests[0].json
    assert "- researcher: search\n- writer: anything" in first["messages"][0]["content"]
    assert [tool["function"]["name"] for tool in first["tools"]] == ["researcher", "writer"]
    assert "search" in first["tools"][0]["function"]["description"]


@both
@pytest.mark.mission(16)
async def test_the_pattern_of_jobs_is_built_in(cast: Any, model: Any, language: str) -> None:
    source = boss(
        language,
        """
        local picked = boss:select_agents("x")
        local one = boss:execute_single_agent("writer", "alone")
        local all = boss:execute_multi_agent({ "researcher", "writer" }, "both")
        return { picked, one, all, boss.active_jobs, boss:generate_job_id(),
          boss:aggregate_results({ { agent = "a", result = 1, job = "j" } }), boss:delegate("next") }
        """,
        """
        const picked = await boss.selectAgents("x");
        const one = await boss.executeSingleAgent("writer", "alone");
        const all = await boss.executeMultiAgent(["researcher", "writer"], "both");
        return [picked, one, all, boss.activeJobs, boss.generateJobId(),
          boss.aggregateResults([{ agent: "a", result: 1, job: "j" }]), await boss.delegate("next")];
        """,
    )
    picked, one, all_, jobs, following, joined, delegated = (await cast(**source, model=model)).value
    assert picked == ["researcher"]
    assert one == "You said: alone"
    assert all_ == {"researcher": "You said: both", "writer": "You said: both"}
    assert jobs == {
        "job-1": {"agent": "writer", "status": "completed"},
        "job-2": {"agent": "researcher", "status": "completed"},
        "job-3": {"agent": "writer", "status": "completed"},
    }
    assert (following, joined, delegated) == ("job-4", {"a": 1}, "You said: next")


@both
@pytest.mark.mission(113)
async def test_it_plans_has_all_done_at_once_and_brings_it_together(cast: Any, model: Any, language: str) -> None:
    plan = '{"goal": "g", "tasks": [{"agent": "researcher", "task": "find"}, {"agent": "writer", "task": "write"}]}'
    model.will(Answer(text=plan))
    source = boss(language, 'return boss:coordinate("An article")', 'return await boss.coordinate("An article");')
    result = await cast(**source, model=model)
    planning = model.requests[0].json
    assert "tools" not in planning, "a plan does nothing yet"
    shape = planning["response_format"]["json_schema"]["schema"]
    assert shape["properties"]["tasks"]["items"]["properties"]["agent"]["enum"] == ["researcher", "writer"]
    asked = {request.json["messages"][-1]["content"] for request in model.requests[1:3]}
    assert asked == {"find", "write"}
    together = model.requests[3].json["messages"][-1]["content"]
    assert "You said: find" in together and "You said: write" in together and "An article" in together
    assert result.value == f"You said: {together}"
    assert [event.data["worker"] for event in result.of("delegation_started")] == ["researcher", "writer"]


@both
async def test_a_plan_without_tasks_gives_the_goal_to_one(cast: Any, language: str) -> None:
    """So it is with the offline model."""
    source = boss(language, 'return boss:coordinate("An article")', 'return await boss.coordinate("An article");')
    result = await cast(**source)
    assert "An article" in result.value
    assert [event.data["worker"] for event in result.of("delegation_started")] == ["researcher"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('OrchestratorAgent.new{ name = "b" }:delegate("x")', "b has no workers"),
        ('OrchestratorAgent.new{ agents = { a = Agent.new() } }:execute_single_agent("b", "x")', "has no worker 'b'"),
        (
            'local b = OrchestratorAgent.new{ name = "b", agents = { a = Agent.new() } } b:add_agent("a", Agent.new())',
            "b already has an agent 'a'",
        ),
    ],
)
async def test_what_cannot_be_orchestrated_is_a_clear_error(cast: Any, source: str, said: str) -> None:
    assert said in (await cast(lua=source)).result.error.message


BY_HAND = """
    class MultiAgentOrchestrator extends BaseAgent {
      constructor(config) {
        super(config);
        this.agents = new Map();
        this.delegationStrategy = config.delegationStrategy || "round_robin";
        this.activeJobs = new Map();
      }
      addAgent(name, agent) { this.agents.set(name, agent); this.addTool(new AgentTool(agent, name)); }
      async execute(input) {
        const names = await this.selectAgents(input);
        return names.length === 1 ? this.executeSingleAgent(names[0], input) : this.executeMultiAgent(names, input);
      }
      async selectAgents(input) { return input.task_type === "research" ? ["researcher", "reviewer"] : ["writer"]; }
      async executeSingleAgent(name, input) { return `${await this.agents.get(name).execute(input)}`; }
      async executeMultiAgent(names, input) {
        const jobs = names.map(async (name) => {
          const jobId = this.generateJobId();
          this.activeJobs.set(jobId, { agent: name, status: "running" });
          const result = await this.agents.get(name).execute(input);
          this.activeJobs.set(jobId, { agent: name, status: "completed" });
          return `${jobId} ${name}: ${result}`;
        });
        return this.aggregateResults(await Promise.all(jobs));
      }
      generateJobId() { return `job-${this.activeJobs.size + 1}`; }
      aggregateResults(results) { return results; }
    }
    const boss = new MultiAgentOrchestrator({ id: "main", delegationStrategy: "skill_based" });
    boss.addAgent("researcher", new ResearchAgent());
    boss.addAgent("writer", new WriterAgent());
    boss.addAgent("reviewer", new ReviewAgent());
    const several = await boss.execute({ task_type: "research", query: "Lua" });
    return [several, await boss.execute({ query: "tea" }), [...boss.activeJobs.keys()], boss.delegationStrategy, boss.tools.length];
"""


@pytest.mark.mission(16)
async def test_the_pattern_written_by_hand_over_templates(cast: Any, model: Any) -> None:
    """Of what the document's class calls and leaves open, a script defines what it needs itself."""
    several, one, jobs, strategy, tools = (await cast(js=BY_HAND, model=model)).value
    said = 'You said: Lua\n\n{"task_type": "research"}'
    assert several == [f"job-1 researcher: {said}", f"job-2 reviewer: {said}"]
    assert (one, jobs, strategy, tools) == ("You said: tea", ["job-1", "job-2"], "skill_based", 3)
