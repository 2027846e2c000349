"""The stored run that `--replay`, `--resume`, `--fork` or `--replay-prefix` names, and the spell that goes with it.

Starts nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import UsageError
from llmspell.frozen import frozen
from llmspell.settings import Settings
from llmspell.spell import Spell

if TYPE_CHECKING:
    from llmspell.traces.forking import Forked  # sqlite3, 4 ms, only for runs that begin with another's recording
    from llmspell.traces.meta import RunMeta
    from llmspell.traces.prefix import Prefix
    from llmspell.traces.recording import Recording

_WAYS: Final = ("replay", "resume", "fork", "replay_prefix")


@frozen
class Recorded:
    """What a run begins with: at most one of these. edit: of a fork. way: the flag, as it was given."""

    replay: Recording | None = None
    resume: Recording | None = None
    fork: Forked | None = None
    prefix: Prefix | None = None
    edit: dict[str, Any] | None = None
    way: str = ""

    @property
    def meta(self) -> RunMeta | None:
        recording = self.replay or self.resume or (None if self.fork is None else self.fork.recording) or self.prefix
        return None if recording is None else recording.meta


def add_flags(parser: ArgumentParser) -> None:
    """`--replay`, `--resume`, `--replay-prefix`, `--fork` and what goes with them."""
    add = parser.add_argument
    add(
        "--replay",
        metavar="RUN",
        help="answer every call from a stored run (its id, or `last`: the last that is no replay) or from a FILE",
    )
    add(
        "--resume",
        metavar="RUN",
        help="go on with a run that was killed, cancelled, stopped by a limit, or failed (its id, or `last`)",
    )
    add(
        "--replay-prefix",
        metavar="RUN",
        help="run the spell as it is now: what it asks is answered from a stored run (its id, `last`, or a FILE) as "
        "long as it is the same, and live from the first change on",
    )
    add(
        "--fork",
        metavar="RUN@SEQ",
        help="make a stored run again up to one of its events, and go on live from there",
    )
    add(
        "--edit",
        metavar="JSON",
        help="with --fork: what is asked otherwise in the call there, as JSON or a FILE of it (prompt, system, model, "
        "messages; a tool's arguments), or its answer",
    )
    add(
        "--state",
        choices=("keep", "reset", "fork"),
        help="the run's state: the project's own (keep), none (reset), or a copy that only this run changes (fork); "
        "--fork takes the copy, as it was at that event",
    )


def check(args: Namespace) -> None:
    """Raises UsageError for what does not go together with them."""
    given_model = getattr(args, "defaults.model") is not None
    ways = [way for way in _WAYS if getattr(args, way) is not None]
    if "replay" in ways and given_model:
        raise UsageError("--model means nothing to a replay", hint="every answer comes from the recording")
    if ways == ["replay", "resume"]:
        raise UsageError("--resume and --replay do not go together", hint="a replay asks nobody, a resumed run goes on")
    if len(ways) > 1:
        both = " and ".join(_flag(way) for way in ways)
        raise UsageError(f"{both} do not go together", hint="a run begins with one recording: choose one of them")
    if args.resume is not None and given_model:
        raise UsageError("--model means nothing to --resume", hint="the run goes on with the model it began with")
    if args.fork is not None and given_model:
        raise UsageError("--model means nothing to --fork", hint="""--edit '{"model": "…"}' asks another one there""")
    if args.edit is not None and args.fork is None:
        raise UsageError("--edit needs --fork", hint="--fork RUN@SEQ says which call is edited")
    if args.state is not None and (args.replay is not None or args.resume is not None):
        raise UsageError(f"--state means nothing to {_flag(ways[0])}", hint="the run has the state that it had")


def found(args: Namespace, settings: Callable[[], Settings]) -> Recorded:
    """What the run begins with. Raises StoreError, ReplayError and UsageError."""
    way = next((way for way in _WAYS if getattr(args, way) is not None), None)
    if way is None:
        return Recorded()
    from llmspell.engines import values
    from llmspell.traces.runs import Runs

    runs, given, told = Runs(settings().data_dir), getattr(args, way), f"{_flag(way)} {getattr(args, way)}"
    match way:
        case "replay":
            from llmspell.traces.recording import Recording

            return Recorded(replay=Recording.load(runs.find(given, replays=False), values.unpack), way=told)
        case "resume":
            from llmspell.traces.resuming import resumable

            return Recorded(resume=resumable(runs.find(given, replays=False), values.unpack), way=told)
        case "fork":
            from llmspell.serve.beginnings import forked
            from llmspell.traces.forking import parted

            run, seq = parted(given)
            fork, edit = forked(runs.find(run, replays=False), seq, _json(args.edit))
            return Recorded(fork=fork, edit=edit, way=told)
        case _:
            from llmspell.serve.beginnings import prefix

            return Recorded(prefix=prefix(runs.find(given, replays=False)), way=told)


def spell(args: Namespace, found: Recorded) -> Spell:
    """The spell to run: the file that is named; else the recorded text, or the file it was for a run that goes on."""
    meta = found.meta
    if meta is None:
        return Spell.read(args.file)
    if args.file is None and found.replay is None and Path(meta.spell).is_file():
        return replace(Spell.read(meta.spell), label=meta.label)
    if args.file is not None:
        given = Spell.read(args.file)
        same = str(given.path) == meta.spell or given.source == meta.source
        return replace(given, label=meta.label) if same else given
    recorded = Spell(Path(meta.spell), meta.label, meta.language, meta.source)
    if recorded.sha256 != meta.sha256:
        hint = f"give the spell as well: llmspell run FILE {found.way}"
        raise UsageError(f"run {meta.id} kept its spell with secrets hidden", hint=hint)
    return recorded


def _flag(way: str) -> str:
    return f"--{way.replace('_', '-')}"


def _json(given: str | None) -> Any:
    """What `--edit` gives: JSON, or a file of it. Raises UsageError."""
    if given is None:
        return None
    import json

    text = given
    if not given.lstrip().startswith("{"):
        try:
            text = Path(given).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise UsageError(f"--edit {given!r} is neither JSON nor a file: {error}") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--edit is not JSON: {error}", hint="""--edit '{"prompt": "Shorter, please"}'""") from None
