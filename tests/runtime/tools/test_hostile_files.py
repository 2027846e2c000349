"""Every known way to abuse a path, one test each; `test_table_is_full` prints what is missing."""

from __future__ import annotations

import os
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, ToolError
from llmspell.security import files
from llmspell.security.permissions import Permissions
from llmspell.tools.crypto.hash_tool import HashTool
from llmspell.tools.data.csv_tool import CsvTool
from llmspell.tools.system.file_system import FileSystemTool

KNOWN = (
    "traversal", "absolute_path", "home", "nul", "link_to_file_outside", "link_to_folder_outside", "link_inside_works",
    "link_to_closed_file", "link_loop", "write_through_link", "delete_removes_the_link", "move_onto_link",
    "swapped_folder", "swapped_file", "fifo", "socket_file", "device", "proc", "environ_file", "closed_names",
    "existence_outside", "huge_file", "endless_line", "huge_write", "append_past_limit", "deep_tree", "wide_tree",
    "glob_bomb", "odd_names", "file_as_folder", "root_folder", "other_tools",
)  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def reading(path: str) -> dict[str, Any]:
    return {"operation": "read", "path": path}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("secret")
    return tmp_path / "outside"


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret.txt",
        "output/../../outside/secret.txt",
        "a/b/../../../outside/secret.txt",
        "./.././outside/secret.txt",
        "output//..//..//outside/secret.txt",
    ],
)
@pytest.mark.parametrize(
    "operation", ["read", "write", "append", "delete", "stat", "exists", "list", "mkdir", "search"]
)
async def test_traversal(call: Any, project: Path, outside: Path, path: str, operation: str) -> None:
    (project / "a/b").mkdir(parents=True)
    with pytest.raises(PermissionDenied):
        await call(FileSystemTool, {"operation": operation, "path": path, "content": "x", "recursive": True})
    assert (outside / "secret.txt").read_text() == "secret"


async def test_absolute_path(call: Any, outside: Path) -> None:
    for path in (str(outside / "secret.txt"), "/etc/passwd", "//etc/passwd", "/../etc/passwd"):
        with pytest.raises(PermissionDenied, match="may not read"):
            await call(FileSystemTool, reading(path))


async def test_home(call: Any) -> None:
    for path in ("~", "~/.ssh/id_rsa", "~root/x"):
        with pytest.raises(ToolError, match="~"):
            await call(FileSystemTool, reading(path))


async def test_nul(call: Any) -> None:
    for path in ("a\0b", "\0", "output/a.txt\0.png"):
        with pytest.raises(ToolError, match="no path"):
            await call(FileSystemTool, reading(path))


async def test_link_to_file_outside(call: Any, project: Path, outside: Path) -> None:
    (project / "link").symlink_to(outside / "secret.txt")
    (project / "relative").symlink_to("../outside/secret.txt")
    for path in ("link", "relative"):
        with pytest.raises(PermissionDenied):
            await call(FileSystemTool, reading(path))


async def test_link_to_folder_outside(call: Any, project: Path, outside: Path) -> None:
    (project / "folder").symlink_to(outside)
    (project / "output/folder").symlink_to(outside)
    for params in (reading("folder/secret.txt"), {"operation": "list", "path": "folder"},
                   {"operation": "write", "path": "output/folder/x", "content": ""},
                   {"operation": "mkdir", "path": "output/folder/x/y"}):  # fmt: skip
        with pytest.raises(PermissionDenied):
            await call(FileSystemTool, params)
    found = await call(FileSystemTool, {"operation": "search", "path": ".", "query": "secret"})
    assert found["matches"] == []
    assert names(outside) == ["secret.txt"]


async def test_link_inside_works(call: Any, project: Path) -> None:
    (project / "real").mkdir()
    (project / "real/a").write_text("A")
    (project / "relative").symlink_to("real")
    (project / "absolute").symlink_to(project / "real/a")
    for path in ("relative/a", "absolute", "relative/../real/a"):
        assert (await call(FileSystemTool, reading(path)))["content"] == "A"


async def test_link_to_closed_file(call: Any, project: Path) -> None:
    (project / ".env").write_text("KEY=1")
    (project / "innocent").symlink_to(".env")
    with pytest.raises(PermissionDenied, match="whatever"):
        await call(FileSystemTool, reading("innocent"))


async def test_link_loop(call: Any, project: Path) -> None:
    (project / "a").symlink_to("b")
    (project / "b").symlink_to("a")
    (project / "self").symlink_to("self/self")
    for path in ("a", "self"):
        with pytest.raises(ToolError):
            await call(FileSystemTool, reading(path))


async def test_write_through_link(call: Any, project: Path, outside: Path) -> None:
    (project / "output/link").symlink_to(outside / "secret.txt")
    (project / "output/new").symlink_to(outside / "new.txt")
    for path in ("output/link", "output/new"):
        for operation in ("write", "append"):
            with pytest.raises(PermissionDenied):
                await call(FileSystemTool, {"operation": operation, "path": path, "content": "x"})
    assert names(outside) == ["secret.txt"]


