"""Writes the JSON Schema of `llmspell.toml` from the one list of settings: `make gen`.

For editors with a TOML extension, also where no language server may be started. It says what may stand in the file;
what is wrong in it the server and `llmspell config check` say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from llmspell.settings.lint import LEVELS, SEVERITIES
from llmspell.settings.load import known_keys
from llmspell.settings.values import SECTIONS, About, Kind, ProviderSettings

FILE: Final = Path(__file__).with_name("schemas") / "llmspell.schema.gen.json"

_SHAPES: Final[dict[Kind, dict[str, Any]]] = {
    "text": {"type": "string"},
    "path": {"type": "string"},
    "number": {"type": "number"},
    "whole": {"type": "integer"},
    "switch": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "paths": {"type": "array", "items": {"type": "string"}},
}


def text() -> str:
    """The file as it has to be."""
    sections = {name: _table(shape) for name, shape in SECTIONS.items()}
    sections["tui"]["properties"]["keys"] = {
        "description": known_keys(SECTIONS["tui"])["keys"].summary,
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "string"}, _SHAPES["texts"]]},
    }
    levels = {code: {"enum": list(LEVELS), "default": usual} for code, usual in SEVERITIES.items()}
    sections["providers"] = {"type": "object", "additionalProperties": _table(ProviderSettings)}
    sections["config"] = {"description": "values of your own, for the spell's global `config`", "type": "object"}
    sections["lint"] = {"type": "object", "properties": levels, "additionalProperties": False}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of llmspell",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }
    return json.dumps(schema, indent=2) + "\n"


def _table(shape: type[Any]) -> dict[str, Any]:
    properties = {name: _property(what) for name, what in known_keys(shape).items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(what: About) -> dict[str, Any]:
    made: dict[str, Any] = {"description": what.summary, **_SHAPES[what.kind]}
    if what.choices:
        made["enum"] = list(what.choices)
    if what.least is not None:
        made["minimum"] = what.least
    if what.default is not None:
        made["default"] = list(what.default) if isinstance(what.default, tuple) else what.default
    return made


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
