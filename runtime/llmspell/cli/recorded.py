"""The stored run that `--replay` or `--resume` names, and the spell that goes with it. Starts nothing."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell.errors import UsageError
from llmspell.settings import Settings
from llmspell.spell import Spell

if TYPE_CHECKING:
    from llmspell.traces.recording import Recording


def check(args: Namespace) -> None:
    """Raises UsageError for what does not go together with them."""
    given_model = getattr(args, "defaults.model") is not None
    if args.replay is not None and given_model:
        raise UsageError("--model means nothing to a replay", hint="every answer comes from the recording")
    if args.resume is None:
        return
    if args.replay is not None:
        raise UsageError("--resume and --replay do not go together", hint="a replay asks nobody, a resumed run goes on")
    if given_model:
        raise UsageError("--model means nothing to --resume", hint="the run goes on with the model it began with")


def recording(args: Namespace, settings: Settings) -> Recording | None:
    """What the run is answered from, as far as it goes. Raises StoreError and ReplayError."""
    name = args.replay or args.resume
    if name is None:
        return None
    from llmspell.engines import values
    from llmspell.traces.recording import Recording
    from llmspell.traces.resuming import resumable
    from llmspell.traces.runs import Runs

    path = Runs(settings.data_dir).find(name, replays=False)
    return Recording.load(path, values.unpack) if args.replay else resumable(path, values.unpack)


def spell(args: Namespace, found: Recording | None) -> Spell:
    """The spell to run: the file that is named; else the recorded text, or to go on the file it was."""
    if found is None:
        return Spell.read(args.file)
    meta = found.meta
    if args.file is None and args.resume is not None and Path(meta.spell).is_file():
        return replace(Spell.read(meta.spell), label=meta.label)
    if args.file is not None:
        given = Spell.read(args.file)
        same = str(given.path) == meta.spell or given.source == meta.source
        return replace(given, label=meta.label) if same else given
    recorded = Spell(Path(meta.spell), meta.label, meta.language, meta.source)
    if recorded.sha256 != meta.sha256:
        way = "--replay" if args.replay else "--resume"
        hint = f"give the spell as well: llmspell run FILE {way} {args.replay or args.resume}"
        raise UsageError(f"run {meta.id} kept its spell with secrets hidden", hint=hint)
    return recorded
