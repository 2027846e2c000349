"""SupervisorAgent: gives each task to one of its workers, looks at the result, and may send it back with notes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Final, TypedDict

from llmspell.agents.agent import Agent
from llmspell.agents.base import BaseAgent, BaseAgentOptions
from llmspell.agents.delegation import CoordinationState, Delegation, Strategy, Worker
from llmspell.agents.members import Member, Members, joined, members_of, participant
from llmspell.agents.templates.prompt_files import prompts_of
from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed, method, prop
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, LlmspellError, revived
from llmspell.hooks.table import FINAL, Context
from llmspell.run import Run

_VERDICT: Final[dict[str, Any]] = {
    "type": "object",
    "title": "verdict",
    "properties": {
        "approved": {"type": "boolean", "enum": [True, False], "description": "Whether it does what the task asks."},
        "notes": {"type": "string", "description": "What the worker has to do, where it is not approved."},
    },
    "required": ["approved", "notes"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorAgentOptions(BaseAgentOptions):
    workers: Members | None = None
    """Who does the work: agents, tools, workflows or names of agents, as a list or by name."""
    supervisor: Agent | None = None
    """Whose model chooses and reviews; an agent on the default model unless given."""
    strategy: Strategy = "round_robin"
    """Who is given a task: `round_robin`, `skill_based`, `least_busy`, `model`, or a function of (task, workers) that
    gives a worker's name; after a failure it is asked again with those who are left, and may name nobody."""
    review: bool = False
    """Whether the supervisor looks at each result and may send it back with notes."""
    max_revisions: Annotated[int, Bounds(ge=0, le=20)] = 2
    """How often a result may be sent back; the last one then stands, with a warning."""


class Delegated(TypedDict):
    worker: str
    result: Any
    approved: bool | None
    """The supervisor's verdict; nil where it does not review."""
    attempts: int
    """How often the worker was asked."""
    notes: str
    """The supervisor's last notes."""


@dataclass(slots=True)
class _Task:
    """A task under way. parts: all answers, for their tokens."""

    worker: Worker
    outputs: list[AgentOutput] = field(default_factory=list[AgentOutput])
    parts: list[AgentOutput] = field(default_factory=list[AgentOutput])
    approved: bool | None = None
    notes: str = ""

    @property
    def value(self) -> Any:
        return self.outputs[-1].value


