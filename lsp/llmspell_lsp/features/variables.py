"""Where a workflow's variable is: the steps' texts that give it, each `{{name}}`, and what functions read of it.

Functions read it from the context they are given (`context.plan`, `context:get("plan")`), and from a detailed run's
`outputs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.features.contexts import flow_around, flow_of, flow_read, is_context
from llmspell_lsp.features.references import givers
from llmspell_lsp.features.spots import spots
from llmspell_lsp.features.subjects import Var
from llmspell_lsp.syntax.lookup import path_to
from llmspell_lsp.syntax.nodes import Assign, Call, Member, Span, Table, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.steps import Flow, Step, Use
    from llmspell_lsp.syntax.chunks import Placed

#: (span, access, declares), as an `Occurrence` has them.
VariablePlace = tuple[Span, Literal["read", "write", "text"], bool]


def places(infer: Inference, about: Var) -> Iterator[VariablePlace]:
    """Every place of a variable."""
    for step in about.steps:
        for key in ("name", "output"):
            text = step.text(key)
            if text is not None and text.value == about.name:
                yield absolute(step.site.placed.start, text.content), "write", True
    for use in uses(about):
        yield use.name_span, "read", False
    for place, node in reads(infer, about):
        above = path_to(place.chunk, node)[-2]
        write = isinstance(above, Assign) and any(each is node for each in above.targets)
        yield absolute(place.start, node.name_span), "write" if write else "read", False
    for place, text, sets in asked(infer, about):
        yield absolute(place.start, text.content), "write" if sets else "read", False
    for place, span in inputs(infer, about):
        yield absolute(place.start, span), "write", True


def uses(about: Var) -> Iterator[Use]:
    """The references that mean the variable."""
    for use in about.flow.uses:
        if use.reference is None or use.reference.name != about.name:
            continue
        found = givers(use)
        if any(each in about.steps for each in found) or (not found and not about.steps):
            yield use


def numbered(flow: Flow, step: Step) -> Iterator[Use]:
    """The references that mean a step by its number."""
    for use in flow.uses:
        found = givers(use)
        if found and found[0] is step and use.reference is not None and use.reference.name not in step.gives:
            yield use


def reads(infer: Inference, about: Var) -> Iterator[tuple[Placed, Member]]:
    """Members that read it: of the context a function of the workflow is given, of a detailed run's outputs."""
    for place, node in spots(infer, about.name):
        if isinstance(node, Member) and flow_read(infer, place, node.object) is about.flow:
            yield place, node


def asked(infer: Inference, about: Var) -> Iterator[tuple[Placed, Text, bool]]:
    """The texts of `context:get("name")` and `set`, and whether it is set."""
    for place, node in spots(infer, "get", "set"):
        call = path_to(place.chunk, node)[-2]
        if isinstance(node, Member) and isinstance(call, Call) and call.callee is node and call.arguments:
            text = call.arguments[0]
            if (
                isinstance(text, Text)
                and text.value == about.name
                and is_context(infer.type_of(place, node.object))
                and flow_around(infer, place, node) is about.flow
            ):
                yield place, text, node.name == "set"


def inputs(infer: Inference, about: Var) -> Iterator[tuple[Placed, Span]]:
    """The keys of the tables that the workflow is run with, for a name of its input."""
    if about.steps:
        return
    for place, node in spots(infer, "run", "run_detailed", "runDetailed", "stream"):
        if not isinstance(node, Member):
            continue
        call = path_to(place.chunk, node)[-2]
        if not isinstance(call, Call) or call.callee is not node or not call.arguments:
            continue
        given = call.arguments[0]
        entries = given.entries if isinstance(given, Table) else []
        found = [each for each in entries if each.key == about.name and each.value.span != each.key_span]
        if found and flow_of(infer, place, node.object) is about.flow:
            for entry in found:
                if entry.key_span is not None:
                    yield place, entry.key_span
