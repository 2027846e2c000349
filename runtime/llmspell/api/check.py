"""Values against the registry's schemas: what a script gives is brought into form and checked, what it gets is named
in its language.

Only fields that a schema declares change their case; everything else is the user's own data. Checks are jsonschema-rs
on a JSON-like view in which functions, objects and bytes are markers; `explain` puts what it finds into words. Knows
no engine.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from llmspell.api.describe import class_mark
from llmspell.api.explain import explain, path_text, shown, wanted
from llmspell.api.names import camel, snake
from llmspell.api.shape import branch, wants_object
from llmspell.errors import ArgumentError, SchemaError

Schema = dict[str, Any]
Path = tuple[str | int, ...]

#: What most values are made of: nothing is to be done about them, and a call for each would cost most of the time.
PLAIN: Final = frozenset({str, int, float, bool, type(None)})

#: Those of them that `form` has nothing to do about.
_AS_IT_IS: Final = PLAIN - {float}

#: Values of this many parts are explained by the first error alone: to find all of them takes 13 µs each.
_LARGE: Final = 10_000


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
        validator = self._validator or self.compile(where)
        try:
            formed = form(value, self.schema)
            view = as_json(formed)
            wrong = [] if validator.is_valid(view) else _errors(validator, view)
        except (RecursionError, ValueError) as error:  # jsonschema-rs stops at a depth of 255
            raise ArgumentError(
                f"{where}: a value has more than about 250 tables inside each other", hint="make it flatter"
            ) from error
        if wrong:
            message, hint = explain(wrong, self.schema, language)
            raise ArgumentError(f"{where}: {message}", hint=hint)
        _check_references(formed, self.schema, where, language, ())
        return formed

    def check_params(self, value: Any, where: str) -> dict[str, Any]:
        """Tool arguments, brought into form, declared defaults filled in. Raises SchemaError."""
        try:
            formed = self.take(value, where)
        except ArgumentError as error:
            raise SchemaError(error.message, hint=error.hint) from None
        return with_defaults(formed, self.schema)

    def compile(self, where: str) -> Any:
        """Reads the schema, which may be a script's own. Raises ArgumentError where it is none."""
        import jsonschema_rs  # 11 ms, which a spell that calls nothing does not need

        try:
            self._validator = jsonschema_rs.validator_for(self.schema, retriever=_refuse)
        except ValueError as error:
            reason = str(error).split("\n", 1)[0]
            raise ArgumentError(
                f"{where}: the schema is no valid JSON Schema: {reason}",
                hint="a schema says its `type`, and of an object its `properties`, each with a `type`",
            ) from None
        return self._validator


def _errors(validator: Any, view: Any) -> list[Any]:
    if not _is_large(view):
        return list(validator.iter_errors(view))
    try:
        validator.validate(view)
    except ValueError as error:
        return [error]
    raise AssertionError("a value that is not valid has an error")


def _is_large(view: Any) -> bool:
    count, todo = 0, [view]
    while todo and count <= _LARGE:
        part = todo.pop()
        if isinstance(part, dict | list):
            count += len(part)
            todo.extend((part.values() if isinstance(part, dict) else part) if count <= _LARGE else ())
    return count > _LARGE


def form(value: Any, schema: Schema) -> Any:
    """Declared keys in snake_case, `[]` as `{}` where an object is wanted, 3.0 as 3 where a whole number is. Raises
    ArgumentError for a key that is given in both spellings."""
    if type(value) in PLAIN:
        return int(value) if type(value) is float and value.is_integer() and _wants_whole(schema) else value
    shape = branch(value, schema)
    if isinstance(value, list):
        if not value and wants_object(shape):
            return {}
        items = shape.get("items")
        return [form(item, items) for item in value] if isinstance(items, dict) and items else value
    if isinstance(value, dict):
        properties: dict[str, Schema] = shape.get("properties", {})
        rest = shape.get("additionalProperties")
        inner: Schema = rest if isinstance(rest, dict) else {}
        if not properties and not inner:
            return value
        formed: dict[Any, Any] = {}
        for key, item in value.items():
            name = key
            if isinstance(key, str) and key not in properties and (spelled := snake(key)) in properties:
                name = spelled
            if name in formed:
                raise ArgumentError(f"{name!r} is given twice, also as {camel(name)!r}", hint="give it once")
            formed[name] = item if type(item) in _AS_IT_IS else form(item, properties.get(name, inner))
        return formed
    return value


