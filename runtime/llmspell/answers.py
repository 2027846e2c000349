"""What a run asks of the outside and what it is answered, as values; where answers are kept and taken from again.

`effects` asks; `journal` keeps, and answers from a recording. Knows neither.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal, Protocol

from llmspell.errors import LlmspellError, fault
from llmspell.frozen import frozen

Status = Literal["ok", "error", "pending"]

#: The kind of a record that holds some pieces of an answer under way, with the answer's key as its name.
PART: Final = "part"


@frozen
class Answer:
    """A recorded effect. status error: `output` is the error map; pending: it never came (cancelled, or the run's
    end), and a stream's `output` is what came of it."""

    output: Any
    status: Status


@frozen
class Asked:
    """An effect as it is asked for: `number` in the run, `occurrence` of its kind and name in `span`."""

    number: int
    kind: str
    name: str
    input: Any
    span: int
    occurrence: int

    @property
    def key(self) -> str:
        return f"e{self.number}"


class Journal(Protocol):
    """Where a recording goes. Every call but `audit` and `flush` returns at once."""

    def answer(self, asked: Asked, output: Any, status: Status) -> None: ...

    def order(self, key: str) -> None: ...

    def clock(self, readings: bytes) -> None: ...

    @property
    def keeps(self) -> bool:
        """Whether what it is given is stored."""
        ...

    async def flush(self) -> bool:
        """Returns once everything so far is committed; whether it is."""
        ...

    async def audit(self, action: str, **fields: Any) -> None:
        """Returns once the record is committed."""
        ...


class Source(Protocol):
    """A recording to answer from."""

    @property
    def cut_short(self) -> bool:
        """Whether its host died: what it does not hold may have been asked for all the same."""
        ...

    def answer(self, asked: Asked) -> Answer | None: ...

    def begun(self, asked: Asked) -> list[Any]:
        """The pieces of an answer that was on its way when the recording ended, and is to be gone on with."""
        ...

    def nearest(self, asked: Asked) -> str:
        """The nearest recording and how it differs, for a person."""
        ...


class Arrival:
    """One answer on its way: what was asked, what came of it, and whether that is recorded."""

    __slots__ = ("_journal", "_recorded", "asked", "failure", "output")

    def __init__(self, journal: Journal, asked: Asked) -> None:
        self.asked = asked
        self.output: Any = None
        self.failure: LlmspellError | None = None
        self._journal = journal
        self._recorded = False

    def take(self, task: asyncio.Task[Any]) -> None:
        """What a finished task gave or raised."""
        try:
            self.output = task.result()
        except LlmspellError as error:
            self.failure = error
        except Exception as error:
            self.failure = fault(error, self.asked.name)

    def record(self, let_in: asyncio.Future[None] | None = None) -> None:
        """Its turn has come. let_in: what its caller waits for."""
        self._recorded = True
        if self.failure is None:
            self._journal.answer(self.asked, self.output, "ok")
        else:
            self._journal.answer(self.asked, self.failure.to_value(), "error")
        if let_in is not None and not let_in.done():
            let_in.set_result(None)

    def over(self) -> None:
        """Nobody waits any more: what has not come by now never came."""
        if not self._recorded:
            self._journal.answer(self.asked, None, "pending")

    def given(self) -> Any:
        """The answer. Raises what came in its place."""
        if self.failure is not None:
            raise self.failure
        return self.output


class Streamed:
    """An answer in pieces on its way, and how many of them are recorded as its parts."""

    __slots__ = ("_asked", "_parts", "_pieces", "_recorded")

    def __init__(self, asked: Asked, pieces: list[Any]) -> None:
        self._asked = asked
        self._pieces = pieces
        self._recorded = self._parts = 0

    def part(self) -> tuple[Asked, list[Any]] | None:
        """What has come since the last part, to be recorded."""
        new = self._pieces[self._recorded :]
        if not new:
            return None
        self._recorded += len(new)
        self._parts += 1
        asked = self._asked
        return Asked(asked.number, PART, asked.key, None, asked.span, self._parts), new


class Tokens:
    """Names for requests to the outside. Equal requests of a run are counted, and have names of their own.

    A request's place among all others would be no name: when a run goes on in another process, what is in flight at
    once may come in another order.
    """

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._counts: dict[str, int] = {}

    def next(self, kind: str, name: str, input: Any) -> str:
        from hashlib import sha256  # with the JSON that keys are made of 3 ms, only for runs that ask models or tools

        from llmspell.traces.keys import key

        same = key(kind, name, input)
        count = self._counts[same] = self._counts.get(same, 0) + 1
        return sha256(f"{self._identity}\0{same}\0{count}".encode()).hexdigest()[:32]
