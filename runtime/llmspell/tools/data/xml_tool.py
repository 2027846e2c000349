"""The XML tool: what it is asked and what it gives. `xml_tree` does the work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: Characters, and steps of a path, up to which nothing takes long.
_TAME: Final = 20_000
_TAME_STEPS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlOptions:
    max_depth: Annotated[int, Bounds(ge=1, le=100)] = 60
    """How deep elements may lie in each other."""

    max_elements: Annotated[int, Bounds(ge=1, le=1_000_000)] = 200_000
    """Elements of the largest document."""

    max_file_size: Annotated[int, Bounds(ge=1, le=50_000_000)] = 10 * 1024 * 1024
    """Bytes of the largest text or file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlParams:
    operation: Literal["parse", "query", "build"]
    """parse: XML to an element as data. query: the elements, texts or attributes that `query` finds. build: an element
    as data to XML."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """parse, query: the XML; give this or `path`."""

    path: FilePath | None = None
    """parse, query: the file to read; relative paths start from the project."""

    query: Annotated[str, Bounds(min_length=1, max_length=1000)] | None = None
    """For query: a path from the root element, in ElementTree's part of XPath: `book/title`, `.//book[@lang='en']`,
    `book[author='Ada']`, `book[2]`. At its end `/@name` gives attributes and `/text()` gives texts."""

    namespaces: dict[str, Annotated[str, Bounds(min_length=1, max_length=1000)]] | None = None
    """Prefixes for namespaces, as `{"atom": "http://www.w3.org/2005/Atom"}`: names in queries, results and built XML
    then read `atom:title`. Without one a name in a namespace reads `{http://www.w3.org/2005/Atom}title`."""

    element: dict[str, Any] | None = None
    """For build: `{"name": "book", "attributes": {"id": "1"}, "text": "…"}`, with `children`, a list of elements and
    texts, in the place of `text` where it holds others."""

    indent: Annotated[int, Bounds(ge=0, le=8)] = 2
    """For build: blanks for each level; 0 adds no white space."""

    declaration: bool = False
    """For build: whether `<?xml version="1.0" encoding="UTF-8"?>` comes first."""

    limit: Annotated[int, Bounds(ge=1, le=100_000)] = 1000
    """For query: how much to find at most."""


class XmlResult(TypedDict):
    element: NotRequired[dict[str, Any]]
    """parse: the root as `{name, attributes, text}`, with `children` (elements and the texts between them) in the place
    of `text` where it holds elements. `attributes` and `text` are left out where there are none."""
    matches: NotRequired[list[dict[str, Any] | str]]
    """query: what was found, in the document's order."""
    count: NotRequired[int]
    """query: number of matches."""
    truncated: NotRequired[bool]
    """query: whether `limit` left some out."""
    text: NotRequired[str]
    """build: the XML."""


@exposed(
    aliases=("Xml",),
    options=XmlOptions,
    tool=ToolMark(
        name="xml",
        category="data",
        params=XmlParams,
        result=XmlResult,
        examples=(
            Example(
                {"operation": "parse", "text": '<book id="1"><title>Notes</title></book>'},
                {
                    "element": {
                        "name": "book",
                        "attributes": {"id": "1"},
                        "children": [{"name": "title", "text": "Notes"}],
                    }
                },
            ),
            Example(
                {"operation": "query", "text": '<s><b lang="en">One</b><b lang="no">To</b></s>', "query": "b/@lang"},
                {"matches": ["en", "no"], "count": 2, "truncated": False},
            ),
            Example(
                {"operation": "build", "element": {"name": "a", "children": [{"name": "b", "text": "1 < 2"}]}},
                {"text": "<a>\n  <b>1 &lt; 2</b>\n</a>\n"},
            ),
        ),
        permissions=("read",),
        timeout=30_000,
        max_output=20_000_000,
    ),
)
class XmlTool(BuiltinTool[XmlOptions]):
    """Reads, searches and writes XML.

    Use query to take out the parts you need, parse for a whole small document, build to write one. Document types and
    entities (`<!DOCTYPE`, `<!ENTITY`) are refused, so nothing is fetched and nothing grows.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools import aside
        from llmspell.tools.data import source, xml_tree

        asked = XmlParams(**params)
        for name, needed in (("query", asked.query), ("element", asked.element)):
            if needed is None and asked.operation == {"query": "query", "element": "build"}[name]:
                raise SchemaError(f"`{asked.operation}` needs `{name}`", hint="its description shows its form")
        if asked.operation == "build":
            content = await asyncio.to_thread(
                xml_tree.build,
                asked.element or {},
                asked.namespaces or {},
                asked.indent,
                asked.declaration,
                self.options.max_depth,
                self.options.max_elements,
            )
            return ToolOutput(content, {"operation": "build"})
        data: str | bytes
        if asked.path is not None and asked.text is None:  # bytes: the file itself says how it is encoded
            permissions = context.permissions
            data = await asyncio.to_thread(source.file, asked.path, permissions, self.options.max_file_size)
        else:
            data = await asyncio.to_thread(
                source.text, "xml", asked.text, asked.path, context, self.options.max_file_size
            )
        content = await aside.work(
            xml_tree.read,
            context,
            aside.Limits(),
            tame=len(data) <= _TAME and (asked.query or "").count("//") <= _TAME_STEPS,
            data=data,
            query=asked.query if asked.operation == "query" else None,
            namespaces=asked.namespaces or {},
            limit=asked.limit,
            max_depth=self.options.max_depth,
            max_elements=self.options.max_elements,
        )
        return ToolOutput(content, {"operation": asked.operation})
