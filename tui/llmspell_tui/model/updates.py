"""What comes from a feed, as plain values that a RunModel takes: its page, stored spans, events, counts, troubles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmspell.events.event import Event
from llmspell.frozen import frozen


@frozen
class Page:
    """What a run's own page says. status: `running`, `ok`, `error`, `limit`, `cancelled`, `lost`. began, ended: ms
    since 1970. known: events that exist, stored or lost; lost: those that the runtime could not store. parent: the run
    that it repeats, or begins like; replayed: whether it does nothing but repeat it."""

    run: str
    label: str
    spell: str
    language: str
    status: str
    began: float
    ended: float | None
    known: int
    lost: int = 0
    socket: str = ""
    parent: str = ""
    replayed: bool = False


@frozen
class SpanRows:
    """Stored spans in the order of their numbers, column by column.

    status `running` and last 0 for those without an end; ended, cost: None where there is none.
    """

    number: Sequence[int]
    parent: Sequence[int]
    kind: Sequence[str]
    name: Sequence[str]
    site: Sequence[str]
    status: Sequence[str]
    started: Sequence[float]
    ended: Sequence[float | None]
    first: Sequence[int]
    last: Sequence[int]
    tokens: Sequence[int]
    cost: Sequence[float | None]
    error: Sequence[str]

    def __len__(self) -> int:
        return len(self.number)


@frozen
class Details:
    """Stored events of a run whose spans came as rows: points, and the events of hooks."""

    events: Sequence[Event]


@frozen
class Batch:
    """Events as they happen, or of a run that is read event by event."""

    events: Sequence[Event]


@frozen
class Counts:
    """Stored events by kind, up to event number `seq`: of a run whose spans came as rows."""

    kinds: Mapping[str, int]
    seq: int


@frozen
class Free:
    """Calls that were answered from another run's recording, of a run whose spans came as rows: the end event's number,
    the span's number, the event's kind, and what it once used. edited: the spans of calls that a person had edited."""

    calls: Sequence[tuple[int, int, str, Any]]
    edited: Sequence[int] = ()


@frozen
class Progress:
    """How far the reading of what is stored has come: `done` of `total` in `what`."""

    what: str
    done: int
    total: int


@frozen
class Trouble:
    """What is wrong with a run's file or its runtime, for the status line, and what to do about it.

    passing: the feed tries again; else nothing more comes.
    """

    text: str
    remedy: str
    passing: bool = False


@frozen
class Recovered:
    """The trouble before has passed."""


@frozen
class Complete:
    """All that there is, and ever will be, has come."""


Update = Page | SpanRows | Details | Batch | Counts | Free | Progress | Trouble | Recovered | Complete
