"""Work on foreign data in a process of its own: its time, memory and output are bounded, and it can be killed at once.

A thread cannot be ended: a text that takes a parser a year would hold one for a year. The process knows one function
by name, gets plain values, gives plain values or an error, and sees nothing of the host's environment.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final

from llmspell import errors
from llmspell.errors import ToolError, revived
from llmspell.frozen import frozen
from llmspell.tools.base import ToolContext
from llmspell.tools.extras import missing

_CHUNK: Final = 1 << 18
#: What the interpreter itself prints when it ends badly; kept to tell out of memory from other ends.
_MAX_SAID: Final = 20_000
# -S: site-packages are in the path that is handed over; reading their .pth files again costs 3.5 ms.
_PROGRAM: Final = (
    "import sys; sys.path[:] = sys.argv[5:]; from llmspell.tools.aside_process import main; main(*sys.argv[1:5])"
)
#: numpy would start a thread for each core; matplotlib would look at every font there is, for seconds.
_PLAIN: Final = {"OPENBLAS_NUM_THREADS": "1", "MPL_IGNORE_SYSTEM_FONTS": "1", "LANG": "C.UTF-8"}
_SIGXCPU: Final = -24
_SIGKILL: Final = -9


@frozen
class Limits:
    """Of one piece of work: seconds of computing, bytes of address space, of a file it writes and of its answer.

    milliseconds: until the answer must be there. None: whoever asks sees to that.
    """

    cpu: int = 20
    memory: int = 1 << 30
    file: int = 0
    answer: int = 64 << 20
    milliseconds: float | None = None


async def work(
    function: Callable[..., Any] | str, context: ToolContext, limits: Limits, *, tame: bool = False, **given: Any
) -> Any:
    """What the function, of a module's top level, gives for plain arguments. Starting a process costs some 50 ms.

    function: as `module:name` where the module is too heavy, or may be too hostile, to be imported here.
    tame: the data is so small and plain that a thread will do.
    Raises what the function raises of LlmspellErrors, ToolError where a limit ended it, and TimeoutError. Cancelled,
    it is killed.
    """
    if tame:
        assert not isinstance(function, str)
        from llmspell.tools import aside_process

        return _outcome(*await asyncio.to_thread(aside_process.attempt, lambda: function(**given)), limits)
    from llmspell.engines import values  # msgpack: 7 ms

    try:
        data = await asyncio.to_thread(values.pack, given)
    except (ValueError, TypeError, OverflowError) as error:
        raise ToolError(
            f"the data cannot be worked on: {error}", hint="give plain values, less deeply nested"
        ) from None
    module, name = function.split(":") if isinstance(function, str) else (function.__module__, function.__name__)
    bounds = ",".join(map(str, (limits.cpu, limits.memory, limits.file)))
    path = [entry for entry in sys.path if entry.startswith("/")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _PROGRAM, module, name, bounds),
        *(str(context.scratch), *path),
        env={"PATH": "/usr/bin:/bin", "HOME": str(context.scratch), **_PLAIN},
        cwd="/",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(None if limits.milliseconds is None else limits.milliseconds / 1000):
            answer, said, _ = await asyncio.gather(
                _read(process.stdout, limits.answer), _read(process.stderr, _MAX_SAID), _feed(process.stdin, data)
            )
            code = await process.wait()
    except TimeoutError:
        raise errors.TimeoutError(
            f"the data could not be worked on within {limits.milliseconds:g} ms", hint="take a smaller part of it"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(_gone(process))
    if answer is None:
        raise ToolError(f"the answer would be larger than {limits.answer} bytes", hint="ask for a part of it")
    return await asyncio.to_thread(_opened, answer, said or b"", code, limits)


def _opened(answer: bytes, said: bytes, code: int, limits: Limits) -> Any:
    from llmspell.engines import values

    if code in (_SIGXCPU, _SIGKILL):
        raise ToolError(
            f"this took more than {limits.cpu} s of computing and was ended", hint="take a smaller part of the data"
        )
    try:
        kind, found = values.unpack(answer)
    except ValueError:
        if b"MemoryError" in said or b"memory" in said:
            raise _no_memory(limits) from None
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"it ended with code {code}"]
        raise ToolError(f"the data could not be worked on: {last[0][:200]}") from None
    return _outcome(kind, found, limits)


def _outcome(kind: str, found: Any, limits: Limits) -> Any:
    match kind:
        case "given":
            return found
        case "memory":
            raise _no_memory(limits)
        case "missing":
            raise missing(found)
        case "error":
            raise revived(found)
        case _:
            raise ToolError(f"the data could not be worked on: {str(found)[:300]}", hint="is it damaged?")


def _no_memory(limits: Limits) -> ToolError:
    return ToolError(
        f"this needs more than {limits.memory >> 20} MB of memory and was ended",
        hint="take a smaller part of the data",
    )


async def _read(stream: asyncio.StreamReader | None, most: int) -> bytes | None:
    """All of it; None where it is more than `most` bytes, the rest being thrown away."""
    assert stream is not None
    found = bytearray()
    while data := await stream.read(_CHUNK):
        if len(found) <= most:
            found += data
    return bytes(found) if len(found) <= most else None


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    assert stream is not None
    try:
        for start in range(0, len(data), _CHUNK):
            stream.write(data[start : start + _CHUNK])
            await stream.drain()
        stream.close()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it ended before it had read everything, and its code tells why


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Reads what is left in the pipes, for whose end asyncio waits too."""
    for stream in (process.stdout, process.stderr):
        while stream is not None and await stream.read(_CHUNK):
            pass
    await process.wait()
