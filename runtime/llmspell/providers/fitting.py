"""The smallest value that fits a JSON Schema: what the offline model answers where structured output is asked for.

An example, default, constant or first choice of the schema comes first; else required properties only, the shortest
text, the smallest number. Schemas whose patterns it cannot meet are an error that says so. Knows no model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from llmspell.errors import ArgumentError

_FORMATS: Final = {
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "PT0S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
#: Texts tried where a schema demands a pattern.
_CANDIDATES: Final = (
    *("offline", "Offline", "OFFLINE", "a", "A", "AA", "AB12", "a-b"),
    *("0", "1", "12", "123", "1234", "0.1", "1.0.0"),
)
#: Nested schemas deeper than this are taken to describe themselves without end.
_DEPTH: Final = 40
#: Items of a list and characters of a text.
_LARGEST: Final = 10_000


def fitting_value(schema: Mapping[str, Any]) -> Any:
    """The value, checked against the schema."""
    value = _value(schema, schema, 0)
    # jsonschema-rs takes 30 ms to import; only structured answers need it.
    import jsonschema_rs

    problem = next(iter(jsonschema_rs.iter_errors(dict(schema), value)), None)
    if problem is not None:
        raise ArgumentError(
            f"the offline model found no value that fits the schema: {problem.message}",
            hint="script the answer in replies.json, or give the schema an example",
        )
    return value


def _value(schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEPTH:
        raise ArgumentError(
            f"the schema describes itself without end ({_DEPTH} levels)",
            hint="script the answer in replies.json, or give the schema an example",
        )
    if not isinstance(schema, Mapping):
        return None
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return examples[0]
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    if "$ref" in schema:
        return _value(_resolve(schema["$ref"], root), root, depth + 1)
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            rest = {key: value for key, value in schema.items() if key != name}
            return _value(_merged([rest, schema[name][0]], root), root, depth + 1)
    if schema.get("allOf"):
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        return _value(_merged([rest, *schema["allOf"]], root), root, depth + 1)
    match _type(schema):
        case "object":
            properties = schema.get("properties", {})
            return {name: _value(properties.get(name, {}), root, depth + 1) for name in schema.get("required", ())}
        case "array":
            first = schema.get("prefixItems", [])
            values = [_value(one, root, depth + 1) for one in first]
            missing = _bounded(schema.get("minItems", 0)) - len(values)
            return values + [_value(schema.get("items", {}), root, depth + 1) for _ in range(missing)]
        case "string":
            return _text(schema)
        case "integer":
            return int(_number(schema, 1))
        case "number":
            return _number(schema, 0)
        case "boolean":
            return False
        case _:
            return None


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _resolve(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _merged(schemas: list[Any], root: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for schema in schemas:
        one: Any = _resolve(schema["$ref"], root) if "$ref" in schema else schema
        for key, value in (one or {}).items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged[key] = value
    return merged


def _text(schema: Mapping[str, Any]) -> str:
    least, most = _bounded(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
    if "pattern" in schema:
        shape = re.compile(schema["pattern"])
        fits = (text for text in _CANDIDATES if shape.search(text) and least <= len(text) <= most)
        return next(fits, "offline")
    text = _FORMATS.get(schema.get("format", ""), "offline")
    if len(text) < least:
        text = text.ljust(least, ".")
    return text[: int(most)] if len(text) > most else text


def _bounded(least: int) -> int:
    if least > _LARGEST:
        raise ArgumentError(
            f"the offline model answers with no more than {_LARGEST} items or characters, the schema wants {least}",
            hint="script the answer in replies.json, or give the schema an example",
        )
    return int(least)


def _number(schema: Mapping[str, Any], step: int) -> float:
    """Nought where it is allowed, else the number nearest a limit that is."""
    multiple = schema.get("multipleOf") or step
    least, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    most, below = schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf)
    low, high = max(least, above), min(most, below)
    tried: list[float] = [0]
    for edge in (low, high):
        if math.isfinite(edge):
            near = round(edge / multiple) * multiple if multiple else edge
            tried += [near, near + (multiple or 1), near - (multiple or 1)]
    tried.append((low + high) / 2)
    return next((number for number in tried if least <= number <= most and above < number < below), 0)
