"""The loopback server speaks the protocols as their own SDKs understand them, and runs by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from llmspell.providers.base import ToolCall
from llmspell.testing.answers import Answer
from llmspell.testing.model import expression
from llmspell.testing.server import ServerThread

CALLS = (ToolCall("call_a", "t", {"a": 1}), ToolCall("call_b", "t", {"b": "ä"}))


@pytest.mark.xdist_group("litellm")
@pytest.mark.mission(148)
async def test_openais_own_client_understands_its_answers(server: Any) -> None:
    from openai import AsyncOpenAI, RateLimitError
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    server.will(Answer(text="höi", tool_calls=CALLS), Answer(text="höi", tool_calls=CALLS, split=3), Answer(status=429))
    async with AsyncOpenAI(base_url=server.openai_url, api_key="k", max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "x"}]
        whole = await client.chat.completions.create(model="m", messages=messages)
        ChatCompletion.model_validate_json(whole.model_dump_json(exclude_unset=True), strict=True)
        assert whole.choices[0].message.content == "höi"
        assert [json.loads(call.function.arguments) for call in whole.choices[0].message.tool_calls or ()] == [  # type: ignore[union-attr]
            call.arguments for call in CALLS
        ]
        chunks: Any = await client.chat.completions.create(
            model="m", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        seen = [chunk async for chunk in chunks]
        for chunk in seen:
            ChatCompletionChunk.model_validate_json(chunk.model_dump_json(exclude_unset=True), strict=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in seen if chunk.choices) == "höi"
        assert seen[-1].usage == whole.usage
        with pytest.raises(RateLimitError):
            await client.chat.completions.create(model="m", messages=messages)


@pytest.mark.parametrize(
    ("message", "sum_"),
    [
        ("What is 15% of 2500?", "2500 * 15 / 100"),
        ("10 + 5", "10 + 5"),
        ("What is (2 + 3) * 4.5, please?", "(2 + 3) * 4.5"),
        ("Tell me about 1984.", ""),
        ("nothing here", ""),
    ],
)
def test_the_small_model_finds_the_arithmetic(message: str, sum_: str) -> None:
    assert expression(message) == sum_


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.mission(149, 150)
@pytest.mark.parametrize(
    ("question", "sum_", "gave", "said"),
    [
        ("What is 15% of 2500?", "2500 * 15 / 100", '{"result": 375.0}', "The answer is 375."),
        ("10 + 5", "10 + 5", "15", "The answer is 15."),
    ],
)
def test_the_small_model_uses_a_calculator(question: str, sum_: str, gave: str, said: str) -> None:
    parameters = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
    tool = {"name": "calculator", "input_schema": parameters}
    with ServerThread() as server:
        asked: Any = [{"role": "user", "content": question}]
        body = {"model": "m", "max_tokens": 9, "messages": asked, "tools": [tool]}
        call = post(server.url + "/v1/messages", body)["content"][0]
        assert (call["name"], call["input"]) == ("calculator", {"expression": sum_})
        asked.append({"role": "assistant", "content": [call]})
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": gave}
        asked.append({"role": "user", "content": [result]})
        assert post(server.url + "/v1/messages", body)["content"][0]["text"] == said


def test_it_runs_by_itself_with_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"match": "hi", "text": "scripted"}, {"match": "slow", "error": "rate_limit"}]))
    command = [sys.executable, "-m", "llmspell.testing.server", "--script", str(script), "--latency", "1-2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip() + "/v1/chat/completions"
            body: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            assert post(url, body)["choices"][0]["message"]["content"] == "scripted"
            body["messages"][0]["content"] = "other"
            assert post(url, body)["choices"][0]["message"]["content"] == "You said: other"
            body["messages"][0]["content"] = "slow"
            with pytest.raises(urllib.error.HTTPError) as caught:
                post(url, body)
            assert caught.value.code == 429
            with pytest.raises(urllib.error.HTTPError) as caught:
                post(url, {"nonsense": 1})
            assert caught.value.code == 400
        finally:
            process.terminate()


def test_a_bad_script_is_one_clear_line(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"txt": "x"}]')
    command = [sys.executable, "-m", "llmspell.testing.server", "--script", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert f"{script}, reply 1 has the unknown field 'txt'; did you mean 'text'?" in done.stderr
    assert "Traceback" not in done.stderr
