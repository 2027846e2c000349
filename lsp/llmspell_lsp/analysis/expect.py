"""What a place in a tree is there for: the schema that the registry gives to an argument, an option, a list's item.

Asked with the path of nodes down to the place; answers a `Wanted`, or None where nobody knows. Completion, hover,
checks and the types of callbacks' parameters all start from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis.natives import natives
from llmspell_lsp.analysis.types import (
    UNKNOWN,
    ClassObject,
    Constant,
    Instance,
    Library,
    Maker,
    Method,
    Native,
    Record,
    Schema,
    Script,
    ScriptClass,
    Type,
    Unknown,
    Value,
    parts,
)
from llmspell_lsp.analysis.vocabulary import vocabulary
from llmspell_lsp.syntax.nodes import (
    Assign,
    Await,
    Call,
    Entry,
    Expression,
    Function,
    Member,
    Node,
    Operation,
    Return,
    Table,
    Text,
)

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed

Path = Sequence[Node]

_SAME: Final = frozenset({"or", "||", "??", "and", "&&", "?:"})


@dataclass(slots=True, frozen=True, eq=False)
class Wanted:
    """What fits in a place.

    schema: {} where only `native` is known. name: of the parameter or option, as the registry has it. owner: whose
    (`Agent.new`, `agent:chat`), for messages. beside: the constant text that decides what a handler is given (a hook
    point or an event). table: the literal that the place is an entry of. native: the type as `natives` writes it.
    """

    schema: Schema
    name: str = ""
    owner: str = ""
    beside: str = ""
    table: Table | None = None
    native: str = ""
    receiver: Type = UNKNOWN


@dataclass(slots=True, frozen=True, eq=False)
class Parameter:
    """A parameter of something that can be called, as completion and signature help show it."""

    name: str
    schema: Schema
    required: bool = True
    variadic: bool = False
    doc: str = ""
    native: str = ""
    """The type as `natives` writes it, for functions of the language."""
    type: Type = UNKNOWN
    """The type, for functions of the spell."""


def wanted(infer: Inference, placed: Placed, path: Path) -> Wanted | None:
    """What the last node of the path is there for."""
    if len(path) < 2:
        return None
    node, parent = path[-1], path[-2]
    match parent:
        case Call() if (index := _index(parent.arguments, node)) is not None:
            return called_with(infer, placed, parent, index)
        case Entry() if parent.value is node and len(path) >= 3 and isinstance(path[-3], Table):
            table = path[-3]
            outer = wanted(infer, placed, path[:-2])
            return None if outer is None else narrowed(infer, placed, table, entry(outer, table, parent))
        case Await():
            return wanted(infer, placed, path[:-1])
        case Operation() if parent.operator in _SAME and (node is not parent.operands[0] or parent.operator != "?:"):
            return wanted(infer, placed, path[:-1])
        case Return() if parent.operator == "return" and _index(parent.values, node) is not None:
            return _returned(infer, placed, path)
        case Function() if parent.arrow_value is node:
            outer = wanted(infer, placed, path[:-1])
            return None if outer is None else _result(outer)
        case Assign() if (index := _index(parent.values, node)) is not None:
            return _assigned(infer, placed, parent, index)
        case _:
            return None


def _index(nodes: Sequence[Node], node: Node) -> int | None:
    return next((index for index, each in enumerate(nodes) if each is node), None)


def argument(infer: Inference, placed: Placed, call: Call, index: int) -> Wanted | None:
    """What the argument at an index of a call is for; an index past those that are there is what comes next."""
    callee = infer.type_of(placed, call.callee)
    found = takes(infer, callee, constructs=call.constructs)
    if not found:
        return None
    given = call.arguments[index] if index < len(call.arguments) else None
    if takes_self(infer, callee, call.callee):
        index -= 1
    if index < 0:
        return None
    parameter = found[index] if index < len(found) else found[-1] if found[-1].variadic else None
    if parameter is None:
        return None
    if given is not None and isinstance(infer.type_of(placed, given), Record):
        given = None  # a table that stands elsewhere: the options
    parameter = _positional(infer, callee, parameter, given, index)
    beside = next((each.value for each in call.arguments[:index] if isinstance(each, Text) and each.value), "")
    owner = owner_of(infer, callee)
    return Wanted(parameter.schema, parameter.name, owner, beside, None, parameter.native, receiver_of(callee))


def called_with(infer: Inference, placed: Placed, call: Call, index: int) -> Wanted | None:
    """The same, with what the tool's own schema says where the call is to one of the spell's tools."""
    from llmspell_lsp.analysis import tools  # which asks here for the rest

    return tools.argument(infer, placed, call, index) or argument(infer, placed, call, index)


def narrowed(infer: Inference, placed: Placed, table: Table | None, found: Wanted | None) -> Wanted | None:
    """What an entry of a table is for, with what the tool's own schema says of a step's `params`."""
    if found is None or found.name != "params" or table is None:
        return found
    from llmspell_lsp.analysis import tools

    return tools.params(infer, placed, table) or found


def entry(outer: Wanted, table: Table, of: Entry) -> Wanted | None:
    """What the value of a table's entry is for, in a place that wants `outer`."""
    if of.key is None:
        return None if of.computed is not None or of.spread else items(outer, table)
    return option(outer, of.key, table)


