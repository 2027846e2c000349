"""`runs.db`: a line for each run beside it in `runs/`, so that listing opens no run file. Rebuilt whenever it is lost.

It is never fsynced: what a power cut takes from it is read again from the files.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from llmspell.traces.meta import RunMeta

NAME: Final = "runs.db"
FOLDER: Final = "runs"

#: The fields of a RunMeta that the index repeats; texts and parameters stay in the run's file.
_COLUMNS: Final = (
    *("id", "spell", "label", "language", "parent", "resumed", "prefixed", "forked"),
    *("started", "socket"),
    *("pid", "process_start", "host", "version", "status", "exit", "ended", "duration"),
    *("events", "lost", "input_tokens", "output_tokens", "cost"),
)
_TABLE: Final = f"CREATE TABLE IF NOT EXISTS runs ({', '.join(_COLUMNS)}, PRIMARY KEY (id)) WITHOUT ROWID"
#: Of the table; one of another version is made anew.
_VERSION: Final = 4
_UPSERT: Final = f"INSERT OR REPLACE INTO runs VALUES ({','.join('?' * len(_COLUMNS))})"


def run_path(data_dir: Path, run: str) -> Path:
    return data_dir / FOLDER / f"{run}.db"


def prepare(data_dir: Path) -> None:
    """Make the data folder, with a `.gitignore` inside that keeps all of it out of git."""
    (data_dir / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = data_dir / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def note(data_dir: Path, meta: RunMeta) -> None:
    """Write or replace a run's line. Raises sqlite3.Error or OSError."""
    with _opened(data_dir) as connection:
        connection.execute(_UPSERT, [getattr(meta, column) for column in _COLUMNS])


def forget(data_dir: Path, runs: list[str]) -> None:
    with _opened(data_dir) as connection:
        connection.executemany("DELETE FROM runs WHERE id = ?", [(run,) for run in runs])


def lines(data_dir: Path) -> dict[str, RunMeta]:
    """Every run in the index by its id, oldest first; a damaged index is thrown away and is empty."""
    try:
        with _opened(data_dir) as connection:
            rows = connection.execute(f"SELECT {','.join(_COLUMNS)} FROM runs ORDER BY id").fetchall()
    except sqlite3.OperationalError:  # locked for long, or a folder that cannot be written
        return {}
    except sqlite3.DatabaseError:
        for ending in ("", "-wal", "-shm"):
            (data_dir / f"{NAME}{ending}").unlink(missing_ok=True)
        return {}
    return {row[0]: _meta(row) for row in rows}


def _meta(row: tuple[Any, ...]) -> RunMeta:
    found: dict[str, Any] = dict(zip(_COLUMNS, row))
    found["resumed"], found["prefixed"] = bool(found["resumed"]), bool(found["prefixed"])
    return RunMeta(**found)


@contextlib.contextmanager
def _opened(data_dir: Path) -> Generator[sqlite3.Connection]:
    connection = sqlite3.connect(os.fspath(data_dir / NAME), timeout=2.0, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            connection.executescript(f"DROP TABLE IF EXISTS runs; PRAGMA user_version = {_VERSION};")
        connection.execute(_TABLE)
        yield connection
    finally:
        connection.close()
