"""What names mean, for colours: classes and methods of the registry, functions, parameters, fields, option keys, names
of hook points and events in texts, `{{references}}`. Keywords, texts and comments are left to the editor's grammar.

Worked out chunk by chunk and kept for as long as nothing changes that the chunk sees (`analysis.reach`). Columns are
code points, lines those of the chunk. A name that nobody knows has no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast

from llmspell.api.references import braces, reference
from llmspell.errors import ArgumentError
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.bindings import Bindings, Local, bindings
from llmspell_lsp.analysis.named import kind_of
from llmspell_lsp.analysis.natives import natives
from llmspell_lsp.analysis.reach import Reach, keep, kept
from llmspell_lsp.analysis.scope import Binding
from llmspell_lsp.analysis.types import ClassObject, Library, Maker, Method, Module, Native, Script, ScriptClass, Type
from llmspell_lsp.analysis.vocabulary import Found
from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.lookup import parts
from llmspell_lsp.syntax.texts import where

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.syntax.nodes import Node, Span
    from llmspell_lsp.workspace.snapshot import Snapshot

Kind = Literal["namespace", "class", "function", "method", "parameter", "variable", "property", "event"]
Modifier = Literal["declaration", "readonly", "static", "deprecated", "async", "defaultLibrary"]

KINDS: Final[tuple[Kind, ...]] = (
    "namespace",
    "class",
    "function",
    "method",
    "parameter",
    "variable",
    "property",
    "event",
)
MODIFIERS: Final[tuple[Modifier, ...]] = (
    "declaration",
    "readonly",
    "static",
    "deprecated",
    "async",
    "defaultLibrary",
)

_READONLY: Final = frozenset({"const", "import"})
#: Characters of a text that may be a hook point's or event's name: longer ones are not asked about.
_LONGEST_NAME: Final = 80
#: Characters of a text that is looked through for references: finding the lines of many takes the square of them.
_LONGEST_TEXT: Final = 50_000
_NO: Final[tuple[Modifier, ...]] = ()
_OURS: Final[tuple[Modifier, ...]] = ("defaultLibrary",)


class Token(NamedTuple):
    """line: of its chunk. kind, modifiers: indexes into `KINDS`, bits of `MODIFIERS`."""

    line: int
    column: int
    length: int
    kind: int
    modifiers: int


class ChunkTokens(NamedTuple):
    """The tokens of a chunk. Equal chunks in equal surroundings share one object."""

    placed: Placed
    tokens: tuple[Token, ...]


def semantic_tokens(snapshot: Snapshot, first: int = 0, last: int | None = None) -> Iterator[ChunkTokens]:
    """The tokens of a script's chunks, in order; of those that touch the lines first..last."""
    infer, project = snapshot.types, snapshot.modules
    analysis = infer.analysis
    uri = snapshot.document.uri
    reach = Reach.of(analysis, project.state(uri) if project is not None else None)
    fresh: list[tuple[int, tuple[Token, ...]]] = []
    for index, placed in enumerate(analysis.placed):
        if placed.end <= first or (last is not None and placed.start > last):
            continue
        found = kept(placed.chunk, Token, reach.number(index))
        if found is None:
            found = tuple(_Reader(infer, placed).read())
            fresh.append((index, found))
        yield ChunkTokens(placed, found)
    if fresh:
        # Which files are imported is known once the types are: what they are now is what the tokens are good for.
        reach = Reach.of(analysis, project.state(uri) if project is not None else None)
        for index, found in fresh:
            keep(analysis.placed[index].chunk, Token, reach.number(index), found)