def items(outer: Wanted, table: Table | None = None) -> Wanted | None:
    """What an item of a list is for, in a place that wants `outer`."""
    for each in alternatives(outer.schema):
        found = each.get("items")
        if isinstance(found, dict) and found:
            return replace(outer, schema=found, table=table)
    return None


def option(outer: Wanted, key: str, table: Table | None = None) -> Wanted | None:
    """What the value under a key of a table is for."""
    name = snake(key)
    for each in tables(outer.schema, table):
        properties = each.get("properties", {})
        if name in properties:
            return Wanted(properties[name], name, outer.owner, key, table)
        rest = each.get("additionalProperties")
        if isinstance(rest, dict) and rest:
            return Wanted(rest, key, outer.owner, key, table)
    return None


def alternatives(schema: Schema) -> Iterator[Schema]:
    """The schema's `anyOf` undone, all the way down; shapes that are only named are whole."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        for each in options:
            yield from alternatives(each)
    else:
        yield vocabulary("lua").whole(schema)  # a schema is the same in both languages


def tables(schema: Schema, given: Table | None = None) -> list[Schema]:
    """The alternatives that are tables with fields; the one with most of the given keys first."""
    found = [
        each
        for each in alternatives(schema)
        if each.get("type") == "object" and "x-function" not in each and "x-object" not in each
    ]
    if given is not None and len(found) > 1:
        keys = {snake(each.key) for each in given.entries if each.key is not None}
        found.sort(key=lambda each: -len(keys & set(each.get("properties", ()))))
    return found


def keys(wanted: Wanted, table: Table | None = None) -> Mapping[str, Any]:
    """Every key that the wanted table may have, with its schema, in the registry's spelling."""
    found: dict[str, Any] = {}
    for each in tables(wanted.schema, table):
        for name, schema in each.get("properties", {}).items():
            found.setdefault(name, schema)
    return found


# Calls


def takes(infer: Inference, callee: Type, *, constructs: bool = False) -> list[Parameter]:
    """What something that is called takes, in order; empty where that is not known."""
    words = infer.words
    match callee:
        case Method(described=described):
            found = [
                Parameter(
                    words.spelled(each["name"]),
                    each["schema"],
                    each["required"],
                    each["variadic"],
                    each["doc"],
                )
                for each in described["params"]
            ]
            if described.get("x-callback"):
                found.append(Parameter("callback", {"x-function": True, "type": "object"}, required=False))
            return found
        case Maker(extends=True):
            return [Parameter("members", {"type": "object", "additionalProperties": True}, required=False)]
        case Maker(of=of) | Instance(of=ClassObject() as of):
            return _options(infer, of) if isinstance(callee, Maker) else []
        case ClassObject() | ScriptClass() if constructs or words.language == "lua":
            return _options(infer, callee)
        case Native(name=name):
            native = natives(words.language).entries.get(name)
            if native is None or native.params is None:
                return []
            is_method = words.language == "lua" and not isinstance(callee.receiver, Unknown | Library)
            params = native.params[1:] if is_method and name.startswith("string.") else native.params
            return [
                Parameter(each.name, {}, not each.optional and not each.variadic, each.variadic, native=each.type)
                for each in params
            ]
        case Script(site=site) if isinstance(site.node, Function):
            return infer.parameters(site.placed, site.node)
        case Value(schema={"x-params": dict(params)}):
            return [Parameter(words.spelled(name), schema) for name, schema in params.items()]
        case _:
            several = parts(callee)
            return takes(infer, several[0], constructs=constructs) if len(several) == 1 and several[0] != callee else []


