"""What a tool says after it was outside: a result of the shape that it declares, errors without secrets.

A service may answer anything. Tools read what its makers document; what cannot be read so, or comes out in another
shape, is the service's mistake and told as such. Knows no service.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from llmspell.api.check import Checker
from llmspell.api.registry import registry
from llmspell.errors import ArgumentError, LlmspellError, ToolError
from llmspell.security.masking import MASK, Masker, is_secret_name

if TYPE_CHECKING:
    from llmspell.tools.base import ToolContext
    from llmspell.tools.tool import Tool

#: What reading an answer of another shape fails with.
UNREADABLE: Final = (AttributeError, TypeError, LookupError, ValueError, ArithmeticError)

#: Shorter ones would hide ordinary words.
_LEAST: Final = 6

_CHECKERS: dict[str, Checker] = {}


def checked(tool: Tool, content: Any) -> None:
    """Raises ToolError where a result is not what the tool declares."""
    checker = _CHECKERS.get(tool.name)
    if checker is None:
        checker = _CHECKERS[tool.name] = Checker(registry().tool(tool.name)["result"])
    try:
        checker.take(content, "the result")
    except ArgumentError as error:
        raise unreadable(tool, error.message) from None


def unreadable(tool: Tool, why: str) -> ToolError:
    return ToolError(
        f"{tool.name}: the service answered in another shape than it documents: {why[:300]}",
        hint="check the address of the service",
        retryable=False,
    )


def hide_secrets(error: LlmspellError, tool: Tool, context: ToolContext) -> None:
    """Takes the secrets of the tool's options and of the environment out of an error: a service may repeat them."""
    options = getattr(tool, "options", None)
    given = dataclasses.asdict(options) if dataclasses.is_dataclass(options) and not isinstance(options, type) else {}
    secrets = sorted(set(_secrets(given)), key=len, reverse=True)
    masker = Masker(context.environ)

    def hidden(value: Any) -> Any:
        match value:
            case str():
                for secret in secrets:
                    value = value.replace(secret, MASK)
                return masker.text(value)
            case dict():
                return {hidden(key): hidden(item) for key, item in cast("dict[Any, Any]", value).items()}
            case list():
                return [hidden(item) for item in cast("list[Any]", value)]
            case _:
                return value

    error.message, error.hint, error.data = hidden(error.message), hidden(error.hint), hidden(error.data)
    error.args = (error.message,)


def _secrets(value: Any, *, secret: bool = False) -> Iterator[str]:
    """Texts below keys that are named like secrets, and the last word of each: `Bearer …`."""
    match value:
        case str() if secret:
            yield from (part for part in {value, value.split()[-1] if value.split() else ""} if len(part) >= _LEAST)
        case Mapping():
            for key, item in cast("Mapping[Any, Any]", value).items():
                named = isinstance(key, str) and is_secret_name(key) and not key.endswith(("_env", "_variable"))
                yield from _secrets(item, secret=secret or named)
        case list() | tuple():
            for item in cast("list[Any]", value):
                yield from _secrets(item, secret=secret)
        case _:
            return
