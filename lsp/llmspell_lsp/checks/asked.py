"""Names in texts: hook points, events, tools, providers and agents that are asked for and that nobody has.

Hook points, tools and providers are closed lists; agents and events are open, so of those only a near miss is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from llmspell.api.names import near, snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.tools import tool_class
from llmspell_lsp.analysis.types import Method
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
    from llmspell_lsp.analysis.named import NameKind
    from llmspell_lsp.workspace.snapshot import Snapshot

#: Fields of a step that name what does it.
_WORKS: Final = ("agent", "tool", "workflow")
#: Options that give a name instead of asking for one.
_OWN: Final = frozenset({"name", "id"})


def asked(snapshot: Snapshot) -> Iterator[Finding | None]:
    """What the chunks ask for, without what the document gives."""
    if not snapshot.is_script:
        return
    there = given(snapshot)
    for each in _chunks(snapshot):
        kind, name = each.data if each is not None and each.data is not None else ("", "")
        match kind:
            case _ if each is None:
                yield None
            case "agent" | "workflow":
                yield from _slips(each, name, there.names | _elsewhere(snapshot, "agent", "workflow"))
            case "tool":
                known = there.names | _elsewhere(snapshot, "tool")
                if name not in known and not (there.open and not each.fixes):
                    yield each
            case "event":
                if name not in there.events:
                    yield each
            case _:
                yield each


def _elsewhere(snapshot: Snapshot, *kinds: NameKind) -> frozenset[str]:
    """What the project's other files give."""
    if snapshot.project is None:
        return frozenset()
    return frozenset(name for kind in kinds for name in snapshot.project.given(snapshot.document.uri, kind))


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
    """Each once: a step's tool may be met as an option and as a part of its workflow."""
    return iter({(each.span, each.code): each for each in _all(view)}.values())


def _all(view: View) -> Iterator[Finding]:
    words = view.infer.words
    for place in view.places:
        if isinstance(place.node, Text) and place.node.value:
            span = absolute(view.placed.start, place.node.content)
            for kind in kinds(view, place):
                yield from _one(words, kind, place.node.value, span)
        elif isinstance(place.node, Table):
            yield from _keys(view, place, place.node)
    for flow in flows(view):
        for step in flow.steps():
            for key in _WORKS:
                text = step.text(key)
                if text is not None and text.value:
                    yield from _one(words, key, text.value, absolute(step.site.placed.start, text.content))


def kinds(view: View, place: Place) -> Iterator[str]:
    """What a text in a place names, where it asks for a name."""
    if place.entry is not None and place.entry.key in _OWN:
        return
    found = {each.get("x-kind") for each in expect.alternatives(place.wanted.schema) if "x-function" not in each}
    if place.wanted.name == "provider":
        found.add("provider")
    if _gets_tool(view, place):
        found.add("tool")
    if place.wanted.name in _WORKS and place.wanted.owner.startswith("Workflow"):
        found.add(place.wanted.name)
    for kind in found - {None}:
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
        case "tool" if tool_class(words, name) is None:
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


_chunks = by_chunk(_asks)
FAMILY = asked
