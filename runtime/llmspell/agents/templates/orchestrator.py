"""OrchestratorAgent: divides work among agents, has it done, and brings the results together."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, TypedDict

from llmspell.agents.agent_tool import AgentTool
from llmspell.agents.base import BaseAgent
from llmspell.agents.delegation import Delegation, Strategy
from llmspell.agents.members import Member, Members, members_of, participant
from llmspell.agents.templates.shapes import Assignments
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action, shape_of
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import AgentName
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, LlmspellError
from llmspell.run import Run
from llmspell.tools.tool import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestratorOptions(TemplateOptions):
    agents: Members | None = None
    """Whom it coordinates: agents, tools, workflows or names of agents, as a list or by name. Each is a tool of it."""
    delegation_strategy: Strategy = "model"
    """Who is given a task that names nobody: `round_robin`, `skill_based`, `least_busy`, `model`, or a function of
    (task, agents) that gives a name."""


class Job(TypedDict):
    agent: str
    status: str
    """`running`, `completed` or `failed`."""


class JobResult(TypedDict):
    agent: str
    result: Any
    job: str


@exposed(
    options=OrchestratorOptions,
    positional=("system_prompt",),
    example="local team = { researcher = ResearchAgent.new(), writer = WriterAgent.new() }\n"
    "local boss = OrchestratorAgent.new{ agents = team }\nprint(boss:coordinate('An article on Lua'))",
)
class OrchestratorAgent(TemplateAgent):
    """Coordinates agents. `chat` lets its model call them as tools; `delegate` gives one task to one of them;
    `coordinate` plans, has every task done at once, and brings the results together."""

    type_name = "orchestrator_agent"
    template = "orchestrator"
    options: OrchestratorOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> OrchestratorAgent:
        return cls(run, OrchestratorOptions(**options), script_class)

    def __init__(self, run: Run, options: OrchestratorOptions, script_class: ScriptClass | None) -> None:
        members = members_of(run, options.agents, "agents")
        self._delegation = Delegation(self, options.delegation_strategy, lambda: self, option="agents")
        self._jobs: dict[str, Job] = {}
        super().__init__(run, options, script_class)
        for name, member in members.items():
            self.add_agent(name, member)

    def change_options(self, changes: dict[str, Any]) -> None:
        super().change_options(changes)
        self._delegation.strategy = self.options.delegation_strategy

    def values(self) -> dict[str, Any]:
        return {"agents": self._delegation.described()}

    @property
    @prop()
    def agents(self) -> list[str]:
        """The names of the agents it coordinates."""
        return list(self._delegation.workers)

    @property
    @prop()
    def active_jobs(self) -> dict[str, Job]:
        """What it has given out, by the number of the job: `agent` and `status`."""
        return self._jobs

    @method(errors=("invalid_argument",), example='boss:add_agent("reviewer", ReviewAgent.new())')
    def add_agent(self, name: str, agent: Member) -> None:
        """One more agent to coordinate; it becomes a tool of this one too."""
        if name in self._delegation.workers:
            raise ArgumentError(f"{self._name} already has an agent {name!r}", hint="give it another name")
        member = participant(self.run, agent)
        self.add_tool(member if isinstance(member, Tool) else self._as_tool(name, member))
        self._delegation.add(name, member)
        self._refresh()

    def _as_tool(self, name: str, agent: BaseAgent) -> Tool:
        spelled = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64]
        skills = ", ".join(agent.capabilities())
        description = f"Ask the agent {name}" + (f", who can do this: {skills}" if skills else "")
        return AgentTool.create(self.run, {"agent": agent, "name": spelled, "description": description}, None)

    # -- jobs ----------------------------------------------------------------------------------------------------

    @method(errors=("invalid_argument",))
    async def select_agents(self, input: Any) -> list[str]:
        """Who should handle an input: the one that the strategy picks."""
        return [await self._delegation.choose(input)]

    @method()
    def generate_job_id(self) -> str:
        """A number for a job: `job-1`, `job-2`, …"""
        return f"job-{len(self._jobs) + 1}"

    @method(errors=("timeout", "rate_limit", "invalid_argument"))
    async def execute_single_agent(self, name: AgentName, input: Any = None) -> Any:
        """Has one agent work on an input; gives its value."""
        return (await self._job(name, input))["result"]

    @method(
        errors=("timeout", "rate_limit", "invalid_argument"),
        example='boss:execute_multi_agent({ "researcher", "writer" }, "Lua")',
    )
    async def execute_multi_agent(self, names: list[str], input: Any = None) -> Any:
        """Has several agents work on the same input at once; gives what `aggregate_results` makes of it."""
        return self.aggregate_results(await self._at_once([(name, input) for name in names]))

    @method()
    def aggregate_results(self, results: list[JobResult]) -> dict[str, Any]:
        """The results of jobs, by the name of the agent."""
        return {found["agent"]: found["result"] for found in results}

    # -- actions -------------------------------------------------------------------------------------------------

    @action()
    async def plan(self, goal: Any = None) -> Assignments:
        """Divides a goal into a task for each agent that is needed. Nothing is done yet."""
        shape = shape_of(type(self), "plan") or {}
        return await self.follow("plan", goal, shape=_naming(shape, self.agents), tools=False)

    @action('local done = boss:delegate("Find three sources")', asks=False)
    async def delegate(self, task: Any = None) -> Any:
        """Gives a task to the agent that the strategy picks; gives what that one made of it."""
        [name] = await self.select_agents(task)
        return await self.execute_single_agent(name, task)

    @action("print(boss:coordinate('An article on Lua'))", asks=False)
    async def coordinate(self, goal: Any = None) -> str:
        """Plans, has every task done at once, and brings the results together into one answer."""
        plan: Assignments = await self.plan(goal)
        tasks = [(each["agent"], each["task"]) for each in plan["tasks"]]
        tasks = tasks or [(name, goal) for name in await self.select_agents(goal)]
        results = await self._at_once(tasks)
        return await self.synthesize({"goal": goal, "results": results})

    @action()
    async def synthesize(self, results: Any = None) -> str:
        """Brings the results of several agents together into one answer."""
        return await self.follow("synthesize", results, tools=False)

    async def _at_once(self, tasks: list[tuple[str, Any]]) -> list[JobResult]:
        under_way = [self.run.spawn(self._job(name, task)) for name, task in tasks]
        try:
            return list(await asyncio.gather(*under_way))
        except BaseException:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            raise

    async def _job(self, name: str, input: Any) -> JobResult:
        worker = self._delegation.worker(name)
        job = self.generate_job_id()
        self._jobs[job] = {"agent": name, "status": "running"}
        try:
            output = await self._delegation.give(worker, input)
        except (LlmspellError, asyncio.CancelledError):
            self._jobs[job]["status"] = "failed"
            raise
        self._jobs[job]["status"] = "completed"
        return {"agent": name, "result": output.value, "job": job}


def _naming(shape: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The plan's shape in which only agents that there are can be named."""
    if not names:
        return shape
    tasks = shape["properties"]["tasks"]
    task = tasks["items"]
    agent = {**task["properties"]["agent"], "enum": names}
    narrowed = {**task, "properties": {**task["properties"], "agent": agent}}
    return {**shape, "properties": {**shape["properties"], "tasks": {**tasks, "items": narrowed}}}
