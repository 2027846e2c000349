"""Who a run is, whose work a task does in it, and the context that such a task is made with. Knows no run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, copy_context
from functools import lru_cache
from pathlib import Path
from typing import Final

from llmspell import place
from llmspell.frozen import frozen
from llmspell.security.permissions import Permissions


@frozen
class Identity:
    """Who a run is. label: the spell's path as the person knows it. folder: where the spell lies; project: the folder
    that relative paths start from; scratch: the run's own temporary folder; sha256: of the spell's text."""

    run_id: str
    label: str
    language: str
    folder: Path
    project: Path
    scratch: Path
    user: str = ""
    session: str = ""
    sha256: str = ""

    @property
    def spell(self) -> str:
        """The spell's path below its project, whatever folder the person is in."""
        return _below(self.folder, self.label, self.project)


@lru_cache(64)
def _below(folder: Path, label: str, project: Path) -> str:
    """20 us, and every change of state has a name in it."""
    path = folder / Path(label).name
    return str(path.relative_to(project) if path.is_relative_to(project) else path)


@frozen
class Guest:
    """A hook file: a script beside the spell, in its own worker, with its own permissions. cut_off: told when a handler
    of it took too long."""

    label: str
    permissions: Permissions
    cut_off: Callable[[], None]


#: The hook file whose work the running task does; None for the spell itself.
guest_here: Final[ContextVar[Guest | None]] = ContextVar("llmspell_guest", default=None)


def context_for(guest: Guest | None) -> Context:
    """The caller's context for work of a hook file's, or for the spell's own."""
    context = copy_context()
    if guest_here.get() is not guest:
        context.run(guest_here.set, guest)
    return context


def unawaited_context(*, debugged: bool = False) -> Context:
    """The caller's context for work that it will not wait for."""
    context = copy_context()
    context.run(place.held.set, ())
    if debugged:
        context.run(place.taken.set, False)
    return context


def own_context() -> Context:
    """The caller's context variables without those of a run that it may be part of."""
    context = Context()
    for variable, value in copy_context().items():
        if not variable.name.startswith("llmspell_"):
            context.run(variable.set, value)
    return context


def inherited_environment(allowed: tuple[str, ...], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of the host that a spell may read."""
    found = os.environ if environ is None else environ
    return {name: found[name] for name in allowed if name in found}
