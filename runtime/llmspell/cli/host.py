"""`llmspell host`: runs spells for another program, which it speaks with in JSON lines on its standard streams.

The protocol is in `llmspell.serve.host`.
"""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from importlib import import_module

from llmspell.engines.launch import Launched, launch

_LANGUAGES = ("lua", "javascript")
#: What the first runs would import: 150 ms together.
_MODULES = (
    "msgpack",
    "sqlite3",
    "llmspell.agents.agent",
    "llmspell.control.socket",
    "llmspell.providers.of_run",
    "llmspell.providers.http",
    "llmspell.serve.beginnings",
    "llmspell.following",
)
_launched: list[Launched] = []


def prepare(arguments: Sequence[str]) -> None:
    """Starts the zygote before anything heavy is imported."""
    if not {"-h", "--help"} & set(arguments):
        _launched.append(launch(_LANGUAGES))


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--parent", type=int, metavar="PID", help="end with this process, whose child it is, in whatever way that ends"
    )


def run(args: Namespace) -> int:
    from llmspell.cli.streams import speak
    from llmspell.engines.sandbox import die_with

    if args.parent is not None:
        die_with(args.parent)
    if sys.stdin.isatty():
        print("llmspell host speaks with another program on stdin; `llmspell dev FILE` is for people", file=sys.stderr)
    speak(_serve)
    return 0


async def _serve(out: int) -> None:
    import asyncio
    import json

    from llmspell.cli.streams import heard, opened, sent
    from llmspell.engines.process import Zygote
    from llmspell.runtime import Runtime
    from llmspell.serve.host import LINE, Host

    loop = asyncio.get_running_loop()
    reader = await heard(loop, LINE)
    lines = await opened(loop, out)

    def write(value: dict[str, object]) -> None:
        lines.write(json.dumps(value, default=str).encode() + b"\n")

    zygote = Zygote(_launched.pop(), languages=_LANGUAGES) if _launched else None
    async with Runtime(zygote=zygote) as runtime:
        host = Host(runtime, write)
        loop.add_signal_handler(signal.SIGTERM, host.stopped.set)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started it
        warming = loop.run_in_executor(None, _warm)
        await host.serve(reader)
        await warming
    await sent(lines)


def _warm() -> None:
    """What the first runs would import, while nobody waits."""
    for module in _MODULES:
        import_module(module)
