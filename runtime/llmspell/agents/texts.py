"""Inputs and outputs as text: what a model is told of an input table, what an output reads as."""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any, Final

from llmspell.api.hook_points import CALLS_SCHEMA, USAGE_SCHEMA
from llmspell.frozen import frozen

#: Keys that hold the user's own words, the first present one wins.
_WORDS: Final = ("message", "prompt", "query", "question", "text", "task", "topic")
#: Keys that say how to execute, not what.
CONTROLS: Final = frozenset({"timeout", "user_id", "session_id", "images"})


def text_of(given: Any) -> str:
    """An input as the text of a user turn.

    A string is itself. A table with one of the keys message, prompt, query, question, text, task or topic is that
    text, followed by its other fields as JSON; any other value is JSON. Controls (`timeout`, …) are left out.
    """
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    if isinstance(given, AgentOutput):
        return given.text
    if isinstance(given, dict):
        fields = {key: value for key, value in given.items() if key not in CONTROLS}
        for key in _WORDS:
            if isinstance(words := fields.get(key), str):
                rest = {other: value for other, value in fields.items() if other != key and value is not None}
                return f"{words}\n\n{as_json(rest)}" if rest else words
        return as_json(fields)
    return as_json(given)


def with_words(given: Any, words: str) -> Any:
    """The input with other words: a table keeps its other fields."""
    if not isinstance(given, dict):
        return words
    key = next((key for key in _WORDS if isinstance(given.get(key), str)), "message")
    return {**given, key: words}


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    return value.to_value() if isinstance(value, AgentOutput) else str(value)


#: The keys of an output that change their case with the language.
OUTPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **{name: {} for name in ("content", "data", "cost", "duration", "agent")},
        "tool_calls": CALLS_SCHEMA,
        "usage": USAGE_SCHEMA,
    },
}


@frozen
class AgentOutput:
    """What an execution gives; scripts see a table that reads as its text wherever a string is wanted.

    content: the answer's text. data: the structured answer, where a schema was asked for. tool_calls: each with
    `id`, `name`, `arguments`, and `result` or `error`. usage: `input_tokens`, `output_tokens`, `cached_tokens`,
    `total`, `cost`. cost: US dollars, nil where unknown. duration: milliseconds. agent: the agent's name.
    """

    content: str
    data: Any = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    usage: dict[str, Any] = field(default_factory=dict[str, Any])
    cost: float | None = None
    duration: float = 0.0
    agent: str = ""

    @property
    def text(self) -> str:
        return self.content

    @property
    def value(self) -> Any:
        """The structured answer, else the text."""
        return self.content if self.data is None else self.data

    def to_value(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
