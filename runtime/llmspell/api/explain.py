"""Why a value does not fit its schema, in a sentence that names the field, the value and what to do.

Reads jsonschema-rs's errors; speaks of tables and `nil` to a Lua script, of objects and `null` to a JavaScript one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from llmspell.api.names import camel, near, snake
from llmspell.api.shape import branch, schema_at

Schema = dict[str, Any]

_WORDS: Final[dict[str, dict[str, str]]] = {
    "lua": {
        "string": "text",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "array": "a list",
        "object": "a table",
        "null": "nil",
    },
    "javascript": {
        "string": "a string",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "array": "an array",
        "object": "an object",
        "null": "null",
    },
}


def _words(language: str) -> dict[str, str]:
    """A language that was added has Lua's, which are everybody's."""
    return _WORDS.get(language, _WORDS["lua"])


#: Kinds of error in the order of how much they tell: a misspelled option is also a missing one.
_TELLING: Final = ("additionalProperties", "required")

#: Unknown names that a message lists.
_LISTED: Final = 5

#: Values that stand for what JSON has no word for.
_MARKERS: Final = frozenset({"$function", "$object", "$bytes"})

_BOUNDS: Final = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} fields",
    "maxProperties": "must have at most {} fields",
    "pattern": "must match {}",
    "format": "must be in the form {}",
}


def explain(errors: Sequence[Any], schema: Schema, language: str = "lua") -> tuple[str, str]:
    """What is wrong, and what to do, from the errors of one check."""
    ranked = sorted(errors, key=lambda error: _rank(error.kind.name))
    error = _innermost(ranked[0])
    path = list(error.instance_path)
    subject = path_text(path, language) or "the value"
    found = schema_at(schema, path, _root(error, path))
    inside = f" in {path_text(path, language)}" if path else ""
    match error.kind.name:
        case "additionalProperties" if not _MARKERS & set(error.kind.unexpected):
            unexpected = error.kind.unexpected
            names = ", ".join(shown(name) for name in unexpected[:_LISTED])
            more = f" and {len(unexpected) - _LISTED} more" if len(unexpected) > _LISTED else ""
            return f"unknown option {names}{more}{inside}", _known(
                unexpected[:_LISTED], error.instance, found, language
            )
        case "required" if error.kind.property not in _MARKERS:
            name = error.kind.property
            about = branch(error.instance, found).get("properties", {}).get(name, {}).get("description", "")
            return f"missing {spelled(name, language)!r}{inside}", _about(name, about, schema, language)
        case "enum":
            message = f"{subject} must be {wanted(found, language)}, not {shown(error.instance, language)}"
            return message, _nearest(error.instance, error.kind.options)
        case kind if kind in _BOUNDS:
            limit = error.kind.as_dict().get("limit", error.kind.value)
            must = _BOUNDS[kind].format(limit)
            must = must.removesuffix("s") if limit == 1 else must
            return f"{subject} {must}, not {shown(error.instance, language)}", _description(
                path, found, schema, language
            )
        case "type" | "anyOf" | "oneOfNotValid" | "additionalProperties" | "required" | "const":
            want = wanted(found, language) if found else _type_words(error, language)
            hint = _conversion(error.instance, found, language) or _description(path, found, schema, language)
            return f"{subject} must be {want}, not {shown(error.instance, language)}", hint
        case _:
            return f"{subject}: {error.message}", _description(path, found, schema, language)


def wanted(schema: Schema, language: str = "lua") -> str:
    """What a schema wants, in words."""
    words = _words(language)
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts:
        options = [wanted(found, language) for found in parts if found.get("type") != "null"]
        return " or ".join(dict.fromkeys(options))
    if schema.get("x-function"):
        return "a function"
    if "x-object" in schema:
        return f"an object of class {schema['x-object']}"
    if schema.get("x-bytes"):
        return "bytes"
    if "enum" in schema:
        *most, last = [repr(value) for value in schema["enum"]]
        return f"{', '.join(most)} or {last}" if most else last
    if "const" in schema:
        return repr(schema["const"])
    kind = schema.get("type")
    if isinstance(kind, list | tuple):
        return " or ".join(words.get(str(name), str(name)) for name in kind if name != "null")
    items = schema.get("items")
    if kind == "array" and isinstance(items, dict) and ("type" in items or "anyOf" in items or "enum" in items):
        return f"{words['array']} (each item {wanted(items, language)})"
    return words.get(str(kind), "something else")


def shown(value: Any, language: str = "lua") -> str:
    """A value as a message names it."""
    words = _words(language)
    match value:
        case None:
            return words["null"]
        case bool():
            return json.dumps(value)
        case {"$function": _}:
            return "a function"
        case {"$object": name}:
            return f"an object of class {name}"
        case {"$bytes": _}:
            return "bytes"
        case dict():
            return words["object"]
        case list():
            return words["array"] if value else f"an empty {words['array'].split()[1]}"
        case _:
            text = repr(value)
            return text if len(text) <= 60 else text[:57] + "..."


def spelled(name: str, language: str) -> str:
    return camel(name) if language == "javascript" else name


def path_text(path: Iterable[str | int], language: str) -> str:
    """`steps[2].agent`: where in the value, counted as the language counts."""
    first = 0 if language == "javascript" else 1
    parts = [f"[{part + first}]" if isinstance(part, int) else f".{spelled(part, language)}" for part in path]
    return "".join(parts).removeprefix(".")


def _rank(kind: str) -> int:
    return _TELLING.index(kind) if kind in _TELLING else len(_TELLING)


def _innermost(error: Any) -> Any:
    """The error inside the alternative that the value was meant for: of the same kind of value, and failing within."""
    while error.kind.name in {"anyOf", "oneOfNotValid"}:
        depth = len(list(error.instance_path))
        inner = [
            sorted(errors, key=lambda found: _rank(found.kind.name))[0]
            for errors in error.kind.context
            if errors and not any(_of_other_kind(found, depth) for found in errors)
        ]
        if len(inner) != 1:
            return error
        error = inner[0]
    return error


def _of_other_kind(error: Any, depth: int) -> bool:
    """Whether a value is not even of the kind that an alternative wants."""
    if len(list(error.instance_path)) > depth:
        return False
    match error.kind.name:
        case "type" | "const":
            return True
        case "required":
            return error.kind.property in _MARKERS
        case "additionalProperties":
            return bool(_MARKERS & set(error.kind.unexpected))
        case _:
            return False


def _root(error: Any, path: list[str | int]) -> Any:
    """The value's skeleton along the path: enough to choose alternatives by."""
    value: Any = error.instance
    for part in reversed(path):
        value = [None] * part + [value] if isinstance(part, int) else {part: value}
    return value


