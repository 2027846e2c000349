"""A run that begins with another's recording and goes its own way: forked, or answered from there while it asks the
same. Here are the ends that tie such a run to its recording and to its state; `replay` has what all replays need.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from llmspell.asking import Asking
from llmspell.edits import Edit
from llmspell.effects import Effects
from llmspell.events.event import Event
from llmspell.run import Run
from llmspell.security.masking import MASK
from llmspell.traces.meta import RunMeta

if TYPE_CHECKING:
    from llmspell.state.apart import Apart, Kept
    from llmspell.state.store import StateStore
    from llmspell.traces.prefix import Prefix
    from llmspell.traces.recording import Recording


def following() -> type[Effects]:
    from llmspell.following import Following  # with sqlite3, 6 ms, for those who follow

    return Following


def follow(run: Run, prefix: Prefix, idle: Callable[[], bool], left: Callable[[], object]) -> None:
    """Answers what the run asks from a recording, as long as it is the same. left: told when all is live."""
    from llmspell.following import Following

    def differs(name: str, was: Any, now: Any) -> None:
        one, other = _model(was), _model(now)
        message = (
            f"{name} asked {one} in run {prefix.meta.id} and asks {other} now: such calls are not the recorded ones"
        )
        run.warn(message, once=f"{one} is {other} now")

    effects = run.effects
    assert isinstance(effects, Following)
    run.log.attach(prefix.begin)
    effects.follow(prefix, idle, left, paid=run.count_call, differs=differs)


def _model(named: Any) -> str:
    return f"{named.get('provider')}/{named.get('model')}" if isinstance(named, dict) else "another model"


def times_again(asking: Asking, recording: Recording) -> array[float]:
    """The times of a repeated run's events. Those of a forked one end now, so that no gap is before what comes live."""
    if asking.fork is None:
        return recording.times
    from llmspell.traces.forking import up_to_now

    return up_to_now(recording.times, time.time() * 1000)


def branch(run: Run, asking: Asking, meta: RunMeta) -> None:
    """What a run has that is not wholly its own, or that it has for itself: free calls, an edited call, a state."""
    if asking.recording is not None:
        run.effects.free.update(asking.recording.free)
    run.edit = Edit.of_value(meta.settings.get("edit"))
    kept: Kept = meta.settings.get("state", "keep")
    if kept in ("reset", "fork") and asking.replay is None:
        from llmspell.library.run_store import Own  # for runs with a state of their own

        run.provide(Own, Own(store=_OwnStore(run, asking, copy=kept == "fork").opened))


class _OwnStore:
    """Hears what the run writes until its store is opened."""

    def __init__(self, run: Run, asking: Asking, *, copy: bool) -> None:
        self._run = run
        self._undone = () if asking.fork is None else asking.fork.undone
        self._copy = copy
        self._made: list[Event] = []
        self._detach = run.log.attach(self._heard)

    def _heard(self, event: Event) -> None:
        if event.kind == "state_changed":
            self._made.append(event)

    def _changes(self) -> Iterable[Event]:
        self._detach()
        return self._made

    async def opened(self) -> StateStore:
        from llmspell.state.apart import Apart  # the store's modules, 10 ms, for runs that have some state

        own: Apart = Apart(self._run.settings, copy=self._copy, made=self._changes, undone=self._undone, hidden=MASK)
        return await own.opened()
