"""The file tool does its jobs and keeps to its options."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.tools.system.file_system import FileSystemTool

pytestmark = pytest.mark.mission(107)


async def test_write_read_append_stat(call: Any, project: Path) -> None:
    path = "output/new/deep/note.txt"
    assert await call(FileSystemTool, {"operation": "exists", "path": path}) == {
        "path": path, "exists": False, "type": "missing"}  # fmt: skip
    assert (await call(FileSystemTool, {"operation": "write", "path": path, "content": "ä\n"}))["created"] is True
    assert (await call(FileSystemTool, {"operation": "append", "path": path, "content": "b\n"}))["size"] == 5
    found = await call(FileSystemTool, {"operation": "read", "path": path})
    assert found == {"path": path, "content": "ä\nb\n", "size": 5, "lines": 2, "truncated": False}
    found = await call(FileSystemTool, {"operation": "stat", "path": path})
    assert (found["type"], found["size"]) == ("file", 5)
    assert sorted(item.name for item in (project / "output/new/deep").iterdir()) == ["note.txt"]


async def test_parts_of_a_file(call: Any, project: Path) -> None:
    (project / "a.txt").write_text("".join(f"line {n}\n" for n in range(10)))
    found = await call(FileSystemTool, {"operation": "read", "path": "a.txt", "offset": 3, "limit": 2})
    assert (found["content"], found["lines"], found["truncated"]) == ("line 3\nline 4\n", 2, True)
    found = await call(FileSystemTool, {"operation": "read", "path": "a.txt", "encoding": "base64", "limit": 4})
    assert (base64.b64decode(found["content"]), found["truncated"]) == (b"line", True)
    with pytest.raises(ToolError, match="utf-8"):
        (project / "b.bin").write_bytes(b"\xff\xfe\x00")
        await call(FileSystemTool, {"operation": "read", "path": "b.bin"})


@pytest.mark.parametrize(("encoding", "content"), [("base64", "a"), ("base64", "ä"), ("ascii", "ä")])
async def test_content_that_is_not_of_its_encoding_is_refused(call: Any, encoding: str, content: str) -> None:
    asked = {"operation": "write", "path": "output/a.bin", "encoding": encoding, "content": content}
    with pytest.raises(ToolError, match=f"`content` is not {encoding}"):
        await call(FileSystemTool, asked)


async def test_list_and_search_leave_out_what_is_closed(call: Any, project: Path) -> None:
    (project / "docs/sub").mkdir(parents=True)
    (project / ".env").write_text("KEY=needle")
    (project / ".git").mkdir()
    (project / ".git/config").write_text("needle")
    (project / "docs/a.md").write_text("one\nNeedle here\n")
    (project / "docs/sub/b.md").write_text("needle")
    (project / "docs/c.txt").write_text("needle")
    (project / "docs/link.md").symlink_to("/etc/hostname")
    found = await call(FileSystemTool, {"operation": "list", "path": ".", "recursive": True})
    assert [entry["path"] for entry in found["entries"]] == [
        "docs", "docs/a.md", "docs/c.txt", "docs/link.md", "docs/sub", "docs/sub/b.md", "output"]  # fmt: skip
    found = await call(
        FileSystemTool, {"operation": "search", "path": ".", "pattern": "docs/**/*.md", "query": "needle"}
    )
    assert found["matches"] == [
        {"path": "docs/a.md", "line": 2, "text": "Needle here"},
        {"path": "docs/sub/b.md", "line": 1, "text": "needle"},
    ]
    found = await call(FileSystemTool, {"operation": "search", "path": "docs", "pattern": "*.md", "max_results": 1})
    assert (found["matches"][0]["path"], found["truncated"]) == ("docs/a.md", True)


async def test_copy_move_mkdir_delete(call: Any, project: Path) -> None:
    (project / "a.txt").write_text("A")
    await call(FileSystemTool, {"operation": "copy", "path": "a.txt", "destination": "output/x/a.txt"})
    await call(FileSystemTool, {"operation": "move", "path": "output/x/a.txt", "destination": "output/b.txt"})
    assert (project / "output/b.txt").read_text() == "A"
    with pytest.raises(ToolError, match="there already"):
        await call(
            FileSystemTool, {"operation": "copy", "path": "a.txt", "destination": "output/b.txt", "overwrite": False}
        )
    with pytest.raises(PermissionDenied, match="write"):
        await call(FileSystemTool, {"operation": "move", "path": "a.txt", "destination": "output/c.txt"})
    assert (await call(FileSystemTool, {"operation": "mkdir", "path": "output/p/q"}))["created"] is True
    assert (await call(FileSystemTool, {"operation": "mkdir", "path": "output/p/q"}))["created"] is False
    with pytest.raises(ToolError, match="folder"):
        await call(FileSystemTool, {"operation": "delete", "path": "output/p"})
    assert (await call(FileSystemTool, {"operation": "delete", "path": "output/p", "recursive": True}))["deleted"] == 2
    assert (await call(FileSystemTool, {"operation": "delete", "path": "output/b.txt"}))["deleted"] == 1


async def test_delete_of_a_folder_is_all_or_nothing(call: Any, project: Path) -> None:
    (project / "output/d/.git").mkdir(parents=True)
    (project / "output/d/a").write_text("")
    with pytest.raises(PermissionDenied):
        await call(FileSystemTool, {"operation": "delete", "path": "output/d", "recursive": True})
    assert (project / "output/d/a").exists()


async def test_options_narrow(call: Any, project: Path) -> None:
    (project / "a.txt").write_text("A")
    with pytest.raises(PermissionDenied, match="read_only"):
        await call(
            FileSystemTool, {"operation": "write", "path": "output/a", "content": ""}, options={"read_only": True}
        )
    with pytest.raises(PermissionDenied, match="leave it out") as caught:
        await call(FileSystemTool, {"operation": "read", "path": "a.txt"}, options={"allowed_paths": ["./output"]})
    assert "allowed_paths" in caught.value.hint
    with pytest.raises(PermissionDenied, match="the spell may not"):
        await call(FileSystemTool, {"operation": "read", "path": "/etc/hosts"}, options={"allowed_paths": ["/"]})
    extensions = {"allowed_extensions": [".txt", "md"]}
    await call(FileSystemTool, {"operation": "read", "path": "a.txt"}, options=extensions)
    with pytest.raises(ToolError, match="end"):
        await call(FileSystemTool, {"operation": "write", "path": "output/a.sh", "content": ""}, options=extensions)


async def test_needs_of_an_operation(call: Any) -> None:
    for operation, name in (
        ("write", "content"),
        ("append", "content"),
        ("copy", "destination"),
        ("move", "destination"),
    ):
        with pytest.raises(SchemaError, match=name):
            await call(FileSystemTool, {"operation": operation, "path": "output/a"})


async def test_loop_is_not_blocked(call: Any, project: Path, unblocked: None) -> None:
    await call(FileSystemTool, {"operation": "write", "path": "output/a", "content": "x"})
    assert (await call(FileSystemTool, {"operation": "list", "path": "output"}))["entries"][0]["name"] == "a"
