"""The process that does algebra (`algebra.py`), as its host sees it: started when needed, ended when too slow."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.tools.extras import missing

_PROGRAM: Final = str(Path(__file__).with_name("algebra.py"))
#: Seconds until sympy is imported, on a busy machine.
_START: Final = 30.0
#: Bytes of the longest answer.
_LONGEST: Final = 1 << 18


class Solver:
    """One process, made at the first question and again after one that it was ended for. Asked one at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer. Raises ToolError; cancelled or too slow, the process ends."""
        async with self._turn:
            try:
                process = await self._started()
                assert process.stdin is not None
                process.stdin.write(json.dumps({**request, "seconds": seconds}).encode() + b"\n")
                await process.stdin.drain()
                # twice the seconds on the clock: on a busy machine it has the processor half of the time
                answer = await _line(process, seconds * 2)
            except (TimeoutError, EOFError, OSError):
                await self.close()
                raise ToolError(
                    f"`{request['operation']}` took more than {seconds:g} s or too much memory and was ended",
                    hint="make the expression simpler, or compute with numbers",
                ) from None
            except BaseException:
                await asyncio.shield(self.close())
                raise
        if "error" in answer:
            raise ToolError(f"`{request['operation']}`: {answer['error']}", hint=answer["hint"])
        return answer

    async def close(self) -> None:
        """Ends the process and waits until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        # asyncio waits for the end of the pipe too
        await asyncio.gather(process.wait(), process.stdout.read() if process.stdout else process.wait())

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            if importlib.util.find_spec("sympy") is None:
                raise missing("sympy")
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                _PROGRAM,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                limit=_LONGEST,
                start_new_session=True,
            )
            await _line(self._process, _START)
        return self._process


async def _line(process: asyncio.subprocess.Process, seconds: float) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(seconds):
        line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    return answer
