"""Which part of a schema a value is meant for. Knows no words and changes no value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmspell.api.names import snake

Schema = dict[str, Any]


def branch(value: Any, schema: Schema) -> Schema:
    """The alternative of an `anyOf` that has the value's shape; of several tables, the one with most of its keys."""
    alternatives: list[Schema] | None = schema.get("anyOf") or schema.get("oneOf")
    if not alternatives:
        return schema
    plain = [found for found in alternatives if "x-function" not in found and "x-object" not in found]
    if isinstance(value, dict):
        tables = [found for found in plain if found.get("type") == "object"]
        keys = {snake(key) for key in value if isinstance(key, str)}
        return max(tables, key=lambda found: len(keys & found.get("properties", {}).keys()), default=schema)
    if isinstance(value, list):
        lists = [found for found in plain if found.get("type") == "array"]
        if not lists and not value:
            lists = [found for found in plain if wants_object(found)]
        return lists[0] if lists else schema
    return schema


def wants_object(schema: Schema) -> bool:
    return schema.get("type") == "object" and "x-function" not in schema and "x-object" not in schema


def schema_at(schema: Schema, path: Iterable[str | int], value: Any) -> Schema:
    """The schema of what lies at `path` in `value`; {} where none is declared."""
    current = schema
    for part in path:
        inner_of = branch(value, current)
        inner: Any = inner_of.get("items") if isinstance(part, int) else inner_of.get("properties", {}).get(part)
        if not isinstance(inner, dict):
            inner = inner_of.get("additionalProperties")
        current = inner if isinstance(inner, dict) else {}
        value = value[part]
    return current
