"""The keys of a JSON Schema, as a schema: for `parameters` of a tool and `schema` of a chat. Knows no place.

The registry takes any table there, since any valid JSON Schema is one; these are the keys that one mostly writes.
"""

from __future__ import annotations

from typing import Any, Final

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.types import Schema

#: Options that hold a JSON Schema.
NAMES: Final = frozenset({"parameters", "schema"})


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Any]:
    return {"type": "number", "description": description}


_properties: dict[str, Any] = {}
SCHEMA: Final[dict[str, Any]] = {"type": "object", "x-name": "JsonSchema", "properties": _properties}
_properties |= {
    "type": {
        "type": "string",
        "enum": ["object", "string", "number", "integer", "boolean", "array", "null"],
        "description": "The kind of value.",
    },
    "description": _text("What it is for, written for a model."),
    "properties": {
        "type": "object",
        "additionalProperties": SCHEMA,
        "description": "The keys of an object, each with its schema.",
    },
    "required": {"type": "array", "items": {"type": "string"}, "description": "Keys that must be there."},
    "items": {**SCHEMA, "description": "What each item of a list must be."},
    "enum": {"type": "array", "items": {}, "description": "The only values that fit."},
    "default": {"description": "What it is where nothing is given."},
    "minimum": _number("The smallest number that fits."),
    "maximum": _number("The largest number that fits."),
    "pattern": _text("A regular expression that a text must match."),
    "format": _text("What a text is written like, such as `date`, `email`, `uri`."),
    "additionalProperties": {"type": "boolean", "description": "Whether keys fit that are not described."},
}


def as_schema(wanted: Wanted) -> Wanted:
    """The same place, with the keys of a JSON Schema where one is held."""
    if holds_schema(wanted):
        return Wanted(SCHEMA, wanted.name, wanted.owner, wanted.beside, wanted.table)
    return wanted


def holds_schema(wanted: Wanted) -> bool:
    """Whether a JSON Schema stands in a place."""
    return wanted.name in NAMES and any(_is_open(each) for each in expect.alternatives(wanted.schema))


def _is_open(schema: Schema) -> bool:
    return schema.get("type") == "object" and schema.get("additionalProperties") is True and "properties" not in schema
