"""The person at the terminal: questions on stderr, answers from the keyboard."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from llmspell.errors import ScriptError
from llmspell.person import YES_OR_NO, Nobody, Person, Question

#: Bytes of one answer. A terminal gives at most 4096 a line.
_LONGEST = 65_536


def person_here() -> Person:
    """Who can be asked by this process."""
    return AtTerminal(sys.stdin.fileno(), _say) if sys.stdin.isatty() and sys.stderr.isatty() else Nobody()


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class AtTerminal:
    """Asks one question at a time, as often as it takes."""

    def __init__(self, keyboard: int, say: Callable[[str], None]) -> None:
        """keyboard: a terminal's descriptor. say: shows a text there."""
        self._keyboard = keyboard
        self._say = say
        self._turn = asyncio.Lock()
        self._typed = b""

    async def answer(self, question: Question) -> str:
        async with self._turn:
            plain = question.choices == YES_OR_NO
            for number, choice in enumerate(() if plain else question.choices, 1):
                self._say(f"  {number}. {choice}\n")
            shown = f" ({'/'.join(YES_OR_NO)})" if plain else ""
            default = "" if question.default is None else f" [{question.default}]"
            while True:
                self._say(f"{question.text}{shown}{default} ")
                try:
                    line = await self._line()
                except asyncio.CancelledError:
                    self._say("(no longer asked)\n")
                    raise
                meant = question.accepts(line or "")
                if meant is not None:
                    return meant
                if line is None:
                    raise ScriptError(f"the question {question.text!r} was left unanswered", type="no_answer")
                self._say("one of: " + ", ".join(question.choices) + "\n" if question.choices else "")

    async def _line(self) -> str | None:
        """What is typed up to the next end of line; None at the end of input."""
        while b"\n" not in self._typed:
            await self._readable()
            data = os.read(self._keyboard, 4096)
            if not data or len(self._typed) > _LONGEST:
                return None
            self._typed += data
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode("utf-8", "replace")

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._keyboard, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_reader(self._keyboard)
