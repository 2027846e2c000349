"""What the language server says of Lua and JavaScript themselves is what their sandboxes have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from llmspell.api.registry import registry
from llmspell_lsp.analysis.natives import natives

LUA = """
local found = {}
for name, value in pairs(_G) do
  found[#found + 1] = name
  if type(value) == "table" and name ~= "_G" then
    pcall(function()
      for inner in pairs(value) do
        if type(inner) == "string" then found[#found + 1] = name .. "." .. inner end
      end
    end)
  end
end
return found
"""
JAVASCRIPT = """
const found = [];
for (const name of Object.getOwnPropertyNames(globalThis)) {
  found.push(name);
  const value = globalThis[name];
  if (value === null || !["object", "function"].includes(typeof value) || value === globalThis) continue;
  for (const inner of Object.getOwnPropertyNames(value)) found.push(`${name}.${inner}`);
  if (typeof value !== "function" || !value.prototype) continue;
  for (const inner of Object.getOwnPropertyNames(value.prototype)) found.push(`${name}#${inner}`);
}
return found;
"""

#: What an object has of its own without being on its class.
OWN = {"Array#length", "String#length", "RegExp#lastIndex", "Error#cause", "Function#length", "Function#name"}


Language = Literal["lua", "javascript"]


@pytest.fixture(params=["lua", "javascript"])
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


@pytest.fixture
def live(language: Language, tmp_path: Path) -> set[str]:
    """The names that are there, by the engine itself."""
    spell = tmp_path / ("spell.lua" if language == "lua" else "spell.js")
    spell.write_text(LUA if language == "lua" else JAVASCRIPT, encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-m", "llmspell", "run", "--json", str(spell)]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout)["result"])


def ours() -> set[str]:
    known = registry()
    return {*known.names, *known.described["globals"], *(error["name"] for error in known.described["errors"])}


def test_every_native_that_is_described_is_there(live: set[str], language: str) -> None:
    described = set(natives(language).entries) - OWN
    assert not {name for name in described if name not in live and not name.startswith(("console.", "process."))}


def test_every_global_that_is_there_is_described(live: set[str], language: str) -> None:
    globals_ = {name for name in live if "." not in name and "#" not in name}
    assert globals_ - natives(language).globals - ours() == set()


@pytest.mark.parametrize("language", ["lua"], indirect=True)
def test_every_member_of_luas_libraries_is_described(live: set[str]) -> None:
    libraries = natives("lua").libraries
    members = {name for name in live if name.partition(".")[0] in libraries and "." in name}
    assert members - set(natives("lua").entries) == set()


def test_every_native_says_what_it_is_for() -> None:
    for name in ("lua", "javascript"):
        assert [
            entry.full_name for entry in natives(name).entries.values() if not entry.doc.endswith((".", "`", "…"))
        ] == []


def test_a_native_reads_as_a_person_writes_it() -> None:
    entry = natives("lua").entries["table.sort"]
    assert entry.signature == "table.sort(list: T[], before?: (a: T, b: T) => boolean)"
    assert [param.name for param in natives("javascript").entries["Array#reduce"].params or ()] == ["step", "start"]
