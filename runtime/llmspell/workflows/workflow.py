"""Workflow: a BaseAgent that does steps. Made of a definition and what fills its holes; each run is an `Execution`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

from llmspell.agents.base import BaseAgent, BaseAgentOptions
from llmspell.agents.directory import Directory
from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.describe import exposed, method
from llmspell.api.kinds import WorkflowName
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.hooks.table import Context
from llmspell.run import Run
from llmspell.state.plain import same
from llmspell.workflows.checkpoint import Past, read, taken
from llmspell.workflows.checks import check_places
from llmspell.workflows.definition import Definition, StepType
from llmspell.workflows.execution import Execution, Outcome
from llmspell.workflows.options import (
    ConditionalOptions,
    LoopOptions,
    MapReduceOptions,
    NewOptions,
    ParallelOptions,
    PipelineOptions,
    RunOptions,
    StepInfo,
    StepsOptions,
    WorkflowCheckpoint,
    WorkflowOutput,
    WorkflowProgress,
)
from llmspell.workflows.reading import Reader
from llmspell.workflows.staff import Staff

_OF_EVERY_AGENT: Final = frozenset(BaseAgentOptions.__dataclass_fields__)


@exposed(
    options=NewOptions,
    example="local flow = Workflow.sequential{ steps = {\n"
    '  { agent = researcher, action = "research", output = "notes" },\n'
    '  { agent = writer, input = "Write about {{notes}}" },\n} }\nlocal text = flow:run{ topic = "tides" }',
)
class Workflow(BaseAgent):
    """Steps that agents, tools, functions and other workflows do: in order, at once, by condition, in a loop, over
    items or in a stream.

    The fields of steps may refer to what is there: `{{notes}}` is the output of that name or a field of the run's
    input, `{{plan.parts[0].title}}` what lies in it (items count from 0), `{{step_2.*}}` all that the second step gave,
    `{{input}}` the whole input, `{{params.x}}` a parameter of the spell. A text that is one reference keeps the value's
    type. A step without input gets the value of the step before. The whole definition is checked when it is made.
    """

    type_name = "workflow"
    scope = "workflow"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Workflow:
        return cls.made(run, "sequential", options, "", script_class)

    @classmethod
    def made(
        cls, run: Run, type_: StepType, options: dict[str, Any], where: str, script_class: ScriptClass | None = None
    ) -> Workflow:
        """A workflow from checked options. where: what is called, for messages; "" leaves it to the caller to say so.
        Raises ArgumentError, naming the step."""
        given = {key: value for key, value in options.items() if value is not None}
        reader = Reader(where, run.identity.language, tuple(tool.name for tool in given.get("tools", ())))
        root = reader.root(
            type_, str(given.get("name", "")), {k: v for k, v in given.items() if k not in _OF_EVERY_AGENT}
        )
        check_places(root, reader.error)
        definition = Definition(str(given.get("name", "")), root, run.site)
        return cls(run, definition, reader, given, script_class)

    def __init__(
        self,
        run: Run,
        definition: Definition,
        reader: Reader,
        options: dict[str, Any],
        script_class: ScriptClass | None = None,
    ) -> None:
        """reader: what the definition was read by, with what fills its holes. options: those of every agent, and
        others."""
        self.definition = definition
        self.reader = reader
        self.holes = reader.holes
        self.site = definition.site
        self.timeout: float | None = options.get("timeout")
        self.own_paths = frozenset(step.path for step in definition.steps)
        self._executions: list[Execution] = []
        self._last: Execution | None = None
        self.staff = Staff(self)
        of_every = {key: value for key, value in options.items() if key in _OF_EVERY_AGENT}
        super().__init__(run, BaseAgentOptions(**of_every), script_class)

    # -- making them ---------------------------------------------------------------------------------------------

    @method(
        static=True,
        params={"options": StepsOptions},
        errors=("invalid_argument",),
        example='Workflow.sequential{ name = "blog", steps = { { agent = writer, action = "draft" } } }',
    )
    @staticmethod
    def sequential(run: Run, options: dict[str, Any]) -> Workflow:
        """Steps one after the other; the value is the last one's."""
        return Workflow.made(run, "sequential", options, "Workflow.sequential")

    @method(
        static=True,
        name="create",
        params={"options": StepsOptions},
        errors=("invalid_argument",),
        example='Workflow.create{ name = "panel", steps = { { type = "parallel_fan_out", agents = experts } } }',
    )
    @staticmethod
    def create_mixed(run: Run, options: dict[str, Any]) -> Workflow:
        """Steps of any kind, one after the other: each may be a parallel, a loop, a conditional, … by its `type`."""
        return Workflow.made(run, "sequential", options, "Workflow.create")

    @method(
        static=True,
        params={"options": ParallelOptions},
        errors=("invalid_argument",),
        example="Workflow.parallel{ steps = { { agent = critic }, { agent = fan } }, concurrency = 2 }",
    )
    @staticmethod
    def parallel(run: Run, options: dict[str, Any]) -> Workflow:
        """Steps at once, each on the same input; the value is the list of theirs, or what the aggregator makes of it.
        The first that fails cancels the others, unless `on_error` is "continue"."""
        return Workflow.made(run, "parallel", options, "Workflow.parallel")

    @method(
        static=True,
        params={"options": ConditionalOptions},
        errors=("invalid_argument",),
        example='Workflow.conditional{ condition = "{{urgent}}", true_branch = { agent = pager }, false_branch = log }',
    )
    @staticmethod
    def conditional(run: Run, options: dict[str, Any]) -> Workflow:
        """One of several branches; the value is its own, or the input where none is taken."""
        return Workflow.made(run, "conditional", options, "Workflow.conditional")

    @method(
        static=True,
        params={"options": LoopOptions},
        errors=("invalid_argument",),
        example="Workflow.loop{ body = { agent = reviewer }, max_iterations = 3,\n"
        "  condition = function(context) return context.confidence_score < 0.85 end }",
    )
    @staticmethod
    def loop(run: Run, options: dict[str, Any]) -> Workflow:
        """A body again and again while the condition holds, each time on what it gave before; or once for each of the
        items of `over`, whose value is then the list of results."""
        return Workflow.made(run, "loop", options, "Workflow.loop")

    @method(
        static=True,
        params={"options": MapReduceOptions},
        errors=("invalid_argument",),
        example="Workflow.map_reduce{ items = pages, map = { agent = summarizer }, reduce = { agent = editor } }",
    )
    @staticmethod
    def map_reduce(run: Run, options: dict[str, Any]) -> Workflow:
        """The same for each of many items, several at once, and then something with all the results, in order."""
        return Workflow.made(run, "map_reduce", options, "Workflow.map_reduce")

    @method(
        static=True,
        params={"options": PipelineOptions},
        errors=("invalid_argument",),
        example="Workflow.pipeline{ stages = { read, { agent = translator }, { tool = writer } }, buffer = 4 }",
    )
    @staticmethod
    def pipeline(run: Run, options: dict[str, Any]) -> Workflow:
        """Stages that items flow through, all at work at once: a list's items one by one, in order. A stage that gives
        nil drops the item."""
        return Workflow.made(run, "pipeline", options, "Workflow.pipeline")

    @method(static=True, errors=("invalid_argument",))
    @staticmethod
    def get(run: Run, name: WorkflowName) -> Workflow:
        """The workflow of a name. Raises where there is none."""
        found = run.service(Directory, Directory.of).get(name)
        if not isinstance(found, Workflow):
            raise ArgumentError(f"{name!r} is an agent and no workflow", hint="Agent.get gives agents")
        return found

    # -- running -------------------------------------------------------------------------------------------------

    @method(
        name="run",
        params={"options": RunOptions | None},
        errors=("timeout", "tool", "rate_limit", "invalid_argument", "workflow_cancelled"),
        example='local blog = workflow:run({ topic = "AI Safety" })',
    )
    async def run_steps(self, input: Any = None, options: dict[str, Any] | None = None) -> Any:
        """Does the steps and gives the value: of the last step, or what the aggregator made. With a `checkpoint`, only
        the steps that were not over when it was made."""
        return (await self._outcome(input, options)).result

    @method(
        params={"options": RunOptions | None},
        errors=("timeout", "tool", "rate_limit", "invalid_argument", "workflow_cancelled"),
        result=WorkflowOutput,
    )
    async def run_detailed(self, input: Any = None, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """Like `run`, giving also what each step gave, tokens, cost and time."""
        outcome = await self._outcome(input, options)
        return {
            "result": outcome.result,
            "outputs": outcome.outputs,
            "metadata": outcome.metadata,
            "steps_executed": outcome.steps_executed,
            "duration": outcome.duration,
            "usage": outcome.usage,
            "cost": outcome.usage["cost"],
        }

    @method(example="for item in flow:stream(items) do print(item) end")
    async def stream(self, input: Any = None) -> AsyncGenerator[Any, None]:
        """Runs a pipeline and gives each item as it comes out: who reads slowly holds up the stages. A workflow of
        another kind gives its value alone."""
        out: asyncio.Queue[Any] = asyncio.Queue(1)
        task = self.run.spawn(self.outcome_of(Execution(self, input, out.put)))
        try:
            while not (task.done() and out.empty()):
                item = self.run.spawn(out.get())
                await asyncio.wait((item, task), return_when=asyncio.FIRST_COMPLETED)
                if item.done():
                    yield item.result()
                else:
                    item.cancel()
            outcome = await task
            if self.definition.root.type != "pipeline":
                yield outcome.result
        finally:
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled():
                task.exception()  # seen: a reader that left early does not want it

    async def work(self, input: Any, message: str, context: Context) -> AgentOutput:
        """As an agent: what it gives is its steps' value."""
        outcome = await self.outcome_of(Execution(self, input))
        result, usage = outcome.result, outcome.usage
        data = None if isinstance(result, str) else result
        return AgentOutput(text_of(result), data, [], usage, usage["cost"], 0.0, self._name)

    async def outcome_of(self, execution: Execution) -> Outcome:
        """What a run of it comes to; meanwhile it can be paused and cancelled. Raises what ended it."""
        self._last = execution
        self._executions.append(execution)
        try:
            return await execution.outcome()
        finally:
            self._executions.remove(execution)

    async def _outcome(self, input: Any, options: dict[str, Any] | None) -> Outcome:
        checkpoint = (options or {}).get("checkpoint")
        if checkpoint is None:
            return await self.outcome_of(Execution(self, input))
        past = read(checkpoint, self)
        if input is not None and not same(input, past.input):
            message = f"the checkpoint of {self._name} was made with another input"
            raise ArgumentError(message, hint="leave the input out: the checkpoint has it")
        return await self._goes_on(past)

    async def _goes_on(self, past: Past) -> Outcome:
        """A run that is paused there goes on itself; else a new one does what is left."""
        for execution in self._executions:
            if execution.paused and execution.id == past.id:
                execution.resume()
                return await execution.joined()
        return await self.outcome_of(Execution(self, past.input, past=past))

    # -- while it runs -------------------------------------------------------------------------------------------

    @method(result=WorkflowProgress)
    def progress(self) -> dict[str, Any]:
        """How far its last run is."""
        if self._last is None:
            return _progress("ready", 0, len(self.own_paths), 0, [])
        found = self._last.progress
        return _progress(found.status, found.done, found.total, found.executed, list(found.current.values()))

    @method(
        errors=("invalid_argument",),
        result=WorkflowCheckpoint,
        example='State.set("half", flow:pause())',
    )
    async def pause(self) -> dict[str, Any]:
        """Lets no further step begin, waits for those under way, and gives a checkpoint: a plain value from which
        `resume` goes on, here or in a later run of the spell. Called by one of its own steps it does not wait for that
        one, which the checkpoint then does not have. Its runs wait, and so does the spell's end, until `resume` or
        `cancel`."""
        if self._last is None:
            raise self._never_run("paused")
        for execution in list(self._executions):
            await execution.pause()
        return self._checkpoint(self._last)

    @method(errors=("invalid_argument",), result=WorkflowCheckpoint)
    def checkpoint(self) -> dict[str, Any]:
        """What its last run has done so far, as `pause` gives it, without stopping it; also of a run that has failed.
        Steps under way are not in it."""
        if self._last is None:
            raise self._never_run("saved")
        return self._checkpoint(self._last)

    @method(
        params={"checkpoint": WorkflowCheckpoint | None},
        errors=("timeout", "tool", "rate_limit", "invalid_argument", "workflow_cancelled"),
        example='local text = flow:resume(State.get("half"))',
    )
    async def resume(self, checkpoint: Any = None) -> Any:
        """Goes on and gives the value, as `run` does. Without a checkpoint: the run that was paused. With one: from
        there, doing what was not over; steps that were under way are done from their beginning. What agents remember
        and the spell's own variables are not in it. A checkpoint of another definition or text of the spell is
        refused."""
        if checkpoint is not None:
            return (await self._goes_on(read(checkpoint, self))).result
        paused = [execution for execution in self._executions if execution.paused]
        if not paused:
            message = f"workflow {self._name!r} is not paused"
            raise ArgumentError(message, hint="give the checkpoint that it is to go on from")
        for execution in paused:
            execution.resume()
        return (await paused[-1].joined()).result

    def _checkpoint(self, execution: Execution) -> dict[str, Any]:
        value = taken(execution)
        counts = {"done": value["done"], "total": value["total"], "finished": len(value["finished"])}
        execution.tell("workflow_checkpoint", self._name, counts)
        return value

    def _never_run(self, what: str) -> ArgumentError:
        return ArgumentError(f"workflow {self._name!r} has not been run: there is nothing to be {what}")

    @method()
    def cancel(self) -> bool:
        """Ends its runs: steps under way are cancelled, and who waits gets an error of type `workflow_cancelled`.
        Gives whether there was one."""
        running = list(self._executions)
        for execution in running:
            execution.cancel()
        return bool(running)

    # -- what it is ----------------------------------------------------------------------------------------------

    @method()
    def workflow_type(self) -> str:
        """`sequential`, `parallel`, `conditional`, `loop`, `map_reduce` or `pipeline`."""
        return self.definition.root.type

    @method(result=list[StepInfo])
    def steps(self) -> list[dict[str, Any]]:
        """Its steps in the order they are written: name, path, type and output."""
        return [
            {"name": step.title, "path": step.path, "type": step.type, "output": step.output}
            for step in self.definition.steps
        ]

    @property
    def facts(self) -> Context:
        """Whose an event or a hook's context is."""
        return {"workflow_id": self._id, "workflow_name": self._name, "workflow_type": self.definition.root.type}


def _progress(status: str, done: int, total: int, executed: int, current: list[str]) -> dict[str, Any]:
    percent = 100.0 if status == "ok" else round(100 * done / total, 1) if total else 0.0
    return {
        "status": status,
        "done": done,
        "total": total,
        "steps_executed": executed,
        "current": current,
        "percent": percent,
    }
