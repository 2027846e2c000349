"""The values of a chunk that stand where the registry says what is wanted, and whether a literal fits there.

Only what stands in the source is judged: texts, numbers, tables, functions. Variables and calls may hold anything.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmspell.api.explain import shown, wanted
from llmspell.api.names import near, snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.types import Schema
from llmspell_lsp.syntax.nodes import (
    Assign,
    Call,
    Entry,
    Expression,
    Function,
    Literal_,
    Operation,
    Table,
    Text,
)

if TYPE_CHECKING:
    from llmspell_lsp.checks.chunked import View

_EITHER: Final = frozenset({"or", "||", "??"})
_TELLING: Final = frozenset({"type", "enum", "const", "x-function", "x-object", "x-bytes"})
#: Tables inside tables: deeper ones are not looked at.
_DEEPEST: Final = 30


class Place(NamedTuple):
    """A value with what is wanted of it. entry: whose value it is, in a table. call: the argument of which it is in."""

    wanted: Wanted
    node: Expression
    entry: Entry | None
    call: Call | None


class Misfit(NamedTuple):
    """Why a literal does not fit. near: the text that was meant."""

    message: str
    near: str = ""


def places(view: View) -> Iterator[Place]:
    """Outer before inner."""
    infer, placed = view.infer, view.placed
    for call in view.nodes(Call):
        for index, given in enumerate(call.arguments):
            found = expect.argument(infer, placed, call, index)
            if found is not None:
                yield from within(found, given, None, call)
    for assign in view.nodes(Assign):
        for value in assign.values:
            found = expect.wanted(infer, placed, (assign, value)) if assign.operator == "" else None
            if found is not None:
                yield from within(found, value, None, None)


def within(outer: Wanted, node: Expression, entry: Entry | None, call: Call | None, depth: int = 0) -> Iterator[Place]:
    """A value and those inside it."""
    if depth > _DEEPEST:
        return
    match node:
        case Operation(operator=operator) if operator in _EITHER:
            yield from within(outer, node.operands[-1], entry, call, depth + 1)
        case Table():
            yield Place(outer, node, entry, call)
            for each in node.entries:
                inner = expect.entry(outer, node, each)
                if inner is not None:
                    yield from within(inner, each.value, each, call, depth + 1)
        case _:
            yield Place(outer, node, entry, call)


def misfit(schema: Schema, node: Expression, language: str) -> Misfit | None:
    """Why a literal does not fit a schema; None where it does, or nobody can tell."""
    kind = kind_of(node)
    if not kind or kind == "null":  # leaves an option out
        return None
    if isinstance(node, Text) and "{{" in node.raw:  # a reference in a step's fields stands for any value
        return None
    options = [each for each in expect.alternatives(schema) if each.get("type") != "null"]
    if not options or any(not each.keys() & _TELLING or each.get("x-error") for each in options):
        return None
    fitting = [each for each in options if _takes(each, kind, node)]
    if not fitting:
        return Misfit(f"must be {wanted(dict(schema), language)}, not {told(node, language)}")
    found = [_bound(each, node, language) for each in fitting]
    return found[0] if all(found) else None


def kind_of(node: Expression) -> str:
    """The JSON Schema type of a literal, "function", "table" for one that may be a list or not; "" for the rest."""
    match node:
        case Text():
            return "string"
        case Literal_(kind="number", value=value):
            return (
                "integer" if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else "number"
            )
        case Literal_(kind="boolean"):
            return "boolean"
        case Literal_(kind="nil"):
            return "null"
        case Function():
            return "function"
        case Table(shape="array"):
            return "array"
        case Table(entries=entries):
            if any(each.spread or each.computed is not None for each in entries):
                return "table"
            if node.shape == "object" or any(each.key is not None for each in entries):
                return "object"
            return "array" if entries else "table"
        case _:
            return ""


def _takes(schema: Schema, kind: str, node: Expression) -> bool:
    if schema.get("x-function"):
        return kind == "function"
    if "x-object" in schema:
        return False
    if schema.get("x-bytes"):
        return kind == "string"
    if "enum" in schema or "const" in schema:
        type_ = schema.get("type")
        if type_ is None:
            return kind in {"string", "integer", "number", "boolean"}
    kinds = schema.get("type")
    names: list[str] = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if not names:
        return True
    if kind == "table":
        return "array" in names or "object" in names
    if kind == "array" and "object" in names and schema.get("additionalProperties", True):
        return True  # a table of Lua may be either
    return kind in names or (kind == "integer" and "number" in names)


_BOUNDS: Final = (
    ("minimum", "must be at least {}", operator.lt),
    ("maximum", "must be at most {}", operator.gt),
    ("exclusiveMinimum", "must be more than {}", operator.le),
    ("exclusiveMaximum", "must be less than {}", operator.ge),
    ("minLength", "must have at least {} characters", operator.lt),
    ("maxLength", "must have at most {} characters", operator.gt),
)


def _bound(schema: Schema, node: Expression, language: str) -> Misfit | None:
    value = node.value if isinstance(node, Text | Literal_) else None
    if value is None:
        return None
    allowed: list[Any] | None = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if allowed is not None:
        if value in allowed or (isinstance(value, str) and snake(value) in allowed):
            return None
        close = next(iter(near(value, [str(each) for each in allowed])), "") if isinstance(value, str) else ""
        return Misfit(f"must be {wanted(dict(schema), language)}, not {shown(value, language)}", close)
    for key, words, fails in _BOUNDS:
        if key not in schema or isinstance(value, str) != key.endswith("Length"):
            continue
        if fails(len(value) if isinstance(value, str) else value, schema[key]):
            text = words.format(schema[key])
            return Misfit(f"{text.removesuffix('s') if schema[key] == 1 else text}, not {shown(value, language)}")
    return None


def told(node: Expression, language: str) -> str:
    """A literal as a message names it."""
    match node:
        case Text(value=str(value)):
            return shown(value, language)
        case Literal_(value=value):
            return shown(value, language)
        case Function():
            return "a function"
        case Table():
            if kind_of(node) == "array":
                return "a list" if language == "lua" else "an array"
            return "a table" if language == "lua" else "an object"
        case _:
            return "text" if language == "lua" else "a string"
