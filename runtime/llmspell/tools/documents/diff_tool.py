"""The diff tool: what it is asked and what it gives. `text_diff` compares, `text_patch` applies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: Characters of both texts up to which comparing takes milliseconds, however alike their lines are.
_TAME: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    max_size: Annotated[int, Bounds(ge=1, le=10_000_000)] = 2_000_000
    """Bytes of the largest text or file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffParams:
    operation: Literal["compare", "words", "similarity", "apply"]
    """compare: the lines that differ, as a unified diff. words: the same word by word, for prose. similarity: how alike
    the two are, 0 to 1. apply: the old text as the unified diff in `patch` changes it."""

    old: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The text before; give this or `old_path`."""

    old_path: FilePath | None = None
    """The file before; relative paths start from the project."""

    new: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The text after; give this or `new_path`. Not for apply."""

    new_path: FilePath | None = None
    """The file after."""

    patch: Annotated[str, Bounds(min_length=1, max_length=10_000_000)] | None = None
    """For apply: a unified diff of one file."""

    context: Annotated[int, Bounds(ge=0, le=100)] = 3
    """For compare: lines shown around each difference."""

    ignore_space: bool = False
    """Whether lines that differ in white space alone are the same; not for apply."""


class WordChange(TypedDict):
    kind: Literal["same", "removed", "added"]
    """What became of it."""
    text: str
    """The words, with the white space after them."""


class DiffResult(TypedDict):
    equal: NotRequired[bool]
    """compare, words, similarity: whether there is no difference."""
    diff: NotRequired[str]
    """compare: the unified diff; empty where there is no difference."""
    added: NotRequired[int]
    """compare: lines added. words: words added."""
    removed: NotRequired[int]
    """compare: lines removed. words: words removed."""
    changes: NotRequired[list[WordChange]]
    """words: the text in pieces."""
    similarity: NotRequired[float]
    """similarity: 1 for the same text, 0 for nothing alike."""
    text: NotRequired[str]
    """apply: the new text."""
    applied: NotRequired[int]
    """apply: number of places changed."""


@exposed(
    aliases=("Diff",),
    options=DiffOptions,
    tool=ToolMark(
        name="diff",
        category="documents",
        params=DiffParams,
        result=DiffResult,
        examples=(
            Example(
                {"operation": "compare", "old": "one\ntwo\n", "new": "one\n2\n"},
                {
                    "equal": False,
                    "diff": "--- old\n+++ new\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
                    "added": 1,
                    "removed": 1,
                },
            ),
            Example(
                {"operation": "words", "old": "a red car", "new": "a blue car"},
                {
                    "equal": False,
                    "changes": [
                        {"kind": "same", "text": "a "},
                        {"kind": "removed", "text": "red "},
                        {"kind": "added", "text": "blue "},
                        {"kind": "same", "text": "car"},
                    ],
                    "added": 1,
                    "removed": 1,
                },
            ),
            Example(
                {"operation": "apply", "old": "one\ntwo\n", "patch": "@@ -1,2 +1,2 @@\n one\n-two\n+2\n"},
                {"text": "one\n2\n", "applied": 1},
            ),
        ),
        permissions=("read",),
        timeout=40_000,
        max_output=20_000_000,
    ),
)
class DiffTool(BuiltinTool[DiffOptions]):
    """Shows how two texts or files differ, and applies a unified diff to a text.

    Use compare for code and data, words for prose, similarity for a number. apply gives the changed text and writes no
    file; it refuses a diff that does not fit.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools import aside
        from llmspell.tools.documents import text_diff, text_patch

        asked = DiffParams(**params)
        old = await self._text("old", asked.old, asked.old_path, context)
        if asked.operation == "apply":
            if asked.patch is None:
                raise SchemaError("`apply` needs `patch`", hint="a unified diff, as compare gives it")
            content = await asyncio.to_thread(text_patch.apply, old, asked.patch)
            return ToolOutput(content, {"operation": asked.operation})
        new = await self._text("new", asked.new, asked.new_path, context)
        content = await aside.work(
            text_diff.answer,
            context,
            aside.Limits(),
            tame=len(old) + len(new) <= _TAME,
            operation=asked.operation,
            old=old,
            new=new,
            names=[asked.old_path or "old", asked.new_path or "new"],
            around=asked.context,
            ignore_space=asked.ignore_space,
        )
        return ToolOutput(content, {"operation": asked.operation})

    async def _text(self, name: str, given: str | None, path: str | None, context: ToolContext) -> str:
        from llmspell.tools.data import source

        if (given is None) == (path is None):
            raise SchemaError(f"diff needs `{name}` or `{name}_path`, one of them", hint="leave the other out")
        return await asyncio.to_thread(source.text, "diff", given, path, context, self.options.max_size)
