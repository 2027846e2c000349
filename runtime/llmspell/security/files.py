"""Opens what a run may open: a path is walked name by name, and what was walked is what is opened.

Each name is opened below the folder before it without following links; links are read and walked as text. The path
that was really walked is then checked against the permissions, and the file is opened by its last name below the
folder still held. Whoever swaps a folder for a link in between gains nothing. Linux only (O_PATH). Everything here
blocks: call it in a thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from llmspell.errors import PermissionDenied, ToolError
from llmspell.frozen import frozen
from llmspell.security import touched
from llmspell.security.permissions import Access, Permissions

#: As many links as Linux itself follows.
_MAX_LINKS: Final = 40
_MAX_PATH: Final = 4096
_LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_SAFE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class MissingFile(ToolError):
    """There is nothing at the path, or a folder on the way to it is missing."""

    @property
    def script_name(self) -> str | None:
        return "ToolError"


@frozen
class Place:
    """Where a path leads, held open. parent: descriptor of its folder. info: None where nothing is there yet."""

    shown: str
    path: PurePosixPath
    parent: int
    name: str
    info: os.stat_result | None

    @property
    def kind(self) -> str:
        return "missing" if self.info is None else kind_of(self.info.st_mode)


def kind_of(mode: int) -> str:
    """`file`, `folder`, `link` or `special` (pipes, sockets, devices)."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "special"


@contextmanager
def place(
    path: str, permissions: Permissions, access: Access, *, follow: bool = True, make_folders: bool = False
) -> Generator[Place]:
    """The place that `path` leads to, checked. follow: whether a link at its end is walked too.

    Raises PermissionDenied, and ToolError where the path cannot be walked. What may not be read looks the same
    whether it exists or not.
    """
    walk = _Walk(path, permissions, access)
    try:
        found = walk.run(follow, make_folders)
        if access == "write":
            with touched.writing(found):
                yield found
        else:
            yield found
    finally:
        walk.close()


def open_file(found: Place, flags: int = os.O_RDONLY) -> int:
    """A descriptor of the regular file at `found`. Raises ToolError for anything that is not one."""
    if found.info is None:
        raise missing(found.shown)
    if found.kind != "file":
        raise ToolError(f"{found.shown!r} is a {found.kind}, not a file", hint="give the path of a regular file")
    return _open_same(found, flags)


def open_folder(found: Place) -> int:
    """A descriptor of the folder at `found`, for `os.scandir`."""
    if found.info is None:
        raise missing(found.shown)
    if found.kind != "folder":
        raise ToolError(f"{found.shown!r} is a {found.kind}, not a folder", hint="give the path of a folder")
    return _open_same(found, os.O_RDONLY | os.O_DIRECTORY)


def read_bytes(found: Place, limit: int) -> bytes:
    """The whole file. Raises ToolError when it holds more than `limit` bytes."""
    with os.fdopen(open_file(found), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise too_large(found.shown, limit)
    return data


def write_bytes(found: Place, data: bytes) -> None:
    """Puts a new file in place at once: a reader sees the old content or the new, never a part."""
    if found.kind not in {"missing", "file"}:
        raise ToolError(f"{found.shown!r} is a {found.kind}, not a file", hint="give the path of a regular file")
    mode = 0o666 if found.info is None else stat.S_IMODE(found.info.st_mode) & 0o777
    temporary = f".{found.name[:100]}.{os.urandom(6).hex()}.tmp"
    try:
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, mode, dir_fd=found.parent)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                if found.info is not None:
                    os.fchmod(file.fileno(), mode)
            os.rename(temporary, found.name, src_dir_fd=found.parent, dst_dir_fd=found.parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=found.parent)
            raise
    except OSError as error:
        raise refused(found.shown, error) from None


def append_bytes(found: Place, data: bytes) -> None:
    if found.info is None:
        write_bytes(found, data)
        return
    with os.fdopen(open_file(found, os.O_WRONLY | os.O_APPEND), "ab") as file:
        file.write(data)


def open_or_make(found: Place) -> int:
    """A descriptor of the regular file at `found`, to be read and appended to; made where there is none."""
    if found.info is not None:
        return open_file(found, os.O_RDWR | os.O_APPEND)
    try:
        return os.open(found.name, os.O_RDWR | os.O_APPEND | os.O_CREAT | _SAFE, 0o600, dir_fd=found.parent)
    except OSError as error:
        raise refused(found.shown, error) from None


def missing(shown: str) -> MissingFile:
    return MissingFile(f"{shown!r} does not exist", hint="list its folder to see what is there")


def too_large(shown: str, limit: int) -> ToolError:
    return ToolError(
        f"{shown!r} is larger than {limit} bytes", hint="read a part with offset and limit, or raise the size limit"
    )


def refused(shown: str, error: OSError) -> ToolError:
    """The system's own refusal, as one sentence."""
    if isinstance(error, FileNotFoundError):
        return missing(shown)
    return ToolError(f"{shown!r}: {os.strerror(error.errno or errno.EIO)}")


