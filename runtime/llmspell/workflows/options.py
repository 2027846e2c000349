"""What workflows and their steps are made with, as scripts write it, and the shapes that they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from llmspell.agents.base import BaseAgent, BaseAgentOptions
from llmspell.api.bounds import Count, Milliseconds, Times
from llmspell.api.callback import Callback
from llmspell.api.kinds import AgentName, Shape, Takes, ToolName, WorkflowName
from llmspell.tools.tool import Tool
from llmspell.workflows.context import WorkflowContext

Aggregator = Annotated[Callback, Takes(results=list[Any], context=WorkflowContext)]
Condition = Annotated[Callback, Takes(context=WorkflowContext, value=Any)]
Reduction = Annotated[Callback, Takes(results=list[Any], context=WorkflowContext)]
Reaction = Annotated[Callback, Takes(value=Any, context=WorkflowContext)]
Work = Annotated[Callback, Takes(value=Any, context=WorkflowContext)]
Input = Annotated[Callback, Takes(context=WorkflowContext)]


class RoleStep(TypedDict, total=False):
    agent: AgentName | BaseAgent
    """The agent: itself, its name, or `local://name`."""
    role: str
    """What it is asked to be or do, as a method of the agent or in words: `technical_analysis`."""
    action: str
    """Like `role`, which it goes before."""
    input: Any
    """What it is given; the step's own input where it is left out."""
    output: str
    """The name that its value has from then on."""
    name: str
    """What the trace calls it."""


class WorkflowStep(TypedDict, total=False):
    name: str
    """What the trace calls it; also a name for its value."""
    type: Literal[
        "agent",
        "tool",
        "function",
        "workflow",
        "sequential",
        "parallel",
        "parallel_fan_out",
        "conditional",
        "loop",
        "adaptive_loop",
        "map_reduce",
        "pipeline",
    ]
    """What kind of step it is, where its other fields do not say so."""
    agent: AgentName | BaseAgent
    """The agent that does it: itself, its name, or `local://name`."""
    action: str
    """What the agent is to do: one of its methods, or an instruction in words. For a tool, its `operation`."""
    role: str
    """Like `action`."""
    tool: ToolName | Tool
    """The tool that does it: itself, or the name of one that is built in."""
    params: dict[str, Any]
    """The tool's arguments, a template."""
    run: Work
    """A function of (value, context) that does it."""
    workflow: WorkflowName | BaseAgent
    """The workflow that does it: itself or its name."""
    input: Any
    """What it is given: text or a table with references such as `{{notes}}`, or a function of the context. Without it
    the value of the step before; the first one gets the run's input."""
    input_transform: Annotated[Callback, Takes(previous=Any, context=WorkflowContext)]
    """A function of (input, context) that gives the input to use."""
    output: str
    """The name that its value has from then on."""
    on_output: Reaction
    """A function of (value, context), called with what the step gave."""
    condition: Condition | str | bool
    """Whether to do it: a function of (context, value) or a reference. For a loop, how long to go on; for a
    conditional, which branch to take."""
    on_error: Literal["fail", "continue", "fallback"]
    """What a failure does: fail the workflow, go on with nil, or go on with `fallback_output`."""
    fallback_output: Any
    """The value in place of a failed step's, a template."""
    retries: Times
    """How often to try again when it fails."""
    timeout: Milliseconds
    """Milliseconds it may take, each time it is tried."""
    steps: list[Any]
    """The steps inside: in order, or for a parallel at once."""
    agents: list[RoleStep | BaseAgent | str]
    """For a parallel: agents that all work on the step's input, each in its role."""
    aggregator: Aggregator
    """Makes one value of the results: a function of (results, context)."""
    concurrency: Count
    """How many at once."""
    true_branch: Any
    """For a conditional: a step, a list of steps, or a function of (value, context)."""
    false_branch: Any
    """Likewise, where the condition does not hold."""
    branches: list[Any]
    """For a conditional: `{condition, steps}` each; the first whose condition holds is taken."""
    default: Any
    """The branch where no condition holds."""
    body: Any
    """For a loop: a step, a list of steps, or a function of (value, context)."""
    over: Any
    """For a loop: the items to go through, a list or a reference; `{{item}}` and `{{index}}` name the present one."""
    max_iterations: Count
    """For a loop: how often at most."""
    items: Any
    """For a map_reduce: a list, a reference or a function; without it the input."""
    map: Any
    """For a map_reduce: what is done with each item: a step, a list of steps, or a function of (item, context)."""
    reduce: Any
    """For a map_reduce: what is done with the list of results."""
    chunk: Count
    """For a map_reduce: how many items go together."""
    stages: list[Any]
    """For a pipeline: the stages that items flow through."""
    buffer: Count
    """For a pipeline: how many items may wait before each stage."""
    transformer: Work
    """For a stage: a function of (value, context) that makes what the next stage gets; nil drops the item."""
    stream: bool
    """For a stage with an agent: each piece of its answer goes on as it comes."""


