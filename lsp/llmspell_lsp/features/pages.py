"""The registry's pages as hover shows them: in the reader's language only, and no longer than is read in passing.

The words are those of `llmspell.api.hover`; the whole page is `llmspell help NAME`. Knows no document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from llmspell.api.hover import describe
from llmspell.api.names import camel

if TYPE_CHECKING:
    from llmspell.api.lookup import Entry
    from llmspell.api.registry import Registry
    from llmspell_lsp.analysis.vocabulary import Language

#: Rows of a list that are shown.
_ROWS: Final = 12
_MARKS: Final[dict[Language, str]] = {"lua": "lua", "javascript": "js"}
_BOTH: Final = re.compile(r"`([\w.]+)` / `([\w.]+)`")
#: A type in a list's row; the registry's pages write Lua's.
_TYPE: Final = re.compile(r"\*([^*]+)\*")


def page(registry: Registry, entry: Entry, language: Language) -> str:
    """What hover shows about a name of the registry."""
    blocks = list(_blocks(describe(registry, entry)))
    own = any(_fence(block) == _MARKS[language] for block in blocks)
    shown: list[str] = []
    cut = False
    for block in blocks:
        mark = _fence(block)
        if mark in _MARKS.values():
            if mark == _MARKS[language] or not own:
                shown.append(f"```typescript{block[len(mark) + 3 :]}" if mark == "js" else block)
            continue
        if block == "Members":
            cut = True
            break
        lines = _one_spelling(block, language).split("\n")
        if lines[0].startswith("# "):
            lines[0] = _heading(lines[0], entry, language)
        rows = _shortened(lines)
        cut = cut or len(rows) < len(lines)
        shown.append("\n".join(rows))
    if cut:
        shown.append(f"More: `llmspell help {entry.full_name}`")
    return "\n\n".join(shown)


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists and fences; a fence may have empty lines."""
    held: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if not line and not fenced:
            if held:
                yield "\n".join(held)
            held = []
            continue
        held.append(line)
        if line.startswith("```"):
            fenced = not fenced
    if held:
        yield "\n".join(held)


def _fence(block: str) -> str:
    return block[3:].partition("\n")[0] if block.startswith("```") else ""


def _heading(line: str, entry: Entry, language: Language) -> str:
    if language == "lua" or entry.kind not in ("method", "property"):
        return line
    owner, _, name = line.rpartition(".")
    return f"{owner}.{camel(name)}"


def _one_spelling(text: str, language: Language) -> str:
    if language == "lua":
        return _BOTH.sub(lambda found: f"`{found[1]}`" if camel(found[1]) == found[2] else found[0], text)
    text = _BOTH.sub(lambda found: f"`{found[2]}`" if camel(found[1]) == found[2] else found[0], text)
    if not text.startswith("- "):
        return text
    return _TYPE.sub(lambda found: re.sub(r"\btable\b(?!<)", "object", found[0]).replace("table<", "Record<"), text)


def _shortened(lines: list[str]) -> list[str]:
    """A list's first rows."""
    rows = [index for index, line in enumerate(lines) if line.startswith("- ")]
    return lines if len(rows) <= _ROWS else lines[: rows[_ROWS]]
