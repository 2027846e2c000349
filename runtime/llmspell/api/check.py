"""Values against the registry's schemas: what a script gives is brought into form and checked, what it gets is named
in its language.

Only fields that a schema declares change their case; everything else is the user's own data. Checks are jsonschema-rs
on a JSON-like view in which functions and objects are markers. Knows no engine.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import jsonschema_rs

from llmspell.api.describe import class_mark
from llmspell.api.names import camel, snake
from llmspell.errors import ArgumentError, SchemaError

Schema = dict[str, Any]


class Checker:
    """One schema, compiled at its first use."""

    __slots__ = ("_validator", "schema")

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._validator: Any = None

    def take(self, value: Any, where: str, language: str = "lua") -> Any:
        """The value with declared keys in snake_case and an empty list as the table the schema wants.

        where: what is being checked, for messages (`Agent.new`). Raises ArgumentError.
        """
        formed = form(value, self.schema)
        if self._validator is None:
            self._validator = jsonschema_rs.validator_for(self.schema)
        view = as_json(formed)
        if not self._validator.is_valid(view):
            raise ArgumentError(
                f"{where}: {explain(self._validator.iter_errors(view), self.schema, language)}",
                hint=_suggest(self._validator.iter_errors(view), self.schema, language),
            )
        _check_objects(formed, self.schema, where)
        return formed

    def check_params(self, value: Any, where: str) -> dict[str, Any]:
        """Tool arguments, brought into form, declared defaults filled in. Raises SchemaError."""
        try:
            formed = self.take(value, where)
        except ArgumentError as error:
            raise SchemaError(error.message, hint=error.hint) from None
        return with_defaults(formed, self.schema)


def form(value: Any, schema: Schema) -> Any:
    """Declared keys in snake_case, `[]` as `{}` where an object is wanted."""
    branch = _branch(value, schema)
    if isinstance(value, list):
        if not value and _wants_object(branch):
            return {}
        items = branch.get("items")
        return [form(item, items) for item in value] if isinstance(items, dict) and items else value
    if isinstance(value, dict):
        properties: dict[str, Schema] = branch.get("properties", {})
        rest = branch.get("additionalProperties")
        inner: Schema = rest if isinstance(rest, dict) else {}
        if not properties and not inner:
            return value
        formed: dict[Any, Any] = {}
        for key, item in value.items():
            name = key
            if isinstance(key, str) and key not in properties and (spelled := snake(key)) in properties:
                name = spelled
            formed[name] = form(item, properties.get(name, inner))
        return formed
    return value


def present(value: Any, schema: Schema, language: str) -> Any:
    """A host's value with its declared keys as the language writes them."""
    if language != "javascript":
        return value
    branch = _branch(value, schema)
    if isinstance(value, list):
        items = branch.get("items")
        return [present(item, items, language) for item in value] if isinstance(items, dict) and items else value
    if isinstance(value, dict) and (properties := branch.get("properties")):
        return {
            camel(key) if key in properties else key: present(item, properties.get(key, {}), language)
            for key, item in value.items()
        }
    return value


