"""What each expression of a document holds, worked out when it is asked for and remembered for one version of it.

Follows names to their declarations, members to the registry, calls to what they give, callbacks to the place that wants
them, files to the files they import. What it cannot tell is UNKNOWN. It never fails: a tree may be half typed, a
definition may refer to itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.declared import declared
from llmspell_lsp.analysis.known import Known
from llmspell_lsp.analysis.members import global_names, item_of, member
from llmspell_lsp.analysis.operators import operated
from llmspell_lsp.analysis.reach import Reach
from llmspell_lsp.analysis.remarks import remarks
from llmspell_lsp.analysis.scope import Analysis
from llmspell_lsp.analysis.sites import Site
from llmspell_lsp.analysis.types import (
    NIL,
    TEXT,
    UNKNOWN,
    Choice,
    ClassObject,
    Constant,
    Field,
    Instance,
    Library,
    Maker,
    Method,
    Module,
    Native,
    Promise,
    Record,
    Script,
    ScriptClass,
    Type,
    Value,
    choice,
    settled,
)
from llmspell_lsp.analysis.vocabulary import Found, Vocabulary, vocabulary
from llmspell_lsp.syntax.nodes import (
    Await,
    Call,
    Class,
    Entry,
    Expression,
    Function,
    Index,
    Literal_,
    Member,
    Name,
    Operation,
    Table,
    Text,
    Unknown,
)

if TYPE_CHECKING:
    from llmspell_lsp.analysis.named import Named
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.analysis.steps import Flow
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.syntax.chunks import Placed

#: How deep definitions may lead to definitions before the answer is UNKNOWN: a chain this long is no spell.
DEEPEST: Final = 60


#: Methods that give text unless they are given a `schema`.
_TEXTS: Final = frozenset({"chat", "chat_with_context"})


class Modules(Protocol):
    """The project's other files."""

    def module(self, uri: str, name: str) -> Module | None:
        """What a file that is imported or required by a name gives; None where there is none."""
        ...

    def is_fresh(self, uri: str) -> bool:
        """Whether what was said of modules to a document still holds."""
        ...

    def state(self, uri: str) -> object:
        """Equal as long as the modules that a document was told of are as they were."""
        ...


