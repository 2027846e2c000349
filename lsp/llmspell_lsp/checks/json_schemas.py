"""JSON Schemas that stand in a spell: a tool's `parameters`, a chat's `schema`.

The registry takes any table there. What no validator would take is an error, as a run refuses it; what is valid and
means nothing (a name that `required` alone knows, properties outside of `properties`) is a warning. Only what stands in
the source is judged, and words that JSON Schema does not know are the author's own unless they are near one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from llmspell.api.explain import shown
from llmspell.settings.lint import Severity
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead, meant
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.checks.values import kind_of, told
from llmspell_lsp.features.json_schema import holds_schema
from llmspell_lsp.syntax.nodes import Entry, Expression, Literal_, Node, Table, Text

_CODE: Final = "json-schema"

_TYPES: Final = ("object", "string", "number", "integer", "boolean", "array", "null")
#: What other languages call them.
_ELSEWHERE: Final = {
    "int": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "str": "string",
    "text": "string",
    "list": "array",
    "tuple": "array",
    "dict": "object",
    "map": "object",
    "table": "object",
    "nil": "null",
    "none": "null",
    "undefined": "null",
}

_Shape = Literal["schema", "schemas", "map", "number", "count", "boolean", "text", "texts", "list", "type", "any"]


def _words(shape: _Shape, names: str) -> dict[str, _Shape]:
    return dict.fromkeys(names.split(), shape)


#: The words of JSON Schema 2020-12, which a run reads them by.
_WORDS: Final[dict[str, _Shape]] = {
    **_words("schema", "not if then else contains propertyNames items additionalProperties"),
    **_words("schema", "unevaluatedItems unevaluatedProperties"),
    **_words("schemas", "allOf anyOf oneOf prefixItems"),
    **_words("map", "properties patternProperties $defs definitions dependentSchemas"),
    **_words("number", "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
    **_words("count", "minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains"),
    **_words("boolean", "uniqueItems deprecated readOnly writeOnly"),
    **_words("text", "title description format pattern $ref $id $schema $comment $anchor $dynamicRef $dynamicAnchor"),
    **_words("text", "contentEncoding contentMediaType"),
    **_words("texts", "required"),
    **_words("list", "enum examples"),
    **_words("type", "type"),
    **_words("any", "const default dependentRequired contentSchema $vocabulary example"),
}

#: What a shape is called, and the kinds of literals (`values.kind_of`) that have it. An empty table of Lua may be both.
_SHAPES: Final[dict[_Shape, tuple[str, frozenset[str]]]] = {
    "schema": ("a schema such as {}, or true or false", frozenset({"object", "table", "boolean"})),
    "schemas": ("a list of schemas", frozenset({"array"})),
    "map": ("a table of schemas by name", frozenset({"object", "table"})),
    "number": ("a number", frozenset({"integer", "number"})),
    "count": ("a whole number, 0 or more", frozenset({"integer"})),
    "boolean": ("true or false", frozenset({"boolean"})),
    "text": ("text", frozenset({"string"})),
    "texts": ("a list of names", frozenset({"array", "table"})),
    "list": ("a list", frozenset({"array", "table"})),
    "type": ("the name of a type, or a list of them", frozenset({"string", "array"})),
}
_BOUNDS: Final = ("minimum maximum", "minLength maxLength", "minItems maxItems", "minProperties maxProperties")

#: Schemas inside schemas: deeper ones are not looked at.
_DEEPEST: Final = 30


def schemas(view: View) -> Iterator[Finding]:
    for place in view.places:
        if isinstance(place.node, Table) and holds_schema(place.wanted):
            entries = _entries(place.node)
            if "$schema" in entries:  # another draft has other words
                continue
            yield from _schema(view, place.node, 0)
            yield from _arguments(view, place.wanted.name, entries)


def _arguments(view: View, name: str, entries: dict[str, Entry]) -> Iterator[Finding]:
    """Valid, and nothing that a tool can be given fits."""
    of = entries.get("type")
    if name != "parameters" or of is None or not isinstance(of.value, Text):
        return
    if of.value.value in {*_TYPES} - {"object"}:
        message = f"a tool's arguments are an 'object', not {told(of.value, view.infer.language)}"
        yield _found(view, of.value, message, "object", "warning", asked=True)


def _entries(table: Table) -> dict[str, Entry]:
    return {each.key: each for each in table.entries if each.key is not None}


def _schema(view: View, table: Table, depth: int) -> Iterator[Finding]:
    if depth > _DEEPEST:
        return
    entries = _entries(table)
    for name, entry in entries.items():
        shape = _WORDS.get(name)
        if shape is None:
            yield from _unknown(view, table, name, entry)
        elif shape != "any":
            yield from _word(view, name, shape, entry.value, depth)
    yield from _bounds(view, entries)
    yield from _required(view, entries)


def _word(view: View, name: str, shape: _Shape, node: Expression, depth: int) -> Iterator[Finding]:
    kind = kind_of(node)
    if not kind or kind == "null":  # nobody can tell, or it is left out
        return
    words, kinds = _SHAPES[shape]
    if kind not in kinds and not (view.lua and kind == "table"):
        if name == "required" and kind == "boolean":
            words = "a list of names, beside the properties that it is about"
        yield _found(view, node, f"{name} must be {words}, not {told(node, view.infer.language)}")
        return
    match shape:
        case "count" | "number" if isinstance(node, Literal_) and isinstance(node.value, int | float):
            if (shape == "count" and node.value < 0) or (name == "multipleOf" and node.value <= 0):
                least = "0 or more" if shape == "count" else "more than 0"
                yield _found(view, node, f"{name} must be {least}, not {shown(node.value, view.infer.language)}")
        case "type":
            for each in [node] if isinstance(node, Text) else [each.value for each in _items(node)]:
                yield from _type(view, each)
        case "texts":
            for each in _items(node):
                if kind_of(each.value) not in {"", "string"}:
                    yield _found(
                        view, each.value, f"{name} must be {words}, not {told(each.value, view.infer.language)}"
                    )
        case "schema" if isinstance(node, Table):
            yield from _schema(view, node, depth + 1)
        case "schemas" | "map":
            for each in _items(node):
                if each.key is None or shape == "map":
                    of = f"the schema of {each.key!r}" if each.key is not None else f"an item of {name}"
                    yield from _inner(view, of, each.value, depth)
        case _:
            pass


def _items(node: Expression) -> list[Entry]:
    return [each for each in node.entries if not each.spread] if isinstance(node, Table) else []


def _inner(view: View, of: str, node: Expression, depth: int) -> Iterator[Finding]:
    if isinstance(node, Table) and kind_of(node) != "array":
        yield from _schema(view, node, depth + 1)
    elif kind_of(node) not in {"", "null", "boolean"}:
        language = view.infer.language
        message = f"{of} must be {_SHAPES['schema'][0]}, not {told(node, language)}"
        name = _meant_type(node.value) if isinstance(node, Text) and node.value else ""
        if not name:
            yield _found(view, node, message)
            return
        text = f'{{ type = "{name}" }}' if view.lua else f'{{ type: "{name}" }}'
        span = absolute(view.placed.start, node.span)
        yield found(_CODE, span, f"{message}; did you mean {text}?", Fix(f"Change to {text}", (Edit(span, text),)))


def _meant_type(text: str) -> str:
    return text if text in _TYPES else _ELSEWHERE.get(text.lower()) or meant(text, _TYPES)


def _type(view: View, node: Expression) -> Iterator[Finding]:
    kind = kind_of(node)
    if not kind or (isinstance(node, Text) and (node.value is None or node.value in _TYPES)):
        return
    known = ", ".join(shown(each, view.infer.language) for each in _TYPES)
    close = _meant_type(node.value) if isinstance(node, Text) and node.value else ""
    yield _found(view, node, f"type must be one of {known}, not {told(node, view.infer.language)}", close)


def _unknown(view: View, table: Table, name: str, entry: Entry) -> Iterator[Finding]:
    assert entry.key_span is not None
    span = absolute(view.placed.start, entry.key_span)
    close = meant(name, _WORDS)
    if close and close not in _entries(table):
        message = f"{name!r} is no word of JSON Schema, and means nothing{ask(close)}"
        yield found(_CODE, span, message, instead(span, close), severity="warning")
    elif isinstance(entry.value, Table) and "properties" not in _entries(table) and _is_schema(entry.value):
        message = f"{name!r} is no word of JSON Schema, and means nothing: properties stand inside `properties`"
        yield found(_CODE, span, message, severity="warning")


def _is_schema(table: Table) -> bool:
    of = _entries(table).get("type")
    return of is not None and isinstance(of.value, Text) and of.value.value in _TYPES


def _bounds(view: View, entries: dict[str, Entry]) -> Iterator[Finding]:
    for pair in _BOUNDS:
        least, most = (_number(entries.get(name)) for name in pair.split())
        if least is not None and most is not None and least > most:
            lower, upper = pair.split()
            message = f"nothing fits: {lower} {shown(least, 'lua')} is more than {upper} {shown(most, 'lua')}"
            yield _found(view, entries[lower].value, message, severity="warning")


def _number(entry: Entry | None) -> int | float | None:
    value = entry.value.value if entry is not None and isinstance(entry.value, Literal_) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _required(view: View, entries: dict[str, Entry]) -> Iterator[Finding]:
    """Names that no property has: valid, and hardly meant."""
    required, properties = entries.get("required"), entries.get("properties")
    if required is None or properties is None or not isinstance(properties.value, Table):
        return
    if "patternProperties" in entries or isinstance(_value(entries, "additionalProperties"), Table):
        return
    if any(each.spread or each.key is None for each in properties.value.entries):
        return
    there = _entries(properties.value)
    for each in _items(required.value):
        if isinstance(each.value, Text) and each.value.value is not None and each.value.value not in there:
            close = meant(each.value.value, there)
            message = f"required names {each.value.value!r}, which is none of the properties{ask(close)}"
            yield _found(view, each.value, message, close, "warning", asked=True)


def _value(entries: dict[str, Entry], name: str) -> Node | None:
    return entries[name].value if name in entries else None


def _found(
    view: View,
    node: Expression,
    message: str,
    close: str = "",
    severity: Severity | None = None,
    *,
    asked: bool = False,
) -> Finding:
    """close: what a text was meant for. asked: the message says so already."""
    span = absolute(view.placed.start, node.content if isinstance(node, Text) and close else node.span)
    place = absolute(view.placed.start, node.span)
    fixes = [instead(span, close)] if close and isinstance(node, Text) else []
    return found(_CODE, place, message if asked else f"{message}{ask(close)}", *fixes, severity=severity)


FAMILY = by_chunk(schemas)
