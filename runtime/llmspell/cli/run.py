"""`llmspell run FILE`: runs a spell, prints what it returned, shows its trace."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llmspell.engines.launch import Launched, launch

if TYPE_CHECKING:
    from llmspell.events.event import Event
    from llmspell.runtime import Result, Runtime, Spell
    from llmspell.traces.recording import Recording

_launched: list[tuple[Launched, str]] = []
#: Whether the terminal's last line, printed by the spell, has no end yet.
_line_is_open = False


def prepare(arguments: Sequence[str]) -> None:
    """Starts the zygote before anything heavy is imported: it warms up while this process does."""
    language = next((_language(argument) for argument in arguments if _language(argument)), "")
    wants_help = {"-h", "--help"} & set(arguments)
    if not wants_help and "--trusted" not in arguments:
        _launched.append((launch([language] if language else []), language))


def _language(argument: str) -> str:
    if argument.endswith(".lua"):
        return "lua"
    if argument.endswith((".js", ".mjs")):
        return "javascript"
    return ""


def configure(parser: ArgumentParser) -> None:
    from llmspell.cli.flags import add_setting_flags

    parser.add_argument("file", nargs="?", metavar="FILE", help="a .lua or .js file, or a folder of one")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a field of `params`")
    parser.add_argument("--input", metavar="JSON", help="`params` as a whole, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON; printed text goes to stderr")
    parser.add_argument("--trace", action="store_true", help="show the run's tree on stderr while it grows")
    parser.add_argument("--record", metavar="FILE", help="also write the recording to FILE, to replay it elsewhere")
    parser.add_argument("--replay", metavar="RUN", help="answer every call from a stored run or FILE; no network")
    parser.add_argument("--watch", action="store_true", help="run again whenever a file of the project is saved")
    parser.add_argument("--trusted", action="store_true", help="run in this process, without the sandbox's limits")
    parser.add_argument("--no-store", action="store_true", help=SUPPRESS)
    add_setting_flags(parser)


def run(args: Namespace) -> int:
    import asyncio

    return asyncio.run(_run(args))


async def _run(args: Namespace) -> int:
    from llmspell.engines.process import Zygote
    from llmspell.runtime import Runtime

    zygote = None
    if _launched:
        launched, language = _launched.pop()
        zygote = Zygote(launched, languages=[language] if language else [])
    async with Runtime(zygote=zygote) as runtime:
        replay = _recording(args)
        if args.watch:
            from llmspell.cli.watch import watch

            return await watch(args.file, lambda: _once(args, runtime, _spell(args, None), None))
        return await _once(args, runtime, _spell(args, replay), replay)


async def _once(args: Namespace, runtime: Runtime, spell: Spell, replay: Recording | None) -> int:
    from llmspell.cli.flags import given_flags
    from llmspell.runtime import Asking

    tree = _tree(spell.label) if args.trace else None
    asking = Asking(
        params=_params(args),
        flags=given_flags(args),
        trusted=args.trusted,
        replay=replay,
        store=not args.no_store,
        on_event=tree,
        say=_say_aside if args.json else _say,
    )
    started = runtime.start(spell, asking)
    with _interruptible(started.cancel):
        result = await started.result()
    if args.record and started.store is not None:
        _copy_recording(started.store.path, args.record)
    return _show(result, args)


def _spell(args: Namespace, replay: Recording | None) -> Spell:
    from llmspell.errors import UsageError
    from llmspell.runtime import Spell

    if args.file is not None:
        return Spell.read(args.file)
    if replay is None:
        raise UsageError("which spell?", hint="llmspell run FILE")
    from pathlib import Path

    meta = replay.meta
    return Spell(Path(meta.spell), meta.label, meta.language, meta.source)


def _recording(args: Namespace) -> Recording | None:
    if args.replay is None:
        return None
    from pathlib import Path

    from llmspell.cli.flags import given_flags
    from llmspell.engines import values
    from llmspell.settings import load
    from llmspell.traces.recording import Recording
    from llmspell.traces.runs import Runs

    start = Path(args.file) if args.file else Path.cwd()
    settings = load(start.absolute(), os.environ, given_flags(args))
    return Recording.load(Runs(settings.data_dir).find(args.replay), values.unpack)


def _params(args: Namespace) -> Any:
    import json

    from llmspell.errors import UsageError

    params: Any = {}
    if args.input is not None:
        try:
            params = json.loads(args.input)
        except ValueError as error:
            raise UsageError(f"--input is not JSON: {error}", hint="""--input '{"topic": "tea"}'""") from None
    for given in args.param:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {given!r} is not NAME=VALUE", hint="--param topic=tea")
        if not isinstance(params, dict):
            raise UsageError("--param needs --input to be a JSON object", hint="""--input '{"topic": "tea"}'""")
        try:
            params[name] = json.loads(value)  # numbers, true, false, lists; anything else is text
        except ValueError:
            params[name] = value
    return params


def _say(stream: str, text: str) -> None:
    global _line_is_open
    target = sys.stdout if stream == "out" else sys.stderr
    target.write(text.encode("utf-8", "replace").decode())
    target.flush()
    if text and target.isatty():
        _line_is_open = not text.endswith("\n")


def _on_a_new_line(line: str) -> None:
    """A line of the trace, after whatever the spell has begun to print on the same terminal."""
    global _line_is_open
    sys.stderr.write(("\n" if _line_is_open else "") + line)
    _line_is_open = False


def _say_aside(stream: str, text: str) -> None:
    _say("err", text)


def _tree(label: str) -> Callable[[Event], None]:
    """A sink of events that draws the tree. On one terminal the spell's own text stands between its lines."""
    from llmspell.traces.screen import look_of
    from llmspell.traces.tree import LiveTree

    add = LiveTree(_on_a_new_line, look_of(sys.stderr, label)).add
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        return add

    def add_unless_printed(event: Event) -> None:
        if event.kind != "output":
            add(event)

    return add_unless_printed


class _interruptible:
    """Ctrl-C cancels the run; the second one ends the program."""

    def __init__(self, cancel: Any) -> None:
        self._cancel = cancel

    def __enter__(self) -> None:
        import asyncio
        import signal

        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._interrupt, number)

    def _interrupt(self, number: int) -> None:
        import signal

        self._loop.remove_signal_handler(number)
        self._cancel("interrupted" if number == signal.SIGINT else "terminated")

    def __exit__(self, *error: object) -> None:
        import signal

        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)


def _show(result: Result, args: Namespace) -> int:
    if result.error is not None:
        from llmspell.cli.terminal import exit_code, show_error

        if args.json:
            import json

            print(json.dumps({"error": result.error.to_value(), "run": result.run_id}, default=str))
        show_error(result.error, debug=args.debug)
        return exit_code(result.error)
    if args.json:
        import json

        from llmspell.traces.describe import describe

        print(json.dumps({"result": describe(_value(result.value)), "run": result.run_id, "usage": result.usage}))
    elif result.value is not None:
        print(_text(_value(result.value)))
    return 0


def _value(value: Any) -> Any:
    from llmspell.agents.texts import AgentOutput

    return value.value if isinstance(value, AgentOutput) else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    import json

    from llmspell.traces.describe import describe

    return json.dumps(describe(value), ensure_ascii=False, indent=2)


def _copy_recording(path: Any, target: str) -> None:
    import shutil

    shutil.copyfile(path, target)