def _options(infer: Inference, of: ClassObject | ScriptClass) -> list[Parameter]:
    """The option table of a constructor. A script's class has its constructor's parameters, or its base's table."""
    if isinstance(of, ScriptClass):
        for name in ("constructor", "init"):
            made = of.members.get(name)
            if made is not None and isinstance(made.type, Script) and isinstance(made.type.site.node, Function):
                found = infer.parameters(made.type.site.placed, made.type.site.node)
                return found[1:] if name == "init" and found and found[0].name == "self" else found
        return _open(_options(infer, of.base)) if isinstance(of.base, ClassObject | ScriptClass) else []
    described = infer.words.described(of.name)
    if not described["constructible"]:
        return []
    schema = infer.words.options(of.name)
    return [] if schema is None else [Parameter("options", schema, bool(schema.get("required")))]


def _open(found: list[Parameter]) -> list[Parameter]:
    """A script's subclass keeps options that its base does not know."""
    return [replace(each, schema={**each.schema, "additionalProperties": True}) for each in found]


def _positional(
    infer: Inference, callee: Type, parameter: Parameter, given: Expression | None, index: int
) -> Parameter:
    """`Agent.new("You are …")`: a constructor's first arguments by position, where the class has such a form."""
    of = callee.of if isinstance(callee, Maker) else callee
    while isinstance(of, ScriptClass):
        of = of.base
    if not isinstance(of, ClassObject) or given is None or isinstance(given, Table) or parameter.name != "options":
        return parameter
    positional: list[str] = infer.words.described(of.name)["positional"]
    if index >= len(positional):
        return parameter
    schema = parameter.schema.get("properties", {}).get(positional[index])
    return parameter if schema is None else Parameter(positional[index], schema)


def takes_self(infer: Inference, callee: Type, written: Expression) -> bool:
    """`agent.chat(agent, "…")`, `local chat = agent.chat`: without Lua's colon a method takes its object first."""
    if infer.language != "lua" or not isinstance(callee, Method) or not isinstance(callee.receiver, Instance):
        return False
    return not (isinstance(written, Member) and written.method)


def owner_of(infer: Inference, callee: Type) -> str:
    """Whose argument it is, as messages say it."""
    match callee:
        case Method(owner=owner, described=described):
            return f"{owner}.{infer.words.spelled(described['name'])}"
        case Maker(of=of):
            return f"{of.name}.new"
        case ClassObject(name=name) | ScriptClass(name=name) | Native(name=name):
            return name
        case _:
            return ""


def receiver_of(callee: Type) -> Type:
    return callee.receiver if isinstance(callee, Method | Native) else UNKNOWN


# What functions give, and what is assigned


def _returned(infer: Inference, placed: Placed, path: Path) -> Wanted | None:
    for depth in range(len(path) - 2, -1, -1):
        if isinstance(path[depth], Function):
            outer = wanted(infer, placed, path[: depth + 1])
            return None if outer is None else _result(outer)
    return None


def _result(outer: Wanted) -> Wanted | None:
    for each in alternatives(outer.schema):
        if each.get("x-result"):
            return Wanted(each["x-result"], "", outer.owner)
    return None


def _assigned(infer: Inference, placed: Placed, assign: Assign, index: int) -> Wanted | None:
    """`context.temperature = ▮`, `agent.system_prompt = ▮`: what the field holds."""
    if index >= len(assign.targets):
        return None
    target = assign.targets[index]
    if not isinstance(target, Member):
        return None
    found = infer.member(infer.type_of(placed, target.object), target.name)
    if found is None or found.described is None or found.kind not in {"option", "property"}:
        return None
    schema = found.described.get("schema", found.described) if found.kind == "property" else found.described
    return Wanted(schema, snake(found.name), found.owner)


def constant(infer: Inference, placed: Placed, node: Expression | None) -> str | None:
    """The text that an expression is known to be."""
    if node is None:
        return None
    type_ = infer.type_of(placed, node)
    return type_.value if isinstance(type_, Constant) and isinstance(type_.value, str) else None


def may_have_option(call: Call, key: str) -> bool:
    """Whether a key may be among a call's options: it is, or they are no literal."""
    return any(
        not isinstance(each, Text | Table)
        or (isinstance(each, Table) and any(entry.key in (key, None) for entry in each.entries))
        for each in call.arguments[1:]
    )
