"""Bounds of a parameter or an option, written beside its type: `Annotated[int, Bounds(ge=1, le=10)]`.

They become JSON Schema keywords when the registry is generated; at run time the schema checks them. This module does
not know pydantic, and annotated_types is not used because importing it costs 8 ms (it loads typing_extensions).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from llmspell.api.kinds import Kind

_KEYWORDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "max_properties": "maxProperties",
    "pattern": "pattern",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a value may be: numbers by ge, gt, le; text by length and pattern; lists and tables by size."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    max_properties: int | None = None
    pattern: str | None = None

    def keywords(self) -> dict[str, Any]:
        given = ((key.name, getattr(self, key.name)) for key in fields(self))
        return {_KEYWORDS[name]: value for name, value in given if value is not None}

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(core_schema), **self.keywords()}


Count = Annotated[int, Bounds(ge=1)]
Times = Annotated[int, Bounds(ge=0)]
Milliseconds = Annotated[float, Bounds(gt=0)]

FilePath = Annotated[str, Bounds(min_length=1, max_length=4096), Kind("path")]
"""The name of a file or folder; relative ones start from the project."""
FilePaths = Annotated[list[Annotated[str, Kind("path")]], Bounds(max_items=100)]
