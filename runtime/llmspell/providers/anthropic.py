"""Anthropic's messages API, and services that speak it. Wire format: the API reference of `POST /v1/messages`.

Structured output goes by `output_config.format` where the model has it, else by one tool the model must call, whose
arguments are then the answer. Knows no agent and no settings.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llmspell.errors import ProviderError
from llmspell.providers import failures, http, prices
from llmspell.providers.account import Account
from llmspell.providers.anthropic_format import ANSWER_TOOL, uses_tool, write_body
from llmspell.providers.base import Completion, Delta, FinishReason, Request, Usage
from llmspell.providers.calls import CallParts

VERSION: Final = "2023-06-01"

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class Anthropic:
    """A service that speaks the messages API; its address is without `/v1`, as Anthropic's own clients take it."""

    def __init__(self, account: Account) -> None:
        self.name = account.name
        self._account = account
        own = {"anthropic-version": VERSION, **({"x-api-key": account.api_key} if account.api_key else {})}
        root = account.base_url.rstrip("/").removesuffix("/v1")
        self._endpoint = http.Endpoint(root, {**own, **account.headers}, account.environ)

    def __repr__(self) -> str:
        return f"Anthropic({self.name!r}, {self._account.host!r})"

    def prefetch(self) -> None:
        http.prefetch()

    async def close(self) -> None:
        await self._endpoint.close()

    async def complete(self, request: Request) -> Completion:
        asked = self._account.asked(request.model)
        body = write_body(request, self._account.prices)
        answer = await self._endpoint.post("/v1/messages", body, asked, request.timeout, request.idempotency_key)
        heard = _Heard(answer_tool=uses_tool(body))
        try:
            for index, block in enumerate(answer["content"]):
                heard.begin(index, block)
            heard.usage.update(answer.get("usage") or {})
            heard.finish = answer.get("stop_reason") or ""
            heard.model = answer.get("model") or ""
            return self._completion(request, heard)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise http.malformed(asked, json.dumps(answer).encode()) from None

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        asked = self._account.asked(request.model)
        body = write_body(request, self._account.prices)
        body["stream"] = True
        heard = _Heard(answer_tool=uses_tool(body))
        events = self._endpoint.events("/v1/messages", body, asked, request.timeout, request.idempotency_key)
        try:
            async for _, data in events:
                try:
                    event: Any = json.loads(data)
                    if event["type"] == "error":
                        raise failures.explain(asked, None, *failures.error_value(event))
                    piece = heard.take(event)
                except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
                    raise http.malformed(asked, data) from None
                if piece:
                    yield Delta(piece)
                if heard.done:
                    break
        except ProviderError as error:
            error.data["partial"] = "".join(heard.text)
            raise
        finally:
            await events.aclose()
        if not heard.done:
            raise http.cut_off(asked, "".join(heard.text))
        yield self._completion(request, heard)

    def _completion(self, request: Request, heard: _Heard) -> Completion:
        calls = heard.calls.calls()
        finish = _FINISH.get(heard.finish, "stop")
        if finish == "tool_calls" and not calls:  # the only call was the structured answer
            finish = "stop"
        return Completion(
            content="".join(heard.text),
            tool_calls=calls,
            usage=read_usage(heard.usage, self._account.prices, request.model),
            finish_reason=finish,
            model=heard.model or request.model,
        )


@dataclass(slots=True)
class _Heard:
    """What has arrived of one answer. `answer_tool`: calls of the answer tool are text, not calls."""

    answer_tool: bool
    text: list[str] = field(default_factory=list[str])
    calls: CallParts = field(default_factory=CallParts)
    usage: dict[str, Any] = field(default_factory=dict[str, Any])
    finish: str = ""
    model: str = ""
    done: bool = False
    _answers: set[int] = field(default_factory=set[int])

    def take(self, event: Mapping[str, Any]) -> str:
        """Takes in one event of a stream and gives the text that it adds. Unknown events are skipped, as documented."""
        match event["type"]:
            case "message_start":
                message = event["message"]
                self.model = message.get("model") or ""
                self.usage.update(message.get("usage") or {})
            case "content_block_start":
                return self.begin(event["index"], event["content_block"])
            case "content_block_delta":
                return self._more(event["index"], event["delta"])
            case "message_delta":
                self.finish = event["delta"].get("stop_reason") or self.finish
                # Counts of a message_delta are totals so far; some services leave out what has not changed.
                self.usage.update({name: count for name, count in (event.get("usage") or {}).items() if count})
            case "message_stop":
                self.done = True
            case _:
                pass
        return ""

    def begin(self, index: int, block: Mapping[str, Any]) -> str:
        match block["type"]:
            case "text":
                return self._say(block.get("text") or "")
            case "tool_use":
                given = block.get("input")
                text = json.dumps(given, ensure_ascii=False) if given else ""
                if self.answer_tool and block["name"] == ANSWER_TOOL:
                    self._answers.add(index)
                    return self._say(text)
                self.calls.add(index, block["id"], block["name"], text)
            case _:  # thinking and the service's own tools
                pass
        return ""

    def _more(self, index: int, delta: Mapping[str, Any]) -> str:
        match delta["type"]:
            case "text_delta":
                return self._say(delta["text"])
            case "input_json_delta" if index in self._answers:
                return self._say(delta["partial_json"])
            case "input_json_delta":
                self.calls.add(index, "", "", delta["partial_json"])
            case _:
                pass
        return ""

    def _say(self, text: str) -> str:
        if text:
            self.text.append(text)
        return text


def read_usage(usage: Mapping[str, Any], price_name: str, model: str) -> Usage:
    """Token counts. Anthropic's input_tokens leaves out what was read from and written to its cache; ours counts it."""
    cached = usage.get("cache_read_input_tokens") or 0
    kept = usage.get("cache_creation_input_tokens") or 0
    read = (usage.get("input_tokens") or 0) + cached + kept
    written = usage.get("output_tokens") or 0
    return Usage(read, written, cached, prices.cost(price_name, model, read, written, cached, kept))
