"""What stands around a node: the name its value is given, the class that `this` is of, a function's `return`s.

Knows one chunk's tree, no bindings and no types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.syntax.lookup import path_to
from llmspell_lsp.syntax.nodes import (
    Assign,
    Block,
    Branch,
    Class,
    ClassMember,
    Declare,
    Expression,
    Function,
    Member,
    Name,
    Node,
    Return,
)

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk


def named(chunk: Chunk, node: Expression) -> str | None:
    """The name that an expression's value is given where it stands: `local Name = node`, `M.Name = node`."""
    match path_to(chunk, node)[-2:-1]:
        case [Declare(targets=targets, values=values)] if node in values:
            at = values.index(node)
            return targets[at].name if at < len(targets) and not targets[at].path else None
        case [Assign(targets=targets, values=values)] if node in values:
            at = values.index(node)
            target = targets[at] if at < len(targets) else None
            return target.text if isinstance(target, Name) else target.name if isinstance(target, Member) else None
        case _:
            return None


def returns(function: Function) -> list[Return]:
    """The `return`s of a function, in the order of the file, without those of functions in it."""
    found: list[Return] = []
    rest: list[Node] = [function.body]
    while rest:
        node = rest.pop()
        match node:
            case Return(operator="return"):
                found.append(node)
            case Block():
                rest += reversed(node.statements)
            case Branch():
                rest += reversed(node.bodies)
            case _:
                pass
    return found


def enclosing_class(chunk: Chunk, node: Node) -> Class | None:
    """The class whose object `this` is at a node; None in a static member or a plain function."""
    path = path_to(chunk, node)
    for at in range(len(path) - 2, 0, -1):
        match path[at], path[at - 1]:
            case ClassMember(static=static), Class() as made:
                return None if static else made
            case Function(arrow=False), ClassMember():
                pass
            case Function(arrow=False), _:
                return None
            case _:
                pass
    return None
