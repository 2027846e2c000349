"""What a tool is called with, where its own schema says it: built-in tools, and those that the spell defines.

The registry knows that `execute` takes a table, and that a step's `params` are one. Which keys it has, this module
finds: by the class of the tool, by its name, or by the literal `parameters` of the `Tool.define` that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.types import ClassObject, Constant, Instance, Maker, Method, Record, Type, literal
from llmspell_lsp.syntax.nodes import Await, Call, Declare, Entry, Expression, Member, Name, Table, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.vocabulary import Vocabulary
    from llmspell_lsp.syntax.chunks import Placed

_EXECUTES: Final = frozenset({"execute", "execute_detailed"})


def execution(infer: Inference, placed: Placed, call: Call) -> Method | None:
    """The method of a tool that a call calls to have its work done."""
    callee = infer.type_of(placed, call.callee)
    return callee if isinstance(callee, Method) and callee.described["name"] in _EXECUTES else None


def tool_class(words: Vocabulary, name: str) -> str | None:
    """The class of the built-in tool of a name, by which models or scripts know it."""
    registry = words.registry
    described = registry.tools.get(snake(name))
    if described is not None:
        return str(described["class"])
    owner = registry.classes.get(registry.names.get(name, ""))
    return str(owner["name"]) if owner is not None and owner["tool"] is not None else None


def tool_of(words: Vocabulary, type_: Type | None) -> str | None:
    """The class of built-in tool that a value is of."""
    if isinstance(type_, Instance) and isinstance(type_.of, ClassObject):
        described = words.registry.classes.get(type_.of.name)
        return type_.of.name if described is not None and described["tool"] is not None else None
    return None


def built_in(words: Vocabulary, class_name: str) -> Wanted:
    described = words.registry.classes[class_name]["tool"]
    return Wanted(described["parameters"], "", described["name"])


# What a place wants


def argument(infer: Inference, placed: Placed, call: Call, index: int) -> Wanted | None:
    """What the argument of a call is for that has the work of one of the spell's own tools done."""
    callee = execution(infer, placed, call) if index == 0 else None
    if callee is None or not isinstance(call.callee, Member) or tool_of(infer.words, callee.receiver) is not None:
        return None
    return of_value(infer, placed, call.callee.object)


def params(infer: Inference, placed: Placed, step: Table) -> Wanted | None:
    """What a step's `params` are for, by the `tool` beside them; one of the spell's may be anywhere in the document."""
    entries = {snake(each.key): each for each in step.entries if each.key is not None}
    if "tool" not in entries:
        return None
    tool = entries["tool"].value
    found = of_step(infer, placed, entries)
    return found or (_of_name(infer, tool.value) if isinstance(tool, Text) and tool.value else None)


def of_step(infer: Inference, placed: Placed, entries: Mapping[str, Entry]) -> Wanted | None:
    """The same of what the step itself leads to. entries: its fields by registry name."""
    tool = entries["tool"].value
    name = tool_class(infer.words, tool.value or "") if isinstance(tool, Text) else None
    if name is None:
        name = tool_of(infer.words, infer.type_of(placed, tool))
    found = built_in(infer.words, name) if name is not None else of_value(infer, placed, tool)
    if found is None or "action" not in entries:
        return found
    required = [each for each in found.schema.get("required", ()) if each != "operation"]  # `action` says it
    return replace(found, schema={**found.schema, "required": required})


# Tools of the spell


def of_value(infer: Inference, placed: Placed, node: Expression) -> Wanted | None:
    """Of what an expression made, itself or through a variable that is set once."""
    made = _made(infer, placed, node)
    return None if made is None else _defined(infer, *made) or _got(infer, *made)


def _of_name(infer: Inference, name: str) -> Wanted | None:
    """Of the one tool of a name that the document defines."""
    sites = [each.site for each in infer.named if each.kind == "tool" and each.gives and each.name == name]
    if len(sites) != 1 or not isinstance(sites[0].node, Call):
        return None
    return _defined(infer, sites[0].placed, sites[0].node)


def _made(infer: Inference, placed: Placed, node: Expression) -> tuple[Placed, Call] | None:
    """The call that an expression comes from."""
    if isinstance(node, Call):
        return placed, node
    if not isinstance(node, Name):
        return None
    binding = infer.analysis.resolve(placed, node)
    if binding is None or not isinstance(binding.declaration, Declare) or len(binding.declaration.values) != 1:
        return None
    if any(each.write and not each.declares for each in infer.analysis.references(binding)):
        return None
    value = binding.declaration.values[0]
    value = value.value if isinstance(value, Await) else value
    return (binding.placed, value) if isinstance(value, Call) else None


def _defined(infer: Inference, placed: Placed, call: Call) -> Wanted | None:
    """Of `Tool.define{ … parameters = { … } }`."""
    if not call.arguments:
        return None
    callee = infer.type_of(placed, call.callee)
    defines = isinstance(callee, Method) and callee.owner == "Tool" and callee.described["name"] == "define"
    makes = isinstance(callee, Maker | ClassObject) and getattr(callee, "of", callee) == ClassObject("Tool")
    if not defines and not makes:
        return None
    options = infer.type_of(placed, call.arguments[0])
    given = options.fields.get("parameters") if isinstance(options, Record) and options.complete else None
    schema = literal(given.type, whole=True) if given is not None else None
    if not isinstance(schema, Mapping) or schema.get("type") != "object" or "properties" not in schema:
        return None
    name = options.fields.get("name") if isinstance(options, Record) else None
    title = name.type.value if name is not None and isinstance(name.type, Constant) else ""
    return Wanted(_own(schema), "", str(title or "the tool"))


def _own(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of the spell's: its names are its own (`x-own`), and found by however they are spelled."""
    inner: dict[str, Any] = {
        name: _own(each) if isinstance(each, Mapping) else {} for name, each in schema.get("properties", {}).items()
    }
    if not inner:
        return dict(schema)
    return {**schema, "properties": {**{snake(name): each for name, each in inner.items()}, **inner}, "x-own": [*inner]}


def _got(infer: Inference, placed: Placed, call: Call) -> Wanted | None:
    """Of `Tool.get("calculator")`."""
    if not call.arguments:
        return None
    callee = infer.type_of(placed, call.callee)
    if not isinstance(callee, Method) or callee.owner != "Tool" or callee.described["name"] != "get":
        return None
    of = expect.constant(infer, placed, call.arguments[0])
    name = tool_class(infer.words, of) if of is not None else None
    return built_in(infer.words, name) if name is not None else None
