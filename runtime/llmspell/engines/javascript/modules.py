"""Import and export rewritten, in the host, into what prelude/loader.js carries out; QuickJS has no loader to offer.

A module becomes the body of an async function. Its first line gets two calls: `$module.provide({name: () => name})`,
whose getters keep exports live and work for functions before the body has run, and `await $module.link([…])`, which
loads what it imports. Every line stays where it was. Knows no file: who asks resolves specifiers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

#: Whether a text may have import or export at all: most spells do not, and need no parser (15 ms).
_SUSPECT = re.compile(r"^[ \t]*(?:import|export)\b|[;}*/][ \t]*(?:import|export)\b|\bimport\s*[(.]", re.MULTILINE)


class Prepared(NamedTuple):
    """source: the text to run. module: whether it had import or export statements, which makes it strict."""

    source: str
    module: bool


def prepare(source: str) -> Prepared:
    """The text of a spell or module as it runs. What does not parse is left for the engine to refuse, with its line."""
    if not _SUSPECT.search(source):
        return Prepared(source, False)
    return _Rewriter(source).rewrite()


@dataclass(slots=True)
class _Request:
    """One statement that names another module. Pairs as loader.js takes them."""

    line: int
    specifier: str
    imports: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    exports: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class _Rewriter:
    def __init__(self, source: str) -> None:
        import tree_sitter  # 4 ms, with the grammar 15 ms: only for modules
        import tree_sitter_javascript

        self._text = source.encode("utf-8", "surrogatepass")
        language = tree_sitter.Language(tree_sitter_javascript.language())
        self._root = tree_sitter.Parser(language).parse(self._text).root_node
        self._edits: list[tuple[int, int, str]] = []
        self._requests: list[_Request] = []
        self._provided: list[tuple[str, str]] = []

    def rewrite(self) -> Prepared:
        module = False
        for node in self._root.children:
            if node.type in ("import_statement", "export_statement"):
                module = True
                if not _is_broken(node):
                    (self._import if node.type == "import_statement" else self._export)(node)
            elif node.type == "hash_bang_line":
                self._edits.append((node.start_byte, node.start_byte, "//"))
        for node in _within(self._root):
            self._expression(node)
        return Prepared(self._prologue() + self._edited(), module)

    def _prologue(self) -> str:
        parts: list[str] = []
        if self._provided:
            getters = ", ".join(f"{json.dumps(name)}: () => {local}" for name, local in self._provided)
            parts.append(f"$module.provide({{{getters}}}); ")
        if self._requests:
            requests = [[each.line, each.specifier, each.imports, each.exports] for each in self._requests]
            parts.append(f"await $module.link({json.dumps(requests)}); ")
        return "".join(parts)

    def _edited(self) -> str:
        parts: list[bytes] = []
        at = 0
        for start, end, text in sorted(self._edits):
            parts += [self._text[at:start], text.encode(), b"\n" * self._text.count(b"\n", start, end)]
            at = end
        parts.append(self._text[at:])
        return b"".join(parts).decode("utf-8", "surrogatepass")

    # -- statements ----------------------------------------------------------------------------------------------

    def _import(self, node: Node) -> None:
        request = self._request(node)
        for clause in _of_type(node, "import_clause"):
            for part in clause.children:
                if part.type == "identifier":
                    request.imports.append((_text(part), "default"))
                elif part.type == "namespace_import":
                    request.imports.append((_text(part.children[-1]), "*"))
                elif part.type == "named_imports":
                    for each in _of_type(part, "import_specifier"):
                        name, alias = _name_and_alias(each)
                        request.imports.append((alias, name))
        self._edits.append((node.start_byte, node.end_byte, ";"))

    def _export(self, node: Node) -> None:
        declaration, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
        if value is not None:
            self._export_value(node, value)
        elif declaration is not None:
            name = declaration.child_by_field_name("name")
            is_default = any(child.type == "default" for child in node.children)
            self._provided += [
                ("default" if is_default else local, local)
                for local in ([_text(name)] if name is not None else _declared(declaration))
            ]
            self._edits.append((node.start_byte, declaration.start_byte, ""))
        elif node.child_by_field_name("source") is not None:
            self._reexport(node)
        else:
            for clause in _of_type(node, "export_clause"):
                for each in _of_type(clause, "export_specifier"):
                    local, exported = _name_and_alias(each)
                    self._provided.append((exported, local))
            self._edits.append((node.start_byte, node.end_byte, ";"))

    def _export_value(self, node: Node, value: Node) -> None:
        """`export default` of an expression; a function without a name becomes a declaration, so that it is there
        before the body runs, as the language has it."""
        self._provided.append(("default", "$default"))
        parameters = value.child_by_field_name("parameters")
        if value.type in ("function_expression", "generator_function") and parameters is not None:
            self._edits.append((node.start_byte, value.start_byte, ""))
            self._edits.append((parameters.start_byte, parameters.start_byte, " $default"))
        else:
            self._edits.append((node.start_byte, value.start_byte, "const $default = "))

    def _reexport(self, node: Node) -> None:
        request = self._request(node)
        for part in node.children:
            if part.type == "*":
                request.exports.append(("*", "*"))
            elif part.type == "namespace_export":
                request.exports.append((_name(part.children[-1]), "*"))
            elif part.type == "export_clause":
                for each in _of_type(part, "export_specifier"):
                    name, exported = _name_and_alias(each)
                    request.exports.append((exported, name))
        self._edits.append((node.start_byte, node.end_byte, ";"))

    def _request(self, node: Node) -> _Request:
        source = node.child_by_field_name("source")
        request = _Request(node.start_point.row + 1, _name(source) if source is not None else "")
        self._requests.append(request)
        return request

    # -- expressions ---------------------------------------------------------------------------------------------

    def _expression(self, node: Node) -> None:
        """`import(…)` and `import.meta`, wherever they are; and `name?.(…)`, of which the engine makes a mess in a try
        or a loop where names are looked up through `with`."""
        if node.type == "meta_property" and _text(node).startswith("import"):
            self._edits.append((node.start_byte, node.end_byte, "$module.meta"))
        elif node.type == "call_expression":
            function = node.child_by_field_name("function")
            if function is not None and function.type == "import":
                self._edits.append((function.start_byte, function.end_byte, "$module.import"))
            elif function is not None and function.type == "identifier" and node.child_by_field_name("optional_chain"):
                self._edits.append((function.start_byte, function.start_byte, "(0,"))
                self._edits.append((function.end_byte, function.end_byte, ")"))


def _within(root: Node) -> Iterator[Node]:
    """Every node, without recursion: sources nest deeper than Python does."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def _is_broken(statement: Node) -> bool:
    """Whether an import or export is itself misspelt; what it declares, the engine can refuse."""
    kept = (statement.child_by_field_name("declaration"), statement.child_by_field_name("value"))
    return any(each.has_error for each in statement.children if each not in kept)


