"""The reference of one name, as Markdown: what hover shows and `llmspell help NAME` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmspell.api import fields
from llmspell.api.lookup import Entry, find, lineage, options_of
from llmspell.api.names import camel
from llmspell.api.registry import Registry
from llmspell.api.registry import registry as installed
from llmspell.api.stubs.markdown import (
    both,
    class_intro,
    examples,
    fenced,
    field_list,
    method_details,
    summary,
    tables,
    tool_details,
)
from llmspell.api.stubs.signatures import instance, languages, signature, types_for

Described = dict[str, Any]


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
            parts = method(entry.described, entry.owner or {})
        case "property":
            parts = _property(entry.described, entry.owner or {})
        case "option":
            parts = _option(entry, options_of(registry, entry.owner or {}) or {})
        case "hook":
            parts = _hook(entry.described)
        case "event":
            parts = _event(registry, entry.described)
        case "error":
            parts = _error(entry.described)
        case "global":
            parts = iter((f"# {entry.name}", str(entry.described.get("doc", "A global value."))))
    return "\n\n".join(part for part in parts if part)


def method(described: Described, owner: Described) -> Iterator[str]:
    yield f"# {owner['name']}.{described['name']}"
    yield fenced({language: signature(owner, described, language) for language in languages(owner, described)})
    yield described["doc"]
    yield from method_details(described)


def _class(registry: Registry, described: Described) -> Iterator[str]:
    yield f"# {described['name']}"
    yield from class_intro(described, options_of(registry, described))
    yield examples(described)
    options = options_of(registry, described) if described["constructible"] else None
    if options is not None:
        yield f"Options\n\n{field_list(options)}"
    yield from _member_list(registry, described)


def _member_list(registry: Registry, described: Described) -> Iterator[str]:
    rows: dict[str, str] = {}
    for owner in lineage(registry, described["name"]):
        for kind in ("methods", "statics", "properties"):
            for name, member in owner[kind].items():
                rows.setdefault(name, f"- {both(name)}: {summary(member['doc'])}")
    if rows:
        yield "Members\n\n" + "\n".join(rows[name] for name in sorted(rows))


def _tool(registry: Registry, described: Described) -> Iterator[str]:
    yield f"# {described['name']}"
    yield from class_intro(described, options_of(registry, described))
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
    yield examples(described)


def _option(entry: Entry, options: Described) -> Iterator[str]:
    yield f"# {(entry.owner or {})['name']}, option {both(entry.name)}"
    one = {"properties": {entry.name: entry.described}, "required": options.get("required", [])}
    yield field_list(one)
    for table in tables(entry.described):
        yield f"Its fields\n\n{field_list(table)}"


def _hook(point: Described) -> Iterator[str]:
    yield f"# {both(point['name'])}, a hook point"
    yield point["doc"]
    for title, names in (("A handler may change", point["writable"]), ("It finds", point["readable"])):
        if names:
            described = {name: fields.schema(point["name"], name) for name in names}
            yield f"{title}\n\n{field_list({'properties': described})}"
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
