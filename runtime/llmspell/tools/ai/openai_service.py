"""The services that speak OpenAI's protocol for pictures and speech: which address, whose key, what they counted."""

from __future__ import annotations

from typing import Any, Final

from llmspell.security.network import Resolver
from llmspell.tools.base import ToolContext
from llmspell.tools.web.credentials import optional_secret, place_of, secret
from llmspell.tools.web.service import Service

_OWN: Final = "https://api.openai.com/v1"
_KEYS: Final = ("OPENAI_API_KEY",)
#: As agents take them, the first that is set.
_ADDRESSES: Final = ("OPENAI_BASE_URL", "OPENAI_API_BASE")


def service_of(
    tool: str,
    base_url: str | None,
    api_key: str | None,
    context: ToolContext,
    milliseconds: float,
    resolver: Resolver,
    max_size: int,
) -> Service:
    """Raises ToolError where there is no key for OpenAI itself; another address may need none."""
    variable = next((name for name in _ADDRESSES if context.environ.get(name)), _ADDRESSES[0])
    place = place_of(tool, base_url, context.environ, variable, _OWN)
    if place.base == _OWN:
        key: str | None = secret(tool, "api_key", api_key, place, context.environ, _KEYS)
    else:
        key = optional_secret(api_key, place, context.environ, _KEYS)
        if key is not None:
            key = secret(tool, "api_key", key, place, context.environ, _KEYS)
    headers = {"accept": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    return Service(tool, place.base, headers, context.permissions, milliseconds, resolver, max_size)


def usage_of(answer: dict[str, Any]) -> dict[str, Any] | None:
    """Tokens that the service counted, where it did. What they cost is not told."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    found = {name: usage.get(name) for name in ("input_tokens", "output_tokens")}
    if not any(isinstance(value, int) for value in found.values()):
        return None
    counted = {name: value if isinstance(value, int) and value >= 0 else 0 for name, value in found.items()}
    return {**counted, "cost": None}
