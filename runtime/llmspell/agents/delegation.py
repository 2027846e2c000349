"""Delegation: who among several workers is given a task, how that shows in the trace, and what is known of them all.

Strategies: `round_robin` (in turn), `skill_based` (whose skills the task names), `least_busy` (fewest tasks under way),
`model` (a model chooses), or a function of the script. Who has failed at a task can be left out of the choice. Knows no
reviews.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Final, Literal, TypedDict

from llmspell.agents.agent import Agent
from llmspell.agents.base import BaseAgent
from llmspell.agents.execution import shown_input
from llmspell.agents.handoff import carry
from llmspell.agents.members import Participant, as_output, ask, skills_of
from llmspell.agents.templates.prompt_files import prompts_of
from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.callback import Callback
from llmspell.api.kinds import Takes
from llmspell.api.names import near
from llmspell.errors import ArgumentError
from llmspell.hooks.table import Context, Since
from llmspell.place import Span
from llmspell.unit import Unit

StrategyName = Literal["round_robin", "skill_based", "least_busy", "model"]
Chooser = Annotated[Callback, Takes(task=Any, workers=list[dict[str, Any]], result=str)]
Strategy = StrategyName | Chooser

_WORDS: Final = re.compile(r"[^\W_]+")
#: Words this short (`a`, `of`) say nothing about a skill.
_SHORTEST: Final = 3


class WorkerState(TypedDict):
    name: str
    skills: list[str]
    busy: int
    """Tasks under way."""
    done: int
    failed: int


class CoordinationState(TypedDict):
    strategy: str
    delegations: int
    """Tasks given out so far."""
    workers: list[WorkerState]


@dataclass(slots=True)
class Worker:
    name: str
    member: Participant
    busy: int = 0
    done: int = 0
    failed: int = 0

    def shown(self) -> WorkerState:
        skills = skills_of(self.member)
        return {"name": self.name, "skills": skills, "busy": self.busy, "done": self.done, "failed": self.failed}


@dataclass(slots=True)
class Delegation:
    """Of one supervising agent. chooser: gives the agent whose model chooses, for the strategy `model`. option: what it
    is given its workers with."""

    owner: BaseAgent
    strategy: Strategy
    chooser: Callable[[], Agent]
    workers: dict[str, Worker] = field(default_factory=dict[str, Worker])
    given: int = 0
    option: str = "workers"
    _turn: int = 0

    def add(self, name: str, member: Participant) -> None:
        self.workers[name] = Worker(name, member)

    def state(self) -> CoordinationState:
        strategy = self.strategy if isinstance(self.strategy, str) else "function"
        workers = [worker.shown() for worker in self.workers.values()]
        return {"strategy": strategy, "delegations": self.given, "workers": workers}

    def worker(self, name: str) -> Worker:
        """Raises ArgumentError for a name that nobody has."""
        if name in self.workers:
            return self.workers[name]
        close = near(name, self.workers)
        hint = f"did you mean {close[0]!r}?" if close else f"the workers: {', '.join(self.workers) or 'none yet'}"
        raise ArgumentError(f"{self.owner.name} has no worker {name!r}", hint=hint)

    async def choose(self, task: Any) -> str:
        """The name of the worker that the strategy picks. Raises ArgumentError where there is none."""
        if self.owner.beginning is not None:
            await self.owner.beginning.ready()
        if not self.workers:
            raise ArgumentError(f"{self.owner.name} has no workers", hint=f"give it some as its option {self.option!r}")
        if isinstance(self.strategy, str):
            return await self._picked(self.strategy, task, list(self.workers.values()))
        return self.worker(str(await self._asked(self.strategy, task, list(self.workers.values())))).name

    async def choose_other(self, task: Any, tried: Container[str]) -> str | None:
        """The same among those who have not been tried. None where nobody is left, or a function wants no other."""
        left = [worker for worker in self.workers.values() if worker.name not in tried]
        if not left:
            return None
        if isinstance(self.strategy, str):
            return await self._picked(self.strategy, task, left)
        chosen = await self._asked(self.strategy, task, left)
        return None if chosen is None or chosen in tried else self.worker(str(chosen)).name

    async def _picked(self, strategy: StrategyName, task: Any, among: list[Worker]) -> str:
        match strategy:
            case "round_robin":
                names = list(self.workers)
                while True:
                    self._turn += 1
                    name = names[(self._turn - 1) % len(names)]
                    if any(worker.name == name for worker in among):
                        return name
            case "least_busy":
                return _least_busy(among)
            case "skill_based":
                return _most_skilled(task, among)
            case "model":
                return await self._chosen_by_model(task, among)

    async def _asked(self, function: Callback, task: Any, among: list[Worker]) -> Any:
        return await function(task, [worker.shown() for worker in among])

    async def _chosen_by_model(self, task: Any, among: list[Worker]) -> str:
        if len(among) == 1:
            return among[0].name
        prompt = prompts_of(self.owner.run).get(("supervisor",), "choose")
        shape = {
            "type": "object",
            "title": "choice",
            "properties": {
                "worker": {"type": "string", "enum": [worker.name for worker in among]},
                "reason": {"type": "string"},
            },
            "required": ["worker", "reason"],
            "additionalProperties": False,
        }
        values = {"workers": _described(among)}
        options = {**prompt.options, "schema": shape}
        words = partial(prompt.filled, values)
        answer = await self.chooser().answer(task, words, options, "choose", tools=False)
        chosen = (
            answer.data if isinstance(answer.data, dict) else {"worker": answer.content}
        )  # hooks may have changed it
        return self.worker(str(chosen.get("worker"))).name

    def described(self) -> str:
        """All workers as a model reads of them."""
        return _described(list(self.workers.values()))

    async def give(self, worker: Worker, task: Any) -> AgentOutput:
        """What a worker makes of a task. Raises what the worker or a hook threw."""
        owner = self.owner
        facts = {"agent_name": owner.name, "supervisor": owner.name, "worker": worker.name}
        strategy = self.strategy if isinstance(self.strategy, str) else "function"
        shown = shown_input(task)
        failing = {**owner.identity, **facts, "input": shown}
        unit = Unit(owner.run, "delegation", failing, owner.tell, owner.name, own=(owner.hooks,))
        data = {**facts, "task": shown, "strategy": strategy}
        self.given += 1
        worker.busy += 1
        try:
            with owner.run.spanned(
                "delegation_started", "delegation_completed", worker.name, data, owner.deliver
            ) as span:
                span.data.update(facts)
                output = await unit.attempt(lambda: self._given(worker, task, span))
                span.data["output"] = output.value
        except BaseException:
            worker.failed += 1
            raise
        else:
            worker.done += 1
        finally:
            worker.busy -= 1
        return output

    async def _given(self, worker: Worker, task: Any, span: Span) -> AgentOutput:
        owner = self.owner
        context: Context = {**owner.identity, "supervisor": owner.name, "worker": worker.name, "task": task}
        context = await self._hooked("before_delegation", context)
        if isinstance(worker.member, BaseAgent):
            await carry(owner, worker.member)
        output = await ask(worker.member, context["task"], owner.caller({}))
        shown = output.value
        context = {**context, "output": shown, "duration": Since(span.started)}
        context = await self._hooked("after_delegation", context)
        return output if context["output"] == shown else as_output(context["output"], worker.name)

    async def _hooked(self, point: str, context: Context) -> Context:
        hooks, own = self.owner.run.hooks, (self.owner.hooks,)
        if not hooks.wants(point, own):
            return context
        return await hooks.ask(point, context, agent=self.owner.name, own=own)


def _described(workers: list[Worker]) -> str:
    """Workers as a model reads of them."""
    return "\n".join(f"- {each.name}: {', '.join(skills_of(each.member)) or 'anything'}" for each in workers)


def _least_busy(workers: list[Worker]) -> str:
    return min(workers, key=lambda worker: (worker.busy, worker.done + worker.failed)).name


def _most_skilled(task: Any, workers: list[Worker]) -> str:
    """Whose skills (and name) have most words in common with the task; among equals the least busy."""
    wanted = _words(text_of(task))
    scores = {
        worker.name: len(wanted & _words(" ".join((worker.name, *skills_of(worker.member))))) for worker in workers
    }
    best = max(scores.values())
    return _least_busy([worker for worker in workers if scores[worker.name] == best])


def _words(text: str) -> set[str]:
    """Its words in one form each: lower case, without a plural's s."""
    found = (word.lower() for word in _WORDS.findall(text))
    return {word.removesuffix("s") for word in found if len(word) >= _SHORTEST}
