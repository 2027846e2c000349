"""One run of a workflow: its span, hooks and events, how far it is, pausing and cancelling, what came of each step.

`steps` does a step, `flows` and `pipeline` what is inside one. `Execution.ended` is the one place where it is noted
that a step is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from llmspell.agents.execution import shown_input, value_of
from llmspell.errors import ArgumentError, LimitError, LlmspellError, ScriptError
from llmspell.hooks.table import Context, Since, in_workflow
from llmspell.place import Span
from llmspell.unit import Unit
from llmspell.workflows import flows, steps
from llmspell.workflows.checkpoint import Past
from llmspell.workflows.checks import check_names
from llmspell.workflows.context import Ledger, Scope
from llmspell.workflows.definition import Hole, Part, Step
from llmspell.workflows.functions import called, truthy
from llmspell.workflows.kept import Kept, decision
from llmspell.workflows.pausing import Pace
from llmspell.workflows.references import resolved, shown
from llmspell.workflows.usage import Meter, Usage

if TYPE_CHECKING:
    from llmspell.workflows.workflow import Workflow

Status = Literal["ready", "running", "paused", "ok", "error", "cancelled"]
Give = Callable[[Any], Awaitable[None]]

#: Workflows inside workflows, deeper than which they must be calling themselves.
_DEEPEST: Final = 32
#: Steps that `metadata` lists.
_RECORDED: Final = 1000

_around: ContextVar[tuple[Execution, ...]] = ContextVar("llmspell_workflows_around", default=())


@dataclass(slots=True)
class Progress:
    """How far a run is. done, total: steps of the workflow itself that are over, and how many there will be (0: nobody
    knows); executed: all steps that were done, those
    inside others too; current: the titles of steps under way, by their span."""

    status: Status = "ready"
    done: int = 0
    total: int = 0
    executed: int = 0
    skipped: int = 0
    failed: int = 0
    current: dict[int, str] = field(default_factory=dict[int, str])
    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    result: Any
    outputs: dict[str, Any]
    metadata: dict[str, Any]
    steps_executed: int
    duration: float
    usage: dict[str, Any]


class Execution:
    """One run of a workflow. emit: takes what a pipeline gives as it comes, where somebody reads along."""

    def __init__(self, workflow: Workflow, input: Any, give: Give | None = None, past: Past | None = None) -> None:
        """past: what it goes on from."""
        self.workflow = workflow
        self.run = workflow.run
        self.give = give
        self.past = past or Past()
        self.progress = Progress()
        self.input = input
        self.id = ""
        self.scope: Scope | None = None
        self.pace = Pace(tuple(each.pace for each in _around.get()))
        self._goes_on = past is not None
        self._cancelled = False
        self._task: asyncio.Task[Outcome] | None = None

    # -- its life ------------------------------------------------------------------------------------------------

    async def outcome(self) -> Outcome:
        """Runs the workflow to its end. Raises what ended it."""
        self._task = self.run.spawn(self._whole())
        try:
            return await self._task
        except asyncio.CancelledError:
            if self._cancelled and self._task.cancelled():
                raise self._ended_early() from None
            raise

    async def joined(self) -> Outcome:
        """What it comes to, for one more who waits for it. Raises what ended it."""
        assert self._task is not None
        if self in _around.get():
            message = f"workflow {self.workflow.name!r} cannot be waited for from inside one of its steps"
            raise ScriptError(message, hint="the step would wait for itself: resume it from beside the workflow")
        await asyncio.wait((self._task,))
        if self._task.cancelled():
            raise self._ended_early()
        return self._task.result()

    def _ended_early(self) -> ScriptError:
        return ScriptError(f"workflow {self.workflow.name!r} was cancelled", type="workflow_cancelled")

    @property
    def paused(self) -> bool:
        return self.progress.status == "paused"

    async def pause(self) -> None:
        """No further step begins; those under way are waited for, but for the one that asks."""
        if self.progress.status in ("ready", "running"):
            self.progress.status = "paused"
            self.pace.stop()
            self.tell("workflow_paused", "", {"done": self.progress.done})
        await self.pace.stilled(lambda: self.run.effects.once("pause", self.workflow.name, None, _nothing))

    def resume(self) -> None:
        if self.paused:
            self.progress.status = "running"
            self.pace.go()
            self.tell("workflow_resumed", "", {"done": self.progress.done})

    def cancel(self) -> None:
        """Ends it; whoever waits for it gets an error of type `workflow_cancelled`."""
        if self._task is not None and not self._task.done():
            self._cancelled = True
            self._task.cancel()

    # -- the whole -----------------------------------------------------------------------------------------------

    async def _whole(self) -> Outcome:
        workflow, run = self.workflow, self.run
        around = _around.get()
        if len(around) >= _DEEPEST:
            raise LimitError(f"workflows are {_DEEPEST} deep inside each other", limit="depth", source=workflow.site)
        _around.set((*around, self))
        data = {**workflow.facts, "input": shown_input(self.input)}
        facts: Context = {**workflow.facts, "input": self.input}
        unit = Unit(run, "workflow", facts, self.tell, workflow.name, own=(workflow.hooks,))
        meter = run.service(Meter, Meter)
        with (
            in_workflow(workflow.name),
            run.spanned("workflow_started", "workflow_completed", workflow.name, data, workflow.deliver) as span,
            meter.counting(span.number) as usage,
            self.pace.at_work,
        ):
            self.id = f"{run.identity.run_id}/{span.number}"
            span.actor = f"workflow:{workflow.name}"
            span.data.update(workflow.facts)
            try:
                value = await unit.attempt(lambda: self._attempt(unit, span, usage))
                self.progress.status = "ok"
            except asyncio.CancelledError:
                self.progress.status = "cancelled"
                raise
            except LlmspellError as error:
                self.progress.status = "error"
                error.source = error.source or workflow.site
                raise
            finally:
                self.pace.go()
                span.data.update(usage=usage.to_value(), steps_executed=self.progress.executed)
            span.data["output"] = value
        duration = round(span.ended - span.started, 3)
        return Outcome(value, self.outputs(), self.metadata(), self.progress.executed, duration, usage.to_value())

    async def _attempt(self, unit: Unit, span: Span, usage: Usage) -> Any:
        workflow, hooks = self.workflow, self.run.hooks
        own = (workflow.hooks,)
        context: Context = {**workflow.facts, "input": self.input}
        if hooks.wants("before_workflow", own):
            context = await hooks.ask("before_workflow", context, agent=workflow.name, own=own)
            unit.context = context
        given = context["input"]
        self.progress = Progress("paused" if self.pace.paused else "running", total=len(workflow.own_paths))
        ledger = Ledger(given, self.run.params, self.metadata, self._changed)
        if self.scope is not None:
            self.past = Past()  # it is tried again, from its beginning
        self.scope = scope = Scope(ledger)
        scope.values.update(self.past.context)
        if self._goes_on:
            self._goes_on = False
            self.tell("workflow_resumed", "", {"done": 0, "finished": len(self.past.finished)})
        with self.run.at(workflow.site):
            workflow.staff.check()
            check_names(workflow.definition, given, self.refused)
        root = workflow.definition.root
        async with self.run.effects.deadline(workflow.timeout, f"workflow {workflow.name}"):
            with self.pace.handed_on:
                value = await flows.flow(self, root, scope, given)
        if hooks.wants("after_workflow", own):
            asked = {
                **context,
                "output": value,
                "duration": Since(span.started),
                "token_usage": usage.to_value(),
            }
            value = (await hooks.ask("after_workflow", asked, agent=workflow.name, own=own))["output"]
        return value

    def refused(self, path: str, problem: str) -> ArgumentError:
        """An error at a step's path."""
        where = f"{self.workflow.name}: {self.workflow.reader.at(path)}"
        return ArgumentError(f"{where}{problem}", source=self.workflow.site)

    # -- going on from a checkpoint ------------------------------------------------------------------------------

    @property
    def kept(self) -> Kept:
        """What it has done."""
        return Kept() if self.scope is None else self.scope.kept

    async def decided(self, scope: Scope, path: str, name: str, find: Callable[[], Awaitable[Any]]) -> Any:
        """What is found for a step that is not over yet; what was found before the checkpoint it goes on from."""
        key = scope.key(path)
        past = self.past.finished.pop(decision(key, name), None) if self.past.finished else None
        value = await find() if past is None else past.value
        scope.kept.decided.setdefault(key, {})[name] = value
        return value

    def reached(self, key: str, given: Any) -> tuple[int, Any]:
        """How often a loop had been through before the checkpoint, and what it gave then."""
        past = self.past.finished.pop(decision(key, "round"), None)
        match None if past is None else past.value:
            case {"iteration": int(iteration), **rest} if iteration >= 0:
                return iteration, rest.get("value")
            case _:
                return 0, given

    def place(self, step: Step, scope: Scope) -> Scope:
        """A loop's scope, or that of an item of a map, which may have values and variables of its own."""
        key = scope.key(step.path)
        scope.kept.scopes[key] = scope
        if self.past.places:
            self.past.enter(key, scope)
        return scope

    async def nested(self, workflow: Workflow, step: Step, scope: Scope, given: Any) -> Any:
        """The value of a workflow that is a step."""
        key = scope.key(step.path)
        inner = Execution(workflow, given, past=self.past.inside.pop(key, None))
        scope.kept.runs[key] = inner
        return (await workflow.outcome_of(inner)).result

    # -- what steps need of it -----------------------------------------------------------------------------------

    async def step(self, step: Step, scope: Scope, previous: Any) -> Any:
        """Does a step; gives its value, or what stands in its place."""
        return await steps.do(self, step, scope, previous)

    async def part(self, part: Part, scope: Scope, previous: Any) -> Any:
        """The steps of a part in order."""
        inner = scope.inner()
        for step in part.steps:
            previous = await self.step(step, inner, previous)
        return previous

    async def call(self, hole: Hole, *args: Any) -> Any:
        """What the function in a hole gives."""
        with self.pace.at_work:
            return await called(self.workflow.holes[hole.path], *args)

    async def template(self, value: Any, scope: Scope) -> Any:
        """A template's value here: its references replaced, its function called with the context."""
        if isinstance(value, Hole):
            return await self.call(value, scope.context)
        return resolved(value, scope.look)

    def text(self, template: str, scope: Scope) -> str:
        return shown(resolved(template, scope.look))

    async def holds(self, condition: Any, scope: Scope, value: Any) -> bool:
        """Whether a condition does: a function of (context, value), a reference, or true or false itself."""
        if isinstance(condition, Hole):
            return truthy(await self.call(condition, scope.context, value))
        return truthy(value_of(resolved(condition, scope.look)))

    @contextmanager
    def under_way(self, step: Step, span: Span) -> Generator[None]:
        """Meanwhile `progress` names the step."""
        self.progress.current[span.number] = step.title
        try:
            yield
        finally:
            self.progress.current.pop(span.number, None)

    def expect(self, total: int) -> None:
        """How many steps of the workflow itself there will be."""
        self.progress.total = total

    def keep(self, step: Step, scope: Scope, value: Any) -> None:
        """What stands for a step's value from here on."""
        for name in (step.name, step.output):
            if name:
                scope.set(name, value)
        scope.results[step.index] = value
        scope.ledger.final = value

    def ended(self, step: Step, status: str, error: str = "") -> dict[str, Any]:
        """Notes that a step is over; gives the record of it. status: ok, error, skipped, restored."""
        progress = self.progress
        progress.executed += status in ("ok", "error") and not step.parts
        progress.skipped += status == "skipped"
        progress.failed += status == "error"
        record = {"name": step.title, "path": step.path, "type": step.type, "status": status, "duration": 0.0}
        if error:
            record["error"] = error
        if len(progress.records) < _RECORDED:
            progress.records.append(record)
        if step.path in self.workflow.own_paths:
            progress.done += 1
            counts = {"done": progress.done, "total": progress.total}
            self.tell("workflow_progress", step.title, {"step_name": step.title, **counts})
        return record

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> None:
        """An event of this workflow."""
        self.workflow.deliver(self.run.note(kind, name, {"workflow_name": self.workflow.name, **data}))

    def _changed(self, name: str, value: Any) -> None:
        self.tell("context_changed", name, {"key": name, "value": value})

    # -- what is known of it -------------------------------------------------------------------------------------

    def outputs(self) -> dict[str, Any]:
        """What its steps gave: by output, by name, or as `step_2`."""
        scope = self.scope
        if scope is None:
            return {}
        found = {
            step.key: scope.results[step.index]
            for step in self.workflow.definition.steps
            if step.index in scope.results and not (step.output or step.name)
        }
        return {**found, **scope.values}

    def metadata(self) -> dict[str, Any]:
        progress, workflow = self.progress, self.workflow
        return {
            "id": workflow.id,
            "name": workflow.name,
            "type": workflow.definition.root.type,
            "steps": [dict(record) for record in progress.records],
            "skipped": progress.skipped,
            "failed": progress.failed,
        }


def innermost() -> Execution:
    """The run of a workflow that the running task is part of. Raises LookupError outside of any."""
    if not (around := _around.get()):
        raise LookupError("no workflow is running here")
    return around[-1]


async def _nothing() -> None:
    """A pause asks for nothing but its turn, which comes when everything is at rest."""
