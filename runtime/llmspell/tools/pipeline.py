"""How a tool is called, whoever calls it: span, hooks, schema check, time limit, recording, audit, size limit.

Knows no agents; who calls is told by a `Caller`.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from llmspell.edits import Edit
from llmspell.errors import CancelledByUser, LlmspellError, SchemaError, TimeoutError, ToolError, fault  # noqa: A004
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.hooks.table import FINAL, Context, Handler, Own, Since
from llmspell.place import Span
from llmspell.run import Run
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.tools.tool import Tool

#: Milliseconds a tool may take, and characters of JSON it may give, unless it says otherwise.
TIMEOUT: Final = 30_000.0
MAX_OUTPUT: Final = 1_000_000
#: Permissions that change nothing.
_LOOKS: Final = frozenset({"read", "env"})


class _CutOff(CancelledByUser):
    """What the audit trail says of a call that was under way when its run, or whoever waited for it, ended."""

    def __init__(self) -> None:
        super().__init__("the call was cut off")


@frozen
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


def context_of(run: Run, key: str = "") -> ToolContext:
    """What a tool may use of a run. key: of the call."""
    identity = run.identity
    noting = run.permissions.noting()
    return ToolContext(noting, identity.project, identity.scratch, run.environ, idempotency_key=key)


async def call(tool: Tool, params: dict[str, Any], caller: Caller) -> ToolOutput:
    """The tool's output. Raises SchemaError, ToolError, PermissionDenied, TimeoutError, or what a hook threw."""
    run = tool.run
    deliver = caller.deliver or run.deliver
    data = {"tool_name": tool.name, "agent_name": caller.agent or "", "params": params}
    facts: Context = {**caller.facts, "tool_name": tool.name, "tool_call_id": caller.call_id}

    def tell(kind: str, name: str, more: dict[str, Any]) -> None:
        deliver(run.note(kind, name, {"agent_name": caller.agent or "", "tool_name": tool.name, **more}))

    own = (caller.hooks, tool.hooks)
    unit = Unit(run, "tool_call", {**facts, "input": params}, tell, caller.agent, tool.name, own)
    with run.spanned("tool_called", "tool_completed", tool.name, data, deliver) as span:
        span.data.update(data)
        output = await unit.attempt(lambda: _attempt(tool, params, caller, facts, unit, span))
        span.data["result"] = output.content
        return output


async def _attempt(
    tool: Tool, params: dict[str, Any], caller: Caller, facts: Context, unit: Unit, span: Span
) -> ToolOutput:
    """One attempt, from `before_tool_call` to `after_tool_call`. A call refused before it runs is audited too."""
    asking = _Asking(tool, caller)
    context: Context = {**facts, "params": params}
    try:
        context = await asking.tool("before_execute", await asking.agent("before_tool_call", context))
        checked = span.data["params"] = tool.checker.check_params(context["params"], tool.name)
        edit = tool.run.edit
        if edit is not None and edit.span == span.number:
            context, checked = _edited(tool, edit, context, checked, span)
        if tool.run.control is not None and context.get("result") is None:
            checked = span.data["params"] = await _let_through(tool, checked, caller)
    except FINAL:
        raise
    except LlmspellError as error:
        await _recorded_audit(tool, params, caller, error)
        raise
    unit.context = {**context, "input": checked}
    if (given := context.pop("result", None)) is None:
        output = await _worked(tool, checked, caller)
        free = span.number in tool.run.effects.free
        if free:
            span.data["from_recording"] = True
        if usage := output.metadata.get("usage"):
            span.data["recorded_usage" if free else "usage"] = usage
    else:
        output, span.data["answered"] = ToolOutput(given), True
        await _recorded_audit(tool, checked, caller, None)
    context = {**context, "params": checked, "output": output.content, "duration": Since(span.started)}
    context = await asking.tool("after_execute", context)
    context = await asking.agent("after_tool_call", {**context, "result": context.pop("output")})
    if context["result"] is not output.content:
        return ToolOutput(context["result"], output.metadata, output.artifacts)
    return output


def _edited(
    tool: Tool, edit: Edit, context: Context, params: dict[str, Any], span: Span
) -> tuple[Context, dict[str, Any]]:
    """The call of a forked run that somebody has edited: with other arguments, or answered."""
    if "arguments" in edit.fields:
        params = tool.checker.check_params(edit.fields["arguments"], tool.name)
    if "answer" in edit.fields:
        context = {**context, "result": edit.fields["answer"]}
    span.data.update(edited=sorted(edit.fields), params=params)
    return context, params


