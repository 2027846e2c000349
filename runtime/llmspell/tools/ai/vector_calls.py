"""One call of vector_search on the host's side: checked, its texts made vectors, its index opened where it may be."""

from __future__ import annotations

import asyncio
import json
import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import SchemaError, ToolError
from llmspell.run import Run
from llmspell.security import files
from llmspell.tools.ai import embedders
from llmspell.tools.ai.embedders import Vectors
from llmspell.tools.ai.kept import Kept
from llmspell.tools.base import ToolContext

if TYPE_CHECKING:
    from llmspell.tools.ai.vector_search import VectorItem, VectorSearchOptions, VectorSearchParams

_FILE: Final = "vectors.db"
_CHANGES: Final = frozenset({"upsert", "add", "delete", "create", "drop"})
_NEEDED: Final = {
    "upsert": ("items",),
    "add": ("items",),
    "get": ("ids",),
    "create": ("dimensions",),
}
_MAX_METADATA: Final = 100_000
_KEY: Final = 32
_MAX_TEXT: Final = 4_000_000
#: What vectors that are given are said to be of.
_GIVEN: Final = "given unknown"


class VectorProcess(Kept):
    """The run's process that holds indexes of vectors."""


class VectorCall:
    def __init__(
        self, asked: VectorSearchParams, options: VectorSearchOptions, context: ToolContext, run: Run | None
    ) -> None:
        self.asked = asked
        self.options = options
        self.context = context
        self.run = run

    async def content(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The tool's content, and what a provider counted."""
        asked = self.asked
        _check(asked)
        opened = await asyncio.to_thread(self._opened)
        if opened is None:
            return self._nothing(), None
        descriptor, path, writable = opened
        try:
            info = os.fstat(descriptor)
            made = await self._made()
            given = self._given(made)
            how = {
                "max_index_size": self.options.max_index_size,
                "exact_up_to": self.options.exact_up_to,
                "key": await asyncio.to_thread(self._key),
                "saves": writable,
            }
            kept = embedders.kept_of(self.run, VectorProcess, self.context)
            try:
                work = "llmspell.tools.ai.vector_work:answer"
                file = [path, info.st_dev, info.st_ino]
                content = await kept.ask(work, file=file, operation=asked.operation, given=given, how=how)
            finally:
                if self.run is None:
                    await kept.close()
        finally:
            os.close(descriptor)
        if made is None:
            return content, None
        content |= {"method": made.method, "model": made.model}
        if made.truncated:
            content["truncated"] = made.truncated
        usage = made.usage()
        return content | ({"usage": usage} if usage else {}), usage

    async def _made(self) -> Vectors | None:
        """The vectors of the call's texts, in order; None where it has none to make."""
        asked = self.asked
        if asked.operation in ("upsert", "add"):
            texts = [item.text for item in asked.items or () if item.vector is None and item.text is not None]
            if sum(map(len, texts)) > _MAX_TEXT:
                raise SchemaError(f"the texts have more than {_MAX_TEXT} characters", hint="give fewer items at a time")
        else:
            texts = [asked.query] if asked.operation == "search" and asked.query is not None else []
        if not texts:
            return None
        purpose = "query" if asked.operation == "search" else "document"
        return await embedders.vectors(texts, purpose, self.options, self.context, self.run)

    def _given(self, made: Vectors | None) -> dict[str, Any]:
        """What `vector_work` is told of the call."""
        asked, named = self.asked, {"collection": self.asked.collection}
        source = f"{made.method} {made.model}" if made is not None else _GIVEN
        match asked.operation:
            case "upsert" | "add":
                rows = iter(made.rows if made is not None else ())
                items = [_row(item, rows) for item in asked.items or ()]
                size = len(items[0][1]) // 4
                return named | {"items": items, "dimensions": size, "metric": self.options.metric, "source": source}
            case "search":
                vector = asked.vector if made is None else made.rows[0]
                limits = [each for each in (asked.threshold, self.options.similarity_threshold) if each is not None]
                return named | {
                    "vector": _packed(vector or []),
                    "source": source,
                    "count": asked.limit,
                    "threshold": max(limits, default=None),
                    "filter": asked.filter,
                    "exact": asked.exact,
                    "with_vectors": asked.with_vectors,
                }
            case "get":
                return named | {"ids": asked.ids, "with_vectors": asked.with_vectors}
            case "list":
                shown = {"filter": asked.filter, "limit": asked.limit, "offset": asked.offset}
                return named | shown | {"with_vectors": asked.with_vectors}
            case "delete":
                return named | {"ids": asked.ids, "filter": asked.filter}
            case "create":
                return named | {"dimensions": asked.dimensions, "metric": self.options.metric}
            case _:
                return named

    def _opened(self) -> tuple[int, str, bool] | None:
        """The index's file, its true path, and whether the run may write it; None where there is none to read."""
        permissions = self.context.permissions
        folder = self.options.index_path or str(self.context.scratch / "vectors")
        path = f"{folder.rstrip('/')}/{_FILE}"
        if self.asked.operation in _CHANGES:
            with suppress(files.MissingFile), files.place(path, permissions, "read"):
                pass  # what is written can be read back, so it must be readable too
            with files.place(path, permissions, "write", make_folders=True) as found:
                return files.open_or_make(found), str(found.path), True
        try:
            with files.place(path, permissions, "read") as found:
                return files.open_file(found), str(found.path), permissions.allows_path(found.path, "write")
        except files.MissingFile:
            return None

    def _nothing(self) -> dict[str, Any]:
        """What is found where there is no index yet."""
        asked = self.asked
        if asked.operation == "stats":
            return {"collections": [], "size": 0}
        if asked.collection != "default" or asked.operation == "get":
            raise ToolError(
                f"there is no index at {self.options.index_path or 'the run'!r} yet", hint="upsert items into it first"
            )
        return {"items": [], "total": 0} if asked.operation == "list" else {"matches": [], "approximate": False}

    def _key(self) -> bytes:
        """What graphs are sealed with: this installation's own, which no spell can read. b"" where there is none."""
        if self.run is None:
            return b""
        path = Path(self.run.settings.data_dir) / "vectors.key"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(opened, "wb") as file:
                    file.write(os.urandom(_KEY))
            found = path.read_bytes()
        except OSError:
            return b""
        return found if len(found) == _KEY else b""


def _check(asked: VectorSearchParams) -> None:
    for name in _NEEDED.get(asked.operation, ()):
        if getattr(asked, name) is None:
            raise SchemaError(f"`{asked.operation}` needs `{name}`", hint=f"give `{name}`")
    if asked.operation == "search" and (asked.query is None) == (asked.vector is None):
        raise SchemaError("`search` needs `query` or `vector`, one of them", hint="leave the other out")
    if asked.operation == "delete" and (asked.ids is None) == (not asked.filter):
        raise SchemaError("`delete` needs `ids` or `filter`, one of them", hint="drop removes a whole collection")
    ids = [item.id for item in asked.items or () if item.id is not None]
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise SchemaError(f"the id {twice!r} is given twice", hint="give each item once")
    for at, item in enumerate(asked.items or ()):
        if item.text is None and item.vector is None:
            raise SchemaError(
                f"item {item.id or at!r} has neither `text` nor `vector`", hint="give one of them, or both"
            )
        _metadata(item)
        _packed(item.vector or [])


def _row(item: VectorItem, made: Iterator[list[float]]) -> list[Any]:
    """As `vector_store.Item` takes it."""
    vector = item.vector if item.vector is not None else next(made)
    return [item.id or "", _packed(vector), item.text, _metadata(item)]


def _metadata(item: VectorItem) -> str:
    try:
        found = json.dumps(item.metadata or {}, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise SchemaError(
            f"the metadata of {item.id or 'an item'!r} cannot be kept: {error}", hint="texts, numbers, lists, tables"
        ) from None
    if len(found) > _MAX_METADATA:
        raise SchemaError(
            f"the metadata of {item.id or 'an item'!r} has more than {_MAX_METADATA} characters",
            hint="keep it elsewhere",
        )
    return found


def _packed(vector: list[float]) -> bytes:
    try:
        return array("f", vector).tobytes()
    except OverflowError:
        raise SchemaError("a vector holds a number too large", hint="32-bit floats fit") from None