def _of_type(node: Node, kind: str) -> list[Node]:
    return [child for child in node.children if child.type == kind]


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")


def _name(node: Node) -> str:
    """The name in an identifier or in a string literal."""
    text = _text(node)
    if node.type != "string":
        return text
    if "\\" not in text:
        return text[1:-1]
    quoted = text[1:-1].replace("\\'", "'")
    return str(json.loads('"' + re.sub(r'(?<!\\)"', r"\"", quoted) + '"'))


def _name_and_alias(node: Node) -> tuple[str, str]:
    """`a as b` as (a, b); `a` alone as (a, a)."""
    name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
    first = _name(name) if name is not None else ""
    return first, _name(alias) if alias is not None else first


def _declared(declaration: Node) -> list[str]:
    """The names that `const {a, b: [c]} = …` declares."""
    names: list[str] = []
    waiting = [each for declarator in _of_type(declaration, "variable_declarator") for each in _target(declarator)]
    while waiting:
        node = waiting.pop(0)
        match node.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                names.append(_text(node))
            case "pair_pattern":
                waiting += _field(node, "value")
            case "object_assignment_pattern" | "assignment_pattern":
                waiting += _field(node, "left")
            case _:
                waiting += node.named_children
    return names


def _target(declarator: Node) -> list[Node]:
    return _field(declarator, "name")


def _field(node: Node, name: str) -> list[Node]:
    child = node.child_by_field_name(name)
    return [child] if child is not None else []
