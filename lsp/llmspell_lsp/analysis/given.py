"""What a function of the spell is given: the types of its parameters, told by the place that the function is in.

A hook's handler is given its point's context, a listener its event's data, a tool's `execute` what its `parameters`
describe, an overriding method what the method takes, `map`'s function the list's items. What a doc comment says wins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.members import native_type
from llmspell_lsp.analysis.remarks import remarks
from llmspell_lsp.analysis.types import (
    BOOLEAN,
    NUMBER,
    TEXT,
    UNKNOWN,
    ClassObject,
    Constant,
    Instance,
    Method,
    Record,
    Schema,
    ScriptClass,
    Type,
    Value,
    literal,
)
from llmspell_lsp.syntax.nodes import Assign, Call, Class, ClassMember, Entry, Function, Member, Table

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed

_CALLBACK: Final = re.compile(r"^\((.*)\) => ")

_KINDS: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_PLAIN: Final = {"string": TEXT, "number": NUMBER, "integer": NUMBER, "boolean": BOOLEAN}


def given_to(infer: Inference, placed: Placed, function: Function, index: int) -> Type:
    """What the parameter at an index is given; `self` and `this` are not parameters unless they are written."""
    parameter = function.parameters[index]
    said = remarks(function.doc, infer.language).params.get(parameter.name)
    if said is not None and said != UNKNOWN:
        return said
    path = infer.analysis.path_to(placed, function)
    if index == 0 and parameter.name == "self" and infer.language == "lua":
        return receiver(infer, placed, function)
    found = _from_class(infer, placed, path, function, index)
    if found == UNKNOWN:
        outer = expect.wanted(infer, placed, path)
        found = _wanted(infer, placed, outer, index) if outer is not None else UNKNOWN
    if found == UNKNOWN and parameter.default is not None:
        return _widened(infer.type_of(placed, parameter.default))
    return found


def _wanted(infer: Inference, placed: Placed, outer: expect.Wanted, index: int) -> Type:
    if outer.native:
        return _native(infer, outer, index)
    for each in expect.alternatives(outer.schema):
        match each:
            case {"x-kind": "hook_handler"}:
                return infer.words.hook_context(outer.beside) if index == 0 else UNKNOWN
            case {"x-kind": "event_handler"}:
                if outer.beside == "*":
                    return (TEXT, infer.words.event_data("*"))[index] if index < 2 else UNKNOWN
                return infer.words.event_data(outer.beside) if index == 0 else UNKNOWN
            case {"x-params": dict(params)}:
                schemas: list[Schema] = list(params.values())
                return infer.words.of_schema(schemas[index]) if index < len(schemas) else UNKNOWN
            case {"x-function": _} if outer.name == "execute" and index == 0 and outer.table is not None:
                return _tool_params(infer, placed, outer.table)
            case _:
                pass
    return UNKNOWN


def _native(infer: Inference, outer: expect.Wanted, index: int) -> Type:
    """`(item: T, index: number) => any`: the parameter's type, the receiver's items put in."""
    found = _CALLBACK.match(outer.native)
    params = found[1].split(", ") if found is not None else []
    if index >= len(params):
        return UNKNOWN
    return native_type(params[index].partition(": ")[2], outer.receiver, infer.words)


def _tool_params(infer: Inference, placed: Placed, table: Table) -> Type:
    """What `Tool.define`'s `execute` is given: a table as `parameters` describes it."""
    for each in table.entries:
        if each.key == "parameters":
            return infer.words.of_schema(schema_of(infer.type_of(placed, each.value)))
    return UNKNOWN


def schema_of(type_: Type) -> Schema | None:
    """The JSON Schema that a literal writes; None where it is not one, or not all of it is constant."""
    return _sound(literal(type_)) or None


