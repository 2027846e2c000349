"""What a place in a half-typed text is there for: the type before a mark, the schema of an argument or a table's key.

Goes by the tokens around the place (`syntax.context`), not by the tree, which may be missing or misled there; the tree
is asked for the expressions that stand before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.types import UNKNOWN, Choice, Constant, Instance, Maker, Schema, Type, Value, settled
from llmspell_lsp.features.json_schema import as_schema
from llmspell_lsp.syntax.backwards import Scan
from llmspell_lsp.syntax.context import Context
from llmspell_lsp.syntax.lookup import path
from llmspell_lsp.syntax.nodes import Call, Expression, Member, Name, Span, Table

if TYPE_CHECKING:
    from llmspell_lsp.syntax.backwards import Frame
    from llmspell_lsp.syntax.chunks import Placed

_COMPARES: Final = frozenset({"==", "===", "!=", "!==", "~="})
_MOST_USES: Final = 20
"""Uses of a variable that are looked at for what it is given to."""


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
    found = infer.analysis.expression_at(span)
    return UNKNOWN if found is None else infer.type_of(*found)


def callee_at(infer: Inference, span: Span) -> Type:
    """What is called; `super(…)` makes an object of the base."""
    found = type_at(infer, span)
    if isinstance(found, Instance) and infer.analysis.document.between(*span) == "super":
        return Maker(found.of)
    return found


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
    if depth is not None and frames[depth].kind == "insert":
        return None
    found = _assigned(infer, context, frames) if depth is None else _argument(infer, frames[depth])
    for frame in reversed(frames[:depth]):
        if found is None:
            return None
        found = _inside(infer, as_schema(found), frame, at_key=context.at_key and frame is frames[0])
    return found


def _assigned(infer: Inference, context: Context, frames: list[Frame]) -> Wanted | None:
    """What a value is there for that is put in a field (`agent.timeout = ▮`) or in a variable that is given on."""
    line, column = (frames[-1].line, frames[-1].column) if frames else _start(context)
    scan = Scan(infer.analysis.chunks, line, column)
    if scan.after(0) != "=":
        return None
    target = scan.receiver()
    found = None if target is None else infer.analysis.expression_at(target)
    match found:
        case (placed, Member(object=holder, name=name)):
            member = infer.member(infer.type_of(placed, holder), name)
            if member is None or member.described is None or member.kind not in ("option", "property"):
                return None
            schema = member.described.get("schema", member.described)
            return Wanted(schema, snake(member.name), member.owner)
        case (_, Name(text=name)) if frames:
            return _given_on(infer, name, line, column)
        case _:
            return None


def _start(context: Context) -> tuple[int, int]:
    if context.text is not None:
        return context.text.line, context.text.column
    return context.word.line, context.word.column


def _given_on(infer: Inference, name: str, line: int, column: int) -> Wanted | None:
    """What the table of a variable is given to further on: `local options = { ▮ }`, `Agent.new(options)`."""
    binding = infer.analysis.binding_at(line, max(0, infer.analysis.chunks.lines[line].rfind(name, 0, column)))
    if binding is None or binding.name != name:
        return None
    for use in infer.analysis.references(binding)[:_MOST_USES]:
        if use.declares:
            continue
        place = infer.analysis.chunks.at(use.span.line)
        nodes = path(place.chunk.tree.block, use.span.line - place.start, use.span.column)
        if isinstance(nodes[-1], Name):
            found = expect.wanted(infer, place, nodes)
            if found is not None and found.schema:
                return found
    return None


def compared(infer: Inference, context: Context) -> Wanted | None:
    """What a value is compared with: `if context.tool_name == ▮`."""
    if context.after not in _COMPARES:
        return None
    scan = Scan(infer.analysis.chunks, *_start(context))
    other = scan.receiver()
    type_ = UNKNOWN if other is None else settled(type_at(infer, other))
    match type_:
        case Value(schema=schema):
            return Wanted(schema)
        case Choice(of=options):
            schemas = [_schema(each) for each in options]
            known = [each for each in schemas if each is not None]
            return Wanted({"anyOf": known}) if known else None
        case _:
            return None


def _schema(type_: Type) -> Schema | None:
    match type_:
        case Value(schema=schema):
            return schema
        case Constant(value=str(text)):
            return {"enum": [text]}
        case _:
            return None


def _argument(infer: Inference, frame: Frame) -> Wanted | None:
    if frame.callee is None:
        return None
    place = infer.analysis.chunks.at(frame.callee.line)
    call = call_of(place, frame)
    if call is not None:
        return expect.called_with(infer, place, call, frame.argument)
    callee = callee_at(infer, frame.callee)
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
        return expect.narrowed(
            infer, infer.analysis.chunks.at(frame.line), table, expect.option(outer, frame.key, table)
        )
    return expect.items(outer, table)


def table_of(infer: Inference, frame: Frame) -> Table | None:
    """The table of the tree that opens where a frame does."""
    place = infer.analysis.chunks.at(frame.line)
    line = frame.line - place.start
    for node in reversed(path(place.chunk.tree.block, line, frame.column)):
        if isinstance(node, Table) and (node.span.line, node.span.column) == (line, frame.column):
            return node
    return None
