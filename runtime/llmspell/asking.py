"""What is wanted of a run and what came of it, as plain values. Starts nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from llmspell.errors import LlmspellError
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.person import Person
from llmspell.run import Run

if TYPE_CHECKING:
    from llmspell.traces.recording import Recording  # sqlite3, 4 ms, only for replays

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
    (`traces.resuming.resumable`).
    on_event: told each event. say: takes what the spell prints, `(stream, text)`; must not raise. hooks: Python
    handlers by hook point. person: who answers what the spell asks; None: nobody. prepare: makes
    objects that the spell finds by name, before its first line."""

    params: Any = None
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trusted: bool = False
    replay: Recording | None = None
    resume: Recording | None = None
    store: bool = True
    say: Say = say_on_terminal
    on_event: Callable[[Event], None] | None = None
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Any])
    person: Person | None = None
    prepare: Callable[[Run], None] | None = None

    @property
    def recording(self) -> Recording | None:
        """What the run is answered from, to its end or as far as it goes."""
        return self.replay or self.resume


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
