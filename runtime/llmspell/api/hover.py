"""The reference of one name, as Markdown: what hover shows, what `llmspell help NAME` prints, what pages are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmspell.api import fields
from llmspell.api.lookup import Entry, find, lineage, options_of
from llmspell.api.names import camel
from llmspell.api.registry import Registry
from llmspell.api.registry import registry as installed
from llmspell.api.stubs.literals import javascript, lua
from llmspell.api.stubs.signatures import constructors, example, instance, signature, types_for
from llmspell.api.stubs.types import LuaTypes, remarks

Described = dict[str, Any]

_FENCES: Final = {"lua": "lua", "javascript": "js"}


def hover(name: str, registry: Registry | None = None) -> str:
    """The Markdown of what the name most likely means; "" for a name that means nothing."""
    registry = registry or installed()
    found = find(registry, name)
    return describe(registry, found[0]) if found else ""


def describe(registry: Registry, entry: Entry) -> str:
    """The Markdown of one entry, its heading first."""
    match entry.kind:
        case "class":
            parts = _class(registry, entry.described)
        case "tool":
            parts = _tool(registry, entry.described)
        case "method":
            parts = method(registry, entry.described, entry.owner or {})
        case "property":
            parts = _property(entry.described, entry.owner or {})
        case "option":
            parts = _option(entry)
        case "hook":
            parts = _hook(entry.described)
        case "event":
            parts = _event(registry, entry.described)
        case "error":
            parts = _error(entry.described)
        case "global":
            parts = iter((f"# {entry.name}", str(entry.described.get("doc", "A global value."))))
    return "\n\n".join(part for part in parts if part)


def both(name: str) -> str:
    """A name in both languages' spellings, where they differ."""
    return f"`{name}`" if camel(name) == name else f"`{name}` / `{camel(name)}`"


def field_list(schema: Described) -> str:
    """The declared fields of a table, one bullet each."""
    types = LuaTypes()
    rows: list[str] = []
    for key, inner in schema.get("properties", {}).items():
        required = key in schema.get("required", ())
        notes = ", ".join((*(("required",) if required else ()), *remarks(inner, lua)))
        about = " ".join(inner.get("description", "").split())
        kind = types.of(inner) if required else types.optional(inner)
        rows.append(f"- {both(key)} *{kind}*{f' ({notes})' if notes else ''}{f': {about}' if about else ''}")
    return "\n".join(rows)


def fenced(texts: dict[str, str]) -> str:
    """Code of both languages, Lua first."""
    return "\n\n".join(f"```{_FENCES[language]}\n{text}\n```" for language, text in texts.items() if text)


def summary(doc: str) -> str:
    """The first sentence or paragraph, on one line."""
    return " ".join(doc.split("\n\n")[0].split())


def method(registry: Registry, described: Described, owner: Described) -> Iterator[str]:
    yield f"# {owner['name']}.{described['name']}"
    yield fenced({language: signature(owner, described, language) for language in _FENCES})
    yield described["doc"]
    yield from method_details(described)


def method_details(described: Described) -> Iterator[str]:
    """What a signature does not say: arguments, result's shape, errors, an example."""
    types = LuaTypes()
    rows: list[str] = []
    for param in described["params"]:
        default = param.get("default")
        notes = f" (default {lua(default)})" if default is not None else ""
        if param["doc"]:
            rows.append(f"- {both(param['name'])}{notes}: {' '.join(param['doc'].split())}")
        for table in _tables(param["schema"]):
            rows.append(f"- Fields of {both(param['name'])}:\n{_indented(field_list(table))}")
    yield "\n".join(rows)
    for table in _tables(described["result"]):
        yield f"Gives *{types.of(table)}*, a table with\n\n{field_list(table)}"
    if described["errors"]:
        yield f"Fails with {_kinds(described['errors'])}."
    if described.get("overridable"):
        yield "A class of the script's own may override it."
    yield _examples(described)


def class_intro(registry: Registry, described: Described) -> Iterator[str]:
    """What a class is and how its objects are made."""
    yield described["doc"]
    if described["aliases"]:
        yield f"Also called {_kinds(described['aliases'])}."
    if described["extends"]:
        yield f"Extends `{described['extends']}`."
    if not described["constructible"]:
        return
    options = options_of(registry, described)
    forms = {
        "lua": [
            f"{described['name']}.new({form})" for form in constructors(described, options, types_for("lua"))
        ],
        "javascript": [
            f"new {described['name']}({form})" for form in constructors(described, options, types_for("javascript"))
        ],
    }
    yield fenced({language: "\n".join(lines) for language, lines in forms.items()})


def tool_details(described: Described) -> Iterator[str]:
    """What a built-in tool takes, gives, needs and may use."""
    tool = described["tool"]
    yield f"Models know it as `{tool['name']}`. Category: {tool['category']}."
    yield f"Parameters\n\n{field_list(tool['parameters'])}"
    for table in _tables(tool["result"]):
        yield f"Result\n\n{field_list(table)}"
    yield f"Permissions: {_kinds(tool['permissions'])}." if tool["permissions"] else "It needs no permission."
    yield f"Limits: {tool['timeout'] / 1000:g} s, {tool['max_output']:,} characters of result."
    calls: dict[str, list[str]] = {"lua": [], "javascript": []}
    for found in tool["examples"]:
        declared = frozenset(tool["parameters"].get("properties", {}))
        given = f" {found['note']}" if found["note"] else ""
        result = found["result"]
        for language, mark, written in (("lua", "--", lua), ("javascript", "//", javascript)):
            tail = f"  {mark}{given}" if given else ""
            tail += f"{',' if given else f'  {mark}'} gives {written(result)}" if result is not None else ""
            calls[language].append(_call(described["name"], found["params"], declared, language) + tail)
    yield fenced({language: "\n".join(lines) for language, lines in calls.items()})


