"""What is true of every provider: native, through litellm, and offline where there is no wire to break."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from llmspell.errors import ProviderError
from llmspell.providers.base import Image, Message, Request, ToolCall, ToolSpec
from llmspell.providers.registry import Providers
from llmspell.testing.answers import Answer, Fault

pytestmark = pytest.mark.mission(17, 25, 148)

WEATHER = ToolSpec(
    "weather",
    "Tells the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    examples=({"city": "Oslo"},),
)
CALLS = (
    ToolCall("call_a", "weather", {"city": "Oslo"}),
    ToolCall("call_b", "weather", {"city": "Malmö \U0001f327", "days": [1, {"x": None}]}),
)


def ask(model: str, *messages: Message, **options: Any) -> Request:
    return Request(model, messages or (Message("user", "hello"),), **options)


async def failure(subject: Any, request: Request, *, stream: bool = False) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await (subject.stream(request) if stream else subject.complete(request))
    return caught.value


@pytest.mark.parametrize(
    "text", ["hi", "", "héllo \U0001f389\n\n data: [DONE]\r\n", "日本語" * 300, 'quote " \\ \x00 end']
)
async def test_a_text_arrives_as_it_was_sent(subject: Any, text: str) -> None:
    subject.will(Answer(text=text))
    answer = await subject.complete(ask(subject.model))
    assert (answer.content, answer.tool_calls, answer.finish_reason) == (text, (), "stop")


@pytest.mark.parametrize("split", [0, 1, 2, 3, 7, 64])
async def test_a_stream_gives_its_pieces_and_then_the_whole(subject: Any, split: int) -> None:
    chunks = ("Zwölf ", "Boxkämpfer \U0001f94a", " jagen", "\n\nViktor", " \r\n", "日本")
    subject.will(Answer(text="".join(chunks), chunks=chunks, split=split))
    deltas, answer = await subject.stream(ask(subject.model))
    assert "".join(deltas) == answer.content == "".join(chunks)
    assert len(deltas) > 1
    assert answer.finish_reason == "stop"
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


async def test_tool_calls_come_in_parallel_with_their_arguments(subject: Any) -> None:
    subject.will(Answer(tool_calls=CALLS), Answer(tool_calls=CALLS, text="Let me look."))
    answer = await subject.complete(ask(subject.model, tools=(WEATHER,)))
    assert answer.tool_calls == CALLS
    assert answer.finish_reason == "tool_calls"
    both = await subject.complete(ask(subject.model, tools=(WEATHER,)))
    assert (both.content, both.tool_calls) == ("Let me look.", CALLS)


@pytest.mark.parametrize("split", [0, 1, 5])
async def test_tool_calls_are_put_together_from_a_stream(subject: Any, split: int) -> None:
    subject.will(Answer(text="Let me look.", tool_calls=CALLS, split=split))
    deltas, answer = await subject.stream(ask(subject.model, tools=(WEATHER,)))
    assert "".join(deltas) == answer.content == "Let me look."
    assert answer.tool_calls == CALLS
    assert answer.finish_reason == "tool_calls"


async def test_malformed_arguments_stay_the_models_own_text(subject: Any) -> None:
    broken = (ToolCall("call_a", "weather", '{"city": "Os'),)
    subject.will(Answer(tool_calls=broken))
    _, answer = await subject.stream(ask(subject.model, tools=(WEATHER,)))
    assert answer.tool_calls == broken


async def test_a_conversation_with_tool_results_is_understood(wired: Any) -> None:
    request = ask(
        wired.model,
        Message("user", "Weather in Oslo and Malmö?", images=(Image("image/png", "aGk="),)),
        Message("assistant", "", tool_calls=CALLS),
        Message("tool", "rain", tool_call_id="call_a"),
        Message("tool", "no such city", tool_call_id="call_b", is_error=True),
        Message("assistant", "Rain."),
        Message("user", "And now?"),
        system="Be brief.",
        tools=(WEATHER,),
        temperature=0.5,
        max_tokens=77,
        stop=("END",),
    )
    answer = await wired.complete(request)
    assert answer.content == "You said: And now?"
    sent = wired.server.requests[-1].json
    messages = sent["messages"]
    if wired.protocol == "openai":
        assert messages[0] == {"role": "system", "content": "Be brief."}
        assert [message["role"] for message in messages[1:]] == [
            "user",
            "assistant",
            "tool",
            "tool",
            "assistant",
            "user",
        ]
        assert messages[1]["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="
        assert [json.loads(call["function"]["arguments"]) for call in messages[2]["tool_calls"]] == [
            call.arguments for call in CALLS
        ]
        assert messages[4]["content"] == "no such city"
        assert sent["tools"][0]["function"]["parameters"] == WEATHER.parameters
        assert sent["stop"] == ["END"]
    else:
        system = sent["system"]
        assert (system if isinstance(system, str) else system[0]["text"]) == "Be brief."
        assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant", "user"]
        results = messages[2]["content"]
        assert [result["tool_use_id"] for result in results] == ["call_a", "call_b"]
        source = next(block for block in messages[0]["content"] if block["type"] == "image")["source"]
        assert source == {"type": "base64", "media_type": "image/png", "data": "aGk="}
        assert [block["input"] for block in messages[1]["content"]] == [call.arguments for call in CALLS]
        assert sent["tools"][0]["input_schema"]["properties"] == WEATHER.parameters["properties"]
        assert sent["stop_sequences"] == ["END"]
    assert sent["temperature"] == 0.5
    assert sent["max_tokens"] == 77


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer", "minimum": -90}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


async def test_structured_output_fits_its_schema(subject: Any) -> None:
    answer = await subject.complete(ask(subject.model, schema=SCHEMA))
    assert json.loads(answer.content) == {"city": "offline", "degrees": 0}
    assert answer.tool_calls == ()
    assert answer.finish_reason == "stop"
    deltas, streamed = await subject.stream(ask(subject.model, schema=SCHEMA))
    assert "".join(deltas) == streamed.content
    assert json.loads(streamed.content) == json.loads(answer.content)


async def test_usage_is_counted_with_what_came_from_the_cache_and_its_cost(wired: Any) -> None:
    request = ask(wired.model, Message("user", "word " * 400))
    wired.will(Answer(text="x" * 400, cached=300), Answer(text="x" * 400, cached=300))
    whole = await wired.complete(request)
    _, streamed = await wired.stream(request)
    for usage in (whole.usage, streamed.usage):
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (500, 100, 300)
        price = {"openai": (0.15, 0.075, 0.6), "anthropic": (1.0, 0.1, 5.0)}[wired.protocol]
        assert usage.cost == pytest.approx((200 * price[0] + 300 * price[1] + 100 * price[2]) / 1e6)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_why_the_model_stopped_is_told(wired: Any, finish: Any) -> None:
    wired.will(Answer(text="half", finish=finish), Answer(text="half", finish=finish))
    assert (await wired.complete(ask(wired.model))).finish_reason == finish
    assert (await wired.stream(ask(wired.model)))[1].finish_reason == finish


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"),
        (401, "auth"),
        (404, "not_found"),
        (429, "rate_limit"),
        (500, "overloaded"),
        (529, "overloaded"),
    ],
)
async def test_a_refusal_has_its_kind_and_is_not_retried(subject: Any, status: int, kind: str, stream: bool) -> None:
    subject.will(Answer(status=status, message="Because of this.", headers=(("Retry-After", "2"),)))
    error = await failure(subject, ask(subject.model), stream=stream)
    assert error.type == kind
    assert error.retry_after == 2000
    assert "Because of this." in error.message
    assert error.hint
    assert error.retryable == (kind in ("rate_limit", "overloaded"))
    if subject.server is not None:
        assert len(subject.server.requests) == 1
        assert "secret" not in f"{error} {error.hint} {error.to_value()} {subject.provider!r}"
        if status == 401:
            assert f"{subject.protocol.upper()}_API_KEY" in error.hint


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("This model's maximum context length is 8192 tokens, you asked for 9000.", "context_length"),
        ("prompt is too long: 210000 tokens > 200000 maximum", "context_length"),
        ("The response was filtered due to our content management policy.", "content_filter"),
    ],
)
async def test_a_bad_request_is_told_apart_by_what_it_says(wired: Any, message: str, kind: str) -> None:
    wired.will(Answer(status=400, message=message))
    assert (await failure(wired, ask(wired.model))).type == kind


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["cut", "close", "malformed"])
async def test_a_broken_answer_is_a_network_error(wired: Any, fault: Fault, stream: bool) -> None:
    wired.will(Answer(text="one two three four five six", fault=fault))
    error = await failure(wired, ask(wired.model), stream=stream)
    assert (error.type, error.retryable) == ("network", True)
    assert len(wired.server.requests) == 1
    if stream and fault == "cut":
        assert "one two three four five six".startswith(error.data["partial"])
        assert error.data["partial"]


async def test_an_error_in_the_middle_of_a_stream_is_that_error(wired: Any) -> None:
    wired.will(Answer(text="one two three four five six", fault="error_event"))
    error = await failure(wired, ask(wired.model), stream=True)
    assert error.type == "overloaded"
    assert error.data["partial"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["hang", "stall"])
async def test_a_service_that_hangs_is_left_at_the_timeout(subject: Any, fault: Fault, stream: bool) -> None:
    subject.will(Answer(text="one two three four", fault=fault))
    started = time.perf_counter()
    error = await failure(subject, ask(subject.model, timeout=150), stream=stream)
    assert error.type == "timeout"
    assert "150 ms" in error.message
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("stream", [False, True])
async def test_a_huge_answer_is_refused(native: Any, stream: bool) -> None:
    native.will(Answer(fault="huge"))
    error = await failure(native, ask(native.model), stream=stream)
    assert (error.type, error.retryable) == ("network", False)
    assert "32 MB" in error.message


async def test_a_slow_answer_is_waited_for(subject: Any) -> None:
    subject.will(Answer(text="at last", delay=60))
    assert (await subject.complete(ask(subject.model, timeout=20_000))).content == "at last"


async def test_no_service_at_the_address_is_a_network_error(wired: Any) -> None:
    await wired.server.stop()
    error = await failure(wired, ask(wired.model))
    assert error.type == "network"
    assert str(wired.server.port) in error.message


async def test_a_redirect_to_another_host_is_not_followed(wired: Any) -> None:
    reached: list[bytes] = []

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(1))
        writer.close()

    elsewhere = await asyncio.start_server(other, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{elsewhere.sockets[0].getsockname()[1]}/v1/chat/completions"
    for stream in (False, True):
        wired.will(Answer(status=307, headers=(("Location", address),)))
        error = await failure(wired, ask(wired.model, timeout=5000), stream=stream)
        assert error.type == "invalid_request"
    elsewhere.close()
    assert reached == []


async def test_a_closed_registry_leaves_others_at_work(wired: Any, environ: dict[str, str]) -> None:
    for _ in range(2):
        other = Providers(environ)
        provider, model = other.resolve(wired.full_model)
        assert (await provider.complete(ask(model))).content == "You said: hello"
        assert (await wired.complete(ask(wired.model))).content == "You said: hello"
        await other.close()
    assert (await wired.complete(ask(wired.model))).content == "You said: hello"


async def test_many_are_asked_at_once(subject: Any) -> None:
    many = 40
    subject.will(*(Answer(text=f"{n}", delay=5) for n in range(many)))
    answers = await asyncio.gather(*(subject.complete(ask(subject.model)) for _ in range(many)))
    assert sorted(int(answer.content) for answer in answers) == list(range(many))


async def test_a_stream_left_early_leaves_the_provider_usable(subject: Any) -> None:
    subject.will(Answer(text="one two three four five"), Answer(text="again"))
    pieces = subject.provider.stream(ask(subject.model))
    first = await anext(pieces)
    await pieces.aclose()
    assert "one two three four five".startswith(first.text)
    assert (await subject.complete(ask(subject.model))).content == "again"


async def test_a_cancelled_call_leaves_the_provider_usable(subject: Any) -> None:
    subject.will(Answer(text="never", fault="hang"), Answer(text="again"))
    task = asyncio.ensure_future(subject.complete(ask(subject.model)))
    if subject.server is not None:
        while not subject.server.requests:
            await asyncio.sleep(0.001)
    else:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await subject.complete(ask(subject.model))).content == "again"


async def test_requests_and_answers_survive_being_recorded(subject: Any) -> None:
    request = ask(
        subject.model,
        Message("user", "x", images=(Image(url="https://example.com/a.png"),)),
        Message("assistant", "", tool_calls=CALLS),
        Message("tool", "no", tool_call_id="call_a", is_error=True),
        Message("user", "y"),
        tools=(WEATHER, ToolSpec("plain", "", {"type": "object"}, automatic=False)),
        tool_choice="auto",
        stop=("END",),
        seed=0,
        schema={},
        agent="a",
        extra={"user": "u"},
    )
    value = json.loads(json.dumps(request.to_value()))
    assert Request.from_value(value) == request
    subject.will(Answer(text="t", tool_calls=CALLS))
    answer = await subject.complete(ask(subject.model))
    assert type(answer).from_value(json.loads(json.dumps(answer.to_value()))) == answer
