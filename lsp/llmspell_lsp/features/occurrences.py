"""Every place of one document that is about a subject: what references show, highlights mark and a rename edits.

An occurrence says how its text changes with the name: JavaScript's short `{ a }` becomes `{ a: b }`, a text in quotes
keeps its escapes. Knows one document; `elsewhere` asks the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.named import mentioning
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.features import fields, variables
from llmspell_lsp.features.spots import spots
from llmspell_lsp.features.subjects import Api, Called, Key, Local, Numbered, Own, Subject, Var, api, called
from llmspell_lsp.syntax.lookup import path_in, path_to
from llmspell_lsp.syntax.nodes import Assign, Entry, Export, Import, Member, Name, Node, Pattern, Span, Table, Target

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.scope import Binding

Access = Literal["read", "write", "text"]


@dataclass(slots=True, frozen=True)
class Occurrence:
    """span: of the name. before, after: what a rename puts around the new name. quoted: it is in a text, whose quotes
    and escapes it must respect."""

    span: Span
    access: Access = "read"
    declares: bool = False
    before: str = ""
    after: str = ""
    quoted: bool = False


def occurrences(infer: Inference, about: Subject) -> list[Occurrence]:
    """In the order of the file, each place once."""
    match about:
        case Local(binding=binding):
            found = _of_binding(infer, binding)
        case Own():
            found = [Occurrence(*each) for each in fields.places(infer, about)]
            exported = _exported(infer, about)
            if exported is not None:
                found += _of_binding(infer, exported)
        case Api():
            found = list(_of_api(infer, about))
        case Var():
            found = [Occurrence(*each) for each in variables.places(infer, about)]
        case Numbered(flow=flow, step=step):
            found = [Occurrence(step.site.span, "write", declares=True)]
            found += [Occurrence(use.name_span) for use in variables.numbered(flow, step)]
        case Called():
            found = list(_of_texts(infer, about))
        case Key():
            found = list(_of_keys(infer, about))
    return sorted({each.span: each for each in found}.values(), key=lambda each: each.span)


# Variables


def _of_binding(infer: Inference, binding: Binding) -> list[Occurrence]:
    found: list[Occurrence] = []
    for each in infer.analysis.references(binding):
        access: Access = "write" if each.write else "read"
        one = Occurrence(each.span, access, each.declares)
        found.append(_short(infer, one, binding.name) if infer.language == "javascript" else one)
    return found


def _short(infer: Inference, one: Occurrence, name: str) -> Occurrence:
    """JavaScript's short forms say two names in one: the other one stays as it is."""
    place = infer.analysis.chunks.at(one.span.line)
    nodes = path_in(place, one.span.line, one.span.column)
    match nodes[-2:]:
        case [Entry(key_span=Span() as key, value=value), Name() as inner] if inner is value and key == inner.span:
            return replace(one, before=f"{name}: ")
        case [Import() as outer, Target(path=path) as target] if path and not _aliased(infer, outer, target):
            return replace(one, before="" if path[-1] == "default" else f"{name} as ")
        case [Pattern() | _, Target(path=(*_, str(key))) as target] if key == target.name and not target.rest:
            return replace(one, before="" if _after_key(infer, one.span) else f"{name}: ")
        case [Export(names=names), Name() as inner]:
            same = any(each is inner and exported == inner.text for each, exported in names)
            return replace(one, after=f" as {name}" if same else "")
        case _:
            return one


def _after_key(infer: Inference, span: Span) -> bool:
    """Whether a pattern's name has its key before it: `{ key: name }`."""
    before = infer.analysis.document.lines[span.line][: span.column].rstrip()
    return before.endswith(":")


def _aliased(infer: Inference, outer: Import, target: Target) -> bool:
    """Whether an import gives the name another one: `a as b`, or is the default, which has none of its own."""
    place = next((place for place, each in infer.analysis.imports() if each is outer), None)
    if place is None:
        return True
    span = absolute(place.start, target.span)
    line = infer.analysis.document.lines[span.line]
    return line[: span.column].rstrip().endswith(" as") or target.path[-1] == "default"


def _exported(infer: Inference, about: Own) -> Binding | None:
    """The variable that a file exports under a name, if this is the file."""
    if about.uri != infer.analysis.uri:
        return None
    found = infer.analysis.binding_at(about.at.line, about.at.column)
    return found if found is not None and found.name == about.name and found.span == about.at else None


# The registry's names


def _of_api(infer: Inference, about: Api) -> Iterator[Occurrence]:
    words = infer.words
    if not about.owner:
        names = {about.name, about.name.rpartition(".")[2].rpartition("#")[2]}
        names |= {name for name, found in words.globals.items() if api(infer, found) == about}
        for each in infer.analysis.unresolved():
            if each.name in names:
                found = infer.global_name(each.name)
                if found is not None and api(infer, found) == about:
                    yield Occurrence(each.span, "write" if each.write else "read")
        spelled = [about.name.rpartition(".")[2].rpartition("#")[2]]
    else:
        spelled = [about.name, words.spelled(about.name), f"{about.name}_async"]
    for place, node in spots(infer, *spelled):
        if isinstance(node, Member):
            receiver = infer.type_of(place, node.object)
            found = infer.member(receiver, node.name)
            if found is not None and found.field is None and api(infer, found, receiver) == about:
                written = _is_written(path_to(place.chunk, node))
                yield Occurrence(absolute(place.start, node.name_span), "write" if written else "read")


def _is_written(nodes: list[Node]) -> bool:
    return isinstance(nodes[-2], Assign) and nodes[-1] in nodes[-2].targets


# Texts and keys


def _of_texts(infer: Inference, about: Called) -> Iterator[Occurrence]:
    if about.kind == "hook_point":
        yield from _of_points(infer, about.name)
    for each in mentioning(infer, about.name):
        if each.kind == about.kind and called(infer, each) == about:
            yield Occurrence(each.span, "write" if each.gives else "text", each.gives, quoted=True)


def _of_points(infer: Inference, name: str) -> Iterator[Occurrence]:
    """Keys of `hooks = { before_llm_call = … }`."""
    for place, node in spots(infer, name, infer.words.spelled(name)):
        if isinstance(node, Entry) and node.key_span is not None:
            outer = expect.wanted(infer, place, path_to(place.chunk, node)[:-1])
            if outer is not None and outer.name == "hooks":
                yield Occurrence(absolute(place.start, node.key_span), "write")


def _of_keys(infer: Inference, about: Key) -> Iterator[Occurrence]:
    for place, node in spots(infer, about.name, infer.words.spelled(about.name)):
        if isinstance(node, Entry) and node.key_span is not None and node.key is not None:
            nodes = path_to(place.chunk, node)
            table, outer = nodes[-2], expect.wanted(infer, place, nodes[:-1])
            if outer is None or not isinstance(table, Table):
                continue
            found = expect.option(outer, node.key, table)
            if found is not None and found.owner == about.owner and snake(node.key) == about.name:
                yield Occurrence(absolute(place.start, node.key_span), "write")
