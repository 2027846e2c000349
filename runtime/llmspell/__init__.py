"""llmspell: scripts in Lua or JavaScript that orchestrate AI agents, tools and workflows.

`from llmspell import Runtime` embeds the runtime in a Python program. Nothing is imported until it is used,
so that `llmspell --help` and the zygote stay cold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmspell.version import VERSION

if TYPE_CHECKING:
    from llmspell.runtime import Runtime as Runtime

__version__ = VERSION
__all__ = ["Runtime", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Runtime":
        from llmspell.runtime import Runtime

        return Runtime
    raise AttributeError(f"module 'llmspell' has no attribute {name!r}")
