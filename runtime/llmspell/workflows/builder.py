"""Workflows built by a Python program, with the semantics of those that scripts write.

    from llmspell import Runtime
    from llmspell.workflows import DynamicWorkflowBuilder

    flow = (
        DynamicWorkflowBuilder("essay")
        .agent("writer", system_prompt="You write short essays.")
        .step(agent="writer", action="draft", output="draft")
        .conditional(lambda context: len(context.get("draft")) > 500, {"agent": "writer", "action": "shorten"})
        .build()
    )
    async with Runtime() as runtime:
        result = await runtime.run_workflow(flow, {"topic": "tides"})

Steps are dicts with the fields of a script's steps, or functions of (value, context); functions may be `async`. What is
wrong is said by `build`, before anything runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, Protocol, Self

from llmspell.api.registry import registry
from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.run import Run
from llmspell.workflows.checks import check_places
from llmspell.workflows.context import WorkflowContext
from llmspell.workflows.definition import Definition
from llmspell.workflows.reading import Reader

_WHERE = "DynamicWorkflowBuilder"


class Condition(Protocol):
    """Says of a context whether something is so: which branch to take."""

    def __call__(self, context: WorkflowContext, /) -> bool | Awaitable[bool]: ...


class LoopCondition(Protocol):
    """Says whether a loop goes round again; `context.iteration` counts from 0."""

    def __call__(self, context: WorkflowContext, /) -> bool | Awaitable[bool]: ...


class OutputAggregator(Protocol):
    """Makes one value of the results of steps that were done at once, in their order."""

    def __call__(self, results: list[Any], /) -> Any: ...


class LoopHandler(Protocol):
    """How a loop goes on, and how often at most."""

    @property
    def condition(self) -> LoopCondition: ...

    @property
    def max_iterations(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AdaptiveLoopHandler:
    """A loop that goes on while a condition holds, so many times at most."""

    condition: LoopCondition
    max_iterations: int


StepLike = Mapping[str, Any] | Callable[..., Any]
Branch = StepLike | Sequence[StepLike]


@frozen
class BuiltWorkflow:
    """A workflow that any run can be given. definition: it as a plain value; agents: the options of those it brings
    along, by name; inside: workflows that are steps of it."""

    name: str
    definition: Definition
    reader: Reader
    options: dict[str, Any]
    agents: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    inside: tuple[BuiltWorkflow, ...] = ()

    def install(self, run: Run) -> None:
        """Makes its agents and itself objects of a run, found by their names."""
        from llmspell.agents.agent import Agent  # the providers, 15 ms, which building does not need
        from llmspell.workflows.workflow import Workflow

        for name, options in self.agents.items():
            Agent.create(run, {"name": name, **options}, None)
        for each in self.inside:
            each.install(run)
        Workflow(run, self.definition, self.reader, self.options)


class DynamicWorkflowBuilder:
    """Adds steps one after the other; `build` checks them and gives the workflow. Every method gives the builder."""

    def __init__(
        self,
        name: str = "workflow",
        *,
        timeout: float | None = None,
        on_error: Literal["fail", "continue"] | None = None,
    ) -> None:
        """timeout: milliseconds a run may take. on_error: what a failed step does, unless it says so itself."""
        self._name = name
        self._options = {"name": name, "timeout": timeout, "on_error": on_error}
        self._steps: list[Any] = []
        self._agents: dict[str, dict[str, Any]] = {}
        self._inside: list[BuiltWorkflow] = []

    def agent(self, name: str, **options: Any) -> Self:
        """An agent that steps may name, with the options of `Agent.new`. Raises ArgumentError for a wrong one."""
        checker = registry().options("Agent")
        assert checker is not None
        self._agents[name] = checker.take(options, f"{_WHERE}.agent")
        return self

    def step(self, work: StepLike | None = None, /, **fields: Any) -> Self:
        """A step: a dict or its fields (`agent`, `tool`, `run`, `workflow`, `input`, `output`, …), or a function."""
        if callable(work):
            fields = {"run": work, **fields}
        elif work is not None:
            fields = {**work, **fields}
        self._steps.append(self._plain(fields))
        return self

    def conditional(
        self, condition: Condition | str, true_branch: Branch, false_branch: Branch | None = None, **fields: Any
    ) -> Self:
        """One of two branches. A condition may be a reference, `"{{urgent}}"`."""
        branches = {"true_branch": true_branch, "false_branch": false_branch}
        return self.step(type="conditional", condition=condition, **branches, **fields)

    def parallel_fan_out(
        self, steps: Sequence[StepLike], aggregator: OutputAggregator | None = None, **fields: Any
    ) -> Self:
        """Steps at once, all on the same input."""
        return self.step(type="parallel_fan_out", steps=list(steps), aggregator=aggregator, **fields)

    def adaptive_loop(
        self,
        condition: LoopCondition | LoopHandler | str,
        body: Branch,
        max_iterations: int | None = None,
        **fields: Any,
    ) -> Self:
        """A body again and again while the condition holds, `max_iterations` times at most."""
        if isinstance(condition, AdaptiveLoopHandler):
            condition, max_iterations = condition.condition, max_iterations or condition.max_iterations
        more = {"condition": condition, "body": body, "max_iterations": max_iterations}
        return self.step(type="adaptive_loop", **more, **fields)

    def build(self) -> BuiltWorkflow:
        """The workflow. Raises ArgumentError, naming the step."""
        reader = Reader(_WHERE)
        given = {key: value for key, value in self._options.items() if value is not None}
        root = reader.root("sequential", self._name, {**given, "steps": list(self._steps)})
        check_places(root, reader.error)
        frame = inspect.currentframe()
        caller = frame and frame.f_back
        site = f"{PurePath(caller.f_code.co_filename).name}:{caller.f_lineno}" if caller else ""
        return BuiltWorkflow(
            self._name, Definition(self._name, root, site), reader, given, dict(self._agents), tuple(self._inside)
        )

    def _plain(self, value: Any) -> Any:
        """Dicts and lists, with workflows that are steps replaced by their names."""
        match value:
            case BuiltWorkflow():
                self._inside.append(value)
                return value.name
            case Mapping():
                return {str(key): self._plain(item) for key, item in value.items()}
            case list() | tuple():
                return [self._plain(item) for item in value]
            case _ if isinstance(value, str | int | float | bool | None) or callable(value):
                return value
            case _:
                raise ArgumentError(
                    f"{_WHERE}: {value!r:.60} cannot be part of a step", hint="give plain data or functions"
                )


__all__ = [
    "AdaptiveLoopHandler",
    "BuiltWorkflow",
    "Condition",
    "DynamicWorkflowBuilder",
    "LoopCondition",
    "LoopHandler",
    "OutputAggregator",
]
