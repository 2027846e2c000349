"""A long function's tree out of parts: what `chunks` does for a file, done for the body of one statement.

The body is cut where a statement begins at its indentation, each part is parsed alone and kept from one text to the
next, so that a key typed into 10,000 lines re-reads a few of them. Where to cut is told by the text alone: the tree is
the same whatever has been kept. A text that cannot be cut so (a table, a class, a quote that nothing closes) is parsed
whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from llmspell_lsp.syntax.lookup import path
from llmspell_lsp.syntax.nodes import Block, Branch, Function, Tree
from llmspell_lsp.syntax.parsing import parse
from llmspell_lsp.syntax.pieces import Cutter, Piece, join
from llmspell_lsp.syntax.skeleton import Line, ScriptLanguage, read

LONG: Final = 300
"""Lines from which on a text is cut: so many are parsed in 4 ms, and no part is worth less than its look-up."""

_PARAGRAPH: Final = 64
"""Lines without a blank one between statements, more than which are cut at each statement."""

_SPARE: Final = 100
"""Parts kept beyond those in use, of 30 lines each: what was typed and taken back."""

_BLANK: Final = 1 << 30
"""The indentation of a blank line: deeper than any."""

Lines = tuple[str, ...]


class _Run(NamedTuple):
    """Lines of a body, from one at which a statement may begin to the next. leaves: the text that they end in."""

    first: Line
    cutter: Cutter
    leaves: str


class _Part(NamedTuple):
    tree: Tree
    inner: list[tuple[Lines, int, int]]
    """Of a long part, those that it is made of."""


class Parts:
    """What a chunk and those that stood in its place before are made of."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Lines, int, int], _Part] = {}
        self._runs: dict[tuple[Lines, str], _Run] = {}

    @property
    def size(self) -> int:
        """How many parts are kept."""
        return len(self._parts)

    def tree(self, language: ScriptLanguage, lines: Lines) -> Tree:
        """Of a chunk's text."""
        making = _Making(language, self._parts, self._runs)
        made = making.part(lines, 0, 0).tree
        if len(self._parts) > len(making.parts) + _SPARE:
            self._parts = making.parts
        if len(self._runs) > len(making.runs) + _SPARE:
            self._runs = making.runs
        # The chunk has it, as long as it is wanted.
        self._parts.pop((lines, 0, 0), None)
        return made


