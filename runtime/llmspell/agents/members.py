"""Those who take part in an agent made of several: agents, tools, workflows (which are agents), or names of agents.

Asked all in one way, they all answer with an `AgentOutput`. Knows nothing of how they are put together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmspell.agents.agent_tool import AgentTool
from llmspell.agents.base import BaseAgent
from llmspell.agents.directory import Directory
from llmspell.agents.steps import params_of
from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.callback import Callback
from llmspell.api.kinds import AgentName
from llmspell.errors import ArgumentError
from llmspell.run import Run
from llmspell.tools import pipeline
from llmspell.tools.tool import Tool

Member = BaseAgent | Tool | AgentName
Members = list[Member] | dict[str, Member]
Participant = BaseAgent | Tool


def members_of(run: Run, given: Members | None, where: str) -> dict[str, Participant]:
    """The members by name: of a list by their own names, of a table by its keys, sorted.

    Raises ArgumentError where there are none, where two have one name, or where no agent has a given name.
    """
    if isinstance(given, dict):
        return {name: participant(run, given[name]) for name in sorted(given)}
    found: dict[str, Participant] = {}
    for each in given or ():
        member = participant(run, each)
        if member.name in found:
            hint = "give them names of their own, or each a key instead of a list"
            raise ArgumentError(f"{where}: two are called {member.name!r}", hint=hint)
        found[member.name] = member
    return found


def participant(run: Run, member: Member) -> Participant:
    """The agent or tool itself. Raises ArgumentError for a name that no agent has."""
    return run.service(Directory, Directory.of).get(member) if isinstance(member, str) else member


async def ask(member: Participant, input: Any, caller: pipeline.Caller) -> AgentOutput:
    """What a member makes of an input. caller: who calls, where it is a tool."""
    if isinstance(member, AgentTool):
        content: Any = (await pipeline.call(member, _message(input), caller)).content
        return as_output(content["response"] if isinstance(content, dict) else content, member.name)
    if isinstance(member, Tool):
        params = params_of(member, {}, _for_tool(member, input))
        return as_output((await pipeline.call(member, params, caller)).content, member.name)
    output = await member.execute(input)
    while isinstance(output, Callback):
        output = await output()
    return as_output(output, member.name)


def as_output(value: Any, name: str) -> AgentOutput:
    if isinstance(value, AgentOutput):
        return value
    return AgentOutput(text_of(value), None if isinstance(value, str) else value, agent=name)


def joined(value: Any, parts: Iterable[AgentOutput], name: str) -> AgentOutput:
    """A value as the output of an agent, with the tokens and the cost of all that led to it."""
    usage: dict[str, Any] = {}
    for part in parts:
        for key, count in part.usage.items():
            if count is not None:
                usage[key] = usage.get(key, 0) + count
    usage = {"cost": None, **usage} if usage else usage
    return AgentOutput(
        text_of(value), None if isinstance(value, str) else value, [], usage, usage.get("cost"), 0.0, name
    )


def skills_of(member: Participant) -> list[str]:
    """Words for what a member can do."""
    return member.capabilities() if isinstance(member, BaseAgent) else [member.name, member.description]


def _for_tool(tool: Tool, input: Any) -> Any:
    """An input as a tool takes it: of a message to agents, its words."""
    value = input.value if isinstance(input, AgentOutput) else input
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        known: dict[str, Any] = tool.parameters.get("properties", {})
        if not known.keys() & value.keys():
            return value["message"]
    return value


def _message(input: Any) -> dict[str, Any]:
    value = input.value if isinstance(input, AgentOutput) else input
    context = {key: each for key, each in value.items() if key != "message"} if isinstance(value, dict) else {}
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return {"message": value["message"], **({"context": context} if context else {})}
    return {"message": text_of(value)}