class _Reader:
    """Reads one chunk."""

    def __init__(self, infer: Inference, placed: Placed) -> None:
        self.infer = infer
        self.placed = placed
        self.here: Bindings = bindings(placed.chunk)
        self.lines = placed.chunk.lines
        self.found: dict[tuple[int, int], Token] = {}

    def read(self) -> list[Token]:
        for local in self.here.locals:
            if local.node is not None:
                self._local(local, Binding(local, self.placed).span, declares=True)
        rest: list[tuple[Node, int]] = [(self.placed.chunk.tree.block, 0)]
        path: list[Node] = []
        while rest:
            node, depth = rest.pop()
            del path[depth:]
            path.append(node)
            self._node(node, path)
            rest += [(part, depth + 1) for part in reversed(parts(node))]
        return _apart(sorted(self.found.values()))

    def _node(self, node: Node, path: list[Node]) -> None:
        match node:
            case n.Name():
                self._name(node)
            case n.Member():
                self._member(node, path)
            case n.Entry(key=str(), key_span=key_span) if key_span is not None:
                self._key(node, path)
            case n.ClassMember():
                self._class_member(node)
            case n.Text():
                self._text(node, path)
            case _:
                pass

    # Names

    def _name(self, node: n.Name) -> None:
        use = self.here.uses.get(node)
        binding = self.infer.analysis.resolve(self.placed, node) if use is not None else None
        if binding is not None:
            self._local(binding.local, node.span, declares=False, binding=binding)
            return
        found = self.infer.global_name(node.text) if use is not None else None
        if found is not None:
            self._put(node.span, _global_kind(found, self.infer), _OURS)

    def _local(self, local: Local, span: Span, *, declares: bool, binding: Binding | None = None) -> None:
        if binding is None:
            start = self.placed.start
            span = span._replace(line=span.line - start, end_line=span.end_line - start)
            binding = Binding(local, self.placed)
        type_ = self.infer.of_binding(binding)
        modifiers: list[Modifier] = ["declaration"] if declares else []
        if local.kind in _READONLY or getattr(local.node, "attribute", "") == "const":
            modifiers.append("readonly")
        kind: Kind = "parameter" if local.kind in ("parameter", "self") else "variable"
        if local.kind not in ("parameter", "self", "loop", "catch"):
            kind = _kind_of(type_, kind)
        self._put(span, kind, (*modifiers, *_of_function(type_)))

    def _member(self, node: n.Member, path: list[Node]) -> None:
        above = path[-2]
        called = isinstance(above, n.Call) and above.callee is node
        kind: Kind
        receiver = self.infer.type_of(self.placed, node.object)
        found = self.infer.member(receiver, node.name)
        if isinstance(above, n.Assign) and any(each is node for each in above.targets):
            made = next((each for each in above.values if isinstance(each, n.Function)), None)
            kind = "property" if made is None else "method"
            self._put(node.name_span, kind, _NO if made is None else ("declaration", *_written(made)))
            return
        if found is None:
            self._put(node.name_span, "method" if called else "property", _NO)
            return
        kind = "method" if called else "property"
        if found.kind in ("method", "maker") or isinstance(found.type, Script | Native | Method):
            kind = "method"
        elif isinstance(found.type, ScriptClass | ClassObject):
            kind = "class"
        ours = found.field is None and found.name == node.name
        self._put(node.name_span, kind, (*_of_function(found.type), *(_OURS if ours else _NO)))

    def _key(self, node: n.Entry, path: list[Node]) -> None:
        assert node.key is not None and node.key_span is not None
        if node.key_span == node.value.span:
            return  # JavaScript's short `{ key }`: the name says more
        kind: Kind = "method" if isinstance(node.value, n.Function) else "property"
        modifiers: tuple[Modifier, ...] = ("declaration",)
        table = path[-2]
        outer = expect.wanted(self.infer, self.placed, path[:-1])
        if outer is not None and isinstance(table, n.Table) and expect.option(outer, node.key, table) is not None:
            modifiers, kind = _OURS, "property"
        self._put(node.key_span, kind, modifiers)

    def _class_member(self, node: n.ClassMember) -> None:
        method = isinstance(node.value, n.Function) and not node.accessor
        modifiers: list[Modifier] = ["declaration", "static"] if node.static else ["declaration"]
        if method:
            modifiers += _written(cast("n.Function", node.value))
        self._put(node.name_span, "method" if method else "property", tuple(modifiers))

    # Texts

    def _text(self, node: n.Text, path: list[Node]) -> None:
        value = node.value
        if value is None or not value:
            return
        if "{{" in value and len(value) <= _LONGEST_TEXT:
            self._references(node, value)
        elif len(value) <= _LONGEST_NAME and " " not in value and "\n" not in value:
            wanted = expect.wanted(self.infer, self.placed, path)
            if wanted is not None and kind_of(wanted) in ("hook_point", "event"):
                self._put(node.content, "event", self._known_name(value))

    def _known_name(self, value: str) -> tuple[Modifier, ...]:
        """The registry's own hook points and events beside those of the spell."""
        words = self.infer.words
        return _OURS if words.hook_point(value) is not None or words.event(value) is not None else _NO

    def _references(self, node: n.Text, value: str) -> None:
        for start, end in braces(value):
            if not value.endswith("}}", start + 2, end):
                continue
            inner = value[start + 2 : end - 2]
            try:
                found = reference(inner)
            except ArgumentError:
                continue
            lead = start + 2 + len(inner) - len(inner.lstrip())
            line, column = where(node, lead)
            end_line, end_column = where(node, lead + len(found.name))
            self._put(n.Span(line, column, end_line, end_column), "variable", _NO)

    def _put(self, span: Span, kind: Kind, modifiers: tuple[Modifier, ...]) -> None:
        if span.line != span.end_line or not 0 <= span.line < len(self.lines):
            return
        text = self.lines[span.line]
        length = min(span.end_column, len(text)) - span.column
        if length > 0 and not text.startswith("...", span.column) and span[:2] not in self.found:
            bits = sum(1 << MODIFIERS.index(each) for each in set(modifiers))
            self.found[span.line, span.column] = Token(span.line, span.column, length, KINDS.index(kind), bits)


def _apart(tokens: list[Token]) -> list[Token]:
    """Without those that overlap the one before: the protocol forbids them, and a guessed tree may have any."""
    found: list[Token] = []
    for each in tokens:
        if not found or found[-1].line < each.line or found[-1].column + found[-1].length <= each.column:
            found.append(each)
    return found


def _global_kind(found: Found, infer: Inference) -> Kind:
    match found.kind:
        case "class" | "error":
            return "class"
        case "namespace":
            # `Map` of JavaScript has members of its own and makes objects with others; `Math` has its own alone.
            return "class" if f"{found.name}#" in natives(infer.language).libraries else "namespace"
        case "native" if isinstance(found.type, Native):
            return "class" if found.name[:1].isupper() else "function"
        case _:
            return "variable"


def _kind_of(type_: Type, otherwise: Kind) -> Kind:
    """What a variable is, by what it holds."""
    match type_:
        case Script() | Native() | Method() | Maker():
            return "function"
        case ScriptClass() | ClassObject():
            return "class"
        case Module() | Library():
            return "namespace"
        case _:
            return otherwise


def _of_function(type_: Type) -> tuple[Modifier, ...]:
    return _written(type_.site.node) if isinstance(type_, Script) and isinstance(type_.site.node, n.Function) else _NO


def _written(function: n.Function) -> tuple[Modifier, ...]:
    is_async: tuple[Modifier, ...] = ("async",) if function.is_async else ()
    return (*is_async, "deprecated") if "@deprecated" in function.doc else is_async
