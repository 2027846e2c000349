"""What a run asks of the outside and what it is answered, as values; where answers are kept and taken from again.

`effects` asks; `journal` keeps, and answers from a recording. Knows neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import cache
from typing import Any, Final, Literal, Protocol

from llmspell.errors import LlmspellError, ReplayError, fault
from llmspell.frozen import frozen

Perform = Callable[[], Coroutine[Any, Any, Any]]
"""Asks the outside; gives a plain value."""
Harmless = Callable[[Any], bool]
"""Whether it would do nothing to ask again for this answer."""
Status = Literal["ok", "error", "pending"]

#: The kind of a record that holds some pieces of an answer under way, with the answer's key as its name.
PART: Final = "part"

_CALLED: Final = {"llm": "the model service", "tool": "the tool", "human": "the person, asked by", "read": "the file"}
_AGAIN: Final = "run the spell from its beginning"


@frozen
class Answer:
    """A recorded effect. status error: `output` is the error map; pending: it never came (cancelled, or the run's
    end), and a stream's `output` is what came of it. hidden: it held a secret, which the recording does not."""

    output: Any
    status: Status
    hidden: bool = False


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

    def is_like(self, output: Any, recorded: Any) -> bool:
        """Whether an answer is the recorded one, with its secrets hidden."""
        ...


def withheld(asked: Asked, *, changed: bool = False) -> ReplayError:
    """Why a run cannot be resumed past an answer that held a secret. changed: it was asked for again."""
    what = f"the answer of {_CALLED.get(asked.kind, asked.kind)} {asked.name!r}"
    if changed:
        return ReplayError(f"{what} held a secret and is another one now: the run cannot be resumed", hint=_AGAIN)
    return ReplayError(
        f"{what} held a secret, which the recording does not hold: the run cannot be resumed", hint=_AGAIN
    )


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

    async def have(self, task: asyncio.Task[Any]) -> None:
        """Waits for a task, and takes what it gives."""
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
        self.take(task)

    @property
    def shown(self) -> Any:
        """What has come, as it is recorded."""
        return self.output if self.failure is None else self.failure.to_value()

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


async def fed(
    spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    perform: Callable[[], AsyncGenerator[Any, None]],
    name: str,
) -> AsyncGenerator[Any, None]:
    """The pieces of `perform`, read in a task of its own, one ahead."""
    queue: asyncio.Queue[tuple[Any, bool]] = asyncio.Queue(1)

    async def feed() -> None:
        last: Any = None
        try:
            async with aclosing(perform()) as pieces:
                async for piece in pieces:
                    await queue.put((piece, True))
        except LlmspellError as error:
            last = error
        except Exception as error:
            last = fault(error, name)
        await queue.put((last, False))

    task = spawn(feed())
    try:
        while True:
            piece, more = await queue.get()
            if more:
                yield piece
            elif piece is None:
                return
            else:
                raise piece
    finally:
        task.cancel()


class Tokens:
    """Names for requests to the outside. Equal requests of a run are counted, and have names of their own.

    A request's place among all others would be no name: when a run goes on in another process, what is in flight at
    once may come in another order.
    """

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._counts: dict[bytes, int] = {}

    def next(self, kind: str, name: str, input: Any) -> str:
        blake2b, canonical = _hashing()
        same = blake2b(f"{kind}\0{name}\0{canonical(input)}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        count = self._counts[same] = self._counts.get(same, 0) + 1
        return blake2b(b"%b%d\0%b" % (same, count, self._identity.encode()), digest_size=16).hexdigest()


@cache
def _hashing() -> tuple[Callable[..., Any], Callable[[Any], str]]:
    """A hash that is not OpenSSL's, whose sha256 takes 10 us to begin with among other work; and `keys.canonical`.

    3 ms to import, only for runs that ask models or tools; to find them again would be 4 us a request."""
    from hashlib import blake2b

    from llmspell.traces.keys import canonical

    return blake2b, canonical
