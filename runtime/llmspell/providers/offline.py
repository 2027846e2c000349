"""The model without a network: for tests, examples and work without a key. It never pretends to be more.

Scripted, it gives the replies it was given (`replies`). Otherwise it is automatic: it calls each offered tool once with
the tool's first example (none that write, run or reach the network), then says what came back; asked for structured
output it gives the smallest value that fits. Tokens are counted by one stated rule: four bytes of UTF-8 are a token.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from typing import Final

from llmspell.errors import ProviderKind
from llmspell.providers.base import Completion, Delta, FinishReason, Message, Request, ToolCall, Usage
from llmspell.providers.calls import write_arguments
from llmspell.providers.failures import Asked
from llmspell.providers.fitting import fitting_value
from llmspell.providers.replies import Call, Replies, Reply, newest

MODEL: Final = "offline"
#: Characters of a message or a tool's result that an automatic answer repeats.
SHOWN: Final = 2000

_WORDS: Final = re.compile(r"\s*\S+|\s+$")
_STATUS: Final[dict[ProviderKind, int]] = {
    "rate_limit": 429,
    "auth": 401,
    "not_found": 404,
    "invalid_request": 400,
    "overloaded": 529,
    "content_filter": 400,
    "context_length": 400,
}


class Offline:
    """The offline model. Give one instance to a run: scripted replies count the calls of each agent."""

    def __init__(self, replies: Replies | None = None, name: str = "offline") -> None:
        self.name = name
        self.replies = replies

    def __repr__(self) -> str:
        return f"Offline({'automatic' if self.replies is None else 'scripted'})"

    def prefetch(self) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Nothing is held."""

    async def complete(self, request: Request) -> Completion:
        reply = await self._reply(request)
        return _completion(request, reply)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        """In the reply's chunks, else word by word."""
        reply = await self._reply(request)
        completion = _completion(request, reply)
        whole = completion.content == "".join(reply.chunks)
        for chunk in reply.chunks if whole else words(completion.content):
            yield Delta(chunk)
            await asyncio.sleep(0)
        yield completion

    async def _reply(self, request: Request) -> Reply:
        asked = Asked(self.name, request.model, "offline")
        reply = self.replies.answer(request) if self.replies is not None else None
        if reply is None:
            if self.replies is not None and self.replies.otherwise == "error":
                raise asked.fail(
                    "invalid_request",
                    f"no scripted reply fits {newest(request, 'user')[:80]!r} of agent {request.agent!r}",
                    hint='add an entry to the replies, or set "otherwise": "automatic"',
                )
            return automatic(request)
        if reply.delay:
            if request.timeout is not None and reply.delay > request.timeout:
                await asyncio.sleep(request.timeout / 1000)
                raise asked.fail("timeout", f"the offline model gave no answer within {request.timeout:g} ms")
            await asyncio.sleep(reply.delay / 1000)
        if reply.failure is not None:
            failure = reply.failure
            raise asked.fail(
                failure.kind,
                failure.message or f"the offline model fails with {failure.kind}, as its script says",
                hint="the replies ask for this error",
                status=failure.status or _STATUS.get(failure.kind),
                retry_after=failure.retry_after,
            )
        return reply


def automatic(request: Request) -> Reply:
    """Calls, then what they gave; without tools, what was asked."""
    turn = _turn(request)
    asked_for = {call.name for message in turn for call in message.tool_calls}
    if request.tool_choice != "none":
        waiting = [tool for tool in request.tools if tool.automatic and tool.name not in asked_for]
        if waiting:
            return Reply(
                tool_calls=tuple(
                    Call(tool.name, tool.examples[0] if tool.examples else fitting_value(tool.parameters))
                    for tool in waiting
                )
            )
    if request.schema is not None:
        return Reply(text=json.dumps(fitting_value(request.schema), ensure_ascii=False))
    names = {call.id: call.name for message in turn for call in message.tool_calls}
    results = [
        " ".join(
            (names.get(message.tool_call_id, "a tool"), "failed:" if message.is_error else "gave", message.content)
        )
        for message in turn
        if message.role == "tool"
    ]
    if results:
        return Reply(text=f"(offline model) {'; '.join(results)[:SHOWN]}")
    return Reply(text=f"(offline model) You said: {newest(request, 'user')[:SHOWN]}")


def _turn(request: Request) -> tuple[Message, ...]:
    """The messages after the newest user message."""
    last = max((n for n, message in enumerate(request.messages) if message.role == "user"), default=-1)
    return request.messages[last + 1 :]


def _completion(request: Request, reply: Reply) -> Completion:
    earlier = sum(len(message.tool_calls) for message in request.messages)
    calls = tuple(
        ToolCall(call.id or f"call_{earlier + number}", call.name, call.arguments)
        for number, call in enumerate(reply.tool_calls, 1)
    )
    text = reply.text
    finish: FinishReason = "tool_calls" if calls else "stop"
    if request.max_tokens is not None and tokens(text) > request.max_tokens:
        text = text.encode()[: 4 * request.max_tokens].decode("utf-8", "ignore")
        finish = "length"
    written = tokens(text) + sum(tokens(call.name + write_arguments(call.arguments)) for call in calls)
    return Completion(text, calls, Usage(count(request), written, 0, 0.0), finish, request.model or MODEL)


def tokens(text: str) -> int:
    """Four bytes of UTF-8 are a token, a rest counts as one: near what English text costs at real models."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4


def count(request: Request) -> int:
    """The tokens of a request: system prompt, messages, calls in them, and the tools as JSON."""
    total = tokens(request.system)
    for message in request.messages:
        total += tokens(message.content)
        total += sum(tokens(call.name + write_arguments(call.arguments)) for call in message.tool_calls)
    for tool in request.tools:
        total += tokens(tool.name + tool.description + json.dumps(tool.parameters, ensure_ascii=False))
    return total


def words(text: str) -> list[str]:
    """The text in pieces that join to it again, about a word each."""
    return _WORDS.findall(text)
