"""What a document names for others to use: agents, tools, workflows, state keys, events, by the text that stands there.

`Agent.new{ name = "writer" }` names an agent that another file may ask for; `State.set("draft", …)` a key. Also every
workflow of the document. Calls are gathered once a chunk; what they mean is looked at once a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from llmspell.api.lookup import lineage
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.sites import Site, absolute
from llmspell_lsp.analysis.steps import Flow
from llmspell_lsp.analysis.types import ClassObject, Instance, Maker, Method, ScriptClass, Type
from llmspell_lsp.analysis.workflows import flow
from llmspell_lsp.syntax.lookup import of_kind
from llmspell_lsp.syntax.nodes import Call, Entry, Member, Name, Node, Span, Table, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Chunk, Placed

NameKind = Literal["agent", "tool", "workflow", "state_key", "event", "hook_point", "model", "provider", "path"]

#: Methods that give a name rather than ask for one; all others ask.
_GIVES: Final = frozenset({"set", "emit", "update", "compare_and_set"})
#: Methods of states that take the beginning of keys, or a scope's name.
_BEGINNINGS: Final = frozenset({"list", "watch", "snapshot", "scope"})
#: What a step asks by name.
_DOES: Final[tuple[NameKind, ...]] = ("agent", "tool", "workflow")
#: Methods whose first argument is such a name, which the registry's schema does not say.
_ASKS: Final[dict[tuple[str, str], NameKind]] = {("Workflow", "get"): "workflow", ("Tool", "get"): "tool"}
#: What may stand before an agent's name.
_HERE: Final = "local://"
#: Characters that a text may write in another way.
_ESCAPED: Final = frozenset("\\\"'`$")
_FLOWS: Final = frozenset(
    {
        "sequential",
        "parallel",
        "conditional",
        "loop",
        "map_reduce",
        "mapReduce",
        "pipeline",
        "create",
        "new",
        "Workflow",
    }
)


class Named(NamedTuple):
    """A name in a text. span: between the quotes, in lines of the file. gives: it is named here, not asked for."""

    kind: NameKind
    name: str
    span: Span
    gives: bool
    site: Site
    """The call that names it or asks for it; or the step that does."""


def calls(chunk: Chunk) -> list[Call]:
    """Every call of a chunk; kept with it."""
    return of_kind(chunk, Call)


def flows(infer: Inference) -> list[Flow]:
    """The workflows of the document, in order; those that are steps of others by themselves are not told apart."""
    return [each for place in infer.analysis.placed for each in flows_in(infer, place)]


def flows_in(infer: Inference, place: Placed) -> list[Flow]:
    """The workflows that a chunk makes."""
    kept = infer.known(place)
    known = kept.flows
    if known is None:
        known = kept.flows = []
        for call in calls(place.chunk):
            callee = call.callee
            name = callee.name if isinstance(callee, Member) else callee.text if isinstance(callee, Name) else ""
            if name in _FLOWS and (made := flow(infer, place, call)) is not None:
                known.append(made)
    return known


def flows_at(infer: Inference, place: Placed, nodes: Sequence[Node]) -> list[Flow]:
    """The workflows that a node of a chunk may be a part of. A table outside calls may be a step of a later chunk's."""
    return flows_in(infer, place) if any(isinstance(node, Call) for node in nodes) else infer.flows


def mentioning(infer: Inference, name: str) -> Iterator[Named]:
    """Every name that the document gives or asks for in chunks that have this one in some spelling."""
    parts = re.split(r"[_:.-]", name)
    if name.isprintable() and not set(name) & _ESCAPED and any(parts):
        spelled = re.compile("[_:.-]?".join(map(re.escape, parts)), re.IGNORECASE)
        for place in infer.analysis.placed:
            if any(map(spelled.search, place.chunk.lines)):
                yield from of_chunk(infer, place)
    else:
        yield from infer.named


