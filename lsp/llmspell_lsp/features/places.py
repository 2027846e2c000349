"""What a place in a half-typed text is there for: the type before a mark, the schema of an argument or a table's key.

Goes by the tokens around the place (`syntax.context`), not by the tree, which may be missing or misled there; the tree
is asked for the expressions that stand before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.types import UNKNOWN, Method, Type, settled
from llmspell_lsp.syntax.context import Context
from llmspell_lsp.syntax.lookup import path, walk
from llmspell_lsp.syntax.nodes import Await, Call, Expression, Member, Name, Span, Table, Text
from llmspell_lsp.syntax.parsing import parse

if TYPE_CHECKING:
    from llmspell_lsp.syntax.backwards import Frame
    from llmspell_lsp.syntax.chunks import Placed


@dataclass(slots=True, frozen=True)
class Called:
    """The innermost call around a place. argument: which of its arguments the place is in, from 0."""

    callee: Type
    argument: int
    span: Span
    constructs: bool


def type_at(infer: Inference, span: Span) -> Type:
    """What the expression of a span holds, found in the tree or, where that has lost it, read by itself."""
    place = infer.analysis.chunks.at(span.line)
    node = expression(place, span)
    if node is not None:
        return infer.type_of(place, node)
    text = infer.analysis.document.between(*span)
    tree = parse(infer.language, tuple(text.split("\n")))
    for each in walk(tree.block):
        if isinstance(each, Name | Member | Call | Await | Text | Table):
            return _apart(infer, each, span)
    return UNKNOWN


def expression(place: Placed, span: Span) -> Expression | None:
    """The expression of a chunk's tree that has exactly this span of the file."""
    start = place.start
    wanted = Span(span.line - start, span.column, span.end_line - start, span.end_column)
    for node in reversed(path(place.chunk.tree.block, wanted.line, wanted.column)):
        if node.span == wanted and isinstance(node, Expression):
            return node
    # Of expressions that begin at one place the path follows the innermost: look along its nodes for the end, too.
    for node in path(place.chunk.tree.block, wanted.end_line, wanted.end_column):
        if node.span == wanted and isinstance(node, Expression):
            return node
    return None


def _apart(infer: Inference, node: Expression, span: Span) -> Type:
    """The type of an expression that is in no chunk: names mean what they mean at the span."""
    match node:
        case Name(text=text):
            binding = infer.analysis.means(text, span.line, span.column)
            if binding is not None:
                return infer.of_binding(binding)
            found = infer.global_name(text)
            return UNKNOWN if found is None else found.type
        case Member(object=holder, name=name):
            found = infer.member(_apart(infer, holder, span), name)
            return UNKNOWN if found is None else found.type
        case Call(callee=callee):
            called = _apart(infer, callee, span)
            return infer.given(called) if isinstance(called, Method) else UNKNOWN
        case Await(value=value):
            return settled(_apart(infer, value, span))
        case _:
            return UNKNOWN


def call_around(infer: Inference, context: Context) -> Called | None:
    """The innermost call that a place is an argument of, tables between them or not."""
    for frame in context.frames:
        if frame.kind == "call" and frame.callee is not None:
            return Called(type_at(infer, frame.callee), frame.argument, frame.callee, frame.constructs)
        if frame.kind == "insert":
            return None
    return None


def wanted(infer: Inference, context: Context) -> Wanted | None:
    """What the place is there for: of a key being typed the table, of a value its own schema."""
    frames = list(context.frames)
    depth = next((index for index, frame in enumerate(frames) if frame.kind in ("call", "insert")), None)
    if depth is None or frames[depth].kind == "insert":
        return None
    found = _argument(infer, frames[depth])
    for frame in reversed(frames[:depth]):
        if found is None:
            return None
        found = _inside(infer, found, frame, at_key=context.at_key and frame is frames[0])
    return found


def _argument(infer: Inference, frame: Frame) -> Wanted | None:
    if frame.callee is None:
        return None
    place = infer.analysis.chunks.at(frame.callee.line)
    call = call_of(place, frame)
    if call is not None:
        return expect.argument(infer, place, call, frame.argument)
    callee = type_at(infer, frame.callee)
    found = expect.takes(infer, callee, constructs=frame.constructs)
    if not found or (frame.argument >= len(found) and not found[-1].variadic):
        return None
    parameter = found[min(frame.argument, len(found) - 1)]
    return Wanted(parameter.schema, parameter.name, expect.owner_of(infer, callee), native=parameter.native)


def call_of(place: Placed, frame: Frame) -> Call | None:
    """The call of the tree that a frame is the brackets of."""
    if frame.callee is None:
        return None
    node = expression(place, frame.callee)
    if node is None:
        return None
    above = path(place.chunk.tree.block, frame.line - place.start, frame.column)
    return next((each for each in reversed(above) if isinstance(each, Call) and each.callee is node), None)


def _inside(infer: Inference, outer: Wanted, frame: Frame, *, at_key: bool) -> Wanted | None:
    if frame.kind == "group":
        return outer
    if frame.kind == "index":
        return None
    table = table_of(infer, frame)
    if at_key:
        return Wanted(outer.schema, outer.name, outer.owner, outer.beside, table)
    if frame.key is not None:
        return expect.option(outer, frame.key, table)
    return expect.items(outer, table)


def table_of(infer: Inference, frame: Frame) -> Table | None:
    """The table of the tree that opens where a frame does."""
    place = infer.analysis.chunks.at(frame.line)
    line = frame.line - place.start
    for node in reversed(path(place.chunk.tree.block, line, frame.column)):
        if isinstance(node, Table) and (node.span.line, node.span.column) == (line, frame.column):
            return node
    return None
