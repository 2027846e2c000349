"""Models by name, with window and prices: what is known of one, and which a service has.

From the runtime's table of litellm's price map, which is text that lines are found in (256 KB; parsing litellm's own
JSON would take 30 ms and 20 MB). Of the services that were asked for, what was read is kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from llmspell_lsp.workspace import providers

if TYPE_CHECKING:
    from llmspell.providers.prices import ModelInfo
    from llmspell.settings.values import Settings

#: What a chat can be had with.
_MODES: Final = frozenset({"chat", "responses"})
#: Offered where nothing says which services the person uses.
_USUAL: Final = ("openai", "anthropic", "gemini")


def model(name: str, provider: str = "") -> ModelInfo | None:
    """By its name, the service's before it, apart from it, or not at all."""
    return providers.model(name, provider) or (providers.model(name, price_name(provider)) if provider else None)


@cache
def models(provider: str) -> tuple[ModelInfo, ...]:
    """The models of a service that can be talked to. 1 ms, once a service."""
    from llmspell.providers.prices import models

    name = price_name(provider)
    return tuple(each for each in models(name) if each.provider == name and each.mode in _MODES)


def has_models(provider: str) -> bool:
    from llmspell.providers.prices import serves

    return serves(price_name(provider)) if provider else False


def short(info: ModelInfo) -> str:
    """Its name without the service's."""
    return info.name.removeprefix(f"{info.provider}/")


def price_name(provider: str) -> str:
    """What the price map calls a service."""
    from llmspell.providers.presets import ALIASES, PRESETS

    preset = PRESETS.get(ALIASES.get(provider, provider))
    return (preset.price_name if preset is not None else "") or provider


def used(settings: Settings | None, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The services that the person has keys for or has set up, else those that most have."""
    found = [name for name in providers.known() if any(environ.get(key) for key in providers.key_variables(name))]
    if settings is not None:
        default = settings.defaults.model or ""
        found += [*settings.providers, settings.defaults.provider or "", default.partition("/")[0]]
    known = [name for name in dict.fromkeys(found) if has_models(name)]
    return tuple(known) or _USUAL


def figures(info: ModelInfo) -> str:
    """Its window and prices in one line: `128k · $0.15 in · $0.6 out`."""
    parts = [_count(info.context)] if info.context else []
    if info.input_price is not None and info.output_price is not None:
        free = info.input_price == info.output_price == 0
        parts.append("free" if free else f"${info.input_price:.4g} in · ${info.output_price:.4g} out")
    if info.deprecation:
        parts.append(f"ends {info.deprecation}")
    return " · ".join(parts)


def told(info: ModelInfo) -> str:
    """All that a person may want to know before choosing it, as Markdown."""
    parts = [f"**{short(info)}** ({info.provider})"]
    if info.context:
        writes = f", writes up to {info.max_output:,}" if info.max_output else ""
        parts.append(f"reads up to {info.context:,} tokens{writes}")
    if info.input_price is not None and info.output_price is not None:
        parts.append(f"${info.input_price:.4g} a million tokens in, ${info.output_price:.4g} out")
    able = [
        word for word, is_able in (("tools", info.tools), ("images", info.vision), ("schemas", info.schema)) if is_able
    ]
    if able:
        parts.append(f"takes {', '.join(able)}")
    if info.deprecation:
        parts.append(f"may be gone from {info.deprecation} on")
    return "\n\n".join(parts)


def _count(tokens: int) -> str:
    return f"{tokens / 1e6:.3g}M" if tokens >= 1_000_000 else f"{tokens // 1000}k" if tokens >= 1000 else str(tokens)
