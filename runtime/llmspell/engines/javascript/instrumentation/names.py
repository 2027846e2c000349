"""Which names a declaration, a pattern or a function introduces. Knows no text but the node's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from llmspell.engines.javascript.instrumentation.marks import HIDDEN

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "function_expression",
        "generator_function_declaration",
        "generator_function",
        "arrow_function",
        "method_definition",
        "class_static_block",
    }
)
#: Of those, the ones that have no `arguments` of their own.
WITHOUT_ARGUMENTS: Final = frozenset({"arrow_function", "class_static_block"})
GENERATORS: Final = frozenset({"generator_function_declaration", "generator_function"})
HOISTED: Final = frozenset({"function_declaration", "generator_function_declaration"})
#: What calls something, may do so or may fail.
_LEAVING: Final = frozenset(
    {
        *("call_expression", "new_expression", "await_expression", "yield_expression", "member_expression"),
        *("subscript_expression", "throw_statement", "for_in_statement", "spread_element", "array_pattern"),
        *("object_pattern", "template_substitution", "class_declaration", "class", "with_statement"),
    }
)


_TAKING: Final = frozenset({"catch", "settle", "allSettled"})


def text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode("utf-8", "surrogatepass")


def own(node: Node) -> str:
    return text(node.child_by_field_name("name"))


def statements(block: Node) -> list[Node]:
    return [child for child in block.named_children if child.type not in ("comment", "hash_bang_line", "html_comment")]


def is_directive(statement: Node) -> bool:
    return statement.type == "expression_statement" and statement.named_children[0].type == "string"


def of_block(statements: list[Node]) -> dict[str, bool]:
    """What these declare in their own block, and whether it is constant."""
    found: dict[str, bool] = {}
    for one in statements:
        if one.type == "lexical_declaration":
            found.update(dict.fromkeys(declared(one), is_constant(one)))
        elif one.type == "class_declaration" or one.type in HOISTED:
            found[own(one)] = False
    return {name: constant for name, constant in found.items() if not name.startswith(HIDDEN)}


def bound(pattern: Node | None) -> Iterator[str]:
    """The names in a pattern; its defaults and computed keys are passed over."""
    waiting = [pattern] if pattern is not None else []
    while waiting:
        node = waiting.pop()
        match node.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                yield text(node)
            case "pair_pattern":
                waiting += [child for child in [node.child_by_field_name("value")] if child is not None]
            case "object_assignment_pattern" | "assignment_pattern":
                waiting += [child for child in [node.child_by_field_name("left")] if child is not None]
            case "member_expression" | "subscript_expression":
                pass  # a place that exists already
            case _:
                waiting += reversed(node.named_children)


def declared(declaration: Node) -> list[str]:
    """The names of a `let`, `const` or `var`."""
    declarators = [child for child in declaration.children if child.type == "variable_declarator"]
    return [name for one in declarators for name in bound(one.child_by_field_name("name"))]


def is_constant(declaration: Node) -> bool:
    return text(declaration.child_by_field_name("kind")) == "const"


def parameters(function: Node) -> list[str]:
    one = function.child_by_field_name("parameter")
    return list(bound(one if one is not None else function.child_by_field_name("parameters")))


def keeps_to_itself(node: Node) -> bool:
    """Whether nothing in it calls, waits or fails: arithmetic and the like."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.type in _LEAVING:
            return False
        waiting += node.children
    return True


def private(body: Node) -> tuple[str, ...]:
    """The private names, `#x`, of the fields and accessors of a class; a method is no part of what it holds."""
    found: list[str] = []
    for member in body.named_children:
        name = member.child_by_field_name("property" if member.type == "field_definition" else "name")
        is_held = member.type == "field_definition" or any(child.type == "get" for child in member.children)
        if name is not None and name.type == "private_property_identifier" and is_held:
            found.append(text(name))
    return tuple(found)


def takes_failures(call: Node) -> bool:
    """Whether a call handles the failure of a promise: `.catch(…)`, `.then(…, …)`, and what gives all outcomes."""
    called, given = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    method = text(called.child_by_field_name("property")) if called is not None else ""
    return method in _TAKING or (method == "then" and given is not None and len(given.named_children) > 1)


def of_function(function: Node) -> str:
    """What a person calls it: its own name, the method's with its class, or what it is assigned to."""
    own = text(function.child_by_field_name("name"))
    if function.type == "method_definition":
        around = function.parent.parent if function.parent is not None else None
        holder = text(around.child_by_field_name("name")) if around is not None and around.type != "pair" else ""
        return f"{holder}.{own}" if holder else own
    if function.type == "class_static_block":
        return "static block"
    return own or _assigned(function)


def _assigned(function: Node) -> str:
    parent = function.parent
    match parent.type if parent is not None else "":
        case "variable_declarator":
            key = "name"
        case "assignment_expression":
            key = "left"
        case "pair":
            key = "key"
        case "field_definition":
            key = "property"
        case _:
            return ""
    name = text(parent.child_by_field_name(key)) if parent is not None else ""
    return name if name.replace(".", "").replace("$", "_").isidentifier() else ""


def is_async(function: Node) -> bool:
    for child in function.children:
        if child.type in ("formal_parameters", "statement_block", "=>"):
            break
        if child.type == "async":
            return True
    return False


def is_generator(function: Node) -> bool:
    return function.type in GENERATORS or (
        function.type == "method_definition" and any(child.type == "*" for child in function.children[:4])
    )
