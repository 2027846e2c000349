"""Who does a workflow's steps: the agents, tools and workflows that fill the holes of its definition, or have the names
that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell.agents.base import BaseAgent
from llmspell.agents.directory import Directory
from llmspell.errors import ArgumentError
from llmspell.tools.builtin import named
from llmspell.tools.tool import Tool
from llmspell.workflows.definition import Hole, Step

if TYPE_CHECKING:
    from llmspell.workflows.workflow import Workflow


class Staff:
    """Of one workflow."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._builtin: dict[str, Tool] = {}

    def agent_of(self, step: Step) -> BaseAgent:
        """Its state is from now on found in the workflow's, below `children`. Raises ArgumentError for a name that no
        agent has."""
        workflow = self._workflow
        if isinstance(step.work, Hole):
            found: BaseAgent = workflow.holes[step.work.path]
        else:
            found = workflow.run.service(Directory, Directory.of).get(str(step.work))
        workflow.live_state.adopt(found.name, found.live_state)
        return found

    def workflow_of(self, step: Step) -> Workflow:
        from llmspell.workflows.workflow import Workflow  # which has a staff

        found = self.agent_of(step)
        if not isinstance(found, Workflow):
            raise ArgumentError(f"{self._workflow.name}: {step.path}: {step.work!r} is an agent and no workflow")
        return found

    def tool_of(self, step: Step) -> Tool:
        """Built-in tools that steps name are made once a workflow."""
        workflow = self._workflow
        if isinstance(step.work, Hole):
            return workflow.holes[step.work.path]
        name = str(step.work)
        found = next((tool for tool in workflow.tools if tool.name == name), None) or self._builtin.get(name)
        if found is None:
            found = self._builtin[name] = named(workflow.run, name)
        return found

    def check(self, inside: tuple[Workflow, ...] = ()) -> None:
        """Raises ArgumentError for a name that no agent has, and for workflows that name each other in a circle."""
        from llmspell.workflows.workflow import Workflow  # which has a staff

        workflow = self._workflow
        if workflow in inside:
            circle = " -> ".join(each.name for each in (*inside[inside.index(workflow) :], workflow))
            raise ArgumentError(f"workflows are steps of each other: {circle}", source=workflow.site)
        for step in workflow.definition.root.inner():
            if step.type not in ("agent", "workflow"):
                continue
            try:
                found = self.workflow_of(step) if step.type == "workflow" else self.agent_of(step)
            except ArgumentError as error:
                message = f"{workflow.name}: {workflow.reader.at(step.path)}{error.message}"
                raise ArgumentError(message, hint=error.hint, source=workflow.site) from None
            if isinstance(found, Workflow):
                found.staff.check((*inside, workflow))
