"""The file writer: a file tool that can only write, and only below one folder."""

from __future__ import annotations

import asyncio
import os
import posixpath
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import PermissionDenied, ToolError
from llmspell.security import files
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWriterOptions:
    base_dir: FilePath = "output"
    """The folder that files are written below; relative to the project. It must be one that the run may write to."""

    max_file_size: Annotated[int, Bounds(ge=1, le=1_000_000_000)] = 10 * 1024 * 1024
    """Bytes of the largest file."""

    allowed_extensions: Annotated[list[str], Bounds(max_items=100)] | None = None
    """Ends of file names that may be written, for example `.md`. None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWriterParams:
    operation: Literal["write", "append"] = "write"
    """write: a new file, or a new content for one. append: more at the end of a file."""

    path: FilePath
    """The file, relative to the tool's folder, for example `report.md` or `notes/today.md`; folders are made."""

    content: str
    """The text."""

    overwrite: bool = True
    """For write: whether a file that is there may be replaced."""


class FileWriterResult(TypedDict):
    path: str
    """The file's path, relative to the project."""
    size: int
    """Its bytes now."""
    created: bool
    """Whether it is new."""


@exposed(
    aliases=("FileWriter",),
    options=FileWriterOptions,
    tool=ToolMark(
        name="file_writer",
        category="documents",
        params=FileWriterParams,
        result=FileWriterResult,
        examples=(
            Example(
                {"path": "report.md", "content": "# Report\n"},
                {"path": "output/report.md", "size": 9, "created": True},
            ),
            Example(
                {"operation": "append", "path": "log/today.txt", "content": "done\n"},
                {"path": "output/log/today.txt", "size": 5, "created": True},
            ),
        ),
        permissions=("write",),
        timeout=30_000,
    ),
)
class FileWriterTool(BuiltinTool[FileWriterOptions]):
    """Writes text to files in one folder, and can do nothing else with files.

    Paths are relative to that folder. A file is replaced as a whole: nobody sees a half-written one.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = FileWriterParams(**params)
        content = await asyncio.to_thread(self._written, asked, context)
        return ToolOutput(content, {"operation": asked.operation}, ({"type": "file", "path": content["path"]},))

    def _written(self, asked: FileWriterParams, context: ToolContext) -> dict[str, Any]:
        options = self.options
        permissions = context.permissions.narrow("file_writer", write=[options.base_dir])
        if asked.path.startswith("~"):
            raise ToolError(f"{asked.path!r}: `~` is not a folder here", hint="give a path below the tool's folder")
        path = posixpath.normpath(posixpath.join(options.base_dir, asked.path))
        if not _ends_as(path, options.allowed_extensions):
            raise PermissionDenied(
                f"file_writer may not write {asked.path!r}: its options leave such names out",
                hint=f"`allowed_extensions` names {', '.join(options.allowed_extensions or ()) or 'nothing'}",
            )
        try:
            data = asked.content.encode()
        except UnicodeEncodeError as error:
            raise ToolError(
                f"`content` is not Unicode text: {error.reason}", hint="leave out lone surrogates"
            ) from None
        try:
            if path.startswith(f"{posixpath.normpath(options.base_dir)}/"):
                _make(options.base_dir, context)
            with files.place(path, permissions, "write", make_folders=True) as found:
                before = 0 if found.info is None or asked.operation == "write" else found.info.st_size
                if before + len(data) > options.max_file_size:
                    raise ToolError(
                        f"{path!r} would be larger than {options.max_file_size} bytes", hint="raise `max_file_size`"
                    )
                if asked.operation == "append":
                    files.append_bytes(found, data)
                elif found.info is not None and not asked.overwrite:
                    raise ToolError(f"{path!r} is there already", hint="allow overwrite or choose another name")
                else:
                    files.write_bytes(found, data)
                return {"path": path, "size": before + len(data), "created": found.info is None}
        except OSError as error:
            raise files.refused(path, error) from None


def _make(folder: str, context: ToolContext) -> None:
    """The tool's folder. Those above it are made with the run's own permissions, as the tool's begin at the folder."""
    with files.place(folder, context.permissions, "write", make_folders=True) as found:
        if found.info is None:
            with suppress(FileExistsError):
                os.mkdir(found.name, dir_fd=found.parent)


def _ends_as(path: str, allowed: list[str] | None) -> bool:
    return allowed is None or any(path.lower().endswith("." + end.lower().lstrip(".")) for end in allowed)
