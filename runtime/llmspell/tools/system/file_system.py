"""The file tool: what it is asked and what it gives. `file_operations` does the work on places that are held open."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath, FilePaths
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import PermissionDenied
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Operation = Literal["read", "write", "append", "list", "exists", "stat", "delete", "copy", "move", "mkdir", "search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystemOptions:
    allowed_paths: FilePaths | None = None
    """Folders and files that this tool may use, within what the run may. None: all that the run may."""

    read_only: bool = False
    """Whether everything that changes files is refused."""

    max_file_size: Annotated[int, Bounds(ge=1, le=1_000_000_000)] = 10 * 1024 * 1024
    """Bytes of the largest file to read or write."""

    allowed_extensions: Annotated[list[str], Bounds(max_items=100)] | None = None
    """Ends of file names that may be read and written, for example `.txt`. None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystemParams:
    operation: Operation
    """read: the content of a file. write: put a new file in place, or replace one. append: add to the end of a file.
    list: the entries of a folder. exists: whether there is something. stat: size and times. delete: remove a file, or
    with `recursive` a folder. copy, move: to `destination`. mkdir: make a folder and those above it. search: files
    below a folder whose name fits `pattern` and, with `query`, the lines that hold it."""

    path: FilePath
    """The file or folder; relative paths start from the project."""

    content: str | None = None
    """What to write or append."""

    destination: FilePath | None = None
    """Where to copy or move to."""

    encoding: Literal["utf-8", "utf-16", "latin-1", "ascii", "base64"] = "utf-8"
    """How text and bytes become each other; `base64` for files that are not text."""

    offset: Annotated[int, Bounds(ge=0)] = 0
    """Lines to leave out before reading; bytes with base64."""

    limit: Annotated[int, Bounds(ge=1)] | None = None
    """Lines to read at most; bytes with base64."""

    pattern: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """For list and search: file names as `*.md` or, with a slash, paths below the folder as `docs/**/*.md`."""

    query: Annotated[str, Bounds(min_length=1, max_length=1000)] | None = None
    """For search: text to find in the files, upper and lower case alike."""

    recursive: bool = False
    """Whether list goes into folders and delete and copy take whole folders."""

    overwrite: bool = True
    """Whether write, copy and move may replace a file that is there."""

    max_results: Annotated[int, Bounds(ge=1, le=10_000)] = 1000
    """Entries or matches to give at most."""


class Entry(TypedDict):
    name: str
    """Name in its folder."""
    path: str
    """Path as this tool takes it."""
    type: Literal["file", "folder", "link", "special"]
    """What it is; a link is not followed."""
    size: int
    """Bytes of a file, else 0."""
    modified: str
    """Time of the last change, ISO 8601 in UTC."""


class Match(TypedDict):
    path: str
    """Path of the file."""
    line: int
    """Number of the line from 1; 0 where only the name was searched for."""
    text: str
    """The line, at most 500 characters of it."""


class FileSystemResult(TypedDict):
    path: str
    """The path that was asked for."""
    content: NotRequired[str]
    """read: the text, or Base64."""
    size: NotRequired[int]
    """read, write, append, copy: bytes of the file."""
    lines: NotRequired[int]
    """read: number of lines given."""
    truncated: NotRequired[bool]
    """read, list, search: whether there is more."""
    entries: NotRequired[list[Entry]]
    """list: what is in the folder, by name."""
    exists: NotRequired[bool]
    """exists: whether there is something at the path."""
    type: NotRequired[Literal["file", "folder", "link", "special", "missing"]]
    """exists and stat: what is there."""
    modified: NotRequired[str]
    """stat: time of the last change, ISO 8601 in UTC."""
    mode: NotRequired[str]
    """stat: the permission bits, as `0644`."""
    destination: NotRequired[str]
    """copy, move: where it is now."""
    deleted: NotRequired[int]
    """delete: number of files and folders removed."""
    created: NotRequired[bool]
    """mkdir, write: whether it is new."""
    matches: NotRequired[list[Match]]
    """search: what was found."""


@exposed(
    aliases=("FileSystem",),
    options=FileSystemOptions,
    tool=ToolMark(
        name="file_system",
        category="system",
        params=FileSystemParams,
        result=FileSystemResult,
        examples=(
            Example({"operation": "list", "path": "."}, note="what is in the project"),
            Example({"operation": "write", "path": "output/note.txt", "content": "Hello\n"}, note="a new file"),
            Example({"operation": "search", "path": ".", "pattern": "*.md", "query": "todo"}, note="lines in files"),
        ),
        permissions=("read", "write"),
        timeout=60_000,
        max_output=20_000_000,
    ),
)
class FileSystemTool(BuiltinTool[FileSystemOptions]):
    """Reads, writes, lists, searches, copies, moves and deletes files and folders of the project.

    Paths are relative to the project. Reading is allowed in the project and writing in `output/`, unless the person
    allowed more. Files are replaced as a whole: nobody sees a half-written one. Read large files in parts with offset
    and limit.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.system.file_operations import Work

        asked = FileSystemParams(**params)
        if self.options.read_only and asked.operation in {"write", "append", "delete", "copy", "move", "mkdir"}:
            raise PermissionDenied(
                f"file_system may not {asked.operation} {asked.path!r}: it was made read_only",
                hint="make the tool with read_only = false",
            )
        stop = threading.Event()
        try:
            content = await asyncio.to_thread(lambda: Work(asked, context.permissions, self.options, stop).run())
        finally:
            stop.set()  # a cancelled thread ends at its next file
        return ToolOutput(content, {"operation": asked.operation, "name": PurePosixPath(asked.path).name})
