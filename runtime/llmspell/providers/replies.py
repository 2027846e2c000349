"""Scripted replies: which answer a model of ours gives to which request. Read from `replies.json` or a plain list.

An entry answers where all its conditions hold; the first entry that fits decides. Entries with the same conditions are
a sequence: each agent gets the first of them, then the second, and the last again and again. Knows no network.

    {"replies": [
       "a text is an entry without conditions",
       {"match": "weather", "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
       {"match": "weather", "text": "It is {{result}} in Oslo."},
       {"agent": "critic", "call": 2, "error": {"type": "rate_limit", "retry_after": 1000}}],
     "otherwise": "automatic"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

from llmspell.api.names import near
from llmspell.errors import ArgumentError, ProviderKind
from llmspell.frozen import frozen
from llmspell.providers.base import Request

KINDS: Final[tuple[ProviderKind, ...]] = get_args(ProviderKind)
Otherwise = Literal["automatic", "error"]

#: The fields of an entry and what each means; `Replies` refuses others.
FIELDS: Final[dict[str, str]] = {
    "match": "text that the newest user message contains, whatever its case",
    "pattern": "regular expression (RE2) that the newest user message matches somewhere",
    "agent": "name of the asking agent",
    "call": "which request of this agent, from 1",
    "text": "the answer; {{message}} is the newest user message, {{result}} what the last tool gave",
    "data": "a structured answer, in place of text",
    "tool_calls": "calls the model makes: [{name, arguments, id?}]",
    "chunks": "the answer's text as it is streamed, in place of text",
    "delay": "milliseconds before the answer",
    "error": f"fails instead: one of {', '.join(KINDS)}, or {{type, message, retry_after, status}}",
}


class Pattern(Protocol):
    """A compiled expression; google-re2 ships no types."""

    def search(self, text: str) -> object: ...


@frozen
class Failure:
    """An error as an answer. retry_after: milliseconds. status: as a service would send it."""

    kind: ProviderKind
    message: str = ""
    retry_after: float | None = None
    status: int | None = None


@frozen
class Call:
    """A scripted tool call; arguments may be text that is no JSON, to test what happens then."""

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict[str, Any])
    id: str = ""


@frozen
class Reply:
    """One entry. wire: fields that only the loopback server knows (see llmspell.testing)."""

    text: str = ""
    tool_calls: tuple[Call, ...] = ()
    chunks: tuple[str, ...] = ()
    delay: float = 0
    failure: Failure | None = None
    match: str = ""
    pattern: str = ""
    agent: str = ""
    call: int | None = None
    wire: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Replies:
    """Entries and how far each agent has come in them."""

    def __init__(self, replies: Iterable[Reply], otherwise: Otherwise = "automatic") -> None:
        self.entries = tuple(replies)
        self.otherwise: Otherwise = otherwise
        self._calls: dict[str, int] = {}
        self._used: dict[tuple[str, tuple[object, ...]], int] = {}
        self._patterns: dict[str, Pattern] = {
            reply.pattern: _compile(reply.pattern) for reply in self.entries if reply.pattern
        }

    def answer(self, request: Request) -> Reply | None:
        """The reply to this request, which counts as one call of its agent; None where no entry fits."""
        number = self._calls[request.agent] = self._calls.get(request.agent, 0) + 1
        message = newest(request, "user")
        fitting = [reply for reply in self.entries if self._fits(reply, request.agent, number, message)]
        if not fitting:
            return None
        condition = _conditions(fitting[0])
        sequence = [reply for reply in fitting if _conditions(reply) == condition]
        used = self._used.get((request.agent, condition), 0)
        self._used[request.agent, condition] = used + 1
        reply = sequence[min(used, len(sequence) - 1)]
        return filled(reply, message, newest(request, "tool"))

    def _fits(self, reply: Reply, agent: str, number: int, message: str) -> bool:
        return (
            (not reply.agent or reply.agent == agent)
            and (reply.call is None or reply.call == number)
            and (not reply.match or reply.match.casefold() in message.casefold())
            and (not reply.pattern or self._patterns[reply.pattern].search(message) is not None)
        )


def _conditions(reply: Reply) -> tuple[object, ...]:
    return (reply.match, reply.pattern, reply.agent, reply.call)


def newest(request: Request, role: Literal["user", "tool"]) -> str:
    return next((message.content for message in reversed(request.messages) if message.role == role), "")


def filled(reply: Reply, message: str, result: str) -> Reply:
    """The reply with its `{{message}}` and `{{result}}` replaced."""
    if "{{" not in reply.text:
        return reply
    return replace(reply, text=reply.text.replace("{{message}}", message).replace("{{result}}", result))


def _compile(pattern: str) -> Pattern:
    # google-re2 (10 ms to import) only where a pattern is written: it cannot be made to run for ever.
    import re2  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    options: Any = re2.Options()
    options.log_errors = False
    compiled: Pattern = re2.compile(pattern, options)
    return compiled


def load(path: Path, wire: frozenset[str] = frozenset()) -> Replies:
    """The replies of a JSON file; ArgumentError, naming the file, where it is not one."""
    try:
        value: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}", hint="check the path of the replies") from None
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path} is not JSON: {error}", hint="mend the file at that place") from None
    return read(value, str(path), wire)


def read(value: Any, source: str, wire: frozenset[str] = frozenset()) -> Replies:
    """Replies from plain values: a list of entries, or `{replies, otherwise}`. wire: more fields that are allowed."""
    otherwise: Any = "automatic"
    if isinstance(value, Mapping):
        for key in value:
            if key not in ("replies", "otherwise"):
                raise _wrong(source, f"has the unknown field {key!r}", "it holds `replies` and `otherwise`")
        otherwise = value.get("otherwise", "automatic")
        value = value.get("replies")
    if otherwise not in get_args(Otherwise):
        raise _wrong(source, f"says otherwise: {otherwise!r}", 'write "automatic" or "error"')
    if not isinstance(value, list | tuple):
        raise _wrong(source, f"holds {_kind(value)}", 'write a list of replies, or {"replies": […]}')
    return Replies((_entry(entry, f"{source}, reply {n}", wire) for n, entry in enumerate(value, 1)), otherwise)


def _entry(value: Any, where: str, wire: frozenset[str]) -> Reply:
    if isinstance(value, str):
        return Reply(text=value)
    if not isinstance(value, Mapping):
        raise _wrong(where, f"is {_kind(value)}", "a reply is a text or an object")
    for key in value:
        if key not in FIELDS and key not in wire:
            close = near(str(key), [*FIELDS, *wire])
            raise _wrong(where, f"has the unknown field {key!r}", f"did you mean {close[0]!r}?" if close else _known())
    text = _field(value, "text", str, "", where)
    if "data" in value:
        text = json.dumps(value["data"], ensure_ascii=False)
    chunks = tuple(_field(value, "chunks", list, [], where))
    if not all(isinstance(chunk, str) for chunk in chunks):
        raise _wrong(where, "has chunks that are not text", "chunks is a list of texts")
    call = value.get("call")
    if call is not None and (not isinstance(call, int) or call < 1):
        raise _wrong(where, f"has call {call!r}", "call is a number from 1")
    pattern = _field(value, "pattern", str, "", where)
    try:
        if pattern:
            _compile(pattern)
    except Exception as error:  # re2's error type is not exported under a stable name
        said = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else error
        raise _wrong(where, f"has the bad pattern {pattern!r}: {said}", "patterns are RE2 expressions") from None
    return Reply(
        text=text or "".join(chunks),
        tool_calls=tuple(_call(one, where) for one in _field(value, "tool_calls", list, [], where)),
        chunks=chunks,
        delay=_field(value, "delay", (int, float), 0, where),
        failure=_failure(value["error"], where) if value.get("error") is not None else None,
        match=_field(value, "match", str, "", where),
        pattern=pattern,
        agent=_field(value, "agent", str, "", where),
        call=call,
        wire={name: value[name] for name in wire if name in value},
    )


def _call(value: Any, where: str) -> Call:
    if isinstance(value, str):
        return Call(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise _wrong(where, f"has the tool call {value!r}", "a tool call is {name, arguments}")
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict | str):
        raise _wrong(where, f"calls {value['name']!r} with {_kind(arguments)}", "arguments is an object")
    return Call(value["name"], arguments, str(value.get("id", "")))


def _failure(value: Any, where: str) -> Failure:
    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {"type": value}
    kind = given.get("type")
    if kind not in KINDS:
        raise _wrong(where, f"has the error {kind!r}", f"it is one of {', '.join(KINDS)}")
    wait = given.get("retry_after")
    if wait is not None and not isinstance(wait, int | float):
        raise _wrong(where, f"has retry_after {wait!r}", "retry_after is a number of milliseconds")
    status = given.get("status")
    if status is not None and not isinstance(status, int):
        raise _wrong(where, f"has status {status!r}", "status is a number")
    return Failure(kind, str(given.get("message", "")), wait, status)


def _field(value: Mapping[str, Any], name: str, kind: Any, default: Any, where: str) -> Any:
    found = value.get(name, default)
    if not isinstance(found, kind) or isinstance(found, bool):
        raise _wrong(where, f"has {name} {found!r}", f"{name}: {FIELDS[name]}")
    return found


def _wrong(where: str, what: str, hint: str) -> ArgumentError:
    return ArgumentError(f"{where} {what}", hint=hint)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {json.dumps(value, default=repr)[:60]}"


def _known() -> str:
    return f"a reply's fields are {', '.join(FIELDS)}"
