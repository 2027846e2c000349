"""What the native providers put on the wire, byte by byte where it matters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmspell.errors import ProviderError
from llmspell.providers.account import Account
from llmspell.providers.anthropic_format import ANSWER_TOOL, write_body
from llmspell.providers.base import Delta, Message, Request, ToolCall, ToolSpec
from llmspell.providers.openai import OpenAI
from llmspell.testing.answers import Answer

HELLO = (Message("user", "hello"),)
PLAIN = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]}
TOOL = ToolSpec("t", "d", {"type": "object"})


async def test_openai_is_sent_what_was_asked_and_nothing_more(providers: Any, server: Any) -> None:
    provider, model = providers.resolve("openai/gpt-4o-mini")
    await provider.complete(Request(model, HELLO))
    received = server.requests[0]
    assert received.body == b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}'
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer sk-openai-secret"
    assert set(received.headers) == {
        *("host", "authorization", "content-type", "content-length"),
        *("user-agent", "accept", "accept-encoding"),
    }


async def test_anthropic_is_sent_what_was_asked_and_nothing_more(providers: Any, server: Any) -> None:
    provider, model = providers.resolve("anthropic/claude-haiku-4-5")
    await provider.complete(Request(model, HELLO, max_tokens=9))
    received = server.requests[0]
    assert received.json == {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    assert received.path == "/v1/messages"
    assert received.headers["x-api-key"] == "sk-anthropic-secret"
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in received.headers


async def test_lone_surrogates_reach_the_service_as_json_escapes(providers: Any, server: Any) -> None:
    provider, model = providers.resolve("openai/gpt-4o-mini")
    await provider.complete(Request(model, (Message("user", "half \ud83d"),)))
    assert b"half \\ud83d" in server.requests[0].body


async def test_extra_goes_into_the_body_as_it_is(native: Any) -> None:
    await native.complete(Request(native.model, HELLO, extra={"service_tier": "flex", "nested": {"a": [1]}}))
    sent = native.server.requests[0].json
    assert (sent["service_tier"], sent["nested"]) == ("flex", {"a": [1]})


async def test_only_api_openai_com_is_told_max_completion_tokens() -> None:
    assert OpenAI(Account("openai", "https://api.openai.com/v1"))._limit_name == "max_completion_tokens"
    assert OpenAI(Account("ollama", "http://localhost:11434/v1"))._limit_name == "max_tokens"


async def test_strict_structured_output_is_asked_for_only_where_the_schema_allows(providers: Any, server: Any) -> None:
    provider, model = providers.resolve("openai/gpt-4o-mini")
    closed = {**PLAIN, "additionalProperties": False, "title": "My Answer!"}
    await provider.complete(Request(model, HELLO, schema=PLAIN))
    await provider.complete(Request(model, HELLO, schema=closed))
    loose, strict = (received.json["response_format"]["json_schema"] for received in server.requests)
    assert loose == {"name": "answer", "schema": PLAIN, "strict": False}
    assert strict == {"name": "My_Answer", "schema": closed, "strict": True}


def test_anthropics_own_structured_output_gets_the_subset_it_takes() -> None:
    body = write_body(Request("claude-haiku-4-5", HELLO, schema=PLAIN), "anthropic")
    wanted = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert body["output_config"]["format"]["schema"] == {**wanted, "additionalProperties": False}
    assert "tools" not in body


def test_what_structured_output_cannot_say_goes_by_a_forced_tool() -> None:
    mapping = {"type": "object", "additionalProperties": {"type": "number"}}
    body = write_body(Request("claude-haiku-4-5", HELLO, schema=mapping), "anthropic")
    assert body["tools"][0]["input_schema"] == mapping
    assert body["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL}
    beside = write_body(Request("claude-haiku-4-5", HELLO, schema=mapping, tools=(TOOL,)), "anthropic")
    assert [tool["name"] for tool in beside["tools"]] == ["t", ANSWER_TOOL]
    assert beside["tool_choice"] == {"type": "any"}


async def test_the_forced_tools_arguments_are_the_answer(providers: Any, server: Any) -> None:
    provider, model = providers.resolve("anthropic/claude-haiku-4-5")
    request = Request(model, HELLO, schema={"type": "object", "additionalProperties": {"type": "number"}})
    answer = Answer(tool_calls=(ToolCall("c", ANSWER_TOOL, {"a": 1, "b": 2.5}),))
    server.will(answer, answer)
    whole = await provider.complete(request)
    assert (json.loads(whole.content), whole.tool_calls, whole.finish_reason) == ({"a": 1, "b": 2.5}, (), "stop")
    pieces = [piece async for piece in provider.stream(request)]
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == pieces[-1].content
    assert json.loads(pieces[-1].content) == {"a": 1, "b": 2.5}


def test_max_tokens_comes_from_the_price_map_or_is_4096() -> None:
    assert write_body(Request("claude-haiku-4-5", HELLO), "anthropic")["max_tokens"] == 64000
    assert write_body(Request("no-such-model", HELLO), "anthropic")["max_tokens"] == 4096


def test_malformed_arguments_go_back_to_anthropic_as_an_object() -> None:
    messages = (
        *HELLO,
        Message("assistant", "", tool_calls=(ToolCall("c", "t", '{"a'),)),
        Message("tool", "no", (), (), "c"),
    )
    sent = write_body(Request("claude-haiku-4-5", messages, tools=(TOOL,)), "anthropic")["messages"]
    assert sent[1]["content"][0]["input"] == {"malformed_arguments": '{"a'}


async def test_without_a_key_the_public_service_is_not_asked() -> None:
    provider = OpenAI(Account("openai", "https://api.openai.com/v1", "", "OPENAI_API_KEY", True))
    with pytest.raises(ProviderError) as caught:
        await provider.complete(Request("gpt-4o-mini", HELLO))
    assert caught.value.type == "auth"
    assert "OPENAI_API_KEY" in caught.value.message


@pytest.mark.parametrize(
    ("answer", "text", "calls"),
    [
        ({"content": [{"type": "thinking"}, {"type": "text", "text": "x"}]}, "x", 0),
        ({"content": None, "tool_calls": [{"function": {"name": "t", "arguments": {"a": 1}}}]}, "", 1),
        ({"content": "x", "tool_calls": None}, "x", 0),
    ],
)
def test_answers_of_other_servers_are_understood(answer: dict[str, Any], text: str, calls: int) -> None:
    from llmspell.providers.failures import Asked
    from llmspell.providers.openai_format import read_completion

    value = {"choices": [{"message": answer, "finish_reason": "stop"}]}
    read = read_completion(value, Asked("x", "m", "h"), "x")
    assert (read.content, len(read.tool_calls), read.usage.total) == (text, calls, 0)
    assert read.finish_reason == ("tool_calls" if calls else "stop")
    assert all(call.id == "call_1" and call.arguments == {"a": 1} for call in read.tool_calls)
