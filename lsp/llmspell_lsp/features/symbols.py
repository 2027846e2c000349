"""What a document holds, as an outline: functions, classes with their members, agents, tools, workflows with their
steps, handlers of hooks and events, keys of the state, tables with their fields, the outermost variables.

Worked out chunk by chunk and kept for as long as nothing changes that the chunk sees. Lines are those of the chunk.
Inside functions only what has a name of its own is listed, and no plain variable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from llmspell.api.lookup import lineage
from llmspell_lsp.analysis.bindings import bindings
from llmspell_lsp.analysis.named import Named, of_chunk
from llmspell_lsp.analysis.reach import Reach, keep, kept
from llmspell_lsp.analysis.steps import Step
from llmspell_lsp.analysis.types import ClassObject, Instance, ScriptClass, Type, settled
from llmspell_lsp.analysis.workflows import flow
from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.lookup import parts
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.workspace.snapshot import Snapshot

SymbolKind = Literal[
    "class",
    "method",
    "property",
    "constructor",
    "function",
    "variable",
    "constant",
    "agent",
    "tool",
    "workflow",
    "step",
    "hook",
    "event",
    "state",
    "table",
]

#: Characters of a name: one in a text may be as long as the text.
_LONGEST_NAME: Final = 120
#: Outline levels; what lies deeper is listed on the last of them.
_DEEPEST: Final = 16
_THINGS: Final[dict[str, SymbolKind]] = {"BaseAgent": "agent", "Tool": "tool", "Workflow": "workflow"}
_HANDLED: Final[dict[str, SymbolKind]] = {"hook_point": "hook", "event": "event"}


@dataclass(slots=True, eq=False)
class Symbol:
    """span: of all of it; selection: of its name, within the span."""

    name: str
    kind: SymbolKind
    span: Span
    selection: Span
    detail: str = ""
    deprecated: bool = False
    children: list[Symbol] = field(default_factory=list["Symbol"])


class ChunkSymbols(NamedTuple):
    """The outermost symbols of a chunk. Equal chunks in equal surroundings share one object."""

    placed: Placed
    symbols: tuple[Symbol, ...]


def symbols(snapshot: Snapshot) -> Iterator[ChunkSymbols]:
    """The outline of a script, chunk by chunk."""
    infer, project = snapshot.types, snapshot.modules
    uri = snapshot.document.uri
    reach = Reach.of(infer.analysis, project.state(uri) if project is not None else None)
    fresh: list[tuple[int, tuple[Symbol, ...]]] = []
    for index, placed in enumerate(infer.analysis.placed):
        found = kept(placed.chunk, Symbol, reach.number(index))
        if found is None:
            found = tuple(_Reader(infer, placed).read())
            fresh.append((index, found))
        if found:
            yield ChunkSymbols(placed, found)
    if fresh:
        # As in `semantic_tokens`: by now it is known which files are imported.
        reach = Reach.of(infer.analysis, project.state(uri) if project is not None else None)
        for index, found in fresh:
            keep(infer.analysis.placed[index].chunk, Symbol, reach.number(index), found)


class _Level(NamedTuple):
    """Where what is found goes. local: inside something that is listed. fields: in a table that a name holds."""

    into: list[Symbol]
    depth: int
    local: bool
    fields: bool = False


class _Reader:
    """Reads one chunk."""

    def __init__(self, infer: Inference, placed: Placed) -> None:
        self.infer = infer
        self.placed = placed
        self.named: dict[n.Node, list[Named]] = {}
        for each in of_chunk(infer, placed):
            self.named.setdefault(each.site.node, []).append(each)
        self.spoken: set[n.Node] = set()
        """Values that have their name from what stands around them."""
        self.keys: set[str] = set()
        self.levels: dict[n.Node, _Level] = {}
        """Of nodes that go elsewhere than what they are in."""

    def read(self) -> list[Symbol]:
        found: list[Symbol] = []
        rest: list[tuple[n.Node, _Level]] = [(self.placed.chunk.tree.block, _Level(found, 0, local=False))]
        while rest:
            node, level = rest.pop()
            self.levels.update(self._inside(node, level))
            rest += [(part, self.levels.pop(part, level)) for part in reversed(parts(node))]
        return found

    def _inside(self, node: n.Node, level: _Level) -> dict[n.Node, _Level]:
        """Lists what a node declares; where nodes below it go that do not go where it went itself."""
        if level.into is _NOWHERE:
            return {}
        match node:
            case n.Declare() if node.kind not in ("loop", "catch", "import"):
                return self._declared(node, level)
            case n.Assign(operator=""):
                return self._assigned(node, level)
            case n.Class() if node not in self.spoken:
                selection = node.name_span if node.name_span is not None else _line(node.span)
                return self._class(node, node.name, selection, node.span, level)
            case n.ClassMember():
                return self._class_member(node, level)
            case n.Entry(key=str()) if level.fields or isinstance(node.value, n.Function):
                return self._entry(node, level)
            case n.Call() if node not in self.spoken:
                return self._call(node, level)
            case n.Function():
                return dict.fromkeys(parts(node), level._replace(local=True))
            case _:
                return {}

    # Statements

    def _declared(self, node: n.Declare, level: _Level) -> dict[n.Node, _Level]:
        inner: dict[n.Node, _Level] = {}
        for index, target in enumerate(node.targets):
            alone = not target.path and index < len(node.values)
            value = node.values[index] if alone else None
            span = node.span if len(node.targets) == 1 or index == 0 else target.span
            fixed = node.kind == "const" or target.attribute == "const"
            name = Span(*target.span[:2], target.span.line, target.span.column + len(target.name))
            inner |= self._value(target.name, name, span, value, node.doc, level, fixed=fixed, plain=not level.local)
        return inner

    def _assigned(self, node: n.Assign, level: _Level) -> dict[n.Node, _Level]:
        declares = {local.node for local in bindings(self.placed.chunk).assigned.values()}
        inner: dict[n.Node, _Level] = {}
        for index, target in enumerate(node.targets):
            value = node.values[index] if index < len(node.values) else None
            named = _path(target)
            if named:
                span = node.span if index == 0 else target.span
                plain = target in declares and not level.local
                inner |= self._value(named, _last(target), span, value, node.doc, level, fixed=False, plain=plain)
        return inner

    def _value(
        self,
        name: str,
        selection: Span,
        span: Span,
        value: n.Expression | None,
        doc: str,
        level: _Level,
        *,
        fixed: bool,
        plain: bool,
    ) -> dict[n.Node, _Level]:
        """A name with its value; plain: it is listed whatever the value is."""
        deprecated = "@deprecated" in doc
        match value:
            case n.Function():
                kind: SymbolKind = "method" if ":" in name else "function"
                made = self._put(name, kind, span, selection, level, _parameters(value), deprecated=deprecated)
                return {value: _under(made, level)}
            case n.Class():
                self.spoken.add(value)
                return self._class(value, name, selection, span, level)
            case n.Call():
                return self._made(name, selection, span, value, level, plain=plain, fixed=fixed)
            case n.Await(value=n.Call() as call):
                return self._made(name, selection, span, call, level, plain=plain, fixed=fixed)
            case n.Table() if plain:
                made = self._put(name, "table", span, selection, level, deprecated=deprecated)
                return {value: _under(made, level)._replace(fields=True)}
            case _ if plain and name:
                kind = "constant" if fixed else "variable"
                made = self._put(name, kind, span, selection, level, deprecated=deprecated)
                return {} if value is None else {value: _under(made, level)}
            case _:
                return {}

    def _made(
        self, name: str, selection: Span, span: Span, call: n.Call, level: _Level, *, plain: bool, fixed: bool
    ) -> dict[n.Node, _Level]:
        """A name that holds what a call gives."""
        type_ = settled(self.infer.type_of(self.placed, call))
        kind, detail = self._thing(type_)
        if kind is None:
            if not plain or not name:
                return {}
            kind = "constant" if fixed else "variable"
        else:
            self.spoken.add(call)
        made = self._put(name or detail, kind, span, selection, level, detail)
        if kind == "workflow":
            return dict.fromkeys(parts(call), self._flow(call, made, level))
        return {call: _under(made, level)}

    # Things that have a name in a text

    def _call(self, node: n.Call, level: _Level) -> dict[n.Node, _Level]:
        for each in self.named.get(node, ()):
            selection = each.span._replace(
                line=each.span.line - self.placed.start, end_line=each.span.end_line - self.placed.start
            )
            if each.gives and each.kind in ("agent", "tool", "workflow"):
                _, detail = self._thing(settled(self.infer.type_of(self.placed, node)))
                made = self._put(each.name, each.kind, node.span, selection, level, detail)
                if each.kind == "workflow":
                    return dict.fromkeys(parts(node), self._flow(node, made, level))
                return dict.fromkeys(parts(node), _under(made, level))
            if each.kind in _HANDLED and any(isinstance(given, n.Function) for given in node.arguments):
                made = self._put(each.name, _HANDLED[each.kind], node.span, selection, level, "on")
                return dict.fromkeys(parts(node), _under(made, level))
            if each.gives and each.kind == "state_key" and each.name not in self.keys:
                self.keys.add(each.name)
                self._put(each.name, "state", node.span, selection, level)
        return self._nameless_flow(node, level)

    def _nameless_flow(self, node: n.Call, level: _Level) -> dict[n.Node, _Level]:
        """`Workflow.sequential({…}):run()` whose table gives no name: named for its kind."""
        callee = node.callee
        if not isinstance(callee, n.Member) or not node.arguments or not isinstance(node.arguments[0], n.Table):
            return {}
        kind, _ = self._thing(settled(self.infer.type_of(self.placed, node)))
        if kind != "workflow" or callee.method:
            return {}
        made = self._put(callee.name, "workflow", node.span, callee.name_span, level, "Workflow")
        return dict.fromkeys(parts(node), self._flow(node, made, level))

    def _thing(self, type_: Type) -> tuple[SymbolKind | None, str]:
        """What a value is that deserves a line: an agent, a tool, a workflow, a class; and its class's name."""
        if isinstance(type_, ScriptClass):
            return "class", _base(type_)
        if not isinstance(type_, Instance):
            return None, ""
        of: Type = type_.of
        name = type_.of.name
        while isinstance(of, ScriptClass):
            of = of.base
        if not isinstance(of, ClassObject):
            return None, ""
        above = (each["name"] for each in lineage(self.infer.words.registry, of.name))
        return next((_THINGS[each] for each in above if each in _THINGS), None), name

    def _flow(self, call: n.Call, made: Symbol, level: _Level) -> _Level:
        """Lists a workflow's steps; what is in them is not listed by itself."""
        found = flow(self.infer, self.placed, call)
        if found is None:
            return _under(made, level)
        self._steps(found.root.inside, made, level.depth)
        return _Level(_NOWHERE, level.depth, local=True)

    def _steps(self, steps: list[Step], into: Symbol, depth: int) -> None:
        for step in steps:
            span = step.site.node.span
            if step.site.placed.start != self.placed.start or not _holds(into.span, span):
                continue
            entry = step.entries.get("name") or step.entries.get("output")
            selection = entry.value.span if entry is not None and _holds(span, entry.value.span) else span
            made = Symbol(_short(step.title), "step", span, _line(selection), step.kind)
            into.children.append(made)
            if depth < _DEEPEST:
                self._steps(step.inside, made, depth + 1)

    # Classes and tables

    def _class(self, node: n.Class, name: str, selection: Span, span: Span, level: _Level) -> dict[n.Node, _Level]:
        base = _path(node.base)
        detail = f"extends {base}" if base else ""
        made = self._put(name or "class", "class", span, selection, level, detail, deprecated="@deprecated" in node.doc)
        return dict.fromkeys(parts(node), _under(made, level))

    def _class_member(self, node: n.ClassMember, level: _Level) -> dict[n.Node, _Level]:
        value = node.value
        method = isinstance(value, n.Function) and not node.accessor
        kind: SymbolKind = "constructor" if node.name == "constructor" else "method" if method else "property"
        detail = _parameters(value) if isinstance(value, n.Function) and method else node.accessor
        made = self._put(node.name, kind, node.span, node.name_span, level, detail)
        return {} if value is None else {value: _under(made, level)}

    def _entry(self, node: n.Entry, level: _Level) -> dict[n.Node, _Level]:
        """A field; of a table that is an argument only what is a function."""
        value, key = node.value, node.key or ""
        is_function = isinstance(value, n.Function)
        detail = _parameters(value) if isinstance(value, n.Function) else ""
        kind: SymbolKind = "method" if is_function else "property"
        made = self._put(key, kind, node.span, node.key_span or node.span, level, detail)
        return {value: _under(made, level)._replace(fields=isinstance(value, n.Table))}

    def _put(
        self,
        name: str,
        kind: SymbolKind,
        span: Span,
        selection: Span,
        level: _Level,
        detail: str = "",
        *,
        deprecated: bool = False,
    ) -> Symbol:
        selection = _line(selection) if _holds(span, selection) else _line(span)
        made = Symbol(_short(name), kind, span, selection, detail, deprecated)
        level.into.append(made)
        return made


