"""Every built-in tool is described whole, and its examples give what they say."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter

from llmspell.api.check import Checker
from llmspell.api.describe import ToolMark, class_mark
from llmspell.api.schemas import schema_of
from llmspell.errors import LlmspellError
from llmspell.tools.catalog import TARGETS, TOOLS, Entry


def load(entry: Entry) -> tuple[type, ToolMark]:
    module, _, name = entry.target.partition(":")
    cls = getattr(importlib.import_module(module), name)
    mark = class_mark(cls)
    assert mark is not None and mark.tool is not None
    assert (mark.name, mark.aliases) == (entry.class_name, (entry.alias,))
    return cls, mark.tool


@pytest.mark.parametrize("entry", TOOLS, ids=lambda entry: entry.name)
@pytest.mark.mission(31)
def test_tool_is_described_whole(entry: Entry) -> None:
    cls, tool = load(entry)
    assert tool.name == entry.name
    assert len(cls.__doc__ or "") > 80
    assert 2 <= len(tool.examples) <= 3
    for schema in (schema_of(tool.params), schema_of(tool.result), schema_of(class_mark(cls).options)):  # pyright: ignore
        assert schema["properties"]
        assert [name for name, found in schema["properties"].items() if not found.get("description")] == []
    for example in tool.examples:
        Checker(schema_of(tool.params)).check_params(example.params, entry.name)


@pytest.mark.parametrize("entry", TOOLS, ids=lambda entry: entry.name)
async def test_examples_give_their_result(entry: Entry, call: Any) -> None:
    cls, tool = load(entry)
    for example in tool.examples:
        if "net" in tool.permissions or entry.name == "shell_command":
            with pytest.raises(LlmspellError, match=r"may not|needs"):
                await call(cls, example.params)
            continue
        content = await call(cls, example.params, env=["LANG"])
        if example.result is not None:
            assert content == example.result
        TypeAdapter(tool.result).validate_python(content, strict=True)
        assert set(content) <= set(schema_of(tool.result)["properties"])


def test_catalog_imports_no_tool() -> None:
    program = "import sys; import llmspell.tools.catalog; print([m for m in sys.modules if m.startswith('llmspell.')])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "llmspell.tools.math" not in found.stdout
    assert len(TARGETS) == 3 * len(TOOLS)


def test_tools_import_nothing_heavy() -> None:
    modules = sorted({entry.target.partition(":")[0] for entry in TOOLS})
    heavy = [
        "aiohttp",
        "aiosmtplib",
        "boto3",
        "botocore",
        "bs4",
        "feedparser",
        "pydantic",
        "re2",
        "regex",
        "simpleeval",
        "jsonschema_rs",
        "jmespath",
        "yaml",
        "annotated_types",
    ]
    program = f"""
import importlib, sys
for name in {modules!r}: importlib.import_module(name)
print([name for name in {heavy!r} if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
