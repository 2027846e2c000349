"""A run as another program asks the host for it (`run.start`), read and checked. Starts nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from llmspell.asking import Asking
from llmspell.control.wanted import Controls
from llmspell.errors import UsageError
from llmspell.spell import Spell


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run as it is asked for."""

    file: str | None = None
    params: Any = None
    flags: dict[str, Any] | None = None
    state: Literal["keep", "reset", "fork"] | None = None
    replay: str = ""
    replay_prefix: str = ""
    fork: str = ""
    edit: dict[str, Any] | None = None
    breakpoints: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    cancels: str = ""

    @staticmethod
    def of(given: dict[str, Any]) -> Wanted:
        """Raises UsageError."""
        for name, value in given.items():
            kinds = _SHAPES.get(name)
            if kinds is None:
                raise UsageError(f"run.start has no {name!r}", hint=f"it can have {', '.join(_SHAPES)}")
            if value is not None and kinds and not isinstance(value, kinds):
                raise UsageError(f"run.start: {name} cannot be {value!r}")
        known = {name: value for name, value in given.items() if value is not None}
        for name in ("breakpoints", "approve"):
            known[name] = tuple(str(each) for each in known.get(name, ()))
        wanted = Wanted(**known)
        if wanted.file is None and not (wanted.fork or wanted.replay):
            raise UsageError("run.start: which file?")
        if wanted.state not in (None, "keep", "reset", "fork"):
            raise UsageError(f"run.start: state cannot be {wanted.state!r}", hint="keep, reset or fork")
        ways = [way for way in ("replay", "replay_prefix", "fork") if getattr(wanted, way)]
        if len(ways) > 1:
            raise UsageError(f"run.start: {ways[0]} and {ways[1]} do not go together")
        if wanted.edit is not None and not wanted.fork:
            raise UsageError("run.start: an edit needs a fork", hint="fork: RUN@SEQ")
        return wanted

    def asking(self, spell: Spell | None) -> tuple[Asking, Spell]:
        """Raises UsageError, SettingsError, StoreError and ReplayError."""
        control = Controls(self.breakpoints, self.approve, attended=True)
        asking = Asking(
            params=self.params,
            flags=self.flags or {},
            control=control,
            say=_unheard,
            state=self.state or "keep",
        )
        if not (self.fork or self.replay_prefix or self.replay):
            assert spell is not None
            return asking, spell
        from llmspell.serve import beginnings  # sqlite3, 4 ms

        if self.replay:
            recording, recorded = beginnings.replayed(self._found(self.replay, spell))
            return Asking(flags=self.flags or {}, say=_unheard, replay=recording), recorded
        if self.replay_prefix:
            assert spell is not None
            prefix = beginnings.prefix(self._found(self.replay_prefix, spell))
            return replace(asking, prefix=prefix), beginnings.named(spell, prefix.meta)
        from llmspell.traces.forking import parted

        run, seq = parted(self.fork)
        fork, edit = beginnings.forked(self._found(run, spell), seq, self.edit)
        state = self.state or "fork"
        meta = fork.recording.meta
        found = beginnings.recorded_spell(meta) if spell is None else beginnings.named(spell, meta)
        return replace(asking, fork=fork, edit=edit, state=state), found

    def _found(self, run: str, spell: Spell | None) -> Path:
        from llmspell.settings import load
        from llmspell.traces.runs import Runs

        settings = load(Path.cwd() / "spell" if spell is None else spell.path, os.environ, self.flags or {})
        return Runs(settings.data_dir).find(run, replays=False)


_SHAPES: Final[Mapping[str, Any]] = {
    "file": str,
    "params": (),
    "flags": dict,
    "state": str,
    "replay": str,
    "replay_prefix": str,
    "fork": str,
    "edit": dict,
    "breakpoints": list,
    "approve": list,
    "cancels": str,
}


def _unheard(stream: str, text: str) -> None:
    """What a spell prints is an event; nobody reads it here."""
