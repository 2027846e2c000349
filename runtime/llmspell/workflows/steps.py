"""One step: whether it is done, what it is given, its span, hooks, tries and time limit, what a failure comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from llmspell.agents.base import BaseAgent
from llmspell.agents.execution import value_of
from llmspell.agents.model_call import pause
from llmspell.agents.steps import params_of
from llmspell.errors import ArgumentError, LlmspellError
from llmspell.hooks.table import FINAL, Context, Since
from llmspell.place import Span
from llmspell.tools import pipeline as tools_pipeline
from llmspell.unit import Unit
from llmspell.workflows import flows
from llmspell.workflows.commits import Commits
from llmspell.workflows.context import Scope
from llmspell.workflows.definition import Hole, Step
from llmspell.workflows.kept import Done
from llmspell.workflows.references import resolved

if TYPE_CHECKING:
    from llmspell.workflows.execution import Execution

Give = Callable[[Any], Awaitable[None]]

#: Steps whose `condition` is not about whether they are done at all.
_CONDITIONED = ("loop", "conditional")


async def do(execution: Execution, step: Step, scope: Scope, previous: Any, give: Give | None = None) -> Any:
    """Does a step and gives its value; where it is not done, what came before. previous: the value of the step before.

    give: takes the pieces of a streamed answer as they come. Raises what made it fail, unless it says to go on.
    """
    value = await _done(execution, step, scope, previous, give)
    if await execution.run.service(Commits, Commits).commit():
        told = {"step_name": step.title, "step_path": step.path}
        execution.tell("checkpoint_saved", step.title, told)
    return value


async def _done(execution: Execution, step: Step, scope: Scope, previous: Any, give: Give | None) -> Any:
    await execution.pace.turn()
    key = scope.key(step.path)
    if execution.past.finished and (past := execution.past.finished.pop(key, None)) is not None:
        return _restored(execution, step, scope, past)
    try:
        if step.condition is not None and step.type not in _CONDITIONED:
            with execution.run.at(execution.workflow.site):

                async def holds() -> bool:
                    return await execution.holds(step.condition, scope, previous)

                wanted = await execution.decided(scope, step.path, "condition", holds)
            if not wanted:
                execution.tell("workflow_step_skipped", step.title, _facts(execution, step))
                scope.absent(step)
                scope.results[step.index] = previous
                scope.kept.finish(key, Done(previous, skipped=True))
                execution.ended(step, "skipped")
                return previous
        with execution.run.takes(step.on_error not in ("", "fail")):
            return await _Doing(execution, step, scope, previous, give).done()
    except FINAL:
        raise
    except LlmspellError as error:
        error.data.setdefault("workflow", execution.workflow.name)
        error.data.setdefault("step", step.title)
        if step.on_error in ("", "fail"):
            raise
        with execution.run.at(execution.workflow.site):
            value = None if step.on_error == "continue" else await execution.template(step.fallback, scope)
            told = {"on_error": step.on_error, "error": error.to_value(), "output": value}
            execution.tell("workflow_step_recovered", step.title, {**_facts(execution, step), **told})
        execution.keep(step, scope, value)
        scope.kept.finish(key, Done(value))
        execution.ended(step, "error", error.message)
        return value


def _restored(execution: Execution, step: Step, scope: Scope, past: Done) -> Any:
    """The value of a step that was over before the checkpoint."""
    value = past.value
    if past.skipped:
        scope.results[step.index] = value
    else:
        for name in (step.name, step.output):
            if name and scope.variable(name) is None:
                scope.set(name, value)
        scope.results[step.index] = scope.ledger.final = value
    scope.absent(step)
    scope.kept.finish(scope.key(step.path), past)
    told = {**_facts(execution, step), "step_path": step.path, "output": value}
    execution.tell("workflow_step_restored", step.title, told)
    execution.ended(step, "restored")
    return value


class _Doing:
    """A step being done."""

    def __init__(self, execution: Execution, step: Step, scope: Scope, previous: Any, give: Give | None) -> None:
        self._execution = execution
        self._step = step
        self._scope = scope
        self._previous = previous
        self._give = give
        self._given = False
        self._tried_before = False

    async def done(self) -> Any:
        execution, step, run = self._execution, self._step, self._execution.run
        workflow = execution.workflow
        facts = _facts(execution, step)
        with run.at(workflow.site), execution.pace.at_work:
            data = {**facts, "step_path": step.path, **self._place(), **self._known_input()}
            unit = Unit(
                run,
                "step",
                {**workflow.facts, **facts, "input": self._previous},
                execution.tell,
                workflow.name,
                own=(workflow.hooks,),
                repeatable=lambda: not self._given,
            )
            kinds = ("workflow_step_started", "workflow_step_completed")
            with (
                run.spanned(*kinds, step.title, data, workflow.deliver) as span,
                execution.under_way(step, span),
            ):
                span.data.update(facts)
                value = span.data["output"] = await unit.attempt(lambda: self._tried(unit, span))
                execution.keep(step, self._scope, value)
                if step.on_output is not None:
                    await execution.call(step.on_output, value, self._scope.context)
            self._scope.kept.finish(self._scope.key(step.path), Done(value))
            record = execution.ended(step, "ok")
            record["duration"] = round(span.ended - span.started, 3)
        return value

    def _place(self) -> dict[str, Any]:
        """Which time through a loop, which item of a map."""
        scope = self._scope
        return {name: own[name] for name in ("iteration", "index") if (own := scope.variable(name)) is not None}

    def _known_input(self) -> dict[str, Any]:
        """The step's input for its first event, where it is known before anything is done."""
        step = self._step
        if step.parts or isinstance(step.input, Hole) or step.input_transform is not None:
            return {}
        if not step.has_input:
            return {} if step.has_params else {"input": self._previous}
        try:
            return {"input": resolved(step.input, self._scope.look)}
        except ArgumentError:
            return {}

    # -- trying --------------------------------------------------------------------------------------------------

    async def _tried(self, unit: Unit, span: Span) -> Any:
        """The value, after as many tries as the step allows."""
        count, step = 0, self._step
        while True:
            try:
                with self._execution.run.takes(count < step.retries and not self._given):
                    return await self._once(unit, span)
            except FINAL:
                raise
            except ArgumentError:  # it would be as wrong the next time
                raise
            except LlmspellError as error:
                if count >= step.retries or self._given:
                    raise
                count += 1
                delay = pause(error, count) if error.retryable else error.retry_after or 0.0
                delay = await unit.announce_retry(error, count, delay)
                if delay > 0:
                    await self._execution.run.effects.sleep(delay)

    async def _once(self, unit: Unit, span: Span) -> Any:
        execution, step, scope = self._execution, self._step, self._scope
        workflow, hooks = execution.workflow, execution.run.hooks
        own = (workflow.hooks,)
        if self._tried_before:
            scope.kept.forget(scope.key(step.path))
        self._tried_before = True
        async with execution.run.effects.deadline(step.timeout, f"step {step.title}"):
            given = await self._known_or_found()
            context: Context = {**workflow.facts, **_facts(execution, step), "step_input": given}
            if hooks.wants("before_workflow_step", own):
                context = await hooks.ask("before_workflow_step", context, agent=workflow.name, own=own)
                given = context["step_input"]
            unit.context = {**context, "input": given}
            value = value_of(await work(execution, step, scope, given, self._pieces))
        if hooks.wants("after_workflow_step", own):
            asked = {**context, "step_output": value, "duration": Since(span.started)}
            value = (await hooks.ask("after_workflow_step", asked, agent=workflow.name, own=own))["step_output"]
        return value

    async def _known_or_found(self) -> Any:
        """The input. What steps inside have made of it so far goes with the input as it was found then."""
        step = self._step
        if (step.parts or step.type == "workflow") and (step.has_input or step.input_transform is not None):
            return await self._execution.decided(self._scope, step.path, "input", self._input)
        return await self._input()

    async def _input(self) -> Any:
        execution, step, scope = self._execution, self._step, self._scope
        if step.has_input:
            given = await execution.template(step.input, scope)
        elif step.has_params and step.input_transform is None:
            given = None  # a tool's arguments are all in its params
        else:
            given = self._previous
        if step.input_transform is not None:
            given = await execution.call(step.input_transform, given, scope.context)
        return given

    @property
    def _pieces(self) -> Give | None:
        give = self._give
        if give is None:
            return None

        async def give_out(piece: Any) -> None:
            self._given = True
            with self._execution.pace.handed_on:
                await give(piece)

        return give_out


