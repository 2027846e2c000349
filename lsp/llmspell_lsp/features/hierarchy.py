"""Who calls whom: functions call functions, a workflow its steps, a step what does its work and the steps it refers to.

An item is found again by the place of its name, so nothing is kept between two requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.named import calls, flows_at, flows_in
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import Script, Type
from llmspell_lsp.features.elsewhere import everywhere
from llmspell_lsp.features.meaning import Meaning, Output, Property, Reference, Variable, meaning
from llmspell_lsp.features.references import givers
from llmspell_lsp.features.subjects import Numbered, Var, subject
from llmspell_lsp.syntax.lookup import path_in, path_to, walk
from llmspell_lsp.syntax.nodes import Call, ClassMember, Entry, Function, Member, Name, Node, Span, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.analysis.steps import Flow, Step
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.workspace.snapshot import Snapshot


@dataclass(slots=True, frozen=True)
class Item:
    """span: of its name; whole: of all of it. detail: what it is, in a word or two."""

    document: Document
    kind: Literal["function", "workflow", "step", "file"]
    name: str
    detail: str
    span: Span
    whole: Span


@dataclass(slots=True, frozen=True)
class Link:
    """A caller or a callee, and where the calls stand: in the caller's file."""

    item: Item
    spans: list[Span]


def prepare(snapshot: Snapshot, line: int, column: int) -> Item | None:
    """What can call or be called at a place."""
    found = meaning(snapshot, line, column)
    infer = snapshot.types
    function = _function(found)
    if function is not None and function.site.uri == snapshot.document.uri:
        return _of_function(snapshot.document, infer, function.site.placed, function.site.node)
    step = _step_of(infer, found)
    if step is not None:
        return _of_step(snapshot.document, step)
    place = infer.analysis.chunks.at(line)
    flows = flows_in(infer, place)
    for flow in [*flows, *(flows_in(infer, found.binding.placed) if isinstance(found, Variable) else ())]:
        callee = flow.call.node.callee if isinstance(flow.call.node, Call) else None
        if callee is not None and absolute(flow.call.placed.start, callee.span).holds(line, column):
            return _of_flow(snapshot.document, flow)
        if isinstance(found, Variable) and _held(infer, found.binding) is flow:
            return _of_flow(snapshot.document, flow)
    inner = [step for flow in flows for step in flow.steps() if step.site.span.holds(line, column)]
    return _of_step(snapshot.document, inner[-1]) if inner else None


def incoming(snapshot: Snapshot, line: int, column: int) -> list[Link]:
    """Who calls what is at a place (of an item's name)."""
    item = prepare(snapshot, line, column)
    found: list[tuple[Item, Span]] = []
    if item is not None and item.kind == "function":
        found = list(_callers(snapshot, line, column))
    elif item is not None and item.kind == "step":
        found = list(_users(snapshot.document, snapshot.types, item))
    elif item is not None and item.kind == "workflow":
        found = list(_runners(snapshot.document, snapshot.types, item))
    return _grouped(found)


def outgoing(snapshot: Snapshot, line: int, column: int) -> list[Link]:
    """What is called by what is at a place (of an item's name)."""
    item, infer = prepare(snapshot, line, column), snapshot.types
    if item is None:
        return []
    found: list[tuple[Item, Span]] = []
    place = infer.analysis.chunks.at(line)
    for flow in flows_at(infer, place, path_in(place, line, column)):
        if item.kind == "workflow" and flow.call.span == item.whole:
            found += [(_of_step(snapshot.document, each), each.site.span) for each in flow.root.inside]
        for step in flow.steps() if item.kind == "step" else ():
            if step.site.span == item.whole:
                found += _of_work(snapshot, flow, step)
    if item.kind == "function":
        found += _called_in(snapshot, item)
    return _grouped(found)


def _grouped(found: list[tuple[Item, Span]]) -> list[Link]:
    links: dict[tuple[str, Span], Link] = {}
    for item, span in found:
        links.setdefault((item.document.uri, item.whole), Link(item, [])).spans.append(span)
    return list(links.values())


# Items


def _function(found: Meaning | None) -> Script | None:
    match found:
        case Variable(type=Script() as made):
            return made
        case Property(field=field) if isinstance(field.type, Script):
            return field.type
        case _:
            return None


def _step_of(infer: Inference, found: Meaning | None) -> Step | None:
    if not isinstance(found, Output | Reference):
        return None
    match subject(infer, found):
        case Var(steps=(first, *_)):
            return found.step if isinstance(found, Output) else first
        case Numbered(step=step):
            return step
        case _:
            return None


