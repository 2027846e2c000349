"""The regex tool: what it is asked and what it gives. `expressions` matches, always in bounded time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexOptions:
    engine: Literal["re2", "regex"] = "re2"
    """The engine where a call names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexParams:
    operation: Literal["test", "match", "search", "find_all", "replace", "split"]
    """test: whether the pattern occurs. match: whether the whole text fits. search: the first occurrence. find_all:
    all of them. replace: the text with occurrences replaced. split: the text between occurrences."""

    pattern: Annotated[str, Bounds(min_length=1, max_length=5000)]
    """The regular expression, without slashes around it; groups may have names, as `(?P<year>[0-9]{4})`."""

    text: Annotated[str, Bounds(max_length=5_000_000)]
    """The text to look in."""

    replacement: Annotated[str, Bounds(max_length=100_000)] | None = None
    """For replace: the new text; `$1`, `${name}` and `$0` are what groups and the whole matched, `$$` is `$`."""

    flags: Annotated[list[Literal["ignore_case", "multiline", "dot_all"]], Bounds(max_items=3)] | None = None
    """ignore_case: upper and lower case alike. multiline: `^` and `$` at every line. dot_all: `.` matches line ends."""

    engine: Literal["re2", "regex"] | None = None
    """re2: always fast, but without backreferences and lookaround. regex: with them, stopped after `timeout`."""

    limit: Annotated[int, Bounds(ge=1, le=100_000)] = 1000
    """Occurrences to find, replace or split at, at most."""

    timeout: Annotated[int, Bounds(ge=1, le=10_000)] = 1000
    """For the engine `regex`: milliseconds until it gives up."""


class Found(TypedDict):
    text: str
    """What matched."""
    start: int
    """Position of its first character, from 0."""
    end: int
    """Position after its last character."""
    groups: list[str | None]
    """What the groups matched, in order."""
    named: dict[str, str | None]
    """What the named groups matched."""


class RegexResult(TypedDict):
    matched: NotRequired[bool]
    """test, match, search: whether there is one."""
    match: NotRequired[Found | None]
    """match, search: the match."""
    matches: NotRequired[list[Found]]
    """find_all: the matches."""
    count: NotRequired[int]
    """find_all, replace, split: number of matches."""
    truncated: NotRequired[bool]
    """find_all, replace, split: whether the limit left some out."""
    text: NotRequired[str]
    """replace: the new text."""
    parts: NotRequired[list[str]]
    """split: the parts."""


@exposed(
    aliases=("Regex",),
    options=RegexOptions,
    tool=ToolMark(
        name="regex",
        category="data",
        params=RegexParams,
        result=RegexResult,
        examples=(
            Example({"operation": "test", "pattern": "^[a-z]+$", "text": "hello"}, {"matched": True}),
            Example(
                {"operation": "find_all", "pattern": "(\\w+)@(\\w+)\\.org", "text": "to ada@example.org"},
                {
                    "matches": [
                        {
                            "text": "ada@example.org",
                            "start": 3,
                            "end": 18,
                            "groups": ["ada", "example"],
                            "named": {},
                        }
                    ],
                    "count": 1,
                    "truncated": False,
                },
            ),
            Example(
                {"operation": "replace", "pattern": "(\\w+) (\\w+)", "text": "Ada Lovelace", "replacement": "$2, $1"},
                {"text": "Lovelace, Ada", "count": 1, "truncated": False},
            ),
        ),
        timeout=20_000,
        max_output=12_000_000,
    ),
)
class RegexTool(BuiltinTool[RegexOptions]):
    """Finds, checks, replaces and splits text by a regular expression (RE2 syntax, much as in Perl or Python)."""

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.data import expressions

        asked = RegexParams(**params)
        engine = asked.engine or self.options.engine
        if asked.operation == "replace" and asked.replacement is None:
            raise SchemaError("`replace` needs `replacement`", hint='"" removes what matches')
        content = await asyncio.to_thread(expressions.answer, asked, engine)
        return ToolOutput(content, {"operation": asked.operation, "engine": engine})
