"""Effects: what a run gets from outside (a model's answer, a tool's result, a timer), recorded and replayed.

An effect is asked for by kind, name and input, and numbered in the order of asking. Its answer is an input of the
run: it is admitted in turn (`traces.sequencer`), recorded, and in a replay taken from the recording. Timers are
recorded only when they fire. Knows no run, no model and no tool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from llmspell import errors
from llmspell.errors import LlmspellError, ReplayError, TimeoutError  # noqa: A004
from llmspell.traces.sequencer import Sequencer


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded effect. ok False: `output` is the error map; pending: it never came (cancelled, or the run's end)."""

    output: Any
    ok: bool
    pending: bool = False


@dataclass(frozen=True, slots=True)
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
    """Where a recording goes. Every call but `audit` returns at once."""

    def answer(self, asked: Asked, output: Any, status: str) -> None:
        """status: ok, error (output is the error map) or pending."""
        ...

    def order(self, key: str) -> None: ...

    def clock(self, readings: bytes) -> None: ...

    async def audit(self, action: str, **fields: Any) -> None:
        """Returns once the record is committed."""
        ...


class Source(Protocol):
    """A recording to answer from."""

    def answer(self, asked: Asked) -> Answer | None: ...

    def nearest(self, asked: Asked) -> str:
        """The nearest recording and how it differs, for a person."""
        ...


class Effects:
    """The effects of one run. where: gives the number of the span and the script's position that ask. missed: told of
    an effect that the recording does not have."""

    def __init__(
        self,
        journal: Journal,
        sequencer: Sequencer,
        source: Source | None,
        where: Callable[[], tuple[int, str]],
        missed: Callable[[ReplayError], None],
    ) -> None:
        self._journal = journal
        self._missed = missed
        self._sequencer = sequencer
        self._source = source
        self._where = where
        self._count = 0
        self._occurrences: dict[tuple[int, str, str], int] = {}

    async def once(self, kind: str, name: str, input: Any, perform: Callable[[], Awaitable[Any]]) -> Any:
        """What `perform` gives (a plain value), or gave when it was recorded.

        Raises what perform raised; ReplayError when the recording has no such effect.
        """
        asked = self._ask(kind, name, input)
        if self._source is not None:
            return await self._replay(asked, self._recorded(asked))
        try:
            output: Any = await perform()
            status = "ok"
        except LlmspellError as error:
            output, status = error, "error"
        except asyncio.CancelledError:
            self._journal.answer(asked, None, "pending")
            raise
        await self._sequencer.turn(asked.key)
        if status == "error":
            self._journal.answer(asked, output.to_value(), status)
            raise output
        self._journal.answer(asked, output, status)
        return output

    async def stream(
        self,
        kind: str,
        name: str,
        input: Any,
        perform: Callable[[], AsyncGenerator[Any, None]],
    ) -> AsyncGenerator[Any, None]:
        """Like `once` for an answer in pieces: each piece is admitted in turn."""
        asked = self._ask(kind, name, input)
        if self._source is not None:
            recorded = self._recorded(asked)
            pieces, failure = (recorded.output or {}).get("pieces", ()), (recorded.output or {}).get("error")
            for piece in pieces:
                await self._sequencer.turn(asked.key)
                yield piece
            await self._replay(asked, Answer(failure, failure is None, recorded.pending))
            return
        pieces = []
        failure = None
        status = "pending"
        try:
            try:
                async with aclosing(perform()) as performed:
                    async for piece in performed:
                        await self._sequencer.turn(asked.key)
                        pieces.append(piece)
                        yield piece
            except LlmspellError as error:
                failure = error
            await self._sequencer.turn(asked.key)
            status = "ok"
        finally:
            self._journal.answer(asked, {"pieces": pieces, "error": failure.to_value() if failure else None}, status)
        if failure is not None:
            raise failure

    def read(self, kind: str, name: str, input: Any, look: Callable[[], Any]) -> Any:
        """What `look` gives at once (settings, environment, a clock), or gave when it was recorded."""
        asked = self._ask(kind, name, input)
        output = look() if self._source is None else self._recorded(asked).output
        self._journal.answer(asked, output, "ok")
        return output

    async def sleep(self, milliseconds: float) -> None:
        """Waits; in a replay as long as the other inputs that came before it take."""

        async def wait() -> None:
            await asyncio.sleep(max(0.0, milliseconds) / 1000)

        await self.once("timer", "sleep", milliseconds, wait)

    def deadline(self, milliseconds: float | None, what: str) -> Deadline:
        """`async with` it: the body is cancelled and TimeoutError raised once the time is over. None: no limit."""
        return Deadline(self, milliseconds, what)

    def arm(self, milliseconds: float, fire: Callable[[], None]) -> Callable[[], None]:
        """Calls `fire` after a time, as an input of the run; the result disarms it. Recorded only if it fires."""
        asked = self._ask("timer", "deadline", milliseconds)
        disarmed = False

        def act() -> None:
            if not disarmed:
                self._journal.answer(asked, None, "ok")
                fire()

        if self._source is not None:
            recorded = self._source.answer(asked)
            if recorded is None or recorded.pending:
                return lambda: None
            self._sequencer.admit(asked.key, act)
            cancel: Callable[[], None] = lambda: None  # noqa: E731
        else:
            loop = asyncio.get_running_loop()
            cancel = loop.call_later(milliseconds / 1000, self._sequencer.admit, asked.key, act).cancel

        def disarm() -> None:
            nonlocal disarmed
            disarmed = True
            cancel()

        return disarm

    def _ask(self, kind: str, name: str, input: Any) -> Asked:
        self._count += 1
        span, _ = self._where()
        slot = (span, kind, name)
        occurrence = self._occurrences[slot] = self._occurrences.get(slot, 0) + 1
        return Asked(self._count, kind, name, input, span, occurrence)

    def _recorded(self, asked: Asked) -> Answer:
        assert self._source is not None
        found = self._source.answer(asked)
        if found is None:
            _, site = self._where()
            error = ReplayError(
                f"the recording has no answer for this {asked.kind} of {asked.name!r}",
                hint=self._source.nearest(asked),
                source=site,
            )
            self._missed(error)
            raise error
        return found

    async def _replay(self, asked: Asked, recorded: Answer) -> Any:
        if recorded.pending:
            await asyncio.get_running_loop().create_future()  # it never came: only cancellation ends this
        await self._sequencer.turn(asked.key)
        self._journal.answer(asked, recorded.output, "ok" if recorded.ok else "error")
        if not recorded.ok:
            raise revived(recorded.output)
        return recorded.output