def _call(name: str, params: Described, declared: frozenset[str], language: str) -> str:
    if language == "lua":
        return f"{name}.new():execute({lua(params)})"
    return f"await new {name}().execute({javascript(params, declared)})"


def _class(registry: Registry, described: Described) -> Iterator[str]:
    yield f"# {described['name']}"
    yield from class_intro(registry, described)
    yield _examples(described)
    options = options_of(registry, described) if described["constructible"] else None
    if options is not None:
        yield f"Options\n\n{field_list(options)}"
    yield from _member_list(registry, described)


def _member_list(registry: Registry, described: Described) -> Iterator[str]:
    rows: dict[str, str] = {}
    for owner in lineage(registry, described["name"]):
        for kind in ("statics", "methods", "properties"):
            for name, member in owner[kind].items():
                rows.setdefault(name, f"- {both(name)}: {summary(member['doc'])}")
    if rows:
        yield "Members\n\n" + "\n".join(rows[name] for name in sorted(rows))


def _tool(registry: Registry, described: Described) -> Iterator[str]:
    yield f"# {described['name']}"
    yield from class_intro(registry, described)
    yield from tool_details(described)
    if (options := options_of(registry, described)) is not None:
        yield f"Options\n\n{field_list(options)}"


def _property(described: Described, owner: Described) -> Iterator[str]:
    yield f"# {owner['name']}.{described['name']}"
    held = owner["name"] if described["static"] or owner["namespace"] else instance(owner["name"])
    texts = {
        "lua": f"{held}.{described['name']}: {types_for('lua').of(described['schema'])}",
        "javascript": f"{held}.{camel(described['name'])}: {types_for('javascript').of(described['schema'])}",
    }
    yield fenced(texts)
    yield described["doc"] + ("" if described["writable"] else "\n\nRead only.")
    yield _examples(described)


def _option(entry: Entry) -> Iterator[str]:
    owner = entry.owner or {}
    yield f"# {owner['name']}, option {both(entry.name)}"
    yield field_list({"properties": {entry.name: entry.described}, "required": owner["options"].get("required", [])}
                     if owner.get("options") else {"properties": {entry.name: entry.described}})  # fmt: skip


def _hook(point: Described) -> Iterator[str]:
    yield f"# {both(point['name'])}, a hook point"
    yield point["doc"]
    for title, names in (("A handler may change", point["writable"]), ("It finds", point["readable"])):
        schema = {"properties": {name: fields.schema(point["name"], name) for name in names}}
        schema["required"] = []
        if names:
            yield f"{title}\n\n{field_list(schema)}"
    throws = "A throw fails the unit (a veto)." if point["veto"] else "A throw is an event, nothing more."
    yield throws + (" `context.retry = true` repeats the unit." if point["retry"] else "")
    yield fenced(
        {
            "lua": f'Hooks.register("{point["name"]}", function(context)\n    print(context.{_shown(point)})\nend)',
            "javascript": f'Hooks.register("{camel(point["name"])}", (context) => {{\n'
            f"  console.log(context.{camel(_shown(point))});\n}});",
        }
    )


def _shown(point: Described) -> str:
    return [*point["writable"], *point["readable"]][0]


def _event(registry: Registry, kind: Described) -> Iterator[str]:
    name = kind["name"]
    yield f"# {both(name)}, an event"
    yield kind["doc"]
    older = [alias for alias, meant in registry.described["event_aliases"].items() if meant == name]
    spelled = [f"`{name.replace('_', ':', 1)}`", *(both(alias) for alias in older)]
    yield f"Also spelled {', '.join(spelled)}." if "_" in name else ""
    heard = "agent's listeners and the bus" if kind["scope"] == "agent" else "bus"
    yield f"Heard by the {heard}. Its data:"
    yield field_list({"properties": {field: fields.schema(name, field) for field in kind["fields"]}})
    target = ("agent:on", "agent.on") if kind["scope"] == "agent" else ("eventBus.on", "eventBus.on")
    first = kind["fields"][0]
    yield fenced(
        {
            "lua": f'{target[0]}("{name}", function(event)\n    print(event.{first})\nend)',
            "javascript": f'{target[1]}("{camel(name)}", (event) => {{\n  console.log(event.{camel(first)});\n}});',
        }
    )


def _error(error: Described) -> Iterator[str]:
    yield f"# {error['name']}"
    yield f"{error['doc']} Its `type` is `{error['type']}`."
    yield "Fields: `message`, `type`, `name`, `retry_after` / `retryAfter`, `retryable`, `source`, `hint`, `data`."
    yield fenced(
        {
            "lua": f'local ok, problem = pcall(work)\nif not ok and problem.type == "{error["type"]}" then\n'
            "    print(problem.message)\nend",
            "javascript": "try {\n  await work();\n} catch (problem) {\n"
            f"  if (problem instanceof {error['name']}) console.log(problem.message);\n}}",
        }
    )


def _examples(described: Described) -> str:
    return fenced({language: example(described, language) for language in _FENCES})


def _tables(schema: Described) -> list[Described]:
    """The described tables in a schema, itself or an alternative of it."""
    parts = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if isinstance(schema.get("items"), dict):
        parts.append(schema["items"])
    return [part for part in parts if part.get("properties")]


def _kinds(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
