"""Breakpoints: what a run stops before, as a person writes it. `tool:shell_*`, `hook:before_llm_call`, `cost:0.05`.

Plain values; know no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from llmspell.api.event_kinds import BY_NAME as EVENTS
from llmspell.api.names import near, snake
from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.hooks.table import point_named

#: What a breakpoint may be on, and what its pattern is held against.
KINDS: Final[Mapping[str, str]] = {
    "start": "before the spell's first line",
    "end": "before the spell ends, with its result",
    "agent": "before an agent works; a pattern of its name",
    "model": "before a model is asked; a pattern of its name, with or without the provider's",
    "tool": "before a tool is called, with its arguments as hooks left them; a pattern of its name",
    "hook": "before a handler is asked; a pattern of the hook point",
    "event": "when an event has happened; a pattern of its name",
    "error": "when a unit has failed, before `on_error`; a pattern of the error's type or the unit",
    "cost": "before a model or tool is asked, once the run has spent as many US dollars",
}
#: Breakpoints without a pattern.
_PLAIN: Final = frozenset({"start", "end"})
#: How much of two names is the same of which one is mistyped.
_NEARLY: Final = 0.9
_WILD: Final = frozenset("*?[")
#: What `tools` in `--approve tools` means.
EVERY_TOOL: Final = ("tools", "all", "*")


@frozen
class Breakpoint:
    """kind: one of `KINDS`; pattern: with `*`, `?` and `[…]`; dollars: of one on cost."""

    kind: str
    pattern: str = "*"
    dollars: float = 0.0

    @classmethod
    def parse(cls, text: Any) -> Breakpoint:
        """Raises ArgumentError."""
        kind, colon, pattern = str(text).partition(":")
        kind, pattern = kind.strip(), pattern.strip()
        if not isinstance(text, str) or kind not in KINDS or (bool(colon) and not pattern):
            raise ArgumentError(f"{text!r} is no breakpoint", hint=_hint(kind))
        if kind in _PLAIN:
            if pattern:
                raise ArgumentError(f"{text!r}: a breakpoint on {kind} has no pattern", hint=kind)
            return cls(kind)
        if kind == "cost":
            return cls(kind, dollars=_dollars(text, pattern))
        return cls(kind, _pattern(kind, pattern or "*"))

    def matches(self, kind: str, names: Iterable[str]) -> bool:
        if kind != self.kind:
            return False
        return any(fnmatchcase(_plain(name), self.pattern) for name in names)

    def __str__(self) -> str:
        if self.kind == "cost":
            return f"cost:{self.dollars:g}"
        return self.kind if self.pattern == "*" else f"{self.kind}:{self.pattern}"


def tool_patterns(given: Any) -> tuple[str, ...]:
    """Patterns of tools to be approved, from a list or one text. Raises ArgumentError."""
    texts: list[Any] = given if isinstance(given, list) else [given]
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise ArgumentError(f"{text!r} is no pattern of tools", hint="`tools` for all, or names such as file_*")
    return tuple("*" if text.strip() in EVERY_TOOL else _plain(text.strip()) for text in texts)


def is_tool_of(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(_plain(name), pattern) for pattern in patterns)


def _plain(name: str) -> str:
    """Tools are called in snake_case or kebab-case; `[a-z]` of a pattern stays."""
    return name if "[" in name else name.replace("-", "_")


def _pattern(kind: str, pattern: str) -> str:
    if kind in {"hook", "event"}:
        pattern = snake(pattern)
        if kind == "hook" and not _WILD.intersection(pattern):
            return point_named(pattern).name
        if kind == "event" and pattern not in EVENTS and (meant := _nearly(pattern)):
            raise ArgumentError(f"'event:{pattern}' names no event of llmspell", hint=f"did you mean {meant!r}?")
        return pattern
    return _plain(pattern)


def _nearly(name: str) -> str:
    """The event of llmspell's that a name is but for a letter or two: others are a spell's own."""
    from difflib import SequenceMatcher  # for a mistake, or an event of a spell's own

    close = near(name, EVENTS)
    return close[0] if close and SequenceMatcher(None, name, close[0]).ratio() > _NEARLY else ""


def _dollars(text: str, pattern: str) -> float:
    try:
        dollars = float(pattern.removeprefix("$"))
    except ValueError:
        dollars = -1.0
    if not 0 <= dollars < 1e9:
        raise ArgumentError(f"{text!r} is no breakpoint", hint="an amount in US dollars: cost:0.05")
    return dollars


def _hint(kind: str) -> str:
    close = [] if kind in KINDS else near(kind, KINDS)
    return f"did you mean {close[0]!r}?" if close else f"{', '.join(KINDS)}, and after a colon a pattern: tool:shell_*"