def _held(infer: Inference, binding: Binding) -> Flow | None:
    """The workflow that a variable was declared with."""
    for flow in flows_in(infer, binding.placed):
        nodes = path_to(flow.call.placed.chunk, flow.call.node)
        if binding.placed.start == flow.call.placed.start and len(nodes) > 1 and nodes[-2] is binding.declaration:
            return flow
    return None


def _of_step(document: Document, step: Step) -> Item:
    text = step.text("name") or step.text("output")
    whole = step.site.span
    span = absolute(step.site.placed.start, text.content) if text is not None else whole
    return Item(document, "step", step.title, f"step {step.number}: {step.kind}", span, whole)


def _of_flow(document: Document, flow: Flow) -> Item:
    call = flow.call.node
    assert isinstance(call, Call)
    text = flow.root.text("name")
    span = absolute(flow.call.placed.start, call.callee.span)
    return Item(document, "workflow", text.value or "" if text else "workflow", flow.root.kind, span, flow.call.span)


def _of_function(document: Document, infer: Inference, place: Placed, node: Node) -> Item:
    nodes = path_to(place.chunk, node)
    name, span = "", node.span
    match nodes[-2]:
        case ClassMember(name=name, name_span=span):
            pass
        case Entry(key=str(name), key_span=Span() as span):
            pass
        case _:
            if isinstance(node, Function) and node.name_span is not None:
                name, span = node.name, node.name_span
            elif isinstance(node, Function):
                name = infer.analysis.named(place, node) or ""
                span = _declared(nodes[-2], name) or node.span
    return Item(
        document, "function", name or "function", "", absolute(place.start, span), absolute(place.start, node.span)
    )


def _declared(node: Node, name: str) -> Span | None:
    """Where a statement has the name that it gives a function."""
    for each in walk(node):
        if isinstance(each, Function):
            return None
        if getattr(each, "name", getattr(each, "text", "")) == name and not isinstance(each, Member):
            return each.span
        if isinstance(each, Member) and each.name == name:
            return each.name_span
    return None


def _file(document: Document) -> Item:
    last = len(document.lines) - 1
    whole = Span(0, 0, last, len(document.lines[last]))
    return Item(document, "file", document.uri.rpartition("/")[2], "", Span(0, 0, 0, 0), whole)


# Functions


def _callers(snapshot: Snapshot, line: int, column: int) -> Iterator[tuple[Item, Span]]:
    found = meaning(snapshot, line, column)
    about = subject(snapshot.types, found) if found is not None else None
    if about is None:
        return
    for document, places in everywhere(snapshot, about):
        infer = snapshot.types if document is snapshot.document else Inference.of(document, snapshot.project)
        for each in places:
            place = infer.analysis.chunks.at(each.span.line)
            nodes = path_in(place, each.span.line, each.span.column)
            if any(isinstance(node, Call) and _callee_at(node, place, each.span) for node in nodes):
                yield _around(document, infer, place, nodes), each.span
            elif (step := _doing(infer, place, nodes)) is not None:
                yield _of_step(document, step), each.span


def _doing(infer: Inference, place: Placed, nodes: list[Node]) -> Step | None:
    """The step whose work a function is: `run = tidy`."""
    entry = next((node for node in reversed(nodes) if isinstance(node, Entry)), None)
    if entry is None or entry.key != "run" or entry.value not in nodes[-2:]:
        return None
    steps = (step for flow in flows_at(infer, place, nodes) for step in flow.steps())
    return next((step for step in steps if step.entries.get("run") is entry), None)


def _callee_at(call: Call, place: Placed, span: Span) -> bool:
    callee = call.callee
    named = callee.name_span if isinstance(callee, Member) else callee.span
    return absolute(place.start, named) == span


def _around(document: Document, infer: Inference, place: Placed, nodes: list[Node]) -> Item:
    """The function that a place is in, the step of a workflow, or the file."""
    for node in reversed(nodes):
        if isinstance(node, Function):
            for flow in flows_in(infer, place):
                for step in flow.steps():
                    if any(entry.value is node for entry in step.entries.values()):
                        return _of_step(document, step)
            item = _of_function(document, infer, place, node)
            if item.name != "function":
                return item
    return _file(document)


