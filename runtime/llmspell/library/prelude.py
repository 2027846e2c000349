"""What the engines answer themselves, described for stubs, help and reference. Only `Async.sleep` reaches the host.

The bodies here are descriptions; the work is in each engine's prelude.
"""

# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Literal, TypedDict

from llmspell.api.callback import Callback
from llmspell.api.describe import exposed, local, method
from llmspell.run import Run

Work = Callback | Awaitable[Any]


class Settled(TypedDict, total=False):
    status: str
    """`fulfilled` or `rejected`."""
    value: Any
    reason: Any


class ErrorInfo(TypedDict):
    type: str
    """`timeout`, `rate_limit`, `auth`, `network`, `tool`, `validation`, `script`, …"""
    message: str
    retry_after: float | None
    """Milliseconds to wait before asking again, where the other side said so."""
    retryable: bool
    source: str
    """The script's position, `file:line`."""
    cause: Any


@exposed(constructible=False)
class AsyncHandle:
    """Work under way beside the rest of the spell, from `Async.spawn`: a coroutine in Lua, a promise in JavaScript.

    `Async.all` and its like take it, so does whatever waits for a function; in JavaScript it can be awaited itself. The
    spell ends when all such work has. A failure that nobody waits for ends the spell.
    """

    @local(static=False, errors=("cancelled",), example="local answer = handle:await_result()")
    async def await_result(self) -> Any:
        """Waits for the work and gives its value; throws what it threw."""

    @local(static=False)
    def is_complete(self) -> bool:
        """Whether it is done, well or not."""

    @local(static=False)
    def status(self) -> Literal["pending", "fulfilled", "rejected"]:
        """How it stands."""

    @local(static=False)
    def cancel(self) -> None:
        """Stops it and the calls that it waits for; whoever waits for it gets an error of type `cancelled`."""


@exposed(name="Async", namespace=True)
class Async:
    """Waiting, and several things at once."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @method(example="Async.sleep(500)")
    async def sleep(self, milliseconds: float) -> None:
        """Waits."""
        await self._run.effects.sleep(milliseconds)

    @local(example='local a, b = table.unpack(Async.all{ function() return first:chat("…") end, second_task })')
    async def all(self, works: list[Any]) -> list[Any]:
        """Runs functions (and awaits promises) at once; gives their values in order. The first failure cancels the
        others and is thrown."""

    @local()
    async def race(self, works: list[Any]) -> Any:
        """The value of whichever is done first; the others are cancelled."""

    @local()
    async def settle(self, works: list[Any]) -> list[Settled]:
        """Waits for all of them; gives for each `{status, value}` or `{status, reason}`."""

    @local(errors=("timeout",), example='Async.timeout(2000, function() return agent:chat("Quick!") end)')
    async def timeout(self, milliseconds: float, work: Callback) -> Any:
        """The function's value, or a TimeoutError once the time is over; what it started is then cancelled."""

    @local(example='local handle = Async.spawn(function() return agent:chat("Meanwhile …") end)')
    def spawn(self, work: Callback) -> AsyncHandle:
        """Runs a function beside the rest of the spell."""


@exposed(name="JSON", namespace=True, languages=("lua",))
class JSON:
    """JSON in Lua, as JavaScript has it."""

    @local(errors=("script",))
    def parse(self, text: str) -> Any:
        """The value of a JSON text."""

    @local()
    def stringify(self, value: Any, replacer: Any = None, indent: int = 0) -> str:
        """The JSON text of a value; `indent` spaces a level."""


@exposed(name="uuid", namespace=True)
class Uuid:
    """Unique names, from the run's own randomness: a replay makes the same ones."""

    @local(example="local id = uuid.generate()")
    def generate(self) -> str:
        """A new UUID of version 4."""


@exposed(name="ErrorHandler", namespace=True)
class ErrorHandler:
    """One form for whatever was thrown."""

    @local(example='local ok, err = pcall(work)\nif ErrorHandler.parse_error(err).type == "timeout" then … end')
    def parse_error(self, error: Any) -> ErrorInfo:
        """What is known of an error, thrown by the host or by the script."""


@exposed(name="EventEmitter")
class EventEmitter:
    """Listeners of your own, inside the spell: no event of the run, and in no trace.

    Handlers run at once, in the order they were added; what one throws reaches whoever emits, and those after it are
    not called. Handlers added or taken away meanwhile count from the next `emit` on. Each method but `emit` and
    `listener_count` gives the emitter, for the next.
    """

    @local(static=False, example='emitter:on("ready", function(data) print(data.name) end)')
    def on(self, event: str, handler: Callback) -> Any:
        """Calls `handler` with what `emit` is given."""

    @local(static=False)
    def once(self, event: str, handler: Callback) -> Any:
        """Calls `handler` the next time only."""

    @local(static=False)
    def off(self, event: str, handler: Callback | None = None) -> Any:
        """Stops calling it (the newest, if it was added twice), or all of the event's handlers."""

    @local(static=False, errors=("script",), example='emitter:emit("ready", { name = "ada" })')
    def emit(self, event: str, data: Any = None) -> bool:
        """Calls the event's handlers; gives whether there were any. An `error` that nobody listens to is thrown."""

    @local(static=False)
    def listener_count(self, event: str) -> int:
        """How many handlers the event has."""

    @local(static=False)
    def remove_all_listeners(self, event: str | None = None) -> Any:
        """Forgets the event's handlers, or all there are."""
