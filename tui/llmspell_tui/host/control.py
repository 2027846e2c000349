"""A client of a run's own socket: commands and their answers, and what the run tells without being asked.

The protocol is that of `llmspell.control.socket`. Knows no screen; one connection, in the loop of who connects.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from itertools import count
from typing import Any, Final, Self

from llmspell.errors import LlmspellError, UsageError, revived

Heard = Callable[[dict[str, Any]], object]

#: A line may hold a tool call's arguments, or a model's longest answer.
_LINE: Final = 64 << 20


class RunControl:
    """A connection to one run. heard: told each notice (`paused`, `resumed`, `waiting`, `settled`, `ended`), and
    `{"notice": "gone"}` once the connection has ended.

    async with await RunControl.connect(socket, heard) as control:
        await control.do("pause")
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        self._writer = writer
        self._heard = heard
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._gone = False
        self._reading = asyncio.ensure_future(self._read(reader))

    @classmethod
    async def connect(cls, socket: str, heard: Heard = lambda told: None) -> Self:
        """Raises UsageError where there is no such run any more."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket, limit=_LINE)
        except OSError as error:
            raise UsageError(f"the run cannot be controlled: {error.strerror or error}", hint="it has ended") from None
        return cls(reader, writer, heard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def do(self, command: str, **fields: Any) -> Any:
        """What the run answers to a command. Raises the error that it answers with, UsageError once it is gone."""
        if self._gone:
            raise _gone()
        number = next(self._numbers)
        asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = asked
        self._writer.write(json.dumps({"id": number, "do": command, **fields}).encode() + b"\n")
        try:
            with contextlib.suppress(OSError):  # then the connection's end is what is answered
                await self._writer.drain()
            return await asked
        finally:
            self._asked.pop(number, None)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass  # cut off, or not our protocol: it is gone either way
        finally:
            self._gone = True
            self._writer.close()
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(_gone())
            self._heard({"notice": "gone"})

    def _take(self, told: dict[str, Any]) -> None:
        if "notice" in told:
            self._heard(told)
            return
        asked = self._asked.get(told.get("id") or 0)
        if asked is None or asked.done():
            return
        if "error" in told:
            asked.set_exception(revived(told["error"]))
        else:
            asked.set_result(told.get("ok"))


def _gone() -> LlmspellError:
    return UsageError("the run has ended, or its host has")
