"""Which name of a document is which declaration: what is visible at a place, what a name means, who uses it.

Puts the chunks' `bindings` together. Positions are the document's. Recomputed for each version, as far as asked; what
is found by name over all chunks is `outermost`'s. Knows no types and no registry.

A chunk that the grammar cannot read whole may have lost declarations. The names that it declared when it was last whole
stay visible (`Binding.former`) as long as the new tree does not declare them; nothing else of the old tree is used.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell_lsp.analysis import around
from llmspell_lsp.analysis.bindings import Bindings, Kind, Local, Owner, Scope, Use, bindings
from llmspell_lsp.analysis.outermost import Outermost
from llmspell_lsp.syntax.chunks import Chunks, Placed
from llmspell_lsp.syntax.lookup import path_to, walk
from llmspell_lsp.syntax.lookup import placed as absolute
from llmspell_lsp.syntax.nodes import Name, Target
from llmspell_lsp.syntax.parsing import expression

if TYPE_CHECKING:
    from collections.abc import Container

    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax import nodes as n
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.syntax.skeleton import ScriptLanguage

ALWAYS: Final = frozenset(["this", "super", "import", "arguments", "...", "undefined"])
"""Names that the languages themselves give a meaning."""

_START: Final = itemgetter(0)


class Binding(NamedTuple):
    """A declaration in its place. Good for one version of the document."""

    local: Local
    placed: Placed
    former: bool = False
    """Of the text that stood here when it was last whole: its own places are not to be trusted."""

    @property
    def name(self) -> str:
        return self.local.name

    @property
    def kind(self) -> Kind:
        return self.local.kind

    @property
    def declaration(self) -> Owner:
        """The statement that declares it; of a parameter (and `self`) the function."""
        return self.local.owner

    @property
    def target(self) -> n.Target | None:
        """Of a declaration, an import, or a parameter that is a pattern."""
        node = self.local.node
        return node if isinstance(node, Target) else None

    @property
    def parameter(self) -> int | None:
        """Which parameter of the function it is, or is taken from."""
        return self.local.position if self.local.kind == "parameter" else None

    @property
    def span(self) -> Span:
        """Of the declared name, in the document."""
        return absolute(_own(self.local), self.placed.start)


class Reference(NamedTuple):
    span: Span
    write: bool
    declares: bool = False


class Unresolved(NamedTuple):
    name: str
    span: Span
    write: bool


class Analysis:
    """The names of one version of a document."""

    __slots__ = ("_loose", "_lua", "_outer", "chunks", "document", "language", "layout", "placed", "revision")

    def __init__(self, document: Document, chunks: Chunks) -> None:
        self.document = document
        self.chunks = chunks
        self.revision = document.revision
        self.placed: list[Placed] = chunks.placed
        self.layout = chunks.layout
        self.language: ScriptLanguage = chunks.language
        self._lua = self.language == "lua"
        self._outer: Outermost | None = None
        self._loose: dict[n.Name, tuple[int, int]] = {}
        """Names of expressions that were read by themselves, and where those begin."""

    @staticmethod
    def of(document: Document) -> Analysis:
        """Of the document as it now stands; the same object until it is edited."""
        known = document.facts.get(Analysis)
        if not isinstance(known, Analysis):
            known = None
        elif known.revision == document.revision:
            return known
        made = document.facts[Analysis] = Analysis(document, Chunks.of(document))
        if known is not None and known._outer is not None:
            made._outer = known._outer.followed(made.placed)
        return made

    @property
    def uri(self) -> str:
        return self.document.uri

    # One place

    def visible(self, line: int, column: int) -> dict[str, Binding]:
        """What each name means that can be named at a place; the innermost declaration wins."""
        found, later = self.inside(line, column)
        index = self.index(self.chunks.at(line).start)
        for name in (*self.outer.declared, *self.outer.assigned):
            if name not in found and (binding := self.outside(name, index, later=later)) is not None:
                found[name] = binding
        for name, binding in self.lost(line, column).items():
            found.setdefault(name, binding)
        return found

    def inside(self, line: int, column: int) -> tuple[dict[str, Binding], bool]:
        """What the chunk around a place declares of that; whether the place is in a function, which may run after what
        is below it."""
        place = self.chunks.at(line)
        found: dict[str, Binding] = {}
        return found, self._collect(bindings(place.chunk), place, line, column, found, former=False)

    def outside(self, name: str, index: int, *, later: bool) -> Binding | None:
        """What a name means at a place of a chunk by what the others declare. later: as `inside` says."""
        top = self.outermost(name, index)
        if top is not None and (later or top[1].hoisted or top[0] < index):
            return self._binding(top)
        assigned = self.outer.assigned.get(name)
        return self._binding(assigned[0]) if assigned is not None else None

    def lost(self, line: int, column: int) -> dict[str, Binding]:
        """What the chunk around a place declared when it was last whole."""
        place = self.chunks.at(line)
        found: dict[str, Binding] = {}
        former = self.chunks.former(place.chunk)
        if former is not None:
            self._collect(bindings(former), place, line, column, found, former=True)
        return found

    def _collect(
        self, here: Bindings, place: Placed, line: int, column: int, found: dict[str, Binding], *, former: bool
    ) -> bool:
        """Adds what a chunk declares; whether the place is in a function, which may run after what is below it."""
        row = line - place.start
        scope: Scope | None = here.top.around(row, column)
        crossed = False
        while scope is not None:
            for local in reversed(scope.locals):
                if local.name not in found and (
                    local.hoisted or local.since <= (row, column) or (crossed and not self._lua)
                ):
                    found[local.name] = Binding(local, place, former)
            crossed = crossed or scope.function is not None
            scope = scope.parent
        return crossed

    def scope_at(self, line: int, column: int) -> tuple[Placed, Scope]:
        """The innermost scope around a place, and the chunk it is in."""
        place = self.chunks.at(line)
        return place, bindings(place.chunk).top.around(line - place.start, column)

    def binding_at(self, line: int, column: int) -> Binding | None:
        """What the name at a place declares or means."""
        place = self.chunks.at(line)
        here, row = bindings(place.chunk), line - place.start
        for use in here.uses.values():
            if use.name.span.holds(row, column):
                return self._meaning(use, place)
        for local in here.locals:
            if local.kind != "self" and _own(local).holds(row, column):
                return Binding(local, place)
        return None

    def resolve(self, place: Placed, name: n.Name) -> Binding | None:
        """What a name of a chunk's tree means; None if nothing in the document declares it."""
        use = bindings(place.chunk).uses.get(name)
        if use is not None:
            return self._meaning(use, place)
        loose = self._loose.get(name)
        return self.means(name.text, *loose) if loose is not None else None

    def expression_at(self, span: Span) -> tuple[Placed, n.Expression] | None:
        """An expression of the text (`context`'s receiver or callee), read by itself, whatever the tree makes of it."""
        place = self.chunks.at(span.line)
        text = self.document.between(*span).replace("\r\n", "\n").replace("\r", "\n")
        found = expression(self.language, text, span.line - place.start, span.column)
        if found is None:
            return None
        for node in walk(found):
            if isinstance(node, Name):
                self._loose[node] = (span.line, span.column)
        return place, found

    def means(self, name: str, line: int, column: int) -> Binding | None:
        """What a name would mean at a place."""
        return self.visible(line, column).get(name)

    # Around a node

    def path_to(self, place: Placed, node: n.Node) -> list[n.Node]:
        """The nodes around a node of a chunk's tree, outermost first, itself last."""
        return path_to(place.chunk, node)

    def named(self, place: Placed, node: n.Expression) -> str | None:
        """The name that an expression's value is given where it stands: `local Name = node`."""
        return around.named(place.chunk, node)

    def returns(self, place: Placed, function: n.Function) -> list[n.Return]:
        """The `return`s of a function, without those of functions in it."""
        return around.returns(function)

    def enclosing_class(self, place: Placed, node: n.Node) -> n.Class | None:
        """The class whose object `this` is at a node; None in a static member or a plain function."""
        return around.enclosing_class(place.chunk, node)

    # The whole document

    def references(self, binding: Binding) -> list[Reference]:
        """Every place of a declared name, its declarations first, then in the order of the file."""
        local, place, _ = binding
        if local.kind == "global":
            return self._global_references(local.name)
        named = local.kind != "self"
        found = [Reference(absolute(_own(local), place.start), write=True, declares=True)] if named else []
        found += [Reference(absolute(use.name.span, place.start), use.write) for use in local.uses]
        if local.scope.parent is None:
            mine = self.index(place.start)
            for index in self.outer.used.get(local.name, ()):
                if index != mine and self.outermost(local.name, index) == (mine, local):
                    other = self.placed[index]
                    for use in bindings(other.chunk).free[local.name]:
                        found.append(Reference(absolute(use.name.span, other.start), use.write))
        return found

    def unresolved(self, known: Container[str] = ()) -> list[Unresolved]:
        """Names that nothing in the document declares: the registry's, the language's, mistakes. known: not these."""
        missing = [
            (index, name)
            for name, users in self.outer.used.items()
            if name not in known and name not in ALWAYS and name not in self.outer.assigned
            for index in users
            if self.outermost(name, index) is None
        ]
        found: list[Unresolved] = []
        for index, name in sorted(missing):
            place = self.placed[index]
            for use in bindings(place.chunk).free[name]:
                found.append(Unresolved(name, absolute(use.name.span, place.start), use.write))
        return found

    def exports(self) -> dict[str, tuple[Placed, Binding | None, n.Expression | None]]:
        """What a JavaScript module exports by name: where, which declaration, and a default's expression."""
        found: dict[str, tuple[Placed, Binding | None, n.Expression | None]] = {}
        for index in self.outer.apart:
            place = self.placed[index]
            here = bindings(place.chunk)
            for export in here.exports:
                if export.declaration is not None:
                    for target in export.declaration.targets:
                        local = here.top.names.get(target.name)
                        if local is not None:
                            key = "default" if export.default is not None else target.name
                            found[key] = (place, Binding(local, place), export.default)
                elif export.default is not None:
                    found["default"] = (place, None, export.default)
                for name, exported in export.names:
                    use = here.uses.get(name)
                    local = use.local if use is not None else None
                    top = (index, local) if local is not None else self.outermost(name.text, index)
                    found[exported] = (place, self._binding(top) if top is not None else None, None)
        return found

    def assigned(self, binding: Binding) -> list[tuple[Placed, n.Member, n.Expression | None, str]]:
        """The fields that are given to a name after its declaration: `M.count = 1`, `function M.load() … end`."""
        found: list[tuple[Placed, n.Member, n.Expression | None, str]] = []
        outermost = binding.local.scope.parent is None
        home = self.index(binding.placed.start)
        for index in self.outer.grown.get(binding.name, ()) if outermost else (home,):
            place = self.placed[index]
            for use, target, value, doc in bindings(place.chunk).grown.get(binding.name, ()):
                if self._means(use, index, binding, home):
                    found.append((place, target, value, doc))
        return found

    def _means(self, use: Use, index: int, binding: Binding, home: int) -> bool:
        """Whether a name in a chunk means a binding of another."""
        if use.local is not None:
            return use.local is binding.local and index == home
        name = use.name.text
        top = self.outermost(name, index) or self.outer.assigned.get(name, (None,))[0]
        return top is not None and top[1] is binding.local and top[0] == home

    def module_returns(self) -> list[tuple[Placed, n.Return]]:
        """The outermost `return`s: what a Lua module gives."""
        return [(place, one) for place in self.apart() for one in bindings(place.chunk).returns]

    def imports(self) -> list[tuple[Placed, n.Import]]:
        return [(place, one) for place in self.apart() for one in bindings(place.chunk).imports]

    def apart(self) -> list[Placed]:
        """Chunks with exports, imports or outermost returns."""
        return [self.placed[index] for index in self.outer.apart]

    # Names across chunks

    @property
    def outer(self) -> Outermost:
        """What all chunks declare and use of each other."""
        if self._outer is None:
            self._outer = Outermost.read(self.placed)
        return self._outer

    def _before(self, declared: list[tuple[int, Local]], index: int) -> tuple[int, Local] | None:
        """Of declarations of one name the one that another chunk sees: Lua's last above it, JavaScript's only one."""
        if not self._lua:
            return declared[0]
        at = bisect_left(declared, index, key=lambda one: one[0])
        return declared[at - 1] if at else None

    def index_of(self, place: Placed) -> int | None:
        """The same, None for a chunk of another document."""
        index = self.index(place.start)
        here = self.placed[index] if index < len(self.placed) else None
        return index if here is not None and here.chunk is place.chunk and here.start == place.start else None

    def outermost(self, name: str, index: int) -> tuple[int, Local] | None:
        """The declaration of a name that a chunk sees of the others, and the chunk it is in."""
        declared = self.outer.declared.get(name)
        return self._before(declared, index) if declared is not None else None

    def _meaning(self, use: Use, place: Placed) -> Binding | None:
        if use.local is not None:
            return Binding(use.local, place)
        name = use.name.text
        top = self.outermost(name, self.index(place.start)) or self.outer.assigned.get(name, (None,))[0]
        return self._binding(top) if top is not None else None

    def _binding(self, top: tuple[int, Local]) -> Binding:
        return Binding(top[1], self.placed[top[0]])

    def index(self, start: int) -> int:
        """Of the chunk in `placed` that begins at a line."""
        return bisect_left(self.placed, start, key=_START)

    def _global_references(self, name: str) -> list[Reference]:
        found: list[Reference] = []
        for index in self.outer.used.get(name, ()):
            if self.outermost(name, index) is None:
                place = self.placed[index]
                for use in bindings(place.chunk).free[name]:
                    found.append(Reference(absolute(use.name.span, place.start), use.write, use.write))
        return found


def _own(local: Local) -> Span:
    """The place of the name itself: a parameter's node may hold a default as well."""
    span, name = local.span, local.name
    if span.line == span.end_line and span.end_column - span.column > len(name):
        column = span.column + (3 if getattr(local.node, "rest", False) and name != "..." else 0)
        return span._replace(column=column, end_column=column + len(name))
    return span
