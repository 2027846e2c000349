"""Templates as steps: an action by its name, experts by theirs, and what hooks and workflows make of both."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

STEP = {
    "lua": """
        local w = WriterAgent.new{ name = "w", style = "plain" }
        local as_step = Workflow.sequential{ steps = { { agent = w, action = "revise",
          input = { draft = "{{draft}}", feedback = "shorter" } } } }:run{ draft = "Once" }
        return { w:revise{ draft = "Once", feedback = "shorter" }, as_step, w:act("revise", { draft = "Once", feedback = "shorter" }) }
    """,
    "js": """
        const w = new WriterAgent({ name: "w", style: "plain" });
        const asStep = await Workflow.sequential({ steps: [{ agent: w, action: "revise",
          input: { draft: "{{draft}}", feedback: "shorter" } }] }).run({ draft: "Once" });
        const given = { draft: "Once", feedback: "shorter" };
        return [await w.revise(given), asStep, await w.act("revise", given)];
    """,
}


@both
@pytest.mark.mission(30)
async def test_an_action_as_a_step_is_the_method(cast: Any, model: Any, language: str) -> None:
    result = await cast(**{language: STEP[language]}, model=model)
    assert len(set(result.value)) == 1
    first, *others = [request.json["messages"] for request in model.requests]
    assert others == [first, first]


RESEARCH = {
    "lua": """
        local workflow = Workflow.sequential{ steps = {
          { agent = PlannerAgent.new(), action = "plan_research", output = "plan" },
          { agent = ResearchAgent.new(), action = "search_literature", input = "{{plan.literature_query}}", output = "found" },
          { agent = AnalysisAgent.new(), action = "synthesize_findings", input = "{{found.results}}", output = "whole" },
          { agent = WriterAgent.new(), action = "write_report", input = { all = "{{whole}}" } },
        } }
        return workflow:run{ topic = "tea" }
    """,
    "js": """
        const workflow = Workflow.sequential({ steps: [
          { agent: new PlannerAgent(), action: "plan_research", output: "plan" },
          { agent: new ResearchAgent(), action: "search_literature", input: "{{plan.literature_query}}", output: "found" },
          { agent: new AnalysisAgent(), action: "synthesize_findings", input: "{{found.results}}", output: "whole" },
          { agent: new WriterAgent(), action: "write_report", input: { all: "{{whole}}" } },
        ] });
        return await workflow.run({ topic: "tea" });
    """,
}


@both
@pytest.mark.mission(113, 114)
async def test_what_actions_give_is_read_by_the_steps_after_them(cast: Any, model: Any, language: str) -> None:
    plan = '{"topic":"tea","questions":[],"literature_query":"tea AND health","market_query":"m","news_query":"n"}'
    found = '{"query":"q","results":[{"title":"T","source":"S","summary":"Good."}],"summary":"s"}'
    model.will(Answer(text=plan), Answer(text=found))
    result = await cast(**{language: RESEARCH[language]}, model=model)
    asked = [request.json["messages"][-1]["content"] for request in model.requests]
    assert "tea" in asked[0] and asked[1].endswith("\n\ntea AND health")
    assert asked[2].endswith('[{"title": "T", "source": "S", "summary": "Good."}]')
    assert '"all": {"summary": ' in asked[3]
    assert result.value == f"You said: {asked[3]}"


EXPERTS = {
    "lua": """
        for _, name in ipairs{ "TechnicalExpert", "MarketExpert", "RiskExpert", "SeniorAnalyst" } do
          AnalysisAgent.new{ name = name }
        end
        ReviewAgent.new{ name = "QualityReviewer" }
        local Experts = { get_for_domain = function(domain) return Agent.get(domain .. "Expert") end }
        local workflow = Workflow.create{ steps = {
          { type = "parallel_fan_out", agents = {
              { agent = "TechnicalExpert", role = "technical_analysis" },
              { agent = "MarketExpert", role = "market_analysis" },
              { agent = "RiskExpert", role = "risk_assessment" } },
            aggregator = function(results) return { technical = results[1], market = results[2], risk = results[3] } end },
          { agent = "SeniorAnalyst", action = "synthesize_analysis" },
          { agent = "QualityReviewer", action = "identify_gaps" },
        } }
        local gaps = workflow:run{ topic = "tea" }
        return { gaps[1].domain, Experts.get_for_domain(gaps[1].domain):clarify(gaps[1].question) }
    """,
    "js": """
        for (const name of ["TechnicalExpert", "MarketExpert", "RiskExpert", "SeniorAnalyst"]) new AnalysisAgent({ name });
        new ReviewAgent({ name: "QualityReviewer" });
        const Experts = { getForDomain: (domain) => Agent.get(domain + "Expert") };
        const workflow = Workflow.create({ steps: [
          { type: "parallel_fan_out", agents: [
              { agent: "TechnicalExpert", role: "technical_analysis" },
              { agent: "MarketExpert", role: "market_analysis" },
              { agent: "RiskExpert", role: "risk_assessment" }],
            aggregator: ([technical, market, risk]) => ({ technical, market, risk }) },
          { agent: "SeniorAnalyst", action: "synthesize_analysis" },
          { agent: "QualityReviewer", action: "identify_gaps" },
        ] });
        const gaps = await workflow.run({ topic: "tea" });
        return [gaps[0].domain, await Experts.getForDomain(gaps[0].domain).clarify(gaps[0].question)];
    """,
}


@both
@pytest.mark.mission(115)
async def test_experts_are_templates_under_names_of_ones_own(cast: Any, model: Any, language: str) -> None:
    texts = [Answer(text=f"opinion {n}") for n in range(3)]
    whole = Answer(text='{"summary":"whole","points":[],"disagreements":[],"confidence":0.5}')
    gap = Answer(text='{"items":[{"domain":"Market","question":"How large?","reason":"It decides."}]}')
    model.will(*texts, whole, gap)
    result = await cast(**{language: EXPERTS[language]}, model=model)
    domain, answer = result.value
    assert domain == "Market" and answer.endswith("How large?")
    synthesis = model.requests[3].json["messages"][-1]["content"]
    assert all(f"opinion {n}" in synthesis for n in range(3))
    started = [
        event.name for event in result.of("execution_started") if event.name.endswith(("Expert", "Analyst", "Reviewer"))
    ]
    assert sorted(started[:3]) == ["MarketExpert", "RiskExpert", "TechnicalExpert"]
    assert started[3:] == ["SeniorAnalyst", "QualityReviewer", "MarketExpert"]


@both
async def test_a_handler_of_before_init_changes_a_templates_options(cast: Any, model: Any, language: str) -> None:
    source = {
        "lua": """
            Hooks.register("before_init", function(c) c.options.style = "solemn" end)
            local w = WriterAgent.new{ style = "plain" }
            w:write("x")
        """,
        "js": """
            Hooks.register("beforeInit", (c) => { c.options.style = "solemn"; });
            await new WriterAgent({ style: "plain" }).write("x");
        """,
    }
    await cast(**{language: source[language]}, model=model)
    assert "Style: solemn" in model.requests[0].json["messages"][0]["content"]


@both
async def test_a_stage_of_a_streaming_pipeline_has_the_templates_prompt_too(
    cast: Any, model: Any, language: str
) -> None:
    source = {
        "lua": """
            local line = Workflow.pipeline{ stages = { { agent = WriterAgent.new(), action = "draft" }, { agent = Agent.new() } } }
            return line:run("tea")
        """,
        "js": """
            const stages = [{ agent: new WriterAgent(), action: "draft" }, { agent: new Agent() }];
            return await Workflow.pipeline({ stages }).run("tea");
        """,
    }
    await cast(**{language: source[language]}, model=model)
    assert model.requests[0].json["messages"][-1]["content"].startswith("Write a first version from this material.")
