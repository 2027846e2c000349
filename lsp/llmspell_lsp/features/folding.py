"""What can be folded: functions, classes, blocks, tables, calls and texts over several lines, runs of comments and of
imports, and regions (`--#region name` … `--#endregion`, `//#region`).

Found chunk by chunk and kept with the chunk, for it depends on nothing else; runs and regions that go on from one chunk
to the next are put together for the document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast

from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.lookup import walk

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.snapshot import Snapshot

FoldKind = Literal["", "comment", "imports", "region"]

_REGION: Final = re.compile(r"\s*#?(end)?region\b")
#: What ends a block: it stays in sight, so that a folded line reads `Agent.new({ … })`.
_CLOSERS: Final = re.compile(r"(?:[\])}`;,=\s]|\bend\b)*|until\b.*")


class Fold(NamedTuple):
    """From the end of one line up to another, which is hidden, too. column: where the hidden text ends on `close`, the
    line of the closing mark, for clients that fold by characters."""

    line: int
    end: int
    kind: FoldKind
    close: int
    column: int


class _Run(NamedTuple):
    """Lines of comments, or of imports, without anything else between them."""

    line: int
    end: int
    width: int
    """Of the last line."""


class _Folds(NamedTuple):
    """What a chunk tells. marks: a region's beginning (True) or end, by line."""

    folds: tuple[Fold, ...]
    comments: tuple[_Run, ...]
    imports: tuple[_Run, ...]
    marks: tuple[tuple[int, bool, int], ...]


def folds(snapshot: Snapshot, limit: int | None = None) -> list[Fold]:
    """The folds of a script in the order of the file, one a line at most; of more than `limit` the largest."""
    largest: dict[int, Fold] = {}
    comments: list[_Run] = []
    imports: list[_Run] = []
    open_regions: list[int] = []
    found: list[Fold] = []
    for placed in snapshot.chunks.placed:
        start, chunk = placed.start, _of(placed.chunk)
        found += [
            each._replace(line=each.line + start, end=each.end + start, close=each.close + start)
            for each in chunk.folds
        ]
        _join(comments, chunk.comments, start)
        _join(imports, chunk.imports, start)
        for line, begins, width in chunk.marks:
            if begins:
                open_regions.append(line + start)
            elif open_regions:
                found.append(Fold(open_regions.pop(), line + start, "region", line + start, width))
    found += [Fold(run.line, run.end, "comment", run.end, run.width) for run in comments if run.end > run.line]
    found += [Fold(run.line, run.end, "imports", run.end, run.width) for run in imports if run.end > run.line]
    for each in found:
        known = largest.get(each.line)
        if known is None or each.end > known.end:
            largest[each.line] = each
    kept = list(largest.values())
    if limit is not None and len(kept) > max(limit, 0):
        kept = sorted(kept, key=lambda each: (each.line - each.end, each.line))[: max(limit, 0)]
    return sorted(kept)


def _join(runs: list[_Run], more: Sequence[_Run], start: int) -> None:
    for run in more:
        if runs and runs[-1].end + 1 == run.line + start:
            runs[-1] = _Run(runs[-1].line, run.end + start, run.width)
        else:
            runs.append(_Run(run.line + start, run.end + start, run.width))


def _of(chunk: Chunk) -> _Folds:
    known = cast("_Folds | None", chunk.facts.get(_Folds))
    if known is None:
        known = chunk.facts[_Folds] = _read(chunk)
    return known


def _read(chunk: Chunk) -> _Folds:
    found: list[Fold] = []
    for node in walk(chunk.tree.block):
        span = _foldable(node)
        if span is not None and span.end_line > span.line:
            fold = _fold(chunk, span)
            if fold.end > fold.line:
                found.append(fold)
    comments: list[_Run] = []
    marks: list[tuple[int, bool, int]] = []
    for each in chunk.tree.comments:
        span = each.span
        alone = span.line < len(chunk.lines) and not chunk.lines[span.line][: span.column].strip()
        mark = _REGION.match(each.text) if alone and span.line == span.end_line else None
        if mark is not None:
            marks.append((span.line, mark[1] is None, span.end_column))
        elif alone:
            _join(comments, [_Run(span.line, span.end_line, span.end_column)], 0)
        elif span.end_line > span.line:
            found.append(Fold(span.line, span.end_line, "comment", span.end_line, span.end_column))
    return _Folds(tuple(found), tuple(comments), tuple(_imports(chunk)), tuple(marks))


def _foldable(node: n.Node) -> Span | None:
    match node:
        case n.Function(arrow_value=None):
            return node.body.span
        case n.Class() | n.Table() | n.Text():
            return node.span
        case n.Call():
            return node.arguments_span
        case n.Branch() if len(node.bodies) == 1:
            return node.span
        case n.Block():
            return node.span if node.span.line or node.span.column else None
        case _:
            return None


def _fold(chunk: Chunk, span: Span) -> Fold:
    closing = chunk.lines[span.end_line][: span.end_column] if span.end_line < len(chunk.lines) else ""
    if not _CLOSERS.fullmatch(closing):
        return Fold(span.line, span.end_line, "", span.end_line, span.end_column)
    column = len(closing) - len(closing.lstrip())
    return Fold(span.line, span.end_line - 1, "", span.end_line, column)


def _imports(chunk: Chunk) -> list[_Run]:
    """The lines of `import … from`, and of `local a = require("…")`."""
    found: list[_Run] = []
    for node in chunk.tree.block.statements:
        if isinstance(node, n.Import) or (
            isinstance(node, n.Declare) and len(node.values) == 1 and _requires(node.values[0])
        ):
            _join(found, [_Run(node.span.line, node.span.end_line, node.span.end_column)], 0)
    return found


def _requires(value: n.Expression) -> bool:
    while isinstance(value, n.Member):
        value = value.object
    return isinstance(value, n.Call) and isinstance(value.callee, n.Name) and value.callee.text == "require"
