"""The offline model: scripted replies, and what it does by itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from llmspell.errors import ArgumentError, ProviderError
from llmspell.providers.base import Delta, Message, Request, ToolSpec
from llmspell.providers.fitting import fitting_value
from llmspell.providers.offline import Offline, tokens
from llmspell.providers.registry import Providers
from llmspell.providers.replies import load

pytestmark = pytest.mark.mission(148, 149)

READ = ToolSpec("read", "", {"type": "object"}, examples=({"path": "a"}, {"path": "b"}))
COUNT = ToolSpec("count", "", {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
WRITE = ToolSpec("write", "", {"type": "object"}, examples=({"path": "a"},), automatic=False)


def ask(text: str = "hello", agent: str = "", **options: Any) -> Request:
    return Request("offline", (Message("user", text),), agent=agent, **options)


async def said(model: Offline, text: str = "hello", agent: str = "") -> str:
    return (await model.complete(ask(text, agent))).content


async def test_it_says_what_it_is() -> None:
    assert await said(Offline(), "Who are you?") == "(offline model) You said: Who are you?"


async def test_each_harmless_tool_is_called_once_and_what_came_back_is_told() -> None:
    model = Offline()
    request = ask("go", tools=(READ, WRITE, COUNT))
    first = await model.complete(request)
    assert [(call.name, call.arguments) for call in first.tool_calls] == [("read", {"path": "a"}), ("count", {"n": 0})]
    results = [Message("tool", f"gave {call.id}", tool_call_id=call.id) for call in first.tool_calls]
    messages = (*request.messages, Message("assistant", "", tool_calls=first.tool_calls), *results)
    second = await model.complete(Request("offline", messages, tools=request.tools))
    assert second.content == "(offline model) read gave gave call_1; count gave gave call_2"
    again = await model.complete(Request("offline", (*messages, Message("user", "again")), tools=request.tools))
    assert [call.id for call in again.tool_calls] == ["call_3", "call_4"]


async def test_replies_match_by_text_pattern_agent_and_call_in_order() -> None:
    model = Providers.scripted(
        [
            {"agent": "critic", "call": 2, "text": "critic's second"},
            {"match": "WEATHER", "text": "first"},
            {"match": "WEATHER", "text": "second"},
            {"pattern": r"\b\d{3}\b", "data": {"number": True}},
            "anything",
        ]
    )
    assert [await said(model, "the weather") for _ in range(3)] == ["first", "second", "second"]
    assert await said(model, "room 101") == '{"number": true}'
    assert [await said(model, "x", "critic") for _ in range(3)] == ["anything", "critic's second", "anything"]
    assert await said(model, "the weather", "other") == "first", "each agent has its own place in the sequence"


async def test_a_reply_can_use_the_message_and_the_last_result() -> None:
    model = Providers.scripted(["{{message}} -> {{result}}"])
    messages = (Message("user", "q"), Message("tool", "42", tool_call_id="c"))
    assert (await model.complete(Request("offline", messages))).content == "q -> 42"


async def test_scripted_errors_tool_calls_and_chunks() -> None:
    model = Providers.scripted(
        [
            {"match": "fail", "error": {"type": "rate_limit", "message": "slow down", "retry_after": 30}},
            {"match": "call", "tool_calls": [{"name": "t", "arguments": "{bad"}, "u"]},
            {"match": "chunks", "chunks": ["a b", "c"]},
        ]
    )
    with pytest.raises(ProviderError) as caught:
        await said(model, "fail")
    assert (caught.value.type, caught.value.retry_after, caught.value.status) == ("rate_limit", 30, 429)
    calls = (await model.complete(ask("call"))).tool_calls
    assert [(call.name, call.arguments) for call in calls] == [("t", "{bad"), ("u", {})]
    pieces = [piece async for piece in model.stream(ask("chunks"))]
    assert [piece.text for piece in pieces if isinstance(piece, Delta)] == ["a b", "c"]


async def test_what_no_entry_fits_is_automatic_or_an_error_as_told() -> None:
    assert await said(Providers.scripted([{"match": "x", "text": "y"}]), "q") == "(offline model) You said: q"
    strict = Providers.scripted({"replies": [{"match": "x", "text": "y"}], "otherwise": "error"})
    with pytest.raises(ProviderError, match="no scripted reply fits 'q'"):
        await said(strict, "q")


async def test_agents_at_once_get_their_own_sequences() -> None:
    model = Providers.scripted(["1", "2", "3"])

    async def three(agent: str) -> list[str]:
        return [await said(model, "x", agent) for _ in range(3)]

    assert await asyncio.gather(*(three(f"a{n}") for n in range(20))) == [["1", "2", "3"]] * 20


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("3", "holds int 3"),
        ('{"answers": []}', "unknown field 'answers'"),
        ('[{"txt": "x"}]', "reply 1 has the unknown field 'txt'"),
        ('["a", {"error": "boom"}]', "reply 2 has the error 'boom'"),
        ('[{"pattern": "("}]', "bad pattern '('"),
        ('[{"tool_calls": [{"arguments": {}}]}]', "has the tool call"),
        ('[{"call": 0}]', "has call 0"),
        ('[{"fault": "hang"}]', "unknown field 'fault'"),
    ],
)
def test_a_bad_file_names_itself_and_the_remedy(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "replies.json"
    path.write_text(text)
    with pytest.raises(ArgumentError) as caught:
        load(path)
    assert str(path) in caught.value.message
    assert complaint in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="cannot be read: No such file"):
        load(tmp_path / "replies.json")


def test_four_bytes_are_a_token() -> None:
    assert [tokens(text) for text in ("", "a", "abcd", "abcde", "ää", "\ud83d")] == [0, 1, 1, 2, 1, 1]


async def test_max_tokens_cuts_the_answer() -> None:
    answer = await Offline().complete(ask("x" * 100, max_tokens=5))
    assert (len(answer.content), answer.finish_reason, answer.usage.output_tokens) == (20, "length", 5)


SCHEMAS: list[dict[str, Any]] = [
    {"type": "string", "minLength": 12},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date-time"},
    {"type": "string", "pattern": "^[A-Z]{2}$"},
    {"type": "integer", "minimum": 3, "multipleOf": 5},
    {"type": "integer", "exclusiveMaximum": -2},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
    {"enum": ["b", "a"]},
    {"type": ["null", "boolean"]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 2},
    {"anyOf": [{"type": "integer", "minimum": 9}, {"type": "null"}]},
    {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"const": 7}}}]},
    {
        "type": "object",
        "properties": {"child": {"$ref": "#/$defs/node"}, "not": {"type": "string"}},
        "required": ["child"],
        "$defs": {
            "node": {"type": "object", "properties": {"v": {"type": "number", "maximum": -1}}, "required": ["v"]}
        },
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_the_smallest_value_fits_its_schema(schema: dict[str, Any]) -> None:
    assert jsonschema_rs.is_valid(schema, fitting_value(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^zebra-[0-9]{9}$"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    ],
)
def test_a_schema_out_of_reach_is_a_clear_error(schema: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        fitting_value(schema)
    assert "replies.json" in caught.value.hint