def named(infer: Inference) -> list[Named]:
    """Every name that the document gives or asks for."""
    return [each for place in infer.analysis.placed for each in of_chunk(infer, place)]


def of_chunk(infer: Inference, place: Placed) -> list[Named]:
    """Those of one chunk."""
    found = [each for call in calls(place.chunk) for each in _of_call(infer, place, call)]
    for flow_ in flows_in(infer, place):
        found += _of_steps(infer, flow_)
    return list({each.span: each for each in found}.values())


def around(infer: Inference, place: Placed, nodes: Sequence[Node]) -> Iterator[Named]:
    """Those of the calls around a node, the innermost first."""
    for node in reversed(nodes):
        if isinstance(node, Call):
            yield from _of_call(infer, place, node)
    text = nodes[-1]
    if isinstance(text, Text) and len(nodes) > 1 and isinstance(nodes[-2], Entry) and nodes[-2].key in _DOES:
        for flow_ in flows_at(infer, place, nodes):
            yield from _of_steps(infer, flow_)


def _of_steps(infer: Inference, of: Flow) -> Iterator[Named]:
    """Whom the steps of a workflow ask by name."""
    for step in of.steps():
        for kind in _DOES:
            text = step.text(kind)
            if text is not None and text.value:
                yield _named(infer, step.site.placed, step.site.node, kind, text, gives=False)


def _of_call(infer: Inference, place: Placed, call: Call) -> Iterator[Named]:
    if not any(isinstance(each, Text | Table) for each in call.arguments):
        return
    callee = infer.type_of(place, call.callee)
    for index, given in enumerate(call.arguments):
        if isinstance(given, Text):
            wanted = expect.argument(infer, place, call, index)
            kind: NameKind | None = kind_of(wanted) if wanted is not None else None
            if index == 0 and isinstance(callee, Method):
                kind = _ASKS.get((callee.owner, callee.described["name"])) or kind
            if kind is not None and given.value:
                if isinstance(callee, Method) and callee.described["name"] in _BEGINNINGS and kind == "state_key":
                    continue
                gives = isinstance(callee, Method) and callee.described["name"] in _GIVES
                yield _named(infer, place, call, kind, given, gives=gives)
        elif isinstance(given, Table):
            made = _made(infer, callee)
            for entry in given.entries:
                if entry.key == "name" and isinstance(entry.value, Text) and entry.value.value and made is not None:
                    yield _named(infer, place, call, made, entry.value, gives=True)


def kind_of(wanted: expect.Wanted) -> NameKind | None:
    """What a text names in a place."""
    for each in expect.alternatives(wanted.schema):
        kind = each.get("x-kind")
        if kind is not None and "x-function" not in each:
            return kind
    return None


def _made(infer: Inference, callee: Type) -> NameKind | None:
    """What a call makes that has a name of its own."""
    if isinstance(callee, Method):
        if callee.owner == "Tool" and callee.described["name"] == "define":
            return "tool"
        result = callee.described["result"].get("x-object")
        return "workflow" if result == "Workflow" and callee.described["static"] else None
    of: Type = callee.of if isinstance(callee, Maker | Instance) else callee
    while isinstance(of, ScriptClass):
        of = of.base
    if not isinstance(of, ClassObject):
        return None
    names = {described["name"] for described in lineage(infer.words.registry, of.name)}
    if "Workflow" in names:
        return "workflow"
    return "agent" if "BaseAgent" in names else "tool" if "Tool" in names else None


def _named(infer: Inference, place: Placed, call: Node, kind: NameKind, text: Text, *, gives: bool) -> Named:
    site = Site(infer.analysis.uri, place, call)
    name, span = text.value or "", absolute(place.start, text.content)
    if kind == "agent" and name.startswith(_HERE) and text.raw == name:
        name, span = name[len(_HERE) :], span._replace(column=span.column + len(_HERE))
    return Named(kind, name, span, gives, site)
