"""`llmspell dap`: the debug adapter, on standard streams. Editors start it, people rarely.

What it does is `llmspell.serve.dap`.
"""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmspell.engines.launch import Launched, launch

if TYPE_CHECKING:
    import asyncio

    from llmspell.serve.dap.adapter import Adapter

_LANGUAGES = ("lua", "javascript")
_launched: list[Launched] = []


def prepare(arguments: Sequence[str]) -> None:
    """Starts the zygote before anything heavy is imported."""
    if not {"-h", "--help"} & set(arguments):
        _launched.append(launch(_LANGUAGES))


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output (the only way)")


def run(args: Namespace) -> int:
    from llmspell.cli.streams import speak

    if sys.stdin.isatty():
        print("llmspell dap speaks the debug adapter protocol on stdin; an editor starts it", file=sys.stderr)
    speak(_serve)
    return 0


async def _serve(out: int) -> None:
    import asyncio
    from collections.abc import Mapping

    from llmspell.cli.streams import heard, opened, sent
    from llmspell.engines.process import Zygote
    from llmspell.runtime import Runtime
    from llmspell.serve.dap import messages
    from llmspell.serve.dap.adapter import Adapter

    zygote = [Zygote(_launched.pop(), languages=_LANGUAGES)] if _launched else []

    def runtime(environ: Mapping[str, str]) -> Runtime:
        return Runtime(environ=environ, zygote=zygote.pop() if zygote else None)

    loop = asyncio.get_running_loop()
    reader = await heard(loop, messages.LONGEST)
    stream = await opened(loop, out)

    def write(message: dict[str, Any]) -> None:
        stream.write(messages.write(message))

    adapter = Adapter(runtime, write)
    loop.add_signal_handler(signal.SIGTERM, adapter.stopped.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started it
    works = adapter.work(), _read(reader, adapter), adapter.stopped.wait()
    tasks: list[asyncio.Task[object]] = [loop.create_task(work) for work in works]
    await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await adapter.end()
    await sent(stream)


async def _read(reader: asyncio.StreamReader, adapter: Adapter) -> None:
    """Until the client is gone, or sends what is no message."""
    from llmspell.serve.dap import messages

    try:
        while (message := await messages.read(reader)) is not None:
            adapter.take(message)
    except messages.Broken as problem:
        print(f"llmspell dap: {problem}", file=sys.stderr)
