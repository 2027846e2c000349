"""The PDF reader: what it is asked and what it gives. `pdf_text` reads, in a process that can be ended."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath, FilePaths
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool


def _hello() -> str:
    """A page that says Hello, for the examples."""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length 34>>stream\nBT /F 12 Tf 20 50 Td (Hello) Tj ET\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    made, places = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, part in enumerate(parts, 1):
        places += b"%010d 00000 n \n" % len(made)
        made += b"%d 0 obj%s endobj\n" % (number, part)
    made += b"xref\n0 6\n%strailer<</Root 1 0 R/Size 6>>\nstartxref\n%d\n%%%%EOF" % (places, len(made))
    return base64.b64encode(made).decode()


_HELLO: Final = _hello()


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfReaderOptions:
    allowed_paths: FilePaths | None = None
    """Folders and files that this tool may read, within what the run may. None: all that the run may."""

    max_file_size: Annotated[int, Bounds(ge=1, le=100_000_000)] = 50 * 1024 * 1024
    """Bytes of the largest file."""

    max_pages: Annotated[int, Bounds(ge=1, le=5000)] = 200
    """Pages that one call reads at most."""

    max_seconds: Annotated[int, Bounds(ge=1, le=100)] = 30
    """Seconds of computing that one call may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfReaderParams:
    operation: Literal["text", "info", "outline", "search"]
    """text: the text of pages. info: title, author, number and size of pages. outline: the bookmarks with their pages.
    search: the pages and lines that hold `query`."""

    path: FilePath | None = None
    """The file; relative paths start from the project. Give this or `base64`."""

    base64: Annotated[str, Bounds(min_length=1, max_length=10_000_000)] | None = None
    """The PDF itself, where it is in no file."""

    pages: Annotated[str, Bounds(min_length=1, max_length=200, pattern="^[0-9, -]+$")] | None = None
    """Which pages, from 1: `3`, `1-5`, `2,4,7-` (7 and all after it). All unless given."""

    layout: bool = False
    """For text: whether columns and tables keep their place on the page; slower."""

    query: Annotated[str, Bounds(min_length=1, max_length=1000)] | None = None
    """For search: the text to find, upper and lower case alike."""

    password_variable: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """The name of the environment variable with the file's password; the person must have allowed it."""


class PdfPage(TypedDict):
    page: int
    """Its number, from 1."""
    text: str
    """Its text; empty where a page is only a picture."""


class PdfMatch(TypedDict):
    page: int
    """Its page, from 1."""
    line: str
    """The line that holds it, at most 500 characters."""


class PdfBookmark(TypedDict):
    title: str
    """The bookmark's text."""
    level: int
    """1 for the outermost."""
    page: int | None
    """Where it leads."""


class PdfReaderResult(TypedDict):
    page_count: int
    """Pages of the document."""
    pages: NotRequired[list[PdfPage]]
    """text: the pages asked for."""
    truncated: NotRequired[bool]
    """text, search: whether a limit left pages, text or matches out."""
    matches: NotRequired[list[PdfMatch]]
    """search: what was found."""
    outline: NotRequired[list[PdfBookmark]]
    """outline: the bookmarks."""
    info: NotRequired[dict[str, str]]
    """info: title, author, subject, keywords, creator, producer, created, modified, as far as the file says."""
    size: NotRequired[list[float]]
    """info: width and height of the first page in points (72 to an inch)."""
    encrypted: NotRequired[bool]
    """info: whether the file is encrypted."""


@exposed(
    aliases=("PdfReader",),
    options=PdfReaderOptions,
    tool=ToolMark(
        name="pdf_reader",
        category="documents",
        params=PdfReaderParams,
        result=PdfReaderResult,
        examples=(
            Example(
                {"operation": "text", "base64": _HELLO},
                {"page_count": 1, "pages": [{"page": 1, "text": "Hello"}], "truncated": False},
            ),
            Example(
                {"operation": "info", "base64": _HELLO},
                {"page_count": 1, "info": {}, "size": [200, 99], "encrypted": False},
            ),
        ),
        permissions=("read", "env"),
        timeout=120_000,
        max_output=8_000_000,
    ),
)
class PdfReaderTool(BuiltinTool[PdfReaderOptions]):
    """Reads the text of PDF files, page by page, and finds words in them.

    Use info first for the number of pages, then text with some pages at a time, or search. Scanned pages are pictures
    and give no text.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools import aside
        from llmspell.tools.documents import pdf_text

        asked = PdfReaderParams(**params)
        if asked.operation == "search" and asked.query is None:
            raise SchemaError("`search` needs `query`", hint="the text to find")
        data = await asyncio.to_thread(self._data, asked, context)
        password = None
        if asked.password_variable is not None:
            context.permissions.check_env(asked.password_variable)
            password = context.environ.get(asked.password_variable)
            if password is None:
                raise ToolError(f"the variable {asked.password_variable!r} is not set", hint="set it, then run again")
        content = await aside.work(
            pdf_text.answer,
            context,
            aside.Limits(cpu=self.options.max_seconds, answer=16 << 20),
            operation=asked.operation,
            data=data,
            pages=asked.pages or "",
            layout=asked.layout,
            query=asked.query or "",
            password=password,
            max_pages=self.options.max_pages,
        )
        return ToolOutput(content, {"operation": asked.operation, "path": asked.path or ""})

    def _data(self, asked: PdfReaderParams, context: ToolContext) -> bytes:
        from llmspell.tools.data import source

        if (asked.path is None) == (asked.base64 is None):
            raise SchemaError("pdf_reader needs `path` or `base64`, one of them", hint="leave the other out")
        if asked.path is None:
            try:
                return base64.b64decode(asked.base64 or "", validate=True)
            except (binascii.Error, ValueError):
                raise ToolError("`base64` is not Base64", hint="give a file's path instead") from None
        allowed, permissions = self.options.allowed_paths, context.permissions
        if allowed is not None:
            permissions = permissions.narrow("pdf_reader", read=allowed)
        return source.file(asked.path, permissions, self.options.max_file_size)