async def test_delete_removes_the_link(call: Any, project: Path, outside: Path) -> None:
    (project / "output/link").symlink_to(outside)
    (project / "output/d").mkdir()
    (project / "output/d/link").symlink_to(outside)
    await call(FileSystemTool, {"operation": "delete", "path": "output/link", "recursive": True})
    await call(FileSystemTool, {"operation": "delete", "path": "output/d", "recursive": True})
    assert (outside / "secret.txt").exists()
    assert names(project / "output") == []


async def test_move_onto_link(call: Any, project: Path, outside: Path) -> None:
    (project / "output/a").write_text("A")
    (project / "output/link").symlink_to(outside / "secret.txt")
    await call(FileSystemTool, {"operation": "move", "path": "output/a", "destination": "output/link"})
    assert (outside / "secret.txt").read_text() == "secret"
    assert (project / "output/link").read_text() == "A"


def race(first: Path, second: Path, name: Path, work: Any, times: int = 400) -> list[Any]:
    """Does `work` again and again while a thread exchanges what `name` is."""
    stop = threading.Event()
    spare = name.with_name(name.name + "_next")

    def swap() -> None:
        while not stop.is_set():
            for target in (first, second):
                spare.symlink_to(target)
                spare.replace(name)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        return [work() for _ in range(times)]
    finally:
        stop.set()
        thread.join()


def tried(project: Path, path: str) -> str:
    permissions = Permissions.grant(project, read=["."], write=["output"])
    try:
        with files.place(path, permissions, "read") as found:
            return files.read_bytes(found, 100).decode()
    except LlmspellError as error:
        return type(error).__name__


def test_swapped_folder(project: Path, outside: Path) -> None:
    (project / "inside").mkdir()
    (project / "inside/secret.txt").write_text("public")
    (project / "folder").symlink_to("inside")
    seen = set(race(project / "inside", outside, project / "folder", lambda: tried(project, "folder/secret.txt")))
    assert "public" in seen
    assert "secret" not in seen


def test_swapped_file(project: Path, outside: Path) -> None:
    """A regular file and a link out of the project take turns under one name."""
    (project / "public.txt").write_text("public")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (project / "next").symlink_to(outside / "secret.txt")
            (project / "next").replace(project / "file")
            os.link(project / "public.txt", project / "next")
            (project / "next").replace(project / "file")

    os.link(project / "public.txt", project / "file")
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = {tried(project, "file") for _ in range(1000)}
    finally:
        stop.set()
        thread.join()
    assert "secret" not in seen


@pytest.mark.parametrize("operation", ["read", "append", "write", "copy"])
async def test_fifo(call: Any, project: Path, operation: str) -> None:
    os.mkfifo(project / "output/pipe")
    params = {"operation": operation, "path": "output/pipe", "content": "x", "destination": "output/b"}
    with pytest.raises(ToolError, match="special"):
        await call(FileSystemTool, params)
    assert (await call(FileSystemTool, {"operation": "search", "path": ".", "query": "x"}))["matches"] == []


