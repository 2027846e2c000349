"""A file as chunks: runs of lines that each begin a statement at column 0, so that a key typed re-reads one of them.

Found without a grammar, from `skeleton`'s lines. A chunk that leaves a bracket open is joined with the later chunk that
closes it, and with all between; if none does, it stays alone: a half-typed table must not swallow the rest of the file
(whole-file parsing of one took seconds at 10,000 lines). Chunks are immutable, shared by equal text, and do not know
where they stand: lines are relative, `Placed` says the start.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell_lsp.syntax.nodes import Tree
from llmspell_lsp.syntax.parsing import parse
from llmspell_lsp.syntax.parts import LONG, Parts
from llmspell_lsp.syntax.pieces import Cutter, Piece, Unions, join
from llmspell_lsp.syntax.skeleton import Line, ScriptLanguage, looks_like_code, read

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document

SPARE_CHUNKS: Final = 512
"""Chunks kept beyond those in use: undo, and a quote typed and closed again, find theirs."""

SPARE_LINES: Final = 4_000
"""Lines of those beyond the document's own: a function of 10,000 lines is one chunk, and its tree 30 MB at each key."""

KEPT_FORMER: Final = 64
"""Broken chunks whose last whole text is kept: nobody types in more places at once."""

FEW: Final = 4
"""Chunks that one key changes at most; of those, what stood there is parsed to know whether it was whole."""

_SIZE: Final = attrgetter("size")

_INDENTS: Final = frozenset(["", " ", "\t", "\f", "\v"])


class Chunk:
    """Some lines of a script. Equal text is the same object, so what is computed about it may be kept in `facts`."""

    __slots__ = ("_tree", "facts", "language", "lines", "parts")

    def __init__(self, language: ScriptLanguage, lines: tuple[str, ...]) -> None:
        self.language: ScriptLanguage = language
        self.lines = lines
        """Without the blank lines after it: an empty line typed below changes nothing."""
        self.facts: dict[object, object] = {}
        """What other modules keep about this text, each under a key of its own."""
        self.parts: Parts | None = None
        """What a long one is made of; it goes on to what takes its place."""
        self._tree: Tree | None = None

    @property
    def tree(self) -> Tree:
        """Parsed when first asked for; 0.2-0.5 ms for 20 lines."""
        if self._tree is None:
            if len(self.lines) < LONG:
                self._tree = parse(self.language, self.lines)
            else:
                self.parts = self.parts or Parts()
                self._tree = self.parts.tree(self.language, self.lines)
        return self._tree

    @property
    def parsed(self) -> bool:
        return self._tree is not None

    @property
    def broken(self) -> bool:
        """Whether the grammar could not read all of it."""
        return bool(self.tree.problems)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Placed(NamedTuple):
    """A chunk where it stands: `end` is the next one's `start`."""

    start: int
    end: int
    chunk: Chunk


