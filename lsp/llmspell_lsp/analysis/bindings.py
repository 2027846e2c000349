"""The names that one chunk declares and uses, each use with the declaration it means, as far as it can tell.

Kept with the chunk, so that a key typed costs one chunk. Lines are the chunk's. A name that the chunk does not declare
is free: `scope` looks for it in the other chunks. Knows how Lua and JavaScript scope names, and no types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from llmspell_lsp.syntax import nodes as n
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk

Kind = Literal[
    "local", "const", "let", "var", "function", "class", "import", "catch", "loop", "parameter", "self", "global"
]
Owner = n.Declare | n.Import | n.Function | n.Assign | n.Class


@dataclass(slots=True, eq=False)
class Use:
    """A name as it stands in an expression or on the left of an assignment."""

    name: n.Name
    scope: Scope
    local: Local | None
    """What it means; None: free in this chunk."""
    write: bool = False
    """Assigned to (and not read)."""


@dataclass(slots=True, eq=False)
class Local:
    """A name that is declared. A "global" is Lua's: an assignment to a name that nothing declares."""

    name: str
    kind: Kind
    span: Span
    node: n.Target | n.Parameter | n.Name | None
    """None for `self`."""
    owner: Owner
    scope: Scope
    position: int = 0
    """Which of the owner's targets or parameters it is, or belongs to."""
    since: tuple[int, int] = (0, 0)
    """From where on it can be named: after its statement (in JavaScript functions, which run later, may before)."""
    hoisted: bool = False
    """JavaScript's `var`, functions and imports: they can be named from the beginning of their scope."""
    uses: list[Use] = field(default_factory=list[Use])


@dataclass(slots=True, eq=False)
class Scope:
    span: Span
    parent: Scope | None
    function: n.Function | None = None
    """The function whose parameters it holds."""
    locals: list[Local] = field(default_factory=list[Local])
    inner: list[Scope] = field(default_factory=list["Scope"])
    names: dict[str, Local] = field(default_factory=dict[str, Local])
    """While the chunk is read: what a name means now; afterwards, at the end of the scope."""

    def around(self, line: int, column: int) -> Scope:
        """The innermost scope around a place."""
        scope = self
        while True:
            for inner in reversed(scope.inner):
                if inner.span.holds(line, column):
                    scope = inner
                    break
            else:
                return scope


class Growth(NamedTuple):
    """A field given to a name: `M.count = 1`, `function M.load() … end`."""

    use: Use
    target: n.Member
    value: n.Expression | None
    doc: str


@dataclass(slots=True, eq=False)
class Bindings:
    """What a chunk declares and uses. `top` is its outermost scope: what it declares, later chunks can name."""

    top: Scope
    uses: dict[n.Name, Use] = field(default_factory=dict[n.Name, Use])
    free: dict[str, list[Use]] = field(default_factory=dict[str, list[Use]])
    assigned: dict[str, Local] = field(default_factory=dict[str, Local])
    """Lua: free names that are assigned to, the first time."""
    exports: list[n.Export] = field(default_factory=list[n.Export])
    imports: list[n.Import] = field(default_factory=list[n.Import])
    returns: list[n.Return] = field(default_factory=list[n.Return])
    """Those at the outermost level: what a Lua module gives."""
    grown: dict[str, list[Growth]] = field(default_factory=dict[str, list[Growth]])
    """By the name that is given a field."""
    locals: list[Local] = field(default_factory=list[Local])
    """All that are declared, at any depth."""


def bindings(chunk: Chunk) -> Bindings:
    """Of a chunk; kept with it."""
    known = chunk.facts.get(Bindings)
    if isinstance(known, Bindings):
        return known
    reader = _Reader(chunk)
    reader.read(chunk.tree.block)
    chunk.facts[Bindings] = reader.found
    return reader.found


