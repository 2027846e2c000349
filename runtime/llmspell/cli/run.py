"""`llmspell run FILE`: runs a spell, prints what it returned, shows its trace."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmspell.engines.launch import Launched, launch

if TYPE_CHECKING:
    from llmspell.cli.events import Streaming
    from llmspell.cli.output import Output
    from llmspell.events.event import Event
    from llmspell.person import Person
    from llmspell.runtime import Result, Runtime
    from llmspell.serve.events import EventServer
    from llmspell.settings import Settings

_launched: list[tuple[Launched, str]] = []

#: Variables that name a model, or hold the key of one that is then the default.
_MODELS = ("LLMSPELL_DEFAULT_MODEL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")

# The HTTP client takes the interpreter for 70 ms to be imported, and then reads certificates for 40 ms without it: when
# it comes first, the rest of llmspell is imported meanwhile, and a cold answer comes 45 ms sooner.
_HEAD_START = 0.07


def prepare(arguments: Sequence[str]) -> None:
    """Starts the zygote before anything heavy is imported: it warms up while this process does."""
    language = next((_language(argument) for argument in arguments if _language(argument)), "")
    wants_help = {"-h", "--help"} & set(arguments)
    if wants_help:
        return
    if "--trusted" not in arguments:
        _launched.append((launch([language] if language else []), language))
    if _will_ask(arguments):
        from llmspell.providers.http import prefetch

        prefetch(_HEAD_START)


def _will_ask(arguments: Sequence[str]) -> bool:
    """Whether a model that is not the offline one will be asked, as far as is seen before anything is parsed."""
    if not any(map(os.environ.get, _MODELS)) or os.environ.get(_MODELS[0], "").startswith("offline"):
        return False
    if any(argument.startswith(("--replay", "--model", "--resume")) for argument in arguments):
        return False
    try:
        files = [Path(each) for each in arguments if _language(each)]
        return any("Agent" in file.read_text("utf-8", "replace") for file in files if file.is_file())
    except OSError:
        return False


def _language(argument: str) -> str:
    if argument.endswith(".lua"):
        return "lua"
    if argument.endswith((".js", ".mjs")):
        return "javascript"
    return ""


def configure(parser: ArgumentParser) -> None:
    from llmspell.cli import recorded
    from llmspell.cli.controls import add_control_flags
    from llmspell.cli.flags import add_setting_flags

    parser.add_argument("file", nargs="?", metavar="FILE", help="a .lua or .js file, or a folder of one")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a field of `params`")
    parser.add_argument("--input", metavar="JSON", help="`params` as a whole, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON; printed text goes to stderr")
    parser.add_argument(
        "--plan", action="store_true", help="show what the first workflow would do, without asking a model"
    )
    parser.add_argument("--trace", action="store_true", help="show the run's tree on stderr while it grows")
    parser.add_argument("--record", metavar="FILE", help="also write the recording to FILE, to replay it elsewhere")
    recorded.add_flags(parser)
    parser.add_argument("--answers", metavar="FILE", help="what to answer where the spell asks a person, as JSON")
    parser.add_argument(
        "--events",
        metavar="ADDRESS",
        help="stream the events to other programs here: ws://127.0.0.1:PORT, port 0 for one that is free",
    )
    parser.add_argument("--watch", action="store_true", help="run again whenever a file of the spell's folder is saved")
    parser.add_argument("--trusted", action="store_true", help="run in this process, without the sandbox's limits")
    parser.add_argument("--no-store", action="store_true", help=SUPPRESS)
    add_control_flags(parser)
    add_setting_flags(parser)


def run(args: Namespace) -> int:
    import asyncio
    import gc

    from llmspell.cli.rounds import new_loop

    # A model call makes and drops hundreds of objects that reference counts take care of: to look for cycles after
    # each 700 of them, as is Python's habit, is 4 % of a call.
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_run(args))


async def _run(args: Namespace) -> int:
    from llmspell.cli.events import serving
    from llmspell.cli.output import Output
    from llmspell.engines.process import Zygote
    from llmspell.runtime import Runtime

    zygote = None
    if _launched:
        launched, language = _launched.pop()
        zygote = Zygote(launched, languages=[language] if language else [])
    _check(args)
    if args.plan:
        async with Runtime(zygote=zygote) as runtime:
            return await _planned(args, runtime, Output(aside=True))
    output = Output(aside=args.json)
    async with Runtime(zygote=zygote) as runtime, serving(args.events, output) as server:
        if args.watch:
            from llmspell.cli.watch import folder_of, watch  # watchfiles, 40 ms

            folder = folder_of(Path(args.file))
            code = await watch(folder, lambda stopped: _once(args, runtime, output, server, stopped), output.tell)
        else:
            code = await _once(args, runtime, output, server, None)
        output.check()
        return code


async def _planned(args: Namespace, runtime: Runtime, output: Output) -> int:
    from llmspell.cli.plan import show_plan

    code = await show_plan(args, params_of(args), runtime, output)
    output.check()
    return code


def _check(args: Namespace) -> None:
    """What would only be noticed once the run has cost its money."""
    from llmspell.cli import recorded
    from llmspell.cli.controls import controls_of
    from llmspell.errors import UsageError

    if args.plan:
        from llmspell.cli import plan

        plan.check(args)
    if args.file is None and (args.watch or not (args.replay or args.resume or args.fork or args.replay_prefix)):
        raise UsageError("which spell?", hint="llmspell run FILE")
    if args.file == "-":
        raise UsageError("a spell is a file, not standard input", hint="save it as spell.lua or spell.js")
    recorded.check(args)
    controls_of(args)
    if args.record is not None:
        target = Path(args.record)
        if args.no_store:
            raise UsageError("--record needs the store", hint="leave out --no-store")
        if not _settings(args).trace.content:
            raise UsageError(
                "--record needs the run's contents", hint="set `content = true` in [trace] of llmspell.toml"
            )
        if target.is_dir() or not os.access(target if target.exists() else target.absolute().parent, os.W_OK):
            raise UsageError(f"--record cannot write {args.record!r}", hint="name a file in a folder of yours")


async def _once(
    args: Namespace,
    runtime: Runtime,
    output: Output,
    server: EventServer | None,
    stopped: Callable[[Callable[[str], None]], Any] | None,
) -> int:
    """One run and its exit code. stopped: given what cancels it, by the one who would; else signals do."""
    from llmspell.cli.events import streaming

    with streaming(server, lambda: _settings(args)) as stream:
        return await _streamed(args, runtime, output, stream, stopped)


async def _streamed(
    args: Namespace,
    runtime: Runtime,
    output: Output,
    stream: Streaming,
    stopped: Callable[[Callable[[str], None]], Any] | None,
) -> int:
    from llmspell.cli import recorded
    from llmspell.cli.controls import controls_of
    from llmspell.cli.flags import given_flags
    from llmspell.runtime import Asking

    found = recorded.found(args, lambda: _settings(args))
    spell = recorded.spell(args, found)
    asking = Asking(
        params=params_of(args),
        flags=given_flags(args),
        trusted=args.trusted,
        replay=found.replay,
        resume=found.resume,
        fork=found.fork,
        edit=found.edit,
        prefix=found.prefix,
        state=args.state or ("keep" if found.fork is None else "fork"),
        store=not args.no_store,
        on_event=stream.sink(_tree(spell.label, output) if args.trace else None),
        say=output.say,
        person=_person(args),
        control=controls_of(args),
    )
    started = runtime.start(spell, asking)
    stream.started(started)
    output.on_failure = lambda: started.cancel("standard output cannot be written")
    if stopped is None:
        with interruptible(started.cancel):
            result = await started.result()
    else:
        stopped(started.cancel)
        result = await started.result()
    output.check()
    code = _show(result, args, output)
    if args.record is not None and started.store is not None:
        await _copy_recording(started.store.path, Path(args.record))
    return code


def _person(args: Namespace) -> Person:
    if args.answers is None:
        from llmspell.cli.person import person_here

        return person_here()
    from llmspell.person import Answers

    return Answers.read(Path(args.answers))


def _settings(args: Namespace) -> Settings:
    from llmspell.cli.flags import given_flags
    from llmspell.settings import load

    return load(Path(args.file or ".").absolute(), os.environ, given_flags(args))


def params_of(args: Namespace) -> Any:
    """What `--input` and `--param` give; None where there is neither."""
    import json

    from llmspell.errors import UsageError

    if args.input is None and not args.param:
        return None
    params: Any = {}
    if args.input is not None:
        try:
            params = json.loads(args.input)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--input is not JSON: {error}", hint="""--input '{"topic": "tea"}'""") from None
    for given in args.param:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {given!r} is not NAME=VALUE", hint="--param topic=tea")
        if not isinstance(params, dict):
            raise UsageError("--param needs --input to be a JSON object", hint="""--input '{"topic": "tea"}'""")
        try:
            params[name] = json.loads(value, parse_constant=_no_number)  # anything that is no JSON is text
        except (ValueError, RecursionError):
            params[name] = value
    return params


def _no_number(text: str) -> Any:
    """`NaN` and `Infinity`, which Python takes for JSON."""
    raise ValueError(text)


def _tree(label: str, output: Output) -> Callable[[Event], None]:
    """A sink of events that draws the tree. On one terminal the spell's own text stands between its lines."""
    from llmspell.traces.screen import look_of
    from llmspell.traces.tree import LiveTree

    add = LiveTree(output.trace, look_of(sys.stderr, label)).add
    if not output.is_one_terminal:
        return add

    def add_unless_printed(event: Event) -> None:
        if event.kind != "output":
            add(event)

    return add_unless_printed


