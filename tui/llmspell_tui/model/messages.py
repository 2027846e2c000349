"""What was said between a spell, its agents, models and tools, as of a moment: from the payloads of model calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.traces.summary import as_sent, brief

Role = Literal["system", "user", "assistant", "tool"]


@frozen
class ToolCall:
    """What a model asks of a tool. arguments: as the model gave them."""

    id: str
    name: str
    arguments: Any


@frozen
class Message:
    """seq, span: the event it was first seen in, and the number of that model call. calls: in an assistant's message.
    name, call_id: of the tool whose result it is. text: content that is no text is shown in one line."""

    role: Role | str
    text: str
    seq: int
    span: int
    calls: tuple[ToolCall, ...] = ()
    name: str = ""
    call_id: str = ""


def conversation(events: Sequence[Event]) -> list[Message]:
    """The messages of the last model call among these start and end events of one agent, with its answer: a request
    repeats all that was said before. The events are those up to the moment shown, in order."""
    starts = [event for event in events if event.kind == "llm_call_started"]
    if not starts:
        return []
    seen: dict[tuple[str, str, str], Message] = {}
    ends = {event.span: event for event in events if event.kind == "llm_call_completed"}
    for start in starts:
        for message in requested(start, ends.get(start.span)):
            seen.setdefault(_key(message), message)
    last = starts[-1]
    end = ends.get(last.span)
    found = [seen[_key(message)] for message in requested(last, end)]
    if end is not None and (answer := answered(end)) is not None:
        found.append(answer)
    return found


def requested(start: Event, end: Event | None = None) -> list[Message]:
    """The messages that a model call sends, the system's first: as hooks left them, once its end tells."""
    request = as_sent(start.data, {} if end is None else end.data).get("request")
    if not isinstance(request, Mapping):
        return [Message("user", brief(request, quoted=False), start.seq, start.span)] if request else []
    found: list[Message] = []
    system = request.get("system")
    if system:
        found.append(Message("system", text_of(system), start.seq, start.span))
    messages = request.get("messages")
    for message in cast("list[Any]", messages) if isinstance(messages, list) else []:
        if isinstance(message, Mapping):
            found.append(_message(message, start))
    return found


def answered(end: Event) -> Message | None:
    """What a model call's end event brought; None for one that failed."""
    data = end.data
    response = data.get("response")
    inside = response.get("tool_calls") if isinstance(response, Mapping) else None
    calls = _calls(data.get("tool_calls") or inside)
    if response is None and not calls:
        return None
    return Message("assistant", text_of(response), end.seq, end.span, calls)


def text_of(content: Any) -> str:
    """A message's content as text: parts put together, what is none described."""
    match content:
        case None:
            return ""
        case str():
            return content
        case {"text": str(text)} | {"content": str(text)}:
            return text
        case list():
            return "\n".join(text_of(part) for part in cast("list[Any]", content))
        case _:
            return brief(content)


def _message(message: Mapping[str, Any], event: Event) -> Message:
    return Message(
        role=str(message.get("role") or "user"),
        text=text_of(message.get("content")),
        seq=event.seq,
        span=event.span,
        calls=_calls(message.get("tool_calls")),
        name=str(message.get("name") or ""),
        call_id=str(message.get("tool_call_id") or ""),
    )


def _calls(calls: Any) -> tuple[ToolCall, ...]:
    if not isinstance(calls, list):
        return ()
    return tuple(
        ToolCall(str(call.get("id") or ""), str(call.get("name") or ""), call.get("arguments"))
        for call in cast("list[Any]", calls)
        if isinstance(call, Mapping)
    )


def _key(message: Message) -> tuple[str, str, str]:
    return message.role, message.text, message.call_id or ",".join(call.id for call in message.calls)