def _wants_whole(schema: Schema) -> bool:
    """A number without a fraction is an integer to JSON Schema, but no index, count or length to Python."""
    kinds = {part.get("type") for part in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ()))}
    return "integer" in kinds and "number" not in kinds


def present(value: Any, schema: Schema, language: str) -> Any:
    """A host's value with its declared keys as the language writes them."""
    if language != "javascript":
        return value
    shape = branch(value, schema)
    if isinstance(value, list):
        items = shape.get("items")
        return [present(item, items, language) for item in value] if isinstance(items, dict) and items else value
    if isinstance(value, dict):
        properties: dict[str, Schema] = shape.get("properties", {})
        rest = shape.get("additionalProperties")
        inner: Schema = rest if isinstance(rest, dict) else {}
        if not properties and not inner:
            return value
        return {
            camel(key) if key in properties else key: (
                item if type(item) in PLAIN else present(item, properties.get(key, inner), language)
            )
            for key, item in value.items()
        }
    return value


def with_defaults(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Declared defaults filled in, at the top level only."""
    properties: dict[str, Schema] = schema.get("properties", {})
    missing = {name: found["default"] for name, found in properties.items() if "default" in found and name not in value}
    return {**value, **missing} if missing else value


def as_json(value: Any) -> Any:
    """A view for the validator: functions, objects and bytes become markers, lone surrogates question marks."""
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case None | bool() | int() | float():
            return value
        case list():
            return [as_json(item) for item in value]
        case dict():
            return {as_json(str(key)): as_json(item) for key, item in value.items()}
        case bytes():
            return {"$bytes": len(value)}
        case _ if (name := _class_name(value)) is not None:
            return {"$object": name}
        case _ if callable(value):
            return {"$function": True}
        case _:
            return {"$object": type(value).__name__}


def _check_references(value: Any, schema: Schema, where: str, language: str, path: Path) -> None:
    """Functions, objects and bytes only where the schema has a place for them: JSON Schema cannot tell them from
    tables, nor an agent from a tool."""
    match value:
        case None | bool() | int() | float() | str():
            return
        case list():
            items = branch(value, schema).get("items")
            if isinstance(items, dict) and items:
                for index, item in enumerate(value):
                    if type(item) not in PLAIN:
                        _check_references(item, items, where, language, (*path, index))
        case dict():
            shape = branch(value, schema)
            properties = shape.get("properties", {})
            rest = shape.get("additionalProperties")
            for key, item in value.items():
                if type(item) not in PLAIN:
                    inner = properties.get(key, rest if isinstance(rest, dict) else {})
                    _check_references(item, inner, where, language, (*path, str(key)))
        case _ if not _fits(value, schema):
            subject = path_text(path, language) or "the value"
            message = f"{where}: {subject} must be {wanted(schema, language)}, not {shown(as_json(value), language)}"
            raise ArgumentError(message, hint=schema.get("description", ""))
        case _:
            return


def _fits(value: Any, schema: Schema) -> bool:
    alternatives: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    if any(not found.keys() & {"type", "enum", "const", "x-function", "x-object", "x-bytes"} for found in alternatives):
        return True
    if isinstance(value, bytes):
        return any("x-bytes" in found for found in alternatives)
    names = {mark.name for base in type(value).__mro__ if (mark := class_mark(base))}
    if names:
        return any(found.get("x-object") in names for found in alternatives)
    return callable(value) and any("x-function" in found for found in alternatives)


def _class_name(value: Any) -> str | None:
    """The name scripts know the object's class by."""
    return next((mark.name for base in type(value).__mro__ if (mark := class_mark(base))), None)


def _refuse(uri: str) -> NoReturn:
    """A schema of a script's own must not make the host read a file or ask a server."""
    raise ValueError(f"{uri!r} lies outside the schema, and references to elsewhere are not followed")
