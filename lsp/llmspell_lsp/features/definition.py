"""Where the thing at a place is made: a declaration here or in another file, a step, a line of the generated stub.

Also where its type is. A place is a URI and a span; `lines` are that file's, to count its columns in other units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmspell.api.lookup import lineage
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.sites import Site, absolute
from llmspell_lsp.analysis.types import (
    Choice,
    ClassObject,
    Instance,
    Module,
    Promise,
    Record,
    Script,
    ScriptClass,
    Type,
    Value,
)
from llmspell_lsp.analysis.types import Sequence as ListOf
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.features import variables
from llmspell_lsp.features.elsewhere import everywhere
from llmspell_lsp.features.labels import label
from llmspell_lsp.features.meaning import (
    Known,
    Meaning,
    ModuleName,
    Option,
    Output,
    Property,
    Reference,
    Text_,
    This,
    Variable,
    meaning,
)
from llmspell_lsp.features.stubs import stub
from llmspell_lsp.features.subjects import Api, Called, Numbered, Subject, Var, api, subject
from llmspell_lsp.syntax.nodes import Class, ClassMember, Entry, Import, Member, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.steps import Step
    from llmspell_lsp.workspace.snapshot import Snapshot


@dataclass(slots=True, frozen=True)
class Place:
    """span: of the name. whole: of what is made there. lines: the file's; None where every unit counts the same."""

    uri: str
    span: Span
    whole: Span
    lines: Sequence[str] | None = None


@dataclass(slots=True, frozen=True)
class Definition:
    """origin: what was asked about."""

    origin: Span
    places: list[Place]


def definition(snapshot: Snapshot, line: int, column: int) -> Definition | None:
    """Where the thing at a place of a script is made; None where that is not known."""
    found = meaning(snapshot, line, column)
    if found is None:
        jumped = label(snapshot, line, column)
        if jumped is None:
            return None
        document = snapshot.document
        return Definition(jumped.here, [Place(document.uri, jumped.declared, jumped.declared, document.lines)])
    places = list({(each.uri, each.span): each for each in _places(snapshot, found)}.values())
    return Definition(found.span, places) if places else None


def type_definition(snapshot: Snapshot, line: int, column: int) -> Definition | None:
    """Where the class or table is made that the thing at a place is of."""
    found = meaning(snapshot, line, column)
    match found:
        case Variable(type=type_) | This(type=type_):
            pass
        case Known():
            type_ = found.found.type
            described = found.found.described
            if found.found.kind == "method" and described is not None:
                type_ = snapshot.types.words.given(described)
        case Property(field=field):
            type_ = field.type
        case Option(wanted=wanted):
            type_ = snapshot.types.words.of_schema(wanted.schema)
        case _:
            return None
    places = list({(each.uri, each.span): each for each in _of_type(snapshot, type_)}.values())
    return Definition(found.span, places) if places else None


def _places(snapshot: Snapshot, found: Meaning) -> Iterator[Place]:
    infer = snapshot.types
    match found:
        case Variable(binding=binding):
            if isinstance(binding.declaration, Import):
                exported = _imported(snapshot, found)
                if exported is not None:
                    yield exported
                    return
            if binding.kind == "self":
                yield from _of_type(snapshot, found.type)
            elif not binding.former:
                whole = absolute(binding.placed.start, binding.declaration.span)
                yield _here(snapshot, binding.span, whole)
        case Known(found=known):
            of = api(infer, known, found.receiver)
            if of is not None:
                yield from _in_stub(infer, of)
        case Property(field=field, receiver=receiver):
            if field.site is not None:
                yield _at(snapshot, field.site)
            elif (about := subject(infer, found)) is not None:
                yield from _first_write(snapshot, about)
            _ = receiver
        case Option():
            yield from _of_option(infer, found)
        case Text_():
            yield from _of_text(snapshot, found)
        case Reference() | Output():
            yield from _of_variable(snapshot, subject(infer, found))
        case This(type=type_):
            yield from _of_type(snapshot, type_)
        case ModuleName(name=name):
            path = snapshot.project.path(snapshot.document.uri, name) if snapshot.project is not None else None
            if path is not None:
                yield Place(uri_of(path), Span(0, 0, 0, 0), Span(0, 0, 0, 0))


def _here(snapshot: Snapshot, span: Span, whole: Span) -> Place:
    return Place(snapshot.document.uri, span, whole, snapshot.document.lines)


def _at(snapshot: Snapshot, site: Site) -> Place:
    """A node of some file, by its name where it has one."""
    match site.node:
        case Entry(key_span=Span() as span) | Class(name_span=Span() as span):
            name = span
        case Member(name_span=span) | ClassMember(name_span=span):
            name = span
        case node:
            name = node.span
    if site.uri == snapshot.document.uri:
        lines: Sequence[str] | None = snapshot.document.lines
    else:
        document = snapshot.project.document(site.uri) if snapshot.project is not None else None
        lines = document.lines if document is not None else None
    return Place(site.uri, absolute(site.placed.start, name), site.span, lines)


