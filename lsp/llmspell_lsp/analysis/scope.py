"""Which name of a document is which declaration: what is visible at a place, what a name means, who uses it.

Puts the chunks' `bindings` together. Positions are the document's. Recomputed for each version, as far as asked: going
through all chunks costs 1 ms at 10,000 lines. Knows no types and no registry.

A chunk that the grammar cannot read whole may have lost declarations. The names that it declared when it was last whole
stay visible (`Binding.former`) as long as the new tree does not declare them; nothing else of the old tree is used.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell_lsp.analysis import around
from llmspell_lsp.analysis.bindings import Bindings, Kind, Local, Owner, Scope, Use, bindings
from llmspell_lsp.syntax.chunks import Chunks, Placed
from llmspell_lsp.syntax.lookup import path_to, walk
from llmspell_lsp.syntax.lookup import placed as absolute
from llmspell_lsp.syntax.nodes import Name, Target
from llmspell_lsp.syntax.parsing import expression

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax import nodes as n
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.syntax.skeleton import ScriptLanguage

ALWAYS: Final = frozenset(["this", "super", "import", "arguments", "...", "undefined"])
"""Names that the languages themselves give a meaning."""

FEW_CHUNKS: Final = 4
"""Changed chunks up to which the names of an older version are mended; more are read anew, 1-2 ms at 10,000 lines."""

_QUIET: Final = frozenset[Kind](["parameter", "self", "catch", "loop", "global"])


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

    __slots__ = ("_assigned", "_loose", "_lua", "_top", "chunks", "document", "language", "placed", "revision")

    def __init__(self, document: Document, chunks: Chunks) -> None:
        self.document = document
        self.chunks = chunks
        self.revision = document.revision
        self.placed: list[Placed] = chunks.placed
        self.language: ScriptLanguage = chunks.language
        self._lua = self.language == "lua"
        self._top: dict[str, list[tuple[int, Local]]] | None = None
        self._assigned: dict[str, tuple[int, Local]] = {}
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
        if known is not None:
            made._take(known)
        return made

    @property
    def uri(self) -> str:
        return self.document.uri

    # One place

    def visible(self, line: int, column: int) -> dict[str, Binding]:
        """What each name means that can be named at a place; the innermost declaration wins."""
        place = self.chunks.at(line)
        index = self._index(place)
        found: dict[str, Binding] = {}
        here = bindings(place.chunk)
        later = self._collect(here, place, line, column, found, former=False)
        for name, declared in self._tops().items():
            if name not in found:
                top = self._before(declared, index)
                if top is not None and (later or top[1].hoisted or top[0] < index):
                    found[name] = self._binding(top)
        for name, assigned in self._assigned.items():
            if name not in found:
                found[name] = self._binding(assigned)
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
            mine = self._index(place)
            for index, other in enumerate(self.placed):
                if index == mine or (self._lua and index < mine):
                    continue
                for use in bindings(other.chunk).free.get(local.name, ()):
                    top = self._top_for(local.name, index)
                    if top is not None and top[1] is local and top[0] == mine:
                        found.append(Reference(absolute(use.name.span, other.start), use.write))
        return found

    def unresolved(self) -> list[Unresolved]:
        """Names that nothing in the document declares: the registry's, the language's, or mistakes."""
        found: list[Unresolved] = []
        for index, place in enumerate(self.placed):
            for name, uses in bindings(place.chunk).free.items():
                if name not in ALWAYS and self._top_for(name, index) is None and name not in self._assigned:
                    found += [Unresolved(name, absolute(use.name.span, place.start), use.write) for use in uses]
        return found

    def unused(self) -> list[Binding]:
        """Declarations that nothing reads, in chunks that could be read whole; parameters and names with "_" apart."""
        read = self._read_elsewhere()
        exported = self._exported()
        found: list[Binding] = []
        for index, place in enumerate(self.placed):
            if place.chunk.broken:
                continue
            for local in bindings(place.chunk).locals:
                if local.kind in _QUIET or local.name.startswith("_") or local.node is None:
                    continue
                if any(not use.write for use in local.uses):
                    continue
                if local.scope.parent is None and ((index, local) in read or local.name in exported):
                    continue
                found.append(Binding(local, place))
        return found

    def exports(self) -> dict[str, tuple[Placed, Binding | None, n.Expression | None]]:
        """What a JavaScript module exports by name: where, which declaration, and a default's expression."""
        found: dict[str, tuple[Placed, Binding | None, n.Expression | None]] = {}
        for index, place in enumerate(self.placed):
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
                    top = (index, local) if local is not None else self._top_for(name.text, index)
                    found[exported] = (place, self._binding(top) if top is not None else None, None)
        return found

    def assigned(self, binding: Binding) -> list[tuple[Placed, n.Member, n.Expression | None, str]]:
        """The fields that are given to a name after its declaration: `M.count = 1`, `function M.load() … end`."""
        found: list[tuple[Placed, n.Member, n.Expression | None, str]] = []
        for place in self.placed:
            for use, target, value, doc in bindings(place.chunk).grown:
                if use.name.text == binding.name and self._meaning(use, place) == binding:
                    found.append((place, target, value, doc))
        return found

    def module_returns(self) -> list[tuple[Placed, n.Return]]:
        """The outermost `return`s: what a Lua module gives."""
        return [(place, one) for place in self.placed for one in bindings(place.chunk).returns]

    def imports(self) -> list[tuple[Placed, n.Import]]:
        return [(place, one) for place in self.placed for one in bindings(place.chunk).imports]

    # Names across chunks

    def _tops(self) -> dict[str, list[tuple[int, Local]]]:
        """What the chunks declare at the outermost level, by name, in the order of the file."""
        if self._top is None:
            top: dict[str, list[tuple[int, Local]]] = {}
            for index, place in enumerate(self.placed):
                here = bindings(place.chunk)
                for local in here.top.locals:
                    top.setdefault(local.name, []).append((index, local))
                for name, local in here.assigned.items():
                    self._assigned.setdefault(name, (index, local))
            self._top = top
        return self._top

    def _take(self, older: Analysis) -> None:
        """Takes over the outermost names of an older version, if no more than a few chunks have changed since."""
        if older._top is None or len(older.placed) != len(self.placed):
            return
        pairs = zip(older.placed, self.placed, strict=True)
        changed = [index for index, (was, now) in enumerate(pairs) if was.chunk is not now.chunk]
        if len(changed) > FEW_CHUNKS:
            return
        top = dict(older._top)
        for index in changed:
            was, now = bindings(older.placed[index].chunk), bindings(self.placed[index].chunk)
            if was.assigned or now.assigned:
                return
            for local in was.top.locals:
                top[local.name] = [one for one in top[local.name] if one[0] != index]
            for local in now.top.locals:
                top[local.name] = sorted([*top.get(local.name, ()), (index, local)], key=lambda one: one[0])
            for local in was.top.locals:
                if not top.get(local.name, True):
                    del top[local.name]
        self._top, self._assigned = top, older._assigned

    def _before(self, declared: list[tuple[int, Local]], index: int) -> tuple[int, Local] | None:
        """Of declarations of one name the one that another chunk sees: Lua's last above it, JavaScript's only one."""
        if not self._lua:
            return declared[0]
        at = bisect_left(declared, index, key=lambda one: one[0])
        return declared[at - 1] if at else None

    def _top_for(self, name: str, index: int) -> tuple[int, Local] | None:
        declared = self._tops().get(name)
        return self._before(declared, index) if declared is not None else None

    def _meaning(self, use: Use, place: Placed) -> Binding | None:
        if use.local is not None:
            return Binding(use.local, place)
        name = use.name.text
        top = self._top_for(name, self._index(place)) or self._assigned.get(name)
        return self._binding(top) if top is not None else None

    def _binding(self, top: tuple[int, Local]) -> Binding:
        return Binding(top[1], self.placed[top[0]])

    def _index(self, place: Placed) -> int:
        return bisect_left(self.placed, place.start, key=lambda one: one.start)

    def _global_references(self, name: str) -> list[Reference]:
        found: list[Reference] = []
        for index, place in enumerate(self.placed):
            uses = bindings(place.chunk).free.get(name, ())
            if uses and self._top_for(name, index) is None:
                found += [Reference(absolute(use.name.span, place.start), use.write, use.write) for use in uses]
        return found

    def _read_elsewhere(self) -> set[tuple[int, Local]]:
        """Outermost declarations that another chunk reads."""
        found: set[tuple[int, Local]] = set()
        for index, place in enumerate(self.placed):
            for name, uses in bindings(place.chunk).free.items():
                top = self._top_for(name, index)
                if top is not None and any(not use.write for use in uses):
                    found.add(top)
        return found

    def _exported(self) -> set[str]:
        found: set[str] = set()
        for place in self.placed:
            for export in bindings(place.chunk).exports:
                if export.declaration is not None:
                    found |= {target.name for target in export.declaration.targets}
                found |= {name.text for name, _ in export.names}
        return found


def _own(local: Local) -> Span:
    """The place of the name itself: a parameter's node may hold a default as well."""
    span, name = local.span, local.name
    if span.line == span.end_line and span.end_column - span.column > len(name):
        column = span.column + (3 if getattr(local.node, "rest", False) and name != "..." else 0)
        return span._replace(column=column, end_column=column + len(name))
    return span
