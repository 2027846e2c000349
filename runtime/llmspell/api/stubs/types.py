"""Schemas as type text: LuaLS's and TypeScript's words for one description.

Named shapes (`x-name`) are written by name and collected, so that a stub can define each once. Knows no class.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final

from llmspell.api.names import camel

Schema = dict[str, Any]

#: Texts that name something of a list that stubs define, by their `x-kind`.
_NAMED: Final = {"hook_point": "HookPoint", "event": "EventName", "tool": "ToolName"}


class Types(ABC):
    """Writes types in one language. `shapes` holds the named shapes met so far, by name."""

    language: ClassVar[str]
    words: ClassVar[dict[str, str]]
    anything: ClassVar[str] = "any"

    def __init__(self) -> None:
        self.shapes: dict[str, Schema] = {}

    def of(self, schema: Schema) -> str:
        """The type of a value that fits the schema."""
        match schema:
            case {"x-object": str(name)}:
                return name
            case {"x-error": True}:
                return "LlmspellError"
            case {"x-bytes": True}:
                return self.words["bytes"]
            case {"x-function": _}:
                return self.function(schema)
            case {"const": value}:
                return self.literal(value)
            case {"enum": [True, False], "type": "boolean"}:
                return self.words["boolean"]
            case {"enum": list(values) | tuple(values)}:
                return self.union([self.literal(value) for value in values])
            case {"anyOf": parts} | {"oneOf": parts}:
                return self.union([self.of(part) for part in parts])
            case {"allOf": [part]}:
                return self.of(part)
            case {"type": list(kinds)}:
                return self.union([self.of({**schema, "type": kind}) for kind in kinds])
            case {"type": "string", "x-kind": kind} if kind in _NAMED:
                return _NAMED[kind]
            case {"type": "array"}:
                return self.list_of(schema)
            case {"type": "object"}:
                return self.table(schema)
            case {"type": str(kind)} if kind in self.words:
                return self.words[kind]
            case _:
                return self.anything

    def union(self, parts: list[str]) -> str:
        distinct = list(dict.fromkeys(parts))
        if self.anything in distinct:
            return self.anything
        return " | ".join(f"({part})" if _loose(part) and len(distinct) > 1 else part for part in distinct)

    def optional(self, schema: Schema) -> str:
        """The type without its `nil`: for a field or argument that may be left out anyway."""
        parts = schema.get("anyOf")
        if not parts:
            return self.of(schema)
        rest = [part for part in parts if part.get("type") != "null"]
        return self.of({**schema, "anyOf": rest} if len(rest) != 1 else rest[0])

    def list_of(self, schema: Schema) -> str:
        items = schema.get("items")
        inner = self.of(items) if isinstance(items, dict) and items else self.anything
        return f"({inner})[]" if _loose(inner) or " | " in inner else f"{inner}[]"

    def table(self, schema: Schema) -> str:
        name = schema.get("x-name")
        if name is not None:
            if "properties" in schema:
                self._collect(name, schema)
            return name
        rest = schema.get("additionalProperties")
        if schema.get("properties"):
            return self.inline(schema)
        if isinstance(rest, dict) and schema.get("propertyNames", {}).get("x-kind") == "hook_point":
            return "HookHandlers"
        return self.map_of(self.of(rest) if isinstance(rest, dict) and rest else self.anything)

    def fields(self, schema: Schema) -> list[tuple[str, str, bool, Schema]]:
        """Each declared field: its name in this language, its type, whether it must be there, its schema."""
        required = schema.get("required", ())
        return [
            (self.name(key), self.optional(inner) if key not in required else self.of(inner), key in required, inner)
            for key, inner in schema.get("properties", {}).items()
        ]

    def literal(self, value: Any) -> str:
        return "nil" if value is None and self.language == "lua" else json.dumps(value, ensure_ascii=False)

    def name(self, key: str) -> str:
        return camel(key) if self.language == "javascript" else key

    @abstractmethod
    def function(self, schema: Schema) -> str: ...

    def inline(self, schema: Schema) -> str:
        parts = [f"{name}{'' if required else '?'}: {kind}" for name, kind, required, _ in self.fields(schema)]
        return "{ " + ", ".join(parts) + " }"

    @abstractmethod
    def map_of(self, inner: str) -> str: ...

    def _collect(self, name: str, schema: Schema) -> None:
        known = self.shapes.get(name)
        if known is None:
            self.shapes[name] = schema
            self.fields(schema)  # collects the shapes inside
        elif known["properties"].keys() != schema["properties"].keys():
            raise ValueError(f"two different shapes are called {name!r}: rename one of them")


class LuaTypes(Types):
    language = "lua"
    words: ClassVar[dict[str, str]] = {
        "string": "string",
        "number": "number",
        "integer": "integer",
        "boolean": "boolean",
        "null": "nil",
        "bytes": "string",
    }

    def function(self, schema: Schema) -> str:
        match schema:
            case {"x-kind": "hook_handler"}:
                return "fun(context: HookContext)"
            case {"x-kind": "event_handler"}:
                return "fun(event: EventData)"
            case {"x-params": params}:
                inner = ", ".join(f"{name}: {self.of(found)}" for name, found in params.items())
                result = f": {self.of(schema['x-result'])}" if "x-result" in schema else ""
                return f"fun({inner}){result}"
            case _:
                return "function"

    def map_of(self, inner: str) -> str:
        return f"table<string, {inner}>"


class TypeScriptTypes(Types):
    language = "javascript"
    words: ClassVar[dict[str, str]] = {
        "string": "string",
        "number": "number",
        "integer": "number",
        "boolean": "boolean",
        "null": "null",
        "bytes": "Uint8Array",
    }

    def function(self, schema: Schema) -> str:
        match schema:
            case {"x-kind": "hook_handler"}:
                return "(context: HookContext) => unknown"
            case {"x-kind": "event_handler"}:
                return "(event: EventData) => unknown"
            case {"x-params": params}:
                inner = ", ".join(f"{self.name(name)}: {self.of(found)}" for name, found in params.items())
                result = self.of(schema["x-result"]) if "x-result" in schema else "unknown"
                return f"({inner}) => {result if result in {'any', 'unknown'} else f'{result} | Promise<{result}>'}"
            case _:
                return "(...args: any[]) => any"

    def map_of(self, inner: str) -> str:
        return f"Record<string, {inner}>"


def remarks(schema: Schema, spelled: Any = json.dumps) -> list[str]:
    """What a type cannot say, as short phrases: the default, the bounds."""
    found: list[str] = []
    if schema.get("default") is not None:
        found.append(f"default {spelled(schema['default'])}")
    low = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    high = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    unit = " characters" if "minLength" in schema or "maxLength" in schema else ""
    unit = " items" if "minItems" in schema or "maxItems" in schema else unit
    if schema.get("exclusiveMinimum") is not None:
        found.append(f"more than {schema['exclusiveMinimum']}")
    if low is not None and high is not None:
        found.append(f"{low} to {high}{unit}")
    elif low is not None:
        found.append(f"at least {low}{unit}")
    elif high is not None:
        found.append(f"at most {high}{unit}")
    if "maxProperties" in schema:
        found.append(f"at most {schema['maxProperties']} fields")
    if "pattern" in schema:
        found.append(f"as the pattern `{schema['pattern']}`")
    for part in schema.get("anyOf", ()):
        found.extend(phrase for phrase in remarks(part, spelled) if phrase not in found)
    return found


def _loose(text: str) -> bool:
    """Whether a type needs brackets inside a union or a list: only function types do."""
    return text.startswith("fun(") or "=>" in text
