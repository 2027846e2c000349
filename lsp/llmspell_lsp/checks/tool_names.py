"""Which built-in tool a name, a value or a call is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis.types import ClassObject, Instance, Method, Type
from llmspell_lsp.syntax.nodes import Call

if TYPE_CHECKING:
    from llmspell_lsp.analysis.vocabulary import Vocabulary
    from llmspell_lsp.checks.chunked import View

_EXECUTES: Final = frozenset({"execute", "execute_detailed"})


def tool_class(words: Vocabulary, name: str) -> str | None:
    """The class of the built-in tool of a name, by which models or scripts know it."""
    registry = words.registry
    described = registry.tools.get(snake(name))
    if described is not None:
        return str(described["class"])
    owner = registry.classes.get(registry.names.get(name, ""))
    return str(owner["name"]) if owner is not None and owner["tool"] is not None else None


def tool_of(view: View, type_: Type | None) -> str | None:
    """The class of built-in tool that a value is of."""
    if isinstance(type_, Instance) and isinstance(type_.of, ClassObject):
        described = view.infer.words.registry.classes.get(type_.of.name)
        return type_.of.name if described is not None and described["tool"] is not None else None
    return None


def execution(view: View, call: Call) -> Method | None:
    """The method of a tool that a call calls to have its work done."""
    callee = view.infer.type_of(view.placed, call.callee)
    return callee if isinstance(callee, Method) and callee.described["name"] in _EXECUTES else None


def executed(view: View, call: Call) -> str | None:
    """The class of built-in tool whose work a call does."""
    method = execution(view, call)
    return tool_of(view, method.receiver) if method is not None else None
