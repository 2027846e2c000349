"""What can be done at a place: findings mended or silenced, and changes that somebody may want. Knows no protocol.

What a change consists of is worked out when it is chosen (`change`), not when the menu is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from llmspell_lsp.checks.finding import Edit, Finding
from llmspell_lsp.checks.ignoring import ignore
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.workspace.snapshot import Snapshot

Kind = Literal["quickfix", "refactor.extract", "refactor.rewrite", "source.fixAll.llmspell"]
FIX_ALL: Final = "source.fixAll.llmspell"

#: Codes whose fix cannot mean anything else.
_CERTAIN: Final = frozenset({"wrong-spelling", "method-call", "missing-await"})


@dataclass(slots=True, frozen=True)
class FileChange:
    """Another file. span: what of it is replaced; None: the file is new."""

    path: str
    text: str
    span: Span | None = None


@dataclass(slots=True, frozen=True)
class Change:
    """What an action does: to the document, and to other files."""

    edits: tuple[Edit, ...] = ()
    files: tuple[FileChange, ...] = ()


@dataclass(slots=True, frozen=True)
class Action:
    """A line of the menu. recipe: what `change` makes the change of, plain JSON. creates: it makes a new file."""

    title: str
    kind: Kind
    recipe: tuple[str | int, ...]
    finding: Finding | None = None
    preferred: bool = False
    creates: bool = False


def actions(snapshot: Snapshot, span: Span, findings: Sequence[Finding]) -> Iterator[Action]:
    """For a selection. findings: those of the document, as it stands."""
    here = [each for each in findings if _touches(each.span, span)]
    for each in here:
        place = (each.code, *each.span)
        for index, fix in enumerate(each.fixes):
            yield Action(fix.title, "quickfix", ("fix", index, fix.title, *place), each, fix.preferred)
        if each.code == "permission-needed":
            from llmspell_lsp.features.permitting import title

            yield Action(title(each), "quickfix", ("permit", *each.data[1:]), each)
    yield from _refactorings(snapshot, span)
    for each in {(each.code, each.span): each for each in here}.values():
        if each.code not in {"syntax", "unknown-code"}:
            yield Action(f"Ignore {each.code} here", "quickfix", ("ignore", each.code, *each.span), each)


def fix_all(snapshot: Snapshot, findings: Sequence[Finding]) -> Action | None:
    """Everything at once that can only be mended in one way."""
    count = len(_certain(findings))
    return Action(f"Fix all that is certain ({count})", FIX_ALL, ("all",)) if count else None


def change(snapshot: Snapshot, recipe: Sequence[str | int], findings: Sequence[Finding]) -> Change | None:
    """What an action does to the document as it stands; None where that is no more possible."""
    match recipe:
        case ["all"]:
            return Change(tuple(_certain(findings)))
        case ["fix", int(index), str(title), str(code), *place]:
            # Several findings may have a place and a code in common: two options that are missing in one table.
            fixes = [each.fixes[index] for each in _found(findings, code, place) if 0 <= index < len(each.fixes)]
            return next((Change(each.edits) for each in fixes if each.title == title), None)
        case ["ignore", str(code), *place]:
            found = _found(findings, code, place)
            return Change((Edit(*ignore(snapshot, found[0])),)) if found else None
        case ["permit", str(permission), str(name)]:
            from llmspell_lsp.features.permitting import permit

            return permit(snapshot, permission, name)
        case [str(name), int(line), int(column)]:
            from llmspell_lsp.features.refactorings import refactored

            return refactored(snapshot, name, line, column)
        case _:
            return None


def _refactorings(snapshot: Snapshot, span: Span) -> Iterator[Action]:
    from llmspell_lsp.features.refactorings import refactorings

    for title, kind, name, creates in refactorings(snapshot, span.line, span.column):
        yield Action(title, kind, (name, span.line, span.column), creates=creates)


def _touches(one: Span, other: Span) -> bool:
    return one[:2] <= other[2:] and other[:2] <= one[2:]


def _found(findings: Sequence[Finding], code: str, place: Sequence[str | int]) -> list[Finding]:
    return [each for each in findings if each.code == code and list(each.span) == list(place)]


def _certain(findings: Sequence[Finding]) -> list[Edit]:
    """The edits of certain fixes, none touching another."""
    edits: list[Edit] = []
    for each in findings:
        if each.code in _CERTAIN and each.fixes:
            own = each.fixes[0].edits
            if not any(_touches(edit.span, other.span) for edit in own for other in edits):
                edits += own
    return edits
