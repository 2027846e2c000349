"""The services that answer for models, by name: those llmspell speaks to itself, and those that litellm has models of.

Read from the runtime's own tables; knows no settings.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmspell.providers.prices import ModelInfo as ModelInfo


@cache
def known() -> tuple[str, ...]:
    """The names to offer."""
    from llmspell.providers.presets import ALIASES, PRESETS

    return tuple(dict.fromkeys((*PRESETS, *ALIASES, "offline", "litellm")))


def is_known(name: str) -> bool:
    """Whether the runtime would take the name, without settings that add to them."""
    from llmspell.providers.prices import serves  # 0.3 ms, at the first name that is not in the list

    return name in known() or serves(name)


@cache
def key_variables(name: str) -> tuple[str, ...]:
    """The environment variables that may hold the service's key; none where it asks for none, or nobody knows."""
    from llmspell.providers.presets import ALIASES, PRESETS

    preset = PRESETS.get(ALIASES.get(name, name))
    return preset.key_variables if preset is not None and not preset.local else ()


def model(name: str, provider: str = "") -> ModelInfo | None:
    """What is known of a model, by its name with or without the provider's before it."""
    from llmspell.providers.prices import lookup

    prefix, separator, rest = name.partition("/")
    return lookup(name, provider) or (lookup(rest, prefix) if separator else None)


@cache
def model_names() -> tuple[str, ...]:
    """The models that can be talked to, as they are written; 3 ms, once."""
    from llmspell.providers.prices import models

    return tuple(each.name for each in models() if each.mode in {"chat", "responses"})
