"""What a declaration gives its names: values, several results of one call, loops, parameters, patterns, imports.

The half of inference that begins at a `Binding`; `infer` is the other, which begins at an expression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.analysis.given import given_to, receiver
from llmspell_lsp.analysis.members import item_of
from llmspell_lsp.analysis.remarks import remarks
from llmspell_lsp.analysis.types import (
    NIL,
    NUMBER,
    TEXT,
    UNKNOWN,
    Method,
    Native,
    Record,
    Script,
    Sequence,
    Type,
    Value,
    choice,
    settled,
)
from llmspell_lsp.syntax.nodes import Assign, Call, Declare, Function, Import, Target

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.syntax.chunks import Placed


def declared(infer: Inference, binding: Binding) -> Type:
    placed, declaration, target = binding.placed, binding.declaration, binding.target
    match declaration:
        case Declare() if target is not None:
            said = remarks(declaration.doc, infer.language).type
            if said != UNKNOWN:
                return said
            return _along(infer, _declared_value(infer, placed, declaration, target), target)
        case Function() if binding.kind == "self":
            return receiver(infer, placed, declaration)
        case Function() if binding.parameter is not None:
            given = given_to(infer, placed, declaration, binding.parameter)
            return _along(infer, given, target) if target is not None else given
        case Assign(values=values) if binding.kind == "global" and binding.local.position < len(values):
            # Lua's `function f()`. Other globals are given values here and there: the first says little.
            value = values[binding.local.position]
            return infer.type_of(placed, value) if isinstance(value, Function) else UNKNOWN
        case Import() if target is not None:
            found = infer.modules.module(infer.analysis.uri, declaration.module.value or "") if infer.modules else None
            if found is None:
                return UNKNOWN
            export = found.exports.get(str(target.path[0])) if target.path else None
            return export.type if export is not None else found if not target.path else UNKNOWN
        case _:
            return UNKNOWN


def _declared_value(infer: Inference, placed: Placed, declaration: Declare, target: Target) -> Type:
    """What stands beside the name: before a pattern's path is followed."""
    if declaration.kind == "catch":
        return Value({"type": "object", "x-error": True})
    if declaration.kind == "loop":
        return _looped(infer, placed, declaration, declaration.targets.index(target))
    if not declaration.values:
        return UNKNOWN
    if infer.language == "javascript":
        return infer.type_of(placed, declaration.values[0])
    index = declaration.targets.index(target)
    if index < len(declaration.values) - 1 or (index == 0 and len(declaration.values) == 1):
        return infer.type_of(placed, declaration.values[index])
    last = declaration.values[-1]
    if index < len(declaration.values) and not isinstance(last, Call):
        return infer.type_of(placed, last)
    return _several(infer, placed, last, index - len(declaration.values) + 1) if isinstance(last, Call) else NIL


def _several(infer: Inference, placed: Placed, call: Call, index: int) -> Type:
    """One of several results of a Lua call: of `pcall` the second is the value or the error."""
    if index == 0:
        return infer.called(placed, call)
    callee = infer.type_of(placed, call.callee)
    if isinstance(callee, Native) and callee.name in {"pcall", "xpcall"} and index == 1 and call.arguments:
        error = Value({"type": "object", "x-error": True})
        work = infer.type_of(placed, call.arguments[0])
        value = UNKNOWN
        if isinstance(work, Script) and isinstance(work.site.node, Function):
            value = infer.returned(work.site.placed, work.site.node)
        elif isinstance(work, Method):
            value = infer.given(work)
        return error if value in (UNKNOWN, NIL) else choice([value, error])
    return UNKNOWN


def _looped(infer: Inference, placed: Placed, declaration: Declare, index: int) -> Type:
    if declaration.each == "numbers":
        return NUMBER
    if not declaration.values:
        return UNKNOWN
    through = declaration.values[0]
    if infer.language == "javascript":
        if declaration.each == "in":
            return TEXT
        return settled(item_of(settled(infer.type_of(placed, through))))
    if isinstance(through, Call) and through.arguments:
        callee = infer.type_of(placed, through.callee)
        if isinstance(callee, Native) and callee.name in {"ipairs", "pairs"}:
            of = infer.type_of(placed, through.arguments[0])
            if index == 1:
                return item_of(of)
            return NUMBER if callee.name == "ipairs" else UNKNOWN
    found = infer.type_of(placed, through)
    return found.item if isinstance(found, Sequence) and found.streamed and index == 0 else UNKNOWN


def _along(infer: Inference, type_: Type, target: Target) -> Type:
    """The value that a pattern's path leads to."""
    for key in target.path:
        if isinstance(key, int):
            record = type_ if isinstance(type_, Record) else None
            type_ = record.items[key] if record is not None and key < len(record.items) else item_of(type_)
        else:
            found = infer.member(type_, key)
            type_ = UNKNOWN if found is None else found.type
    return UNKNOWN if target.rest else type_
