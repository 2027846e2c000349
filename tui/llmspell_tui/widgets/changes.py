"""What a value was and what it is, on a page: texts line by line, maps field by field, figures with an arrow. Pure."""

from __future__ import annotations

from typing import Any, Final, cast

from llmspell_tui.model.diff import side_by_side
from llmspell_tui.widgets.lines import clean
from llmspell_tui.widgets.page import Entry, Page

#: Characters up to which two texts stand on one line with an arrow between them.
_SHORT: Final = 24
#: Equal lines that are shown around a changed one.
_AROUND: Final = 2
#: Fields of a map that are told of.
_FIELDS: Final = 200


def told_change(page: Page, name: str, before: Any, after: Any, depth: int = 1, path: str = "") -> Page:
    """None: there was, or is, nothing. path: what the page's folds are kept by, beside the name."""
    match before, after:
        case None, None:
            page.line((f"  {clean(name)}", "name"), ("  nothing", "dim"), depth=depth)
        case None, _:
            page.value(f"+ {name}", after, depth, path)
        case _, None:
            page.value(f"- {name}", before, depth, path)
        case dict(), dict():
            _maps(page, name, cast("dict[str, Any]", before), cast("dict[str, Any]", after), depth, path)
        case str(), str() if max(len(before), len(after)) > _SHORT or "\n" in before + after:
            _headed(page, name, "", depth, path)
            _texts(page, before, after, depth + 1)
        case dict() | list(), _:
            page.value(f"- {name}", before, depth, path).value(f"+ {name}", after, depth, path)
        case _, dict() | list():
            page.value(f"- {name}", before, depth, path).value(f"+ {name}", after, depth, path)
        case _:
            was, now = _said(before), _said(after)
            page.line((f"± {clean(name)}  ", "name"), (was, "removed"), (" → ", "dim"), (now, "added"), depth=depth)
    return page


def _headed(page: Page, name: str, note: str, depth: int, path: str) -> None:
    pieces = ((f"± {clean(name)}", "name"), (f"  {note}" if note else "", "dim"))
    page.entries.append(Entry(f"{path}.{name}" if path else name, depth, pieces, folds=True))


def _maps(page: Page, name: str, before: dict[str, Any], after: dict[str, Any], depth: int, path: str) -> None:
    """The fields that differ; the others are counted."""
    keys = list(dict.fromkeys((*before, *after)))
    other = [key for key in keys if key not in before or key not in after or before[key] != after[key]]
    alike = len(keys) - len(other)
    _headed(page, name, f"{alike:,} alike" if alike else "", depth, path)
    for key in other[:_FIELDS]:
        told_change(page, str(key), before.get(key), after.get(key), depth + 1, f"{path}.{name}" if path else name)
    if len(other) > _FIELDS:
        page.line((f"… {len(other) - _FIELDS:,} more, not shown", "warn"), depth=depth + 1)


def _texts(page: Page, before: str, after: str, depth: int) -> None:
    lines: list[tuple[str, str]] = []
    for line in side_by_side(before, after):
        if line.sign == "same":
            lines.append(("same", line.left or ""))
            continue
        if line.left is not None:
            lines.append(("removed", line.left))
        if line.right is not None:
            lines.append(("added", line.right))
    near = _near(lines)
    passed = 0
    for at, (role, text) in enumerate(_grouped(lines)):
        if role == "same" and at not in near:
            passed += 1
            continue
        _passed(page, passed, depth)
        passed = 0
        sign = {"removed": "- ", "added": "+ "}.get(role, "  ")
        page.text(sign + text, "dim" if role == "same" else role, depth)
    _passed(page, passed, depth)


def _passed(page: Page, lines: int, depth: int) -> None:
    if lines:
        page.line((f"  … {lines:,} alike", "dim"), depth=depth)


def _near(lines: list[tuple[str, str]]) -> set[int]:
    """The places of equal lines that are close to a changed one."""
    changed = [at for at, (role, _) in enumerate(lines) if role != "same"]
    return {at + by for at in changed for by in range(-_AROUND, _AROUND + 1)}


def _grouped(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of a stretch of changed lines first what went, then what came."""
    found: list[tuple[str, str]] = []
    came: list[tuple[str, str]] = []
    for line in (*lines, ("same", "")):
        if line[0] == "added":
            came.append(line)
            continue
        if line[0] == "same":
            found += came
            came = []
        found.append(line)
    return found[:-1]


def _said(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{clean(value)}"'
        case _:
            return clean(str(value))
