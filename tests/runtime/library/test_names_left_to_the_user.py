"""Names that the design's scripts call and never define: settings come from `[config]`, functions from the user.

A function of that kind is nobody's but the script's: the library has none under its name, a script that defines it is
asked for it, and one that does not is told which line wants it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.api.names import camel
from llmspell.api.registry import registry

both = pytest.mark.parametrize("language", ["lua", "js"])

SETTINGS = ("search_api_key", "openai_api_key", "smtp_server", "email_from", "slack_token")
FUNCTIONS = ("sanitize_input", "get_user_profile", "add_safety_instructions", "add_citations", "should_retry")


@both
@pytest.mark.mission(143)
async def test_settings_are_those_of_the_config_table(cast: Any, tmp_path: Path, language: str) -> None:
    lines = "\n".join(f'{name} = "{name} of mine"' for name in SETTINGS)
    (tmp_path / "llmspell.toml").write_text(f"[config]\n{lines}\n[config.nested]\nport = 25\n")
    fields = ", ".join(f"config.{name}" for name in SETTINGS)
    source = {
        "lua": f"return {{ {fields}, config.nested.port, config.unset == nil }}",
        "js": f"return [{fields}, config.nested.port, config.unset === undefined];",
    }
    spell = await cast(**{language: source[language]})
    assert spell.value == [*(f"{name} of mine" for name in SETTINGS), 25, True]
    replayed = await cast(**{language: source[language]}, replay=spell.recording)
    assert replayed.value == spell.value


@both
@pytest.mark.mission(143)
@pytest.mark.parametrize("name", FUNCTIONS)
async def test_a_function_that_nobody_defines_is_named_with_its_line(cast: Any, language: str, name: str) -> None:
    called = name if language == "lua" else camel(name)
    assert called not in registry().classes
    spell = await cast(**{language: f'\n\n{called}("x")'})
    assert spell.result.status == "error"
    assert called in spell.result.error.message
    assert spell.result.error.source.endswith(f"{'spell.lua' if language == 'lua' else 'spell.js'}:3")


DEFINED = {
    "lua": """
        local tried = 0
        local function sanitize_input(text) return (text:gsub("<", "")) end
        local function get_user_profile(id) return { name = "Ada " .. id } end
        local function add_safety_instructions(prompt, profile) return prompt .. " [be kind to " .. profile.name .. "]" end
        local function add_citations(text) return text .. " [1]" end
        local function should_retry(error) return error.type == "overloaded" end
        local agent = Agent.new{ name = "ada", retries = 0, hooks = {
          before_execute = function(c)
            c.message = sanitize_input(c.message)
            c.user_profile = get_user_profile(7)
          end,
          before_llm_call = function(c)
            c.prompt = add_safety_instructions(c.prompt, { name = c.user_profile and c.user_profile.name or "nobody" })
          end,
          after_llm_call = function(c) c.response = add_citations(c.response) end,
          on_error = function(c)
            tried = tried + 1
            c.retry = c.retry_count < 1 and should_retry(c.error)
          end,
        } }
        return { agent:chat("<hello"), tried }
    """,
    "js": """
        let tried = 0;
        const sanitizeInput = (text) => text.replaceAll("<", "");
        const getUserProfile = async (id) => ({ name: `Ada ${id}` });
        const addSafetyInstructions = (prompt, profile) => `${prompt} [be kind to ${profile.name}]`;
        const addCitations = (text) => `${text} [1]`;
        const shouldRetry = (error) => error.type === "overloaded";
        const agent = new Agent({ name: "ada", retries: 0, hooks: {
          beforeExecute: async (c) => {
            c.message = sanitizeInput(c.message);
            c.userProfile = await getUserProfile(7);
          },
          beforeLLMCall: (c) => { c.prompt = addSafetyInstructions(c.prompt, { name: c.userProfile?.name ?? "nobody" }); },
          afterLLMCall: (c) => { c.response = addCitations(c.response); },
          onError: (c) => {
            tried += 1;
            c.retry = c.retryCount < 1 && shouldRetry(c.error);
          },
        } });
        return [await agent.chat("<hello"), tried];
    """,
}


@both
@pytest.mark.mission(143)
async def test_functions_that_the_script_defines_do_their_work_in_hooks(cast: Any, model: Any, language: str) -> None:
    from llmspell.testing.answers import Answer

    model.will(Answer(status=503, message="full"))
    spell = await cast(**{language: DEFINED[language]}, model=model)
    assert spell.value == ["You said: hello [be kind to Ada 7] [1]", 1]