async def work(execution: Execution, step: Step, scope: Scope, given: Any, give: Give | None) -> Any:
    """What a step's agent, tool, function, workflow, or the steps inside it make of an input."""
    workflow = execution.workflow
    match step.type:
        case "agent":
            return await _ask(workflow.staff.agent_of(step), execution.text(step.action, scope), given, give)
        case "tool":
            tool = workflow.staff.tool_of(step)
            more = {"action": execution.text(step.action, scope)} if step.action else {}
            if step.has_params:
                more["params"] = await execution.template(step.params, scope)
            output = await tools_pipeline.call(tool, params_of(tool, more, given), workflow.caller({}))
            return output.content
        case "function":
            assert isinstance(step.work, Hole)
            return await execution.call(step.work, given, scope.context)
        case "workflow":
            with execution.pace.handed_on:
                return await execution.nested(workflow.staff.workflow_of(step), step, scope, given)
        case _:
            kept = scope.kept.begun(scope.key(step.path))
            with execution.pace.handed_on:
                return await flows.flow(execution, step, scope.inner(kept), given)


async def _ask(agent: BaseAgent, action: str, given: Any, give: Give | None) -> Any:
    from llmspell.agents.agent import Agent  # the conversation, which no other agent needs

    if give is not None and isinstance(agent, Agent) and not agent.knows(action):
        from llmspell.agents.texts import text_of

        whole: list[str] = []
        instruction = agent.actions.get(action, action)
        text = "\n\n".join(part for part in (instruction, text_of(given)) if part)
        async for piece in agent.stream_chat(text):
            whole.append(piece)
            await give(piece)
        return "".join(whole)
    if action:
        return await agent.act(action, given)
    return await agent.value(given)


def _facts(execution: Execution, step: Step) -> dict[str, Any]:
    return {
        "workflow_name": execution.workflow.name,
        "step_name": step.title,
        "step_index": step.index,
        "step_type": step.type,
    }
