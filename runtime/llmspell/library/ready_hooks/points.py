"""What several built-in hooks have in common: the points they watch, and what of a context is worth telling."""

from __future__ import annotations

from typing import Any, Final

from llmspell.errors import LlmspellError
from llmspell.hooks.table import Context

#: What is watched unless the script says otherwise: the end of each unit, and failures.
ENDS: Final = ("after_execute", "after_llm_call", "after_tool_call", "on_error")

#: Fields of a context that are short, and not what people or models wrote.
_FACTS: Final = ("agent_name", "provider", "model", "tool_name", "turn", "unit", "finish_reason", "duration")
_CONTENT: Final = ("message", "prompt", "params", "response", "output", "result", "step_input", "step_output", "value")


def facts(context: Context, *, content: bool = False) -> dict[str, Any]:
    """What there is to say of a context. content: also what was said."""
    found = {key: context[key] for key in _FACTS if context.get(key) is not None}
    usage = context.get("token_usage")
    if isinstance(usage, dict):
        found |= {name: usage[key] for key, name in (("total", "tokens"), ("cost", "cost")) if usage.get(key)}
    error = context.get("error")
    if isinstance(error, LlmspellError):
        found |= {"error": error.message, "error_type": error.type}
    if content:
        found |= {key: context[key] for key in _CONTENT if context.get(key) is not None}
    return found
