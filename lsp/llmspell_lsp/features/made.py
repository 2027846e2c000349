"""What made a value: the call that an expression's value came from, through variables and `await`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.syntax.nodes import Await, Call, Declare, Expression, Name

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed

#: Variables that are followed.
_LONGEST = 8


def made_by(infer: Inference, place: Placed, node: Expression) -> tuple[Placed, Call] | None:
    """The call that made what an expression holds, through variables and `await`."""
    for _ in range(_LONGEST):
        match node:
            case Call():
                return place, node
            case Await(value=value):
                node = value
            case Name():
                found = value_of(infer, place, node)
                if found is None:
                    return None
                place, node = found
            case _:
                return None
    return None


def value_of(infer: Inference, place: Placed, name: Name) -> tuple[Placed, Expression] | None:
    """The expression that a variable was declared with."""
    binding = infer.analysis.resolve(place, name)
    if binding is None or binding.former or not isinstance(binding.declaration, Declare):
        return None
    target, declared = binding.target, binding.declaration
    if target is None or target.path or declared.each:
        return None
    index = 0 if infer.language == "javascript" else binding.local.position
    return (binding.placed, declared.values[index]) if index < len(declared.values) else None
