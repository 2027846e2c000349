"""Every template, every action, both languages: the prompt that reaches the model, and the shape of what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmspell import library
from llmspell.agents.templates.template import TemplateAgent, actions
from llmspell.api.names import camel
from llmspell.api.registry import registry
from llmspell.providers.fitting import fitting_value
from llmspell.testing.answers import Answer

TEMPLATES = (
    *("ChatAgent", "ResearchAgent", "CodeAgent", "DataAnalyst", "PlannerAgent"),
    *("OrchestratorAgent", "AnalysisAgent", "WriterAgent", "ReviewAgent"),
)
#: What the design document calls on each.
USED = {
    "ResearchAgent": ("research", "search", "process", "search_literature", "scrape_recent_news", "clarify"),
    "AnalysisAgent": (
        "analyze",
        "fetch_data",
        "store_insights",
        "synthesize_analysis",
        "synthesize_findings",
        "clarify",
    ),
    "WriterAgent": ("write_report", "write", "revise", "write_section", "save_section", "draft", "edit"),
    "ReviewAgent": ("review", "identify_gaps", "clarify"),
    "PlannerAgent": ("plan_research",),
}

both = pytest.mark.parametrize("language", ["lua", "js"])


def asking(name: str) -> list[str]:
    """The actions of a template that are one prompt."""
    return sorted(found for found, asks in actions(library.load(name)).items() if asks)


def spell(language: str, template: str, calls: list[str]) -> dict[str, str]:
    """One template, and each of its actions called as a method and through `act`."""
    if language == "lua":
        lines = [f'{{ agent:{name}("INPUT {name}"), agent:act("{name}", "INPUT {name}") }}' for name in calls]
        return {"lua": f"local agent = {template}.new()\nreturn {{ {', '.join(lines)} }}"}
    lines = [
        f'[await agent.{camel(name)}("INPUT {name}"), await agent.act("{name}", "INPUT {name}")]' for name in calls
    ]
    return {"js": f"const agent = new {template}();\nreturn [{', '.join(lines)}];"}


def test_there_are_nine_templates_and_each_action_of_the_document_is_one_of_them() -> None:
    found = {name for name in library.CLASSES if issubclass(library.load(name), TemplateAgent)}
    assert found == set(TEMPLATES)
    for name, used in USED.items():
        assert set(used) <= set(actions(library.load(name))), name


@both
@pytest.mark.mission(30, 113, 114)
@pytest.mark.parametrize("template", TEMPLATES)
async def test_each_action_sends_its_prompt_and_gives_its_shape(
    cast: Any, model: Any, language: str, template: str
) -> None:
    calls = asking(template)
    result = await cast(**spell(language, template, calls), model=model)
    assert len(result.value) == len(calls) > 0
    sent = [request.json for request in model.requests]
    assert len(sent) == 2 * len(calls)
    for number, (name, (as_method, as_act)) in enumerate(zip(calls, result.value, strict=True)):
        shape = registry().method(template, name).result  # type: ignore[union-attr]
        first, second = sent[2 * number : 2 * number + 2]
        assert first["messages"] == second["messages"], "the two ways are one"
        prompt = first["messages"][-1]["content"]
        assert prompt.endswith(f"INPUT {name}") or f"INPUT {name}\n" in prompt
        assert "{{" not in prompt and "{{" not in first["messages"][0]["content"]
        if shape.get("type") == "string":
            assert "response_format" not in first
            assert as_method == as_act == f"You said: {prompt}"
        else:
            asked = first["response_format"]["json_schema"]
            value = fitting_value(asked["schema"])
            given = value["items"] if shape["type"] == "array" else value
            assert as_act == given
            assert as_method == (present(given) if language == "js" else given)
    assert [event.data["action"] for event in result.of("execution_started")] == [
        name for name in calls for _ in range(2)
    ]


def present(value: dict[str, Any] | list[Any]) -> Any:
    return {camel(key): item for key, item in value.items()} if isinstance(value, dict) else value


@both
@pytest.mark.mission(113, 114)
async def test_every_template_works_with_the_offline_model(cast: Any, language: str) -> None:
    """Without any model at all, the structured answers fit too."""
    for template in TEMPLATES:
        result = await cast(**spell(language, template, asking(template)))
        assert len(result.value) == len(asking(template))


OPTIONS = {
    "lua": """
        local agents = {
          ResearchAgent.new{ sources = { "academic", "news" }, max_results = 3 },
          CodeAgent.new{ languages = { "rust", "python" }, style = "professional" },
          AnalysisAgent.new{ methods = { "SWOT" }, tools = { Calculator.new() } },
          DataAnalyst.new{ charts = { "bar", "pie" }, methods = { "medians" } },
          PlannerAgent.new{ max_steps = 4, constraints = { "no overtime" } },
          WriterAgent.new{ style = "technical", audience = "engineers", length = "one page" },
          ReviewAgent.new{ criteria = { "accuracy", "clarity" }, strictness = "only without any issue" },
          ChatAgent.new("You are called Ada."),
        }
        for _, agent in ipairs(agents) do agent:chat("Hi") end
        agents[1]:search("x"); agents[5]:plan("x")
        return agents[7].system_prompt
    """,
    "js": """
        const agents = [
          new ResearchAgent({ sources: ["academic", "news"], maxResults: 3 }),
          new CodeAgent({ languages: ["rust", "python"], style: "professional" }),
          new AnalysisAgent({ methods: ["SWOT"], tools: [new Calculator()] }),
          new DataAnalyst({ charts: ["bar", "pie"], methods: ["medians"] }),
          new PlannerAgent({ maxSteps: 4, constraints: ["no overtime"] }),
          new WriterAgent({ style: "technical", audience: "engineers", length: "one page" }),
          new ReviewAgent({ criteria: ["accuracy", "clarity"], strictness: "only without any issue" }),
          new ChatAgent("You are called Ada."),
        ];
        for (const agent of agents) await agent.chat("Hi");
        await agents[0].search("x");
        await agents[4].plan("x");
        return agents[6].systemPrompt;
    """,
}


@both
@pytest.mark.mission(113, 114)
async def test_what_a_template_is_made_with_reaches_its_model(cast: Any, model: Any, language: str) -> None:
    result = await cast(**{language: OPTIONS[language]}, model=model)
    system = [request.json["messages"][0]["content"] for request in model.requests]
    expected = [
        ["Look in these sources: academic, news"],
        ["Languages, the preferred one first: rust, python", "Style: professional"],
        ["Ways to analyse: SWOT"],
        ["Ways to analyse: medians", "Kinds of chart to choose from: bar, pie"],
        ["What every plan has to respect: no overtime"],
        ["Style: technical", "Reader: engineers", "Length: one page"],
        ["Criteria: accuracy, clarity", "When to approve: only without any issue"],
        ["You are called Ada."],
    ]
    for prompt, lines in zip(system, expected, strict=False):
        assert all(line in prompt.split("\n") for line in lines), prompt
    assert result.value == system[6]
    assert model.requests[2].json["tools"][0]["function"]["name"] == "calculator"
    assert "at most 3 results" in model.requests[8].json["messages"][-1]["content"]
    assert "of at most 4 steps" in model.requests[9].json["messages"][-1]["content"]


@both
async def test_options_that_are_left_out_leave_no_trace_in_the_prompt(cast: Any, model: Any, language: str) -> None:
    source = {"lua": 'CodeAgent.new():chat("Hi")', "js": 'await new CodeAgent().chat("Hi")'}
    await cast(**{language: source[language]}, model=model)
    system = model.requests[0].json["messages"][0]["content"]
    assert "Languages" not in system and "Style" not in system and system == system.strip()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('ResearchAgent.new{ source = { "web" } }', "did you mean 'sources'?"),
        ('WriterAgent.new{ styl = "x" }', "did you mean 'style'?"),
        ("PlannerAgent.new{ max_steps = 0 }", "max_steps"),
        ('DataAnalyst.new{ charts = { "radar" } }', "charts"),
        ('ChatAgent.new{ memory = "endless" }', "memory"),
        ('ChatAgent.new{ memory = { kind = "window", turn = 2 } }', "turns"),
        ('ReviewAgent.new():critique("x")', "critique"),
        ("WriterAgent.new():save_section(7)", "a section is kept by its name"),
    ],
)
async def test_what_a_template_does_not_know_is_a_clear_error(cast: Any, source: str, said: str) -> None:
    result = await cast(lua=source)
    error = result.result.error
    assert error is not None and said in f"{error.message} {error.hint}"


CALLBACKS = """
    local searcher, analyst = ResearchAgent.new(), AnalysisAgent.new()
    local writer, reviewer = WriterAgent.new(), ReviewAgent.new()
    local told, over = {}, false
    searcher:search_async("tea", function(results)
      told.search = results.query
      analyst:analyze_async(results, function(analysis)
        told.analyze = analysis.summary
        writer:write_async({ topic = "tea", analysis = analysis }, function(draft)
          told.write = draft
          reviewer:review_async(draft, function(review)
            told.review = review.approved
            writer:revise_async({ draft = draft, feedback = "Shorter" }, function(better)
              told.revise = better
              over = true
            end)
          end)
        end)
      end)
    end)
    local before = next(told) == nil
    while not over do Async.sleep(1) end
    local inside
    coroutine.wrap(function() inside = writer:revise_async{ draft = "a", feedback = "b" } end)()
    while inside == nil do Async.sleep(1) end
    return { before, told, inside }
