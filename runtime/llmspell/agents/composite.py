"""CompositeAgent: several agents as one, at once or one after the other, and what becomes of their answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from llmspell.agents.base import BaseAgent, BaseAgentOptions
from llmspell.agents.members import Members, ask, joined, members_of
from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.bounds import Bounds
from llmspell.api.callback import Callback
from llmspell.api.describe import exposed, prop
from llmspell.api.kinds import Takes
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, LlmspellError
from llmspell.hooks.table import FINAL, Context
from llmspell.run import Run
from llmspell.tools import pipeline

Aggregator = Annotated[Callback, Takes(results=list[Any], input=Any, result=Any)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeAgentOptions(BaseAgentOptions):
    agents: Members | None = None
    """Who takes part: agents, tools, workflows or names of agents, as a list or by name."""
    mode: Literal["concurrent", "sequential"] = "concurrent"
    """`concurrent`: all are given the input at once. `sequential`: one after the other, each with the answers of those
    before it."""
    aggregator: Aggregator | BaseAgent | None = None
    """Makes one value of the answers: a function of (results, input), or an agent that is given them. Without it the
    value is a table of the answers by name."""
    concurrency: Annotated[int, Bounds(ge=1, le=1000)] | None = None
    """How many may work at once; no limit unless given."""
    on_error: Literal["fail", "continue"] = "fail"
    """Whether one that fails makes the whole fail, or is left out."""


@exposed(
    options=CompositeAgentOptions,
    example="local panel = CompositeAgent.new{ agents = { optimist, sceptic }, aggregator = judge }\n"
    'print(panel:execute("Should we move to Lua?"))',
)
class CompositeAgent(BaseAgent):
    """Several agents that answer as one. It is an agent like any other: a tool, a step, a member of another."""

    type_name = "composite_agent"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> CompositeAgent:
        return cls(run, CompositeAgentOptions(**options), script_class)

    def __init__(self, run: Run, options: CompositeAgentOptions, script_class: ScriptClass | None) -> None:
        """Raises ArgumentError where nobody takes part."""
        self._members = members_of(run, options.agents, "agents")
        if not self._members:
            raise ArgumentError("missing 'agents'", hint="list those that answer")
        self._options = options
        super().__init__(run, options, script_class)

    def change_options(self, changes: dict[str, Any]) -> None:
        super().change_options(changes)
        self._options = replace(self._options, **changes)

    @property
    @prop()
    def agents(self) -> list[str]:
        """The names of those who take part, in their order."""
        return list(self._members)

    async def work(self, input: Any, message: str, context: Context) -> AgentOutput:
        caller = self.caller(context)
        answers = await (self._all(input, caller) if self._options.mode == "concurrent" else self._each(input, caller))
        values = {name: answer.value for name, answer in answers.items()}
        match self._options.aggregator:
            case None:
                return joined(values, answers.values(), self._name)
            case BaseAgent() as agent:
                last = await ask(agent, {"message": text_of(input), "answers": values}, caller)
                return joined(last.value, (*answers.values(), last), self._name)
            case function:
                return joined(await function(list(values.values()), input), answers.values(), self._name)

    async def _each(self, input: Any, caller: pipeline.Caller) -> dict[str, AgentOutput]:
        answers: dict[str, AgentOutput] = {}
        failure: LlmspellError | None = None
        for name in self._members:
            earlier = {other: answer.value for other, answer in answers.items()}
            given = {**_table(input), "answers": earlier} if earlier else input
            answer, failed = await self._asked(name, given, caller)
            failure = failure or failed
            if answer is not None:
                answers[name] = answer
        return _some(answers, failure)

    async def _all(self, input: Any, caller: pipeline.Caller) -> dict[str, AgentOutput]:
        places = asyncio.Semaphore(self._options.concurrency or len(self._members))

        async def one(name: str) -> tuple[AgentOutput | None, LlmspellError | None]:
            async with places:
                return await self._asked(name, input, caller)

        tasks = [self.run.spawn(one(name)) for name in self._members]
        try:
            results = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        found = dict(zip(self._members, results, strict=True))
        answers = {name: answer for name, (answer, _) in found.items() if answer is not None}
        return _some(answers, next((failed for _, failed in results if failed is not None), None))

    async def _asked(
        self, name: str, input: Any, caller: pipeline.Caller
    ) -> tuple[AgentOutput | None, LlmspellError | None]:
        """A member's answer, or why there is none and the others go on."""
        try:
            member = self._members[name]
            with member.run.takes(self._options.on_error != "fail"):
                return await ask(member, input, caller), None
        except FINAL:
            raise
        except LlmspellError as error:
            if self._options.on_error == "fail":
                raise
            return None, error


def _some(answers: dict[str, AgentOutput], failure: LlmspellError | None) -> dict[str, AgentOutput]:
    """The answers. Raises the first failure where there is none."""
    if not answers and failure is not None:
        raise failure
    return answers


def _table(input: Any) -> dict[str, Any]:
    value = input.value if isinstance(input, AgentOutput) else input
    return value if isinstance(value, dict) else {"message": text_of(value)}
