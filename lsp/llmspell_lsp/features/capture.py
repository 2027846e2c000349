"""Whether a variable can be called otherwise without any name coming to mean something else.

Two things can go wrong. A use of the variable could find another declaration of the new name first; or what has the new
name now could find the variable. Both are looked for along the scopes between a use and the declaration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.analysis.bindings import Local, Scope, Use, bindings

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.scope import Binding


def captured(infer: Inference, binding: Binding, new: str) -> str:
    """Why the variable cannot be called so; "" if it can."""
    local, place = binding.local, binding.placed
    here = bindings(place.chunk)
    declared = _between(local.scope, local.scope, new)
    for use in here.uses.values():
        if declared:
            break
        if use.local is local or (local.kind == "global" and use.local is None and use.name.text == local.name):
            declared = _between(use.scope, local.scope, new)
    if declared is not None:
        return f"{new!r} is declared in line {place.start + declared.span.line + 1}"
    if any(use.name.text == new and _would_find(use, local.scope) for use in here.uses.values()):
        return f"{new!r} is used where it would then mean this variable"
    if local.scope.parent is not None:
        return ""
    for other in infer.analysis.placed:
        reason = _elsewhere(other.start, bindings(other.chunk).top, bindings(other.chunk).free, local.name, new)
        if reason:
            return reason
    return ""


def _elsewhere(start: int, top: Scope, free: dict[str, list[Use]], old: str, new: str) -> str:
    """What stands in the way in a chunk, of a name that every chunk sees."""
    declared = next((each for each in top.locals if each.name == new), None)
    if declared is not None:
        return f"{new!r} is declared in line {start + declared.span.line + 1}"
    if new in free:
        return f"{new!r} is used in line {start + free[new][0].name.span.line + 1}, where it would mean this variable"
    for use in free.get(old, ()):
        inner = _between(use.scope, None, new)
        if inner is not None:
            return f"{new!r} is declared in line {start + inner.span.line + 1}"
    return ""


def _between(inner: Scope, outer: Scope | None, name: str) -> Local | None:
    """A declaration of the name in the scopes from one out to another."""
    scope: Scope | None = inner
    while scope is not None:
        found = next((each for each in scope.locals if each.name == name), None)
        if found is not None:
            return found
        if scope is outer:
            return None
        scope = scope.parent
    return None


def _would_find(use: Use, declaring: Scope) -> bool:
    """Whether a use looks for its name in the declaring scope before it finds it."""
    scope: Scope | None = use.scope
    while scope is not None:
        if scope is declaring:
            return True
        if use.local is not None and use.local.scope is scope:
            return False
        scope = scope.parent
    return False
