"""One turn of a conversation: ask the model, run the tools it wants, tell it what came back, until it answers.

Tool calls of one answer run at once. What goes wrong in a call (bad arguments, an unknown tool, a refusal, a veto)
becomes a tool message that the model can mend, unless the agent says `tool_errors = "fail"`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from llmspell.agents.model_call import Asked, Asker, ask_model
from llmspell.agents.model_hooks import shown_usage
from llmspell.agents.texts import as_json
from llmspell.errors import ArgumentError, LlmspellError, SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.hooks.table import FINAL
from llmspell.providers.base import Completion, Message, Provider, Request, ToolCall
from llmspell.run import Run
from llmspell.security.schemas import ForeignChecker
from llmspell.tools import pipeline
from llmspell.tools.tool import Tool


class TurnLimitError(LlmspellError):
    """The model went on calling tools past `max_turns`."""

    kind = "max_turns"


@dataclass(slots=True)
class Turn:
    """A turn under way. messages: what it added to the conversation; calls: each with its result or error."""

    prompt: str
    messages: list[Message] = field(default_factory=list[Message])
    calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    content: str = ""
    data: Any = None
    usage: dict[str, Any] = field(default_factory=dict[str, Any])


@frozen
class Rules:
    """How a turn is held. tools: by name; caller: who calls them; max_turns: requests at most; checker: of what the
    answer must fit."""

    tools: dict[str, Tool]
    caller: pipeline.Caller
    max_turns: int
    tool_errors: Literal["return", "fail"]
    checker: ForeignChecker | None


async def converse(asker: Asker, provider: Provider, request: Request, rules: Rules, turn: Turn) -> None:
    """Holds the turn and fills it in. request: the history, and last the user's message."""
    *history, user = request.messages
    turn.messages.append(user)
    repaired = False
    for number in range(1, rules.max_turns + 1):
        whole = request if number == 1 else replace(request, messages=(*history, *turn.messages))
        sent, completion = await ask_model(asker, provider, Asked(whole, number, turn.prompt, len(history)))
        if sent is not whole:
            _keep_prompt(turn, sent, len(history))
        _count(turn, completion)
        turn.messages.append(Message("assistant", completion.content, tool_calls=completion.tool_calls))
        if completion.tool_calls:
            turn.messages.extend(await _run_tools(completion.tool_calls, rules, turn, asker.run))
            continue
        turn.content = completion.content
        problem = None if rules.checker is None else _fits(turn, rules.checker)
        if problem is None:
            return
        if repaired or number == rules.max_turns:
            raise SchemaError(
                f"the model's answer does not fit the schema: {problem}",
                hint="simplify the schema or ask a more capable model",
                data={"answer": completion.content[:2000]},
            )
        repaired = True
        text = f"That does not fit the JSON Schema: {problem}. Answer again with the corrected JSON alone."
        turn.messages.append(Message("user", text))
    raise TurnLimitError(
        f"the model still wants tools after {rules.max_turns} requests", hint="raise max_turns, or give it fewer tools"
    )


def _keep_prompt(turn: Turn, sent: Request, at: int) -> None:
    """History keeps the user's message as hooks left it."""
    kept = next((message for message in sent.messages[at:] if message.role == "user"), None)
    if kept is not None:
        turn.messages[0] = kept


def _count(turn: Turn, completion: Completion) -> None:
    for key, value in shown_usage(completion).items():
        if value is not None:
            turn.usage[key] = turn.usage.get(key, 0) + value
    turn.usage.setdefault("cost", None)


async def _run_tools(calls: tuple[ToolCall, ...], rules: Rules, turn: Turn, run: Run) -> list[Message]:
    """All of them at once; the messages are in the order of the calls."""
    tasks = [run.spawn(_run_tool(call, rules)) for call in calls]
    try:
        results = await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    for call, (shown, _) in zip(calls, results, strict=True):
        turn.calls.append({"id": call.id, "name": call.name, "arguments": call.arguments, **shown})
    return [message for _, message in results]


async def _run_tool(call: ToolCall, rules: Rules) -> tuple[dict[str, Any], Message]:
    try:
        tool = rules.tools.get(call.name)
        if tool is None:
            known = ", ".join(rules.tools) or "none"
            raise ToolError(f"there is no tool named {call.name!r}; the tools are: {known}")
        if isinstance(call.arguments, str):
            raise SchemaError(f"the arguments are not a JSON object: {call.arguments[:200]}")
        with tool.run.takes(rules.tool_errors != "fail"):
            output = await pipeline.call(tool, call.arguments, replace(rules.caller, call_id=call.id))
    except FINAL:
        raise
    except LlmspellError as error:
        if rules.tool_errors == "fail":
            raise
        text = f"Error ({error.type}): {error.message}" + (f" ({error.hint})" if error.hint else "")
        return {"error": error.message}, Message("tool", text, tool_call_id=call.id, is_error=True)
    return {"result": output.content}, Message("tool", as_message(output.content), tool_call_id=call.id)


def as_message(content: Any) -> str:
    """A tool's content as a model reads it: text as it is, anything else as JSON."""
    return content if isinstance(content, str) else as_json(content)


def _fits(turn: Turn, checker: ForeignChecker) -> str | None:
    """Parses the answer into `turn.data`; says what is wrong with it, or None."""
    try:
        value = json.loads(_without_fence(turn.content))
    except RecursionError:
        return "it nests too deeply"
    except ValueError as error:
        return f"it is not JSON ({error})"
    try:
        turn.data = checker.take(value, "the answer")
    except ArgumentError as error:
        return error.message
    return None


def _without_fence(text: str) -> str:
    """Models like to wrap JSON in a Markdown fence."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        return stripped.partition("\n")[2].rpartition("```")[0]
    return stripped
