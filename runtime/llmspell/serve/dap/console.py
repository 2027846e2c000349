"""The person at the client's debug console: what the spell asks is shown there, and what they type is the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llmspell.person import Question


class Console:
    """Asks one question at a time, as often as it takes (`person.Person`).

    say: takes a category of output and a text. What is `important` pops up beside the console, too.
    """

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._turn = asyncio.Lock()
        self._waiting: asyncio.Future[str] | None = None

    @property
    def asks(self) -> bool:
        """Whether a question waits for its answer."""
        return self._waiting is not None

    def take(self, text: str) -> None:
        """What was typed while a question waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(text)

    async def answer(self, question: Question) -> str:
        async with self._turn:
            for number, choice in enumerate(question.choices, 1):
                self._say("console", f"  {number}. {choice}\n")
            default = "" if question.default is None else f" [{question.default}]"
            while True:
                self._say("important", f"{question.text}{default} (answer in the debug console)\n")
                self._waiting = asyncio.get_running_loop().create_future()
                try:
                    typed = await self._waiting
                finally:
                    self._waiting = None
                if (meant := question.accepts(typed)) is not None:
                    return meant
