"""Labels: Lua's `::again::` and the `goto` that goes there, JavaScript's `again: for …` and its `break` and `continue`.

The tree keeps no labels, so they are read from tokens; which label a name means is told by the blocks around both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell_lsp.syntax.lookup import path_in
from llmspell_lsp.syntax.nodes import Block, Branch, Function, Node, Span
from llmspell_lsp.syntax.tokens import Token, tokens

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunks
    from llmspell_lsp.workspace.snapshot import Snapshot

_JUMPS: Final = {"lua": frozenset({"goto"}), "javascript": frozenset({"break", "continue"})}
#: What may stand before a label of JavaScript on its line.
_BEFORE: Final = frozenset({"", ";", "{", "}", ")"})
#: The block of a file: its chunks have one each.
_FILE: Final = (-1, 0)
_Block = tuple[int, int]


@dataclass(slots=True, frozen=True)
class Label:
    """One label with the jumps to it, in the order of the file. here: the place that was asked about."""

    name: str
    declared: Span
    jumps: tuple[Span, ...]
    here: Span

    @property
    def places(self) -> tuple[Span, ...]:
        return tuple(sorted((self.declared, *self.jumps)))


@dataclass(slots=True, frozen=True)
class _Mention:
    """blocks: those around it, the innermost first, up to the function's."""

    name: str
    span: Span
    declares: bool
    blocks: tuple[_Block, ...]


def label(snapshot: Snapshot, line: int, column: int) -> Label | None:
    """The label that a place names; None where it names none, or one that is not there."""
    chunks = snapshot.chunks
    here = next((each for each in _in_line(chunks, line) if each.span.holds(line, column)), None)
    if here is None:
        return None
    same = [each for each in _mentions(chunks, here.name) if each.blocks[-1] == here.blocks[-1]]
    declared = here if here.declares else _meant(chunks, here, same)
    if declared is None:
        return None
    jumps = [each.span for each in same if not each.declares and _meant(chunks, each, same) == declared]
    return Label(here.name, declared.span, tuple(jumps), here.span)


def names(snapshot: Snapshot, line: int, column: int) -> frozenset[str]:
    """The names of all labels of the function, or the file, that a place is in."""
    chunks = snapshot.chunks
    around = _blocks(chunks, line, column)[-1]
    every = _mentions(chunks, "")
    return frozenset(each.name for each in every if each.declares and each.blocks[-1] == around)


def _meant(chunks: Chunks, jump: _Mention, same: list[_Mention]) -> _Mention | None:
    """The label of the innermost block around a jump that has one of its name. In JavaScript it stands before it."""
    for block in jump.blocks:
        found = [each for each in same if each.declares and each.blocks[0] == block]
        if chunks.language == "javascript":
            found = [each for each in found if each.span < jump.span][-1:]
        if found:
            return found[0]
    return None


def _mentions(chunks: Chunks, name: str) -> list[_Mention]:
    """Of a label's name, or of all, in the file."""
    found: list[_Mention] = []
    for number, text in enumerate(chunks.lines):
        if name in text and (name or "::" in text or ":" in text):
            found += (each for each in _in_line(chunks, number) if not name or each.name == name)
    return found


def _in_line(chunks: Chunks, line: int) -> Iterator[_Mention]:
    read = tokens(chunks.lines[line], chunks.skeletons[line].enter, chunks.language)
    for index, token in enumerate(read):
        if token.kind != "name":
            continue
        before = read[index - 1] if index else None
        after = read[index + 1].text if index + 1 < len(read) else ""
        jumps = before is not None and before.kind == "keyword" and before.text in _JUMPS[chunks.language]
        if jumps or _declares(chunks, line, token, before.text if before is not None else "", after):
            span = Span(line, token.column, line, token.end)
            yield _Mention(token.text, span, not jumps, _blocks(chunks, line, token.column))


def _declares(chunks: Chunks, line: int, token: Token, before: str, after: str) -> bool:
    if chunks.language == "lua":
        return before == "::" == after
    if after != ":" or before not in _BEFORE:
        return False
    # Else it is a key of an object.
    return isinstance(path_in(chunks.at(line), line, token.column)[-1], Block | Branch)


def _blocks(chunks: Chunks, line: int, column: int) -> tuple[_Block, ...]:
    place = chunks.at(line)
    nodes: list[Node] = path_in(place, line, column)
    found: list[_Block] = []
    for node in reversed(nodes):
        if isinstance(node, Block):
            found.append(_FILE if node is place.chunk.tree.block else (place.start, id(node)))
        elif isinstance(node, Function):
            break
    return tuple(found) or (_FILE,)
