"""The registry at run time: the generated description, loaded once, asked by name.

Loading reads one JSON file (no pydantic, no exposed class is imported). Knows nothing of how a member works.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from llmspell.api.check import Checker
from llmspell.frozen import frozen

GENERATED: Final = Path(__file__).parent / "generated"


@dataclass(frozen=True)
class Member:
    """A method as the registry describes it. `full_name` is `Agent.chat`."""

    full_name: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        return self.described["name"]

    @property
    def kind(self) -> str:
        return self.described["kind"]

    @property
    def static(self) -> bool:
        return self.described["static"]

    @property
    def overridable(self) -> bool:
        return self.described["overridable"]

    @cached_property
    def params(self) -> tuple[Parameter, ...]:
        return tuple(Parameter.read(found) for found in self.described["params"])

    @cached_property
    def result(self) -> dict[str, Any]:
        return self.described["result"]


@frozen
class Parameter:
    name: str
    required: bool
    variadic: bool
    checker: Checker

    @staticmethod
    def read(described: dict[str, Any]) -> Parameter:
        return Parameter(described["name"], described["required"], described["variadic"], Checker(described["schema"]))


class Registry:
    """Classes, members, options, events and hook points by name."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self.classes: dict[str, dict[str, Any]] = described["classes"]
        self._methods: dict[str, Member | None] = {}
        self._properties: dict[str, dict[str, Any] | None] = {}
        self._options: dict[str, Checker | None] = {}

    def method(self, class_name: str, name: str, *, static: bool = False) -> Member | None:
        """The method as the class or one of its bases describes it; a class may have a static one of the same name
        (`Agent.execute("name", input)` and `agent:execute(input)`)."""
        kind = "statics" if static else "methods"
        key = f"{class_name}.{kind}.{name}"
        if key not in self._methods:
            found = self._inherited(class_name, kind, name)
            self._methods[key] = None if found is None else Member(f"{found[0]}.{name}", found[1])
        return self._methods[key]

    def property(self, class_name: str, name: str) -> dict[str, Any] | None:
        key = f"{class_name}.{name}"
        if key not in self._properties:
            found = self._inherited(class_name, "properties", name)
            self._properties[key] = None if found is None else found[1]
        return self._properties[key]

    def options(self, class_name: str) -> Checker | None:
        """The checker of a class's option table; None for a class that takes none."""
        if class_name not in self._options:
            current: str | None = class_name
            schema: dict[str, Any] | None = None
            while current is not None and schema is None:
                schema = self.classes[current]["options"]
                current = self.classes[current]["extends"]
            self._options[class_name] = None if schema is None else Checker(schema)
        return self._options[class_name]

    @cached_property
    def tools(self) -> dict[str, dict[str, Any]]:
        """Built-in tools by their name for models, each with its `class`."""
        return {
            described["tool"]["name"]: {**described["tool"], "class": name, "description": described["doc"]}
            for name, described in sorted(self.classes.items())
            if described["tool"] is not None
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """Each global class name and alias, to the class's own name."""
        found = {name: name for name in self.classes}
        for name, described in self.classes.items():
            found.update(dict.fromkeys(described["aliases"], name))
        return found

    def _inherited(self, class_name: str, kind: str, name: str) -> tuple[str, dict[str, Any]] | None:
        current: str | None = class_name
        while current is not None:
            described = self.classes.get(current)
            if described is None:
                return None
            if name in described[kind]:
                return current, described[kind][name]
            current = described["extends"]
        return None


@cache
def registry() -> Registry:
    """The registry of this installation."""
    return Registry(json.loads((GENERATED / "api.gen.json").read_bytes()))
