"""Names that nothing declares, and declarations that nothing reads. Works on the whole document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from llmspell.api.names import near
from llmspell_lsp.analysis.members import global_names
from llmspell_lsp.analysis.unread import unread
from llmspell_lsp.checks.codes import found, instead
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.syntax.nodes import Call, Declare, Function, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding, Unresolved
    from llmspell_lsp.workspace.snapshot import Snapshot

_WORD: Final = re.compile(r"[\w$]+")
#: Shorter ones are near to too many.
_SHORTEST: Final = 3


def unknown_names(snapshot: Snapshot) -> Iterator[Finding]:
    """Informational: another file may set them. A near miss of a name that is there is a warning."""
    if not snapshot.is_script:
        return
    analysis = snapshot.analysis
    if any(place.chunk.broken for place in analysis.placed):  # what is declared there may have been lost
        return
    known = global_names(analysis.language)
    unknown = [each for each in analysis.unresolved(known) if not each.write]
    answers: dict[str, str] = {}
    for each in unknown:
        if each.name not in answers:
            answers[each.name] = _meant(snapshot, each)
        close = answers[each.name]
        if close:
            message = f"nothing is called {each.name!r}; did you mean {close!r}?"
            yield found("unknown-name", each.span, message, instead(each.span, close), severity="warning")
        else:
            yield found("unknown-name", each.span, f"nothing here is called {each.name!r}")


def _meant(snapshot: Snapshot, each: Unresolved) -> str:
    if len(each.name) < _SHORTEST:
        return ""
    visible = snapshot.analysis.visible(each.span.line, each.span.column)
    names = [name for name in (*visible, *global_names(snapshot.analysis.language)) if len(name) >= _SHORTEST]
    for close in near(each.name, names, 3):
        if (close.lower() == each.name.lower() or is_slip(each.name, close)) and close[1:] != each.name[1:]:
            return close
    return ""


def is_slip(written: str, meant: str) -> bool:
    """Whether one letter was left out, put in, changed, or two swapped. Plurals and numbers are names of their own."""
    if written.rstrip("0123456789") == meant.rstrip("0123456789"):
        return False
    if f"{written}s" == meant or f"{meant}s" == written:
        return False
    short, long = sorted((written, meant), key=len)
    start = next((at for at, (one, other) in enumerate(zip(short, long)) if one != other), len(short))
    if len(long) - len(short) == 1:
        return short[start:] == long[start + 1 :]
    if len(long) != len(short):
        return False
    return short[start + 1 :] == long[start + 1 :] or (
        short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    )


def unused(snapshot: Snapshot) -> Iterator[Finding]:
    if not snapshot.is_script:
        return
    broken = " ".join(place.chunk.text for place in snapshot.analysis.placed if place.chunk.broken)
    read = frozenset(_WORD.findall(broken))
    for binding in unread(snapshot.analysis):
        if binding.name in read:
            continue
        fix = _removed(binding)
        what = {"function": "function", "import": "import", "class": "class"}.get(binding.kind, "variable")
        message = f"the {what} {binding.name!r} is never used"
        yield found("unused-local", binding.span, message, *([fix] if fix else []), tags=("unnecessary",))


def _removed(binding: Binding) -> Fix | None:
    """Takes the whole declaration away where that takes nothing else with it."""
    declaration = binding.declaration
    if not isinstance(declaration, Declare) or len(declaration.targets) != 1:
        return None
    if any(isinstance(value, Call) for value in declaration.values) or declaration.kind in {"import", "catch", "loop"}:
        return None
    if len(declaration.values) > 1 or (declaration.targets[0].path and not isinstance(declaration.values[0], Function)):
        return None
    start, span = binding.placed.start, declaration.span
    lines = binding.placed.chunk.lines
    before = lines[span.line][: span.column]
    after = lines[span.end_line][span.end_column :].lstrip(" \t;")
    if before.strip() or after.strip():
        return None
    end = span.end_line + start + 1
    return Fix(f"Remove {binding.name!r}", (Edit(Span(span.line + start, 0, end, 0), ""),))