def _called_in(snapshot: Snapshot, item: Item) -> Iterator[tuple[Item, Span]]:
    infer = snapshot.types
    place = infer.analysis.chunks.at(item.whole.line)
    for call in calls(place.chunk):
        if item.whole[:2] <= absolute(place.start, call.span)[:2] < item.whole[2:]:
            yield from _callee(snapshot, infer.type_of(place, call.callee), place, call)


def _callee(snapshot: Snapshot, type_: Type, place: Placed, call: Call) -> Iterator[tuple[Item, Span]]:
    if not isinstance(type_, Script) or not isinstance(call.callee, Name | Member):
        return
    named = call.callee.name_span if isinstance(call.callee, Member) else call.callee.span
    site, document = type_.site, snapshot.document
    if site.uri != document.uri:
        other = snapshot.project.document(site.uri) if snapshot.project is not None else None
        if other is None:
            return
        document = other
    infer = snapshot.types if document is snapshot.document else Inference.of(document, snapshot.project)
    yield _of_function(document, infer, site.placed, site.node), absolute(place.start, named)


# Workflows


def _users(document: Document, infer: Inference, item: Item) -> Iterator[tuple[Item, Span]]:
    """The workflow or step that a step is in, and the steps that refer to it."""
    place = infer.analysis.chunks.at(item.span.line)
    for flow in flows_at(infer, place, path_in(place, item.span.line, item.span.column)):
        for step in flow.steps():
            if step.site.span != item.whole:
                continue
            inside = step.parent is not None and step.parent is not flow.root
            yield (
                _of_step(document, step.parent) if inside and step.parent else _of_flow(document, flow),
                step.site.span,
            )
            for use in flow.uses:
                if step in givers(use) and use.step is not flow.root:
                    yield _of_step(document, use.step), use.name_span


def _runners(document: Document, infer: Inference, item: Item) -> Iterator[tuple[Item, Span]]:
    """The steps that a workflow does the work of, and whoever calls a method of it."""
    for flow in infer.flows:
        for step in flow.steps():
            done, entry = _done_by(infer, step), step.entries.get("workflow")
            if done is not None and done.call.span == item.whole and entry is not None:
                yield _of_step(document, step), absolute(step.site.placed.start, entry.value.span)
    for place in infer.analysis.placed:
        for call in calls(place.chunk):
            if not isinstance(call.callee, Member):
                continue
            made, holder = None, call.callee.object
            if isinstance(holder, Call):
                made = absolute(place.start, holder.span)
            elif isinstance(holder, Name) and (binding := infer.analysis.resolve(place, holder)) is not None:
                held = _held(infer, binding)
                made = held.call.span if held is not None else None
            if made == item.whole:
                nodes = path_to(place.chunk, call)
                yield _around(document, infer, place, nodes), absolute(place.start, call.callee.name_span)


def _done_by(infer: Inference, step: Step) -> Flow | None:
    """The workflow of the document that does a step's work, by its variable or its name."""
    entry = step.entries.get("workflow")
    match entry.value if entry is not None else None:
        case Name() as name:
            binding = infer.analysis.resolve(step.site.placed, name)
            return None if binding is None else _held(infer, binding)
        case Text(value=str(value)):
            named = ((flow, flow.root.text("name")) for flow in infer.flows)
            return next((flow for flow, text in named if text is not None and text.value == value), None)
        case _:
            return None


def _of_work(snapshot: Snapshot, flow: Flow, step: Step) -> Iterator[tuple[Item, Span]]:
    """The steps in a step, those that it refers to, and the function of the spell that does it."""
    document, infer = snapshot.document, snapshot.types
    for each in step.inside:
        yield _of_step(document, each), each.site.span
    for use in flow.uses:
        if use.step is step:
            for giver in givers(use):
                yield _of_step(document, giver), use.name_span
    done, entry = _done_by(infer, step), step.entries.get("workflow")
    if done is not None and entry is not None:
        yield _of_flow(document, done), absolute(step.site.placed.start, entry.value.span)
    run = step.entries.get("run")
    if run is not None and isinstance(run.value, Name | Member):
        type_ = infer.type_of(step.site.placed, run.value)
        if isinstance(type_, Script) and type_.site.uri == document.uri:
            item = _of_function(document, infer, type_.site.placed, type_.site.node)
            yield item, absolute(step.site.placed.start, run.value.span)
    elif run is not None and isinstance(run.value, Function):
        place = step.site.placed
        for call in calls(place.chunk):
            if run.value.span[:2] <= call.span[:2] < run.value.span[2:]:
                yield from _callee(snapshot, infer.type_of(place, call.callee), place, call)