async def test_socket_file(call: Any, project: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(project, os.O_PATH)
        server.bind(f"/proc/self/fd/{here}/sock")  # a socket's path has at most 108 characters
        os.close(here)
        with pytest.raises(ToolError, match="special"):
            await call(FileSystemTool, reading("sock"))


async def test_device(call: Any) -> None:
    for path in ("/dev/zero", "/dev/stdin", "/dev/tty"):
        with pytest.raises(LlmspellError):
            await call(FileSystemTool, reading(path), read=["/"])


async def test_proc(call: Any, project: Path) -> None:
    (project / "link").symlink_to("/proc/self/environ")
    for path in ("/proc/self/environ", "link", "/proc/1/environ", "/sys/kernel"):
        with pytest.raises(PermissionDenied):
            await call(FileSystemTool, reading(path), read=["/"])


@pytest.mark.parametrize("name", [".env", ".env.production", ".ENV", "sub/.env"])
async def test_environ_file(call: Any, project: Path, name: str) -> None:
    (project / "sub").mkdir()
    (project / name).write_text("KEY=1")
    with pytest.raises(PermissionDenied, match="whatever"):
        await call(FileSystemTool, reading(name), read=["/"])


@pytest.mark.parametrize(
    "path", ["output/.git/hooks/post-commit", "output/llmspell.toml", "output/.llmspell/x", "output/.env"]
)
async def test_closed_names(call: Any, project: Path, path: str) -> None:
    (project / "output/a").write_text("")
    for params in ({"operation": "write", "path": path, "content": "x"},
                   {"operation": "move", "path": "output/a", "destination": path},
                   {"operation": "copy", "path": "output/a", "destination": path},
                   {"operation": "mkdir", "path": path}):  # fmt: skip
        with pytest.raises(PermissionDenied):
            await call(FileSystemTool, params)
    assert names(project / "output") == ["a"]


async def test_existence_outside(call: Any, project: Path, outside: Path) -> None:
    (project / "there").symlink_to(outside / "secret.txt")
    (project / "not_there").symlink_to(outside / "nothing/at/all")
    said: set[str] = set()
    for path in ("there", "not_there", "../outside/secret.txt", "../outside/nothing", "../outside/secret.txt/x"):
        with pytest.raises(PermissionDenied) as caught:
            await call(FileSystemTool, {"operation": "exists", "path": path})
        said.add(re.sub(r"'[^']*'|\([^)]*\)", "", caught.value.message).strip())
    assert said == {"the spell may not read"}


async def test_huge_file(call: Any, project: Path) -> None:
    with (project / "huge").open("wb") as file:
        file.truncate(50 << 30)
    for params in (reading("huge"), {**reading("huge"), "encoding": "utf-16", "limit": 1},
                   {"operation": "copy", "path": "huge", "destination": "output/huge"}):  # fmt: skip
        with pytest.raises(ToolError, match="larger"):
            await call(FileSystemTool, params)
    assert (await call(FileSystemTool, {"operation": "search", "path": ".", "query": "x"}))["matches"] == []
    assert (await call(FileSystemTool, {**reading("huge"), "encoding": "base64", "limit": 3}))["content"] == "AAAA"


async def test_endless_line(call: Any, project: Path) -> None:
    (project / "line").write_bytes(b"x" * 3_000_000)
    with pytest.raises(ToolError, match="larger"):
        await call(FileSystemTool, {**reading("line"), "limit": 1}, options={"max_file_size": 100_000})


async def test_huge_write(call: Any, project: Path) -> None:
    for params in ({"operation": "write", "path": "output/a", "content": "é" * 600},
                   {"operation": "append", "path": "output/a", "content": "x" * 1001}):  # fmt: skip
        with pytest.raises(ToolError, match="larger"):
            await call(FileSystemTool, params, options={"max_file_size": 1000})
    assert names(project / "output") == []


async def test_append_past_limit(call: Any, project: Path) -> None:
    (project / "output/a").write_text("x" * 900)
    with pytest.raises(ToolError, match="larger"):
        await call(
            FileSystemTool,
            {"operation": "append", "path": "output/a", "content": "x" * 101},
            options={"max_file_size": 1000},
        )
    assert (project / "output/a").stat().st_size == 900


async def test_deep_tree(call: Any, project: Path) -> None:
    deep = project / "output" / Path(*["d"] * 120)
    deep.mkdir(parents=True)
    found = await call(FileSystemTool, {"operation": "search", "path": ".", "pattern": "*"})
    assert found["truncated"] is True
    with pytest.raises(ToolError, match="too much"):
        await call(FileSystemTool, {"operation": "delete", "path": "output/d", "recursive": True})
    assert deep.exists()


async def test_wide_tree(call: Any, project: Path) -> None:
    for number in range(50):
        (project / f"output/{number}").write_text("x")
    found = await call(FileSystemTool, {"operation": "list", "path": "output", "max_results": 10})
    assert (len(found["entries"]), found["truncated"]) == (10, True)


async def test_glob_bomb(call: Any, project: Path) -> None:
    (project / ("a" * 200)).write_text("")
    found = await call(FileSystemTool, {"operation": "list", "path": ".", "pattern": "*a" * 100 + "b"})
    assert found["entries"] == []
    found = await call(FileSystemTool, {"operation": "list", "path": ".", "pattern": "[(a|b)]{1,9}\\"})
    assert found["entries"] == []


async def test_odd_names(call: Any, project: Path) -> None:
    (project / "output" / "line\nend").write_text("x")
    (project / "output" / os.fsdecode(b"\xff")).write_text("x")
    found = await call(FileSystemTool, {"operation": "list", "path": "output"})
    assert len(found["entries"]) == 2
    for path in ("a" * 300, "/".join(["a"] * 2500), "\ud800"):
        with pytest.raises(ToolError):
            await call(FileSystemTool, {"operation": "write", "path": "output/" + path, "content": "x"})


async def test_file_as_folder(call: Any, project: Path) -> None:
    (project / "output/a").write_text("x")
    for params in (reading("output/a/b"), {"operation": "write", "path": "output/a/b", "content": ""},
                   reading("output/a/.."),
                   {"operation": "list", "path": "output/a"}, reading("output")):  # fmt: skip
        with pytest.raises(ToolError):
            await call(FileSystemTool, params)


async def test_root_folder(call: Any) -> None:
    for operation in ("list", "delete", "stat"):
        with pytest.raises(PermissionDenied):
            await call(
                FileSystemTool, {"operation": operation, "path": "/", "recursive": True}, read=["/"], write=["/"]
            )


async def test_other_tools(call: Any, project: Path, outside: Path) -> None:
    (project / "link").symlink_to(outside / "secret.txt")
    for path in ("link", "../outside/secret.txt", "/etc/passwd", ".env"):
        with pytest.raises(PermissionDenied):
            await call(HashTool, {"path": path})
        with pytest.raises(PermissionDenied):
            await call(CsvTool, {"operation": "parse", "path": path})
    os.mkfifo(project / "pipe")
    with pytest.raises(ToolError, match="special"):
        await call(HashTool, {"path": "pipe"})


def test_table_is_full() -> None:
    empty = [abuse for abuse in KNOWN if f"test_{abuse}" not in globals()]
    print("without a test:", empty)
    assert empty == []
