"""Reads what strangers wrote in a process of its own: pages and feeds that would take a parser minutes or gigabytes.

The host side starts it, waits within a time limit and kills it; `answer` is the other side. Nothing but bytes and
plain values crosses. Starting one takes about 150 ms, most of it the parser's import.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from llmspell import errors
from llmspell.errors import ToolError

#: What a reader may use: seconds of computing, bytes of memory. The largest pages need a third of either.
_CPU_SECONDS: Final = 20
_MEMORY: Final = 1 << 30


async def read(reader: str, library: str, data: bytes, asked: dict[str, Any], milliseconds: float) -> dict[str, Any]:
    """What the module `llmspell.tools.web.<reader>` makes of `data`. library: what it imports, of the extra `web`."""
    if importlib.util.find_spec(library) is None:
        raise ToolError(f"{library} is not installed", hint="pip install 'llmspell[web]'")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        f"llmspell.tools.web.{reader}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"},
    )
    try:
        async with asyncio.timeout(milliseconds / 1000):
            written, _ = await process.communicate(json.dumps(asked).encode() + b"\n" + data)
    except TimeoutError:
        raise errors.TimeoutError(
            f"what was answered could not be read within {milliseconds:g} ms", hint="ask for less of it"
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    if process.returncode != 0 or not written:
        raise ToolError("what was answered is too large or too deep to be read", hint="ask for another address")
    found: dict[str, Any] = json.loads(written)
    if "refused" in found:
        raise ToolError(found["refused"], hint=found["hint"])
    return found


class Unreadable(Exception):
    """What a reader says of content it cannot use: a sentence and what to try."""


def answer(work: Callable[[bytes, dict[str, Any]], dict[str, Any]]) -> None:
    """The reader's side: takes one request from stdin, writes one answer to stdout, within its limits."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    head, _, data = sys.stdin.buffer.read().partition(b"\n")
    try:
        found = work(data, json.loads(head))
    except Unreadable as error:
        found = {"refused": error.args[0], "hint": error.args[1]}
    sys.stdout.write(json.dumps(found))
