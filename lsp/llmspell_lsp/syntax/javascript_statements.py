"""tree-sitter's JavaScript statements lowered to `nodes`, ES modules included. Knows nothing of llmspell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmspell_lsp.syntax.javascript import JavaScriptExpressions
from llmspell_lsp.syntax.nodes import (
    Assign,
    Block,
    Branch,
    DeclarationKind,
    Declare,
    Evaluate,
    Export,
    Expression,
    Import,
    Operation,
    Return,
    Span,
    Statement,
    Target,
    Text,
)

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

_KINDS: Final[dict[str, DeclarationKind]] = {"const": "const", "let": "let", "var": "var", "using": "const"}


class JavaScriptLowering(JavaScriptExpressions):
    def _prepare(self) -> None:
        super()._prepare()
        self.statements = {
            "expression_statement": self._expression_statement,
            "lexical_declaration": self._declarations,
            "variable_declaration": self._declarations,
            "using_declaration": self._declarations,
            "function_declaration": self._function_declaration,
            "generator_function_declaration": self._function_declaration,
            "class_declaration": self._class_declaration,
            "import_statement": self._import,
            "export_statement": self._export,
            "return_statement": self._return,
            "throw_statement": self._return,
            "if_statement": self._if,
            "for_statement": self._for,
            "for_in_statement": self._for_in,
            "while_statement": self._while,
            "do_statement": self._while,
            "with_statement": self._while,
            "try_statement": self._try,
            "switch_statement": self._switch,
            "labeled_statement": self._labeled,
            "statement_block": self._block_statement,
            "break_statement": _nothing,
            "continue_statement": _nothing,
            "debugger_statement": _nothing,
            "empty_statement": _nothing,
            "comment": _nothing,
            "hash_bang_line": _nothing,
        }

    def _expression_statement(self, node: Syntax) -> list[Statement]:
        span = self.span(node)
        parts = self.solid(node)
        if not parts:
            return []
        only = parts[0]
        if only.type in {"assignment_expression", "augmented_assignment_expression"}:
            sides = self.solid(only)
            if len(sides) > 2:
                operator = self.of(sides[1])
                target, value = self.expression(sides[0]), self.expression(sides[-1])
                return [Assign(span, [target], [value], "" if operator == "=" else operator, self.doc(span.line))]
        return [Evaluate(span, self.expression(only))]

    # Declarations

    def _declarations(self, node: Syntax) -> list[Statement]:
        kind: DeclarationKind = "let"
        found: list[Statement] = []
        doc = self.doc(self.span(node).line)
        for child in node.children:
            if child.type == "variable_declarator":
                parts = self.solid(child)
                span = self.span(child if found else node)
                values = [self.expression(parts[-1])] if len(parts) > 2 else []
                targets = self.targets(parts[0]) if parts else []
                found.append(Declare(span, kind, targets, values, doc))
            elif child.type in _KINDS:
                kind = _KINDS[child.type]
        return found

    def _function_declaration(self, node: Syntax) -> list[Statement]:
        function = self.function(node)
        function.doc = self.doc(function.span.line)
        place = function.name_span or function.span
        return [Declare(function.span, "function", [Target(place, function.name)], [function], function.doc)]

    def _class_declaration(self, node: Syntax) -> list[Statement]:
        made = self.klass(node)
        return [Declare(made.span, "class", [Target(made.name_span or made.span, made.name)], [made], made.doc)]

    # Modules

    def _import(self, node: Syntax) -> list[Statement]:
        targets: list[Target] = []
        module: Text | None = None
        for child in node.children:
            if child.type == "import_clause":
                for part in child.children:
                    if part.type == "identifier":
                        targets.append(Target(self.span(part), self.of(part), ("default",)))
                    elif part.type == "namespace_import":
                        named = part.children[-1]
                        targets.append(Target(self.span(named), self.of(named)))
                    elif part.type == "named_imports":
                        targets += [self._specifier(one) for one in part.children if one.type == "import_specifier"]
            elif child.type == "string":
                module = self._module(child)
        span = self.span(node)
        if module is None:
            end = Span(span.end_line, span.end_column, span.end_line, span.end_column)
            module = Text(end, end, "", "", style="javascript")
        return [Import(span, module, targets)]

    def _specifier(self, node: Syntax) -> Target:
        parts = self.solid(node)
        name, _, _ = self.key(parts[0])
        bound = parts[-1]
        return Target(self.span(bound), self.of(bound), (name or "",))

    def _module(self, node: Syntax) -> Text | None:
        text = self.expression(node)
        return text if isinstance(text, Text) else None

    def _export(self, node: Syntax) -> list[Statement]:
        span = self.span(node)
        made = Export(span)
        default = False
        found: list[Statement] = [made]
        for child in node.children:
            kind = child.type
            if kind == "default":
                default = True
            elif kind == "export_clause":
                for one in child.children:
                    if one.type == "export_specifier":
                        parts = self.solid(one)
                        name, _, _ = self.key(parts[-1])
                        made.names.append((self.name(parts[0]), name or ""))
            elif kind == "string" and not default:
                made.module = self._module(child)
            elif kind in self.statements and kind != "comment":
                doc = self.doc(span.line)
                declared = [one for one in self.statements[kind](child) if isinstance(one, Declare)]
                for one in declared:
                    one.doc = one.doc or doc
                if default:
                    # `export default function f() {}` binds f as well.
                    made.default = declared[0].values[0] if declared else None
                if declared and declared[0].targets and declared[0].targets[0].name:
                    made.declaration = declared[0]
                    found += [Export(span, one) for one in declared[1:]]
            elif default and kind in self.expressions:
                made.default = self.expression(child)
        return found

    # Control flow

    def _return(self, node: Syntax) -> list[Statement]:
        values = [self.expression(child) for child in node.children if child.type in self.expressions]
        return [Return(self.span(node), values, "throw" if node.type == "throw_statement" else "return")]

    def _body(self, node: Syntax) -> Block:
        return Block(self.span(node), self.lower_all(node.children if node.type == "statement_block" else [node]))

    def _block_statement(self, node: Syntax) -> list[Statement]:
        return [self._body(node)]

    def _if(self, node: Syntax) -> list[Statement]:
        heads: list[Expression] = []
        bodies: list[Block] = []
        span = self.span(node)
        rest: Syntax | None = node
        while rest is not None:
            arm, rest = rest, None
            for child in self.solid(arm):
                kind = child.type
                if kind == "parenthesized_expression" and len(heads) == len(bodies):
                    heads.append(self.expression(child))
                elif kind == "else_clause":
                    for part in self.solid(child):
                        if part.type == "if_statement":
                            rest = part
                        elif part.is_named:
                            bodies.append(self._body(part))
                elif child.is_named:
                    bodies.append(self._body(child))
        return [Branch(span, "if", heads, bodies)]

    def _while(self, node: Syntax) -> list[Statement]:
        heads: list[Expression] = []
        bodies: list[Block] = []
        for child in self.solid(node):
            if child.type == "parenthesized_expression":
                heads.append(self.expression(child))
            elif child.is_named:
                bodies.append(self._body(child))
        return [Branch(self.span(node), node.type.removesuffix("_statement"), heads, bodies)]

    def _for(self, node: Syntax) -> list[Statement]:
        first: list[Statement] = []
        body = Block(self.span(node), [])
        for child in node.children:
            kind = child.type
            if kind in self.statements:
                if kind in {"lexical_declaration", "variable_declaration", "expression_statement"} and not first:
                    first += self.statements[kind](child)
                elif kind not in {"empty_statement", "comment"}:
                    body.statements += self._body(child).statements
            elif kind in self.expressions:
                first.append(Evaluate(self.span(child), self.expression(child)))
        body.statements[:0] = first
        return [Branch(body.span, "for", [], [body])]

    def _for_in(self, node: Syntax) -> list[Statement]:
        parts = self.solid(node)
        words = {part.type for part in parts if not part.is_named}
        left, right, inside = (node.child_by_field_name(name) for name in ("left", "right", "body"))
        if left is None or right is None:
            return [Evaluate(self.span(node), self.unknown(node))]
        value = self.expression(right)
        body = self._body(inside) if inside is not None else Block(self.span(node), [])
        body.span = self.span(node)
        if words & {"const", "let", "var"}:
            each = "in" if "in" in words else "await of" if "await" in words else "of"
            place = Span(*self.span(left)[:2], *self.span(right)[2:])
            body.statements.insert(0, Declare(place, "loop", self.targets(left), [value], each=each))
            return [Branch(body.span, "for", [], [body])]
        head = Operation(self.span(node), "in" if "in" in words else "of", [self.expression(left), value])
        return [Branch(body.span, "for", [head], [body])]

    def _try(self, node: Syntax) -> list[Statement]:
        bodies: list[Block] = []
        for child in node.children:
            kind = child.type
            if kind == "statement_block":
                bodies.append(self._body(child))
            elif kind in {"catch_clause", "finally_clause"}:
                caught = child.child_by_field_name("parameter")
                inside = child.child_by_field_name("body")
                body = self._body(inside) if inside is not None else Block(self.span(child), [])
                if caught is not None:
                    body.span = self.span(child)
                    body.statements.insert(0, Declare(self.span(caught), "catch", self.targets(caught), []))
                bodies.append(body)
        return [Branch(self.span(node), "try", [], bodies)]

    def _switch(self, node: Syntax) -> list[Statement]:
        heads: list[Expression] = []
        body = Block(self.span(node), [])
        for child in self.solid(node):
            if child.type == "parenthesized_expression":
                heads.append(self.expression(child))
            elif child.type == "switch_body":
                body.span = self.span(child)
                for case in self.solid(child):
                    body.statements += self.lower_all(case.children)
        return [Branch(self.span(node), "switch", heads, [body])]

    def _labeled(self, node: Syntax) -> list[Statement]:
        return self.lower_all([child for child in node.children if child.type != "statement_identifier"])


def _nothing(node: Syntax) -> list[Statement]:
    return []
