"""JavaScript's promises used as if they were what they give: a member of one, one in a text, a condition or a sum,
one that is gone through or taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import Promise, Type, parts, settled
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.syntax.lookup import path_to
from llmspell_lsp.syntax.nodes import Branch, Call, Declare, Expression, Function, Member, Operation, Span, Text

_LOOKED_AT: Final = frozenset({"+", "-", "*", "/", "<", ">", "<=", ">=", "==", "!=", "===", "!==", "!"})
_HEADS: Final = frozenset({"if", "while", "do"})


def waiting(view: View) -> Iterator[Finding]:
    if view.lua:
        return
    for node in view.nodes(Member):
        if _promised(view, node.object) and not _has(view, node):
            yield _finding(view, node.object, f"{node.name!r} is read from a promise, not from what it gives")
    for node in view.nodes(Text):
        for each in node.inserts:
            if _promised(view, each):
                yield _finding(view, each, "a promise in a text reads '[object Promise]'")
    for node in view.nodes(Operation):
        if node.operator in _LOOKED_AT:
            for each in node.operands:
                if _promised(view, each):
                    yield _finding(view, each, f"{node.operator!r} is given a promise, not what it gives")
        elif node.operator == "?:" and _promised(view, node.operands[0]):
            yield _finding(view, node.operands[0], "a promise is always true as a condition")
    for node in view.nodes(Declare):
        if node.values and _promised(view, node.values[0]):
            if node.each == "of":
                yield _finding(view, node.values[0], "a promise cannot be gone through")
            elif any(target.path for target in node.targets):
                yield _finding(view, node.values[0], "a promise is taken apart, not what it gives")
    for node in view.nodes(Branch):
        if node.kind in _HEADS:
            for each in node.heads:
                if _promised(view, each):
                    yield _finding(view, each, "a promise is always true as a condition")


def _has(view: View, node: Member) -> bool:
    """Whether a promise itself has the member."""
    return view.infer.member(Promise(settled(_type(view, node.object))), node.name) is not None


def _type(view: View, node: Expression) -> Type:
    return view.infer.type_of(view.placed, node)


def _promised(view: View, node: Expression) -> bool:
    several = parts(_type(view, node))
    return all(isinstance(each, Promise) for each in several)


def _finding(view: View, node: Expression, message: str) -> Finding:
    span = absolute(view.placed.start, node.span)
    functions = [each for each in path_to(view.placed.chunk, node) if isinstance(each, Function)]
    waits = not functions or functions[-1].is_async
    fixes = [_awaited(view, node, span)] if waits and not isinstance(node, Function) else []
    return found("missing-await", span, f"missing await: {message}", *fixes)


def _awaited(view: View, node: Expression, span: Span) -> Fix:
    start = Span(span.line, span.column, span.line, span.column)
    end = Span(span.end_line, span.end_column, span.end_line, span.end_column)
    around = path_to(view.placed.chunk, node)
    if len(around) > 1 and isinstance(around[-2], Member | Call):
        return Fix("Add await", (Edit(start, "(await "), Edit(end, ")")))
    return Fix("Add await", (Edit(start, "await "),))


FAMILY = by_chunk(waiting)
