"""tree-sitter's Lua trees lowered to `nodes`. Knows Lua 5.4's grammar as tree-sitter names it, and no llmspell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.syntax.lowering import PLACEHOLDER, Lowering
from llmspell_lsp.syntax.nodes import (
    Assign,
    Block,
    Branch,
    Call,
    Declare,
    Entry,
    Evaluate,
    Expression,
    Function,
    Index,
    Member,
    Name,
    Operation,
    Parameter,
    Return,
    Span,
    Statement,
    Table,
    Target,
    Text,
    Unknown,
)
from llmspell_lsp.syntax.texts import lua_value
from llmspell_lsp.syntax.tokens import LUA_KEYWORDS

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

_ENDS = frozenset(["end", "until", "else", "elseif", "elseif_statement", "else_statement"])


class LuaLowering(Lowering):
    def _prepare(self) -> None:
        self.expressions = {
            "identifier": self.name,
            "vararg_expression": self.name,
            "nil": self.constant,
            "true": self.constant,
            "false": self.constant,
            "number": self.constant,
            "string": self._text,
            "dot_index_expression": self._member,
            "method_index_expression": self._member,
            "bracket_index_expression": self._index,
            "function_call": self._call,
            "parenthesized_expression": self._inner,
            "table_constructor": self._table,
            "binary_expression": self._operation,
            "unary_expression": self._operation,
            "function_definition": self._function,
        }
        self.statements = {
            "variable_declaration": self._local,
            "assignment_statement": self._assign,
            "function_declaration": self._named_function,
            "function_call": self._evaluate,
            "return_statement": self._return,
            "if_statement": self._if,
            "for_statement": self._for,
            "while_statement": self._loop,
            "repeat_statement": self._repeat,
            "do_statement": self._loop,
            "goto_statement": _nothing,
            "label_statement": _nothing,
            "break_statement": _nothing,
            "empty_statement": _nothing,
            "comment": _nothing,
            "hash_bang_line": _nothing,
        }

    def of(self, node: Syntax) -> str:
        text = self.text[node.start_byte : node.end_byte]
        if text == PLACEHOLDER:
            return ""
        if text in LUA_KEYWORDS:
            # After a dot the grammar takes `local` on the next line for a name.
            self.suspect = self.suspect or self.span(node)
        return text

    # Expressions

    def _text(self, node: Syntax) -> Text:
        children = node.children
        first, last = children[0], children[-1]
        closed = len(children) > 1 and last.type != "string_content"
        content = self.across(first, last) if closed else self.span(node)
        raw = self.text[first.end_byte : last.start_byte if closed else last.end_byte]
        long = first.type[0] == "["
        return Text(self.span(node), content, lua_value(raw, long=long), raw, style="long" if long else "lua")

    def _member(self, node: Syntax) -> Expression:
        children = _solid(node)
        if len(children) < 3:
            return self.unknown(node)
        named = children[2]
        method = children[1].type == ":"
        return Member(self.span(node), self.expression(children[0]), self.of(named), self.span(named), method)

    def _index(self, node: Syntax) -> Expression:
        children = _solid(node)
        if len(children) < 3:
            return self.unknown(node)
        target, key = self.expression(children[0]), self.expression(children[2])
        if isinstance(key, Text) and key.value is not None:
            return Member(self.span(node), target, key.value, key.content)
        return Index(self.span(node), target, key)

    def _call(self, node: Syntax) -> Expression:
        children = _solid(node)
        if len(children) < 2:
            return self.unknown(node)
        arguments = children[-1]
        commas: list[Span] = []
        values: list[Expression] = []
        for child in arguments.children:
            kind = child.type
            if kind == ",":
                commas.append(self.span(child))
            elif kind not in {"(", ")", "comment"}:
                values.append(self.expression(child))
        return Call(self.span(node), self.expression(children[0]), values, self.span(arguments), commas)

    def _inner(self, node: Syntax) -> Expression:
        for child in node.children:
            if child.type in self.expressions:
                return self.expression(child)
        return self.unknown(node)

    def _table(self, node: Syntax) -> Table:
        entries: list[Entry] = []
        for child in node.children:
            if child.type == "field":
                entries.append(self._entry(child))
            elif child.type == "ERROR":
                entries += self._lost_entries(child)
        return Table(self.span(node), entries, "table")

    def _entry(self, node: Syntax) -> Entry:
        children = _solid(node)
        span = self.span(node)
        first = children[0].type
        if first == "[" and len(children) > 1:
            key = self.expression(children[1])
            value = self.expression(children[-1]) if len(children) > 4 else self.missing(node)
            if isinstance(key, Text) and key.value is not None:
                return Entry(span, key.value, key.content, value)
            return Entry(span, None, None, value, computed=key)
        if len(children) > 1 and children[1].type == "=":
            named = children[0]
            value = self.expression(children[2]) if len(children) > 2 else self.missing(node)
            return Entry(span, self.of(named), self.span(named), value)
        return Entry(span, None, None, self.expression(children[0]))

    def _lost_entries(self, node: Syntax) -> list[Entry]:
        """What of a table's entries an error left: `a =` is an entry without a value, other expressions are values."""
        found: list[Entry] = []
        children = _solid(node)
        for index, child in enumerate(children):
            if child.type == "field":
                found.append(self._entry(child))
            elif child.type in self.expressions:
                span = self.span(child)
                if child.type == "identifier" and index + 1 < len(children) and children[index + 1].type == "=":
                    found.append(Entry(span, self.of(child), span, self.missing(children[index + 1])))
                else:
                    found.append(Entry(span, None, None, self.expression(child)))
        return found

    def _operation(self, node: Syntax) -> Expression:
        operator = ""
        operands: list[Expression] = []
        for child in node.children:
            if child.is_named:
                if child.type != "comment":
                    operands.append(self.expression(child))
            else:
                operator = child.type
        return Operation(self.span(node), operator, operands)

    def _function(self, node: Syntax) -> Function:
        parameters: list[Parameter] = []
        body: Syntax | None = None
        opened = closed = node
        for child in node.children:
            kind = child.type
            if kind == "parameters":
                opened = child
                for one in child.children:
                    if one.type == "identifier" or one.type == "vararg_expression":
                        rest = one.type == "vararg_expression"
                        parameters.append(Parameter(self.span(one), self.of(one), rest=rest))
            elif kind == "block":
                body = child
            elif kind == "end":
                closed = child
        span = self.span(node)
        return Function(span, parameters, self.block(body, self._body_span(span, opened, closed, node)))

    def _body_span(self, span: Span, opened: Syntax, closed: Syntax, node: Syntax) -> Span:
        if opened is not node and closed is not node:
            return self.across(opened, closed)
        return span

    # Statements

    def _evaluate(self, node: Syntax) -> list[Statement]:
        return [Evaluate(self.span(node), self.expression(node))]

    def _local(self, node: Syntax) -> list[Statement]:
        span = self.span(node)
        targets: list[Target] = []
        values: list[Expression] = []
        for child in node.children:
            for part in child.children if child.type == "assignment_statement" else [child]:
                if part.type == "variable_list":
                    targets += self._targets(part)
                elif part.type == "expression_list":
                    values += self._values(part)
                elif part.type == "identifier":
                    targets.append(Target(self.span(part), self.of(part)))
        return [Declare(span, "local", targets, values, self.doc(span.line))]

    def _targets(self, node: Syntax) -> list[Target]:
        targets: list[Target] = []
        for child in node.children:
            if child.type == "identifier":
                targets.append(Target(self.span(child), self.of(child)))
            elif child.type == "attribute" and targets:
                targets[-1].attribute = self.of(child).strip("<> ")
        return targets

    def _values(self, node: Syntax) -> list[Expression]:
        return [self.expression(child) for child in node.children if child.type in self.expressions or child.is_error]

    def _assign(self, node: Syntax) -> list[Statement]:
        targets: list[Expression] = []
        values: list[Expression] = []
        for child in node.children:
            if child.type == "variable_list":
                targets = self._values(child)
            elif child.type == "expression_list":
                values = self._values(child)
        span = self.span(node)
        match targets, values:
            case [only], [Name(text="")]:
                # `a.b` half typed: the repair made an assignment of it.
                return [Evaluate(only.span, only)]
            case _:
                return [Assign(span, targets, values, doc=self.doc(span.line))]

    def _named_function(self, node: Syntax) -> list[Statement]:
        function = self._function(node)
        span = function.span
        function.doc = self.doc(span.line)
        local = False
        target: Expression = Unknown(span)
        for child in node.children:
            kind = child.type
            if kind == "local":
                local = True
            elif kind == "parameters":
                break
            elif kind in self.expressions:
                target = self.expression(child)
                function.name_span = target.span
                if isinstance(target, Member):
                    function.name_span, function.name, function.receiver = target.name_span, target.name, target.method
                elif isinstance(target, Name):
                    function.name = target.text
        if local and function.name_span is not None:
            bound = Target(function.name_span, function.name)
            return [Declare(span, "function", [bound], [function], function.doc)]
        return [Assign(span, [target], [function], doc=function.doc)]

    def _return(self, node: Syntax) -> list[Statement]:
        values: list[Expression] = []
        for child in node.children:
            if child.type == "expression_list":
                values = self._values(child)
            elif child.type in self.expressions:
                values = [self.expression(child)]
        return [Return(self.span(node), values)]

    def _if(self, node: Syntax) -> list[Statement]:
        heads: list[Expression] = []
        bodies: list[Block] = []
        self._arms(node, heads, bodies)
        return [Branch(self.span(node), "if", heads, bodies)]

    def _arms(self, node: Syntax, heads: list[Expression], bodies: list[Block]) -> None:
        opened: Syntax | None = None
        body: Syntax | None = None
        after = node.next_sibling
        for child in [*node.children, None]:
            kind = child.type if child is not None else "end"
            if kind in {"then", "else"}:
                opened = child
            elif kind == "block":
                body = child
            elif kind in _ENDS:
                if opened is not None:
                    until = child if child is not None else after
                    span = self.across(opened, until) if until is not None else self.span(body or opened)
                    bodies.append(self.block(body, span))
                    opened = body = None
                if child is not None and child.child_count:
                    self._arms(child, heads, bodies)
            elif child is not None and opened is None and kind in self.expressions:
                heads.append(self.expression(child))

    def _for(self, node: Syntax) -> list[Statement]:
        declared: list[Statement] = []
        for child in node.children:
            if child.type == "for_generic_clause":
                targets: list[Target] = []
                values: list[Expression] = []
                for part in child.children:
                    if part.type == "variable_list":
                        targets = self._targets(part)
                    elif part.type == "expression_list":
                        values = self._values(part)
                declared = [Declare(self.span(child), "loop", targets, values, each="in")]
            elif child.type == "for_numeric_clause":
                parts = [part for part in child.children if part.type in self.expressions]
                targets = [Target(self.span(part), self.of(part)) for part in parts[:1]]
                values = [self.expression(part) for part in parts[1:]]
                declared = [Declare(self.span(child), "loop", targets, values, each="numbers")]
        body = self._do_body(node)
        if declared:
            # The names of the loop belong to its body.
            body.span = Span(*declared[0].span[:2], *body.span[2:])
            body.statements[:0] = declared
        return [Branch(self.span(node), "for", [], [body])]

    def _loop(self, node: Syntax) -> list[Statement]:
        heads: list[Expression] = []
        for child in node.children:
            if child.type == "do":
                break
            if child.type in self.expressions:
                heads.append(self.expression(child))
        return [
            Branch(self.span(node), "while" if node.type == "while_statement" else "do", heads, [self._do_body(node)])
        ]

    def _do_body(self, node: Syntax) -> Block:
        opened = closed = node
        body: Syntax | None = None
        for child in node.children:
            kind = child.type
            if kind == "do":
                opened = child
            elif kind == "block":
                body = child
            elif kind == "end":
                closed = child
        return self.block(body, self._body_span(self.span(node), opened, closed, node))

    def _repeat(self, node: Syntax) -> list[Statement]:
        span = self.span(node)
        body = Block(span, [])
        for child in node.children:
            if child.type == "block":
                body.statements = self.lower_all(child.children)
            elif child.type in self.expressions:
                body.statements.append(Evaluate(self.span(child), self.expression(child)))
        return [Branch(span, "repeat", [], [body])]


def _nothing(node: Syntax) -> list[Statement]:
    return []


def _solid(node: Syntax) -> list[Syntax]:
    """Children without comments and what was not expected."""
    children = node.children
    for child in children:
        if child.type in {"comment", "ERROR"}:
            return [child for child in children if child.type not in {"comment", "ERROR"}]
    return children
