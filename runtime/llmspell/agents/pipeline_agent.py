"""PipelineAgent: stages one after the other, each given what the one before it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from llmspell.agents.agent import Agent
from llmspell.agents.base import BaseAgent, BaseAgentOptions
from llmspell.agents.handoff import carry
from llmspell.agents.members import Member, Participant, as_output, ask, joined, participant
from llmspell.agents.texts import AgentOutput
from llmspell.api.callback import Callback
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import Takes
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.hooks.table import Context
from llmspell.run import Run
from llmspell.tools import pipeline


class PipelineStage(TypedDict, total=False):
    agent: Member
    """Who does it: an agent, a tool, a workflow or the name of an agent."""
    action: str
    """The agent's action, or an instruction; without it the agent executes its input."""
    transformer: Annotated[Callback, Takes(value=Any, input=Any, result=Any)]
    """Makes the next stage's input of this one's value: a function of (value, input)."""
    name: str
    """What the trace calls it; the agent's name unless given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineAgentOptions(BaseAgentOptions):
    stages: Sequence[PipelineStage | Member] | None = None
    """What is done, in order: agents themselves, or tables of `agent`, `action` and `transformer`."""


@frozen
class _Stage:
    name: str
    member: Participant
    action: str
    transformer: Callback | None


@exposed(
    options=PipelineAgentOptions,
    example="local line = PipelineAgent.new{ stages = { researcher, { agent = writer, action = 'draft' } } }\n"
    "print(line:process('hash tables'))",
)
class PipelineAgent(BaseAgent):
    """Agents in a row, as one agent: each is given what the one before it made, perhaps through a function. What a
    StateHandoff names between two of them is handed over as well."""

    type_name = "pipeline_agent"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> PipelineAgent:
        return cls(run, PipelineAgentOptions(**options), script_class)

    def __init__(self, run: Run, options: PipelineAgentOptions, script_class: ScriptClass | None) -> None:
        """Raises ArgumentError where a stage is not one, or there is none."""
        self._stages = [_stage(run, stage, number) for number, stage in enumerate(options.stages or (), 1)]
        if not self._stages:
            raise ArgumentError("missing 'stages'", hint="list the agents in their order")
        super().__init__(run, options, script_class)

    @property
    @prop()
    def stages(self) -> list[str]:
        """The names of the stages, in order."""
        return [stage.name for stage in self._stages]

    @method(errors=("timeout", "rate_limit", "tool"), example="local text = line:process('hash tables')")
    async def process(self, input: Any = None) -> Any:
        """What the last stage makes of an input: `execute`, giving the value alone."""
        return await self.value(input)

    async def work(self, input: Any, message: str, context: Context) -> AgentOutput:
        caller, outputs = self.caller(context), list[AgentOutput]()
        value = input
        for number, stage in enumerate(self._stages, 1):
            if number > 1:
                await _hand_over(self._stages[number - 2].member, stage.member)
            output = await _done(stage, value, caller)
            outputs.append(output)
            value = output.value if stage.transformer is None else await stage.transformer(output.value, value)
            self.tell("stage_completed", stage.name, {"stage": number, "worker": stage.name, "output": value})
        return joined(value, outputs, self._name)


def _stage(run: Run, given: PipelineStage | Member, number: int) -> _Stage:
    if not isinstance(given, dict):
        member = participant(run, given)
        return _Stage(member.name, member, "", None)
    where = f"stage {number}"
    if "agent" not in given:
        hint = "a stage has an `agent`, and may have an `action` and a `transformer`"
        raise ArgumentError(f"{where}: missing 'agent'", hint=hint)
    member, action = participant(run, given["agent"]), given.get("action", "")
    if action and not isinstance(member, Agent):
        hint = "leave out the action, or use an Agent, which asks a model"
        raise ArgumentError(f"{where}: {member.name!r} has no actions", hint=hint)
    return _Stage(given.get("name") or member.name, member, action, given.get("transformer"))


async def _hand_over(before: Participant, after: Participant) -> None:
    if isinstance(before, BaseAgent) and isinstance(after, BaseAgent):
        await carry(before, after)


async def _done(stage: _Stage, input: Any, caller: pipeline.Caller) -> AgentOutput:
    if stage.action and isinstance(stage.member, Agent):
        return as_output(await stage.member.act(stage.action, input), stage.member.name)
    return await ask(stage.member, input, caller)