class _Reader:
    __slots__ = ("_javascript", "_scope", "found")

    def __init__(self, chunk: Chunk) -> None:
        self._javascript = chunk.language == "javascript"
        self._scope = Scope(chunk.tree.block.span, None)
        self.found = Bindings(self._scope)

    def read(self, block: n.Block) -> None:
        if self._javascript:
            self._hoist(block.statements, self._scope, self._scope)
        self._statements(block.statements, top=True)

    # Scopes and declarations

    def _enter(self, span: Span, function: n.Function | None = None) -> Scope:
        outer = self._scope
        self._scope = Scope(span, outer, function)
        outer.inner.append(self._scope)
        return outer

    def _declare(self, local: Local) -> None:
        local.scope.locals.append(local)
        local.scope.names[local.name] = local
        self.found.locals.append(local)

    def _targets(self, owner: n.Declare | n.Import, kind: Kind, scope: Scope, since: tuple[int, int]) -> None:
        hoisted = kind in {"var", "import"} or (kind == "function" and self._javascript)
        for position, target in enumerate(owner.targets):
            if kind == "var" and target.name in scope.names:
                continue
            if target.name:
                self._declare(
                    Local(target.name, kind, target.span, target, owner, scope, position, since, hoisted=hoisted)
                )

    def _hoist(self, statements: list[n.Statement], scope: Scope, function: Scope, *, nested: bool = False) -> None:
        """JavaScript: what a block declares is declared from its beginning; `var` in the function around."""
        for statement in statements:
            declared = statement
            if isinstance(statement, n.Export):
                declared = statement.declaration
            match declared:
                case n.Declare(kind=kind):
                    since = _after(declared.span)
                    if kind == "var":
                        self._targets(declared, kind, function, since)
                    elif not nested:
                        self._targets(declared, kind, scope, since)
                case n.Import() if not nested:
                    self._targets(declared, "import", scope, (0, 0))
                case n.Branch():
                    for body in declared.bodies:
                        self._hoist(body.statements, scope, function, nested=True)
                case n.Block():
                    self._hoist(declared.statements, scope, function, nested=True)
                case _:
                    pass

    def _block(self, block: n.Block) -> None:
        outer = self._enter(block.span)
        if self._javascript:
            self._hoist_block(block)
        self._statements(block.statements)
        self._scope = outer

    def _hoist_block(self, block: n.Block) -> None:
        """The block's own declarations; its `var`s went to the function when that was entered."""
        scope = self._scope
        for statement in block.statements:
            if isinstance(statement, n.Declare) and statement.kind != "var":
                self._targets(statement, statement.kind, scope, _after(statement.span))

    # Statements

    def _statements(self, statements: list[n.Statement], *, top: bool = False) -> None:
        for statement in statements:
            self._statement(statement, top=top)

    def _statement(self, statement: n.Statement, *, top: bool = False) -> None:
        match statement:
            case n.Declare():
                self._declaration(statement)
            case n.Assign():
                self._assign(statement)
            case n.Evaluate():
                self._use(statement.value)
            case n.Return():
                if top:
                    self.found.returns.append(statement)
                for value in statement.values:
                    self._use(value)
            case n.Branch():
                for head in statement.heads:
                    self._use(head)
                for body in statement.bodies:
                    self._block(body)
            case n.Block():
                self._block(statement)
            case n.Import():
                self.found.imports.append(statement)
            case n.Export():
                self.found.exports.append(statement)
                if statement.declaration is not None:
                    self._declaration(statement.declaration)
                elif statement.default is not None:
                    self._use(statement.default)
                if statement.module is None:
                    for name, _ in statement.names:
                        self._name(name)

    def _declaration(self, declared: n.Declare) -> None:
        if not self._javascript and declared.kind == "function":
            # Lua's local function can call itself.
            self._targets(
                declared, "function", self._scope, (declared.targets[0].span.line, declared.targets[0].span.column)
            )
        for value in declared.values:
            self._use(value, named=declared.kind in {"function", "class"})
        for target in declared.targets:
            if target.default is not None:
                self._use(target.default)
        if not self._javascript and declared.kind != "function":
            self._targets(declared, declared.kind, self._scope, self._past(declared))

    def _past(self, declared: n.Declare) -> tuple[int, int]:
        last = declared.values[-1] if declared.values else None
        if isinstance(last, n.Name) and not last.text:
            # Its value is still to come, anywhere on this line.
            return declared.span.end_line + 1, 0
        return _after(declared.span)

    def _assign(self, statement: n.Assign) -> None:
        for value in statement.values:
            self._use(value)
        for position, target in enumerate(statement.targets):
            self._write(target, statement, position)

    def _write(self, target: n.Expression, statement: n.Assign, position: int) -> None:
        if isinstance(target, n.Name):
            use = self._name(target, write=not statement.operator)
            if use.local is None and target.text:
                self.found.assigned.setdefault(
                    target.text, Local(target.text, "global", target.span, target, statement, self.found.top, position)
                )
        elif isinstance(target, n.Table) and self._javascript:
            for entry in target.entries:
                self._write(entry.value, statement, position)
        else:
            self._use(target)
            if isinstance(target, n.Member) and isinstance(target.object, n.Name):
                value = statement.values[position] if position < len(statement.values) else None
                growth = Growth(self.found.uses[target.object], target, value, statement.doc)
                self.found.grown.setdefault(target.object.text, []).append(growth)

    # Expressions

    def _name(self, name: n.Name, *, write: bool = False) -> Use:
        scope: Scope | None = self._scope
        local: Local | None = None
        while scope is not None:
            local = scope.names.get(name.text)
            if local is not None:
                break
            scope = scope.parent
        use = Use(name, self._scope, local, write)
        self.found.uses[name] = use
        if local is not None:
            local.uses.append(use)
        elif name.text:
            self.found.free.setdefault(name.text, []).append(use)
        return use

    def _use(self, node: n.Expression, *, named: bool = False) -> None:
        """`named`: a declaration has bound the name of the function or class already."""
        match node:
            case n.Name():
                self._name(node)
            case n.Literal_():
                pass
            case n.Text():
                for insert in node.inserts:
                    self._use(insert)
            case n.Member():
                self._use(node.object)
            case n.Call():
                self._use(node.callee)
                for argument in node.arguments:
                    self._use(argument)
            case n.Table():
                for entry in node.entries:
                    if entry.computed is not None:
                        self._use(entry.computed)
                    self._use(entry.value)
            case n.Index():
                self._use(node.object)
                self._use(node.key)
            case n.Operation():
                for operand in node.operands:
                    self._use(operand)
            case n.Await():
                self._use(node.value)
            case n.Function():
                self._function(node, named=named)
            case n.Class():
                self._class(node, named=named)
            case n.Unknown():
                for part in node.parts:
                    self._use(part)

    def _function(self, node: n.Function, *, named: bool = False) -> None:
        outer = self._enter(node.span, node)
        scope = self._scope
        start = (node.span.line, node.span.column)
        if self._javascript:
            if node.name and node.name_span is not None and not named and not node.receiver:
                self._declare(Local(node.name, "function", node.name_span, None, node, scope, since=start))
        elif node.receiver:
            self._declare(Local("self", "self", node.span, None, node, scope, since=start))
        for position, parameter in enumerate(node.parameters):
            if parameter.default is not None:
                self._use(parameter.default)
            if parameter.name:
                self._declare(
                    Local(parameter.name, "parameter", parameter.span, parameter, node, scope, position, start)
                )
            for target in parameter.pattern.targets if parameter.pattern is not None else []:
                if target.default is not None:
                    self._use(target.default)
                self._declare(Local(target.name, "parameter", target.span, target, node, scope, position, start))
        if node.arrow_value is not None:
            self._use(node.arrow_value)
        if self._javascript:
            self._hoist(node.body.statements, scope, scope)
        self._statements(node.body.statements)
        self._scope = outer

    def _class(self, node: n.Class, *, named: bool) -> None:
        if node.base is not None:
            self._use(node.base)
        outer = self._enter(node.span)
        start = (node.span.line, node.span.column)
        if node.name and node.name_span is not None and not named:
            self._declare(Local(node.name, "class", node.name_span, None, node, self._scope, since=start))
        for member in node.members:
            if isinstance(member.value, n.Function) and member.value.receiver:
                self._function(member.value)
            elif member.value is not None:
                self._use(member.value)
        self._scope = outer


def _after(span: Span) -> tuple[int, int]:
    """Past a statement: at its very end it is still being typed."""
    return span.end_line, span.end_column + 1
