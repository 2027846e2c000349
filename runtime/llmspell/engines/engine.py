"""The seam between a worker and a language: what an engine does, and what it may ask of its host.

Two engines implement `Engine` (lua, javascript); `worker.Worker` implements `Host`. Both run in one thread.
"""

from __future__ import annotations

from typing import Any, Protocol

from llmspell.engines.protocol import Start


class HostError(Exception):
    """The host answered with an error. `fields` is `LlmspellError.to_value()`; engines throw it as the script's own."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(str(fields.get("message", "")))
        self.fields = fields


class Ended(Exception):
    """The host has closed the channel: the worker leaves quietly."""


class Host(Protocol):
    """What an engine asks of the worker around it."""

    def call(self, name: str, receiver: int | None, args: list[Any], site: str) -> int:
        """Starts an asynchronous call; its answer comes by `Engine.settle` under the number given."""
        ...

    def ask(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        """A synchronous call. Raises HostError. `Engine.invoke` and `Engine.pump` may be entered meanwhile."""
        ...

    def within(self, callback: int) -> None:
        """What runs from here on, and calls, does so for this callback; 0: for the main chunk."""
        ...

    def tell(self, name: str, args: list[Any], site: str) -> None: ...

    def cancel(self, calls: list[int]) -> None:
        """The answers of these calls are no longer wanted; `Engine.settle` will not come for them."""
        ...

    def result(self, callback: int, ok: bool, value: Any) -> None:
        """What a callback gave, or with ok False the error map it ended with."""
        ...

    def done(self, value: Any) -> None: ...

    def fail(self, error: dict[str, Any]) -> None: ...

    def at(self, source: str, stack: list[str]) -> None:
        """Where the script is, because `Engine.interrupt` asked: `file:line`, and its stack, innermost first. The host
        ends the spell."""
        ...

    def clock(self) -> float:
        """Milliseconds since 1970. Recorded, and answered from the recording in a replay."""
        ...

    def cpu_clock(self) -> float:
        """Seconds of CPU this worker has used. Recorded like `clock`."""
        ...

    def random(self) -> float:
        """A number in [0, 1) from the run's seed."""
        ...

    def random_bytes(self, count: int) -> bytes: ...


class Engine(Protocol):
    """One language. Made and bound before the fork (`warm`), used for one spell after it."""

    def start(self, start: Start) -> None:
        """Compiles the spell and makes its main chunk ready to run; nothing of it runs before `pump`. A syntax error is
        `host.fail` with `source` and type `syntax`."""
        ...

    def settle(self, call: int, ok: bool, value: Any) -> None:
        """The answer to a call has come (an error map when not ok). Makes what waited for it ready."""
        ...

    def invoke(self, callback: int, function: int, args: list[Any], echo: bool) -> None:
        """Makes a script function ready to run; its outcome goes to `host.result`: what it gives, or with `echo` what
        it changed of its first argument, a table."""
        ...

    def cancel(self, callback: int) -> None:
        """Stops a callback's task where the language can; its result is no longer wanted."""
        ...

    def release(self, functions: list[tuple[int, int]]) -> None:
        """The host has forgotten function n, which it had received `count` times."""
        ...

    def pump(self) -> bool | None:
        """Runs everything that is ready until all of it waits. Re-entrant. True: an engine with a budget has spent it,
        more is ready; the worker looks for frames and calls again.

        When the main chunk has returned and no call, callback or task is pending: `host.done(value)`. When the main
        chunk, a task it left behind or an unhandled rejection has failed: `host.fail(error)`. Each at most once.
        """
        ...

    def interrupt(self, *, forced: bool) -> None:
        """The spell is over a limit: stop what runs, past all that a script can do about it, and say `host.at`.

        Called from Python in the thread that runs the engine, or in another one; forced: by a signal handler in the
        middle of whatever the engine does, because the other way took too long. And again every few milliseconds until
        the host has heard. An engine that cannot do it does nothing: it is killed without being asked further.
        """
        ...
