"""An audit log as a file: chained, shared by processes, and every way to change it noticed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.api.registry import registry
from llmspell.cli.main import main
from llmspell.errors import PermissionDenied, StoreError, ToolError
from llmspell.security import audit_file
from llmspell.security.permissions import Permissions
from llmspell.settings import load

LOG = "output/audit.log"

WRITER = """
import sys
from pathlib import Path
from llmspell.security import audit_file
from llmspell.security.permissions import Permissions
from llmspell.settings import load
folder = Path(sys.argv[1])
permissions = Permissions.from_settings(load(folder, {"HOME": str(folder)}), folder / "scratch")
for number in range(25):
    audit_file.append("output/audit.log", permissions, {"action": f"{sys.argv[2]}-{number}"})
"""


@pytest.fixture
def permissions(tmp_path: Path) -> Permissions:
    (tmp_path / "llmspell.toml").touch()
    return Permissions.from_settings(load(tmp_path, {"HOME": str(tmp_path)}), tmp_path / "scratch")


def lines(folder: Path) -> list[bytes]:
    return (folder / LOG).read_bytes().splitlines(keepends=True)


def test_records_are_chained_in_order(tmp_path: Path, permissions: Permissions) -> None:
    for number in range(3):
        audit_file.append(LOG, permissions, {"action": "write", "fields": {"n": number, "text": "ä\ud800 \x00"}})
    assert audit_file.verify(lines(tmp_path), LOG) == 3
    assert [json.loads(line)["fields"]["n"] for line in lines(tmp_path)] == [0, 1, 2]
    assert (tmp_path / LOG).stat().st_mode & 0o077 == 0


CHANGES: dict[str, tuple[int, Callable[[list[bytes]], list[bytes]]]] = {
    "a word changed": (2, lambda old: [old[0], old[1].replace(b"do-1", b"do-x"), *old[2:]]),
    "a line removed": (2, lambda old: [old[0], *old[2:]]),
    "the first removed": (1, lambda old: old[1:]),
    "two exchanged": (2, lambda old: [old[0], old[2], old[1], old[3]]),
    "one repeated": (3, lambda old: [*old[:2], old[1], *old[2:]]),
    "no JSON": (4, lambda old: [*old[:3], b"{\n"]),
    "a record of one's own": (5, lambda old: [*old, b'{"number": 5, "action": "x"}\n']),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed_at_its_line(tmp_path: Path, permissions: Permissions, change: str) -> None:
    for number in range(4):
        audit_file.append(LOG, permissions, {"action": f"do-{number}"})
    line, changed = CHANGES[change]
    with pytest.raises(StoreError, match=rf"^{LOG}:{line}: "):
        audit_file.verify(changed(lines(tmp_path)), LOG)


def test_what_cannot_be_noticed_is_said(
    tmp_path: Path, permissions: Permissions, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no key: a file that is cut off, or written anew as a whole, is a chain like any other."""
    for number in range(3):
        audit_file.append(LOG, permissions, {"action": f"do-{number}"})
    log = tmp_path / LOG
    log.write_bytes(b"".join(lines(tmp_path)[:2]))
    assert main(("trace", "audit", "verify", str(log))) == 0
    assert (
        capsys.readouterr().out
        == f"2 records in {log}: the chain is whole; records missing at its end would not show\n"
    )
    log.unlink()
    audit_file.append(LOG, permissions, {"action": "another story"})
    assert main(("trace", "audit", "verify", str(log))) == 0
    with pytest.raises(SystemExit):
        main(("trace", "audit", "--help"))
    said = " ".join(capsys.readouterr().out.split())
    assert "whoever can write the file can write all of it anew" in said
    assert "whoever can write the file can write all of it anew" in registry().classes["AuditLogger"]["doc"].replace(
        "\n", " "
    )


@pytest.mark.parametrize("content", [b"no audit log\n", b'{"number": 1}\n', b'{"number": 1, "hash": "x"}'])
def test_a_file_that_is_none_is_not_written_to(tmp_path: Path, permissions: Permissions, content: bytes) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / LOG).write_bytes(content)
    with pytest.raises(StoreError, match="does not end with an audit record"):
        audit_file.append(LOG, permissions, {"action": "a"})
    assert (tmp_path / LOG).read_bytes() == content


def test_the_largest_record_is_found_again_and_a_larger_one_refused(tmp_path: Path, permissions: Permissions) -> None:
    audit_file.append(LOG, permissions, {"action": "a"})
    room = audit_file.RECORD_LIMIT - len(lines(tmp_path)[0]) + 1
    audit_file.append(LOG, permissions, {"action": "a" * room})
    assert len(lines(tmp_path)[1]) == audit_file.RECORD_LIMIT
    audit_file.append(LOG, permissions, {"action": "b"})
    with pytest.raises(ToolError, match="too large"):
        audit_file.append(LOG, permissions, {"action": "a" * (room + 1)})
    assert audit_file.verify(lines(tmp_path), LOG) == 3


@pytest.mark.parametrize("path", ["elsewhere/audit.log", ".llmspell/audit.log"])
def test_where_a_run_may_not_write_there_is_no_log(tmp_path: Path, permissions: Permissions, path: str) -> None:
    with pytest.raises(PermissionDenied):
        audit_file.append(path, permissions, {"action": "a"})


async def test_processes_share_one_chain(tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").touch()
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(tmp_path), name) for name in "abc"
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    assert audit_file.verify(lines(tmp_path), LOG) == 75
    assert {json.loads(line)["action"] for line in lines(tmp_path)} == {f"{w}-{n}" for w in "abc" for n in range(25)}
