"""The JSON Schema of a type hint: pydantic's, with references inlined and two words of our own.

A script function is `{"x-function": …}`, an object of an exposed class `{"x-object": "Agent"}`; a described shape
keeps its Python name as `x-name`, so that stubs and pages can name it. Used by `gen` only: pydantic costs 60-120 ms.
"""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import Any, Final, TypedDict, get_args, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from llmspell.api.callback import Callback
from llmspell.api.describe import class_mark

Json = dict[str, Any]

#: Keywords whose values are data, not schemas: a `title` or `$ref` in there is the author's own.
_DATA: Final = frozenset({"default", "const", "enum", "examples"})

# pydantic refuses typing.TypedDict before Python 3.12 because it cannot see the bases of generic ones. Results here
# are never generic, and typing_extensions would cost every start of llmspell 8 ms.
setattr(import_module("pydantic._internal._generate_schema"), "_SUPPORTS_TYPEDDICT", True)  # noqa: B010
_docstrings = import_module("pydantic._internal._docs_extraction").extract_docstrings_from_cls


class _Schemas(GenerateJsonSchema):
    """JSON Schemas that also know functions, bytes and objects of exposed classes."""

    def callable_schema(self, schema: Any) -> Json:
        return {"x-function": True, "type": "object", "required": ["$function"]}

    def is_instance_schema(self, schema: Any) -> Json:
        if schema["cls"] is Callback:
            return self.callable_schema(schema)
        mark = class_mark(schema["cls"])
        if mark is None:
            raise TypeError(f"{schema['cls']} is not exposed to scripts")
        return {"x-object": mark.name, "type": "object", "required": ["$object"]}

    def bytes_schema(self, schema: Any) -> Json:
        return {"x-bytes": True}

    def _sort_recursive(self, value: Any, parent_key: str | None = None) -> Any:
        """Keys in alphabetical order as pydantic has them, but not the parameters of a function."""
        if parent_key == "x-params" and isinstance(value, dict):
            return {key: super(_Schemas, self)._sort_recursive(inner, key) for key, inner in value.items()}
        return super()._sort_recursive(value, parent_key)

    def dataclass_schema(self, schema: Any) -> Json:
        return _documented(super().dataclass_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: Any) -> Json:
        return _documented(super().typed_dict_schema(schema), schema.get("cls"))


def _documented(schema: Json, cls: type | None) -> Json:
    """Fields that a base class declares are described there; pydantic reads the docstrings of the class alone."""
    properties: Json = schema.get("properties", {})
    for base in cls.__mro__[1:] if cls is not None else ():
        if dataclasses.is_dataclass(base):
            for name, text in _docstrings(base, use_inspect=True).items():
                if name in properties and "$ref" not in properties[name]:
                    properties[name].setdefault("description", text)
    return schema


def schema_of(hint: Any, *, closed: bool = False) -> Json:
    """The inlined JSON Schema of a type hint. Raises TypeError for a class that scripts cannot see.

    closed: whether a TypedDict takes no other keys, as a dataclass never does: true of what a script gives, so that a
    misspelled option is told.
    """
    _configure(hint, closed, set())
    config = ConfigDict(arbitrary_types_allowed=True, use_attribute_docstrings=True)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint, config=config)
    except PydanticUserError:  # a dataclass or TypedDict carries its own configuration
        adapter = TypeAdapter(hint)
    schema = adapter.json_schema(schema_generator=_Schemas)
    return _inlined(schema, schema.pop("$defs", {}), ())


def _configure(hint: Any, closed: bool, seen: set[int]) -> None:
    """Lets pydantic read attribute docstrings and exposed classes in every dataclass and TypedDict of a hint."""
    if id(hint) in seen:
        return
    seen.add(id(hint))
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or hasattr(hint, "__required_keys__")):
        config = ConfigDict(arbitrary_types_allowed=True, use_attribute_docstrings=True)
        if closed or dataclasses.is_dataclass(hint):
            config["extra"] = "forbid"
        setattr(hint, "__pydantic_config__", config)  # noqa: B010  no attribute that a type declares
        if hasattr(hint, "__required_keys__") and not hasattr(hint, "__orig_bases__"):
            setattr(hint, "__orig_bases__", (TypedDict,))  # noqa: B010  which one written as a call lacks before 3.12
        for inner in get_type_hints(hint, include_extras=True).values():
            _configure(inner, closed, seen)
    for inner in get_args(hint):
        _configure(inner, closed, seen)


def _inlined(schema: Json, defs: Json, path: tuple[str, ...]) -> Json:
    """The schema without references and titles. A shape that contains itself ends as an open table of its name."""
    reference = schema.get("$ref")
    if reference is not None:
        name = str(reference).removeprefix("#/$defs/")
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if name in path:
            return {"type": "object", "x-name": name, **rest}
        return {**_inlined(defs[name], defs, (*path, name)), **rest}
    found: Json = {}
    for key, value in schema.items():
        match key, value:
            case "title", str():
                if "properties" in schema:
                    found["x-name"] = value
            case (("properties" | "patternProperties" | "x-params"), dict()):
                found[key] = {name: _inlined(inner, defs, path) for name, inner in value.items()}
            case _, dict() if key not in _DATA:
                found[key] = _inlined(value, defs, path)
            case _, list() if key not in _DATA:
                found[key] = [_inlined(item, defs, path) if isinstance(item, dict) else item for item in value]
            case _:
                found[key] = value
    return found
