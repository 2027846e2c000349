"""What an engine's compiler said of a text, as a finding: its words, at the place that the tree knows better.

The engine decides whether there is an error; the tree only says where. Lua names a line and a token, QuickJS a line and
a column, both of where they noticed, which may be a line after what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from llmspell_lsp.checks.brackets import unmatched
from llmspell_lsp.checks.compile import Refusal
from llmspell_lsp.checks.finding import Finding, Related
from llmspell_lsp.syntax.nodes import Problem, Span
from llmspell_lsp.workspace.snapshot import Snapshot

CODE: Final = "syntax"

_CLOSES: Final = re.compile(r" \(to close .* at line (\d+)\)")
_NEAR: Final = re.compile(r" near '(.+)'\Z", re.DOTALL)
_EXPECTED: Final = re.compile(r"'(.+?)' expected")
_AT_LINE: Final = re.compile(r"(?: for <goto>)? at line \d+\Z")
_WORD: Final = re.compile(r"[\w$]+")


def finding(snapshot: Snapshot, refusal: Refusal) -> Finding:
    lines = snapshot.document.lines
    message = _AT_LINE.sub("", refusal.message)
    related: tuple[Related, ...] = ()
    closes = _CLOSES.search(message)
    if closes is not None:
        opened = min(int(closes[1]) - 1, len(lines) - 1)
        related = (Related(_whole(lines, opened), "opened here"),)
    if snapshot.document.language == "javascript":
        # Around the text is a bracket of the runtime's own, which the text may have closed, or be told to close.
        bracket = unmatched(snapshot.chunks)
        beyond = refusal.line >= len(lines)
        if bracket is not None and (beyond or refusal.stray or (bracket.closes and bracket.span[:2] <= refusal[:2])):
            return Finding(bracket.span, CODE, bracket.words)
        if beyond:
            return Finding(_end(lines), CODE, "the text ends too early")
    problems = _problems(snapshot, refusal.line)
    span = _missing(lines, message, problems)
    if span is None and snapshot.document.language == "lua":
        span = _of_lua(lines, refusal, problems)
    if span is None:
        span = _of_javascript(lines, refusal) if refusal.column >= 0 else _whole(lines, refusal.line)
    return Finding(span, CODE, message, related=related)


def _problems(snapshot: Snapshot, line: int) -> list[Problem]:
    """What the grammar could not read around a line, the chunk above it included; places of the document."""
    found: list[Problem] = []
    for start, _, chunk in snapshot.chunks.between(max(0, line - 1), line):
        for problem in chunk.tree.problems:
            first, column, last, end = problem.span
            found.append(Problem(Span(first + start, column, last + start, end), problem.missing))
    return found


def _missing(lines: Sequence[str], message: str, problems: Sequence[Problem]) -> Span | None:
    """Where the tree misses the very token that the engine expected."""
    expected = _EXPECTED.match(message)
    for problem in reversed(problems):
        if expected is not None and problem.missing == expected[1]:
            return _visible(lines, problem.span)
    return None


def _of_lua(lines: Sequence[str], refusal: Refusal, problems: Sequence[Problem]) -> Span | None:
    if refusal.message.endswith("near <eof>"):
        return _end(lines)
    near = _NEAR.search(refusal.message)
    if near is None:
        return None
    token = near[1].split("\n", 1)[0]
    columns = [found.start() for found in re.finditer(re.escape(token), lines[refusal.line])]
    if not columns:
        return None
    wrong = [problem.span.column for problem in problems if problem.span.line == refusal.line]
    column = min(columns, key=lambda column: min((abs(column - at) for at in wrong), default=0))
    return Span(refusal.line, column, refusal.line, column + len(token))


def _of_javascript(lines: Sequence[str], refusal: Refusal) -> Span:
    """The token at the column; of a second declaration, the name before it."""
    text = lines[refusal.line]
    column = min(refusal.column, max(0, len(text) - 1))
    if refusal.message.startswith("invalid redefinition"):
        names = list(_WORD.finditer(text, 0, refusal.column))
        if names:
            return Span(refusal.line, names[-1].start(), refusal.line, names[-1].end())
    found = _WORD.match(text, column)
    return Span(refusal.line, column, refusal.line, found.end() if found else min(column + 1, len(text)))


def _whole(lines: Sequence[str], line: int) -> Span:
    """A line without its indentation."""
    text = lines[line]
    return Span(line, len(text) - len(text.lstrip()), line, len(text.rstrip()))


def _end(lines: Sequence[str]) -> Span:
    """The last character that can be seen."""
    for line in range(len(lines) - 1, -1, -1):
        length = len(lines[line].rstrip())
        if length:
            return Span(line, length - 1, line, length)
    return Span(0, 0, 0, 0)


def _visible(lines: Sequence[str], span: Span) -> Span:
    """A missing token has no width: the character before it is marked."""
    if (span.line, span.column) != (span.end_line, span.end_column) or span.column == 0:
        return span
    return Span(span.line, span.column - 1, span.line, span.column)
