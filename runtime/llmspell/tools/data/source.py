"""The text that a tool works on, given as such or as the path of a file. Blocks: call it in a thread."""

from __future__ import annotations

from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.security.permissions import Permissions
from llmspell.tools.base import ToolContext


def text(tool: str, given: str | None, path: str | None, context: ToolContext, limit: int) -> str:
    """`given`, or what stands in the UTF-8 file at `path`. Raises SchemaError unless there is one of them."""
    if (given is None) == (path is None):
        raise SchemaError(f"{tool} needs `text` or `path`, one of them", hint="leave the other out")
    if path is None:
        assert given is not None
        if len(given.encode("utf-8", "surrogatepass")) > limit:
            raise ToolError(f"the text is larger than {limit} bytes", hint="give a part of it")
        return given
    data = file(path, context.permissions, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ToolError(f"{path!r} is not UTF-8 text", hint="convert it to UTF-8 first") from None


def file(path: str, permissions: Permissions, limit: int) -> bytes:
    """The bytes of a file that the run may read. Raises PermissionDenied, and ToolError past `limit` bytes."""
    with files.place(path, permissions, "read") as found:
        return files.read_bytes(found, limit)
