"""The families of requests, one module each: params → snapshot → feature → JSON. See `llmspell_lsp.protocol`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

from llmspell_lsp.protocol.methods import Command, Method

#: The modules of this folder. Each has `METHODS`; some `COMMANDS`; and `FEATURES`, the modules of `features`
#: that its handlers import when they are called.
FAMILIES: Final = (
    "lifecycle",
    "synchronization",
    "workspace",
    "diagnostics",
    "writing",
    "hints",
    "outline",
    "everywhere",
    "tokens",
    "formatting",
    "navigation",
    "renaming",
    "lenses",
    "actions",
)


def methods(families: Sequence[str] = FAMILIES) -> list[Method]:
    return [method for family in families for method in import_module(f"{__name__}.{family}").METHODS]


def warm(families: Sequence[str] = FAMILIES) -> None:
    """Imports what handlers will need: once the first diagnostics are out, before the first of them is called."""
    for family in families:
        for feature in getattr(import_module(f"{__name__}.{family}"), "FEATURES", ()):
            import_module(f"llmspell_lsp.features.{feature}")


def commands(families: Sequence[str] = FAMILIES) -> list[Command]:
    modules = [import_module(f"{__name__}.{family}") for family in families]
    return [command for module in modules for command in getattr(module, "COMMANDS", ())]