"""


@pytest.mark.mission(29)
async def test_actions_call_back_or_give_their_value_in_a_coroutine(cast: Any, model: Any) -> None:
    before, told, inside = (await cast(lua=CALLBACKS, model=model)).value
    assert before is True, "nothing waits for a callback"
    assert (told["search"], told["analyze"], told["review"]) == ("offline", "offline", True)
    asked = [request.json["messages"][-1]["content"] for request in model.requests]
    assert asked[1].endswith('offline\n\n{"results": [], "summary": "offline"}'), "each is given what came before"
    assert told["write"] == f"You said: {asked[2]}"
    assert asked[3].endswith(told["write"])
    assert told["revise"] == f"You said: {asked[4]}" and "Shorter" in asked[4]
    assert '{"draft": "a", "feedback": "b"}' in inside


CALLBACKS_JS = """
    const told = [];
    const writer = new WriterAgent(), reviewer = new ReviewAgent(), analyst = new AnalysisAgent();
    await Promise.all([
      new ResearchAgent().search("tea").then((found) => analyst.analyze(found)).then((found) => told.push(found.insights)),
      writer.write({ topic: "tea" }).then((text) => reviewer.review(text)).then((found) => told.push(found.approved)),
      writer.revise({ draft: "a", feedback: "b" }).then((text) => told.push(typeof text)),
    ]);
    return told.map(String).sort();
