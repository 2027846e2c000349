"""Names in texts: hook points, events, tools, providers and agents that are asked for and that nobody has.

Hook points, tools and providers are closed lists; agents and events are open, so of those only a near miss is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from llmspell.api.names import near, snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import ClassObject, Instance, Method
from llmspell_lsp.analysis.vocabulary import Vocabulary
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.flows import flows
from llmspell_lsp.checks.given import given
from llmspell_lsp.checks.names import is_slip
from llmspell_lsp.checks.values import Place
from llmspell_lsp.syntax.nodes import Span, Table, Text
from llmspell_lsp.workspace import providers

if TYPE_CHECKING:
    from llmspell_lsp.workspace.snapshot import Snapshot

#: Options that give a name instead of asking for one.
_OWN: Final = frozenset({"name", "id"})


def asked(snapshot: Snapshot) -> Iterator[Finding]:
    """What the chunks ask for, without what the document gives."""
    if not snapshot.is_script:
        return
    there = given(snapshot)
    for each in _chunks(snapshot):
        kind, name = each.data if each.data is not None else ("", "")
        match kind:
            case "agent" | "workflow":
                yield from _slips(each, name, there.names)
            case "tool":
                if name not in there.names and not (there.open and not each.fixes):
                    yield each
            case "event":
                if name not in there.events:
                    yield each
            case _:
                yield each


def _slips(each: Finding, name: str, names: Iterable[str]) -> Iterator[Finding]:
    """A name that nobody has, where somebody has a very similar one."""
    known = frozenset(names)
    if name in known:
        return
    close = next((one for one in near(name, known, 3) if is_slip(name, one)), "")
    if close:
        what = "workflow" if each.data[0] == "workflow" else "agent"
        message = f"there is no {what} {name!r}{ask(close)}"
        yield found("unknown-agent", each.span, message, instead(each.span, close))


def _asks(view: View) -> Iterator[Finding]:
    words = view.infer.words
    for place in view.places:
        if isinstance(place.node, Text) and place.node.value:
            span = absolute(view.placed.start, place.node.content)
            for kind in _kinds(view, place):
                yield from _one(words, kind, place.node.value, span)
        elif isinstance(place.node, Table):
            yield from _keys(view, place, place.node)
    for flow in flows(view):
        for step in flow.steps():
            for key, kind in (("agent", "agent"), ("tool", "tool"), ("workflow", "workflow")):
                text = step.text(key)
                if text is not None and text.value:
                    yield from _one(words, kind, text.value, absolute(step.site.placed.start, text.content))


def _kinds(view: View, place: Place) -> Iterator[str]:
    if place.entry is not None and place.entry.key in _OWN:
        return
    kinds = {each.get("x-kind") for each in expect.alternatives(place.wanted.schema) if "x-function" not in each}
    if place.wanted.name == "provider":
        kinds.add("provider")
    if "tool" not in kinds and _gets_tool(view, place):
        kinds.add("tool")
    for kind in kinds - {None}:
        yield str(kind)


def _gets_tool(view: View, place: Place) -> bool:
    """`Tool.get("…")`."""
    if place.call is None or place.entry is not None:
        return False
    callee = view.infer.type_of(view.placed, place.call.callee)
    return isinstance(callee, Method) and callee.owner == "Tool" and callee.described["name"] == "get"


def _keys(view: View, place: Place, table: Table) -> Iterator[Finding]:
    """`hooks = { before_execute = … }`: names as keys."""
    for each in expect.alternatives(place.wanted.schema):
        names: Any = each.get("propertyNames")
        if isinstance(names, dict) and names.get("x-kind") == "hook_point":
            for entry in table.entries:
                if entry.key is not None and entry.key_span is not None:
                    span = absolute(view.placed.start, entry.key_span)
                    yield from _one(view.infer.words, "hook_point", entry.key, span)
            return


def _one(words: Vocabulary, kind: str, name: str, span: Span) -> Iterator[Finding]:
    if "*" in name or "{{" in name:
        return
    match kind:
        case "hook_point" if words.hook_point(name) is None:
            close = _near(words.spelled(snake(name)), words.hook_points)
            yield _unknown("unknown-hook-point", f"there is no hook point {name!r}", span, close)
        case "event" if words.event(name) is None:
            known = {*words.events, *map(words.spelled, words.registry.described["event_aliases"])}
            shown = words.spelled(snake(name))
            close = next((one for one in near(shown, known, 3) if is_slip(shown, one)), "")
            if close:
                message = f"llmspell itself has no event {name!r}{ask(close)}"
                yield found("unknown-event", span, message, instead(span, close), data=("event", name))
        case "tool" if not is_tool(words, name):
            close = _near(snake(name), words.registry.tools)
            yield _unknown("unknown-tool", f"there is no tool {name!r}", span, close, data=("tool", name))
        case "provider" if providers.known() and not providers.is_known(name):
            close = _near(name, providers.known())
            yield _unknown("unknown-provider", f"there is no provider {name!r}", span, close)
        case "agent" | "workflow":
            scheme, separator, rest = name.partition("://")
            if not separator or scheme == "local":
                start = span._replace(column=span.column + len(name) - len(rest)) if separator else span
                yield Finding(start, "unknown-agent", "", data=(kind, rest if separator else name))
        case _:
            return


def _near(name: str, known: Iterable[str]) -> str:
    return next(iter(near(name, known)), "")


def _unknown(code: str, message: str, span: Span, close: str, data: Any = None) -> Finding:
    return found(code, span, f"{message}{ask(close)}", *([instead(span, close)] if close else []), data=data)


def is_tool(words: Vocabulary, name: str) -> bool:
    """Whether a built-in tool has the name, by which models and scripts know it."""
    return tool_class(words, name) is not None


def tool_class(words: Vocabulary, name: str) -> str | None:
    """The class of the built-in tool of a name."""
    registry = words.registry
    described = registry.tools.get(snake(name))
    if described is not None:
        return str(described["class"])
    owner = registry.classes.get(registry.names.get(name, ""))
    return str(owner["name"]) if owner is not None and owner["tool"] is not None else None


def tool_of(view: View, type_: object) -> str | None:
    """The class of built-in tool that a value is of."""
    if isinstance(type_, Instance) and isinstance(type_.of, ClassObject):
        described = view.infer.words.registry.classes.get(type_.of.name)
        return type_.of.name if described is not None and described["tool"] is not None else None
    return None


_chunks = by_chunk(_asks)
FAMILY = asked
