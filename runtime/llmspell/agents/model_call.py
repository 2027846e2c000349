"""One request to a model: hooks before and after, events, retries that everybody can see, the recording.

Knows the asking agent only as an `Asker`, and nothing of tools but their specs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from llmspell.errors import LlmspellError
from llmspell.hooks.table import Context, Handler, Since
from llmspell.providers.base import Completion, Delta, Message, Provider, Request, ToolCall
from llmspell.run import Run, Span
from llmspell.unit import Unit

#: First pause before a retry in milliseconds, doubled each time, where the server names none.
_FIRST_PAUSE: Final = 500.0
_LONGEST_PAUSE: Final = 30_000.0


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. facts: agent_id, agent_name, agent_type; context: fields that hooks added before."""

    run: Run
    name: str
    facts: Context
    hooks: Mapping[str, Handler]
    deliver: Any
    tell: Any
    context: Context
    retries: int = 2


async def ask_model(
    asker: Asker, provider: Provider, request: Request, *, turn: int, prompt: str, stream: bool
) -> AsyncGenerator[Delta | Completion | Request, None]:
    """The deltas of the answer (with `stream`), then the request as hooks left it, then the completion.

    prompt: the user's turn, the last user message of the request; a hook that rewrites it rewrites that message.
    """
    run = asker.run
    context: Context = {
        **asker.context,
        **asker.facts,
        "provider": provider.name,
        "model": request.model,
        "turn": turn,
        "prompt": prompt,
        "message": prompt,
    }
    data = {"agent_name": asker.name, "provider": provider.name, "model": request.model, "request": request.to_value()}
    with run.spanned("llm_call_started", "llm_call_completed", request.model, data, asker.deliver) as span:
        span.data.update(agent_name=asker.name, provider=provider.name, model=request.model)
        unit = Unit(run, "llm_call", context, asker.tell, asker.name, None, asker.hooks)
        async for item in _attempts(asker, unit, provider, request, context, stream, span):
            if isinstance(item, Completion):
                span.data.update(
                    response=item.content,
                    tool_calls=shown_calls(item.tool_calls),
                    usage=shown_usage(item),
                    finish_reason=item.finish_reason,
                )
            yield item


async def _attempts(
    asker: Asker, unit: Unit, provider: Provider, request: Request, context: Context, stream: bool, span: Span
) -> AsyncGenerator[Delta | Completion | Request, None]:
    """The unit, tried again as `on_error` wishes; pieces that have been given out are not taken back."""
    if not stream:
        sent, completion = await unit.attempt(lambda: _whole(asker, unit, provider, request, context, span))
        yield sent
        yield completion
        return
    context, sent = await _prepared(asker, request, context, span)
    async for item in _pieces(asker, unit, provider, sent):
        if isinstance(item, Delta):
            asker.tell("llm_chunk", asker.name, {"text": item.text})
            yield item
        else:
            yield sent
            yield await _received(asker, item, context, span)


async def _whole(
    asker: Asker, unit: Unit, provider: Provider, request: Request, context: Context, span: Span
) -> tuple[Request, Completion]:
    context, sent = await _prepared(asker, request, context, span)

    async def perform() -> dict[str, Any]:
        return (await provider.complete(sent)).to_value()

    async def once() -> Completion:
        asker.run.count_call()
        return Completion.from_value(await asker.run.effects.once("llm", provider.name, sent.to_value(), perform))

    completion = await _retried(asker, unit, once)
    return sent, await _received(asker, completion, context, span)


async def _pieces(
    asker: Asker, unit: Unit, provider: Provider, request: Request
) -> AsyncGenerator[Delta | Completion, None]:
    async def perform() -> AsyncIterator[Any]:
        async for item in provider.stream(request):
            yield item.text if isinstance(item, Delta) else item.to_value()

    count = 0
    while True:
        given = False
        asker.run.count_call()
        try:
            async for piece in asker.run.effects.stream("llm", provider.name, request.to_value(), perform):
                given = True
                yield Delta(piece) if isinstance(piece, str) else Completion.from_value(piece)
            return
        except LlmspellError as error:
            if given or not error.retryable or count >= asker.retries:
                asker.tell("error", unit.name, {"unit": unit.name, "error": error.to_value()})
                raise
            count += 1
            await asker.run.effects.sleep(await unit.announce_retry(error, count, pause(error, count)))


