"""What a name means: `Agent`, `agent:chat`, `beforeLLMCall`, `tool:called`, `calculator`, `rate_limit`, `max_turns`.

Every spelling of both languages finds the same entries. Knows nothing of how an entry is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Literal

from llmspell.api.names import camel, snake
from llmspell.api.registry import Registry
from llmspell.frozen import frozen

Described = dict[str, Any]
Kind = Literal["class", "tool", "method", "property", "option", "hook", "event", "error", "global"]


@frozen
class Entry:
    """One thing of the registry. owner: the class it was found in (the one that declares it), for members."""

    kind: Kind
    name: str
    described: Described
    owner: Described | None = None

    @property
    def full_name(self) -> str:
        return f"{self.owner['name']}.{self.name}" if self.owner is not None else self.name


def find(registry: Registry, text: str) -> list[Entry]:
    """What the name means, most likely first; empty where it means nothing."""
    text = text.strip().removesuffix("()")
    found = list(_named(registry, text))
    if not found and (parts := re.fullmatch(r"(\w+)\s*[.:]\s*(\w+)", text)):
        found = list(_member(registry, parts[1], parts[2]))
    if not found:
        found = list(_bare_member(registry, snake(text)))
    return found or list(_class_in_any_case(registry, text))


def suggestions(registry: Registry, text: str, limit: int = 3) -> list[str]:
    """Names close to one that means nothing, in the spelling it was asked in."""
    camel_case = text != text.lower() and "_" not in text
    spelled = [camel(name) if camel_case and "." not in name else name for name in all_names(registry)]
    spelled.sort(key=lambda name: name[:1].isupper() != text[:1].isupper())
    by_key: dict[str, str] = {}
    for name in spelled:
        by_key.setdefault(snake(name.rpartition(".")[2] if "." not in text and ":" not in text else name), name)
    close = get_close_matches(snake(text), by_key, n=limit, cutoff=0.6)
    return list(dict.fromkeys(by_key[key] for key in close))


def all_names(registry: Registry) -> Iterator[str]:
    """Every name that `find` knows, once, in snake_case: what completion offers."""
    yield from registry.names
    yield from registry.tools
    yield from (point["name"] for point in registry.described["hook_points"])
    yield from (kind["name"] for kind in registry.described["events"])
    yield from registry.described["event_aliases"]
    for error in registry.described["errors"]:
        yield error["name"]
    for name, described in registry.classes.items():
        for kind in ("methods", "statics", "properties"):
            yield from (f"{name}.{member}" for member in described[kind])


def lineage(registry: Registry, class_name: str) -> Iterator[Described]:
    """The class and its bases, nearest first."""
    described = registry.classes.get(class_name)
    while described is not None:
        yield described
        described = registry.classes.get(described["extends"] or "")


def options_of(registry: Registry, described: Described) -> Described | None:
    """The schema of a class's option table, its own or the one it inherits."""
    return next((found["options"] for found in lineage(registry, described["name"]) if found["options"]), None)


def _named(registry: Registry, text: str) -> Iterator[Entry]:
    """Things that are called exactly so, in whatever spelling."""
    name = snake(text)
    if text in registry.names:
        described = registry.classes[registry.names[text]]
        yield Entry("tool" if described["tool"] else "class", described["name"], described)
    if name in registry.tools and text not in registry.names:
        described = registry.classes[registry.tools[name]["class"]]
        yield Entry("tool", described["name"], described)
    for point in registry.described["hook_points"]:
        if point["name"] == name:
            yield Entry("hook", point["name"], point)
    canonical = registry.described["event_aliases"].get(name, name)
    for kind in registry.described["events"]:
        if kind["name"] == canonical:
            yield Entry("event", kind["name"], kind)
    for error in registry.described["errors"]:
        if text == error["name"] or name == error["type"]:
            yield Entry("error", error["name"], error)
    if text in registry.described["globals"]:
        yield Entry("global", text, registry.described["globals"][text])


def _member(registry: Registry, owner: str, member: str) -> Iterator[Entry]:
    """`Agent.chat`, `agent:chat`, `agent.systemPrompt`, `Agent.new`."""
    for start in _classes_called(registry, owner):
        if member == "new":
            yield Entry("class", start["name"], start)
            return
        name = snake(member).removesuffix("_async") if snake(member).endswith("_async") else snake(member)
        for described in lineage(registry, start["name"]):
            yield from _members_of(described, name)
        options = options_of(registry, start)
        if options is not None and name in options["properties"]:
            yield Entry("option", name, options["properties"][name], start)


def _members_of(described: Described, name: str) -> Iterator[Entry]:
    for kind in ("methods", "statics"):
        if name in described[kind]:
            yield Entry("method", name, described[kind][name], described)
    if name in described["properties"]:
        yield Entry("property", name, described["properties"][name], described)


def _bare_member(registry: Registry, name: str) -> Iterator[Entry]:
    for described in registry.classes.values():
        yield from _members_of(described, name)
    for described in registry.classes.values():
        if described["options"] is not None and name in described["options"]["properties"]:
            yield Entry("option", name, described["options"]["properties"][name], described)


def _classes_called(registry: Registry, text: str) -> list[Described]:
    """A class by its name, or by what a variable that holds one is called: `agent`, `chatAgent`, `chat_agent`."""
    if text in registry.names:
        return [registry.classes[registry.names[text]]]
    key = snake(text).replace("_", "")
    return [registry.classes[name] for spelled, name in registry.names.items() if spelled.lower() == key][:1]


def _class_in_any_case(registry: Registry, text: str) -> Iterator[Entry]:
    for described in _classes_called(registry, text):
        yield Entry("tool" if described["tool"] else "class", described["name"], described)