#: A step's table is described once, in the options of `Workflow.new`; whoever reads a workflow checks each by it.
AnyStep = Annotated[dict[str, Any], Shape("WorkflowStep")] | Callback | BaseAgent | Tool
Steps = list[AnyStep]
Branch = AnyStep | Steps


class ConditionalBranch(TypedDict, total=False):
    condition: Condition | str | bool
    """Whether it is taken: a function of (context, value) or a reference."""
    steps: Branch
    """What is done then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowOptions(BaseAgentOptions):
    timeout: Milliseconds | None = None
    """Milliseconds that a run of it may take."""
    on_error: Literal["fail", "continue"] | None = None
    """What a failed step does, unless it says so itself: fail the workflow, or go on with nil."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOptions(WorkflowOptions):
    steps: list[WorkflowStep | Callback | BaseAgent | Tool]
    """What it does, in order: tables, each with an agent, a tool, a function (`run`), a workflow, or steps inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsOptions(WorkflowOptions):
    steps: Steps
    """What it does, in order: tables, each with an agent, a tool, a function (`run`), a workflow, or steps inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelOptions(WorkflowOptions):
    steps: Steps
    """What it does at once."""
    concurrency: Count | None = None
    """How many at once; all unless given."""
    aggregator: Aggregator | None = None
    """Makes one value of the results: a function of (results, context). Without it the value is their list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalOptions(WorkflowOptions):
    condition: Condition | str | bool | None = None
    """Which branch to take: a function of (context, value) or a reference."""
    true_branch: Branch | None = None
    """What is done where the condition holds: a step, a list of steps, or a function of (value, context)."""
    false_branch: Branch | None = None
    """What is done otherwise."""
    branches: list[ConditionalBranch] | None = None
    """Several branches; the first whose condition holds is taken."""
    default: Branch | None = None
    """The branch where no condition holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions(WorkflowOptions):
    body: Branch
    """What is repeated: a step, a list of steps, or a function of (value, context)."""
    condition: Condition | str | bool | None = None
    """How long: asked before each time. `context.iteration` counts from 0."""
    max_iterations: Count | None = None
    """How often at most; 100 unless given, with a warning."""
    over: Any = None
    """The items to go through, instead: a list, a reference or a function; the value is the list of results."""
    aggregator: Aggregator | None = None
    """With `over`: makes one value of the results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapReduceOptions(WorkflowOptions):
    items: Any = None
    """A list, a reference or a function of the context; without it the input."""
    map: Branch
    """What is done with each item: a step, a list of steps, or a function of (item, context)."""
    reduce: Branch | None = None
    """What is done with the list of results. Without it the value is that list."""
    concurrency: Count | None = None
    """How many at once; 8 unless given."""
    chunk: Count | None = None
    """How many items go together, as a list; one by one unless given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions(WorkflowOptions):
    stages: Steps
    """What each item flows through: `{agent | tool | run, transformer}`. All stages work at once."""
    buffer: Count | None = None
    """How many items may wait before each stage; 8 unless given. A stage that is full holds up those before it."""
    aggregator: Aggregator | None = None
    """Makes one value of the results."""


class WorkflowUsage(TypedDict):
    input_tokens: int
    output_tokens: int
    total: int
    cost: float
    calls: int


class StepRecord(TypedDict, total=False):
    name: str
    path: str
    type: str
    status: str
    """`ok`, `error`, `skipped`, `restored` (from a checkpoint)."""
    duration: float
    error: str


class WorkflowMetadata(TypedDict):
    id: str
    name: str
    type: str
    steps: list[StepRecord]
    """The first 1000 steps that were done or skipped, in the order they ended."""
    skipped: int
    failed: int


class WorkflowOutput(TypedDict):
    result: Any
    outputs: dict[str, Any]
    """What the steps gave, by their outputs' names; those without one by name or as `step_2`."""
    metadata: WorkflowMetadata
    steps_executed: int
    duration: float
    usage: WorkflowUsage
    cost: float


class WorkflowProgress(TypedDict):
    status: str
    """`ready`, `running`, `paused`, `ok`, `error`, `cancelled`."""
    done: int
    """Steps of the workflow itself that are over."""
    total: int
    steps_executed: int
    current: list[str]
    """The names of the steps under way."""
    percent: float


class WorkflowCheckpoint(TypedDict, total=False):
    version: int
    id: str
    """Of the run that it was made of."""
    workflow: str
    definition: str
    """The workflow's hash."""
    steps: dict[str, str]
    """A hash of each step, by path."""
    spell: str
    """The hash of the spell's text."""
    input: Any
    done: int
    total: int
    finished: dict[str, Any]
    """What steps gave, by path and behind `@` which time through a loop or which item, as `{value}`."""
    context: dict[str, Any]
    """The values of the context."""
    places: dict[str, Any]
    """The values of loops and items under way."""
    inside: dict[str, Any]
    """The same of workflows that are steps, under way."""


class RunOptions(TypedDict, total=False):
    checkpoint: Any
    """Goes on from there: what `pause` or `checkpoint` gave."""


class StepInfo(TypedDict):
    name: str
    path: str
    type: str
    output: str
