"""The namespace `Human`: questions to the person beside the run."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, Milliseconds
from llmspell.api.describe import exposed, method
from llmspell.errors import ArgumentError
from llmspell.person import YES_OR_NO, Desk, Question
from llmspell.run import Run

_Text = Annotated[str, Bounds(min_length=1, max_length=10_000)]


class QuestionOptions(TypedDict):
    question: _Text
    choices: NotRequired[Annotated[list[_Text], Bounds(min_items=1, max_items=100)]]
    """The answers there are; any text unless given."""
    default: NotRequired[str]
    """The answer of somebody who gives none."""
    timeout: NotRequired[Milliseconds]
    """Milliseconds to wait; as long as it takes unless given."""


class ApprovalOptions(TypedDict):
    question: _Text
    default: NotRequired[bool]
    """What counts where no answer is given."""
    timeout: NotRequired[Milliseconds]
    """Milliseconds to wait; as long as it takes unless given."""


@exposed(name="Human", namespace=True)
class Human:
    """Asks the person who runs the spell: in their terminal, TUI or editor, or from `--answers FILE`.

    Without any of these a question fails with an error of type `no_answer`. Questions and answers are events,
    `input_requested` and `input_given`, and part of the recording.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @method(
        errors=("no_answer", "timeout"),
        params={"question": _Text | QuestionOptions},
        example='local name = Human.ask{ question = "Which city?", choices = { "Rome", "Oslo" }, default = "Oslo" }',
    )
    async def ask(self, question: str | QuestionOptions) -> str:
        """The person's answer, one of `choices` where there are any."""
        given: QuestionOptions = {"question": question} if isinstance(question, str) else question
        choices, default = tuple(given.get("choices", ())), given.get("default")
        if default is not None and choices and default not in choices:
            raise ArgumentError(f"Human.ask: the default {default!r} is none of the choices")
        return await self._asked(Question(given["question"], choices, default), given.get("timeout"))

    @method(
        errors=("no_answer", "timeout"),
        params={"question": _Text | ApprovalOptions},
        example='if Human.approve("Send the report?") then send(report) end',
    )
    async def approve(self, question: str | ApprovalOptions) -> bool:
        """Whether the person says yes."""
        given: ApprovalOptions = {"question": question} if isinstance(question, str) else question
        default = None if "default" not in given else YES_OR_NO[0 if given["default"] else 1]
        return await self._asked(Question(given["question"], YES_OR_NO, default), given.get("timeout")) == YES_OR_NO[0]

    async def _asked(self, question: Question, timeout: float | None) -> str:
        run = self._run
        shown = {"question": question.text, "choices": list(question.choices), "default": question.default}
        run.emit("input_requested", "", shown)

        async def perform() -> str:
            return await run.service(Desk).answer(question)

        answer: str = await run.within(
            timeout,
            run.effects.once("human", "ask", shown, perform, lambda _: True),
            f"the answer to {question.text!r}",
        )
        run.emit("input_given", "", {"question": question.text, "answer": answer})
        return answer
