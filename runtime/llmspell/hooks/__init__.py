"""Hooks: handlers that see, change, veto and retry what the runtime is about to do. Knows no agents and no engines."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`hook`, for hook files written in Python: most runs have none, and need not import what reads them."""
    if name == "hook":
        from llmspell.hooks.python_file import hook

        return hook
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
