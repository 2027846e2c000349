"""The audit trail: who did what with which result, each record chained to the one before by its hash.

A changed, removed or inserted record breaks the chain from there on. There is no key: whoever writes all of it anew,
the noted end too, is not found. Knows no file: rows in, rows out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import field
from typing import Any, Final

from llmspell.errors import StoreError
from llmspell.frozen import frozen
from llmspell.traces.encode import Encoder, cleaned

Row = tuple[int, float, str, str, str, str, str, str, str, str, str]
"""A row of the table `audit`: `COLUMNS`. Files of schema 1 have no `permissions`; their rows are one shorter."""

COLUMNS: Final = (
    "id", "time", "agent_id", "action", "tool", "params", "result", "user_id", "session_id", "permissions", "hash",
)  # fmt: skip


@frozen
class AuditRecord:
    """One action. time: milliseconds since 1970. params and result: any values; secrets are masked on the way.
    permissions: those that it made use of, such as `read net`."""

    time: float
    action: str
    agent_id: str = ""
    tool: str = ""
    params: Any = field(default=None)
    result: Any = field(default=None)
    user_id: str = ""
    session_id: str = ""
    permissions: str = ""


class Chain:
    """Turns records into rows. The first link is the run's own name, so that a chain belongs to one run."""

    def __init__(self, run: str) -> None:
        self.head = first_link(run)
        self._count = 0

    def link(self, record: AuditRecord, encoder: Encoder) -> Row:
        self._count += 1
        fields = (
            record.time,
            cleaned(encoder.label(record.agent_id)),
            cleaned(encoder.label(record.action)),
            cleaned(encoder.label(record.tool)),
            encoder.data(record.params),
            encoder.data(record.result),
            cleaned(record.user_id),
            cleaned(record.session_id),
            cleaned(record.permissions),
        )
        self.head = _hash(self.head, self._count, fields)
        return (self._count, *fields, self.head)


def first_link(run: str) -> str:
    return hashlib.sha256(run.encode()).hexdigest()


def verify(run: str, rows: Iterable[Row], head: str = "", *, ended: bool = False) -> int:
    """The number of records in an unbroken chain. head: the last hash as the run's end noted it, if it did; one that
    has ended has.

    Raises StoreError naming the first record that does not fit.
    """
    previous, count = first_link(run), 0
    for row in rows:
        count += 1
        if row[0] != count:
            raise _broken(f"audit record {count} of run {run} is missing")
        expected = _hash(previous, count, row[1:-1])
        if row[-1] != expected:
            raise _broken(f"audit record {count} of run {run} does not fit its hash")
        previous = expected
    if ended and not head:
        raise _broken(f"run {run} has ended, and where its audit trail ends is not noted")
    if head and head != previous:
        raise _broken(f"the audit trail of run {run} ends after record {count}, before its noted end")
    return count


def _broken(message: str) -> StoreError:
    return StoreError(message, hint="it, or one before it, was changed after the run had written it")


def _hash(previous: str, number: int, fields: tuple[Any, ...]) -> str:
    # The length before each field keeps two neighbours from sharing their text in different ways.
    parts = [previous, str(number), *(repr(item) if isinstance(item, float) else str(item) for item in fields)]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
