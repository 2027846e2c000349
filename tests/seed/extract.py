"""Finds the scripts of a design document: fenced ```lua and ```javascript blocks, named by the line of their fence."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["lua", "js"]

_LANGUAGES: dict[str, Language] = {"```lua": "lua", "```javascript": "js"}


class Script(NamedTuple):
    """line: 1-based number of the opening fence. lines: the script, whose first line is number line + 1."""

    line: int
    language: Language
    lines: tuple[str, ...]


def scripts(document: str) -> dict[int, Script]:
    """Every Lua and JavaScript block by the line of its fence; a block ends at a fence no shorter than its own."""
    found: dict[int, Script] = {}
    lines = document.splitlines()
    opened: int | None = None
    for number, line in enumerate(lines, start=1):
        fence = line.strip()
        if opened is None:
            opened = number if fence.startswith("```") else None
        elif fence and not fence.strip("`") and len(fence) >= _ticks(lines[opened - 1]):
            language = _LANGUAGES.get(lines[opened - 1].strip())
            if language is not None:
                found[opened] = Script(opened, language, tuple(lines[opened : number - 1]))
            opened = None
    return found


def _ticks(fence: str) -> int:
    text = fence.strip()
    return len(text) - len(text.lstrip("`"))
