"""Goes through a JavaScript text and puts a test before each statement, and notes around functions and waiting.

Nothing is taken away or moved, and no line is added: positions stay true, and what is no statement keeps its meaning.
Bodies of `with` are left alone, since names in them may be anybody's. Knows no engine, and nothing of who listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from llmspell.engines.javascript.instrumentation import evaluators, marks, names
from llmspell.engines.javascript.instrumentation.insertions import Insertions, units_of
from llmspell.engines.javascript.instrumentation.layout import Tables
from llmspell.engines.javascript.instrumentation.ledger import Around, Ledger, Scope

if TYPE_CHECKING:
    from tree_sitter import Node

#: Statements without a test of their own. A `while` has one in its condition, so that each round meets it.
_UNTESTED: Final = names.HOISTED | {"empty_statement", "statement_block", "while_statement"}

#: Steps of `Ledger.cost`, a quarter of a second, after which evaluators see by name: 500 functions beside each other.
_MOST: Final = 125_000_000


class Unreadable(Exception):
    """The parser does not understand a text, which the engine may. line: of the first place, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not understood")
        self.line = line


def rewritten(source: str, *, named: bool = False) -> tuple[str, Tables]:
    """The text and its tables. named: evaluators see by name, whatever its size. Raises Unreadable."""
    import tree_sitter  # 15 ms with the grammar
    import tree_sitter_javascript

    text = source.encode("utf-8", "surrogatepass")
    language = tree_sitter.Language(tree_sitter_javascript.language())
    root = tree_sitter.Parser(language).parse(text).root_node
    if root.has_error:
        raise Unreadable(_first_error(root))
    # Functions beside each other see each other's names, which alone costs as much: no need to go through it for that.
    named = named or sum(child.type == "function_declaration" for child in root.children) ** 3 > _MOST
    rewriting = _Rewriting(text, named=named)
    rewriting.go_through(root)
    if not named and rewriting.cost() > _MOST:
        rewriting = _Rewriting(text, named=True)
        rewriting.go_through(root)
    return rewriting.result()


def _first_error(root: Node) -> int:
    """The line at which the parser lost its way."""
    node = root
    while not (node.is_error or node.is_missing):
        inside = next((child for child in node.children if child.has_error), None)
        if inside is None:
            break
        node = inside
    return node.start_point.row + 1


