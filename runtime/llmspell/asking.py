"""What is wanted of a run and what came of it, as plain values. Starts nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from llmspell.errors import CancelledByUser, LimitError, LlmspellError
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.person import Person
from llmspell.run import Run

if TYPE_CHECKING:
    from llmspell.control.wanted import Controls  # for runs that somebody controls
    from llmspell.engines.debugging.session import Debug  # for runs under a debugger
    from llmspell.traces.forking import Forked  # sqlite3, 4 ms, only for replays
    from llmspell.traces.prefix import Prefix
    from llmspell.traces.recording import Recording

Say = Callable[[str, str], None]


def say_on_terminal(stream: str, text: str) -> None:
    """A spell's output where a program's belongs; what the other side does not take is lost."""
    target = sys.stdout if stream == "out" else sys.stderr
    try:
        target.write(text.encode("utf-8", "replace").decode())
        target.flush()
    except (OSError, ValueError):
        return


@frozen
class Asking:
    """How a run is wanted. params: none is an empty table, or those of the replayed run. trusted: in this process,
    without a sandbox. replay: the recording to answer from. resume: one to go on from where it ends
    (`traces.resuming.resumable`). fork: one to go its own way from (`traces.forking.forked`), with what `edit` (the
    fields of an `edits.Edit`) changes of the call there. prefix: answers to begin with, as long as the spell, perhaps
    another one by now, asks for the same.
    state: `keep` for the project's own; `reset` for an empty one, `fork` for a copy of the project's, of a forked run
    as it was at that event: those are the run's alone, in memory.
    on_event: told each event. say: takes what the spell prints, `(stream, text)`; must not raise. hooks: Python
    handlers by hook point. person: who answers what the spell asks; None: nobody. prepare: makes
    objects that the spell finds by name, before its first line. control: how somebody controls it from its first
    moment; they may come later too, over the run's socket. debug: the debugger that
    its workers serve."""

    params: Any = None
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trusted: bool = False
    replay: Recording | None = None
    resume: Recording | None = None
    fork: Forked | None = None
    edit: Mapping[str, Any] | None = None
    prefix: Prefix | None = None
    state: Literal["keep", "reset", "fork"] = "keep"
    store: bool = True
    say: Say = say_on_terminal
    on_event: Callable[[Event], None] | None = None
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Any])
    person: Person | None = None
    prepare: Callable[[Run], None] | None = None
    control: Controls | None = None
    debug: Debug | None = None

    @property
    def recording(self) -> Recording | None:
        """What the run is answered from, to its end or as far as it goes."""
        return self.replay or self.continued

    @property
    def continued(self) -> Recording | None:
        """The recording that the run goes on from where it ends."""
        return self.resume or (None if self.fork is None else self.fork.recording)


@frozen
class Result:
    """How a run ended. status: ok, error, limit or cancelled. value: what the spell returned. error: why it did not.
    duration: milliseconds. usage: `tokens`, `cost` in US dollars, `calls` to models."""

    run_id: str
    status: str
    value: Any
    error: LlmspellError | None
    duration: float
    usage: dict[str, Any]

    def unwrap(self) -> Any:
        """The value. Raises the error of a run that failed."""
        if self.error is not None:
            raise self.error
        return self.value


def status_of(error: LlmspellError | None) -> str:
    """A run's status, by what ended it."""
    match error:
        case None:
            return "ok"
        case LimitError():
            return "limit"
        case CancelledByUser():
            return "cancelled"
        case _:
            return "error"
