"""A run's recording in the store, and a stored one as the source of a replay: effects by kind, name and input.

Joins `effects` (what a run asks for) and `traces` (where it is kept). Knows no run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llmspell.answers import Answer, Asked, Status
from llmspell.errors import ReplayError
from llmspell.traces import jobs
from llmspell.traces.audit import AuditRecord
from llmspell.traces.describe import masked
from llmspell.traces.keys import key, plain
from llmspell.traces.log import EventLog
from llmspell.traces.meta import LOST
from llmspell.traces.store import RunStore

if TYPE_CHECKING:
    from llmspell.traces.recording import Recording, Row  # sqlite3, 4 ms, only for replays


class StoreJournal:
    """An `effects.Journal` that writes to a run's store; without a store it forgets."""

    def __init__(
        self, log: EventLog, store: RunStore | None, mask: Callable[[Any], Any], source: RecordedSource | None = None
    ) -> None:
        """mask: hides secrets in a value, those under keys such as `password` too. source: the recording that is
        replayed: what was answered from it is stored as it stands there, which takes a third of the time."""
        self._log = log
        self._store = store
        self._mask = mask
        self._source = source

    def answer(self, asked: Asked, output: Any, status: Status) -> None:
        row = None if self._source is None else self._source.given(asked, status)
        if self._store is None:
            return
        recorded = jobs.Answer(
            seq=self._log.seq,
            kind=asked.kind,
            name=asked.name,
            key="" if row is None else row.key,
            span=asked.span,
            occurrence=asked.occurrence,
            input=asked.input,
            output=[status, output],
            ok=status == "ok",
            text="" if row is None else row.input,
            packed=b"" if row is None else row.output,
            number=asked.number,
        )
        self._store.answer(recorded)

    def order(self, key: str) -> None:
        if self._store is not None:
            self._store.admit(key)

    def clock(self, readings: bytes) -> None:
        if self._store is not None:
            self._store.clock(readings)

    @property
    def keeps(self) -> bool:
        return self._store is not None

    async def flush(self) -> bool:
        return self._store is not None and await self._store.flush()

    async def audit(self, action: str, **fields: Any) -> None:
        if self._store is not None:
            fields["params"] = self._mask(fields.get("params"))
            await self._store.audit(AuditRecord(time=self._log.last_time, action=action, **fields))


class RecordedSource:
    """An `effects.Source` that answers from a stored run."""

    def __init__(self, recording: Recording, mask: Callable[[str], str]) -> None:
        """mask: hides secrets in a text, as it did when the run was recorded."""
        self._recording = recording
        self._mask = mask
        self._given: dict[int, tuple[Row, Any]] = {}
        self.cut_short = recording.meta.current_status == LOST

    def answer(self, asked: Asked) -> Answer | None:
        """Raises ReplayError for an answer that is not one."""
        recording, place, name = self._recording, (asked.span, asked.occurrence), self._mask(asked.name)
        try:
            row = recording.at(asked.kind, name, *place)
            if row is None:
                return None
            if recording.take(row, asked.input):
                status, output, *hidden = recording.unpacked(row)
                if asked.number:  # what was not asked for has none, and shares that place
                    self._given[asked.number] = (row, status)
                return Answer(output, status, bool(hidden))
            wanted = key(asked.kind, name, masked(asked.input, self._mask))
            found = recording.answer(asked.kind, name, wanted, *place)
            if found is None:
                return None
            status, output, *hidden = found.output
        except (ValueError, TypeError) as error:
            raise ReplayError(
                f"the recorded answer for this {asked.kind} of {asked.name!r} is damaged: {error}",
                hint="the file was changed after it was recorded; record the run again",
            ) from None
        return Answer(output, status, bool(hidden))

    def is_like(self, output: Any, recorded: Any) -> bool:
        return plain(masked(output, self._mask)) == plain(recorded)

    def begun(self, asked: Asked) -> list[Any]:
        return self._recording.begun.get(asked.key, [])

    def given(self, asked: Asked, status: Status) -> Row | None:
        """The recorded answer that was given, if it has come to its recorded end."""
        row, recorded = self._given.pop(asked.number, (None, ""))
        return row if recorded == status != "pending" else None

    def nearest(self, asked: Asked) -> str:
        return self._recording.nearest(asked.kind, asked.name, masked(asked.input, self._mask))
