"""What lowering Lua and JavaScript trees has in common: spans, texts, comments, problems, and trees with errors.

The text that the grammar saw is ASCII, each other character masked by one of equal width: its byte offsets are offsets
and columns in code points. Knows tree-sitter's nodes, and of the languages only how their comments are marked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from llmspell_lsp.syntax.nodes import (
    Block,
    Comment,
    DeclarationKind,
    Declare,
    Evaluate,
    Expression,
    Literal_,
    Name,
    Problem,
    Span,
    Statement,
    Target,
    Unknown,
)

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

PLACEHOLDER: Final = "__here__"
"""Stands, while a half-typed text is parsed, where a name is missing; the tree has a Name with no text there."""

_new: Final = tuple.__new__
"""A Span made without its own `__new__`: a third of the time, at 13 spans a line."""

DEEPEST: Final = 120
"""Levels of nesting that are lowered; what is deeper is Unknown. Each costs up to three of Python's 1,000 frames."""

_BLOCK_LINE: Final = re.compile(r"^[ \t]*\*?[ ]?", re.MULTILINE)


class Lowering:
    """One tree being lowered. `text` is what the grammar saw, but unmasked; `shifts` are the repairs in it by line."""

    def __init__(
        self,
        text: str,
        shifts: dict[int, list[tuple[int, int]]],
        comments: list[Comment],
        first_line: int = 0,
        depth: int = 0,
    ) -> None:
        self.text = text
        self.shifts = shifts
        self.first_line = first_line
        """Added to every line."""
        self.suspect: Span | None = None
        """The first place that the grammar read, but no engine will."""
        self._depth = depth
        self._docs = _docs(comments, text) if comments else {}
        self.expressions: dict[str, Callable[[Syntax], Expression]] = {}
        self.statements: dict[str, Callable[[Syntax], list[Statement]]] = {}
        self._prepare()

    def _prepare(self) -> None:
        """Says in `expressions` and `statements` what reads a node of each kind, for a language."""

    # Places

    def span(self, node: Syntax) -> Span:
        line, column = node.start_point
        end_line, end_column = node.end_point
        first = self.first_line
        if self.shifts:
            column, end_column = self._column(line, column), self._column(end_line, end_column)
        return _new(Span, (line + first, column, end_line + first, end_column))

    def across(self, first: Syntax, last: Syntax) -> Span:
        """From where one node ends to where another begins."""
        line, column = first.end_point
        end_line, end_column = last.start_point
        first_line = self.first_line
        column, end_column = self._column(line, column), self._column(end_line, end_column)
        return Span(line + first_line, column, end_line + first_line, end_column)

    def _column(self, line: int, column: int) -> int:
        inserted = self.shifts.get(line)
        if inserted is None:
            return column
        taken = 0
        for at, length in inserted:
            # `at` is a column of the repaired line.
            if column <= at:
                break
            taken += min(length, column - at)
        return column - taken

    def of(self, node: Syntax) -> str:
        text = self.text[node.start_byte : node.end_byte]
        return "" if text == PLACEHOLDER else text

    def doc(self, line: int) -> str:
        """The comment that ends on the line above."""
        return self._docs.get(line - self.first_line - 1, "") if self._docs else ""

    # Expressions

    def expression(self, node: Syntax) -> Expression:
        lower = self.expressions.get(node.type)
        if lower is None or self._depth > DEEPEST:
            return self.unknown(node)
        self._depth += 1
        found = lower(node)
        self._depth -= 1
        return found

    def name(self, node: Syntax) -> Name:
        return Name(self.span(node), self.of(node))

    def unknown(self, node: Syntax) -> Unknown:
        if self._depth > DEEPEST:
            return Unknown(self.span(node))
        self._depth += 1
        known = self.expressions
        parts: list[Expression] = []
        for child in node.children:
            if child.type in known:
                parts.append(self.expression(child))
            elif child.is_named and child.child_count:
                parts.append(self.unknown(child))
        self._depth -= 1
        return Unknown(self.span(node), parts)

    def constant(self, node: Syntax) -> Literal_:
        kind = node.type
        span = self.span(node)
        if kind == "number":
            return Literal_(span, "number", number(self.of(node)))
        if kind in {"true", "false"}:
            return Literal_(span, "boolean", kind == "true")
        return Literal_(span, "regex" if kind == "regex" else "nil")

    def missing(self, node: Syntax) -> Unknown:
        """What should have come after a node."""
        line, column = node.end_point
        column = self._column(line, column)
        return Unknown(Span(line, column, line, column))

    # Statements

    def lower_all(self, nodes: list[Syntax]) -> list[Statement]:
        """Statements, expressions among them, and what an error left of either."""
        found: list[Statement] = []
        if self._depth > DEEPEST:
            return found
        self._depth += 2
        statements, expressions = self.statements, self.expressions
        previous = ""
        for node in nodes:
            kind = node.type
            lower = statements.get(kind)
            if lower is not None:
                found += lower(node)
            elif kind in expressions:
                if kind == "identifier" and (declared := _DECLARES.get(previous)):
                    span = self.span(node)
                    found.append(Declare(span, declared, [Target(span, self.of(node))], []))
                else:
                    span = self.span(node)
                    found.append(Evaluate(span, self.expression(node)))
            elif node.is_named and node.child_count:
                found += self.lower_all(node.children)
            previous = kind
        self._depth -= 2
        return found

    def block(self, node: Syntax | None, span: Span) -> Block:
        return Block(span, self.lower_all(node.children) if node is not None else [])


_DECLARES: Final[dict[str, DeclarationKind]] = {"local": "local", "const": "const", "let": "let", "var": "var"}


def number(text: str) -> int | float | None:
    """The value of a number as Lua and JavaScript write them; None where that is not plain."""
    text = text.replace("_", "").rstrip("n")
    try:
        return int(text, 0) if not text.startswith("0") or text[1:2] in "xXbBoO" else float(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def problems(root: Syntax, lowering: Lowering) -> list[Problem]:
    """The places that the grammar could not read, first to last."""
    if not root.has_error:
        return []
    found: list[Problem] = []
    rest = [root]
    while rest:
        node = rest.pop()
        if node.is_missing:
            found.append(Problem(lowering.span(node), node.type))
        elif node.is_error:
            found.append(Problem(lowering.span(node), ""))
        elif node.has_error:
            rest += reversed(node.children)
    return found


def comment(span: Span, text: str) -> Comment:
    """A comment, its marks taken off."""
    if text.startswith("--[") and (end := text.find("[", 3)) >= 0 and not text[3:end].strip("="):
        return Comment(span, text[end + 1 :].removesuffix("]" + text[3:end] + "]").strip())
    if text.startswith("/*"):
        body = text[2:].removesuffix("*/")
        return Comment(span, _BLOCK_LINE.sub("", body).strip())
    return Comment(span, text.lstrip("-/").strip() if text.strip("-/") else "")


def _docs(comments: list[Comment], text: str) -> dict[int, str]:
    """What comments that stand on lines of their own say, by the line that they end on; those below another join it."""
    lines = text.split("\n")
    docs: dict[int, str] = {}
    for one in comments:
        span = one.span
        if lines[span.line][: span.column].strip():
            continue
        above = docs.pop(span.line - 1, None)
        docs[span.end_line] = one.text if above is None else f"{above}\n{one.text}"
    return docs