def _open_same(found: Place, flags: int) -> int:
    """Opens the last name and makes sure that it is still the object that was walked."""
    try:
        opened = os.open(found.name, flags | _SAFE, dir_fd=found.parent)
    except OSError as error:
        raise refused(found.shown, error) from None
    now = os.fstat(opened)
    assert found.info is not None
    if (now.st_dev, now.st_ino) != (found.info.st_dev, found.info.st_ino):
        os.close(opened)
        raise ToolError(f"{found.shown!r} changed while it was being opened", hint="try again")
    return opened


@cache
def _kernel_devices() -> frozenset[int]:
    """The devices of /proc and /sys, which may be mounted elsewhere too."""
    found: set[int] = set()
    for name in ("/proc", "/sys"):
        with suppress(OSError):
            found.add(os.stat(name).st_dev)  # noqa: PTH116
    return frozenset(found - {os.stat("/").st_dev})  # noqa: PTH116


class _Walk:
    """One walk from the root of the file system; holds a descriptor of every folder on the way."""

    def __init__(self, path: str, permissions: Permissions, access: Access) -> None:
        if not path or "\0" in path or len(path) > _MAX_PATH:
            raise ToolError(f"{path[:80]!r} is no path", hint="give a path of 1 to 4096 characters without NUL")
        if path.startswith("~"):
            raise ToolError(f"{path!r}: `~` is not a folder here", hint="paths start from the project, or with /")
        self.shown = path
        self.permissions = permissions
        self.access: Access = access
        self.names: list[str] = []
        self.folders: list[int] = []
        self.links = 0
        start = Path(path) if path.startswith("/") else permissions.project / path
        # PurePath would drop a last `.` or `/`, both of which say "this is a folder"; here they may be dropped.
        self.todo = [part for part in reversed(str(start).split("/")) if part not in {"", "."}]

    def close(self) -> None:
        for folder in self.folders:
            os.close(folder)
        self.folders.clear()

    def run(self, follow: bool, make_folders: bool) -> Place:
        try:
            self.folders.append(os.open("/", _LOOK | os.O_DIRECTORY))
            found = self._walk(follow, make_folders)
        except OSError as error:
            self._check(self._here(self.todo))
            raise refused(self.shown, error) from None
        except ValueError:  # a name that the file system cannot spell
            raise ToolError(f"{self.shown!r} is no path") from None
        self._check(found.path)
        return found

    def _walk(self, follow: bool, make_folders: bool) -> Place:
        while self.todo:
            name = self.todo.pop()
            if name == "..":
                self._up()
                continue
            try:
                info = os.stat(name, dir_fd=self.folders[-1], follow_symlinks=False)
            except FileNotFoundError:
                if not self.todo:
                    return self._place(name, None)
                if not make_folders or ".." in self.todo:
                    self.todo.append(name)
                    raise
                self._check(self._here([name]))
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=self.folders[-1])
                self.todo.append(name)
                continue
            if stat.S_ISLNK(info.st_mode) and (self.todo or follow):
                self._link(name)
            elif stat.S_ISDIR(info.st_mode):
                self._down(name)
            elif self.todo:
                self.todo.append(name)
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            else:
                return self._place(name, info)
        if not self.names:
            raise PermissionDenied(f"{self.shown!r} is the root of the file system", hint="give a path below it")
        return self._folder()

    def _down(self, name: str) -> None:
        try:
            self.folders.append(os.open(name, _LOOK | os.O_DIRECTORY, dir_fd=self.folders[-1]))
        except NotADirectoryError:  # swapped for a link since it was looked at
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        self.names.append(name)

    def _up(self) -> None:
        if self.names:
            self.names.pop()
            os.close(self.folders.pop())

    def _link(self, name: str) -> None:
        self.links += 1
        if self.links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink(name, dir_fd=self.folders[-1])
        if target.startswith("/"):
            while self.names:
                self._up()
        self.todo.extend(part for part in reversed(target.split("/")) if part not in {"", "."})

    def _folder(self) -> Place:
        name = self.names.pop()
        info = os.fstat(self.folders[-1])
        os.close(self.folders.pop())
        return self._place(name, info)

    def _place(self, name: str, info: os.stat_result | None) -> Place:
        if info is not None and info.st_dev in _kernel_devices():
            raise PermissionDenied(f"{self.shown!r} is a view into the kernel", hint="/proc and /sys are closed")
        return Place(self.shown, self._here([name]), self.folders[-1], name, info)

    def _here(self, rest: list[str]) -> PurePosixPath:
        """The path walked so far and the next name of `rest` (kept backwards)."""
        return PurePosixPath("/", *self.names, *rest[-1:])

    def _check(self, path: PurePath) -> None:
        self.permissions.check_path(path, self.access, self.shown)
