"""A `Binding` laid out as the prelude wants it: inherited members included, each under every spelling it may have.

Knows no Lua: it gives plain values that cross like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmspell.api.names import camel
from llmspell.engines.binding import Binding, Class, Method, Property

#: The synchronous method by which an object reads as text: `tostring`, `..` and `#`.
TEXT_METHOD = "to_string"


def lay_out(binding: Binding) -> dict[str, Any]:
    """`{classes, errors}`, base classes before those that extend them."""
    by_name = {one["name"]: one for one in binding["classes"]}
    return {
        "classes": [_class(one, _lineage(one, by_name)) for one in binding["classes"]],
        "errors": [dict(one) for one in binding["errors"]],
    }


def _lineage(one: Class, by_name: dict[str, Class]) -> list[Class]:
    """The class and those it extends, itself first."""
    lineage = [one]
    while (parent := lineage[-1]["extends"]) is not None and parent in by_name:
        lineage.append(by_name[parent])
    return lineage


def _class(one: Class, lineage: list[Class]) -> dict[str, Any]:
    methods = _inherited((owner["name"], m) for owner in lineage for m in owner["methods"] if _is_instance(owner, m))
    statics = _inherited(
        (owner["name"], m) for owner in lineage for m in owner["methods"] if not _is_instance(owner, m)
    )
    properties: dict[str, dict[str, Any]] = {}
    for owner in lineage:
        for item in owner["properties"]:
            properties.setdefault(item["name"], _property(owner["name"], item))
    opened = next(
        (f"{owner['name']}.{p['name']}" for owner in lineage for p in owner["properties"] if p.get("open")), None
    )
    text = next((m["frame"] for m in methods if m["name"] == TEXT_METHOD and m["kind"] == "sync"), None)
    return {
        "name": one["name"],
        "aliases": one["aliases"],
        "namespace": one["namespace"],
        "constructible": one["constructible"],
        "options": {spelling: True for name in one["options"] for spelling in _spellings(name)},
        "positional": one["positional"],
        "methods": methods,
        "statics": statics,
        "properties": list(properties.values()),
        "text": text,
        "open": opened,
    }


def _is_instance(owner: Class, method: Method) -> bool:
    return not (method["static"] or owner["namespace"])


def _inherited(members: Iterable[tuple[str, Method]]) -> list[dict[str, Any]]:
    """Each method once, as its nearest class declares it; `local` ones are the prelude's."""
    nearest: dict[str, dict[str, Any]] = {}
    for owner, method in members:
        if method["kind"] != "local":
            nearest.setdefault(method["name"], _method(owner, method))
    return list(nearest.values())


def _method(owner: str, method: Method) -> dict[str, Any]:
    name = method["name"]
    return {
        "name": name,
        "frame": f"{owner}.{name}",
        "kind": method["kind"],
        "overridable": method["overridable"],
        "prefix": method.get("prefix", False),
        "spellings": _spellings(name),
        "async_spellings": _spellings(f"{name}_async"),
    }


def _property(owner: str, item: Property) -> dict[str, Any]:
    return {
        "frame": f"{owner}.{item['name']}",
        "writable": item["writable"],
        "live": item["live"],
        "spellings": _spellings(item["name"]),
    }


def _spellings(name: str) -> list[str]:
    return list(dict.fromkeys((name, camel(name))))