async def _let_through(tool: Tool, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The arguments as whoever controls the run lets them through."""
    gate = tool.run.control
    assert gate is not None

    def check(edited: Any) -> dict[str, Any]:
        return tool.checker.check_params(edited, tool.name)

    return await gate.tool(tool.name, caller.agent or "", params, check)


@frozen
class _Asking:
    """The hooks of one call, skipped where nobody listens."""

    called: Tool
    caller: Caller

    async def agent(self, point: str, context: Context) -> Context:
        own = (self.caller.hooks, self.called.hooks)
        return await self._ask(point, context, own, only_tool=False)

    async def tool(self, point: str, context: Context) -> Context:
        return await self._ask(point, context, (self.called.hooks,), only_tool=True)

    async def _ask(self, point: str, context: Context, own: Own, *, only_tool: bool) -> Context:
        hooks = self.called.run.hooks
        if not hooks.wants(point, own):
            return context
        name = self.called.name
        return await hooks.ask(point, context, agent=self.caller.agent, tool=name, own=own, only_tool=only_tool)


async def _worked(tool: Tool, params: dict[str, Any], caller: Caller) -> ToolOutput:
    """What a script's class made of the tool, else the tool's own work. Audited before anybody is given it."""
    if tool.override is None:
        return await perform(tool, params, caller)
    return await _unrecorded(tool, params, caller, tool.overridden(tool.override, params))


async def perform(tool: Tool, params: dict[str, Any], caller: Caller) -> ToolOutput:
    """The tool's own work, inside its limits; in a replay the recorded result, unless the work is the script's."""
    if not tool.recorded:
        return await _unrecorded(tool, params, caller, tool.perform(params, context_of(tool.run)))

    token = tool.run.effects.token("tool", tool.name, params)

    async def work() -> dict[str, Any]:
        context = context_of(tool.run, token)
        used = context.permissions.used
        try:
            async with asyncio.timeout(tool.timeout / 1000):
                output = _bounded(tool, await own_work(tool, params, context))
        except builtins.TimeoutError:
            error = TimeoutError(f"tool {tool.name} took longer than {tool.timeout:g} ms", retryable=True)
            await _audit(tool, params, caller, error, used)
            raise error from None
        except LlmspellError as error:
            await _audit(tool, params, caller, error, used)
            raise
        except asyncio.CancelledError:
            await _audit(tool, params, caller, _CutOff(), used)
            raise
        except Exception as error:
            await _audit(tool, params, caller, fault(error, f"tool {tool.name}"), used)
            raise
        await _audit(tool, params, caller, None, used)
        told = {"content": output.content, "metadata": output.metadata, "artifacts": list(output.artifacts)}
        return {**told, "used": sorted(used)}

    found = await tool.run.effects.once("tool", tool.name, params, work, _only_looked)
    usage = found["metadata"].get("usage")  # of a model that the tool asked; a replay counts it too
    if usage and tool.run.span.number not in tool.run.effects.free:
        tool.run.count_usage(usage["input_tokens"] + usage.get("output_tokens", 0), usage["cost"])
    return ToolOutput(found["content"], found["metadata"], tuple(found["artifacts"]))


def _only_looked(output: Any) -> bool:
    """Whether a call did nothing but read files and variables."""
    used = output.get("used") if isinstance(output, dict) else None
    return bool(used) and _LOOKS.issuperset(used)


async def own_work(tool: Tool, params: dict[str, Any], context: ToolContext) -> ToolOutput:
    """What the tool gives. Half a character, as JavaScript's texts may hold, is refused whichever library meets it."""
    from llmspell.tools import outside  # 3 ms with what masks secrets, not before a tool is called

    reaches_out = "net" in tool.permissions
    try:
        output = await tool.perform(params, context)
    except LlmspellError as error:
        outside.hide_secrets(error, tool, context)
        raise
    except UnicodeEncodeError as error:
        if not 0xD800 <= ord(error.object[error.start]) <= 0xDFFF:
            raise
        raise SchemaError(
            f"{tool.name}: a text holds half a character (a lone surrogate), which cannot be written as UTF-8",
            hint="leave it out: it is what a text that was cut in the middle of a character ends with",
        ) from None
    except outside.UNREADABLE as error:
        if not reaches_out:
            raise
        raise outside.unreadable(tool, f"{type(error).__name__}: {error}") from error
    if reaches_out:
        outside.checked(tool, output.content)
    return output


async def _unrecorded(tool: Tool, params: dict[str, Any], caller: Caller, work: Awaitable[ToolOutput]) -> ToolOutput:
    """Work that runs again in a replay: the script's own, or an agent's."""
    try:
        async with tool.run.effects.deadline(tool.timeout, f"tool {tool.name}"):
            output = _bounded(tool, await work)
    except FINAL:
        raise
    except LlmspellError as error:
        await _recorded_audit(tool, params, caller, error)
        raise
    except asyncio.CancelledError:  # nothing is let in any more
        await _audit(tool, params, caller, _CutOff())
        raise
    await _recorded_audit(tool, params, caller, None)
    return output


async def _recorded_audit(tool: Tool, params: dict[str, Any], caller: Caller, error: LlmspellError | None) -> None:
    """An audit record outside a recorded effect: waiting for its commit is an input of the run like any other."""

    async def work() -> None:
        await _audit(tool, params, caller, error)

    await tool.run.effects.once("audit", tool.name, None, work)


async def _audit(
    tool: Tool, params: dict[str, Any], caller: Caller, error: LlmspellError | None, used: Iterable[str] = ()
) -> None:
    """used: the permissions that the work asked for and had."""
    identity = tool.run.identity
    await tool.run.journal.audit(
        "tool_call",
        tool=tool.name,
        params=params,
        result="success" if error is None else f"{error.type}: {error.message}",
        agent_id=caller.facts.get("agent_id", ""),
        user_id=caller.facts.get("user_id", identity.user),
        session_id=identity.session,
        permissions=" ".join(sorted(used)),
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
