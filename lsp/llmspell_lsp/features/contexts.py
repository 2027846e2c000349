"""The context that a workflow's functions are given, and the outputs of detailed runs: of which workflow they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.analysis.named import flows_in
from llmspell_lsp.analysis.types import ClassObject, Instance, Type, Value
from llmspell_lsp.features.made import made_by
from llmspell_lsp.syntax.lookup import path_to
from llmspell_lsp.syntax.nodes import Call, Expression, Member, Node

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.steps import Flow
    from llmspell_lsp.syntax.chunks import Placed

_RUNS = frozenset({"run_detailed", "runDetailed"})


def is_context(type_: Type) -> bool:
    """Whether a value is the context that a workflow's functions are given."""
    match type_:
        case Instance(of=ClassObject(name="WorkflowContext")):
            return True
        case Value(schema={"x-name": "WorkflowContext"}):
            return True
        case _:
            return False


def flow_read(infer: Inference, place: Placed, holder: Expression) -> Flow | None:
    """The workflow whose variables are the members of an expression."""
    if isinstance(holder, Member) and holder.name == "outputs":
        ran = made_by(infer, place, holder.object)
        callee = ran[1].callee if ran is not None else None
        if ran is not None and isinstance(callee, Member) and callee.name in _RUNS:
            return flow_of(infer, ran[0], callee.object)
        return None
    return flow_around(infer, place, holder) if is_context(infer.type_of(place, holder)) else None


def flow_around(infer: Inference, place: Placed, node: Node) -> Flow | None:
    """The innermost workflow that a node stands in."""
    flows = {each.call.node: each for each in flows_in(infer, place)}
    calls = [each for each in path_to(place.chunk, node) if isinstance(each, Call) and each in flows]
    return flows[calls[-1]] if calls else None


def flow_of(infer: Inference, place: Placed, node: Expression) -> Flow | None:
    """The workflow that an expression holds, where the document makes it."""
    made = made_by(infer, place, node)
    return next((each for each in flows_in(infer, made[0]) if each.call.node is made[1]), None) if made else None
