"""The person beside a run: what a spell asks of them, and who answers.

`Person` is the seam: a terminal (`cli.person`), a file of answers (here), or nobody. A `Desk` is where what is asked
lies until it is answered: by that person, or by whoever controls the run from elsewhere. Knows no run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol

from llmspell.errors import ArgumentError, ScriptError, UsageError
from llmspell.frozen import frozen

#: What a yes-or-no question is answered with.
YES_OR_NO = ("yes", "no")


@frozen
class Question:
    """text: one question. choices: the only answers there are; empty for any text. default: the answer of who gives
    none; None where there must be one."""

    text: str
    choices: tuple[str, ...] = ()
    default: str | None = None

    def accepts(self, answer: str) -> str | None:
        """The answer that is meant: a choice in whatever case, or by its number from 1; None where it is none."""
        given = answer.strip()
        if not given and self.default is not None:
            return self.default
        if not self.choices:
            return given or None
        if given.isdecimal() and 1 <= int(given) <= len(self.choices) and given not in self.choices:
            return self.choices[int(given) - 1]
        meant = [choice for choice in self.choices if choice.casefold() == given.casefold()]
        meant = meant or [choice for choice in self.choices if given and choice.casefold().startswith(given.casefold())]
        return meant[0] if len(meant) == 1 else None


class Person(Protocol):
    async def answer(self, question: Question) -> str:
        """An answer that the question accepts. Raises ScriptError where there will be none."""
        ...


class Nobody:
    """No one is there to be asked."""

    async def answer(self, question: Question) -> str:
        raise ScriptError(
            f"the spell asks {question.text!r}, and nobody is here to answer",
            type="no_answer",
            hint="run it in a terminal, or give --answers FILE",
        )


class Answers:
    """Prepared answers: a list, given in the order of the questions, or a table from question to answer, in which `*`
    answers all others. `true` and `false` are yes and no."""

    def __init__(self, answers: list[Any] | Mapping[str, Any], source: str) -> None:
        self._answers = answers
        self._source = source
        self._given = 0

    @classmethod
    def read(cls, path: Path) -> Answers:
        """From a JSON file. Raises UsageError."""
        import json  # only where there are answers

        try:
            found: Any = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"--answers {str(path)!r} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--answers {str(path)!r} is not JSON: {error}") from None
        if not isinstance(found, list | dict):
            raise UsageError(
                f"--answers {str(path)!r} holds no answers",
                hint='a list in the order of the questions, or a table: {"Go on?": "yes"}',
            )
        return cls(found, str(path))

    async def answer(self, question: Question) -> str:
        given = self._next(question)
        meant = question.accepts(_text(given))
        if meant is None:
            choices = f"; it takes {', '.join(question.choices)}" if question.choices else ""
            instead = "" if given is None else f" but {given!r}"
            raise ScriptError(
                f"{self._source} has no answer to {question.text!r}{instead}{choices}",
                type="no_answer",
                hint="add one: a list's answers are given in the order of the questions",
            )
        return meant

    def _next(self, question: Question) -> Any:
        if isinstance(self._answers, Mapping):
            return self._answers.get(question.text, self._answers.get("*"))
        self._given += 1
        return self._answers[self._given - 1] if self._given <= len(self._answers) else None


def _text(given: Any) -> str:
    match given:
        case None:
            return ""
        case bool():
            return YES_OR_NO[0 if given else 1]
        case _:
            return str(given)


@dataclass(slots=True, eq=False)
class Waiting:
    """Something that waits for a person. about: what they are shown; accepts: what a given answer means, or raises
    LlmspellError; given: what was meant; alone: whether the person beside the run gives no answer."""

    number: int
    kind: Literal["question", "approval"]
    about: dict[str, Any]
    accepts: Callable[[Any], Any]
    given: asyncio.Future[Any]
    alone: bool = False


class Desk:
    """What is asked of the person beside a run. Whoever answers first has answered.

    attended: whether somebody else may answer too: then no question fails for want of a person. news: told of what
    begins to wait and what no longer does. alone: told of what waits though nobody is there for it.
    """

    def __init__(self, person: Person) -> None:
        self.person = person
        self.waiting: dict[int, Waiting] = {}
        self.attended: Callable[[], bool] = lambda: False
        self.news: Callable[[Waiting, bool], object] = lambda waiting, begins: None
        self.alone: Callable[[Waiting], object] = lambda waiting: None
        self._numbers = count(1)

    async def answer(self, question: Question) -> str:
        """The answer to a spell's question. Raises ScriptError where there will be none."""

        def accepts(given: Any) -> str:
            if (meant := question.accepts(_text(given))) is not None:
                return meant
            choices = f"it takes {', '.join(question.choices)}" if question.choices else "it takes a text"
            raise ArgumentError(f"{given!r} is no answer to {question.text!r}", hint=choices)

        about = {"question": question.text, "choices": list(question.choices), "default": question.default}
        return await self.wait("question", about, accepts, self.person.answer(question))

    async def wait(
        self,
        kind: Literal["question", "approval"],
        about: dict[str, Any],
        accepts: Callable[[Any], Any],
        person: Coroutine[Any, Any, Any],
        *,
        patient: bool = False,
    ) -> Any:
        """What was answered. person: asks the one beside the run, and raises ScriptError where that one gives no
        answer. patient: whether to wait all the same when nobody is there. Raises that error."""
        given: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = Waiting(next(self._numbers), kind, about, accepts, given)
        self.waiting[waiting.number] = waiting
        asked = asyncio.ensure_future(person)
        self.news(waiting, True)
        try:
            await asyncio.wait((asked, given), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                return given.result()
            failed = isinstance(asked.exception(), ScriptError)
            if not (failed and (given.done() or patient or self.attended())):
                return asked.result()
            waiting.alone = True
            if not self.attended():
                self.alone(waiting)
            return await given
        finally:
            asked.cancel()
            del self.waiting[waiting.number]
            self.news(waiting, False)
