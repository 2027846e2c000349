"""Which of the two a document is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Final, NamedTuple

from llmspell_lsp.documents.document import Document
from llmspell_lsp.formats.values import Offers, Part, Problem, Told

#: Which modules know what is wrong in a file of a language, and what is right.
_MODULES: Final = {"toml": ("settings", "settings_help"), "json": ("replies", "replies")}


class Format(NamedTuple):
    problems: Callable[[Sequence[str]], Iterator[Problem]]
    complete: Callable[[Sequence[str], int, int], Offers | None]
    hover: Callable[[Sequence[str], int, int], Told | None]
    outline: Callable[[Sequence[str]], tuple[Part, ...]]


def format_of(document: Document) -> Format | None:
    """None for a script."""
    names = _MODULES.get(document.language)
    if names is None:
        return None
    wrong, right = (import_module(f"llmspell_lsp.formats.{name}") for name in names)
    return Format(wrong.problems, right.complete, right.hover, right.outline)
