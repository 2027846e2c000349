"""Members of the registry's objects: those that are not there, those in the other language's spelling, methods called
without their object; classes called without `new`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from llmspell.api.lookup import lineage
from llmspell.api.names import snake
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import (
    ClassObject,
    Constant,
    Instance,
    Method,
    Promise,
    Record,
    ScriptClass,
    Type,
    settled,
)
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead, meant
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.checks.given import given
from llmspell_lsp.syntax.nodes import Assign, Call, Member, Name, Span

if TYPE_CHECKING:
    from llmspell_lsp.workspace.snapshot import Snapshot

_SPELLED: Final = frozenset({"method", "property", "option"})


def members(snapshot: Snapshot) -> Iterator[Finding | None]:
    """What the chunks find, without fields that the document itself sets on something."""
    fields = given(snapshot).fields if snapshot.is_script else frozenset[str]()
    for each in _chunks(snapshot):
        if each is None or each.data is None or each.data not in fields:
            yield each


def _members(view: View) -> Iterator[Finding]:
    targets = {id(target) for assign in view.nodes(Assign) for target in assign.targets}
    called = {id(call.callee): call for call in view.nodes(Call)}
    for node in view.nodes(Member):
        receiver = view.infer.type_of(view.placed, node.object)
        if isinstance(receiver, Promise):
            continue  # `waiting` has that
        there = view.infer.member(receiver, node.name)
        call = called.get(id(node))
        span = absolute(view.placed.start, node.name_span)
        if there is None:
            if id(node) not in targets:
                yield from _unknown(view, node, receiver, span, called=call is not None)
            continue
        if there.kind in _SPELLED and there.name != node.name and snake(there.name) == snake(node.name):
            language = "Lua" if view.lua else "JavaScript"
            yield found("wrong-spelling", span, f"{language} spells it {there.name!r}", instead(span, there.name))
        if call is not None and isinstance(there.type, Method):
            yield from _dotted(view, node, receiver, call)
    if not view.lua:
        for call in view.nodes(Call):
            yield from _without_new(view, call)


# Members that are not there


def _unknown(view: View, node: Member, receiver: Type, span: Span, *, called: bool) -> Iterator[Finding]:
    words = view.infer.words
    if not isinstance(receiver, Instance | ClassObject) or not words.is_closed(receiver):
        return
    if isinstance(receiver, ClassObject):
        if node.name == "new" and called and not view.lua and words.described(receiver.name)["constructible"]:
            yield _lua_new(view, node, receiver)
            return
        object_member = view.infer.member(Instance(receiver), node.name)
        if object_member is not None and not words.described(receiver.name)["namespace"]:
            if isinstance(object_member.type, Method):
                yield _of_class(view, node, receiver, span)
            return
    known = [each.name for each in words.members(receiver)]
    actions = _actions(view, receiver)
    if actions is not None and node.name in actions:
        return
    close = meant(node.name, [*known, *(actions or ())])
    if actions is None and not close:  # an agent whose actions nobody can see
        return
    what = "method" if called else "member"
    of = receiver.name if isinstance(receiver, ClassObject) else f"{_article(_named(receiver))}"
    fixes = [instead(span, close)] if close else []
    severity = None if actions is not None else "warning"
    yield found(
        "unknown-member",
        span,
        f"{of} has no {what} {node.name!r}{ask(close)}",
        *fixes,
        severity=severity,
        data=node.name,
    )


def _named(receiver: Instance) -> str:
    return receiver.of.name


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"


def _actions(view: View, receiver: Type) -> frozenset[str] | None:
    """The names that an agent's own `actions` add to it; None where nobody can tell."""
    if not isinstance(receiver, Instance) or not isinstance(receiver.of, ClassObject):
        return frozenset()
    described = view.infer.words.registry
    options = view.infer.words.options(receiver.of.name)
    if "BaseAgent" not in {each["name"] for each in lineage(described, receiver.of.name)}:
        return frozenset()
    if options is None or "actions" not in options.get("properties", {}):
        return frozenset()
    if receiver.options is None or not receiver.options.complete:
        return None
    given = receiver.options.fields.get("actions")
    if given is None:
        return frozenset()
    if not isinstance(given.type, Record) or not given.type.complete:
        return None
    items = [each.value for each in given.type.items if isinstance(each, Constant) and isinstance(each.value, str)]
    if len(items) != len(given.type.items):
        return None
    spelled = {form for name in (*items, *given.type.fields) for form in (name, view.infer.words.spelled(name))}
    return frozenset(spelled)


def _of_class(view: View, node: Member, receiver: ClassObject, span: Span) -> Finding:
    article = _article(receiver.name)
    variable = receiver.name[:1].lower() + receiver.name[1:]
    right = f"{variable}{':' if view.lua else '.'}{node.name}(…)"
    return found("method-call", span, f"{node.name!r} is a method of {article} object, not of the class: {right}")


# Objects made in JavaScript


def _lua_new(view: View, node: Member, receiver: ClassObject) -> Finding:
    """`Agent.new(…)`, which is there for those who come from Lua."""
    of = absolute(view.placed.start, node.object.span)
    name = absolute(view.placed.start, node.name_span)
    start, dot = Span(*of[:2], *of[:2]), Span(*of[2:], *name[2:])
    fix = Fix(f"Change to 'new {receiver.name}'", (Edit(start, "new "), Edit(dot, "")))
    return found("wrong-spelling", name, f"JavaScript makes one with 'new {receiver.name}(…)'", fix)


def _without_new(view: View, call: Call) -> Iterator[Finding]:
    """`Agent(…)`, which JavaScript refuses."""
    callee = call.callee
    if call.constructs or not isinstance(callee, Name) or callee.text == "super":
        return
    of = view.infer.type_of(view.placed, callee)
    if isinstance(of, ScriptClass) or (
        isinstance(of, ClassObject) and view.infer.words.described(of.name)["constructible"]
    ):
        span = absolute(view.placed.start, callee.span)
        fix = Fix(f"Change to 'new {callee.text}'", (Edit(Span(*span[:2], *span[:2]), "new "),))
        yield found("method-call", span, f"{callee.text} is a class: write new {callee.text}(…)", fix)


# Methods called with a dot


def _dotted(view: View, node: Member, receiver: Type, call: Call) -> Iterator[Finding]:
    """`agent.chat("hello")` in Lua: the text would be taken for the agent."""
    if not view.lua or node.method or not isinstance(receiver, Instance) or isinstance(receiver.of, ScriptClass):
        return
    if call.arguments and not _may_be_text(view, call, receiver):
        return
    dot = _dot(view, node)
    message = f"{node.name!r} needs its object: write a colon, {_written(node)}:{node.name}(…)"
    fixes = [Fix("Change '.' to ':'", (Edit(dot, ":"),))] if dot is not None else []
    yield found("method-call", absolute(view.placed.start, node.name_span), message, *fixes)


def _may_be_text(view: View, call: Call, receiver: Type) -> bool:
    """Whether the first argument is surely not the object."""
    first = view.infer.type_of(view.placed, call.arguments[0])
    return isinstance(settled(first), Constant | Record)


def _dot(view: View, node: Member) -> Span | None:
    """Where the dot before the name stands."""
    line = node.name_span.line
    text = view.placed.chunk.lines[line]
    column = text.rfind(".", 0, node.name_span.column)
    if column < 0 or text[column + 1 : node.name_span.column].strip():
        return None
    return absolute(view.placed.start, Span(line, column, line, column + 1))


def _written(node: Member) -> str:
    return node.object.text if isinstance(node.object, Name) else "object"


_chunks = by_chunk(_members)
FAMILY = members
