"""The pieces of Markdown that hover, `llmspell help` and the reference pages are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmspell.api.names import camel
from llmspell.api.stubs.literals import javascript, lua
from llmspell.api.stubs.operations import operations
from llmspell.api.stubs.signatures import constructors, example, types_for
from llmspell.api.stubs.types import LuaTypes, remarks

Described = dict[str, Any]

FENCES: Final = {"lua": "lua", "javascript": "js"}


def both(name: str) -> str:
    """A name in both languages' spellings, where they differ."""
    return f"`{name}`" if camel(name) == name else f"`{name}` / `{camel(name)}`"


def field_list(schema: Described, *, given: bool = True) -> str:
    """The declared fields of a table, one bullet each. given: by a script, so that required ones matter."""
    types = LuaTypes()
    rows: list[str] = []
    for key, inner in schema.get("properties", {}).items():
        required = key in schema.get("required", ())
        notes = ", ".join((*(("required",) if required and given else ()), *remarks(inner, lua)))
        about = " ".join(inner.get("description", "").split())
        kind = types.of(inner) if required else types.optional(inner)
        rows.append(f"- {both(key)} *{kind}*{f' ({notes})' if notes else ''}{f': {about}' if about else ''}")
    return "\n".join(rows)


def fenced(texts: dict[str, str]) -> str:
    """Code of both languages, Lua first."""
    return "\n\n".join(f"```{FENCES[language]}\n{text}\n```" for language, text in texts.items() if text)


def summary(doc: str) -> str:
    """The first sentence or paragraph, on one line."""
    return " ".join(doc.split("\n\n")[0].split())


def method_details(described: Described) -> Iterator[str]:
    """What a signature does not say: arguments, result's shape, errors, an example."""
    types = LuaTypes()
    rows: list[str] = []
    for param in described["params"]:
        default = param.get("default")
        notes = f" (default {lua(default)})" if default is not None else ""
        if param["doc"]:
            rows.append(f"- {both(param['name'])}{notes}: {' '.join(param['doc'].split())}")
        for table in tables(param["schema"]):
            rows.append(f"- Fields of {both(param['name'])}:\n{_indented(field_list(table))}")
    yield "\n".join(rows)
    for table in tables(described["result"]):
        yield f"Gives *{types.of(table)}*, a table with\n\n{field_list(table, given=False)}"
    if described["errors"]:
        yield f"Fails with {listed(described['errors'])}."
    if described.get("overridable"):
        yield "A class of the script's own may override it."
    yield examples(described)


def class_intro(described: Described, options: Described | None) -> Iterator[str]:
    """What a class is and how its objects are made."""
    yield described["doc"]
    if described["aliases"]:
        yield f"Also called {listed(described['aliases'])}."
    if described["extends"]:
        yield f"Extends `{described['extends']}`."
    if not described["constructible"]:
        return
    forms = {
        "lua": [f"{described['name']}.new({form})" for form in constructors(described, options, types_for("lua"))],
        "javascript": [
            f"new {described['name']}({form})" for form in constructors(described, options, types_for("javascript"))
        ],
    }
    yield fenced({language: "\n".join(lines) for language, lines in forms.items()})


def tool_details(described: Described) -> Iterator[str]:
    """What a built-in tool takes, gives, needs and may use."""
    tool = described["tool"]
    yield f"Models know it as `{tool['name']}`. Category: {tool['category']}."
    told = [f"- `{name}`: {said}" for name, said in operations(tool["parameters"]).items()]
    yield "Operations\n\n" + "\n".join(told) if told else ""
    parameters = tool["parameters"]
    if told:
        fields = parameters["properties"]
        short = {**fields["operation"], "description": "One of those above."}
        parameters = {**parameters, "properties": {**fields, "operation": short}}
    yield f"Parameters\n\n{field_list(parameters)}"
    yield from _named_inside(tool["parameters"])
    for table in tables(tool["result"]):
        yield f"Result\n\n{field_list(table, given=False)}"
        yield from _named_inside(table)
    yield f"Permissions: {listed(tool['permissions'])}." if tool["permissions"] else "It needs no permission."
    yield f"Limits: {tool['timeout'] / 1000:g} s, {tool['max_output']:,} characters of result."
    yield f"Needs the extra `{tool['extra']}`: `pip install 'llmspell[{tool['extra']}]'`." if tool["extra"] else ""
    calls: dict[str, list[str]] = {"lua": [], "javascript": []}
    declared = frozenset(tool["parameters"].get("properties", {}))
    for found in tool["examples"]:
        for language, mark, written in (("lua", "--", lua), ("javascript", "//", javascript)):
            if found["note"]:
                calls[language].append(f"{mark} {found['note']}")
            gives = f"  {mark} {written(found['result'])}" if found["result"] is not None else ""
            calls[language].append(_call(described["name"], found["params"], declared, language) + gives)
    yield fenced({language: "\n".join(lines) for language, lines in calls.items()})


def _call(name: str, params: Described, declared: frozenset[str], language: str) -> str:
    if language == "lua":
        return f"{name}.new():execute({lua(params)})"
    return f"await new {name}().execute({javascript(params, declared)})"


def examples(described: Described) -> str:
    return fenced({language: example(described, language) for language in described.get("languages", FENCES)})


def tables(schema: Described) -> list[Described]:
    """The described tables in a schema, itself or an alternative of it."""
    parts = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if isinstance(schema.get("items"), dict):
        parts.append(schema["items"])
    return [part for part in parts if part.get("properties")]


def _named_inside(schema: Described) -> Iterator[str]:
    """The tables with names of their own that its fields hold, each once."""
    todo, told = [schema], {schema.get("x-name", "")}
    while todo:
        part = todo.pop(0)
        inner = [each for each in (part.get("items"), part.get("additionalProperties")) if isinstance(each, dict)]
        todo += [*part.get("properties", {}).values(), *part.get("anyOf", ()), *part.get("oneOf", ()), *inner]
        if part.get("properties") and part.get("x-name") and part["x-name"] not in told:
            told.add(part["x-name"])
            yield f"Each `{part['x-name']}`\n\n{field_list(part, given=False)}"


def listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
