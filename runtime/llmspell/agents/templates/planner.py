"""PlannerAgent: from a goal to the tasks that lead there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from llmspell.agents.templates.shapes import Plan, PlanStep, Priority, ResearchPlan
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerOptions(TemplateOptions):
    max_steps: Annotated[int, Bounds(ge=1, le=100)] = 10
    """How many steps a plan has at most."""
    constraints: list[str] | None = None
    """What every plan has to respect."""


@exposed(
    options=PlannerOptions,
    positional=("system_prompt",),
    example="local planner = PlannerAgent.new{ max_steps = 5 }\n"
    'for _, step in ipairs(planner:plan("Move the shop to a new server").steps) do print(step.task) end',
)
class PlannerAgent(TemplateAgent):
    """Takes a goal apart into tasks: their order, what depends on what, what could go wrong."""

    type_name = "planner_agent"
    template = "planner"
    options: PlannerOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> PlannerAgent:
        return cls(run, PlannerOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        return {"max_steps": self.options.max_steps, "constraints": self.options.constraints or []}

    @action('local plan = planner:plan("Move the shop to a new server")')
    async def plan(self, goal: Any = None) -> Plan:
        """A plan for a goal: steps, their order, risks."""
        return await self.follow("plan", goal)

    @action()
    async def decompose(self, task: Any = None) -> list[PlanStep]:
        """A task as smaller tasks."""
        return await self.follow("decompose", task)

    @action()
    async def plan_research(self, topic: Any = None) -> ResearchPlan:
        """What research on a topic has to answer, and what to look for where."""
        return await self.follow("plan_research", topic)

    @action()
    async def prioritize(self, tasks: Any = None) -> list[Priority]:
        """Tasks in the order in which to do them."""
        return await self.follow("prioritize", tasks)