def _imported(snapshot: Snapshot, found: Variable) -> Place | None:
    """What an import brings in, in its own file."""
    declaration, target = found.binding.declaration, found.binding.target
    if not isinstance(declaration, Import) or target is None or snapshot.project is None:
        return None
    module = snapshot.project.module(snapshot.document.uri, declaration.module.value or "")
    if module is None:
        return None
    if not target.path:
        return Place(module.uri, Span(0, 0, 0, 0), Span(0, 0, 0, 0))
    field = module.exports.get(str(target.path[0]))
    return _at(snapshot, field.site) if field is not None and field.site is not None else None


def _first_write(snapshot: Snapshot, about: Subject) -> Iterator[Place]:
    for document, found in everywhere(snapshot, about, complete=False):
        first = next((each for each in found if each.declares), None)
        if first is not None:
            yield Place(document.uri, first.span, first.span, document.lines)
            return


# Workflows and names in texts


def _of_variable(snapshot: Snapshot, about: Subject | None) -> Iterator[Place]:
    match about:
        case Var(steps=()):
            for place, span in variables.inputs(snapshot.types, about):
                yield _here(snapshot, absolute(place.start, span), absolute(place.start, span))
        case Var(steps=steps, name=name):
            for step in steps:
                yield _of_step(snapshot, step, name)
        case Numbered(step=step):
            yield _of_step(snapshot, step, step.title)
        case _:
            return


def _of_step(snapshot: Snapshot, step: Step, name: str) -> Place:
    for key in ("output", "name"):
        text = step.text(key)
        if text is not None and text.value == name:
            return _here(snapshot, absolute(step.site.placed.start, text.content), step.site.span)
    return _here(snapshot, step.site.span, step.site.span)


def _of_text(snapshot: Snapshot, text: Text_) -> Iterator[Place]:
    infer = snapshot.types
    about = subject(infer, text)
    if not isinstance(about, Called):
        return
    given = False
    for document, found in everywhere(snapshot, about, complete=False):
        for each in found:
            if each.declares:
                given = True
                yield Place(document.uri, each.span, each.span, document.lines)
        if given:
            return
    lines = stub(infer.language)
    registered = {"hook_point": "HookPoint", "event": "EventName"}.get(about.kind)
    if about.kind == "tool" and about.name in infer.words.registry.tools:
        yield from _in_stub(infer, Api("", infer.words.registry.tools[about.name]["class"]))
    elif registered is not None:
        # The context or data that a handler is given; the list of the names where there is none.
        described = infer.words.hook_point(about.name) if registered == "HookPoint" else infer.words.event(about.name)
        if described is None:
            return
        for owner, name in (("HookContexts", about.name), ("EventData", about.name), (registered, about.name)):
            span = lines.find(owner, name)
            if span is not None:
                yield Place(lines.uri, span, span)
                return


# The registry


def _in_stub(infer: Inference, about: Api) -> Iterator[Place]:
    lines = stub(infer.language)
    names = [(about.owner, about.name)]
    if about.owner in infer.words.registry.classes:
        names = [(each["name"], about.name) for each in lineage(infer.words.registry, about.owner)]
        if about.name in ("new", "extend"):
            names += [("", about.owner)]
    # What handlers are given has a table for each point or event: the first that has the field.
    ending = {"HookContext": "Context", "EventData": "Event"}.get(about.owner)
    if ending is not None:
        names += [each for each in lines.names if each[0].endswith(ending) and each[1] == about.name]
    for owner, name in names:
        span = lines.find(owner, name)
        if span is not None:
            yield Place(lines.uri, span, span)
            return


def _of_option(infer: Inference, option: Option) -> Iterator[Place]:
    lines = stub(infer.language)
    about = subject(infer, option)
    if isinstance(about, Called):
        span = lines.find("HookPoint", about.name) or lines.find("Hooks", about.name)
        names = [] if span is None else [span]
    else:
        owners = [str(each["x-name"]) for each in expect.alternatives(option.outer.schema) if "x-name" in each]
        owners.append(f"{option.outer.owner.partition('.')[0]}Options")
        names = [span for owner in owners if (span := lines.find(owner, option.key)) is not None]
    for span in names[:1]:
        yield Place(lines.uri, span, span)


# Types


def _of_type(snapshot: Snapshot, type_: Type) -> Iterator[Place]:
    infer = snapshot.types
    match type_:
        case Instance(of=of):
            yield from _of_type(snapshot, of)
        case ClassObject(name=name):
            yield from _in_stub(infer, Api("", name))
        case ScriptClass(site=site) | Script(site=site):
            yield _at(snapshot, site)
        case Record(site=Site() as site):
            yield _at(snapshot, site)
        case Promise(value=value):
            yield from _of_type(snapshot, value)
        case ListOf(item=item):
            yield from _of_type(snapshot, item)
        case Module(uri=uri):
            yield Place(uri, Span(0, 0, 0, 0), Span(0, 0, 0, 0))
        case Value(schema={"x-name": str(name)}):
            yield from _in_stub(infer, Api("", name))
        case Value(schema={"x-error": _}):
            yield from _in_stub(infer, Api("", "LlmspellError"))
        case Choice(of=options):
            for each in options:
                yield from _of_type(snapshot, each)
        case _:
            return
