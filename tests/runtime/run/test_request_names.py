"""Requests to the outside have names: the same when a run is resumed, another one each time it asks by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell.answers import Tokens
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.math.calculator import CalculatorTool

Caster = Callable[..., Any]


@pytest.mark.parametrize("way", ["chat", "stream"])
@pytest.mark.parametrize("service", ["openai", "anthropic"])
async def test_each_request_to_a_model_is_named(cast: Caster, model: ModelServer, service: str, way: str) -> None:
    """A request that is tried again is another one; two equal ones are two."""
    asking = {
        "chat": 'a:chat("one") b:chat("one") a:chat("two")',
        "stream": 'for _, x in ipairs{ { a, "one" }, { b, "one" }, { a, "two" } } do for p in x[1]:stream_chat(x[2]) do end end',
    }[way]
    model.will(Answer(status=503, message="later", headers=(("retry-after-ms", "1"),)))
    environ = {
        "LLMSPELL_DEFAULT_MODEL": f"{service}/test",
        "OPENAI_API_BASE": model.openai_url,
        "ANTHROPIC_BASE_URL": model.url,
        "OPENAI_API_KEY": "k",
        "ANTHROPIC_API_KEY": "k",
    }
    done = await cast(lua=f'local a, b = Agent.new("a"), Agent.new("b")\n{asking}', environ=environ)
    assert done.result.error is None
    names = [received.headers["idempotency-key"] for received in model.requests]
    assert len(names) == len(set(names)) == 4
    assert all(len(name) == 32 for name in names)


async def test_a_tool_finds_the_name_of_its_call(cast: Caster, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    work: Callable[..., Any] = CalculatorTool.perform

    async def perform(self: CalculatorTool, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        found.append(context.idempotency_key)
        return await work(self, params, context)

    monkeypatch.setattr(CalculatorTool, "perform", perform)
    done = await cast(
        js='const c = new Calculator(); for (const e of ["1", "1", "2"]) await c.execute({ expression: e });'
    )
    assert done.result.error is None
    assert len(found) == len(set(found)) == 3


def test_a_name_does_not_depend_on_what_else_was_asked() -> None:
    one, other = Tokens("run"), Tokens("run")
    asked = [("llm", "openai", {"a": 1, "b": 2}), ("llm", "openai", {"a": 2}), ("tool", "hash", {"a": 1})]
    names = {str(each): one.next(*each) for each in asked}
    assert {str(each): other.next(*each) for each in reversed(asked)} == names
    assert other.next("llm", "openai", {"b": 2, "a": 1}) not in names.values()
    assert one.next("llm", "openai", {"a": 1, "b": 2}) not in names.values()
    assert Tokens("another").next(*asked[0]) != names[str(asked[0])]
