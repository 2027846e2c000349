"""The registry at run time: the generated description, loaded once, asked by name.

Loading reads one JSON file (no pydantic, no exposed class is imported), whose classes stand on a line each and are
parsed when they are asked for: a run needs a few of them. Knows nothing of how a member works.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
        self.classes: Mapping[str, dict[str, Any]] = described["classes"]
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

    def tool(self, name: str) -> dict[str, Any]:
        """The built-in tool of a name for models, with its `class`. Raises KeyError."""
        class_name = self.described["tools"][name]
        described = self.classes[class_name]
        return {**described["tool"], "class": class_name, "description": described["doc"]}

    @cached_property
    def tools(self) -> dict[str, dict[str, Any]]:
        """Built-in tools by their name for models."""
        return {name: self.tool(name) for name in self.described["tools"]}

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


class _Classes(Mapping[str, dict[str, Any]]):
    """Classes as lines of JSON, `"Agent": {…}`, each parsed at its first use."""

    def __init__(self, lines: list[bytes]) -> None:
        self._texts = {line[1 : line.index(b'"', 1)].decode(): line for line in lines}
        self._parsed: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        found = self._parsed.get(name)
        if found is None:
            found = self._parsed[name] = json.loads(self._texts[name].partition(b": ")[2].removesuffix(b","))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


_CLASSES: Final = '{"classes": {'
_REST: Final = "},"


def written(described: dict[str, Any]) -> str:
    """The registry's file: JSON, each class and each other part on a line of its own."""
    classes = ",\n".join(f"{json.dumps(name)}: {_line(found)}" for name, found in described["classes"].items())
    rest = ",\n".join(f'"{name}": {_line(part)}' for name, part in described.items() if name != "classes")
    return f"{_CLASSES}\n{classes}\n{_REST}\n{rest}}}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@cache
def registry() -> Registry:
    """The registry of this installation."""
    classes, _, rest = (GENERATED / "api.gen.json").read_bytes().partition(f"\n{_REST}\n".encode())
    return Registry({**json.loads(b"{" + rest), "classes": _Classes(classes.split(b"\n")[1:])})
