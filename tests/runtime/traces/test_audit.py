"""The audit trail: complete, committed before anything goes on, and no byte of it can be changed unnoticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.errors import StoreError
from llmspell.traces.audit import AuditRecord
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.store import RunStore, Writer

NewRun = Callable[..., RunMeta]


def _record(number: int) -> AuditRecord:
    return AuditRecord(
        time=1000.5 + number,
        agent_id="researcher",
        action="tool_execute",
        tool="file_system",
        params={"operation": "read", "path": f"notes/{number}.md", "password": "hunter2"},
        result={"content": "text"},
        user_id="ada",
        session_id="s-1",
        permissions="read",
    )


async def _trail(writer: Writer, data: Path, meta: RunMeta, count: int = 4) -> Path:
    store = RunStore(writer, data, meta, mask=lambda text: text.replace("hunter2", "***"))
    for number in range(count):
        assert await store.audit(_record(number))
        with RunFile(store.path) as file:  # a record is on disk before the action's result goes anywhere
            assert len(file.audit()) == number + 1
    assert await store.finish("ok", 0)
    return store.path


async def test_a_record_says_who_did_what_with_which_result(writer: Writer, data: Path, new_run: NewRun) -> None:
    with RunFile(await _trail(writer, data, new_run())) as file:
        rows = file.audit()
        assert file.verify_audit() == 4
    assert rows[1][:10] == (
        2,
        1001.5,
        "researcher",
        "tool_execute",
        "file_system",
        '{"operation":"read","path":"notes/1.md","password":"***"}',
        '{"content":"text"}',
        "ada",
        "s-1",
        "read",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE audit SET params = replace(params, '1', '2') WHERE id = 2", "record 2 .* does not fit"),
        ("UPDATE audit SET time = time + 1 WHERE id = 1", "record 1 .* does not fit"),
        ("UPDATE audit SET user_id = 'ad', session_id = 'as-1' WHERE id = 3", "record 3 .* does not fit"),
        ("DELETE FROM audit WHERE id = 2", "record 2 .* is missing"),
        ("DELETE FROM audit WHERE id = 1", "record 1 .* is missing"),
        ("DELETE FROM audit WHERE id = 4", "ends after record 3"),
        ("DELETE FROM audit", "ends after record 0"),
        (
            "UPDATE audit SET id = CASE id WHEN 2 THEN -3 ELSE -2 END WHERE id IN (2, 3);"
            "UPDATE audit SET id = -id WHERE id < 0",
            "record 2 .* does not fit",
        ),
        (
            "DELETE FROM audit WHERE id = 4; UPDATE meta SET value = '\"\"' WHERE key = 'audit_head'",
            "where its audit trail ends is not noted",
        ),
        (
            "INSERT INTO audit SELECT 5, time, '', action, tool, params, result, '', '', '', hash FROM audit WHERE id = 4",
            "5",
        ),
    ],
)
async def test_a_change_is_noticed(writer: Writer, data: Path, new_run: NewRun, change: str, message: str) -> None:
    path = await _trail(writer, data, new_run())
    connection = sqlite3.connect(path)
    connection.executescript(change)
    connection.commit()
    connection.close()
    with RunFile(path) as file, pytest.raises(StoreError, match=message):
        file.verify_audit()


async def test_a_trail_belongs_to_its_run(writer: Writer, data: Path, new_run: NewRun) -> None:
    one, other = [await _trail(writer, data, new_run()) for _ in range(2)]
    connection = sqlite3.connect(one)
    connection.execute("ATTACH ? AS other", [str(other)])
    connection.execute("DELETE FROM audit")
    connection.execute("INSERT INTO audit SELECT * FROM other.audit")
    connection.commit()
    connection.close()
    with RunFile(one) as file, pytest.raises(StoreError, match="record 1"):
        file.verify_audit()


async def test_a_record_that_cannot_be_stored_does_not_stop_the_run(
    writer: Writer, tmp_path: Path, new_run: NewRun
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = RunStore(writer, tmp_path / "file", new_run())
    assert not await store.audit(_record(1))
