"""tree-sitter's JavaScript expressions lowered to `nodes`. Statements are in `javascript_statements`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from llmspell_lsp.syntax.lowering import Lowering
from llmspell_lsp.syntax.nodes import (
    Await,
    Block,
    Call,
    Class,
    ClassMember,
    Entry,
    Expression,
    Function,
    Index,
    Member,
    Name,
    Operation,
    Parameter,
    Pattern,
    Span,
    Table,
    Target,
    Text,
    Unknown,
)
from llmspell_lsp.syntax.texts import javascript_value

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

_MARKS: Final = frozenset(["comment", "ERROR", ",", "(", ")", "{", "}", "[", "]", ";"])
_BODIES: Final = frozenset(["statement_block", "class_body"])


class JavaScriptExpressions(Lowering):
    def _prepare(self) -> None:
        self.expressions = {
            "identifier": self.name,
            "this": self.name,
            "super": self.name,
            "import": self.name,
            "shorthand_property_identifier": self.name,
            "shorthand_property_identifier_pattern": self.name,
            "number": self.constant,
            "true": self.constant,
            "false": self.constant,
            "null": self.constant,
            "undefined": self.constant,
            "regex": self.constant,
            "string": self._text,
            "template_string": self._template,
            "member_expression": self._member,
            "subscript_expression": self._index,
            "call_expression": self._call,
            "new_expression": self._call,
            "parenthesized_expression": self._inner,
            "object": self._object,
            "array": self._array,
            "object_pattern": self._object,
            "array_pattern": self._array,
            "function_expression": self.function,
            "generator_function": self.function,
            "arrow_function": self.function,
            "method_definition": self.function,
            "class": self.klass,
            "await_expression": self._await,
            "unary_expression": self._operation,
            "binary_expression": self._operation,
            "update_expression": self._operation,
            "ternary_expression": self._operation,
            "sequence_expression": self._operation,
            "yield_expression": self._operation,
            "assignment_expression": self._operation,
            "augmented_assignment_expression": self._operation,
            "assignment_pattern": self._operation,
            "object_assignment_pattern": self._operation,
        }

    def solid(self, node: Syntax) -> list[Syntax]:
        """Children without marks, comments and what was not expected."""
        return [child for child in node.children if child.type not in _MARKS]

    # Texts

    def _text(self, node: Syntax) -> Text:
        content, raw = self._content(node)
        return Text(self.span(node), content, javascript_value(raw), raw, style="javascript")

    def _template(self, node: Syntax) -> Text:
        content, raw = self._content(node)
        inserts: list[Expression] = []
        plain = True
        for child in node.children:
            if child.type == "template_substitution":
                plain = False
                inserts += [self.expression(part) for part in child.children if part.type in self.expressions]
        return Text(self.span(node), content, javascript_value(raw) if plain else None, raw, inserts, "template")

    def _content(self, node: Syntax) -> tuple[Span, str]:
        children = node.children
        first, last = children[0], children[-1]
        if len(children) > 1 and not last.is_named:
            return self.across(first, last), self.text[first.end_byte : last.start_byte]
        span = self.span(node)
        return span._replace(column=span.column + 1), self.text[first.end_byte : node.end_byte]

    # Members and calls

    def _member(self, node: Syntax) -> Expression:
        parts = self.solid(node)
        if len(parts) < 2 or parts[-1].type in {".", "optional_chain"}:
            return self.unknown(node)
        named = parts[-1]
        return Member(self.span(node), self.expression(parts[0]), self.of(named), self.span(named))

    def _index(self, node: Syntax) -> Expression:
        parts = self.solid(node)
        if len(parts) < 2:
            return self.unknown(node)
        target, key = self.expression(parts[0]), self.expression(parts[-1])
        if isinstance(key, Text) and key.value is not None:
            return Member(self.span(node), target, key.value, key.content)
        return Index(self.span(node), target, key)

    def _call(self, node: Syntax) -> Expression:
        constructs = node.type == "new_expression"
        span = self.span(node)
        callee: Expression | None = None
        values: list[Expression] = []
        commas: list[Span] = []
        place = Span(span.end_line, span.end_column, span.end_line, span.end_column)
        for child in node.children:
            kind = child.type
            if kind == "arguments":
                place = self.span(child)
                for part in child.children:
                    kind = part.type
                    if kind == ",":
                        commas.append(self.span(part))
                    elif kind == "spread_element":
                        values.append(self.unknown(part))
                    elif kind not in _MARKS:
                        values.append(self.expression(part))
            elif kind == "template_string" and callee is not None:
                place, values = self.span(child), [self.expression(child)]
            elif callee is None and kind in self.expressions:
                callee = self.expression(child)
        return Call(span, callee if callee is not None else Unknown(span), values, place, commas, constructs)

    def _inner(self, node: Syntax) -> Expression:
        parts = self.solid(node)
        return self.expression(parts[0]) if len(parts) == 1 else self.unknown(node)

    def _await(self, node: Syntax) -> Expression:
        parts = node.children
        return Await(self.span(node), self.expression(parts[-1]) if len(parts) > 1 else self.missing(node))

    def _operation(self, node: Syntax) -> Expression:
        operator = ""
        operands: list[Expression] = []
        for child in node.children:
            if child.type in self.expressions:
                operands.append(self.expression(child))
            elif not child.is_named:
                operator += child.type if child.type != "," else ""
        return Operation(self.span(node), operator or ",", operands)

    # Objects

    def _object(self, node: Syntax) -> Table:
        entries: list[Entry] = []
        for child in node.children:
            if child.type not in _MARKS:
                entries.append(self._entry(child))
            elif child.type == "ERROR":
                entries += [self._entry(part) for part in self.solid(child) if part.is_named]
        return Table(self.span(node), entries, "object")

    def _array(self, node: Syntax) -> Table:
        entries: list[Entry] = []
        for child in node.children:
            if child.type in {"spread_element", "rest_pattern"}:
                entries.append(self._entry(child))
            elif child.type not in _MARKS:
                value = self.expression(child)
                entries.append(Entry(value.span, None, None, value))
        return Table(self.span(node), entries, "array")

    def _entry(self, node: Syntax) -> Entry:
        kind, span = node.type, self.span(node)
        if kind in {"pair", "pair_pattern"}:
            parts = self.solid(node)
            value = self.expression(parts[-1]) if len(parts) > 2 else self.missing(node)
            return self._keyed(span, parts[0], value)
        if kind == "method_definition":
            function = self.function(node)
            accessor = node.children[0].type in {"get", "set"} and len(self.solid(node)) > 3
            named = node.child_by_field_name("name")
            value: Expression = Unknown(span, [function]) if accessor else function
            return self._keyed(span, named if named is not None else node, value)
        if kind in {"spread_element", "rest_pattern"}:
            parts = self.solid(node)
            return Entry(span, None, None, self.expression(parts[-1]), spread=True)
        value = self.expression(node)
        if isinstance(value, Name):
            return Entry(span, value.text, span, value)
        if kind == "object_assignment_pattern" and isinstance(value, Operation) and value.operands:
            first = value.operands[0]
            return Entry(span, first.text if isinstance(first, Name) else None, first.span, value)
        if kind in {"property_identifier", "string"}:
            return Entry(span, self.of(node), span, self.missing(node))
        return Entry(span, None, None, value)

    def _keyed(self, span: Span, key: Syntax, value: Expression) -> Entry:
        name, place, computed = self.key(key)
        return Entry(span, name, place, value, computed)

    def key(self, node: Syntax) -> tuple[str | None, Span, Expression | None]:
        """A property's name, its place, and its expression where it is computed."""
        kind = node.type
        if kind == "string":
            text = self._text(node)
            return text.value, text.content, None
        if kind == "computed_property_name":
            parts = self.solid(node)
            computed = self.expression(parts[0]) if parts else self.missing(node)
            if isinstance(computed, Text) and computed.value is not None:
                return computed.value, computed.content, None
            return None, computed.span, computed
        return self.of(node), self.span(node), None

    # Functions and classes

    def function(self, node: Syntax) -> Function:
        span = self.span(node)
        function = Function(span, [], Block(span, []))
        arrow = False
        for child in node.children:
            kind = child.type
            if kind == "formal_parameters":
                function.parameters = [self.parameter(part) for part in self.solid(child) if part.is_named]
            elif kind == "statement_block":
                function.body = self.block(child, self.span(child))
            elif kind == "=>":
                arrow = function.arrow = True
            elif kind == "async":
                function.is_async = True
            elif kind == "*":
                function.is_generator = True
            elif arrow and kind in self.expressions:
                function.arrow_value = self.expression(child)
                function.body.span = function.arrow_value.span
            elif kind == "identifier" and node.type == "arrow_function":
                function.parameters = [self.parameter(child)]
            elif kind in {"identifier", "property_identifier", "private_property_identifier", "string", "number"}:
                name, function.name_span, _ = self.key(child)
                function.name = name or ""
        if node.type == "method_definition":
            function.receiver = True
            function.doc = self.doc(span.line)
        return function

    def parameter(self, node: Syntax) -> Parameter:
        kind, span = node.type, self.span(node)
        parts = node.children
        if kind == "assignment_pattern" and len(parts) > 2:
            one = self.parameter(parts[0])
            return Parameter(span, one.name, one.pattern, self.expression(parts[-1]))
        if kind == "rest_pattern" and len(parts) > 1:
            one = self.parameter(parts[-1])
            return Parameter(span, one.name, one.pattern, rest=True)
        if kind in {"object_pattern", "array_pattern"}:
            return Parameter(span, "", Pattern(span, self.targets(node)))
        return Parameter(span, self.of(node) if kind == "identifier" else "")

    def targets(self, node: Syntax, path: tuple[str | int, ...] = ()) -> list[Target]:
        """The names that a pattern binds."""
        kind = node.type
        if kind in {"identifier", "shorthand_property_identifier_pattern"}:
            name = self.of(node)
            return [Target(self.span(node), name, (*path, name) if kind[0] == "s" else path)]
        found: list[Target] = []
        if kind == "object_pattern":
            for part in self.solid(node):
                parts = self.solid(part)
                if part.type == "pair_pattern" and len(parts) > 2:
                    name, _, _ = self.key(parts[0])
                    found += self.targets(parts[-1], (*path, name if name is not None else "?"))
                elif part.is_named:
                    found += self.targets(part, path)
        elif kind == "array_pattern":
            position = 0
            for part in node.children:
                if part.type == ",":
                    position += 1
                elif part.type not in _MARKS:
                    found += self.targets(part, (*path, position))
        elif kind in {"assignment_pattern", "object_assignment_pattern"}:
            parts = self.solid(node)
            found = self.targets(parts[0], path)
            if len(found) == 1 and len(parts) > 2:
                found[0].default = self.expression(parts[-1])
        elif kind == "rest_pattern" and node.child_count > 1:
            found = self.targets(node.children[-1], path)
            for target in found:
                target.rest = True
        return found

    def klass(self, node: Syntax) -> Class:
        span = self.span(node)
        made = Class(span, "", None, None, [], self.doc(span.line))
        for child in node.children:
            kind = child.type
            if kind == "identifier":
                made.name, made.name_span = self.of(child), self.span(child)
            elif kind == "class_heritage":
                parts = self.solid(child)
                made.base = self.expression(parts[-1]) if len(parts) > 1 else None
            elif kind == "class_body":
                made.members = [self._class_member(part) for part in self.solid(child) if part.is_named]
        return made

    def _class_member(self, node: Syntax) -> ClassMember:
        span = self.span(node)
        static = False
        accessor: Literal["", "get", "set"] = ""
        name, place = "", span
        value: Expression | None = None
        parts = self.solid(node)
        for number, part in enumerate(parts):
            kind = part.type
            if kind == "static":
                static = True
            elif kind == "get" or kind == "set":
                accessor = kind
            elif kind == "=" and number + 1 < len(parts):
                value = self.expression(parts[number + 1])
                break
            elif kind == "statement_block":
                # `static { … }` runs with the class as its `this`.
                value = Function(span, [], self.block(part, self.span(part)), receiver=True)
            elif not name and part.is_named and kind != "formal_parameters":
                known, place, computed = self.key(part)
                name, value = known or "", Unknown(span, [computed]) if computed is not None else None
        if node.type == "method_definition":
            value = self.function(node)
        elif node.type not in {"field_definition", "class_static_block"}:
            value = self.unknown(node)
        return ClassMember(span, name, place, value, static, accessor)
