"""Every tool by every way to it: through a model's tool loop, as a step of a workflow, by name; in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tool_shapes import NAMES, wrong_with
from tool_world import World, aimed, furnish, outfit

from llmspell.api.check import form
from llmspell.api.names import camel
from llmspell.api.registry import registry
from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.tools.catalog import TOOLS as CATALOG

TOOLS = registry().tools
both = pytest.mark.parametrize("language", ["lua", "js"])

#: How many tools the model asks for at a time.
_ROUND = 7


class Everything:
    """All tools with what they need, each with its first example. One without an outfit is told of elsewhere, by
    `test_every_service_tool_has_a_service_here`."""

    def __init__(self, world: World, folder: Path) -> None:
        furnish(folder)
        found = {name: outfit(name, TOOLS[name]["permissions"], world) for name in NAMES}
        worn = {name: each for name, each in found.items() if each is not None}
        self.calls = {name: aimed(name, TOOLS[name]["examples"][0]["params"], world.url) for name in worn}
        grants = {"net": world.net, "exec": ["git", "grep", "ps"], "env": ["LANG"]}
        self.asking: dict[str, Any] = {
            "params": {
                "tools": [
                    {"name": name, "cls": TOOLS[name]["class"], "options": dict(each.options), "call": self.calls[name]}
                    for name, each in worn.items()
                ]
            },
            "flags": {f"permissions.{kind}": names for kind, names in grants.items()},
            "environ": {name: value for each in worn.values() for name, value in each.environ.items()},
        }


def results(spell: Any, called: Everything) -> dict[str, Any]:
    """What each tool gave, by name; each was called once, and gave what it declares."""
    done = [(event.data["tool_name"], event.data.get("result")) for event in spell.of("tool_completed")]
    assert sorted(name for name, _ in done) == sorted(called.calls)
    assert {name: wrong for name, content in done if (wrong := wrong_with(name, content))} == {}
    return dict(done)


AGENT = {
    "lua": """
        local tools = {}
        for i, each in ipairs(params.tools) do tools[i] = _G[each.cls].new(each.options) end
        local agent = Agent.new{ name = "worker", tools = tools }
        return agent:execute("Use every tool once.").content
    """,
    "js": """
        const tools = params.tools.map((each) => new globalThis[each.cls](each.options));
        const agent = new Agent({ name: "worker", tools });
        return (await agent.execute("Use every tool once.")).content;
    """,
}


@both
@pytest.mark.mission(97, 98, 99, 100, 101, 102, 103, 104, 105, 106)
async def test_an_agent_calls_each_of_all_tools_once(
    cast: Any, model: ModelServer, world: World, tmp_path: Path, language: str
) -> None:
    all_tools = Everything(world, tmp_path)
    calls = [ToolCall(f"call_{name}", name, params) for name, params in all_tools.calls.items()]
    model.will(
        *(Answer(tool_calls=tuple(calls[at : at + _ROUND])) for at in range(0, len(calls), _ROUND)),
        Answer(text="All of them work."),
    )
    spell = await cast(**{language: AGENT[language]}, model=model, **all_tools.asking)
    assert spell.value == "All of them work."
    results(spell, all_tools)
    offered = {tool["function"]["name"]: tool["function"] for tool in model.requests[0].json["tools"]}
    assert set(offered) == set(all_tools.calls) <= {entry.name for entry in CATALOG}
    assert all(len(each["description"]) > 80 and each["parameters"]["properties"] for each in offered.values())
    last = model.requests[-1].json["messages"]
    answered = {message["tool_call_id"]: message["content"] for message in last if message["role"] == "tool"}
    assert set(answered) == {call.id for call in calls}
    assert [text for text in answered.values() if text.startswith('{"error"')] == []
    assert '{"result": 4}' in answered["call_calculator"] or '"result":4' in answered["call_calculator"]


WORKFLOW = {
    "lua": """
        local steps = {}
        for i, each in ipairs(params.tools) do
          local plain = next(each.options) == nil
          local tool = plain and each.name:gsub("_", "-") or _G[each.cls].new(each.options)
          steps[i] = { name = "step_" .. each.name, tool = tool, params = each.call }
        end
        return Workflow.sequential{ name = "all", steps = steps }:run_detailed().steps_executed
    """,
    "js": """
        const steps = params.tools.map((each) => ({
          name: "step_" + each.name, params: each.call,
          tool: Object.keys(each.options).length ? new globalThis[each.cls](each.options) : each.name,
        }));
        return (await Workflow.sequential({ name: "all", steps }).runDetailed()).stepsExecuted;
    """,
}


@both
async def test_every_tool_is_a_step(cast: Any, world: World, tmp_path: Path, language: str) -> None:
    all_tools = Everything(world, tmp_path)
    spell = await cast(**{language: WORKFLOW[language]}, **all_tools.asking)
    assert spell.value == len(all_tools.calls)
    given = results(spell, all_tools)
    assert given["calculator"] == {"result": 4}


BY_NAME = {
    "lua": """
        local found = {}
        for i, name in ipairs(params.names) do found[i] = Tool.get(name).name end
        local ok, problem = pcall(Tool.get, "calculater")
        return { found, Tool.get("calculator"):execute{ expression = "6 * 7" }.result, problem.message, problem.hint, #Tool.list() }
    """,
    "js": """
        const found = params.names.map((name) => Tool.get(name).name);
        let problem;
        try { Tool.get("calculater"); } catch (error) { problem = error; }
        const { result } = await Tool.get("calculator").execute({ expression: "6 * 7" });
        return [found, result, problem.message, problem.hint, Tool.list().length];
    """,
}


@both
async def test_every_tool_is_found_by_each_of_its_names(cast: Any, language: str) -> None:
    spelled = [
        (entry.name, name)
        for entry in CATALOG
        for name in (entry.name, entry.name.replace("_", "-"), entry.class_name, entry.alias)
    ]
    spell = await cast(**{language: BY_NAME[language]}, params={"names": [name for _, name in spelled]})
    found, result, message, hint, count = spell.value
    assert found == [name for name, _ in spelled]
    assert (result, count) == (42, len(CATALOG))
    assert message.endswith("there is no built-in tool 'calculater'")
    assert hint == "did you mean 'calculator'?"


#: The options that the design document names, by tool and by row.
OPTIONS: dict[str, dict[str, Any]] = {
    "file_system": {
        "allowed_paths": ["docs"], "read_only": True, "max_file_size": 1000, "allowed_extensions": [".md"]
    },
    "http_request": {"allowed_domains": ["api.example.org"], "timeout": 5000, "max_response_size": 1000},
    "shell_command": {"allowed_commands": ["git *"], "timeout": 5000, "working_directory": "."},
    "email": {
        "smtp_config": {"host": "mail.example.org", "port": 587, "secure": False, "auth": {"user": "a", "pass": "b"}},
        "allowed_recipients": ["example.org"], "template_path": "templates",
        "smtp_server": "mail.example.org", "from_address": "a@example.org",
    },
    "web_search": {"api_key": "k", "max_results": 5},
    "web_scraper": {"rate_limit": {"requests": 2, "per": "second"}, "user_agent": "Bot"},
    "embedding": {"model": "text-embedding-3-small", "api_key": "k"},
    "vector_search": {"index_path": "output/index", "similarity_threshold": 0.5},
    "slack": {"token": "xoxb-1", "channel": "#up"},
}  # fmt: skip

CONFIG = {
    "lua": """
        local given = {}
        for i, each in ipairs(params.tools) do given[i] = _G[each.cls].new(each.options).config end
        return given
    """,
    "js": "return params.tools.map((each) => new globalThis[each.cls](each.options).config);",
}


@both
@pytest.mark.mission(107, 108, 109, 110, 111)
async def test_tools_take_the_options_that_the_document_gives_them(cast: Any, language: str) -> None:
    tools = [{"cls": TOOLS[name]["class"], "options": options} for name, options in OPTIONS.items()]
    spell = await cast(**{language: CONFIG[language]}, params={"tools": tools})
    for (name, options), config in zip(OPTIONS.items(), spell.value, strict=True):
        schema = registry().classes[TOOLS[name]["class"]]["options"]
        assert form(config, schema) == options, name
        assert set(config) == set(options if language == "lua" else map(camel, options)), name
