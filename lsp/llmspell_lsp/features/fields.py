"""Where a document writes a field of its own: `M.load`, `{ load = … }`, a class's member, `const { load } = M`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import Instance, Script, ScriptClass, Type
from llmspell_lsp.features.patterns import holder, key_span
from llmspell_lsp.features.spots import spots
from llmspell_lsp.features.subjects import Own, own
from llmspell_lsp.syntax.lookup import path_in, path_to, walk
from llmspell_lsp.syntax.nodes import (
    Assign,
    Await,
    Call,
    Class,
    ClassMember,
    Entry,
    Import,
    Member,
    Name,
    Span,
    Table,
    Target,
)

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed

#: (span, access, declares, before, after), as an `Occurrence` has them.
FieldPlace = tuple[Span, Literal["read", "write"], bool, str, str]


def places(infer: Inference, about: Own) -> Iterator[FieldPlace]:
    """Every place of a field."""
    for place, node in spots(infer, about.name):
        match node:
            case Member():
                if own(infer, infer.type_of(place, node.object), node.name) == about:
                    above = path_to(place.chunk, node)[-2]
                    write = isinstance(above, Assign) and any(each is node for each in above.targets)
                    span = absolute(place.start, node.name_span)
                    yield span, "write" if write else "read", write, "", ""
            case Entry(key_span=Span() as span):
                if _of_entry(infer, place, node) == about:
                    short = isinstance(node.value, Name) and node.value.span == span
                    yield absolute(place.start, span), "write", True, "", f": {about.name}" if short else ""
            case ClassMember(static=static):
                above = path_to(place.chunk, node)[-2]
                if isinstance(above, Class):
                    made = infer.type_of(place, above)
                    receiver: Type = Instance(made) if isinstance(made, ScriptClass) and not static else made
                    if own(infer, receiver, node.name) == about:
                        yield absolute(place.start, node.name_span), "write", True, "", ""
            case Target():
                yield from _of_pattern(infer, place, node, about)
            case _:
                pass


def _of_entry(infer: Inference, place: Placed, entry: Entry) -> object:
    nodes = path_to(place.chunk, entry)
    table = nodes[-2]
    if not isinstance(table, Table) or entry.key is None:
        return None
    above = nodes[-3]
    if isinstance(above, Call):
        made = infer.type_of(place, above)  # `Base:extend({ … })`: the fields are the class's
        if isinstance(made, ScriptClass) and made.site.node is above:
            return own(infer, made, entry.key)
    return own(infer, infer.type_of(place, table), entry.key)


def _of_pattern(infer: Inference, place: Placed, target: Target, about: Own) -> Iterator[FieldPlace]:
    """`const { load } = M`, `{ load: mine }`, `import { load }`."""
    if own(infer, holder(infer, place, target), about.name) != about:
        return
    span = absolute(place.start, target.span)
    key = key_span(infer, place, target)
    if key is not None:
        yield key, "read", False, "", ""
    elif isinstance(path_to(place.chunk, target)[-2], Import) and target.name != about.name:
        return
    else:
        joined = " as " if isinstance(path_to(place.chunk, target)[-2], Import) else ": "
        named = span._replace(end_line=span.line, end_column=span.column + len(target.name))
        yield named, "read", False, "", f"{joined}{target.name}"


def given_to(infer: Inference, about: Own) -> str:
    """What a table literal is an argument of, unless that is a function of the spell; "" for none."""
    if about.uri != infer.analysis.uri:
        return ""
    place = infer.analysis.chunks.at(about.at.line)
    nodes = path_in(place, about.at.line, about.at.column)
    at = next((i for i, each in enumerate(nodes) if absolute(place.start, each.span) == about.at), None)
    if at is None or not isinstance(nodes[at], Table):
        return ""
    for node in reversed(nodes[:at]):
        if isinstance(node, Call):
            callee = infer.type_of(place, node.callee)
            named = node.callee.name if isinstance(node.callee, Member) else getattr(node.callee, "text", "")
            return "" if isinstance(callee, Script) else named or "a call"
        if not isinstance(node, Entry | Table | Await):
            return ""
    return ""


def inherits(infer: Inference, about: Own, name: str) -> bool:
    """Whether the class that a field is of has a member of another name from the registry."""
    for place in infer.analysis.placed:
        for node in place_classes(place):
            made = infer.type_of(place, node)
            if isinstance(made, ScriptClass) and own(infer, Instance(made), about.name) == about:
                return infer.member(Instance(made), name) is not None
    return False


def place_classes(place: Placed) -> list[Class | Call]:
    """The nodes of a chunk that may make a class."""
    known = place.chunk.facts.get(place_classes)
    if known is None:
        made = [
            node
            for node in walk(place.chunk.tree.block)
            if isinstance(node, Class)
            or (isinstance(node, Call) and isinstance(node.callee, Member) and node.callee.name == "extend")
        ]
        known = place.chunk.facts[place_classes] = made
    assert isinstance(known, list)
    return known
