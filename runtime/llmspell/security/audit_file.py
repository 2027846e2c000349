"""An audit log as a file of JSON lines, each chained to the one before by its hash.

    {"number": 3, "time": …, "action": …, …, "previous": "<hash of line 2>", "hash": "<of this one>"}

Several processes may append to one file: each holds its lock while it reads the last hash and writes the next. A
changed, removed or inserted line breaks the chain from there on; lines cut off at the end show only beside the trail
of the runs that wrote them, and a file written anew as a whole does not. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any, Final

from llmspell.errors import StoreError, ToolError
from llmspell.security import files
from llmspell.security.permissions import Permissions

#: Bytes of one record. A line is read whole to find its hash.
RECORD_LIMIT: Final = 1_000_000

_FIRST: Final = "0" * 64


def append(path: str, permissions: Permissions, record: dict[str, Any]) -> None:
    """Adds a record, on disk when this returns.

    Raises PermissionDenied, ToolError for a record too large, StoreError for a file that is no audit log.
    """
    with files.place(path, permissions, "write", make_folders=True) as found:
        descriptor = files.open_or_make(found)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            number, previous = _last(descriptor, path)
            data = _line({"number": number + 1, **record}, previous)
            if len(data) > RECORD_LIMIT:
                raise ToolError(
                    f"an audit record of {len(data)} bytes is too large", hint=f"the most is {RECORD_LIMIT}"
                )
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def verify(lines: Iterable[bytes], shown: str) -> int:
    """The number of records in an unbroken chain. Raises StoreError naming the first line that does not fit."""
    previous, count = _FIRST, 0
    for line in lines:
        count += 1
        record = _record(line)
        if record is None or record.get("number") != count or record.get("previous") != previous:
            raise _broken(f"{shown}:{count}: a record is missing, or is none of an audit log")
        stated = record.pop("hash", "")
        if stated != _hash(record):
            raise _broken(f"{shown}:{count}: the record does not fit its hash")
        previous = stated
    return count


def _line(record: dict[str, Any], previous: str) -> bytes:
    chained = {**record, "previous": previous}
    return _canonical({**chained, "hash": _hash(chained)}) + b"\n"


def _hash(record: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(record)).hexdigest()


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), sort_keys=True).encode()


def _last(descriptor: int, path: str) -> tuple[int, str]:
    """Number and hash of the last record."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return 0, _FIRST
    tail = os.pread(descriptor, RECORD_LIMIT + 1, max(0, size - RECORD_LIMIT - 1))
    record = _record(tail.rstrip(b"\n").rpartition(b"\n")[2]) if tail.endswith(b"\n") else None
    if record is None or not isinstance(record.get("number"), int) or not isinstance(record.get("hash"), str):
        raise StoreError(
            f"{path!r} does not end with an audit record", hint="name another file; `llmspell trace audit verify` looks"
        )
    return record["number"], record["hash"]


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _broken(message: str) -> StoreError:
    return StoreError(message, hint="it, or one before it, was changed after it had been written")
