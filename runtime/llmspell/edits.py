"""An edit of one call of a forked run: what is asked otherwise there, or answered in the place of asking.

The call is known by its span's number, which is the recorded one. Knows no model and no tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmspell.errors import UsageError
from llmspell.frozen import frozen

#: What can be edited of a call, by the kind of its span.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "llm_call": ("prompt", "system", "model", "messages", "temperature", "max_tokens", "answer"),
    "tool": ("arguments", "answer"),
}


@frozen
class Edit:
    """span: of the call. fields: those of `FIELDS`."""

    span: int
    fields: dict[str, Any]

    def to_value(self) -> dict[str, Any]:
        return {"span": self.span, "fields": self.fields}

    @staticmethod
    def of_value(value: Any) -> Edit | None:
        """One as a run's recording holds it; None for none."""
        match value:
            case {"span": int(span), "fields": dict(fields)}:
                return Edit(span, fields)
            case _:
                return None


def checked(fields: Any, kind: str, name: str) -> dict[str, Any]:
    """The edit of a call of that kind. Raises UsageError."""
    if not isinstance(fields, dict) or not fields:
        raise UsageError(f"an edit is a JSON object, not {fields!r}", hint="""--edit '{"prompt": "…"}'""")
    known = FIELDS[kind]
    what = f"the model call {name!r}" if kind == "llm_call" else f"the tool call {name!r}"
    for field in fields:
        if field not in known:
            raise UsageError(f"an edit of {what} has no {field!r}", hint=f"it can have {', '.join(known)}")
    wrong = next((field for field, value in fields.items() if not _fits(field, value)), None)
    if wrong is not None:
        raise UsageError(f"the edit's {wrong!r} cannot be {fields[wrong]!r}", hint=_SHAPES[wrong])
    return fields


def _fits(field: str, value: Any) -> bool:
    match field:
        case "prompt" | "system" | "model":
            return isinstance(value, str)
        case "messages":
            return isinstance(value, list) and all(isinstance(each, dict) and "role" in each for each in value)
        case "temperature" | "max_tokens":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "arguments":
            return isinstance(value, dict)
        case _:
            return True


_SHAPES: Final = {
    "prompt": "a text",
    "system": "a text",
    "model": "a text, such as openai/gpt-4o",
    "messages": 'a list of {"role": …, "content": …}',
    "temperature": "a number",
    "max_tokens": "a number",
    "arguments": "an object with the tool's parameters",
}
