"""Arguments of tools against the tool's own schema: in `tool:execute{…}`, in a step's `params`, of built-in tools and
of those that the spell defines with a literal schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.steps import Step
from llmspell_lsp.analysis.types import ClassObject, Constant, Maker, Method, Record, Type
from llmspell_lsp.analysis.workflows import agent_of
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.flows import flows
from llmspell_lsp.checks.options import judged
from llmspell_lsp.checks.tool_names import execution, tool_class, tool_of
from llmspell_lsp.checks.values import within
from llmspell_lsp.syntax.nodes import Call, Declare, Entry, Expression, Member, Name, Table

_CODE: Final = "tool-arguments"


def arguments(view: View) -> Iterator[Finding]:
    for call in view.nodes(Call):
        callee = execution(view, call)
        if callee is None or not call.arguments:
            continue
        given = call.arguments[0]
        if isinstance(given, Table):
            wanted = _of_receiver(view, callee, call)
            if wanted is not None:
                yield from _judged(view, wanted, given)
    for flow in flows(view):
        for step in flow.steps():
            given = step.entries.get("params")
            if step.kind == "tool" and given is not None and isinstance(given.value, Table):
                wanted = _of_step(view, step)
                if wanted is not None:
                    yield from _judged(replaced(view, step), wanted, given.value, given)


def replaced(view: View, step: Step) -> View:
    """The view of the chunk that a step stands in, which a variable may have led to."""
    return view if step.site.placed is view.placed else View(view.snapshot, step.site.placed)


def _judged(view: View, wanted: Wanted, given: Table, entry: Entry | None = None) -> Iterator[Finding]:
    for place in within(wanted, given, entry, None):
        yield from judged(view, place, _CODE)


def _of_receiver(view: View, callee: Method, call: Call) -> Wanted | None:
    receiver = callee.receiver
    name = tool_of(view, receiver)
    if name is None:
        holder = call.callee.object if isinstance(call.callee, Member) else None
        return _defined(view, holder) or _got(view, holder) if holder is not None else None
    return _built_in(view, name)


def _built_in(view: View, class_name: str) -> Wanted | None:
    described = view.infer.words.registry.classes[class_name]["tool"]
    return Wanted(described["parameters"], "", described["name"])


def _of_step(view: View, step: Step) -> Wanted | None:
    text = step.text("tool")
    name = tool_class(view.infer.words, text.value or "") if text is not None else None
    if name is None:
        name = tool_of(view, agent_of(view.infer, step))
    found = _built_in(view, name) if name is not None else _defined(view, step.entries["tool"].value)
    if found is None or "action" not in step.entries:
        return found
    required = [each for each in found.schema.get("required", ()) if each != "operation"]  # `action` says it
    return replace(found, schema={**found.schema, "required": required})


# Tools of the spell


def _made(view: View, node: Expression) -> Call | None:
    """The call that an expression comes from, itself or through a variable that is set once."""
    if isinstance(node, Call):
        return node
    if not isinstance(node, Name):
        return None
    binding = view.infer.analysis.resolve(view.placed, node)
    if binding is None or not isinstance(binding.declaration, Declare) or len(binding.declaration.values) != 1:
        return None
    if any(each.write and not each.declares for each in view.infer.analysis.references(binding)):
        return None
    value = binding.declaration.values[0]
    return value if isinstance(value, Call) else None


def _defined(view: View, node: Expression) -> Wanted | None:
    """Of `Tool.define{ … parameters = { … } }`."""
    call = _made(view, node)
    if call is None or not call.arguments:
        return None
    placed = view.placed
    if isinstance(node, Name):
        binding = view.infer.analysis.resolve(view.placed, node)
        placed = binding.placed if binding is not None else placed
    callee = view.infer.type_of(placed, call.callee)
    defines = isinstance(callee, Method) and callee.owner == "Tool" and callee.described["name"] == "define"
    makes = isinstance(callee, Maker | ClassObject) and getattr(callee, "of", callee) == ClassObject("Tool")
    if not defines and not makes:
        return None
    options = view.infer.type_of(placed, call.arguments[0])
    given = options.fields.get("parameters") if isinstance(options, Record) and options.complete else None
    schema = literal(given.type) if given is not None else None
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


def _got(view: View, node: Expression) -> Wanted | None:
    """Of `Tool.get("calculator")`."""
    call = _made(view, node)
    if call is None or not call.arguments:
        return None
    callee = view.infer.type_of(view.placed, call.callee)
    if not isinstance(callee, Method) or callee.owner != "Tool" or callee.described["name"] != "get":
        return None
    of = view.infer.type_of(view.placed, call.arguments[0])
    name = tool_class(view.infer.words, of.value) if isinstance(of, Constant) and isinstance(of.value, str) else None
    return _built_in(view, name) if name is not None else None


def literal(type_: Type) -> Any:
    """The value that a literal of the source is; None where a part of it is none."""
    match type_:
        case Constant(value=value):
            return value
        case Record(complete=True, is_list=True, items=items):
            found = [literal(each) for each in items]
            return None if None in found else found
        case Record(complete=True, items=(), fields=held):
            table = {name: literal(each.type) for name, each in held.items()}
            return None if None in table.values() else table
        case _:
            return None


FAMILY = by_chunk(arguments)
