"""Libraries that not every installation has: which extra brings each, and the one error for those that are missing."""

from __future__ import annotations

from typing import Final

from llmspell.errors import ToolError

#: By the name that a library is imported by. Where two extras bring it, whoever asks says which one is meant.
EXTRAS: Final = {
    "aiosmtplib": "communication",
    "bs4": "web",
    "cronsim": "time",
    "cryptography": "crypto",
    "defusedxml": "data",
    "feedparser": "web",
    "jsonpath": "data",
    "markdown_it": "data",
    "matplotlib": "charts",
    "numpy": "charts",
    "pypdf": "data",
    "soupsieve": "web",
    "sympy": "math",
    "yaml": "data",
}


def missing(library: str, extra: str | None = None) -> ToolError:
    """What is said where a library of an extra is not installed."""
    named = extra or EXTRAS[library]
    return ToolError(
        f"this needs the library {library}, which is not installed",
        hint=f"pip install 'llmspell[{named}]'",
        data={"extra": named},
    )
