"""Nothing of a category is imported before one of its tools is used: neither its modules nor its libraries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tool_shapes import extra_modules

from llmspell.api.registry import registry
from llmspell.tools.catalog import TOOLS

CATEGORIES = sorted({entry.target.split(".")[2] for entry in TOOLS})

#: Libraries of llmspell itself that only a call may need.
_HEAVY = {"aiohttp", "litellm", "pydantic", "re2", "regex", "simpleeval", "jmespath", "jsonschema_rs"}

_PROGRAM = """
import importlib, json, sys
from llmspell.api.registry import registry
from llmspell.tools.catalog import TOOLS
registry().tools
before = set(sys.modules)
category = sys.argv[1]
for entry in TOOLS:
    if entry.target.split(".")[2] == category:
        module, _, name = entry.target.partition(":")
        cls = getattr(importlib.import_module(module), name)
        cls(importlib.import_module("llmspell.api.describe").class_mark(cls).options())
print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""


@pytest.mark.parametrize("category", CATEGORIES)
def test_making_tools_imports_only_their_category_and_no_library(category: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, category], capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    folders = {name.split(".")[2] for name in [*before, *after] if name.startswith("llmspell.tools.")}
    others = set(CATEGORIES) - {category}
    # services share the guarded exchange of the web's tools
    shared = (
        {"web"}
        if category in ("communication", "integration", "ai")
        else {"data"}
        if category == "documents"
        else set()
    )
    assert folders & others <= shared
    assert f"llmspell.tools.{category}" in after
    libraries = {name.partition(".")[0] for name in after}
    assert libraries & ({*extra_modules()} | _HEAVY) == set()


def test_every_tool_is_in_a_category_folder_and_says_so() -> None:
    folders = {entry.name: entry.target.split(".")[2] for entry in TOOLS}
    assert {name: tool["category"] for name, tool in registry().tools.items()} == folders
