"""A run's file as the writer thread sees it: takes what the run has queued, encodes it, commits it in one transaction.

Lives in the writer thread only, so sqlite3 and json are imported here and nowhere on the way to a spell's first line.
A failed commit is kept and tried again; `GIVE_UP` seconds after the first failure the rest of the run goes unrecorded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces import index
from llmspell.traces.audit import Chain
from llmspell.traces.describe import describe, masked
from llmspell.traces.encode import Encoder, Mask, cleaned
from llmspell.traces.jobs import Admitted, Answer, Audited, Clocked, Finish, Flush, Job
from llmspell.traces.keys import key
from llmspell.traces.log import RUN_SPAN
from llmspell.traces.meta import RunMeta
from llmspell.traces.schema import SNAPSHOT_TABLE, create, insert
from llmspell.traces.spans import Span, SpanFold
from llmspell.traces.state_at import Snapshots

#: Jobs a transaction takes at most: 10,000 events are about 50 ms of work.
_BATCH: Final = 10_000
#: Events kept for the next try.
KEPT: Final = 100_000
#: Seconds between two tries, and until a run's file is given up.
RETRY: Final = 0.25
GIVE_UP: Final = 10.0

#: Once the run has ended somebody waits for its file: not for long.
GIVE_UP_AT_END: Final = 1.0

_span_row: Final = attrgetter(*(field.name for field in dataclasses.fields(Span)))
_ERROR: Final = [field.name for field in dataclasses.fields(Span)].index("error")
_TABLES: Final = ("events", "spans", "answers", "admissions", "clock", "audit")


class RunWriting:
    """`step` does one batch. tell: takes one sentence when the file cannot be written.

    `trouble` is the error that stands in the way, None while all is well; `dead`: it has been given up.
    """

    def __init__(
        self,
        data_dir: Path,
        meta: RunMeta,
        queue: deque[Event | Job],
        audits: deque[Audited],
        *,
        content: bool,
        mask: Mask | None,
        pack: Callable[[Any], bytes] | None,
        tell: Callable[[str], None],
    ) -> None:
        self._data_dir = data_dir
        self._path = index.run_path(data_dir, meta.id)
        self._queue = queue
        self._audits = audits
        self._encoder = Encoder(content=content, mask=mask)
        self._label = self._encoder.label
        self._content = content
        self._mask = mask
        self._pack = pack or _msgpack
        self._meta = dataclasses.replace(
            meta,
            sha256=hashlib.sha256(meta.source.encode("utf-8", "surrogatepass")).hexdigest(),
            params=meta.params if mask is None else masked(meta.params, mask),
            env=meta.env if mask is None else masked(meta.env, mask),
        )
        self._chain = Chain(meta.id)
        self._fold = SpanFold()
        self._states = Snapshots()
        self._rows: dict[str, list[Sequence[Any]]] = {table: [] for table in _TABLES}
        self._waiting: list[Flush] = []
        self._finish: Finish | None = None
        self._connection: sqlite3.Connection | None = None
        self._next_id = {"answers": 1, "admissions": 1, "clock": 1}
        self._seq = self._admitted = 0  # of the last event, and how many inputs were let in, as far as was read
        self._failed_at = 0.0
        self._retry_at = 0.0
        self._tell = tell
        self._told = False
        self.trouble: Exception | None = None
        self.dead = False
        self.closed = False
        self.lost = 0

    def step(self, *, hurry: bool = False, only_audits: bool = False) -> bool:
        """Write one batch; whether there is more to do at once. hurry: try although the last try failed just now.
        only_audits: leave what is not an audit record for later."""
        if self.closed:  # what comes after the run's end belongs to no run
            self._queue.clear()
            return False
        if self.trouble is not None and not self.dead and not hurry and time.monotonic() < self._retry_at:
            return False
        try:
            self._take_audits()
            if not only_audits:
                self._take()
            if not self.dead:
                self._commit()
        except Exception as error:  # this thread serves every run: whatever is wrong with one stays with that one
            self._failed(error)
            return self.dead and bool(self._queue)
        if self.dead:
            self._drop()
        self._answer_waiting(stored=not self.dead)
        return bool(self._queue)

    def leave(self) -> None:
        """The host ends before the run has: what is stored stays readable, whatever is left is counted as lost."""
        if self._queue or self.trouble is not None:
            self.dead = True
            while self.step():
                pass
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _pending(self) -> bool:
        return self._finish is not None or any(self._rows.values())

    def _take_audits(self) -> None:
        while self._audits:
            job = self._audits.popleft()
            self._rows["audit"].append(self._chain.link(job.record, self._encoder))
            self._waiting.append(job)

    def _take(self) -> None:
        queue, rows = self._queue, self._rows
        text, label, fold = self._encoder.data, self._encoder.label, self._fold.add
        events, spans = rows["events"], rows["spans"]
        for _ in range(min(len(queue), _BATCH)):
            job = queue.popleft()
            if type(job) is Event:
                if len(events) >= KEPT:  # only while the disk fails: what waits for it must not fill the memory
                    self.lost += 1
                    continue
                e, name, site = job, label(job.name), label(job.site)
                if (name, site) != (e.name, e.site):
                    e = dataclasses.replace(e, name=name, site=site)
                events.append((e.seq, e.time, e.kind, e.phase, e.span, e.parent, name, site, text(e.data)))
                self._seq = e.seq
                if e.kind == "state_changed":
                    self._states.take(e.seq, events[-1][-1])
                elif e.phase != "point" and (span := fold(e)) is not None:
                    spans.append(_span_row(span) if not span.error else self._failed_row(span))
            else:
                self._take_other(job)

    def _failed_row(self, span: Span) -> tuple[Any, ...]:
        """The error without secrets; where no content is kept, only its kind."""
        row, error = _span_row(span), span.error if self._content else span.error.partition(":")[0]
        shown = error if self._mask is None else self._mask(error)
        return (*row[:_ERROR], shown, *row[_ERROR + 1 :])

    def _take_other(self, job: Any) -> None:
        match job:
            case Answer():
                self._rows["answers"].append(self._answer_row(job))
            case Admitted():
                self._rows["admissions"].append((job.key, self._seq))
                self._admitted += 1
            case Clocked():
                self._rows["clock"].append((self._id("clock"), job.readings, self._admitted))
            case Finish():
                self._finish = job
                self._waiting.append(job)
            case _:
                self._waiting.append(job)

    def _answer_row(self, job: Answer) -> tuple[Any, ...]:
        if job.packed and self._content and not self._hides(job):
            row = (job.seq, job.kind, self._label(job.name), job.key, job.span, job.occurrence, int(job.ok), job.text)
            return (self._id("answers"), *row, job.packed, job.number, self._admitted)
        both = shown = (job.input, job.output)
        if self._mask is not None:  # in a replay, what a secret went into is known by its hidden form
            shown = masked(both, self._mask)
        given, output = shown
        if shown is not both and self._mask is not None and masked(job.output, self._mask) is not job.output:
            output = [*output, True]  # it held a secret: who goes on with the run must not be given the mask
        text = self._encoder.data(given, clean=shown is both)
        named = self._label(job.name)
        found = key(job.kind, named, given) if job.packed or not job.key else job.key
        row = (job.seq, job.kind, named, found, job.span, job.occurrence, int(job.ok), text)
        return (self._id("answers"), *row, self._packed(output), job.number, self._admitted)

    def _hides(self, job: Answer) -> bool:
        """Whether a recording, which may be somebody else's, holds what is a secret here."""
        held = job.text + job.packed.decode("utf-8", "replace")
        return self._mask is not None and self._mask(held) != held

    def _packed(self, output: Any) -> bytes:
        if not self._content:
            return b""
        try:
            return self._pack(output)
        except (TypeError, ValueError):  # nothing a spell can be given again; the description shows what it was
            return self._pack(describe(output))

    def _id(self, table: str) -> int:
        number = self._next_id[table]
        self._next_id[table] = number + 1
        return number

    def _commit(self) -> None:
        if self._connection is None:
            self._connection = self._create()
        if self._pending:
            self._write(self._connection)
            self._totals()
            self._states.due.clear()
            for rows in self._rows.values():
                rows.clear()
        if self._finish is not None:
            self._close(self._connection)
        self.trouble, self._failed_at = None, 0.0

    def _create(self) -> sqlite3.Connection:
        index.prepare(self._data_dir)
        connection = create(self._path, self._meta_rows())
        self._note()
        return connection

    def _write(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if self._states.due:
                connection.execute(SNAPSHOT_TABLE)
                insert(connection, "state_snapshots", self._states.due)
            for table, rows in self._rows.items():
                if table == "admissions" and rows:
                    lists = (self._encoder.text([*column]) for column in zip(*rows))
                    insert(connection, table, [(self._id(table), *lists)])
                else:
                    _insert(connection, table, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _totals(self) -> None:
        if not self._rows["events"]:  # a commit of an audit record, after each tool call
            return
        meta, spans = self._meta, self._rows["spans"]
        costs = [span[12] for span in spans if span[12] is not None]
        took = next((span[7] - span[6] for span in spans if span[0] == RUN_SPAN), meta.duration)
        self._meta = dataclasses.replace(
            meta,
            duration=took,
            events=meta.events + len(self._rows["events"]),
            input_tokens=meta.input_tokens + sum(span[10] for span in spans),
            output_tokens=meta.output_tokens + sum(span[11] for span in spans),
            cost=(meta.cost or 0.0) + sum(costs) if costs else meta.cost,
        )

    def _close(self, connection: sqlite3.Connection) -> None:
        """Note how the run ended, and leave one plain file that needs no neighbours to be copied or read."""
        assert self._finish is not None
        end, meta = self._finish, self._meta
        self._meta = dataclasses.replace(
            meta,
            status=end.status,
            exit=end.exit,
            ended=end.ended,
            duration=end.ended - meta.started if meta.duration is None else meta.duration,
            modules={**meta.modules, **end.modules},
            lost=self.lost,
            socket="",
            audit_head=self._chain.head,
        )
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("DELETE FROM meta")
            insert(connection, "meta", self._meta_rows())
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        with contextlib.suppress(sqlite3.OperationalError):  # a reader is there: write-ahead mode is as good
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        self._connection, self._finish, self.closed = None, None, True
        self._note()

    def _note(self) -> None:
        with contextlib.suppress(sqlite3.Error, OSError):  # `Runs` reads the files where the index lacks a run
            index.note(self._data_dir, self._meta)

    def _meta_rows(self) -> list[tuple[str, str]]:
        fields = dataclasses.fields(self._meta)
        return [(field.name, self._encoder.text(getattr(self._meta, field.name))) for field in fields]

    def _failed(self, error: Exception) -> None:
        now = time.monotonic()
        if self.trouble is None and not self._told:
            self._told = True
            self._tell(f"this run is not being recorded: {self._path}: {error}")
        self.trouble = error
        self._failed_at = self._failed_at or now
        self._retry_at = now + RETRY
        patience = GIVE_UP if self._finish is None else GIVE_UP_AT_END
        hopeless = self._connection is None or not isinstance(error, (sqlite3.Error, OSError))
        if hopeless or now - self._failed_at > patience:
            self.dead = True
            self._drop()
        self._answer_waiting(stored=False)

    def _drop(self) -> None:
        self.lost += len(self._rows["events"])
        for rows in self._rows.values():
            rows.clear()
        if self._finish is not None:
            self._finish, self.closed = None, True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _answer_waiting(self, *, stored: bool) -> None:
        still: list[Flush] = []
        for job in self._waiting:
            if isinstance(job, Finish) and not self.closed:
                still.append(job)
            else:
                job.settle(stored)
        self._waiting = still


def _insert(connection: sqlite3.Connection, table: str, rows: list[Sequence[Any]]) -> None:
    try:
        insert(connection, table, rows)
    except UnicodeEncodeError:  # a name with a lone surrogate: rare enough to look for only then
        done = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0
        missing = [row for row in rows if row[0] > done]
        insert(
            connection, table, [[cleaned(item) if isinstance(item, str) else item for item in row] for row in missing]
        )


def _msgpack(value: Any) -> bytes:
    import msgpack

    packed = msgpack.packb(value, unicode_errors="surrogatepass")
    assert packed is not None
    return packed
