"""What a replay needs beside the recorded answers: how its run began, its settings, a watch that it moves on.

A replay is a run like any other, only that its inputs come from a recording, in the recorded order; it is stored with
the recorded run as its parent, and can itself be replayed. A resumed run begins as one. Knows no engine.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmspell.asking import Asking
from llmspell.edits import Edit
from llmspell.errors import ReplayError, UsageError
from llmspell.identity import inherited_environment
from llmspell.security.masking import MASK
from llmspell.settings import Settings
from llmspell.spell import Spell
from llmspell.traces.describe import masked
from llmspell.traces.ids import run_id
from llmspell.traces.live import socket_path
from llmspell.traces.meta import RunMeta
from llmspell.traces.sequencer import Sequencer

if TYPE_CHECKING:
    from llmspell.traces.recording import Recording  # sqlite3, 4 ms, only for replays

#: Settings that decide what a spell does or asks for. Times are left out: a replay takes as long as it takes.
_DECISIVE: Final[Mapping[str, tuple[str, ...]]] = {
    "defaults": ("model", "provider", "temperature", "max_tokens"),
    "limits": ("memory_mb", "output_mb", "in_flight", "frame_mb", "max_calls", "max_cost"),
    "hooks": ("on_error", "timeout", "files"),
}

#: Seconds between two looks at a replay, and for how many looks nothing may happen.
_LOOK: Final = 0.25
_LOOKS: Final = 6


def described(
    spell: Spell,
    asking: Asking,
    settings: Settings,
    environ: Mapping[str, str],
    config: Any,
    mask: Callable[[str], str],
) -> RunMeta:
    """A run as its recording will begin. A replay is seen by its spell as the run it repeats."""
    replay = asking.recording
    name = run_id()
    about: dict[str, Any] = {}
    if asking.prefix is not None:
        recorded = asking.prefix.meta
        parent, seen_as, seed = recorded.id, name, recorded.seed
        params = _same_params(None, recorded, mask) if asking.params is None else asking.params
        present = inherited_environment(settings.allowed_env, environ)
        env = {**present, **_unhidden({k: v for k, v in recorded.env.items() if k in present}, present, mask)}
    elif replay is None:
        parent, seen_as, seed = "", name, int.from_bytes(os.urandom(16))
        params = {} if asking.params is None else asking.params
        env = inherited_environment(settings.allowed_env, environ)
    else:
        recorded = replay.meta
        parent, seen_as, seed = recorded.id, recorded.settings.get("run_id", recorded.id), recorded.seed
        params, env = recorded.params if asking.params is None else asking.params, recorded.env
        about = {name: recorded.settings[name] for name in ("asks_as", "edit", "state") if name in recorded.settings}
        if asking.continued is not None:
            params = _same_params(asking.params, recorded, mask)
            env = _unhidden(recorded.env, inherited_environment(settings.allowed_env, environ), mask)
    if asking.state != "keep":
        about["state"] = asking.state
    if asking.fork is not None:
        about["asks_as"] = name
        about.pop("edit", None)
        if asking.edit and asking.fork.call is not None:
            about["edit"] = Edit(asking.fork.call.number, dict(asking.edit)).to_value()
    return RunMeta(
        id=name,
        spell=str(spell.path),
        label=spell.label,
        language=spell.language,
        source=spell.source,
        params=params,
        env=env,
        seed=seed,
        settings={**kept_settings(settings, seen_as, config), **about},
        parent=parent,
        resumed=asking.resume is not None,
        prefixed=asking.prefix is not None,
        forked=0 if asking.fork is None else asking.fork.seq,
        started=time.time() * 1000,
        socket=socket_path(name),
        sha256=spell.sha256,
    )


def kept_settings(settings: Settings, run_id: str, config: Any) -> dict[str, Any]:
    """What of a run's settings its recording keeps. run_id: the id that the spell was told."""
    kept = {section: asdict(getattr(settings, section)) for section in _DECISIVE}
    chosen = {section: {name: kept[section][name] for name in names} for section, names in _DECISIVE.items()}
    return {**chosen, "run_id": run_id, "config": config}


def _same_params(given: Any, recorded: RunMeta, mask: Callable[[str], str]) -> Any:
    """What a resumed run began with; a secret in it is hidden in the recording. Raises UsageError."""
    if given is None:
        if MASK in str(recorded.params):
            raise UsageError(
                f"run {recorded.id} was given a secret, which its recording does not hold",
                hint="give the same parameters again, with --param or --input",
            )
        return recorded.params
    if masked(given, mask) != recorded.params:
        hint = "leave them out: the run goes on with those it began with"
        raise UsageError(f"run {recorded.id} was given other parameters", hint=hint)
    return given


