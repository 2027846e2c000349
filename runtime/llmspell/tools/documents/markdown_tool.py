"""The Markdown tool: what it is asked and what it gives. `markdown_text` does the work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: Characters up to which even a text made to be slow takes less than a second.
_TAME: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownOptions:
    max_size: Annotated[int, Bounds(ge=1, le=10_000_000)] = 2_000_000
    """Bytes of the largest text or file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownParams:
    operation: Literal["to_html", "to_text", "outline", "section", "tables", "links", "code_blocks", "front_matter"]
    """to_html: a fragment of HTML; HTML in the text is shown as text, links that run scripts are left as text.
    to_text: what a reader sees, without marks. outline: the headings. section: what stands below one heading, as
    Markdown. tables: the tables as rows. links: links and images. code_blocks: fenced and indented code.
    front_matter: the YAML or TOML values at the top, and the text below them."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The Markdown; give this or `path`."""

    path: FilePath | None = None
    """The file to read; relative paths start from the project."""

    heading: Annotated[str, Bounds(min_length=1, max_length=1000)] | None = None
    """For section: the heading's text, upper and lower case alike."""


class MarkdownHeading(TypedDict):
    level: int
    """1 to 6."""
    text: str
    """The heading without marks."""
    line: int
    """Its line, from 1."""


class MarkdownTable(TypedDict):
    columns: list[str]
    """The cells of the head."""
    rows: list[list[str]]
    """The cells of each row."""
    line: int
    """Its first line, from 1."""


class MarkdownLink(TypedDict):
    text: str
    """What is shown; of an image its description."""
    url: str
    """Where it leads."""
    image: bool
    """Whether it is an image."""


class MarkdownCode(TypedDict):
    language: str
    """The first word after the fence, or empty."""
    code: str
    """The code."""
    line: int
    """Its first line, from 1."""


class MarkdownResult(TypedDict):
    html: NotRequired[str]
    """to_html."""
    text: NotRequired[str]
    """to_text: plain text. section: Markdown. front_matter: the Markdown below the values."""
    headings: NotRequired[list[MarkdownHeading]]
    """outline, in order."""
    tables: NotRequired[list[MarkdownTable]]
    """tables, in order."""
    links: NotRequired[list[MarkdownLink]]
    """links, in order."""
    code_blocks: NotRequired[list[MarkdownCode]]
    """code_blocks, in order."""
    values: NotRequired[dict[str, Any]]
    """front_matter: the values; empty where there are none."""


@exposed(
    aliases=("Markdown",),
    options=MarkdownOptions,
    tool=ToolMark(
        name="markdown",
        category="documents",
        params=MarkdownParams,
        result=MarkdownResult,
        examples=(
            Example(
                {"operation": "to_html", "text": "# Plan\n\nWrite *one* page."},
                {"html": "<h1>Plan</h1>\n<p>Write <em>one</em> page.</p>\n"},
            ),
            Example(
                {"operation": "outline", "text": "# Plan\n\n## Today\n"},
                {
                    "headings": [
                        {"level": 1, "text": "Plan", "line": 1},
                        {"level": 2, "text": "Today", "line": 3},
                    ]
                },
            ),
            Example(
                {"operation": "tables", "text": "| city | people |\n|---|---|\n| Oslo | 717710 |\n"},
                {"tables": [{"columns": ["city", "people"], "rows": [["Oslo", "717710"]], "line": 1}]},
            ),
        ),
        permissions=("read",),
        timeout=30_000,
        max_output=20_000_000,
    ),
)
class MarkdownTool(BuiltinTool[MarkdownOptions]):
    """Turns Markdown (CommonMark with tables) into HTML or plain text, and takes parts out of it.

    Give the Markdown as text or the path of a file. Use outline and section to read a long document in parts, tables,
    links and code_blocks to get at its data.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools import aside
        from llmspell.tools.data import source
        from llmspell.tools.documents import markdown_text

        asked = MarkdownParams(**params)
        if asked.operation == "section" and asked.heading is None:
            raise SchemaError("`section` needs `heading`", hint="`outline` lists the headings")
        text = await asyncio.to_thread(source.text, "markdown", asked.text, asked.path, context, self.options.max_size)
        content = await aside.work(
            markdown_text.answer,
            context,
            aside.Limits(),
            tame=len(text) <= _TAME,
            operation=asked.operation,
            text=text,
            heading=asked.heading or "",
        )
        return ToolOutput(content, {"operation": asked.operation})