def with_defaults(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Declared defaults filled in, at the top level only."""
    properties: dict[str, Schema] = schema.get("properties", {})
    missing = {name: found["default"] for name, found in properties.items() if "default" in found and name not in value}
    return {**value, **missing} if missing else value


def as_json(value: Any) -> Any:
    """A view for the validator: functions, objects and bytes become markers."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [as_json(item) for item in value]
        case dict():
            return {str(key): as_json(item) for key, item in value.items()}
        case bytes():
            return {"$bytes": len(value)}
        case _ if callable(value):
            return {"$function": True}
        case _:
            mark = class_mark(type(value))
            return {"$object": mark.name if mark else type(value).__name__}


def explain(errors: Iterable[Any], schema: Schema, language: str) -> str:
    """The first error as a sentence that names the field and the value."""
    error = next(iter(errors))
    path = _path(error.instance_path, language)
    kind = error.kind.name
    match kind:
        case "additionalProperties":
            names = ", ".join(repr(name) for name in error.kind.unexpected)
            return f"unknown option {names}{' in ' + path if path else ''}"
        case "required":
            return f"missing {_spelled(error.kind.property, language)!r}{' in ' + path if path else ''}"
        case "anyOf" | "oneOf":
            return f"{path or 'value'} must be {_wanted(_schema_at(schema, error.instance_path))}, not {_shown(error.instance)}"
        case "type":
            return f"{path or 'value'} must be {_wanted(_schema_at(schema, error.instance_path))}, not {_shown(error.instance)}"
        case _:
            return f"{path + ': ' if path else ''}{error.message}"


def _suggest(errors: Iterable[Any], schema: Schema, language: str) -> str:
    error = next(iter(errors))
    if error.kind.name != "additionalProperties":
        return ""
    known = [_spelled(name, language) for name in _schema_at(schema, error.instance_path).get("properties", {})]
    for name in error.kind.unexpected:
        close = difflib.get_close_matches(_spelled(snake(name), language), known, n=1, cutoff=0.6)
        if close:
            return f"did you mean {close[0]!r}?"
    return f"known options: {', '.join(known)}" if known else "it takes no options"


def _spelled(name: str, language: str) -> str:
    return camel(name) if language == "javascript" else name


def _path(path: Iterable[Any], language: str) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{_spelled(part, language)}" for part in path]
    return "".join(parts).removeprefix(".")


def _schema_at(schema: Schema, path: Iterable[Any]) -> Schema:
    current = schema
    for part in path:
        current = _branch({} if isinstance(part, str) else [], current)
        inner = current.get("items") if isinstance(part, int) else current.get("properties", {}).get(part)
        if not isinstance(inner, dict):
            inner = current.get("additionalProperties")
        current = inner if isinstance(inner, dict) else {}
    return _branch({}, current) if "properties" not in current and "anyOf" in current and not path else current


_TYPE_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nil",
}


def _wanted(schema: Schema) -> str:
    if "anyOf" in schema:
        words = [_wanted(found) for found in schema["anyOf"] if found.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if schema.get("x-function"):
        return "a function"
    if "x-object" in schema:
        return f"an object of class {schema['x-object']}"
    if "enum" in schema:
        return "one of " + ", ".join(repr(value) for value in schema["enum"])
    if "const" in schema:
        return repr(schema["const"])
    return _TYPE_WORDS.get(str(schema.get("type")), "something else")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        if "$function" in value:
            return "a function"
        if "$object" in value:
            return f"an object of class {value['$object']}"
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wants_object(schema: Schema) -> bool:
    return schema.get("type") == "object" and "x-function" not in schema and "x-object" not in schema


def _branch(value: Any, schema: Schema) -> Schema:
    """The alternative of an anyOf that has the value's shape."""
    alternatives: list[Schema] | None = schema.get("anyOf") or schema.get("oneOf")
    if not alternatives:
        return schema
    wanted = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else None
    if wanted is None:
        return schema
    plain = [found for found in alternatives if "x-function" not in found and "x-object" not in found]
    for found in plain:
        if found.get("type") == wanted:
            return found
    if value == []:
        return next((found for found in plain if _wants_object(found)), schema)
    return schema


def _check_objects(value: Any, schema: Schema, where: str) -> None:
    """Objects must be of the class that the schema names; JSON Schema itself cannot say so."""
    if isinstance(value, list):
        items = _branch(value, schema).get("items")
        if isinstance(items, dict) and items:
            for item in value:
                _check_objects(item, items, where)
    elif isinstance(value, dict):
        branch = _branch(value, schema)
        properties = branch.get("properties", {})
        for key, item in value.items():
            if key in properties:
                _check_objects(item, properties[key], where)
    elif not isinstance(value, str | int | float | bool | bytes | None) and not callable(value):
        alternatives = schema.get("anyOf", [schema])
        wanted = [found["x-object"] for found in alternatives if "x-object" in found]
        names = {mark.name for base in type(value).__mro__ if (mark := class_mark(base))}
        if wanted and not names & set(wanted):
            raise ArgumentError(
                f"{where}: must be an object of class {' or '.join(wanted)}, not {type(value).__name__}"
            )