def _unhidden(recorded: dict[str, str], present: dict[str, str], mask: Callable[[str], str]) -> dict[str, str]:
    """The recorded variables, those that hold a secret as they are now."""
    return {
        name: present[name] if name in present and mask(present[name]) == text else text
        for name, text in recorded.items()
    }


def check_unchanged(spell: Spell, recording: Recording, mask: Callable[[str], str], *, forks: bool = False) -> None:
    """Raises UsageError where a resumed or forked run would not do what the recorded one did."""
    from llmspell.traces.resuming import changed_text

    meta = recording.meta
    what, hint = "resumed", "resuming goes on with the same text: undo the change, or run the spell from its beginning"
    if forks:
        what, hint = (
            "forked",
            f"undo the change, or run it as it is now: --replay-prefix {meta.id} pays for changes only",
        )
    if spell.language != meta.language or spell.sha256 != meta.sha256:
        raise UsageError(f"{spell.label} has changed since run {meta.id}: it cannot be {what}", hint=hint)
    if changed := changed_text(recording, Path(meta.spell), mask):
        raise UsageError(f"{changed} has changed since run {meta.id}: it cannot be {what}", hint=hint)


def check_hook_files(asking: Asking, present: Settings, again: Settings) -> None:
    """Python runs outside the sandbox, and a recording may be somebody else's: it cannot name what a resumed run
    starts. Raises UsageError."""
    if asking.continued is None:
        return
    for file in again.hooks.files:
        if file.endswith(".py") and file not in present.hooks.files:
            raise UsageError(
                f"the hook file {file!r} is Python, which runs outside the sandbox: it must be named again",
                hint="llmspell run --resume RUN --hooks FILE",
            )


def settings_again(settings: Settings, flags: Mapping[str, Any], recorded: Mapping[str, Any]) -> Settings:
    """The present settings with what the recording kept of its own; a flag given now wins over that."""
    again = replace(settings, config=recorded.get("config", settings.config))
    for section, names in _DECISIVE.items():
        told = recorded.get(section)
        kept: dict[str, Any] = told if isinstance(told, dict) else {}
        wanted = {
            name: kept[name]
            for name in names
            if name in kept and flags.get(f"{section}.{name}") is None and _sane(kept[name])
        }
        again = replace(again, **{section: replace(getattr(again, section), **wanted)})
    return again


def _sane(value: Any) -> bool:
    """Whether a setting can be one: the recording may be somebody else's."""
    match value:
        case bool():
            return False
        case int() | float():
            return 0 <= value <= 1_000_000
        case None | str():
            return True
        case list():
            return all(isinstance(item, str) for item in value)
        case _:
            return False


class Watch:
    """Notices when a replay waits for what never comes: the spell, or what it runs in, is not what was recorded.

    idle: whether the spell's worker waits too. patient: whether handlers of the host's own may be waiting meanwhile.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        idle: Callable[[], bool],
        stalled: Callable[[str], None],
        *,
        patient: bool,
    ) -> None:
        self._sequencer = sequencer
        self._idle = idle
        self._stalled = stalled
        self._looks = _LOOKS * 20 if patient else _LOOKS
        self._still = 0
        self._seen = -1
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        idle, seen = self._idle(), self._sequencer.admissions
        self._still = self._still + 1 if idle and seen == self._seen else 0
        self._seen = seen
        if self._still >= self._looks:
            self._stalled(self._sequencer.awaited or "")
            return
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)


def stand_still(awaited: str, recorded: RunMeta, sha256: str, *, cut_short: bool) -> ReplayError:
    """What a person is told of a replay that stands still. awaited: the key of the recorded input that is next."""
    if cut_short and awaited != "w":
        return ReplayError(
            "the recording ends here: its run was lost before it had ended",
            hint="whatever that run did was played again; run the spell itself to go on",
        )
    match awaited:
        case "":
            what = "the recorded run had ended here, this one waits"
        case "w":
            what = "the recorded run did more here than this one does"
        case _:
            what = "the recorded run had asked for something here that this one has not asked for"
    changed = "the spell has" if sha256 != recorded.sha256 else "its modules, its hooks or llmspell have"
    return ReplayError(f"the replay stands still: {what}", hint=f"{changed} changed since {recorded.id} was recorded")


def plain(value: Any) -> Any:
    """Settings' mappings as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
