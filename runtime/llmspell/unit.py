"""A unit of work that may fail: the error event, the question to `on_error`, and the repetition a handler wishes.

A unit is a model call, a tool call, an execution, a step, a change of state, whatever hooks can veto. `on_error` is
asked once for each failure of the unit. Knows no agent and no tool.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from llmspell.errors import LlmspellError, revived
from llmspell.hooks.table import FINAL, Context, Own
from llmspell.run import Run

T = TypeVar("T")
Tell = Callable[[str, str, dict[str, Any]], object]

#: Where an error says how often a handler had it tried again: a unit around another goes on counting.
_RETRIES: Final = "retries"


@dataclass(slots=True)
class Unit:
    """One unit. name: `llm_call`, `tool_call`, `execute`, …. context: what handlers find beside the error, to which
    before-handlers may have added; tell: emits an event of the unit's owner; agent, tool: whose it is; own: their own
    handlers; repeatable: whether it may be tried again (not once a part of its answer has been given out).
    """

    run: Run
    name: str
    context: Context
    tell: Tell
    agent: str | None = None
    tool: str | None = None
    own: Own = ()
    repeatable: Callable[[], bool] = lambda: True

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, tried again as long as a handler of `on_error` sets `retry`.

        Raises the last error; where a handler set `user_message`, one that says so and has it as its cause.
        """
        retries = 0
        while True:
            try:
                return await work()
            except FINAL:
                raise
            except LlmspellError as error:
                if not error.source:
                    error.source = self.run.site
                self.tell("error", self.name, {"unit": self.name, "error": error.to_value()})
                if self.run.control is not None:
                    about = {"unit": self.name, "error": error.to_value()}
                    await self.run.control.reached("error", (error.type, self.name), about)
                if not self.run.hooks.wants("on_error", self.own):
                    raise
                retries = max(retries, int(error.data.get(_RETRIES, 0)))
                answered = await self._ask_on_error(error, retries)
                if answered.get("retry") is not True or not self.repeatable():
                    if retries:
                        error.data[_RETRIES] = retries
                    message = answered.get("user_message")
                    if isinstance(message, str) and message != error.message:
                        raise revived({**error.to_value(), "message": message}) from error
                    raise
                retries += 1
                delay = await self.announce_retry(error, retries, _milliseconds(answered.get("retry_delay")), answered)
                await self.run.effects.sleep(delay)

    async def announce_retry(
        self, error: LlmspellError, count: int, delay: float, context: Context | None = None
    ) -> float:
        """Asks `on_retry` and tells of a coming repetition; gives the milliseconds to wait."""
        if self.run.hooks.wants("on_retry", self.own):
            asked = {**(context or self.context), **self._facts(error, count), "retry_delay": delay}
            asked.pop("retry", None)
            answered = await self._ask("on_retry", asked)
            delay = _milliseconds(answered.get("retry_delay"))
        data = {"unit": self.name, "retry_count": count, "retry_delay": delay, "error": error.to_value()}
        self.tell("retry", self.name, data)
        return delay

    async def _ask_on_error(self, error: LlmspellError, retries: int) -> Context:
        asked = {
            **self.context,
            **self._facts(error, retries),
            "stack_trace": "\n".join(error.stack) or error.source,
            "sanitized_context": {key: value for key, value in self.context.items() if key.startswith("agent")},
        }
        return await self._ask("on_error", asked)

    async def _ask(self, point: str, context: Context) -> Context:
        return await self.run.hooks.ask(point, context, agent=self.agent, tool=self.tool, own=self.own)

    def _facts(self, error: LlmspellError, count: int) -> Context:
        facts = {"unit": self.name, "error": error, "retry_count": count}
        return {**facts, "tool_name": self.tool} if self.tool else facts


def _milliseconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
