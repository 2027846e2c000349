"""What stands at a place: a variable, a member, a key of an option table, a name in a text, a `{{reference}}`, a class
in a comment.

Hover, definition, references and rename begin here. Unknown is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.named import around as named_around
from llmspell_lsp.analysis.named import flows_at
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import UNKNOWN, ClassObject, Field, Instance, Module, Native, ScriptClass, Type
from llmspell_lsp.analysis.vocabulary import Found
from llmspell_lsp.features.contexts import flow_around, flow_read, is_context
from llmspell_lsp.features.patterns import holder, key_span
from llmspell_lsp.features.references import use_at
from llmspell_lsp.syntax.lookup import path_in
from llmspell_lsp.syntax.nodes import (
    Assign,
    Call,
    Class,
    ClassMember,
    Entry,
    Export,
    Function,
    Import,
    Member,
    Name,
    Node,
    Pattern,
    Span,
    Table,
    Text,
)

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.named import Named
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.analysis.steps import Flow, Step, Use
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.workspace.snapshot import Snapshot


@dataclass(slots=True, frozen=True)
class Variable:
    """A name that the document declares."""

    span: Span
    binding: Binding
    type: Type


@dataclass(slots=True, frozen=True)
class Known:
    """A name of the registry or the language: a global, or a member. found.name: as it should be spelled."""

    span: Span
    written: str
    found: Found
    receiver: Type = UNKNOWN


@dataclass(slots=True, frozen=True)
class Property:
    """A field that the spell itself has put there; field: where. Also the field itself, where it is put there."""

    span: Span
    field: Field
    receiver: Type = UNKNOWN


@dataclass(slots=True, frozen=True)
class Option:
    """A key of a table that the registry describes. outer: what the table is for; wanted: what its value is."""

    span: Span
    key: str
    outer: Wanted
    wanted: Wanted


@dataclass(slots=True, frozen=True)
class Text_:
    """A text that names something: a hook point, an event, a tool, an agent, a state key, one of a list."""

    span: Span
    value: str
    wanted: Wanted
    named: Named | None


@dataclass(slots=True, frozen=True)
class Reference:
    """A `{{reference}}`; span: of its name, or of all of it where the place is not on the name."""

    span: Span
    flow: Flow
    use: Use


@dataclass(slots=True, frozen=True)
class This:
    """`this` or `super` inside a class."""

    span: Span
    word: str
    type: Type


@dataclass(slots=True, frozen=True)
class Output:
    """The text that gives a step its name or its output one: what `{{references}}` call it."""

    span: Span
    flow: Flow
    step: Step
    name: str


@dataclass(slots=True, frozen=True)
class ModuleName:
    """The text that says which file is imported or required."""

    span: Span
    name: str


Meaning = Variable | Known | Property | Option | Text_ | Reference | This | Output | ModuleName


#: Words for the object at hand; what they hold, inference knows.
_THIS: Final = frozenset({"this", "super"})
#: A line of a doc comment that gives a type, up to it.
_TYPED: Final = re.compile(r"@(param|returns?|type|field|class|property|prop|cast|extends|augments)\b")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def meaning(snapshot: Snapshot, line: int, column: int) -> Meaning | None:
    """What stands at a place of a script."""
    infer = snapshot.types
    place = infer.analysis.chunks.at(line)
    nodes = path_in(place, line, column)
    row = line - place.start
    said = _in_comment(infer, place, row, column)
    if said is not None:
        return said
    for depth in range(len(nodes) - 1, -1, -1):
        node = nodes[depth]
        match node:
            case Text():
                return _text(infer, place, nodes[: depth + 1], line, column)
            case Name():
                return _name(infer, place, node)
            case Member() if node.name_span.holds(row, column):
                return _member(infer, place, nodes[: depth + 1])
            case Entry(key_span=Span() as span) if span.holds(row, column):
                return _entry(infer, place, nodes[: depth + 1])
            case ClassMember(name_span=span) if span.holds(row, column):
                return _class_member(infer, place, nodes[: depth + 1])
            case Function(name_span=Span() as span) if span.holds(row, column):
                above = nodes[depth - 1]
                if isinstance(above, Assign):
                    # `function M.load()`: the tree has the name on the left of an assignment.
                    target = next((each for each in above.targets if each.span.holds(row, column)), None)
                    if isinstance(target, Member) and target.name_span.holds(row, column):
                        return _member(infer, place, [*nodes[:depth], target])
                if not isinstance(above, ClassMember | Entry):
                    break
            case _:
                pass
    key = _pattern_key(infer, place, nodes, line, column)
    if key is not None:
        return key
    binding = infer.analysis.binding_at(line, column)
    if binding is None:
        return None
    span = binding.span
    if not span.holds(line, column):  # a use that the tree of a half-typed text has lost
        span = next((each.span for each in infer.analysis.references(binding) if each.span.holds(line, column)), span)
    return Variable(span, binding, infer.of_binding(binding))


def _name(infer: Inference, place: Placed, node: Name) -> Meaning | None:
    span = absolute(place.start, node.span)
    binding = infer.analysis.resolve(place, node)
    if binding is not None:
        return Variable(span, binding, infer.of_binding(binding))
    if node.text in _THIS:
        of = infer.type_of(place, node)
        return This(span, node.text, of) if of != UNKNOWN else None
    found = infer.global_name(node.text)
    return None if found is None else Known(span, node.text, found)


def _member(infer: Inference, place: Placed, nodes: list[Node]) -> Meaning | None:
    node = nodes[-1]
    assert isinstance(node, Member)
    receiver = infer.type_of(place, node.object)
    found = infer.member(receiver, node.name)
    span = absolute(place.start, node.name_span)
    if found is None:
        flow = flow_read(infer, place, node.object)
        givers = flow.givers(node.name) if flow is not None else []
        if flow is not None and givers:
            return Output(span, flow, givers[0], node.name)
        # A field that its class does not declare: `self.count = 0`.
        made = isinstance(receiver, Instance) and isinstance(receiver.of, ScriptClass)
        return Property(span, Field(node.name, UNKNOWN), receiver) if made else None
    if found.field is not None:
        return Property(span, found.field, receiver)
    return Known(span, node.name, found, receiver)


def _entry(infer: Inference, place: Placed, nodes: list[Node]) -> Meaning | None:
    entry, table = nodes[-1], nodes[-2]
    assert isinstance(entry, Entry)
    if entry.key is None or entry.key_span is None or not isinstance(table, Table):
        return None
    span = absolute(place.start, entry.key_span)
    outer = expect.wanted(infer, place, nodes[:-1])
    wanted = None if outer is None else expect.option(outer, entry.key, table)
    if outer is not None and wanted is not None:
        return Option(span, entry.key, outer, wanted)
    of_table: Type = infer.type_of(place, table)
    made = infer.type_of(place, nodes[-3]) if isinstance(nodes[-3], Call) else UNKNOWN
    if isinstance(made, ScriptClass) and made.site.node is nodes[-3]:
        of_table = Instance(made)  # `Base:extend({ … })`
    found = infer.member(of_table, entry.key)
    return None if found is None or found.field is None else Property(span, found.field, of_table)


def _pattern_key(infer: Inference, place: Placed, nodes: list[Node], line: int, column: int) -> Property | None:
    """The key of `{ key: name }`, `import { key as name }`."""
    if not isinstance(nodes[-1], Pattern | Import):
        return None
    for target in nodes[-1].targets:
        span = key_span(infer, place, target)
        if span is not None and span.holds(line, column):
            receiver = holder(infer, place, target)
            key = str(target.path[-1])
            if isinstance(receiver, Module):
                exported = receiver.exports.get(key)
                return None if exported is None else Property(span, exported, receiver)
            found = infer.member(receiver, key)
            return None if found is None or found.field is None else Property(span, found.field, receiver)
    return None


def _class_member(infer: Inference, place: Placed, nodes: list[Node]) -> Meaning | None:
    member, around = nodes[-1], nodes[-2]
    assert isinstance(member, ClassMember)
    if not isinstance(around, Class):
        return None
    made: Type = infer.type_of(place, around)
    if isinstance(made, ScriptClass) and not member.static:
        made = Instance(made)
    found = infer.member(made, member.name)
    span = absolute(place.start, member.name_span)
    return None if found is None or found.field is None else Property(span, found.field, made)


def _text(infer: Inference, place: Placed, nodes: list[Node], line: int, column: int) -> Meaning | None:
    text = nodes[-1]
    assert isinstance(text, Text)
    span = absolute(place.start, text.content)
    if not span.holds(line, column):  # on a quote
        return None
    if "{{" in text.raw:
        used = use_at(infer, line, column)
        if used is not None:
            flow, use = used
            return Reference(use.name_span if use.name_span.holds(line, column) else use.span, flow, use)
    if text.value and _imports(infer, place, nodes):
        return ModuleName(span, text.value)
    output = _output(infer, place, nodes, span) or _asked(infer, place, nodes, span)
    if output is not None:
        return output
    wanted = expect.wanted(infer, place, nodes)
    if wanted is None or text.value is None:
        return None
    named = next((each for each in named_around(infer, place, nodes) if each.span.holds(line, column)), None)
    return Text_(named.span if named is not None else span, text.value, wanted, named)


def _imports(infer: Inference, place: Placed, nodes: list[Node]) -> bool:
    """Whether a text says which module is meant."""
    match nodes[-2:]:
        case [Import() | Export(), Text()]:
            return True
        case [Call(callee=callee, arguments=[first, *_]), Text() as text] if first is text:
            native = infer.type_of(place, callee)
            return isinstance(native, Native) and native.name == "require"
        case _:
            return False


def _output(infer: Inference, place: Placed, nodes: list[Node], span: Span) -> Output | None:
    """The step that a text names."""
    entry = nodes[-2] if len(nodes) > 1 else None
    if not isinstance(entry, Entry) or entry.key not in ("name", "output"):
        return None
    for flow in flows_at(infer, place, nodes):
        for step in flow.steps():
            named = step.text(entry.key)
            if named is not None and named is nodes[-1] and named.value in step.gives:
                return Output(span, flow, step, named.value)
    return None


def _asked(infer: Inference, place: Placed, nodes: list[Node], span: Span) -> Output | None:
    """The variable of `context:get("name")`."""
    match nodes[-2:]:
        case [
            Call(callee=Member(name="get" | "set", object=receiver) as callee, arguments=[first, *_]),
            Text() as text,
        ]:
            name = text.value or ""
            if first is text and is_context(infer.type_of(place, receiver)):
                flow = flow_around(infer, place, callee)
                givers = flow.givers(name) if flow is not None else []
                return Output(span, flow, givers[0], name) if flow is not None and givers else None
        case _:
            pass
    return None


def _in_comment(infer: Inference, place: Placed, row: int, column: int) -> Known | None:
    """A class of the registry that a doc comment gives as a type."""
    for comment in place.chunk.tree.comments:
        if not comment.span.holds(row, column):
            continue
        line = place.chunk.lines[row]
        if not _TYPED.search(line[: column + 1]):
            return None
        for word in _WORD.finditer(line):
            if word.start() <= column <= word.end():
                found = infer.global_name(word[0])
                span = Span(place.start + row, word.start(), place.start + row, word.end())
                of = None if found is None or not isinstance(found.type, ClassObject) else found
                return None if of is None else Known(span, word[0], of)
    return None


def spelled(known: Known) -> bool:
    """Whether a registry name is written in the language's own spelling."""
    return known.written == known.found.name or snake(known.written) != snake(known.found.name)
