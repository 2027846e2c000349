"""The recordings that a run may begin with, read for whoever starts it: a command, the host. Starts nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmspell.edits import checked
from llmspell.engines import values
from llmspell.errors import UsageError
from llmspell.spell import Spell
from llmspell.traces import forking

if TYPE_CHECKING:
    from llmspell.traces.meta import RunMeta
    from llmspell.traces.prefix import Prefix
    from llmspell.traces.recording import Recording


def replayed(path: Path) -> tuple[Recording, Spell]:
    """A stored run to be repeated without asking anybody, and its spell's text of then. Raises StoreError, ReplayError
    and UsageError."""
    from llmspell.traces.recording import Recording

    recording = Recording.load(path, values.unpack)
    meta = recording.meta
    spell = Spell(Path(meta.spell), meta.label, meta.language, meta.source)
    if spell.sha256 != meta.sha256:
        hint = f"give the spell as well: llmspell run FILE --replay {meta.id}"
        raise UsageError(f"run {meta.id} kept its spell with secrets hidden", hint=hint)
    return recording, spell


def prefix(path: Path) -> Prefix:
    """The answers of a stored run. Raises StoreError and ReplayError."""
    from llmspell.security.masking import Masker
    from llmspell.traces.prefix import Prefix

    return Prefix.load(path, values.unpack, Masker(os.environ).text)


def forked(path: Path, seq: int, edit: Any) -> tuple[forking.Forked, dict[str, Any] | None]:
    """A stored run as it was at an event, and the edit of its call. Raises StoreError, ReplayError, UsageError."""
    fork = forking.forked(path, seq, values.unpack, edits=edit is not None)
    if edit is None or fork.call is None:
        return fork, None
    return fork, checked(edit, fork.call.kind, fork.call.name)


def recorded_spell(meta: RunMeta) -> Spell:
    """The file that a run was of, as it is now, under the name that the person knows. Raises UsageError."""
    if not Path(meta.spell).is_file():
        raise UsageError(f"the spell of run {meta.id} is gone: {meta.spell!r}", hint="name the file it is in now")
    return replace(Spell.read(meta.spell), label=meta.label)


def named(spell: Spell, meta: RunMeta) -> Spell:
    """The spell under the name that the run had it by, where both are of one file: lines are then called the same."""
    return replace(spell, label=meta.label) if str(spell.path) == meta.spell else spell
