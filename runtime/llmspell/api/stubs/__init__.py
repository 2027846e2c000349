"""What is generated for people and their editors: the LuaLS stub, the TypeScript declarations, the reference pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmspell.api.registry import GENERATED


def files(registry: dict[str, Any]) -> dict[Path, str]:
    """Each file and its text, from the registry as `gen` describes it."""
    from llmspell.api.stubs import luals, reference, typescript

    return {
        GENERATED / "llmspell.gen.lua": luals.stub(registry),
        GENERATED / "llmspell.gen.d.ts": typescript.stub(registry),
        **{GENERATED / "reference" / name: text for name, text in reference.pages(registry).items()},
    }
