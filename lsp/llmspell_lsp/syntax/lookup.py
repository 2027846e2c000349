"""Ways through a tree: the parts of a node, all nodes below it, the nodes around a place.

Lines are those of the chunk; `placed` makes a span one of the file. Knows the shapes of `nodes` and no language.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar, cast

from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.nodes import Node, Span

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk, Placed

Kind = TypeVar("Kind", bound=Node)


def parts(node: Node) -> list[Node]:
    """The nodes directly below a node, in the order of the file (an entry's computed key comes before its value)."""
    match node:
        case n.Name() | n.Literal_():
            return []
        case n.Call():
            return [node.callee, *node.arguments]
        case n.Entry():
            return _some(node.computed, node.value)
        case n.Table():
            return list(node.entries)
        case n.Member():
            return [node.object]
        case n.Declare():
            return [*node.targets, *node.values]
        case n.Evaluate():
            return [node.value]
        case n.Operation():
            return list(node.operands)
        case n.Function():
            # The body of `x => value` is empty and stands where the value does, which a place must find.
            return [*node.parameters, node.arrow_value if node.arrow_value is not None else node.body]
        case n.Block():
            return list(node.statements)
        case n.Assign():
            return [*node.targets, *node.values]
        case n.Unknown():
            return list(node.parts)
        case n.Index():
            return [node.object, node.key]
        case n.Text():
            return list(node.inserts)
        case n.Await():
            return [node.value]
        case n.Parameter():
            return _some(node.pattern, node.default)
        case n.ClassMember():
            return _some(node.value)
        case n.Class():
            return [*_some(node.base), *node.members]
        case n.Pattern():
            return list(node.targets)
        case n.Target():
            return _some(node.default)
        case n.Return():
            return list(node.values)
        case n.Import():
            return [*node.targets, node.module]
        case n.Export():
            names = (name for name, _ in node.names)
            return [*_some(node.declaration), *names, *_some(node.default, node.module)]
        case n.Branch():
            return sorted([*node.heads, *node.bodies], key=lambda part: part.span)
        case _:
            return []


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, outer before inner, in the order of the file."""
    rest = [node]
    while rest:
        node = rest.pop()
        yield node
        rest += reversed(parts(node))


def of_kind(chunk: Chunk, kind: type[Kind]) -> list[Kind]:
    """A chunk's nodes of a kind, in the order of the file; kept with it."""
    known = chunk.facts.get(_Kinds)
    if not isinstance(known, _Kinds):
        known = chunk.facts[_Kinds] = _Kinds()
        for node in walk(chunk.tree.block):
            known.of.setdefault(type(node), []).append(node)
    return cast("list[Kind]", known.of.get(kind, []))


class _Kinds:
    def __init__(self) -> None:
        self.of: dict[type[Node], list[Node]] = {}


def path(node: Node, line: int, column: int) -> list[Node]:
    """The nodes around a place (a line of the chunk), outermost first; of two that touch it the one beginning there."""
    found = [node]
    while True:
        inner: Node | None = None
        for part in parts(node):
            if part.span.holds(line, column):
                inner = part
        if inner is None:
            return found
        node = inner
        found.append(node)


def path_in(place: Placed, line: int, column: int) -> list[Node]:
    """The nodes around a place of the file, in its chunk."""
    return path(place.chunk.tree.block, line - place.start, column)


def path_to(chunk: Chunk, node: Node) -> list[Node]:
    """The nodes around a node, outermost first, itself last. A chunk's parents are found once, when first asked for."""
    above = chunk.facts.get(_Parents)
    if not isinstance(above, _Parents):
        above = chunk.facts[_Parents] = _Parents(chunk)
    found = [node]
    while (outer := above.of.get(found[-1])) is not None:
        found.append(outer)
    found.reverse()
    return found


class _Parents:
    def __init__(self, chunk: Chunk) -> None:
        self.of = {part: node for node in walk(chunk.tree.block) for part in parts(node)}


def placed(span: Span, start: int) -> Span:
    """A chunk's span as one of the file; `start` is the chunk's first line."""
    return Span(span.line + start, span.column, span.end_line + start, span.end_column)


def _some(*found: Node | None) -> list[Node]:
    return [node for node in found if node is not None]