async def _retried(asker: Asker, unit: Unit, work: Any) -> Completion:
    count = 0
    while True:
        try:
            return await work()
        except LlmspellError as error:
            if not error.retryable or count >= asker.retries:
                raise
            count += 1
            await asker.run.effects.sleep(await unit.announce_retry(error, count, pause(error, count)))


def pause(error: LlmspellError, count: int) -> float:
    """Milliseconds before retry number `count`: what the server asked for, else doubling from half a second."""
    if error.retry_after is not None:
        return error.retry_after
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (count - 1))


async def _prepared(asker: Asker, request: Request, context: Context, span: Span) -> tuple[Context, Request]:
    """The request as `before_llm_call` left it."""
    hooks = asker.run.hooks
    if not hooks.wants("before_llm_call", asker.hooks):
        return context, request
    before = {
        **context,
        "system_prompt": request.system,
        "messages": [shown_message(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "tools": [tool.name for tool in request.tools],
    }
    after = await hooks.ask("before_llm_call", before, agent=asker.name, own=asker.hooks)
    changed = _as_changed(request, before, after)
    if changed is not request:
        span.data["request"] = changed.to_value()
    return after, changed


def _as_changed(request: Request, before: Context, after: Context) -> Request:
    """The request with what handlers wrote: `prompt` (or `message`) is the last user message's text."""
    prompt = next((after[key] for key in ("prompt", "message") if after.get(key) != before[key]), None)
    changes: dict[str, Any] = {}
    if after.get("messages") != before["messages"] and isinstance(after.get("messages"), list):
        changes["messages"] = tuple(_message(given) for given in after["messages"])
    elif prompt is not None:
        changes["messages"] = with_prompt(request.messages, str(prompt))
    if after.get("system_prompt") != before["system_prompt"]:
        changes["system"] = str(after.get("system_prompt") or "")
    for key in ("model", "temperature", "max_tokens"):
        if after.get(key) != before[key]:
            changes[key] = after.get(key)
    return replace(request, **changes) if changes else request


def with_prompt(messages: tuple[Message, ...], prompt: str) -> tuple[Message, ...]:
    """The messages with the last user message's text replaced."""
    index = max((i for i, message in enumerate(messages) if message.role == "user"), default=None)
    if index is None:
        return (*messages, Message("user", prompt))
    return (*messages[:index], replace(messages[index], content=prompt), *messages[index + 1 :])


async def _received(asker: Asker, completion: Completion, context: Context, span: Span) -> Completion:
    """The completion as `after_llm_call` left it; its tokens and cost are counted."""
    usage = completion.usage
    asker.run.count_usage(usage.total, usage.cost)
    if not asker.run.hooks.wants("after_llm_call", asker.hooks):
        return completion
    asked = {
        **context,
        "response": completion.content,
        "tool_calls": shown_calls(completion.tool_calls),
        "token_usage": shown_usage(completion),
        "finish_reason": completion.finish_reason,
        "duration": Since(span.started),
    }
    for only_before in ("messages", "system_prompt", "temperature", "max_tokens", "tools"):
        asked.pop(only_before, None)
    after = await asker.run.hooks.ask("after_llm_call", asked, agent=asker.name, own=asker.hooks)
    if after.get("response") == completion.content:
        return completion
    return replace(completion, content=str(after.get("response") or ""))


def shown_usage(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "total": usage.total,
        "cost": usage.cost,
    }


def shown_calls(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]


def shown_message(message: Message) -> dict[str, Any]:
    """A message as hooks and histories show it: `role`, `content`, and what else it has."""
    shown: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        shown["tool_calls"] = shown_calls(message.tool_calls)
    if message.tool_call_id:
        shown["tool_call_id"] = message.tool_call_id
    if message.is_error:
        shown["is_error"] = True
    return shown


def _message(shown: Any) -> Message:
    given: dict[str, Any] = shown if isinstance(shown, dict) else {"role": "user", "content": str(shown)}
    calls = tuple(
        ToolCall(str(call.get("id", "")), str(call.get("name", "")), call.get("arguments") or {})
        for call in given.get("tool_calls") or ()
    )
    role = given.get("role")
    return Message(
        role if role in ("user", "assistant", "tool") else "user",
        str(given.get("content") or ""),
        tool_calls=calls,
        tool_call_id=str(given.get("tool_call_id") or ""),
        is_error=bool(given.get("is_error")),
    )