@contextmanager
def interruptible(cancel: Callable[[str], None]) -> Generator[None]:
    """Ctrl-C, a closed terminal and SIGTERM cancel what runs inside; the second one ends the program."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    words = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "its terminal was closed"}

    def interrupt(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        cancel(words[number])

    for number in words:
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    finally:
        for number in words:
            loop.remove_signal_handler(number)


def _show(result: Result, args: Namespace, output: Output) -> int:
    from llmspell.cli.output import jsonable, result_text

    if args.json:
        import json

        outcome = {"result": result.value} if result.error is None else {"error": result.error.to_value()}
        output.show(json.dumps(jsonable({**outcome, "run": result.run_id, "usage": result.usage})) + "\n")
    elif result.error is None and result.value is not None:
        output.show(result_text(result.value) + "\n")
    if result.error is None:
        return 0
    from llmspell.cli.terminal import exit_code, show_error

    show_error(result.error, debug=args.debug)
    return exit_code(result.error)


async def _copy_recording(path: Path, target: Path) -> None:
    """Copies the recording as a whole, also when somebody is reading it and a part of it is still beside the file."""
    import asyncio

    from llmspell.errors import StoreError
    from llmspell.traces.schema import copy  # sqlite3, 4 ms

    def copied() -> None:
        if not path.exists():
            raise StoreError(f"nothing can be written to {str(target)!r}: the run was not recorded")
        copy(path, target)

    await asyncio.to_thread(copied)
