"""One execution of an agent: the span, events, hooks, errors and retries around its work, whatever the work is.

Knows neither models nor scripts: the work is a function of the input, its text, and the fields that hooks added.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from llmspell.agents.beginning import Beginning
from llmspell.agents.texts import AgentOutput, text_of, with_words
from llmspell.events.event import Event
from llmspell.hooks.table import Context, Handler, Since
from llmspell.place import Span
from llmspell.run import Run
from llmspell.unit import Unit

Work = Callable[[Any, str, Context], Awaitable[Any]]
"""Takes the input and its text as hooks left them, and the fields that hooks added."""


class Executor(Protocol):
    """What an execution needs of its agent."""

    run: Run
    agent_type: str
    hooks: Mapping[str, Handler]
    scope: Literal["agent", "workflow"]
    beginning: Beginning | None

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> Context:
        """`agent_id`, `agent_name`, `agent_type`."""
        ...

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> Event: ...

    def deliver(self, event: Event) -> None: ...


async def let_through(agent: Executor, input: Any) -> None:
    """Returns when whoever controls the run lets the agent begin. To be called before it waits for its turn."""
    gate = agent.run.control
    if gate is not None:
        about = {"agent_name": agent.name, "agent_type": agent.agent_type, "input": shown_input(input)}
        await gate.reached("agent", (agent.name,), about)


async def execute(
    agent: Executor, input: Any, work: Work, repeatable: Callable[[], bool] = lambda: True, action: str = ""
) -> Any:
    """What the work gives, as hooks left it. Raises what the work or a hook threw.

    repeatable: whether a failed execution may be tried again. action: the agent's method that it is, if it is one.
    """
    if agent.beginning is not None:
        await agent.beginning.ready()
    facts = agent.identity
    if isinstance(input, dict) and isinstance(user := input.get("user_id"), str):
        facts["user_id"] = user
    shown = shown_input(input)
    context = {**facts, "input": shown}
    unit = Unit(agent.run, "execute", context, agent.tell, agent.name, own=(agent.hooks,), repeatable=repeatable)
    data = {"agent_name": agent.name, "agent_type": agent.agent_type, "input": shown}
    if action:
        data["action"] = action
    with agent.run.spanned("execution_started", "execution_completed", agent.name, data, agent.deliver) as span:
        span.actor = f"{agent.scope}:{agent.name}"
        span.data.update(agent_name=agent.name, agent_type=agent.agent_type)
        output = await unit.attempt(lambda: _attempt(agent, input, unit, {**facts, "input": shown}, work, span))
        span.data["output"] = value_of(output)
        if isinstance(output, AgentOutput):
            span.data["usage"] = output.usage
    return replace(output, duration=round(span.ended - span.started, 3)) if isinstance(output, AgentOutput) else output


async def _attempt(agent: Executor, input: Any, unit: Unit, facts: Context, work: Work, span: Span) -> Any:
    hooks, own = agent.run.hooks, (agent.hooks,)
    given, message, context = input, text_of(input), facts
    if hooks.wants("before_execute", own):
        before = {**facts, "message": message}
        context = await hooks.ask("before_execute", before, agent=agent.name, own=own)
        given, message = _as_changed(input, before, context)
        unit.context = context
    output = await work(given, message, added(context))
    if hooks.wants("after_execute", own):
        shown = value_of(output)
        asked = {**context, "message": message, "output": shown, "duration": Since(span.started), **_figures(output)}
        changed = await hooks.ask("after_execute", asked, agent=agent.name, own=own)
        if changed["output"] != shown:
            output = _replaced(output, changed["output"])
    return output


def added(context: Context) -> Context:
    """The fields that hooks of the execution added: they live on in the calls inside it."""
    return {key: value for key, value in context.items() if key not in _KNOWN}


_KNOWN = frozenset({"agent_id", "agent_name", "agent_type", "input", "message"})


def shown_input(input: Any) -> Any:
    """An input as handlers and listeners find it: a table, text under `message`."""
    match input:
        case str():
            return {"message": input}
        case AgentOutput():
            return {"message": input.text}
        case _:
            return input


def _as_changed(input: Any, before: Context, after: Context) -> tuple[Any, str]:
    """The input and its text, as handlers left them: a changed `message` wins over a changed `input`."""
    given, shown = input, after["input"]
    if shown != before["input"]:
        is_text = isinstance(input, str | AgentOutput) and isinstance(shown, dict) and set(shown) == {"message"}
        given = shown["message"] if is_text else shown
    if after["message"] != before["message"]:
        message = text_of(after["message"])
        return with_words(given, message), message
    return given, text_of(given)


def value_of(output: Any) -> Any:
    """An output as the next one wants it: the structured answer, else the text; another work's value is itself."""
    return output.value if isinstance(output, AgentOutput) else output


def _figures(output: Any) -> Context:
    if isinstance(output, AgentOutput):
        return {"tool_calls": output.tool_calls, "token_usage": output.usage}
    return {"tool_calls": [], "token_usage": {}}


def _replaced(output: Any, value: Any) -> Any:
    if not isinstance(output, AgentOutput):
        return value
    return replace(output, content=text_of(value), data=None if isinstance(value, str) else value)