@exposed(
    aliases=("HierarchicalAgent",),
    options=SupervisorAgentOptions,
    example="local team = SupervisorAgent.new{ workers = { coder, writer }, strategy = 'skill_based', review = true }\n"
    "print(team:execute('Write a poem about Lua'))",
)
class SupervisorAgent(BaseAgent):
    """A supervisor and its workers, as one agent: each task goes to one worker, chosen by a strategy; with `review` the
    supervisor's model approves the result or sends it back. Where a worker fails, the strategy picks among those who
    have not tried; the error of the last names them all. Each delegation is a span of the trace."""

    type_name = "supervisor_agent"
    #: The folder of its prompts.
    template: ClassVar[str] = "supervisor"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> SupervisorAgent:
        return cls(run, SupervisorAgentOptions(**options), script_class)

    def __init__(self, run: Run, options: SupervisorAgentOptions, script_class: ScriptClass | None) -> None:
        members = members_of(run, options.workers, "workers")
        self._options = options
        self._supervisor = options.supervisor
        super().__init__(run, options, script_class)
        self._delegation = Delegation(self, options.strategy, self._model)
        for name, member in members.items():
            self._delegation.add(name, member)

    def change_options(self, changes: dict[str, Any]) -> None:
        super().change_options(changes)
        self._options = replace(self._options, **changes)
        self._delegation.strategy = self._options.strategy

    @property
    @prop()
    def workers(self) -> list[str]:
        """The names of its workers, in their order."""
        return list(self._delegation.workers)

    @method(errors=("invalid_argument",), example='team:add_worker("tester", tester)')
    def add_worker(self, name: str, worker: Member) -> None:
        """Gives it one more worker."""
        if name in self._delegation.workers:
            raise ArgumentError(f"{self._name} already has a worker {name!r}", hint="give it another name")
        self._delegation.add(name, participant(self.run, worker))

    @method(result=CoordinationState, example="print(team:coordination_state().workers[1].done)")
    def coordination_state(self) -> CoordinationState:
        """What is known of its workers: tasks under way, done and failed."""
        return self._delegation.state()

    @method(errors=("invalid_argument",))
    async def select_worker(self, task: Any) -> str:
        """The name of the worker that its strategy picks for a task; nothing is done yet."""
        return await self._delegation.choose(task)

    @method(
        errors=("timeout", "rate_limit", "invalid_argument"),
        example='local done = team:delegate_task("Write a poem")\nprint(done.worker, done.result)',
    )
    async def delegate_task(self, task: Any, worker: str | None = None) -> Delegated:
        """Has a task done, by the worker that is named or that the strategy picks, and says how it went. A worker that
        is named is the only one who tries."""
        done = await self._done(task, worker)
        attempts = len(done.outputs)
        return {
            "worker": done.worker.name,
            "result": done.value,
            "approved": done.approved,
            "attempts": attempts,
            "notes": done.notes,
        }

    async def work(self, input: Any, message: str, context: Context) -> AgentOutput:
        done = await self._done(input, None)
        return joined(done.value, done.parts, self._name)

    async def _done(self, task: Any, name: str | None) -> _Task:
        """The task with its result. Where a worker fails that the strategy picked, another is tried, each at most
        once."""
        delegation = self._delegation
        under_way = _Task(delegation.worker(name if name is not None else await delegation.choose(task)))
        tried: list[str] = []
        while True:
            tried.append(under_way.worker.name)
            try:
                return await self._done_by(task, under_way)
            except FINAL:
                raise
            except LlmspellError as error:
                other = None if name is not None else await delegation.choose_other(task, tried)
                if other is None and len(tried) == 1:
                    raise
                if other is None:
                    raise _all_failed(self._name, tried, error) from error
                facts = {"supervisor": self._name, "worker": tried[-1], "to": other, "error": error.to_value()}
                self.tell("delegation_passed_on", other, facts)
                under_way = _Task(delegation.worker(other), parts=under_way.parts)

    async def _done_by(self, task: Any, under_way: _Task) -> _Task:
        worker, given = under_way.worker, task
        for attempt in range(1, self._options.max_revisions + 2):
            output = await self._delegation.give(worker, given)
            under_way.outputs.append(output)
            under_way.parts.append(output)
            if not self._options.review or await self._approves(task, under_way, attempt):
                return under_way
            given = self._again(task, under_way)
        attempts = len(under_way.outputs)
        self.run.warn(f"{self._name} did not approve what {worker.name} made of its task in {attempts} attempts")
        return under_way

    async def _approves(self, task: Any, under_way: _Task, attempt: int) -> bool:
        prompt, worker = prompts_of(self.run).get(("supervisor",), "review"), under_way.worker.name
        values = {"worker": worker, "task": text_of(task)}
        options = {**prompt.options, "schema": _VERDICT}
        verdict = await self._model().answer(under_way.value, partial(prompt.filled, values), options, "review")
        under_way.parts.append(verdict)
        found = (
            verdict.data if isinstance(verdict.data, dict) else {"notes": verdict.content}
        )  # hooks may have changed it
        under_way.approved, under_way.notes = bool(found.get("approved")), str(found.get("notes") or "")
        said = {"attempt": attempt, "approved": under_way.approved, "notes": under_way.notes}
        self.tell("delegation_reviewed", worker, {"supervisor": self._name, "worker": worker, **said})
        return under_way.approved

    def _again(self, task: Any, under_way: _Task) -> Any:
        """The task with what was said of the result; a table keeps its fields."""
        if isinstance(task, dict):
            return {**task, "previous": under_way.value, "notes": under_way.notes}
        prompt = prompts_of(self.run).get(("supervisor",), "again")
        return prompt.filled({"task": text_of(task), "notes": under_way.notes}, under_way.value)

    def _model(self) -> Agent:
        """The agent that chooses and reviews."""
        if self._supervisor is None:
            self._supervisor = Agent.create(self.run, {"name": f"{self._name}_supervisor"}, None)
        return self._supervisor


def _all_failed(supervisor: str, tried: list[str], error: LlmspellError) -> LlmspellError:
    """The last worker's error, as one that names them all."""
    message = f"{supervisor} has tried {', '.join(tried)}, and all failed; the last said: {error.message}"
    return revived({**error.to_value(), "message": message, "data": {**error.data, "tried": tried}})
