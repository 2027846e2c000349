"""The one list of what spells can see: every class, namespace and global, and where it is written.

Nothing is imported until a spell first uses it. `api.gen` reads the whole list; the bridge asks by name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

from llmspell.tools import catalog

#: Registry name -> "module:attribute".
CLASSES: Final[dict[str, str]] = {
    "BaseAgent": "llmspell.agents.base:BaseAgent",
    "Agent": "llmspell.agents.agent:Agent",
    "Tool": "llmspell.tools.tool:Tool",
    "AgentTool": "llmspell.agents.agent_tool:AgentTool",
    **{entry.class_name: entry.target for entry in catalog.TOOLS},
    "Hooks": "llmspell.library.hooks:Hooks",
    "HookHandle": "llmspell.library.hooks:HookHandle",
    "eventBus": "llmspell.library.event_bus:EventBus",
    "Subscription": "llmspell.events.bus:Subscription",
    "Provider": "llmspell.library.provider:Provider",
    "Cache": "llmspell.library.cache:Cache",
    "Stream": "llmspell.library.stream:Stream",
    "Async": "llmspell.library.prelude:Async",
    "JSON": "llmspell.library.prelude:JSON",
    "uuid": "llmspell.library.prelude:Uuid",
    "ErrorHandler": "llmspell.library.prelude:ErrorHandler",
    "EventEmitter": "llmspell.library.prelude:EventEmitter",
}

#: Global values that are neither class nor namespace.
GLOBALS: Final[dict[str, dict[str, str]]] = {
    "params": {"doc": "The spell's parameters: `--param name=value` and `--input JSON`."},
    "config": {"doc": "The `[config]` table of the settings."},
}


@cache
def load(name: str) -> type[Any]:
    """The class of a registry name. Raises KeyError for a name that is not in the list."""
    module, _, attribute = CLASSES[name].partition(":")
    return getattr(import_module(module), attribute)


def load_all() -> list[type[Any]]:
    """Every class, for generation and tests."""
    return [load(name) for name in CLASSES]
