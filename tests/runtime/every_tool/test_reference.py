"""`llmspell tools list` and `tools show`: every tool of the catalog, whole. Parts that are empty are printed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tool_shapes import NAMES, Schema

from llmspell.api.names import camel
from llmspell.api.registry import registry
from llmspell.api.stubs.operations import operations
from llmspell.cli.main import main
from llmspell.tools.catalog import TOOLS

_PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def said(*arguments: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(arguments) == 0
    return printed.getvalue()


@pytest.mark.mission(106)
def test_list_has_every_tool_of_the_catalog_once() -> None:
    listed = json.loads(said("tools", "list", "--json"))
    assert isinstance(listed, list)
    assert sorted(tool["name"] for tool in listed) == sorted(entry.name for entry in TOOLS)
    assert len(listed) == len(TOOLS) == len(set(NAMES))
    shown = said("tools", "list")
    assert [name for name in NAMES if name not in shown] == []


def _unbounded(schema: Schema, path: str, options: Schema) -> list[str]:
    """Lists of any length, unless an option of the tool's bounds them (`max_rows`)."""
    if "maxItems" in schema or any(name.startswith("max_") for name in options["properties"]):
        return []
    parts = [schema, *schema.get("anyOf", ())]
    return [
        f"{path}: a list without maxItems" for part in parts if part.get("type") == "array" and "maxItems" not in part
    ]


def gaps(tool: dict[str, Any]) -> list[str]:
    """What is missing in a tool's description."""
    parameters, result = tool["parameters"], tool["result"]
    lacking = [
        f"the operation {name} is not described"
        for name, told in operations(parameters).items()
        if len(told.split()) < 2
    ]
    lacking += [f"{key} is empty" for key in ("description", "category", "timeout", "max_output") if not tool[key]]
    lacking += [] if len(tool["description"]) > 80 else ["the description is too short for a model"]
    for kind, schema in (("parameter", parameters), ("result", result)):
        lacking += [] if schema.get("properties") else [f"no {kind}s"]
        for name, inner in schema.get("properties", {}).items():
            lacking += [] if len(inner.get("description", "")) > 3 else [f"the {kind} {name} is not described"]
    for name, inner in parameters["properties"].items():
        lacking += _unbounded(inner, name, registry().classes[tool["class"]]["options"])
    lacking += [] if parameters.get("additionalProperties") is False else ["unknown arguments are let through"]
    lacking += [] if 2 <= len(tool["examples"]) <= 3 else [f"{len(tool['examples'])} examples"]
    known = {"read", "write", "net", "exec", "env"}
    lacking += [f"there is no permission {name}" for name in tool["permissions"] if name not in known]
    extras = set(_PROJECT["optional-dependencies"]) | {""}
    lacking += [] if tool["extra"] in extras else [f"there is no extra {tool['extra']}"]
    return lacking


@pytest.mark.parametrize("name", NAMES)
def test_show_is_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", "200")
    tool = json.loads(said("tools", "show", name, "--json"))
    lacking = gaps(tool)
    print(name, "lacks", lacking)
    assert lacking == []
    page = said("tools", "show", name)
    words = " ".join(page.split())
    parts = [
        "Parameters",
        "Result",
        "Options",
        f"Limits: {tool['timeout'] / 1000:g} s",
        "Permissions: " + ", ".join(tool["permissions"]) if tool["permissions"] else "It needs no permission.",
        *([f"pip install 'llmspell[{tool['extra']}]'"] if tool["extra"] else []),
        *operations(tool["parameters"]),
        *(f"{key} / {camel(key)}" if camel(key) != key else key for key in tool["parameters"]["properties"]),
        *tool["result"]["properties"],
        *(example["note"] for example in tool["examples"]),
    ]
    assert [part for part in parts if part not in words] == []
    heading = "Operations" in page.splitlines()
    assert heading == bool(operations(tool["parameters"]))


def test_operations_are_told_apart() -> None:
    schema = {
        "properties": {
            "operation": {
                "enum": ["read", "read_all", "move", "copy", "drop"],
                "description": "read: one. Or two: three.\nmove, copy: to `to`; copy keeps. read_all: all of\nthem.",
            }
        }
    }
    assert operations(schema) == {
        "read": "one. Or two: three.",
        "read_all": "all of them.",
        "move": "to `to`; copy keeps.",
        "copy": "to `to`; copy keeps.",
        "drop": "",
    }
    assert operations({"properties": {"text": {"type": "string"}}}) == {}


def test_the_page_of_a_tool_that_lacks_something_is_noticed() -> None:
    tool = json.loads(json.dumps(registry().tools["slack"]))
    tool["parameters"]["properties"]["emoji"]["description"] = ""
    tool["parameters"]["properties"]["operation"]["description"] = "post: sends a text."
    tool["extra"], tool["examples"] = "nothing", tool["examples"][:1]
    found = gaps(tool)
    assert {"the parameter emoji is not described", "there is no extra nothing", "1 examples"} <= set(found)
    assert "the operation update is not described" in found
