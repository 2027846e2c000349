"""The operations of the file tool, one function each. Blocks: runs in a thread, and ends early when `stop` is set.

Knows no paths of its own: every path becomes a place that `security.files` walked and checked.
"""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.security.files import Place
from llmspell.security.permissions import Access, Permissions
from llmspell.tools.system.file_tree import Tree, fits, name_filter

if TYPE_CHECKING:
    from llmspell.tools.system.file_system import FileSystemOptions, FileSystemParams

_LINE_SHOWN: Final = 500


class Work:
    """One call of the tool."""

    def __init__(
        self, asked: FileSystemParams, permissions: Permissions, options: FileSystemOptions, stop: threading.Event
    ) -> None:
        self.asked = asked
        allowed = options.allowed_paths
        self.permissions = (
            permissions if allowed is None else permissions.narrow("file_system", read=allowed, write=allowed)
        )
        self.options = options
        self.stop = stop

    def run(self) -> dict[str, Any]:
        try:
            return {"path": self.asked.path, **getattr(self, f"_{self.asked.operation}")()}
        except OSError as error:
            raise files.refused(self.asked.path, error) from None

    def _read(self) -> dict[str, Any]:
        asked, limit = self.asked, self.options.max_file_size
        with self._at(asked.path, "read") as found:
            self._check_name(found)
            opened = files.open_file(found)
        with os.fdopen(opened, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            whole = asked.limit is None and asked.offset == 0
            if whole and size > limit:
                raise files.too_large(asked.path, limit)
            if asked.encoding == "base64":
                file.seek(asked.offset)
                data = file.read(min(asked.limit or limit, limit) + 1)
                kept = data[: min(asked.limit or limit, limit)]
                return {
                    "content": base64.b64encode(kept).decode(),
                    "size": size,
                    "truncated": len(kept) < len(data),
                }
            return {**self._lines(file), "size": size}

    def _lines(self, file: BinaryIO) -> dict[str, Any]:
        asked, room = self.asked, self.options.max_file_size
        if asked.encoding == "utf-16" or (asked.limit is None and asked.offset == 0):
            data = file.read(room + 1)
            if len(data) > room:
                raise files.too_large(asked.path, room)
            text = self._decoded(data)
            if asked.limit is None and asked.offset == 0:
                return {"content": text, "lines": len(text.splitlines()), "truncated": False}
            lines = text.splitlines(keepends=True)
            part = lines[asked.offset :][: asked.limit]
            return {
                "content": "".join(part),
                "lines": len(part),
                "truncated": asked.offset + len(part) < len(lines),
            }
        chosen: list[bytes] = []
        skipped = 0
        while line := file.readline(room + 1):
            if self.stop.is_set():
                break
            if skipped < asked.offset:
                skipped += line.endswith(b"\n")
                continue
            room -= len(line)
            if room < 0:
                raise files.too_large(asked.path, self.options.max_file_size)
            chosen.append(line)
            if len(chosen) == asked.limit:
                break
        more = bool(file.read(1))
        return {"content": self._decoded(b"".join(chosen)), "lines": len(chosen), "truncated": more}

    def _write(self) -> dict[str, Any]:
        data = self._data()
        with self._at(self.asked.path, "write", make_folders=True) as found:
            self._check_name(found)
            self._check_free(found)
            files.write_bytes(found, data)
            return {"size": len(data), "created": found.info is None}

    def _append(self) -> dict[str, Any]:
        data = self._data()
        with self._at(self.asked.path, "write", make_folders=True) as found:
            self._check_name(found)
            size = (0 if found.info is None else found.info.st_size) + len(data)
            if size > self.options.max_file_size:
                raise files.too_large(self.asked.path, self.options.max_file_size)
            files.append_bytes(found, data)
            return {"size": size, "created": found.info is None}

    def _list(self) -> dict[str, Any]:
        wanted = name_filter(self.asked.pattern)
        found: list[dict[str, Any]] = []
        with self._at(self.asked.path, "read") as folder:
            for path, info in self._tree().entries(folder, recursive=self.asked.recursive):
                if fits(wanted, path):
                    if len(found) == self.asked.max_results:
                        return {"entries": found, "truncated": True}
                    found.append(self._entry(path, info))
        return {"entries": found, "truncated": False}

    def _exists(self) -> dict[str, Any]:
        try:
            with self._at(self.asked.path, "read") as found:
                return {"exists": found.info is not None, "type": found.kind}
        except files.MissingFile:  # nor does its folder
            return {"exists": False, "type": "missing"}

    def _stat(self) -> dict[str, Any]:
        with self._at(self.asked.path, "read") as found:
            if found.info is None:
                raise files.missing(self.asked.path)
            info = found.info
            return {
                "type": found.kind,
                "size": info.st_size if found.kind == "file" else 0,
                "modified": _time(info.st_mtime),
                "mode": f"{stat.S_IMODE(info.st_mode):04o}",
            }

    def _delete(self) -> dict[str, Any]:
        with self._at(self.asked.path, "write", follow=False) as found:
            if found.info is None:
                raise files.missing(self.asked.path)
            if found.kind == "folder":
                if not self.asked.recursive:
                    raise ToolError(
                        f"{self.asked.path!r} is a folder", hint="delete it and all in it with recursive = true"
                    )
                return {"deleted": self._tree().remove(found)}
            self._check_name(found)
            os.unlink(found.name, dir_fd=found.parent)
            return {"deleted": 1}

    def _mkdir(self) -> dict[str, Any]:
        with self._at(self.asked.path, "write", make_folders=True) as found:
            if found.kind not in {"missing", "folder"}:
                raise ToolError(f"{self.asked.path!r} is a {found.kind}", hint="choose another name")
            if found.info is None:
                os.mkdir(found.name, dir_fd=found.parent)
            return {"created": found.info is None}

    def _copy(self) -> dict[str, Any]:
        destination = self._destination()
        with self._at(self.asked.path, "read") as source:
            self._check_name(source)
            opened = files.open_file(source)
        with os.fdopen(opened, "rb") as file:
            data = file.read(self.options.max_file_size + 1)
        if len(data) > self.options.max_file_size:
            raise files.too_large(self.asked.path, self.options.max_file_size)
        with self._at(destination, "write", make_folders=True) as target:
            self._check_name(target)
            self._check_free(target)
            files.write_bytes(target, data)
        return {"destination": destination, "size": len(data)}

    def _move(self) -> dict[str, Any]:
        destination = self._destination()
        with (
            self._at(self.asked.path, "write", follow=False) as source,
            self._at(destination, "write", follow=False, make_folders=True) as target,
        ):
            if source.info is None:
                raise files.missing(self.asked.path)
            if source.kind == "folder":
                self._tree().check(source, "write")
            else:
                self._check_name(source)
                self._check_name(target)
            self._check_free(target)
            if target.kind == "folder":
                raise ToolError(f"{destination!r} is a folder", hint="give the new name too")
            os.rename(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent)
        return {"destination": destination}

    def _search(self) -> dict[str, Any]:
        wanted = name_filter(self.asked.pattern)
        query = None if self.asked.query is None else self.asked.query.casefold()
        matches: list[dict[str, Any]] = []
        tree = self._tree()
        with self._at(self.asked.path, "read") as folder:
            for path, info in tree.entries(folder, recursive=True):
                if not stat.S_ISREG(info.st_mode) or not fits(wanted, path) or not self._named_right(path.name):
                    continue
                found = self._shown(path)
                lines = [(0, "")] if query is None else self._hits(tree.text(path), query)
                for number, text in lines:
                    if len(matches) == self.asked.max_results:
                        return {"matches": matches, "truncated": True}
                    matches.append({"path": found, "line": number, "text": text})
        return {"matches": matches, "truncated": tree.full}

    def _hits(self, text: str, query: str) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(text.splitlines(), 1):
            if query in line.casefold():
                yield number, line[:_LINE_SHOWN]

    def _at(self, path: str, access: Access, *, follow: bool = True, make_folders: bool = False) -> Any:
        return files.place(path, self.permissions, access, follow=follow, make_folders=make_folders)

    def _tree(self) -> Tree:
        return Tree(self.permissions, self.options.max_file_size, self.stop)

    def _destination(self) -> str:
        if self.asked.destination is None:
            raise SchemaError(f"`{self.asked.operation}` needs `destination`", hint="give the new path")
        return self.asked.destination

    def _data(self) -> bytes:
        content = self.asked.content
        if content is None:
            raise SchemaError(f"`{self.asked.operation}` needs `content`", hint='give the text, "" for an empty file')
        try:
            if self.asked.encoding == "base64":
                data = base64.b64decode(content, validate=True)
            else:
                data = content.encode(self.asked.encoding)
        except ValueError as error:  # of the codec, of base64, and of base64 for what is not ASCII
            raise ToolError(f"`content` is not {self.asked.encoding}: {error}", hint="use utf-8 or base64") from None
        if len(data) > self.options.max_file_size:
            raise files.too_large(self.asked.path, self.options.max_file_size)
        return data

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode(self.asked.encoding)
        except UnicodeDecodeError:
            raise ToolError(
                f"{self.asked.path!r} is not {self.asked.encoding} text", hint='read it with encoding = "base64"'
            ) from None

    def _check_free(self, found: Place) -> None:
        if found.info is not None and not self.asked.overwrite:
            raise ToolError(f"{found.shown!r} is there already", hint="allow overwrite or choose another name")

    def _check_name(self, found: Place) -> None:
        if not self._named_right(found.name):
            allowed = ", ".join(self.options.allowed_extensions or ())
            raise ToolError(f"{found.shown!r} does not end as this tool's files must", hint=f"allowed: {allowed}")

    def _named_right(self, name: str) -> bool:
        allowed = self.options.allowed_extensions
        return allowed is None or any(name.lower().endswith("." + end.lower().lstrip(".")) for end in allowed)

    def _entry(self, path: PurePosixPath, info: os.stat_result) -> dict[str, Any]:
        kind = files.kind_of(info.st_mode)
        return {
            "name": path.name,
            "path": self._shown(path),
            "type": kind,
            "size": info.st_size if kind == "file" else 0,
            "modified": _time(info.st_mtime),
        }

    def _shown(self, path: PurePosixPath) -> str:
        """A path below the folder asked for, as the tool takes it."""
        return str(PurePosixPath(self.asked.path) / path)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
