"""Whose change of a file it was: a tool's, perhaps a command's, or nobody's here."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmspell.security import files, touched
from llmspell.security.permissions import Permissions


@pytest.fixture
def kept() -> Iterator[touched.Touched]:
    with touched.keep(lambda run, path: None) as kept:
        yield kept


@pytest.fixture
def may(tmp_path: Path) -> Permissions:
    return Permissions.grant(tmp_path, read=["."], write=["."])


def write(path: str, may: Permissions, data: bytes) -> None:
    with files.place(path, may, "write") as found:
        files.write_bytes(found, data)


def seen(path: Path) -> touched.Seen:
    status = path.stat()
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def whose(kept: touched.Touched, path: Path) -> str:
    return kept.whose(str(path), seen(path) if path.exists() else None)


def aged(path: Path) -> Path:
    """As if it had been saved an hour ago."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns - 3_600_000_000_000))
    return path


def test_a_tools_writing_is_its_own_and_a_save_after_it_is_not(kept, may, tmp_path) -> None:
    file = tmp_path / "a.md"
    write("a.md", may, b"one")
    first = seen(file)
    write("a.md", may, b"two")
    assert kept.whose(str(file), first) == whose(kept, file) == "tool"
    file.write_text("three")
    assert whose(kept, aged(file)) == ""
    file.unlink()
    assert whose(kept, file) == ""


def test_what_was_never_written_is_nobodys(kept, may, tmp_path) -> None:
    (tmp_path / "a.md").write_text("one")
    with files.place("a.md", may, "read") as found:
        assert files.read_bytes(found, 10) == b"one"
    assert whose(kept, tmp_path / "a.md") == ""


def test_a_writing_that_is_under_way_is_the_tools(kept, may, tmp_path) -> None:
    with files.place("a.md", may, "write"):
        assert kept.whose(str(tmp_path / "a.md"), (1, 1, 1)) == "tool"
    assert kept.whose(str(tmp_path / "a.md"), (1, 1, 1)) == ""


def test_what_is_moved_or_removed_with_its_folder_is_the_tools(kept, may, tmp_path) -> None:
    inner = tmp_path / "old" / "deep" / "a.md"
    inner.parent.mkdir(parents=True)
    inner.write_text("one")
    aged(inner)
    with (
        files.place("old", may, "write", follow=False) as source,
        files.place("new", may, "write", follow=False) as target,
    ):
        os.rename(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent)
    moved = tmp_path / "new" / "deep" / "a.md"
    assert whose(kept, inner) == whose(kept, moved) == "tool"
    later = (seen(moved) or (0, 0, 0))[0] + 7_200_000_000_000
    os.utime(moved, ns=(later, later))
    assert whose(kept, moved) == ""


def test_what_changes_during_a_command_may_be_the_commands(kept, tmp_path) -> None:
    before, during = tmp_path / "a.md", tmp_path / "b.md"
    before.write_text("one")
    aged(before)
    with touched.command():
        during.write_text("two")
        assert whose(kept, during) == "command" and whose(kept, before) == ""
        assert whose(kept, tmp_path / "gone.md") == "command"
    assert whose(kept, during) == "command"
    assert whose(kept, tmp_path / "gone.md") == ""


def test_nothing_is_kept_where_nobody_asked(may, tmp_path) -> None:
    write("a.md", may, b"one")
    with touched.command(), touched.keep(lambda run, path: None) as kept:
        assert whose(kept, tmp_path / "a.md") == ""


def test_code_that_opens_files_itself(kept, tmp_path) -> None:
    one, two, three, link = (tmp_path / name for name in ("one.md", "two.md", "three.md", "link.md"))
    two.write_text("old")
    link.symlink_to(two)
    with touched.opening():
        one.write_text("by it")
        with link.open("a") as file:  # its target
            file.write("by it")
        one.replace(three)
        log = (tmp_path / "log.txt").open("w")
        assert whose(kept, three) == "tool"
    assert [whose(kept, path) for path in (one, two, three)] == ["tool"] * 3
    one.write_text("by hand")
    assert whose(kept, aged(one)) == whose(kept, aged(two)) == ""
    log.write("later")
    log.flush()
    os.utime(log.name, ns=(0, 2**62))
    assert whose(kept, tmp_path / "log.txt") == "command"  # it has it open: nobody can know
    log.close()
    assert whose(kept, tmp_path / "log.txt") == "command"  # what it had held back
    assert whose(kept, tmp_path / "log.txt") == ""
    (tmp_path / "four.md").write_text("by nobody who is kept")
    assert whose(kept, tmp_path / "four.md") == ""


def test_what_code_reads_is_not_its_doing_and_its_commands_are_perhaps(kept, tmp_path) -> None:
    (file := tmp_path / "a.md").write_text("one")
    with touched.opening():
        file.read_text()
        assert whose(kept, file) == ""
        subprocess.run(["sh", "-c", f"echo > {tmp_path / 'made.md'}"], check=True)
        assert whose(kept, tmp_path / "made.md") == "command"
    assert whose(kept, tmp_path / "made.md") == "command"


def test_threads_are_told_apart(kept, tmp_path) -> None:
    def other() -> None:
        (tmp_path / "a.md").write_text("by the host itself")

    with touched.opening():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert whose(kept, tmp_path / "a.md") == ""
