"""Names taken out of something: `const { load } = M`, `{ load: mine }`, `import { load as mine }`, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.analysis.given import given_to
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import UNKNOWN, Type, settled
from llmspell_lsp.syntax.lookup import path_to
from llmspell_lsp.syntax.nodes import Declare, Function, Import, Node, Parameter, Span, Target

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed


def holder(infer: Inference, place: Placed, target: Target) -> Type:
    """What the last key of a pattern's path is a field of."""
    found = _taken_from(infer, place, path_to(place.chunk, target))
    for key in target.path[:-1]:
        member = infer.member(settled(found), key) if isinstance(key, str) else None
        found = UNKNOWN if member is None else member.type
    return settled(found)


def key_span(infer: Inference, place: Placed, target: Target) -> Span | None:
    """Where the key stands that a name is taken by; None where the name itself is the key."""
    span = absolute(place.start, target.span)
    key = target.path[-1] if target.path else None
    before = infer.analysis.document.lines[span.line][: span.column].rstrip()
    mark = ":" if before.endswith(":") else " as" if before.endswith(" as") else ""
    if not mark or not isinstance(key, str):
        return None
    before = before[: -len(mark)].rstrip()
    return Span(span.line, len(before) - len(key), span.line, len(before)) if before.endswith(key) else None


def _taken_from(infer: Inference, place: Placed, nodes: list[Node]) -> Type:
    for depth in range(len(nodes) - 2, -1, -1):
        match nodes[depth]:
            case Declare(each="", values=[value, *_]):
                return infer.type_of(place, value)
            case Import(module=module):
                found = infer.modules.module(infer.analysis.uri, module.value or "") if infer.modules else None
                return found if found is not None else UNKNOWN
            case Function(parameters=parameters) as function:
                parameter = nodes[depth + 1]
                if isinstance(parameter, Parameter) and parameter in parameters:
                    return given_to(infer, place, function, parameters.index(parameter))
                return UNKNOWN
            case _:
                pass
    return UNKNOWN