"""


@pytest.mark.mission(29)
async def test_actions_are_promises_in_javascript(cast: Any, model: Any) -> None:
    result = await cast(js=CALLBACKS_JS, model=model)
    assert result.value == ["", "string", "true"]


@both
async def test_an_answer_that_does_not_fit_is_asked_for_once_more(cast: Any, model: Any, language: str) -> None:
    good = {"approved": False, "score": 0.2, "feedback": "Shorter.", "issues": []}
    model.will(Answer(text='{"approved": "maybe"}'), Answer(text=json.dumps(good)))
    source = {"lua": 'return ReviewAgent.new():review("x")', "js": 'return await new ReviewAgent().review("x")'}
    result = await cast(**{language: source[language]}, model=model)
    assert result.value == good
    assert "does not fit the JSON Schema" in model.requests[1].json["messages"][-1]["content"]
    model.will(Answer(text="no"), Answer(text="no"))
    failed = await cast(**{language: source[language]}, model=model)
    assert failed.result.error.type == "validation"


STATE = {
    "lua": """
        local writer, analyst = WriterAgent.new{ name = "w" }, AnalysisAgent.new{ name = "a" }
        writer:save_section("intro", "Once")
        writer:act("save_section", { section = "end", content = "Over" })
        writer:write_section("middle")
        return { writer.state, analyst:store_insights("one"), analyst:store_insights{ "two" }, analyst.state }
    """,
    "js": """
        const writer = new WriterAgent({ name: "w" }), analyst = new AnalysisAgent({ name: "a" });
        await writer.saveSection("intro", "Once");
        await writer.act("saveSection", { section: "end", content: "Over" });
        await writer.writeSection("middle");
        return [{ ...writer.state }, await analyst.storeInsights("one"), await analyst.storeInsights(["two"]), { ...analyst.state }];
    """,
}


@both
@pytest.mark.mission(30)
async def test_sections_and_insights_are_kept_in_the_state_and_cost_no_call(
    cast: Any, model: Any, language: str
) -> None:
    result = await cast(**{language: STATE[language]}, model=model)
    writer, one, two, analyst = result.value
    assert writer == {"sections": {"intro": "Once", "end": "Over"}}
    assert (one, two, analyst) == (1, 2, {"insights": ["one", ["two"]]})
    assert len(model.requests) == 1
    assert '{"intro": "Once", "end": "Over"}' in model.requests[0].json["messages"][-1]["content"]
    assert [event.data["path"] for event in result.of("state_changed")] == [
        "sections",
        "sections",
        "insights",
        "insights",
    ]


@both
async def test_actions_of_ones_own_stand_beside_those_of_the_template_or_in_their_place(
    cast: Any, model: Any, language: str
) -> None:
    source = {
        "lua": """
            local r = ReviewAgent.new{ actions = { review = "Judge this like a {{pirate}}", praise = "Praise this" } }
            return { r:review("x").approved, r:praise("y"), r:act("say it in one word", "z") }
        """,
        "js": """
            const r = new ReviewAgent({ actions: { review: "Judge this like a {{pirate}}", praise: "Praise this" } });
            return [(await r.review("x")).approved, await r.praise("y"), await r.act("say it in one word", "z")];
        """,
    }
    result = await cast(**{language: source[language]}, model=model)
    assert result.value == [True, "You said: Praise this\n\ny", "You said: say it in one word\n\nz"]
    assert model.requests[0].json["messages"][-1]["content"] == "Judge this like a {{pirate}}\n\nx"


@both
async def test_hooks_of_an_execution_see_and_change_what_an_action_is_given(
    cast: Any, model: Any, language: str
) -> None:
    source = {
        "lua": """
            local w = WriterAgent.new{ hooks = {
              before_execute = function(c) c.input.topic = c.input.topic:upper() end,
              after_execute = function(c) c.output = c.output .. "!" end } }
            return w:write{ topic = "tea" }
        """,
        "js": """
            const w = new WriterAgent({ hooks: {
              beforeExecute: (c) => { c.input.topic = c.input.topic.toUpperCase(); },
              afterExecute: (c) => { c.output += "!"; } } });
            return await w.write({ topic: "tea" });
        """,
    }
    result = await cast(**{language: source[language]}, model=model)
    assert result.value.endswith("TEA!")
    assert model.requests[0].json["messages"][-1]["content"].endswith("TEA")


EXTENDED = {
    "lua": """
        local Columnist = WriterAgent:extend()
        function Columnist:init(config) self.column = config.column end
        function Columnist:column_on(topic) return self.column .. ": " .. self:write{ topic = topic } end
        local c = Columnist.new{ style = "wry", column = "Tea time" }
        return { c:column_on("tea"), c:act("draft", "x"), tostring(c:execute("Hi")) }
    """,
    "js": """
        class Columnist extends WriterAgent {
          constructor(config) { super(config); this.column = config.column; }
          async columnOn(topic) { return `${this.column}: ${await this.write({ topic })}`; }
        }
        const c = new Columnist({ style: "wry", column: "Tea time" });
        return [await c.columnOn("tea"), await c.act("draft", "x"), `${await c.execute("Hi")}`];
    """,
}


@both
@pytest.mark.mission(114)
async def test_a_script_extends_a_template(cast: Any, model: Any, language: str) -> None:
    column, draft, hi = (await cast(**{language: EXTENDED[language]}, model=model)).value
    assert column.startswith("Tea time: You said: Write a text") and column.endswith("tea")
    assert draft.startswith("You said: Write a first version") and hi == "You said: Hi"
    assert "Style: wry" in model.requests[0].json["messages"][0]["content"]


@both
async def test_handlers_after_an_action_see_and_change_its_shape(cast: Any, model: Any, language: str) -> None:
    """A list too is a list for them, though models answer with an object around it."""
    source = {
        "lua": """
            local seen
            local r = ReviewAgent.new{ hooks = { after_execute = function(c)
              seen = #c.output
              c.output = { { domain = "law", question = "Is it allowed?", reason = "" } }
            end } }
            return { r:identify_gaps("x")[1].domain, seen }
        """,
        "js": """
            let seen;
            const r = new ReviewAgent({ hooks: { afterExecute: (c) => {
              seen = c.output.length;
              c.output = [{ domain: "law", question: "Is it allowed?", reason: "" }];
            } } });
            return [(await r.identifyGaps("x"))[0].domain, seen];
        """,
    }
    result = await cast(**{language: source[language]}, model=model)
    assert result.value == ["law", 0]
    assert result.of("execution_completed")[0].data["output"][0]["domain"] == "law"