class Chunks:
    """The chunks of a document, kept up to date by `update`."""

    __slots__ = (
        "_document",
        "_ended",
        "_former",
        "_known",
        "_pieces",
        "_revision",
        "_spare",
        "_starts",
        "_unions",
        "_units",
        "language",
        "layout",
        "placed",
        "skeletons",
    )

    def __init__(self, document: Document) -> None:
        if document.language not in ("lua", "javascript"):
            raise ValueError(f"{document.uri!r} is no script: {document.language}")
        self.language: ScriptLanguage = document.language
        self.placed: list[Placed] = []
        """From the first line to the last, without gaps. A new list after each change: keep it as a snapshot."""
        self.layout = 0
        """Counts the changes after which some chunk that is still there begins at another line."""
        self._document = document
        self.skeletons: list[Line] = []
        """Each line as `skeleton` read it: what it begins in, its brackets."""
        self._pieces: list[Piece] = []
        self._starts: list[int] = []
        self._known: dict[tuple[str, ...], Chunk] = {}
        self._units: list[Piece] = []
        self._unions: Unions = {}
        self._former: dict[Chunk, Chunk] = {}
        self._spare = 0
        """Lines of chunks made since those out of use were last forgotten."""
        self._ended = -1
        """The first line whose text is taken to end with it; see `_end_texts`."""
        self._revision = -1
        self.update()

    @staticmethod
    def of(document: Document) -> Chunks:
        """The document's one, up to date."""
        known = document.facts.get(Chunks)
        if isinstance(known, Chunks):
            known.update()
            return known
        made = document.facts[Chunks] = Chunks(document)
        return made

    @property
    def lines(self) -> list[str]:
        """The document's own."""
        return self._document.lines

    def at(self, line: int) -> Placed:
        """The chunk that a line is in."""
        return self.placed[max(bisect_right(self._starts, line) - 1, 0)]

    def between(self, first: int, last: int) -> list[Placed]:
        """The chunks that touch the lines first..last."""
        low = max(bisect_right(self._starts, first) - 1, 0)
        return self.placed[low : bisect_right(self._starts, last)]

    def update(self) -> bool:
        """Takes in the document's edits since the last call. Whether there were any."""
        if self._revision == self._document.revision:
            return False
        splices = self._document.since(self._revision) if self._revision >= 0 else None
        self._revision = self._document.revision
        total = len(self._document.lines)
        if splices is None:
            self.skeletons, self._pieces = [], []
            self._read(0, total)
            self._end_texts()
            self._cut(0, 0, 0)
        else:
            first, removed, added = splices[0]
            for splice in splices[1:]:
                # One splice that covers both: what lies between them counts as changed.
                end = max(first + added, splice.first + splice.removed)
                low = min(first, splice.first)
                removed = end - (added - removed) - low
                added = end + splice.added - splice.removed - low
                first = low
            if self._ended >= 0:
                # Which texts are taken to end early depends on all that follows them.
                first = min(first, self._ended)
                removed, added = len(self.skeletons) - first, total - first
            before = len(self.skeletons)
            self.skeletons[first : first + removed] = []
            changed = self._read(first, first + added, inserted=True)
            self._end_texts()
            if self._ended >= 0:
                first = min(first, self._ended)
                self._cut(first, before - first, total - first)
            else:
                self._cut(first, removed + changed - added, changed)
        self._place()
        return True

    def _read(self, first: int, end: int, *, inserted: bool = False) -> int:
        """Reads lines anew, past `end` as long as what they begin in has changed. How many lines that were."""
        texts, lines, language = self._document.lines, self.skeletons, self.language
        state = lines[first - 1].leave if first else ""
        fresh: list[Line] = []
        for index in range(first, end):
            line = read(texts[index], state, language)
            fresh.append(line)
            state = line.leave
        if inserted:
            lines[first:first] = fresh
        else:
            lines[first:end] = fresh
        while end < len(lines) and lines[end].enter != state:
            line = lines[end] = read(texts[end], state, language)
            state = line.leave
            end += 1
        return end - first

    def _end_texts(self) -> None:
        """If the last line ends within a text or comment, no engine accepts the file. Those that seem to hold code at
        column 0 then end on their first line: a quote just typed must not turn the rest of the file inside out."""
        self._ended = -1
        lines, texts = self.skeletons, self._document.lines
        index = 0
        while lines[-1].leave and index < len(lines) - 1:
            line = lines[index]
            index += 1
            if line.enter or not line.leave:
                continue
            end = index
            while end < len(lines) and lines[end].enter:
                if texts[end][:1] not in _INDENTS and looks_like_code(texts[end]):
                    lines[index - 1] = line._replace(leave="", tail="`")
                    if self._ended < 0:
                        self._ended = index - 1
                    self._read(index, index)
                    break
                end += 1
            else:
                index = end

    def _cut(self, first: int, removed: int, added: int) -> None:
        """Cuts the lines first..first+added into pieces, in the place of the old pieces of first..first+removed."""
        lines, pieces = self.skeletons, self._pieces
        starts = list(accumulate(map(_SIZE, pieces), initial=0))[:-1]
        # From the piece before the one touched: whether a line begins a piece depends on what is above it.
        index = max(bisect_right(starts, first) - 2, 0)
        start = starts[index] if starts else 0
        fresh: list[Piece] = []
        resume = len(pieces)
        cutter = Cutter(self.language)
        for number in range(start, len(lines)):
            line = lines[number]
            if cutter.begins(line):
                fresh.append(cutter.piece(number - start))
                start = number
                if number >= first + added:
                    old = number - added + removed
                    same = bisect_left(starts, old)
                    if same < len(starts) and starts[same] == old:
                        resume = same
                        break
                cutter = Cutter(self.language)
            cutter.add(line)
        else:
            fresh.append(cutter.piece(len(lines) - start))
        pieces[index:resume] = fresh

    def _place(self) -> None:
        """Gives each piece, or run of pieces that belong together, its chunk and its place."""
        old, placed = self._units, self.placed
        units = self._units = join(self._pieces, self._unions)
        moved = len(self._document.lines) - (placed[-1].end if placed else 0)
        head, tail, most = 0, 0, min(len(old), len(units))
        while head < most and old[head] is units[head]:
            head += 1
        while tail < most - head and old[-1 - tail] is units[-1 - tail]:
            tail += 1
        fresh: list[Placed] = []
        at = placed[head - 1].end if head else 0
        for unit in units[head : len(units) - tail]:
            if unit.chunk is None:
                unit.chunk = self._chunk(at, at + unit.size)
            fresh.append(Placed(at, at + unit.size, unit.chunk))
            at += unit.size
        gone, rest = placed[head : len(placed) - tail], placed[len(placed) - tail :]
        if (moved and rest) or not _stay(gone, fresh):
            self.layout += 1
        if moved:
            rest = [Placed(start + moved, end + moved, chunk) for start, end, chunk in rest]
        self.placed = [*placed[:head], *fresh, *rest]
        self._starts = [place.start for place in self.placed]
        self._remember(gone, fresh)
        if len(self._known) > 2 * len(units) + SPARE_CHUNKS or self._spare > len(self._document.lines) + SPARE_LINES:
            self._known = {place.chunk.lines: place.chunk for place in self.placed}
            self._spare = 0

    def _remember(self, gone: list[Placed], fresh: list[Placed]) -> None:
        """Notes for each chunk that came what stood in its place."""
        if not gone:
            return
        for index, (_, _, chunk) in enumerate(fresh):
            was = gone[min(index, len(gone) - 1)].chunk
            if was is not chunk and (was.parsed or len(fresh) <= FEW):
                chunk.parts = was.parts
                whole = was if not was.broken else self._former.get(was)
                self._former.pop(chunk, None)
                while len(self._former) >= KEPT_FORMER or sum(len(each.lines) for each in self._former) > SPARE_LINES:
                    del self._former[next(iter(self._former))]
                if whole is not None and whole is not chunk:
                    self._former[chunk] = whole

    def former(self, chunk: Chunk) -> Chunk | None:
        """What stood in the place of a broken chunk when the grammar could last read all of it."""
        return self._former.get(chunk) if chunk.broken else None

    def _chunk(self, first: int, end: int) -> Chunk:
        texts = self._document.lines
        while end > first and not texts[end - 1].strip():
            end -= 1
        lines = tuple(texts[first:end])
        chunk = self._known.get(lines)
        if chunk is None:
            chunk = self._known[lines] = Chunk(self.language, lines)
            self._spare += len(lines)
        return chunk


def _stay(gone: list[Placed], fresh: list[Placed]) -> bool:
    """Whether chunks that were among those that went stand where they stood."""
    starts = {chunk: start for start, _, chunk in gone}
    return all(starts.get(chunk, start) == start for start, _, chunk in fresh)