def _type_words(error: Any, language: str) -> str:
    names: list[str] = error.kind.as_dict().get("types", [])
    return " or ".join(_words(language).get(name, name) for name in names) or "something else"


def _known(unexpected: list[str], instance: Any, schema: Schema, language: str) -> str:
    known = [spelled(name, language) for name in branch(instance, schema).get("properties", {})]
    for name in unexpected:
        found = near(spelled(snake(name), language), known)
        if found:
            return f"did you mean {found[0]!r}?"
    return f"known options: {', '.join(known)}" if known else "it takes no options"


def _nearest(value: Any, options: list[Any]) -> str:
    texts = [option for option in options if isinstance(option, str)]
    found = near(snake(value), texts) if isinstance(value, str) and len(value) <= 200 else []
    return f"did you mean {found[0]!r}?" if found else ""


def _conversion(value: Any, schema: Schema, language: str) -> str:
    """What to write instead, where the value is nearly right."""
    parts = schema.get("anyOf") or schema.get("oneOf") or [schema]
    kinds = {part.get("type") for part in parts}
    if isinstance(value, str) and kinds & {"number", "integer"} and _is_number(value):
        return f"write {value.strip()} without quotes"
    if isinstance(value, str) and "boolean" in kinds and value in {"true", "false"}:
        return f"write {value} without quotes"
    if isinstance(value, str) and any(part.get("x-object") == "Tool" for part in parts):
        return f"write Tool.get({json.dumps(value[:60])})"
    if isinstance(value, int | float) and "string" in kinds:
        return f'write "{json.dumps(value)}" in quotes'
    if "array" in kinds and not isinstance(value, list | None) and not isinstance(value, dict):
        one = json.dumps(value)
        return f"put it in a list: {f'[{one}]' if language == 'javascript' else f'{{ {one} }}'}"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _description(path: list[str | int], found: Schema, schema: Schema, language: str) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return _about(name, found.get("description", ""), schema, language)


def _about(name: str, description: str, schema: Schema, language: str) -> str:
    """What a field is there for; it may speak of others of the schema."""
    first = " ".join(description.split("\n\n")[0].split())
    for other in schema.get("properties", {}):
        first = first.replace(f"`{other}`", f"`{spelled(other, language)}`")
    return f"{spelled(name, language)}: {first}" if first and name else first
