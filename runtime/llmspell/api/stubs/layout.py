"""The registry as the stubs of both languages lay it out: order, inheritance, what is global. Writes no text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmspell.api import fields
from llmspell.api.names import camel

Described = dict[str, Any]


class Layout:
    def __init__(self, registry: Described, language: str) -> None:
        self._registry = registry
        self._classes: dict[str, Described] = {
            name: {**described, **{kind: _spoken(described[kind], language) for kind in ("methods", "statics")}}
            for name, described in registry["classes"].items()
            if language in described["languages"]
        }
        self.classes = _bases_first(self._classes)

    @property
    def tools(self) -> list[tuple[Described, Described]]:
        """Each built-in tool: its class and its mark."""
        return [(found, found["tool"]) for found in self._classes.values() if found["tool"] is not None]

    def options(self, described: Described) -> Described | None:
        """The schema of a class's option table, its own or the one it inherits."""
        current: Described | None = described
        while current is not None:
            if current["options"] is not None:
                return current["options"]
            current = self._classes.get(current["extends"] or "")
        return None

    def is_global(self, described: Described) -> bool:
        """Whether a script can name the class: others are only what calls give."""
        return described["constructible"] or described["namespace"] or bool(described["statics"])

    def methods(self, described: Described) -> list[Described]:
        """Methods of objects; a built-in tool's `execute` has its own parameters and result."""
        own = described["methods"]
        if described["tool"] is not None and "execute" not in own:
            own = {**own, "execute": _execute(described["name"], described["tool"])}
        return list(own.values())

    def twin(self, described: Described, method: Described) -> Described | None:
        """The static method of the same name as one for objects."""
        return None if method["static"] else described["statics"].get(method["name"])

    def context(self, point: Described, writable: str) -> Iterator[tuple[str, Described, str]]:
        """Each field of a hook point's context: name, schema, and `writable` where a handler may change it."""
        for name in point["writable"]:
            yield name, fields.schema(point["name"], name), writable
        for name in point["readable"]:
            yield name, fields.schema(point["name"], name), ""

    def event(self, kind: Described) -> Iterator[tuple[str, Described]]:
        for name in kind["fields"]:
            yield name, fields.schema(kind["name"], name)

    def every_event(self) -> Iterator[tuple[str, Described]]:
        """What each event's data has beside its own fields."""
        for name in ("event", "timestamp", "source"):
            yield name, fields.schema("", name)

    def spellings(self, event: str) -> list[str]:
        """An event's name and its older ones, in each spelling that a listener may use."""
        names = [event, *(alias for alias, name in self._registry["event_aliases"].items() if name == event)]
        found = [spelled for name in names for spelled in (name, camel(name), name.replace("_", ":", 1))]
        return list(dict.fromkeys(found))

    @property
    def globals(self) -> list[Described]:
        """Global values that are no class: `params`, `config`."""
        return [{"name": name, "schema": {}, **found} for name, found in self._registry["globals"].items()]


def _spoken(members: dict[str, Described], language: str) -> dict[str, Described]:
    return {name: member for name, member in members.items() if language in member["languages"]}


def _execute(owner: str, tool: Described) -> Described:
    base = owner.removesuffix("Tool")
    return {
        "name": "execute",
        "kind": "async",
        "waits": True,
        "static": False,
        "overridable": True,
        "doc": "Runs the tool and gives its content.",
        "params": [
            {
                "name": "params",
                "doc": "",
                "schema": {"x-name": f"{base}Params", **tool["parameters"]},
                "required": bool(tool["parameters"].get("required")),
                "variadic": False,
            }
        ],
        "result": {"x-name": f"{base}Result", **tool["result"]} if "properties" in tool["result"] else tool["result"],
        "errors": [],
        "example": "",
        "languages": ["lua", "javascript"],
    }


def _bases_first(classes: dict[str, Described]) -> list[Described]:
    ordered: dict[str, Described] = {}

    def place(name: str) -> None:
        if name in ordered or name not in classes:
            return
        place(classes[name]["extends"] or "")
        ordered[name] = classes[name]

    for name in classes:
        place(name)
    return list(ordered.values())