class Deadline:
    """A time limit around a body, like asyncio.timeout, whose firing is an input of the run."""

    def __init__(self, effects: Effects, milliseconds: float | None, what: str) -> None:
        self._effects = effects
        self._milliseconds = milliseconds
        self._what = what
        self._fired = False
        self._disarm: Callable[[], None] | None = None
        self._task: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> None:
        if self._milliseconds is not None:
            self._task = asyncio.current_task()
            self._disarm = self._effects.arm(self._milliseconds, self._fire)

    def _fire(self) -> None:
        self._fired = True
        if self._task is not None:
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._disarm is not None:
            self._disarm()
        if self._fired and self._task is not None and self._task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise TimeoutError(f"{self._what} took longer than {self._milliseconds:g} ms", retryable=True) from error


def revived(fields: dict[str, Any]) -> LlmspellError:
    """An error from its recorded map, of the class it was as far as a script can tell."""
    common: dict[str, Any] = {
        key: fields[key] for key in ("hint", "source", "retry_after", "retryable") if fields.get(key) is not None
    }
    common["stack"] = tuple(fields.get("stack") or ())
    data: dict[str, Any] = fields.get("data") or {}
    if {"provider", "model", "status"} <= data.keys():
        given = {key: data[key] for key in ("provider", "model", "status")}
        return errors.ProviderError(fields["message"], provider_kind=fields["type"], **given, **common)
    for found in _simple_classes():
        if found.kind == fields["type"]:
            return found(fields["message"], data=data, **common)
    return errors.ScriptError(
        fields["message"], type=fields["type"], name=fields.get("name") or "Error", data=data, **common
    )


def _simple_classes() -> tuple[type[LlmspellError], ...]:
    """Error classes that are made of a message alone."""
    return (
        errors.ArgumentError,
        errors.SecurityError,
        errors.PermissionDenied,
        errors.RateLimitError,
        errors.ContentViolationError,
        errors.TimeoutError,
        errors.ToolError,
        errors.SchemaError,
        errors.StoreError,
        errors.ReplayError,
    )
