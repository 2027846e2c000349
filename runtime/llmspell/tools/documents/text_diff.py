"""How two texts differ, by lines or by words. Knows no files.

difflib takes the cube of the length at worst, so long texts come here in a process that can be ended.
"""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

_WORD = re.compile(r"\S+\s*|\s+")
_NO_END = "\\ No newline at end of file"


def answer(operation: str, old: str, new: str, names: list[str], around: int, ignore_space: bool) -> dict[str, Any]:
    """The tool's content."""
    match operation:
        case "compare":
            return _compared(_lines(old), _lines(new), names, around, ignore_space)
        case "words":
            return _words(_WORD.findall(old), _WORD.findall(new), ignore_space)
        case _:
            left, right = _keys(_words_of(old), ignore_space), _keys(_words_of(new), ignore_space)
            equal = left == right
            ratio = 1.0 if equal else difflib.SequenceMatcher(None, left, right, autojunk=False).ratio()
            return {"similarity": round(ratio, 6), "equal": equal}


def _words_of(text: str) -> list[str]:
    return _WORD.findall(text)


def _lines(text: str) -> list[str]:
    """Lines with their ends. Not `splitlines`, which also ends a line at a form feed."""
    return list(io.StringIO(text, newline="\n"))


def _keys(parts: Sequence[str], ignore_space: bool) -> list[str]:
    """What is compared in the place of the parts themselves."""
    return [" ".join(part.split()) for part in parts] if ignore_space else list(parts)


def _compared(old: list[str], new: list[str], names: list[str], around: int, ignore_space: bool) -> dict[str, Any]:
    matcher = difflib.SequenceMatcher(None, _keys(old, ignore_space), _keys(new, ignore_space), autojunk=False)
    lines: list[str] = []
    added = removed = 0
    for group in matcher.get_grouped_opcodes(around):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        if not lines:
            lines += [f"--- {_name(names[0])}\n", f"+++ {_name(names[1])}\n"]
        lines.append(f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n")
        for tag, first, last, start, end in group:
            if tag == "equal":
                lines += _marked(" ", old[first:last])
                continue
            lines += _marked("-", old[first:last])
            lines += _marked("+", new[start:end])
            removed += last - first
            added += end - start
    return {"equal": not lines, "diff": "".join(lines), "added": added, "removed": removed}


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n{_NO_END}\n"


def _range(start: int, end: int) -> str:
    """As `diff -u` writes it: one line without its length, an empty range by the line before it."""
    length = end - start
    return f"{start + 1}" if length == 1 else f"{start + 1 if length else start},{length}"


def _name(name: str) -> str:
    return name.replace("\n", " ").replace("\r", " ")


def _words(old: list[str], new: list[str], ignore_space: bool) -> dict[str, Any]:
    matcher = difflib.SequenceMatcher(None, _keys(old, ignore_space), _keys(new, ignore_space), autojunk=False)
    changes: list[dict[str, Any]] = []
    added = removed = 0
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            changes.append({"kind": "same", "text": "".join(new[start:end])})
            continue
        if last > first:
            changes.append({"kind": "removed", "text": "".join(old[first:last])})
        if end > start:
            changes.append({"kind": "added", "text": "".join(new[start:end])})
        removed += last - first
        added += end - start
    return {"equal": not (added or removed), "changes": changes, "added": added, "removed": removed}
