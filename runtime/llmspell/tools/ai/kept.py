"""A process that is kept between pieces of work, for what is dear to load: a model's weights, an index of vectors.

As `aside` it gives work bounds of its own and can be killed at once; as it is kept, the second piece finds what the
first has loaded. One piece at a time. `kept_process` is the other side.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from contextlib import suppress
from typing import Any, Final

from llmspell.errors import LlmspellError, ToolError, revived
from llmspell.tools import extras

HEADER: Final = struct.Struct("<Q")
#: Bytes of address space. A million vectors of 1024 numbers are 4 GB.
_MEMORY: Final = 8 << 30
#: Bytes of one answer.
_ANSWER: Final = 256 << 20
_PROGRAM: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; from llmspell.tools.ai.kept_process import main; main(int(sys.argv[1]))"
)


class Kept:
    """The process, started at the first piece of work. scratch: a folder it may take for its home."""

    def __init__(self, scratch: str) -> None:
        self._scratch = scratch
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def ask(self, function: str, **given: Any) -> Any:
        """What the function, written `module:name`, gives for plain arguments.

        Raises what the function raises of LlmspellErrors, and ToolError where the process ended. Cancelled, it is
        killed; the next piece of work gets a new one.
        """
        from llmspell.engines import values  # msgpack: 7 ms

        module, _, name = function.partition(":")
        data = await asyncio.to_thread(values.pack, (module, name, given))
        async with self._lock:
            process = self._process
            if process is None or process.returncode is not None:
                process = self._process = await self._start()
            try:
                answer = await _exchanged(process, data)
            except BaseException:
                await self.close()
                raise
        kind, found = await asyncio.to_thread(values.unpack, answer)
        return _outcome(kind, found)

    async def close(self) -> None:
        """Kills the process. What it had been told to keep is on the disk by then."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.shield(_gone(process))

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _PROGRAM, str(_MEMORY)),
            *(entry for entry in sys.path if entry.startswith("/")),
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": self._scratch,
                "LANG": "C.UTF-8",
                "OPENBLAS_NUM_THREADS": "1",  # two spin for each other on a busy machine: ten times slower
                "TOKENIZERS_PARALLELISM": "false",
            },
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )


async def _exchanged(process: asyncio.subprocess.Process, data: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(HEADER.pack(len(data)) + data)
        await process.stdin.drain()
        (size,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
        if size > _ANSWER:
            raise ToolError(f"the answer would be larger than {_ANSWER} bytes", hint="ask for a part of it")
        return await process.stdout.readexactly(size)
    except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
        raise ToolError(
            "the process that does this work ended in the middle of it", hint="is the data damaged, or memory short?"
        ) from None


def _outcome(kind: str, found: Any) -> Any:
    error: LlmspellError
    match kind:
        case "given":
            return found
        case "error":
            error = revived(found)
        case "missing":
            error = extras.missing(str(found[0]), "embeddings")
        case "memory":
            error = ToolError(f"this needs more than {_MEMORY >> 30} GB of memory", hint="take less at a time")
        case _:
            error = ToolError(f"the data could not be worked on: {str(found)[:300]}", hint="is it damaged?")
    raise error


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Reads what is left in the pipe, for whose end asyncio waits too."""
    while process.stdout is not None and await process.stdout.read(1 << 18):
        pass
    await process.wait()