class _Making:
    """One tree being made. `parts` and `runs` are those of what is known that it takes."""

    def __init__(
        self,
        language: ScriptLanguage,
        known_parts: dict[tuple[Lines, int, int], _Part],
        known_runs: dict[tuple[Lines, str], _Run],
    ) -> None:
        self._language: ScriptLanguage = language
        self._known_parts = known_parts
        self._known_runs = known_runs
        self.parts: dict[tuple[Lines, int, int], _Part] = {}
        self.runs: dict[tuple[Lines, str], _Run] = {}

    def part(self, lines: Lines, row: int, depth: int) -> _Part:
        """Some lines that stand at a row of the chunk, in so many nodes."""
        key = lines, row, depth
        known = self._known_parts.get(key)
        if known is None:
            known = self._cut(lines, row, depth) if len(lines) >= LONG else None
            if known is None:
                known = _Part(parse(self._language, lines, row, depth), [])
            self._known_parts[key] = known
        self.parts[key] = known
        for inner in known.inner:
            if inner in self._known_parts:
                self.parts[inner] = self._known_parts[inner]
        return known

    def _cut(self, lines: Lines, row: int, depth: int) -> _Part | None:
        """Out of parts; None for a text that is not one long body and what is around it."""
        found = self._body(lines)
        if found is None:
            return None
        sizes, first, end = found
        shell = parse(self._language, (*lines[:first], *[""] * (end - first), *lines[end:]), row, depth)
        around = path(shell.block, row + first, 0)
        if len(around) < 2 or not isinstance(body := around[-1], Block):
            return None
        owner = around[-2]
        if not (isinstance(owner, Function | Block) or (isinstance(owner, Branch) and owner.kind != "switch")):
            return None
        keys = [
            (lines[at : at + size], row + at, depth + len(around))
            for at, size in zip(accumulate(sizes, initial=first), sizes, strict=False)
        ]
        parts = [self.part(*key) for key in keys]
        trees = [shell, *(part.tree for part in parts)]
        # The names of a loop come before what is in it, the condition of `repeat` after.
        at = sum(each.span.line < row + first for each in body.statements)
        body.statements[at:at] = [each for tree in trees[1:] for each in tree.block.statements]
        comments = [each for tree in trees for each in tree.comments]
        comments.sort(key=lambda each: each.span)
        problems = [each for tree in trees for each in tree.problems]
        problems.sort(key=lambda each: each.span)
        return _Part(Tree(shell.block, problems, comments), keys + [each for part in parts for each in part.inner])

    def _body(self, lines: Lines) -> tuple[list[int], int, int] | None:
        """The parts of the first long stretch of lines that are indented, how many lines each, and where they begin and
        end."""
        indents = [len(line) - len(bare) if (bare := line.lstrip()) else _BLANK for line in lines]
        base = next((indent for indent in indents if indent < _BLANK), _BLANK)
        outer = [number for number, indent in enumerate(indents) if indent <= base]
        outer.append(len(lines))
        first = next((above + 1 for above, below in pairwise(outer) if below - above > LONG // 2), 0)
        while first < len(lines) and indents[first] == _BLANK:
            first += 1
        if first in {0, len(lines)}:
            return None
        indent = lines[first][: indents[first]]
        pieces: list[Piece] = []
        bounds = _bounds(indents, first, base)
        at, last = first, None
        stop = next(bounds)
        while at < len(lines) and indents[at] > base:
            run = self._run(lines[at:stop], indent)
            if last is not None and not last.cutter.begins(run.first):
                # It goes on with what is above. Twice as many lines each time: a long comment is not read line by line.
                size = pieces.pop().size
                at -= size
                while stop < min(at + 2 * size, len(lines)) and indents[stop] > base:
                    stop = next(bounds)
                run = self._run(lines[at:stop], indent)
            while run.leaves:
                closed = self._closed(lines, stop, run.leaves)
                if closed is None:
                    return None
                stop = next(bound for bound in bounds if bound > closed)
                run = self._run(lines[at:stop], indent)
            pieces.append(run.cutter.piece(stop - at))
            at, last = stop, run
            stop = next(bounds, len(lines))
        return [unit.size for unit in join(pieces, {})], first, at

    def _run(self, lines: Lines, indent: str) -> _Run:
        key = lines, indent
        known = self._known_runs.get(key)
        if known is None:
            cutter = Cutter(self._language)
            state = ""
            first: Line | None = None
            for text in lines:
                line = read(text.removeprefix(indent), state, self._language)
                first = first or line
                cutter.add(line)
                state = line.leave
            assert first is not None
            known = self._known_runs[key] = _Run(first, cutter, state)
        self.runs[key] = known
        return known

    def _closed(self, lines: Lines, at: int, state: str) -> int | None:
        """The line on which a text ends that is open before a line; None for never."""
        for number in range(at, len(lines)):
            state = read(lines[number], state, self._language).leave
            if not state:
                return number
        return None


def _bounds(indents: list[int], first: int, base: int) -> Iterator[int]:
    """Below the first line of a body: where a statement may begin, where the body may be over, and the text's end."""
    inner = indents[first]
    skipped: list[int] = []
    since = first
    for number in range(first + 1, len(indents)):
        indent = indents[number]
        if indent > inner or base < indent < inner:
            continue
        if indent == inner and indents[number - 1] != _BLANK:
            skipped.append(number)
            continue
        if number - since > _PARAGRAPH:
            yield from skipped
        skipped.clear()
        since = number
        yield number
    if len(indents) - since > _PARAGRAPH:
        yield from skipped
    yield len(indents)