_NOWHERE: Final[list[Symbol]] = []


def _under(made: Symbol, level: _Level) -> _Level:
    if level.depth >= _DEEPEST:
        return _Level(level.into, level.depth, local=True)
    return _Level(made.children, level.depth + 1, local=True)


def _holds(outer: Span, inner: Span) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _line(span: Span) -> Span:
    """The part of a span on its first line, which is where a cursor is put."""
    return span if span.line == span.end_line else Span(span.line, span.column, span.line, span.column)


def _short(name: str) -> str:
    """A name that a list can show: never empty, on one line."""
    name = " ".join(name.split())
    return "…" if not name else name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _path(node: n.Expression | None) -> str:
    """`a.b:c` as it is written; "" for what is no path of names."""
    names: list[str] = []
    while isinstance(node, n.Member):
        names[:0] = [":" if node.method else ".", node.name]
        node = node.object
    if not isinstance(node, n.Name):
        return ""
    return "".join([node.text, *names])


def _last(node: n.Expression) -> Span:
    return node.name_span if isinstance(node, n.Member) else node.span


def _parameters(function: n.Function) -> str:
    names = [("..." if each.rest and each.name != "..." else "") + (each.name or "{…}") for each in function.parameters]
    return f"({', '.join(names)})"


def _base(type_: ScriptClass) -> str:
    return f"extends {type_.base.name}" if isinstance(type_.base, ClassObject | ScriptClass) else ""
