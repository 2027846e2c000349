"""One place where a name changes its case: the registry's snake_case and JavaScript's camelCase.

`llm` is the one acronym: lower case at the start (`llmCallCompleted`), `LLM` inside (`beforeLLMCall`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Longer ones are no slips of the pen; to compare a megabyte with a few names would hold the loop for a second.
_LONGEST = 100

_WORD = re.compile(r"LLM(?=[A-Z]|$)|[A-Z]?[a-z0-9]+|[A-Z]+(?=[A-Z]|$)")


def camel(name: str) -> str:
    """`before_llm_call` -> `beforeLLMCall`, `agent_id` -> `agentId`; a name without `_` stays as it is."""
    first, *rest = name.split("_")
    if not first:  # a leading underscore is part of the name
        return name
    return first + "".join("LLM" if word == "llm" else word[:1].upper() + word[1:] for word in rest)


def pascal(name: str) -> str:
    """`llm_call` -> `LLMCall`: a name for a type."""
    return camel(f"x_{name}")[1:]


def snake(name: str) -> str:
    """`beforeLLMCall` -> `before_llm_call`, `tool:called` -> `tool_called`, `file-system` -> `file_system`."""
    spaced = name.replace(":", "_").replace("-", "_").replace(".", "_")
    parts = spaced.split("_")
    return "_".join(part if part == part.lower() else "_".join(_WORD.findall(part)).lower() for part in parts)


def language_name(name: str, language: str) -> str:
    """A registry name as a language shows it."""
    return camel(name) if language == "javascript" else name


def near(text: str, known: Iterable[str], count: int = 1) -> list[str]:
    """The known names that `text` may have been meant for, the likeliest first: for "did you mean …?"."""
    if len(text) > _LONGEST:
        return []
    from difflib import get_close_matches  # 1 ms, for errors only

    return get_close_matches(text, list(known), n=count)
