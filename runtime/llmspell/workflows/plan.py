"""What a run of a workflow would do, before any of it is done: its steps, their prompts as far as they are known, the
agents with their models and tools. Asks nobody anything.

What a step before gives is not known yet: references to it stay as they are written. A function is shown by where the
script handed it over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmspell.agents.base import BaseAgent
from llmspell.agents.texts import text_of
from llmspell.api.names import snake
from llmspell.api.references import Reference, parse
from llmspell.errors import ArgumentError, LlmspellError
from llmspell.workflows.checks import check_names
from llmspell.workflows.context import Ledger, Scope
from llmspell.workflows.definition import Hole, Part, Step
from llmspell.workflows.execution import Execution
from llmspell.workflows.references import shown
from llmspell.workflows.workflow import Workflow

#: Fields of a step that are shown as they are, where they are given.
_PLAIN = ("output", "on_error", "retries", "timeout", "concurrency", "max_iterations", "chunk", "buffer", "stream")


def plan_of(execution: Execution, input: Any) -> dict[str, Any]:
    """The plan of a run that has begun and done nothing yet. Raises ArgumentError for what would fail at once."""
    workflow = execution.workflow
    workflow.staff.check()
    check_names(workflow.definition, input, execution.refused)
    found = _Found()
    plan = _Plan(workflow, input, found).whole(input)
    return {"workflow": plan, "agents": found.agents, "tools": sorted(found.tools), "models": sorted(found.models)}


@dataclass(slots=True)
class _Found:
    """What the steps work with, by name."""

    agents: dict[str, Any] = field(default_factory=dict[str, Any])
    tools: set[str] = field(default_factory=set[str])
    models: set[str] = field(default_factory=set[str])

    def agent(self, agent: BaseAgent) -> None:
        """It, and the agents that are its tools."""
        from llmspell.agents.agent import Agent  # the providers, 15 ms, which are there when an agent is
        from llmspell.agents.agent_tool import AgentTool

        if agent.name in self.agents:
            return
        names = [tool.name for tool in agent.tools]
        told = self.agents[agent.name] = {"type": agent.agent_type, "tools": names}
        self.tools.update(names)
        if isinstance(agent, Agent):
            told["system_prompt"] = agent.system_prompt
            try:
                told["model"] = f"{agent.provider}/{agent.model}"
                self.models.add(told["model"])
            except LlmspellError as error:
                told["trouble"] = error.message
        for tool in agent.tools:
            if isinstance(tool, AgentTool):
                self.agent(tool.agent)


class _Plan:
    """Of one workflow. input: None in one that is a step, whose input is not known."""

    def __init__(self, workflow: Workflow, input: Any, found: _Found, inside: tuple[Workflow, ...] = ()) -> None:
        self._workflow = workflow
        self._found = found
        self._inside = (*inside, workflow)
        self._scope = Scope(Ledger(input, workflow.run.params, dict, lambda name, value: None))
        steps = list(workflow.definition.root.inner())
        self._given_later = {name for step in steps for name in (step.output, step.name) if name}
        self._knows_input = not inside

    def whole(self, input: Any) -> dict[str, Any]:
        root = self._workflow.definition.root
        told = {"name": self._workflow.name, "type": root.type, "source": self._workflow.site, **self._fields(root)}
        if self._knows_input:
            told["input"] = input
        return {**told, **self._parts(root, input if self._knows_input else "{{input}}")}

    def _steps(self, part: Part, before: Any, *, at_once: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for step in part.steps:
            found.append(self._step(step, before))
            if not at_once:
                before = f"{{{{{step.key}}}}}"
        return found

    def _parts(self, step: Step, given: Any) -> dict[str, Any]:
        """The steps inside, by what they are to it. Items are not known one by one."""
        if not step.parts:
            return {}
        if step.type in ("map_reduce", "pipeline") or step.has_items:
            given = "{{item}}"
        parts: list[dict[str, Any]] = []
        for part in step.parts:
            before = "{{results}}" if part.key == "reduce" else given
            told: dict[str, Any] = {"part": part.key, "steps": self._steps(part, before)}
            if part.condition is not None:
                told["condition"] = self._known(part.condition)
            if part.transformer is not None:
                told["transformer"] = self._known(part.transformer)
            parts.append(told)
            if step.type == "pipeline":
                given = f"{{{{{part.steps[0].key}}}}}"
        return {"parts": parts}

    def _step(self, step: Step, before: Any) -> dict[str, Any]:
        told: dict[str, Any] = {"path": step.path, "name": step.title, "type": step.type, **self._fields(step)}
        given = self._known(step.input) if step.has_input else before
        if step.input_transform is not None:
            given = self._known(step.input_transform)
        match step.type:
            case "agent":
                agent = self._workflow.staff.agent_of(step)
                self._found.agent(agent)
                told |= {"agent": agent.name, **self._prompt(agent, step, given)}
            case "tool":
                tool = self._workflow.staff.tool_of(step)
                self._found.tools.add(tool.name)
                params = {"params": self._known(step.params)} if step.has_params else {}
                action = {"action": self._known(step.action)} if step.action else {}
                told |= {"tool": tool.name, **action, **params, "input": given}
            case "function":
                told |= {"function": self._known(step.work), "input": given}
            case "workflow":
                inner = self._workflow.staff.workflow_of(step)
                told |= {"input": given}
                if inner not in self._inside:
                    told["workflow"] = _Plan(inner, None, self._found, self._inside).whole(None)
            case _:
                told |= {"input": given} if step.has_input or step.input_transform is not None else {}
        return {**told, **self._parts(step, given)}

    def _prompt(self, agent: BaseAgent, step: Step, given: Any) -> dict[str, Any]:
        """What the agent is told: an action of its kind by its name, which has a prompt of its own, else in words."""
        from llmspell.agents.agent import Agent

        action = shown(self._known(step.action)) if step.action else ""
        words = given["function"] if _is_function(given) else text_of(given)
        if not action or not isinstance(agent, Agent):
            return {"action": action, "prompt": words} if action else {"prompt": words}
        if agent.knows(action):
            return {"action": action, **_prompt_file(agent, action), "prompt": words}
        instruction = agent.actions.get(action, action)
        return {"action": action, "prompt": "\n\n".join(part for part in (instruction, words) if part)}

    def _fields(self, step: Step) -> dict[str, Any]:
        told = {name: value for name in _PLAIN if (value := getattr(step, name))}
        for name in ("condition", "aggregator", "on_output"):
            if (value := getattr(step, name)) is not None:
                told[name] = self._known(value)
        if step.has_items:
            told["over" if step.type == "loop" else "items"] = self._known(step.items)
        if step.on_error == "fallback":
            told["fallback_output"] = self._known(step.fallback)
        return told

    def _known(self, value: Any) -> Any:
        """A template with what is known put in."""
        match value:
            case Hole(path):
                function = self._workflow.holes[path]
                return {"function": getattr(function, "site", "") or getattr(function, "__qualname__", "a function")}
            case str() if "{{" in value:
                parts = [self._part(part) for part in parse(value)]
                return parts[0] if len(parts) == 1 else "".join(map(shown, parts))
            case dict():
                return {key: self._known(item) for key, item in value.items()}
            case list():
                return [self._known(item) for item in value]
            case _:
                return value

    def _part(self, part: str | Reference) -> Any:
        if isinstance(part, str):
            return part
        try:
            if part.name in self._given_later or not (self._knows_input or part.name == "params"):
                raise ArgumentError("a step gives it")
            return self._scope.look(part)
        except ArgumentError:
            return f"{{{{{part.text}}}}}"


def _prompt_file(agent: BaseAgent, action: str) -> dict[str, str]:
    """What a template's agent puts its input into, where the action asks the model."""
    from llmspell.agents.templates.template import TemplateAgent, actions

    name = snake(action)
    if not isinstance(agent, TemplateAgent) or not actions(type(agent)).get(name):
        return {}
    return {"template": agent.prompt(name).text.strip()}


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"function"}