def _sound(value: Any) -> dict[str, Any]:
    """What of a schema as somebody writes it is one already: whoever reads it need not doubt it."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = {}
    for key, each in value.items():
        match key, each:
            case "type", str() if each in _KINDS:
                found[key] = each
            case "type", [*kinds] if kinds and all(kind in _KINDS for kind in kinds if isinstance(kind, str)):
                found[key] = [kind for kind in kinds if isinstance(kind, str)]
            case "properties", dict():
                found[key] = {name: _sound(inner) for name, inner in each.items()}
            case (("items" | "additionalProperties"), dict()):
                found[key] = _sound(each)
            case (("anyOf" | "oneOf"), [*options]) if options:
                found[key] = [_sound(option) for option in options]
            case "enum", [*options] if options and all(isinstance(one, str | int | float) for one in options):
                found[key] = options
            case "required", [*names]:
                found[key] = [name for name in names if isinstance(name, str)]
            case (("description" | "title"), str()):
                found[key] = each
            case (("minimum" | "maximum" | "minLength" | "maxLength"), int() | float()):
                found[key] = each
            case (("default" | "const"), _) if each is not None:
                found[key] = each
            case _:
                pass
    if found.get("type") == []:
        del found["type"]
    return found


def receiver(infer: Inference, placed: Placed, function: Function) -> Type:
    """`self` in a function: an object of the class that it is a method of, or the table that it is a field of."""
    path = infer.analysis.path_to(placed, function)
    of = owner(infer, placed, path)
    if of is not None:
        return Instance(of)
    match path[-2:-1]:
        case [Assign(targets=[Member(object=holder)])]:
            found = infer.type_of(placed, holder)
            return found if isinstance(found, Record | Instance) else UNKNOWN
        case _:
            return UNKNOWN


def owner(infer: Inference, placed: Placed, path: expect.Path) -> ScriptClass | None:
    """The script's class that a function (the path's last node) is a method of."""
    if len(path) < 2:
        return None
    function, parent = path[-1], path[-2]
    match parent:
        case Entry() if len(path) >= 4 and isinstance(path[-4], Call):
            made = infer.called(placed, path[-4])
            return made if isinstance(made, ScriptClass) else None
        case Assign() if isinstance(function, Function) and function in parent.values:
            index = parent.values.index(function)
            target = parent.targets[index] if index < len(parent.targets) else None
            if isinstance(target, Member):
                of = infer.type_of(placed, target.object)
                return of if isinstance(of, ScriptClass) else None
            return None
        case ClassMember() if len(path) >= 3 and isinstance(path[-3], Class):
            of = infer.type_of(placed, path[-3])
            return of if isinstance(of, ScriptClass) else None
        case _:
            return None


def _from_class(infer: Inference, placed: Placed, path: expect.Path, function: Function, index: int) -> Type:
    """What the base's method of the same name takes."""
    of = owner(infer, placed, path)
    if of is None:
        return UNKNOWN
    parent = path[-2]
    name = _method_name(parent, function)
    if function.parameters and function.parameters[0].name == "self" and infer.language == "lua":
        index -= 1
    base = of.base
    if name in {"init", "constructor"} and index == 0:
        found = expect.takes(infer, of.base, constructs=True)
        return Value(found[0].schema) if found else UNKNOWN
    if not isinstance(base, ClassObject | ScriptClass):
        return UNKNOWN
    found = infer.member(Instance(base), name)
    if found is None or not isinstance(found.type, Method):
        return UNKNOWN
    params = found.type.described["params"]
    return infer.words.of_schema(params[index]["schema"]) if 0 <= index < len(params) else UNKNOWN


def _method_name(parent: object, function: Function) -> str:
    match parent:
        case Entry(key=str(key)):
            return key
        case ClassMember(name=name):
            return name
        case Assign(targets=[Member(name=name)]):
            return name
        case _:
            return function.name.rpartition(".")[2].rpartition(":")[2]


def _widened(type_: Type) -> Type:
    """A default's type: not only this very text."""
    match type_:
        case Constant(value=str()):
            return TEXT
        case Constant(value=bool()):
            return BOOLEAN
        case Constant(value=int() | float()):
            return NUMBER
        case Constant():
            return UNKNOWN
        case _:
            return type_
