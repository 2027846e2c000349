"""What a span was given and what it gave, in a few words: for one line of a tree or a table.

Knows the events' data, no terminal; what a model or a script wrote is made harmless for one (no control characters).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, cast

#: Control characters, line and paragraph separators, and marks that turn the direction of writing.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
#: Colours that were meant for a terminal.
_COLOURS: Final = re.compile(r"\x1b\[[0-9;:]*m")
_LEFT_OUT: Final = frozenset({"status", "usage", "error", "duration", "attempt"})
#: More of a value is never shown in one line.
_LONGEST: Final = 400


def plain(text: str) -> str:
    """The text in one line, safe to print."""
    return harmless(text).strip()


def harmless(text: str) -> str:
    """The text in one line, safe to print, with the spaces that it begins and ends with."""
    text = text[: _LONGEST * 2]
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    return _UNSAFE.sub(" ", text)


def as_sent(start: Mapping[str, Any], end: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a span began with, as it went out: its end tells the request or the arguments that hooks or an edit made.
    Arguments to which only defaults were added stay as they were given."""
    sent = {**start, "request": end["request"]} if "request" in end else {**start}
    given, params = start.get("params"), end.get("params")
    if isinstance(given, Mapping) and isinstance(params, Mapping):
        asked = cast("Mapping[str, Any]", given)
        if any(name not in params or params[name] != value for name, value in asked.items()):
            sent["params"] = params
    return sent


def given(kind: str, data: Mapping[str, Any]) -> str:
    """What a span began with."""
    match kind:
        case "llm_call":
            return _request(data.get("request"))
        case "execution" | "workflow" | "workflow_step":
            return _alone(data.get("input", data.get("message")))
        case "delegation":
            return _alone(data.get("task"))
        case "tool":
            return _arguments(data.get("params"))
        case "hook":
            handler = str(data.get("handler") or "").rpartition("/")[2]  # the span is named by its point
            return plain(handler) or brief(data.get("point"), quoted=False)
        case "spell":
            return brief(data.get("params"))
        case _:
            return _rest(data)


def gave(kind: str, data: Mapping[str, Any]) -> str:
    """What a span ended with."""
    match kind:
        case "llm_call":
            return _response(data.get("response"), data.get("tool_calls"))
        case "tool":
            return _alone(data.get("result"))
        case "spell":
            return brief(data.get("result"))
        case "execution" | "workflow" | "workflow_step" | "delegation":
            return brief(data.get("output", data.get("result", data.get("response"))))
        case "hook":
            changes = data.get("changes")
            if isinstance(changes, Mapping):
                return "changed " + ", ".join(map(str, cast("Mapping[Any, Any]", changes))) if changes else ""
            return f"changed {brief(changes, quoted=False)}" if changes else ""
        case _:
            return _rest(data)


def brief(value: Any, *, quoted: bool = True) -> str:
    """A value in one line: texts in quotes, maps with their keys, "" for nothing."""
    match value:
        case None | "":
            return ""
        case dict() | list() if not value:
            return ""
        case str():
            return f'"{plain(value)}"' if quoted else plain(value)
        case {"content": str(content)}:
            return brief(content)
        case {"text": str(text)}:
            return brief(text)
        case _:
            return plain(_compact(value))


def _compact(value: Any, depth: int = 0) -> str:
    match value:
        case dict() if depth < 4:
            pairs = cast("dict[str, Any]", value).items()
            return "{" + ", ".join(f"{key}: {_compact(item, depth + 1)}" for key, item in [*pairs][:20]) + "}"
        case list() if depth < 4:
            items = cast("list[Any]", value)
            return "[" + ", ".join(_compact(item, depth + 1) for item in items[:20]) + "]"
        case dict() | list():
            return "…"
        case str():
            return json.dumps(value[:_LONGEST], ensure_ascii=False)
        case float():
            return f"{value:g}"
        case _:
            return json.dumps(value, default=str)


def _request(request: Any) -> str:
    match request:
        case {"messages": [*_, {"role": "tool", "content": content}]}:
            return f"tool result {_text(content)}"
        case {"messages": [*_, {"content": content}]}:
            return brief(content)
        case _:
            return brief(request)


def _response(response: Any, calls: Any) -> str:
    match response, calls:
        case ({"tool_calls": [_, *_] as found}, _) | (_, [_, *_] as found):
            names = Counter(plain(str(call.get("name", "?"))) for call in found if isinstance(call, dict))
            return "calls " + ", ".join(f"{name} x{count}" if count > 1 else name for name, count in names.items())
        case _:
            return _text(response)


def _text(value: Any) -> str:
    """JSON in a text stands without quotes around it."""
    return plain(value) if isinstance(value, str) and value[:1] in ("{", "[") else brief(value)


def _arguments(params: Any) -> str:
    """A tool's arguments: the operation first, and a single one beside it without its name."""
    match params:
        case {"operation": str(operation), **rest}:
            shown = {key: item for key, item in rest.items() if key != "content"} or rest
            return f"{plain(operation)} {_alone(shown)}".strip()
        case _:
            return _alone(params)


def _alone(value: Any) -> str:
    """A map of one plain value as that value, and one with content, such as a file's, as its content."""
    if isinstance(value, dict) and not isinstance(value.get("content"), str):
        fields = cast("dict[str, Any]", value)
        if len(fields) == 1 and not isinstance(only := next(iter(fields.values())), dict | list):
            return brief(only)
        return plain(_compact(fields)) if fields else ""
    return brief(value)


def _rest(data: Mapping[str, Any]) -> str:
    return brief({key: value for key, value in data.items() if key not in _LEFT_OUT})
