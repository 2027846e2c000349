"""Types as text, in each language's own words: for hover, signatures, completion details and hints."""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from llmspell.api.stubs.signatures import types_for
from llmspell.api.stubs.types import Types
from llmspell_lsp.analysis.types import (
    Choice,
    ClassObject,
    Constant,
    Instance,
    Library,
    Maker,
    Method,
    Module,
    Native,
    Promise,
    Record,
    Schema,
    Script,
    ScriptClass,
    Sequence,
    Type,
    Unknown,
    Value,
)
from llmspell_lsp.analysis.vocabulary import Language, Vocabulary
from llmspell_lsp.syntax.nodes import Function

#: Fields of a table, and characters of a text, that are shown.
_FIELDS: Final = 6
_LONGEST: Final = 40
#: Types inside types that are shown.
_DEEPEST: Final = 2


@cache
def _words(language: Language) -> Types:
    return types_for(language)


def schema_text(schema: Schema, language: Language) -> str:
    """A schema as the language writes a type: `string | nil`, `number[]`."""
    try:
        return _words(language).of(dict(schema))
    except ValueError:  # a table of the spell's own that is called as one of the registry's
        return "table" if language == "lua" else "object"


def shown(type_: Type, words: Vocabulary, depth: int = 0) -> str:
    """The type on one line; "" for what is not known."""
    lua = words.language == "lua"
    match type_:
        case Unknown():
            return ""
        case Constant(value=None):
            return "nil" if lua else "null"
        case Constant(value=str(text)):
            return json.dumps(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", ensure_ascii=False)
        case Constant(value=value):
            return json.dumps(value)
        case Value(schema={"x-name": str(name), "x-open": True}):
            return name
        case Value(schema=schema):
            return schema_text(schema, words.language)
        case ClassObject(name=name):
            return name if words.described(name)["namespace"] else f"class {name}"
        case ScriptClass(name=name):
            return f"class {name}"
        case Instance(of=of):
            return of.name
        case Sequence(item=item, streamed=True):
            return f"fun(): {_any(item, words, depth)}?" if lua else f"AsyncIterable<{_any(item, words, depth)}>"
        case Sequence(item=item):
            inner = _any(item, words, depth)
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case Promise(value=value):
            return f"Promise<{_any(value, words, depth)}>"
        case Record():
            return _record(type_, words, depth)
        case Script(site=site):
            return _function(site.node, words) if isinstance(site.node, Function) else "function"
        case Choice(of=options):
            return " | ".join(dict.fromkeys(_any(option, words, depth) for option in options))
        case Library(name=name):
            return name.rstrip("#")
        case Native(signature=signature):
            return signature
        case Method() | Maker():
            return "function"
        case Module(uri=uri):
            return f"module {uri.rpartition('/')[2]}"


def _any(type_: Type, words: Vocabulary, depth: int) -> str:
    return shown(type_, words, depth + 1) or "any"


def _record(record: Record, words: Vocabulary, depth: int) -> str:
    lua = words.language == "lua"
    if record.is_list:
        kinds = list(dict.fromkeys(_any(widened(item), words, depth) for item in record.items))
        return f"({' | '.join(kinds)})[]" if len(kinds) > 1 else f"{kinds[0] if kinds else 'any'}[]"
    if depth >= _DEEPEST or not record.fields:
        return "table" if lua else "object" if record.fields else "{}"
    held = [f"{name}: {_any(widened(each.type), words, depth)}" for name, each in list(record.fields.items())[:_FIELDS]]
    more = ", …" if len(record.fields) > _FIELDS else ""
    return f"{{ {', '.join(held)}{more} }}"


def _function(node: Function, words: Vocabulary) -> str:
    names = ", ".join(f"...{each.name.lstrip('.')}" if each.rest else each.name or "…" for each in node.parameters)
    if words.language == "lua":
        return f"fun({names})"
    return f"{'async ' if node.is_async else ''}({names}) => …"


def widened(type_: Type) -> Type:
    """The type of values like it: of a text that stands in the source, any text."""
    match type_:
        case Constant(value=bool()):
            return Value({"type": "boolean"})
        case Constant(value=str()):
            return Value({"type": "string"})
        case Constant(value=int() | float()):
            return Value({"type": "number"})
        case _:
            return type_
