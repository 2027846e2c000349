"""How a tool is called, whoever calls it: span, hooks, schema check, time limit, recording, audit, size limit.

Knows no agents; who calls is told by a `Caller`.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import LlmspellError, TimeoutError, ToolError
from llmspell.events.event import Event
from llmspell.hooks.table import Context, Handler, Since
from llmspell.run import Run, Span
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.tools.tool import Tool

#: Milliseconds a tool may take, and characters of JSON it may give, unless it says otherwise.
TIMEOUT: Final = 30_000.0
MAX_OUTPUT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a tool. facts: `agent_id`, `agent_name`, `agent_type` of an agent; hooks: its own handlers;
    deliver: tells its listeners of an event; call_id: the model's number of the call."""

    agent: str | None = None
    facts: Context = field(default_factory=dict[str, Any])
    hooks: Mapping[str, Handler] = field(default_factory=dict[str, Handler])
    deliver: Callable[[Event], None] | None = None
    call_id: str = ""


#: The script itself.
SCRIPT: Final = Caller()


def context_of(run: Run) -> ToolContext:
    """What a tool may use of a run."""
    return ToolContext(run.permissions, run.identity.project, run.identity.scratch, run.environ)


async def call(tool: Tool, params: dict[str, Any], caller: Caller) -> ToolOutput:
    """The tool's output. Raises SchemaError, ToolError, PermissionDenied, TimeoutError, or what a hook threw."""
    run = tool.run
    data = {"tool_name": tool.name, "agent_name": caller.agent or "", "params": params}
    facts: Context = {**caller.facts, "tool_name": tool.name, "tool_call_id": caller.call_id}

    def tell(kind: str, name: str, more: dict[str, Any]) -> object:
        event = run.note(kind, name, more)
        (caller.deliver or run.deliver)(event)
        return event

    unit = Unit(run, "tool_call", facts, tell, caller.agent, tool.name, {**caller.hooks, **tool.hooks})
    with run.spanned("tool_called", "tool_completed", tool.name, data, caller.deliver) as span:
        span.data.update(tool_name=tool.name, agent_name=caller.agent or "", params=params)
        output = await unit.attempt(lambda: _once(tool, params, caller, facts, span))
        span.data["result"] = output.content
        return output


async def _once(tool: Tool, params: dict[str, Any], caller: Caller, facts: Context, span: Span) -> ToolOutput:
    run = tool.run
    context: Context = {**facts, "params": params}
    ask_agent = partial(run.hooks.ask, agent=caller.agent, tool=tool.name, own=caller.hooks)
    ask_tool = partial(run.hooks.ask, agent=caller.agent, tool=tool.name, own=tool.hooks, only_tool=True)
    context = await ask_tool("before_execute", await ask_agent("before_tool_call", context))
    checked = tool.checker.check_params(context["params"], tool.name)
    if checked != params:
        span.data["params"] = checked
    output = await _performed(tool, checked, caller)
    context = {**context, "params": checked, "output": output.content, "duration": Since(span.started)}
    context = await ask_tool("after_execute", context)
    context = await ask_agent("after_tool_call", {**context, "result": context["output"]})
    if context["result"] is not output.content:
        return ToolOutput(context["result"], output.metadata, output.artifacts)
    return output


async def _performed(tool: Tool, params: dict[str, Any], caller: Caller) -> ToolOutput:
    if not tool.recorded or tool.scripted:
        async with tool.run.effects.deadline(tool.timeout, f"tool {tool.name}"):
            output = await tool.overridden(params) or await tool.perform(params, context_of(tool.run))
            return _bounded(tool, output)

    async def perform() -> dict[str, Any]:
        try:
            async with asyncio.timeout(tool.timeout / 1000):
                output = _bounded(tool, await tool.perform(params, context_of(tool.run)))
        except builtins.TimeoutError:
            error: LlmspellError = TimeoutError(
                f"tool {tool.name} took longer than {tool.timeout:g} ms", retryable=True
            )
            await _audit(tool, params, caller, error)
            raise error from None
        except LlmspellError as error:
            await _audit(tool, params, caller, error)
            raise
        await _audit(tool, params, caller, None)
        return {"content": output.content, "metadata": output.metadata, "artifacts": list(output.artifacts)}

    found = await tool.run.effects.once("tool", tool.name, params, perform)
    return ToolOutput(found["content"], found["metadata"], tuple(found["artifacts"]))


async def _audit(tool: Tool, params: dict[str, Any], caller: Caller, error: LlmspellError | None) -> None:
    identity = tool.run.identity
    await tool.run.journal.audit(
        "tool_call",
        tool=tool.name,
        params=params,
        result="success" if error is None else f"{error.type}: {error.message}",
        agent_id=caller.facts.get("agent_id", ""),
        user_id=identity.user,
        session_id=identity.session,
    )


def _bounded(tool: Tool, output: ToolOutput) -> ToolOutput:
    size = _size(output.content, tool.max_output)
    if size > tool.max_output:
        raise ToolError(
            f"tool {tool.name} gave more than {tool.max_output} characters",
            hint="ask for less at a time, or raise the tool's max_output",
        )
    return output


def _size(value: Any, enough: int) -> int:
    """About how many characters of JSON a value is; stops counting a little past `enough`."""
    match value:
        case str() | bytes():
            return len(value) + 2
        case list():
            total = 2
            for item in value:
                total += _size(item, enough) + 1
                if total > enough:
                    break
            return total
        case dict():
            total = 2
            for key, item in value.items():
                total += len(str(key)) + 4 + _size(item, enough)
                if total > enough:
                    break
            return total
        case _:
            return 8