class _Rewriting:
    def __init__(self, text: bytes, *, named: bool) -> None:
        self._text = text
        self._named = named
        self._insertions = Insertions()
        self._ledger = Ledger()
        self._ends: dict[int, int] = {}
        self._waiting: list[tuple[Node, Around]] = []  # no recursion: sources nest deeper than Python does
        self._visits: Mapping[str, Callable[[Node, Around], None]] = {
            "statement_block": self._block,
            "variable_declaration": self._variables,
            "if_statement": self._if,
            "else_clause": self._else,
            "for_statement": self._for,
            "for_in_statement": self._for_in,
            "while_statement": self._while,
            "do_statement": self._while,
            "switch_body": self._switch,
            "try_statement": self._try,
            "throw_statement": self._throw,
            "with_statement": self._with,
            "class_body": self._class,
            "call_expression": self._call,
            "await_expression": self._await,
            "yield_expression": self._yield,
        } | dict.fromkeys(names.FUNCTIONS, self._function)

    def go_through(self, root: Node) -> None:
        self._body(root, self._ledger.function("main chunk", None, waits=True, yields=False))
        while self._waiting:
            node, around = self._waiting.pop()
            visit = self._visits.get(node.type)
            if visit is None:
                self._go_into(node.children, around)
            else:
                visit(node, around)

    def cost(self) -> int:
        return self._ledger.cost()

    def result(self) -> tuple[str, Tables]:
        text, inserted = self._insertions.applied(self._text)
        return text, self._ledger.tables(inserted, named=self._named)

    def _go_into(self, nodes: list[Node], around: Around) -> None:
        self._waiting += [(node, around) for node in reversed(nodes)]

    def _mark(self, node: Node, around: Around, write: Callable[[int, int | None], str] = marks.test) -> str:
        """The test of a statement."""
        before = self._text[node.start_byte - node.start_point.column : node.start_byte]
        column = units_of(before.decode("utf-8", "surrogatepass")) + 1
        place = self._ledger.place(node.start_point.row + 1, column, around)
        return write(place, around.scope.index if around.scope.lazy else None)

    def _end(self, node: Node) -> int:
        """Where its last token ends: a comment before a line break that ends a statement is taken for a part of it."""
        path: list[int] = []
        while node.id not in self._ends:
            path.append(node.id)
            children = [one for one in node.children if one.type != "comment" and one.end_byte > one.start_byte]
            if not children:
                self._ends[node.id] = node.end_byte
            else:
                node = children[-1]
        end = self._ends[node.id]
        self._ends.update(dict.fromkeys(path, end))
        return end

    # -- lists of statements -------------------------------------------------------------------------------------

    def _body(self, block: Node, around: Around) -> None:
        """The statements of a function or of the whole text, in a frame of their own."""
        statements = names.statements(block)
        while statements and names.is_directive(statements[0]):
            del statements[0]
        if not statements:
            return
        function = around.function
        function.hoisted = [names.own(one) for one in statements if one.type in names.HOISTED]
        around.scope.names.update(names.of_block(statements))
        self._enclose(
            (statements[0].start_byte, lambda: self._enter(around, guarded=function.guarded)),
            (self._end(statements[-1]), lambda: marks.leave(guarded=function.guarded)),
        )
        self._list(statements, around)

    def _enclose(
        self, opening: tuple[int, str | Callable[[], str]], closing: tuple[int, str | Callable[[], str]]
    ) -> None:
        self._insertions.before(*opening)
        self._insertions.after(*closing)

    def _block(self, block: Node, around: Around, opening: str = "", head: dict[str, bool] | None = None) -> None:
        """Statements in braces. head: what is declared for them before the brace."""
        statements = names.statements(block)
        around.function.variables.update(names.own(one) for one in statements if one.type in names.HOISTED)
        inner = self._inner(around, block, (head or {}) | names.of_block(statements))
        opening += self._seen(around, inner)
        if opening:
            self._insertions.before(block.start_byte + 1, opening)
        self._list(statements, inner)

    def _inner(self, around: Around, block: Node, found: dict[str, bool]) -> Around:
        lazy = bool(found) and not self._named and names.keeps_to_itself(block)
        return self._ledger.inner(around, found, lazy=lazy)

    def _seen(self, around: Around, inner: Around) -> str:
        """What a block begins with."""
        scope = inner.scope
        return "" if scope is around.scope or scope.lazy else marks.scope(scope.index, self._evaluator(inner, scope))

    def _enter(self, around: Around, *, guarded: bool) -> str:
        function = around.function
        evaluator = self._evaluator(around, around.own)
        return marks.enter(function.index, function.first, function.scopes, evaluator, guarded=guarded)

    def _evaluator(self, around: Around, scope: Scope) -> str:
        """What sees a scope; its names are known by the time it is written."""
        if not self._named:
            return evaluators.WHOLE
        function = around.function
        found, outer = self._ledger.near(scope)
        return evaluators.by_name(
            found,
            scopes=function.scopes if scope.own else (),
            private=function.private,
            arguments=function.arguments,
            outer=outer,
        )

    def _list(self, statements: list[Node], around: Around) -> None:
        tested = [(one, self._test(one, around)) for one in statements]
        exports = marks.LINKAGE[0]
        self._waiting += [pair for pair in reversed(tested) if not self._text.startswith(exports, pair[0].start_byte)]

    def _test(self, statement: Node, around: Around) -> Around:
        """Puts its test before a statement; gives what its parts stand in."""
        if statement.type in _UNTESTED or self._text.startswith(marks.LINKAGE, statement.start_byte):
            return around
        self._insertions.before(statement.start_byte, self._mark(statement, around))
        if statement.type == "debugger_statement":
            self._insertions.before(statement.start_byte, marks.STOP)
        return around._replace(place=self._ledger.last)

    def _single(
        self, body: Node | None, around: Around, opening: str = "", head: dict[str, bool] | None = None
    ) -> None:
        """What stands where one statement may."""
        if body is None:
            return
        if body.type == "statement_block":
            self._block(body, around, opening, head)
            return
        inner = self._inner(around, body, head or {})
        opening += self._seen(around, inner)
        self._enclose((body.start_byte, "{" + opening), (self._end(body), "}"))
        if body.type == "empty_statement":
            self._insertions.before(body.start_byte, self._mark(body, inner))
        self._list([body], inner)

    # -- statements ----------------------------------------------------------------------------------------------

    def _variables(self, node: Node, around: Around) -> None:
        self._var(names.declared(node), around)
        self._go_into(node.children, around)

    def _var(self, found: list[str], around: Around) -> None:
        around.own.declare(found)
        around.function.variables.update(found)

    def _if(self, node: Node, around: Around) -> None:
        self._rest(node, around, "consequence")
        self._single(node.child_by_field_name("consequence"), around)

    def _else(self, node: Node, around: Around) -> None:
        for child in node.named_children:
            if child.type != "comment":
                self._single(child, around)

    def _for(self, node: Node, around: Around) -> None:
        first = node.child_by_field_name("initializer")
        self._rest(node, around, "body")
        turn = node.child_by_field_name("increment") or node.child_by_field_name("condition")
        if turn is not None and turn.type != "empty_statement":
            self._insertions.before(turn.start_byte, self._mark(node, around, marks.inline_test))
        head = names.of_block([first]) if first is not None else {}
        self._single(node.child_by_field_name("body"), around, head=head)

    def _for_in(self, node: Node, around: Around) -> None:
        kind, left = names.text(node.child_by_field_name("kind")), node.child_by_field_name("left")
        found = list(names.bound(left)) if kind else []
        if kind == "var":
            self._var(found, around)
        self._rest(node, around, "body")
        waits = any(child.type == "await" for child in node.children)
        if waits:
            self._insertions.after(self._end(node), marks.RESUMED)
        head = dict.fromkeys(found, kind == "const") if kind != "var" else {}
        body = node.child_by_field_name("body")
        self._single(body, around, marks.RESUMED if waits else "", head)
        if body is not None:  # each round comes back to the head
            inside = self._end(body) - (body.type == "statement_block")
            self._insertions.after(inside, ";" + self._mark(node, around))

    def _while(self, node: Node, around: Around) -> None:
        """A `do` too: its test is met after each round."""
        condition = node.child_by_field_name("condition")
        if condition is not None:
            test = self._mark(condition if node.type == "do_statement" else node, around, marks.inline_test)
            self._insertions.before(condition.start_byte + 1, test)
            around = around._replace(place=self._ledger.last)
        self._rest(node, around, "body")
        self._single(node.child_by_field_name("body"), around)

    def _switch(self, node: Node, around: Around) -> None:
        cases = [(case, case.children_by_field_name("body")) for case in node.named_children]
        cases = [(case, [one for one in body if one.is_named and one.type != "comment"]) for case, body in cases]
        inner = self._ledger.inner(around, names.of_block([one for _, body in cases for one in body]))
        for case, body in cases:
            around.function.variables.update(names.own(one) for one in body if one.type in names.HOISTED)
            if body:
                self._insertions.before(body[0].start_byte, self._seen(around, inner))
            self._list(body, inner)
            self._go_into([value for value in [case.child_by_field_name("value")] if value is not None], around)

    def _try(self, node: Node, around: Around) -> None:
        body, handler = node.child_by_field_name("body"), node.child_by_field_name("handler")
        finalizer = node.child_by_field_name("finalizer")
        parameter = handler.child_by_field_name("parameter") if handler is not None else None
        if body is not None:
            if (handler is None or (parameter is not None and parameter.type != "identifier")) and names.statements(
                body
            ):
                # What fails is told before `finally` runs, and where `catch` gives it no name.
                self._enclose((body.start_byte + 1, "try{"), (self._end(body) - 1, marks.TELLS))
            self._block(body, around._replace(caught=True) if handler is not None else around)
        if handler is not None:
            self._catch(handler, around)
        for block in finalizer.named_children if finalizer is not None else []:
            if block.type == "statement_block":
                self._block(block, around, marks.RESUMED)

    def _catch(self, node: Node, around: Around) -> None:
        parameter, body = node.child_by_field_name("parameter"), node.child_by_field_name("body")
        if body is None:
            return
        told = marks.RESUMED
        if parameter is None:
            self._insertions.before(body.start_byte, f"({marks.ERROR})")
            told = f"{marks.THROWN}{marks.ERROR});"
        elif parameter.type == "identifier":
            told = f"{marks.THROWN}{names.text(parameter)});"
        else:
            self._go_into([parameter], around)
        self._block(body, around, told, dict.fromkeys(names.bound(parameter), False))

    def _throw(self, node: Node, around: Around) -> None:
        values = [child for child in node.named_children if child.type != "comment"]
        if values:
            self._enclose((values[0].start_byte, marks.THROWN), (self._end(values[0]), ")"))
        self._go_into(values, around)

    def _with(self, node: Node, around: Around) -> None:
        self._rest(node, around, "body")

    def _rest(self, node: Node, around: Around, *but: str) -> None:
        """All children of a node but the ones that have these names."""
        taken = [node.child_by_field_name(name) for name in but]
        self._go_into([child for child in node.children if child not in taken], around)

    def _class(self, node: Node, around: Around) -> None:
        self._go_into(node.children, around._replace(private=around.private + names.private(node)))

    # -- functions and what waits --------------------------------------------------------------------------------

    def _function(self, node: Node, around: Around) -> None:
        body = node.child_by_field_name("body")
        self._rest(node, around, "body")
        if body is None:
            return
        inner = self._ledger.function(
            names.of_function(node),
            around,
            waits=names.is_async(node),
            yields=names.is_generator(node),
            arguments=node.type not in names.WITHOUT_ARGUMENTS,
        )
        inner.own.declare(names.parameters(node))
        inner.function.variables.update(inner.own.names)
        if node.type == "function_expression":
            inner.own.declare([name for name in [names.own(node)] if name])
        if body.type == "statement_block":
            self._body(body, inner)
        else:
            self._expression_body(body, inner)

    def _expression_body(self, body: Node, around: Around) -> None:
        """Of an arrow function: becomes a block."""
        test = self._mark(body, around)
        self._enclose(
            (body.start_byte, lambda: f"{{{self._enter(around, guarded=True)}{test}return "),
            (self._end(body), f"{marks.leave(guarded=True)}}}"),
        )
        self._go_into([body], around._replace(place=self._ledger.last))

    def _await(self, node: Node, around: Around) -> None:
        self._around_waiting(node, around, marks.AWAITS, wanted=around.function.waits)

    def _call(self, node: Node, around: Around) -> None:
        """Of `name?.()` in a `try` inside of `with`, which holds a module's imports, the engine makes a mess."""
        called = node.child_by_field_name("function")
        if (
            called is not None
            and called.type == "identifier"
            and node.child_by_field_name("optional_chain") is not None
        ):
            self._enclose((called.start_byte, "(0,"), (called.end_byte, ")"))
        if around.place >= 0 and names.takes_failures(node):
            self._ledger.takes_failures(around.place)
        self._go_into(node.children, around)

    def _yield(self, node: Node, around: Around) -> None:
        self._around_waiting(node, around, marks.YIELDS, wanted=around.function.yields)

    def _around_waiting(self, node: Node, around: Around, calls: tuple[str, str], *, wanted: bool) -> None:
        """wanted: false where the word is only a name."""
        values = [child for child in node.named_children if child.type != "comment"]
        if wanted:
            self._enclose((node.start_byte, calls[0]), (self._end(node), ")"))
            if values:
                self._enclose((values[0].start_byte, f"{calls[1]},"), (self._end(values[0]), ")"))
            else:
                self._insertions.after(self._end(node), f" {calls[1]})")
        self._go_into(values, around)