class Inference:
    """The types of one version of a document."""

    def __init__(self, analysis: Analysis, modules: Modules | None = None) -> None:
        self.analysis: Final = analysis
        self.language: Final = analysis.language
        self.words: Final[Vocabulary] = vocabulary(analysis.language)
        self.modules: Final = modules
        self._reach: Final = Reach.of(analysis, modules.state(analysis.uri) if modules is not None else None)
        self._chunks: dict[Placed, Known] = {}
        self._kept: dict[int, Known] = {}
        """By the chunk's first line; the same for all versions since a chunk has moved."""
        self._former: dict[Binding, Type] = {}
        self._asked: set[object] = set()

    @staticmethod
    def of(document: Document, modules: Modules | None = None) -> Inference:
        """Of the document as it now stands; the same object until it, or a file that it imports, is edited."""
        known = document.facts.get(Inference)
        older = known if isinstance(known, Inference) else None
        if older is not None and older.modules is not None and not older.modules.is_fresh(document.uri):
            older = None
        if older is not None and older.analysis.revision == document.revision:
            return older
        made = document.facts[Inference] = Inference(Analysis.of(document), modules)
        if older is not None and older.modules is modules and older.analysis.layout == made.analysis.layout:
            made._kept = older._kept
        return made

    def known(self, placed: Placed) -> Known:
        """What is known of a chunk; of one of another file, whose function is called here, for this version only."""
        found = self._chunks.get(placed)
        if found is None:
            index = self.analysis.index_of(placed)
            number = 0 if index is None else self._reach.number(index)
            kept = None if index is None else self._kept.get(placed.start)
            found = self._chunks[placed] = kept if kept is not None and kept.number == number else Known(number)
            if index is not None:
                self._kept[placed.start] = found
        return found

    # Expressions

    def type_of(self, placed: Placed, node: Expression) -> Type:
        """What the expression holds."""
        types = self.known(placed).types
        found = types.get(node)
        if found is None:
            found = types[node] = self._guarded((placed.start, node), lambda: self._of(placed, node))
        return found

    def awaited(self, placed: Placed, node: Expression) -> Type:
        """What the expression holds once it is waited for."""
        return settled(self.type_of(placed, node))

    def member(self, type_: Type, name: str) -> Found | None:
        """The member of a name that a value has."""
        return member(type_, name, self.words)

    def global_name(self, name: str) -> Found | None:
        """What a name means that nothing in the document declares."""
        return global_names(self.language).get(name)

    @cached_property
    def flows(self) -> list[Flow]:
        """The workflows of the document."""
        from llmspell_lsp.analysis.named import flows  # which reads them with this very inference

        return flows(self)

    @cached_property
    def named(self) -> list[Named]:
        """What the document names, or asks for by name."""
        from llmspell_lsp.analysis.named import named

        return named(self)

    def _guarded(self, key: object, work: Callable[[], Type]) -> Type:
        if key in self._asked or len(self._asked) > DEEPEST:
            return UNKNOWN
        self._asked.add(key)
        try:
            return work()
        finally:
            self._asked.discard(key)

    def _of(self, placed: Placed, node: Expression) -> Type:
        match node:
            case Text(value=value):
                return Constant(value) if value is not None else TEXT
            case Literal_(kind=kind, value=value):
                return Library("RegExp#") if kind == "regex" else Constant(None if kind == "nil" else value)
            case Name():
                return self._name(placed, node)
            case Member():
                found = self.member(self.type_of(placed, node.object), node.name)
                return UNKNOWN if found is None else found.type
            case Index():
                return item_of(self.type_of(placed, node.object))
            case Call():
                return self.called(placed, node)
            case Await():
                return self.awaited(placed, node.value)
            case Table():
                return self._table(placed, node)
            case Function():
                return Script(Site(self.analysis.uri, placed, node))
            case Class():
                return self._class(placed, node)
            case Operation():
                return operated(node.operator, [self.type_of(placed, each) for each in node.operands])
            case Unknown():
                return UNKNOWN

    def _name(self, placed: Placed, node: Name) -> Type:
        binding = self.analysis.resolve(placed, node)
        if binding is not None:
            return self.of_binding(binding)
        if node.text in {"this", "super"}:
            return self._this(placed, node)
        found = self.global_name(node.text)
        return UNKNOWN if found is None else found.type

    def _table(self, placed: Placed, node: Table) -> Type:
        fields: dict[str, Field] = {}
        items: list[Type] = []
        complete = True
        for each in node.entries:
            if each.spread or each.computed is not None:
                complete = False
            elif each.key is None:
                items.append(self.type_of(placed, each.value))
            else:
                fields[each.key] = self._field(placed, each, each.key)
        site = Site(self.analysis.uri, placed, node)
        is_list = node.shape == "array" or (bool(items) and not fields)
        return Record(fields, tuple(items), is_list, site, complete)

    def _field(self, placed: Placed, node: Entry, name: str) -> Field:
        doc = node.value.doc if isinstance(node.value, Function | Class) else ""
        return Field(name, self.type_of(placed, node.value), Site(self.analysis.uri, placed, node), doc)

    # Calls

    def called(self, placed: Placed, node: Call) -> Type:
        """What a call gives."""
        if self.language == "javascript" and isinstance(node.callee, Member) and node.callee.name == "new":
            # `Agent.new(…)` works, and is not how JavaScript writes it: no member, so that nothing offers it.
            of = self.type_of(placed, node.callee.object)
            if isinstance(of, ClassObject):
                return self._made(placed, node, of)
        return self._given(placed, node, self.type_of(placed, node.callee))

    def _given(self, placed: Placed, node: Call, callee: Type) -> Type:
        match callee:
            case Choice(of=options):
                return choice([self._given(placed, node, each) for each in options if each != NIL])
            case Maker(of=of, extends=True):
                return self._extended(placed, node, of)
            case Maker(of=of):
                return self._made(placed, node, of)
            case ClassObject() | ScriptClass() if node.constructs or self.language == "lua":
                return self._made(placed, node, callee)
            case Method(owner="Tool", described={"name": "get"} as described) if node.arguments:
                made = self.words.tool_class(expect.constant(self, placed, node.arguments[0]) or "")
                return self.words.given(described) if made is None else Instance(made)
            case Method(described=described):
                if described.get("x-callback"):
                    return UNKNOWN
                return self.given(
                    callee, asks_text=described["name"] in _TEXTS and not expect.may_have_option(node, "schema")
                )
            case Native(name="require"):
                return self._module(expect.constant(self, placed, node.arguments[0]) if node.arguments else None)
            case Native(name="setmetatable"):
                return self.type_of(placed, node.arguments[0]) if node.arguments else UNKNOWN
            case Native(result=result):
                return result
            case Library(name=name) if node.constructs:
                return Library(f"{name}#")
            case Script(site=site) if isinstance(site.node, Function):
                return self.returned(site.placed, site.node)
            case Value(schema=schema) if schema.get("x-result"):
                return self.words.of_schema(schema["x-result"])
            case _:
                return UNKNOWN

    def given(self, method: Method, *, asks_text: bool = False) -> Type:
        """A registry method's result. asks_text: it is text, which the registry cannot say of every call."""
        described = {**method.described, "result": {"type": "string"}} if asks_text else method.described
        return self.words.given(described)

    def _made(self, placed: Placed, node: Call, of: ClassObject | ScriptClass) -> Type:
        if isinstance(of, ClassObject) and not self.words.described(of.name)["constructible"]:
            return UNKNOWN
        given = self.type_of(placed, node.arguments[0]) if node.arguments else NIL
        if given in (NIL, TEXT) or (isinstance(given, Constant) and isinstance(given.value, str)):
            given = Record({}, site=Site(self.analysis.uri, placed, node))
        return Instance(of, given if isinstance(given, Record) else None)

    def _extended(self, placed: Placed, node: Call, of: ClassObject | ScriptClass) -> Type:
        """`BaseAgent:extend({…})`: a class whose name is the variable's, found where it is declared."""
        given = self.type_of(placed, node.arguments[0]) if node.arguments else UNKNOWN
        fields = given.fields if isinstance(given, Record) else {}
        name = self.analysis.named(placed, node) or of.name
        return ScriptClass(name, of, fields, Site(self.analysis.uri, placed, node))

    def _module(self, name: str | None) -> Type:
        found = self.modules.module(self.analysis.uri, name) if self.modules is not None and name else None
        if found is None:
            return UNKNOWN
        given = found.exports.get("")
        return given.type if given is not None else UNKNOWN

    # Functions and classes of the spell

    def parameters(self, placed: Placed, node: Function) -> list[expect.Parameter]:
        """What a function of the spell takes, with the types that are known."""
        said = remarks(node.doc, self.language)
        return [
            expect.Parameter(
                each.name or "…",
                {},
                required=each.default is None and not each.rest and not is_optional(said.params.get(each.name)),
                variadic=each.rest,
                doc=said.param_docs.get(each.name, ""),
                type=said.params.get(each.name, UNKNOWN),
            )
            for each in node.parameters
        ]

    def returned(self, placed: Placed, node: Function) -> Type:
        """What a call of a function of the spell gives."""
        said = remarks(node.doc, self.language).returns
        if said != UNKNOWN:
            return said
        result = self._guarded((placed.start, id(node), "returned"), lambda: self._body(placed, node))
        if node.is_generator:
            return UNKNOWN
        return Promise(settled(result)) if node.is_async and self.language == "javascript" else result

    def _body(self, placed: Placed, node: Function) -> Type:
        if node.arrow_value is not None:
            return self.type_of(placed, node.arrow_value)
        found = [
            self.type_of(placed, each.values[0]) if each.values else NIL for each in self.analysis.returns(placed, node)
        ]
        return choice(found) if found else NIL

    def _class(self, placed: Placed, node: Class) -> Type:
        base = self.type_of(placed, node.base) if node.base is not None else UNKNOWN
        fields: dict[str, Field] = {}
        for each in node.members:
            if each.value is not None:
                type_ = self.type_of(placed, each.value)
                if each.accessor == "get" and isinstance(each.value, Function):
                    type_ = self.returned(placed, each.value)
                doc = each.value.doc if isinstance(each.value, Function) else ""
                fields[each.name] = Field(each.name, type_, Site(self.analysis.uri, placed, each), doc)
        known = base if isinstance(base, ClassObject | ScriptClass) else UNKNOWN
        return ScriptClass(node.name, known, fields, Site(self.analysis.uri, placed, node))

    def _this(self, placed: Placed, node: Name) -> Type:
        """`this` inside a class: an object of it; `super`: one of its base."""
        around = self.analysis.enclosing_class(placed, node)
        if around is None:
            return UNKNOWN
        of = self.type_of(placed, around)
        if isinstance(of, ScriptClass) and node.text == "super":
            of = of.base
        return Instance(of) if isinstance(of, ClassObject | ScriptClass) else UNKNOWN

    # Bindings

    def of_binding(self, binding: Binding) -> Type:
        """What a variable holds, by its declaration and what is assigned into its fields."""
        local, placed, former = binding
        known: dict[Any, Type] = self._former if former else self.known(placed).bindings
        key = binding if former else local
        found = known.get(key)
        if found is None:
            found = self._guarded(binding, lambda: declared(self, binding))
            # What is assigned to it may refer to itself, whose first type is enough for that.
            known[key] = found
            found = known[key] = self._grown(binding, found)
        return found

    def _grown(self, binding: Binding, type_: Type) -> Type:
        """With the fields that are assigned to it later: `function M.load() … end`, `Researcher.retries = 3`."""
        if not isinstance(type_, Record | ScriptClass):
            return type_
        later: dict[str, Field] = {}
        for placed, target, value, doc in self.analysis.assigned(binding):
            if target.name not in later:
                of = self.type_of(placed, value) if value is not None else UNKNOWN
                later[target.name] = Field(target.name, of, Site(self.analysis.uri, placed, target), doc)
        if not later:
            return type_
        if isinstance(type_, ScriptClass):
            return ScriptClass(type_.name, type_.base, {**later, **type_.members}, type_.site)
        return Record({**later, **type_.fields}, type_.items, type_.is_list, type_.site, type_.complete)


def is_optional(type_: Type | None) -> bool:
    return isinstance(type_, Choice) and NIL in type_.of
