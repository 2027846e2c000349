"""Delegation: who among several workers is given a task, how that shows in the trace, and what is known of them all.

Strategies: `round_robin` (in turn), `skill_based` (whose skills the task names), `least_busy` (fewest tasks under way),
`model` (a model chooses), or a function of the script. Knows no reviews.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
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
from llmspell.errors import ArgumentError
from llmspell.hooks.table import Since

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
    """Of one supervising agent. chooser: gives the agent whose model chooses, for the strategy `model`."""

    owner: BaseAgent
    strategy: Strategy
    chooser: Callable[[], Agent]
    workers: dict[str, Worker] = field(default_factory=dict[str, Worker])
    given: int = 0
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
        close = get_close_matches(name, list(self.workers), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the workers: {', '.join(self.workers) or 'none yet'}"
        raise ArgumentError(f"{self.owner.name} has no worker {name!r}", hint=hint)

    async def choose(self, task: Any) -> str:
        """The name of the worker that the strategy picks. Raises ArgumentError where there is none."""
        if self.owner.beginning is not None:
            await self.owner.beginning.ready()
        if not self.workers:
            raise ArgumentError(f"{self.owner.name} has no workers", hint="give it some: workers = { first, second }")
        match self.strategy:
            case "round_robin":
                self._turn += 1
                return list(self.workers)[(self._turn - 1) % len(self.workers)]
            case "least_busy":
                return self._least_busy(list(self.workers.values()))
            case "skill_based":
                return self._most_skilled(task)
            case "model":
                return await self._chosen_by_model(task)
            case function:
                chosen = await function(task, [worker.shown() for worker in self.workers.values()])
                return self.worker(str(chosen)).name

    def _least_busy(self, workers: list[Worker]) -> str:
        return min(workers, key=lambda worker: (worker.busy, worker.done + worker.failed)).name

    def _most_skilled(self, task: Any) -> str:
        """Whose skills (and name) have most words in common with the task; among equals the least busy."""
        wanted = _words(text_of(task))
        scores = {
            name: len(wanted & _words(" ".join((name, *skills_of(worker.member)))))
            for name, worker in self.workers.items()
        }
        best = max(scores.values())
        return self._least_busy([worker for name, worker in self.workers.items() if scores[name] == best])

    async def _chosen_by_model(self, task: Any) -> str:
        if len(self.workers) == 1:
            return next(iter(self.workers))
        prompt = prompts_of(self.owner.run).get(("supervisor",), "choose")
        shape = {
            "type": "object",
            "title": "choice",
            "properties": {"worker": {"type": "string", "enum": list(self.workers)}, "reason": {"type": "string"}},
            "required": ["worker", "reason"],
            "additionalProperties": False,
        }
        values = {"workers": self.described()}
        options = {**prompt.options, "schema": shape}
        words = partial(prompt.filled, values)
        answer = await self.chooser().answer(task, words, options, "choose", tools=False)
        chosen = (
            answer.data if isinstance(answer.data, dict) else {"worker": answer.content}
        )  # hooks may have changed it
        return self.worker(str(chosen.get("worker"))).name

    def described(self) -> str:
        """The workers as a model reads of them."""
        return "\n".join(
            f"- {name}: {', '.join(skills_of(worker.member)) or 'anything'}" for name, worker in self.workers.items()
        )

    async def give(self, worker: Worker, task: Any) -> AgentOutput:
        """What a worker makes of a task. Raises what the worker or a hook threw."""
        owner, hooks = self.owner, self.owner.run.hooks
        facts = {"agent_name": owner.name, "supervisor": owner.name, "worker": worker.name}
        strategy = self.strategy if isinstance(self.strategy, str) else "function"
        data = {**facts, "task": shown_input(task), "strategy": strategy}
        self.given += 1
        worker.busy += 1
        try:
            with owner.run.spanned(
                "delegation_started", "delegation_completed", worker.name, data, owner.deliver
            ) as span:
                span.data.update(facts)
                context = {**owner.identity, "supervisor": owner.name, "worker": worker.name, "task": task}
                context = await self._hooked(hooks, "before_delegation", context)
                if isinstance(worker.member, BaseAgent):
                    await carry(owner, worker.member)
                output = await ask(worker.member, context["task"], owner.caller({}))
                shown = output.value
                context = {**context, "output": shown, "duration": Since(span.started)}
                context = await self._hooked(hooks, "after_delegation", context)
                if context["output"] != shown:
                    output = as_output(context["output"], worker.name)
                span.data["output"] = output.value
        except BaseException:
            worker.failed += 1
            raise
        else:
            worker.done += 1
        finally:
            worker.busy -= 1
        return output

    async def _hooked(self, hooks: Any, point: str, context: dict[str, Any]) -> dict[str, Any]:
        own = (self.owner.hooks,)
        if not hooks.wants(point, own):
            return context
        return await hooks.ask(point, context, agent=self.owner.name, own=own)


def _words(text: str) -> set[str]:
    """Its words in one form each: lower case, without a plural's s."""
    found = (word.lower() for word in _WORDS.findall(text))
    return {word.removesuffix("s") for word in found if len(word) >= _SHORTEST}
