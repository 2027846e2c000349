"""Effects: what a run gets from outside (a model's answer, a tool's result, a timer), recorded and replayed.

An effect is asked for by kind, name and input, and numbered in the order of asking. Its answer is an input of the
run: it is admitted in turn (`traces.sequencer`), recorded, and in a replay taken from the recording. Timers are
recorded only when they fire. What was in flight where a recording is gone on from is asked for again, as if now.
Knows no run, no model and no tool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, Final, NoReturn

from llmspell.answers import (
    Answer,
    Arrival,
    Asked,
    Harmless,
    Journal,
    Perform,
    Source,
    Status,
    Streamed,
    Tokens,
    fed,
    withheld,
)
from llmspell.deadline import Clock, Deadline
from llmspell.errors import LlmspellError, ReplayError, revived
from llmspell.traces.sequencer import Input, Sequencer

Pieces = Callable[[], AsyncGenerator[Any, None]]
Rejoin = Callable[[list[Any], AsyncGenerator[Any, None]], AsyncGenerator[Any, None]]

_RUN_SPAN: Final = 1  # what an end from outside is recorded in


class Effects:
    """The effects of one run."""

    def __init__(
        self,
        journal: Journal,
        sequencer: Sequencer,
        source: Source | None,
        *,
        where: Callable[[], tuple[int, str]],
        missed: Callable[[ReplayError], None],
        spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
        room: Callable[[], Awaitable[None] | None] = lambda: None,
        resumes: bool = False,
        identity: str = "",
    ) -> None:
        """where: gives the number of the span and the script's position that ask. missed: told of an effect that the
        recording does not have. spawn: makes a task that ends with the run. room: what is to be waited for before
        anything more is asked for; timers are not held up. resumes: whether the run goes on where the source ends,
        which `open` tells. identity: of the run, the same for one that goes on from it."""
        self._journal = journal
        self._sequencer = sequencer
        self._source = source
        self._where = where
        self._missed = missed
        self._spawn = spawn
        self._room = room
        self.resumes = resumes
        self._opened = asyncio.Event()
        self._unarmed: dict[int, Callable[[], None]] = {}
        self._streams: dict[int, Streamed] = {}
        self._tokens = Tokens(identity)
        self.time, self.patience = Clock(), Clock()  # of sleeps and of limits: somebody may hold them
        self.looking = 0  # answers that are asked for again, as the recording does not hold them whole
        self.unsaved = 0  # answers since `save` that cost something to have again
        self.free: set[int] = set()  # spans whose call was answered from another run's recording
        self._count = 0
        self._occurrences: dict[tuple[int, str, str], int] = {}

    async def once(self, kind: str, name: str, input: Any, perform: Perform, harmless: Harmless | None = None) -> Any:
        """What `perform` gives (a plain value), or gave when it was recorded. harmless: says of a recorded answer
        whether to ask for it again would do nothing: a resumed run does where it held a secret.

        Raises what perform raised; ReplayError when the recording has no such effect. A cancelled caller goes on at
        once, whatever `perform` still has to clean up: how long that takes must not show in the run.
        """
        if kind != "timer" and (room := self._room()) is not None:
            await room
        arrival = Arrival(self._journal, self._ask(kind, name, input))
        try:
            await self._have(arrival, perform, harmless)
        finally:
            arrival.over()
            if kind not in _CHEAP:
                self.unsaved += 1
        return arrival.given()

    async def stream(
        self, kind: str, name: str, input: Any, perform: Pieces, rejoin: Rejoin | None = None
    ) -> AsyncGenerator[Any, None]:
        """Like `once` for an answer in pieces: each piece is admitted in turn.

        rejoin: where a run goes on in the middle of the answer, makes what follows the pieces there were of the answer
        as it comes anew; without it, all of that follows.
        """
        asked = self._ask(kind, name, input)
        status: Status = "pending"
        pieces: list[Any] = []
        failure: LlmspellError | None = None
        self._streams[asked.number] = Streamed(asked, pieces)
        try:
            coming = self._coming(asked, partial(fed, self._spawn, perform, name), rejoin)
            async with aclosing(coming):
                try:
                    async for piece in coming:
                        if (room := self._room()) is not None:
                            await room
                        await self._sequencer.turn(asked.key, lambda piece=piece: pieces.append(piece))
                        yield piece
                except ReplayError:
                    raise
                except LlmspellError as error:
                    failure = error
                await self._sequencer.turn(asked.key, lambda: None)
                status = "ok" if failure is None else "error"
        finally:
            del self._streams[asked.number]
            self.unsaved += 1
            self._journal.answer(asked, {"pieces": pieces, "error": failure and failure.to_value()}, status)
        if failure is not None:
            raise failure

    def read(self, kind: str, name: str, input: Any, look: Callable[[], Any]) -> Any:
        """What `look` gives at once (settings, a file of the project), or gave when it was recorded."""
        asked = self._ask(kind, name, input)
        try:
            recorded = None if self._source is None else self._recorded(asked)
            output = look() if recorded is None else self._read_again(asked, recorded, look)
        except ReplayError:
            raise
        except LlmspellError as error:
            self._journal.answer(asked, error.to_value(), "error")
            raise
        self._journal.answer(asked, output, "ok")
        return output

    async def sleep(self, milliseconds: float) -> None:
        """Waits; in a replay as long as the other inputs that came before it take."""
        await self.once("timer", "sleep", milliseconds, partial(self.time.sleep, max(0.0, milliseconds) / 1000))

    def deadline(self, milliseconds: float | None, what: str) -> Deadline:
        """`async with` it: the body is cancelled and TimeoutError raised once the time is over. None: no limit."""
        return Deadline(self.arm, milliseconds, what)

    def arm(self, milliseconds: float, fire: Callable[[], None]) -> Callable[[], None]:
        """Calls `fire` after a time, as an input of the run; the result disarms it. Recorded only if it fires."""
        asked = self._ask("timer", "deadline", milliseconds)

        def act() -> None:
            self._journal.answer(asked, None, "ok")
            fire()

        firing = self._sequencer.input(asked.key, act)
        return (self._armed if self._source is None else self._arm_again)(asked, firing, milliseconds)

    def end(self, error: LlmspellError, act: Callable[[], None]) -> None:
        """The run is ended from outside: `act` does it, in turn."""

        def ended() -> None:
            self.save()
            self._journal.answer(_END, error.to_value(), "ok")
            act()

        self._sequencer.input("x", ended).arrive_within()

    def end_again(self, act: Callable[[LlmspellError], None]) -> bool:
        """In a replay: whether the recorded run was ended from outside, which `act` then does again when it is time."""
        recorded = self._looked_up(_END)
        if recorded is None:
            return False
        self.end(error := revived(recorded.output), lambda: act(error))
        return True

    def keep(self, kind: str, name: str, number: int, output: Any) -> None:
        """Records a value that was given, not asked for: number `number`, from 1, of its kind and name."""
        self._journal.answer(Asked(0, kind, name, number, _RUN_SPAN, 1), output, "ok")

    def kept(self, kind: str, name: str) -> list[Any] | None:
        """In a replay the values that were kept, in order; None in a live run."""
        if self._source is None:
            return None
        found: list[Any] = []
        while (recorded := self._looked_up(Asked(0, kind, name, len(found) + 1, _RUN_SPAN, 1))) is not None:
            found.append(recorded.output)
        return found

    # -- going on from a recording -------------------------------------------------------------------------------

    def token(self, kind: str, name: str, input: Any) -> str:
        """What marks a request to the outside as the same one when the run is resumed; "" in a replay, which asks
        nobody. To be taken for each such request, in order."""
        return self._tokens.next(kind, name, input) if self._source is None or self.resumes else ""

    def save(self) -> None:
        """Records what has come of answers in pieces; what is recorded now is all that a resumed run needs."""
        self.unsaved = 0
        for each in self._streams.values():
            if (part := each.part()) is not None:
                self._journal.answer(*part, "ok")

    def over(self, error: LlmspellError) -> None:
        """The run fails here: a resumed one may go on from this place."""
        self.save()
        self._journal.answer(_OVER, error.to_value(), "ok")

    def opens(self) -> None:
        """Marks that the recording so far is that of the run which this one goes on from."""
        self._journal.answer(_OPENED, None, "ok")

    def open(self) -> None:
        """The recording has ended and the run goes on: asks for what is in flight, starts the timers."""
        self._source = None
        self._opened.set()
        waiting, self._unarmed = self._unarmed, {}
        for begin in waiting.values():
            begin()

    def _arm_again(self, asked: Asked, firing: Input, milliseconds: float) -> Callable[[], None]:
        disarms = [firing.withdraw]

        def begin() -> None:
            disarms.append(self._armed(asked, firing, milliseconds))

        def disarm() -> None:
            self._unarmed.pop(asked.number, None)
            for each in disarms:
                each()

        if self._looked_up(asked) is not None:
            firing.arrive_within()
        elif self.resumes:
            self._unarmed[asked.number] = begin
        return disarm

    def foresees(self, kind: str, name: str, input: Callable[[], Any]) -> bool:
        """Whether this, asked now, would be answered from another run's recording."""
        return bool(self.free) and self._where()[0] in self.free

    # -- asking --------------------------------------------------------------------------------------------------

    def _ask(self, kind: str, name: str, input: Any) -> Asked:
        self._count += 1
        span, _ = self._where()
        slot = (span, kind, name)
        occurrence = self._occurrences[slot] = self._occurrences.get(slot, 0) + 1
        return Asked(self._count, kind, name, input, span, occurrence)

    async def _have(self, arrival: Arrival, perform: Perform, harmless: Harmless | None) -> None:
        """Waits for an answer, which has then been let in."""
        await (self._performed(arrival, perform) if self._source is None else self._again(arrival, perform, harmless))

    def _coming(self, asked: Asked, live: Pieces, rejoin: Rejoin | None) -> AsyncGenerator[Any, None]:
        return live() if self._source is None else self._pieces_again(asked, live, rejoin)

    def _armed(self, asked: Asked, firing: Input, milliseconds: float) -> Callable[[], None]:
        timer = self.patience.after(max(0.0, milliseconds) / 1000, firing.arrive)

        def disarm() -> None:
            timer.cancel()
            firing.withdraw()

        return disarm

    async def _performed(self, arrival: Arrival, perform: Perform) -> None:
        """Its end is the input's arrival: the loop calls that, so at rest the caller goes on one turn later."""
        let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        came = self._sequencer.input(arrival.asked.key, partial(arrival.record, let_in))

        def ended(task: asyncio.Task[Any]) -> None:
            if task.cancelled():
                let_in.cancel()
            else:
                arrival.take(task)
                came.arrive()

        task = self._spawn(perform())
        task.add_done_callback(ended)
        try:
            await let_in
        finally:
            came.withdraw()
            task.cancel()

    # -- answering from a recording ------------------------------------------------------------------------------

    async def _again(self, arrival: Arrival, perform: Perform, harmless: Harmless | None) -> None:
        recorded = await self._came(arrival.asked)
        if recorded is None:
            await self._performed(arrival, perform)
            return
        if recorded.status == "pending":
            await _never()
        if recorded.hidden and self.resumes:
            await self._look_again(arrival, recorded.output, perform, harmless)
        elif recorded.status == "error":
            arrival.failure = revived(recorded.output)
        else:
            arrival.output = recorded.output
        await self._sequencer.turn(arrival.asked.key, arrival.record)

    async def _look_again(self, arrival: Arrival, recorded: Any, perform: Perform, harmless: Harmless | None) -> None:
        """The answer held a secret: it is asked for again where that does nothing. Raises ReplayError."""
        source = self._source
        if source is None or harmless is None or not harmless(recorded):
            raise self._miss(withheld(arrival.asked))
        self.looking += 1
        try:
            await arrival.have(self._spawn(perform()))
        finally:
            self.looking -= 1
        if not source.is_like(arrival.shown, recorded):
            raise self._miss(withheld(arrival.asked, changed=True))

    def _read_again(self, asked: Asked, recorded: Answer, look: Callable[[], Any]) -> Any:
        if not (recorded.hidden and self.resumes and self._source is not None):
            if recorded.status == "error":
                raise revived(recorded.output)
            return recorded.output
        output = None if asked.kind in _DRAWN else look()
        if not self._source.is_like(output, recorded.output):
            raise self._miss(withheld(asked, changed=output is not None))
        return output

    async def _pieces_again(self, asked: Asked, live: Pieces, rejoin: Rejoin | None) -> AsyncGenerator[Any, None]:
        begun = self._source.begun(asked) if self._source is not None else []
        for piece in begun:
            yield piece
        recorded = await self._came(asked)
        if recorded is None:
            async with aclosing(rejoin(begun, live()) if begun and rejoin else live()) as coming:
                async for piece in coming:
                    yield piece
            return
        if recorded.hidden and self.resumes:
            raise self._miss(withheld(asked))
        for piece in recorded.output["pieces"]:
            yield piece
        if recorded.status == "pending":
            await _never()
        if (error := recorded.output["error"]) is not None:
            raise revived(error)

    async def _came(self, asked: Asked) -> Answer | None:
        """The recorded answer. None: the recording has ended before there was one, and the run goes on."""
        found = self._looked_up(asked)
        if found is None and self.resumes:
            await self._opened.wait()
            return None
        if found is None and self._source is not None and self._source.cut_short:
            await _never()  # the rest of the recording is played, then the run ends
        return found or self._absent(asked)

    def _recorded(self, asked: Asked) -> Answer | None:
        found = self._looked_up(asked)
        if found is None and self.resumes and self._sequencer.awaited is None:
            return None
        return found or self._absent(asked)

    def _absent(self, asked: Asked) -> NoReturn:
        assert self._source is not None
        message = f"the recording has no answer for this {asked.kind} of {asked.name!r}"
        raise self._miss(ReplayError(message, hint=self._source.nearest(asked)))

    def _looked_up(self, asked: Asked) -> Answer | None:
        try:
            return None if self._source is None else self._source.answer(asked)
        except ReplayError as error:
            raise self._miss(error) from None

    def _miss(self, error: ReplayError) -> ReplayError:
        error.source = self._where()[1]
        self._missed(error)
        return error


_END: Final = Asked(0, "end", "", None, _RUN_SPAN, 1)
_OVER: Final = Asked(0, "over", "", None, _RUN_SPAN, 1)
_OPENED: Final = Asked(0, "opened", "", None, _RUN_SPAN, 1)
_DRAWN: Final = frozenset({"random", "clock"})  # kinds that give something else each time
_CHEAP: Final = frozenset({"timer", "audit", "checkpoint", "pause"})  # kinds that cost nothing to have again


async def _never() -> NoReturn:
    """What was recorded as never answered: only cancellation ends this."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError
