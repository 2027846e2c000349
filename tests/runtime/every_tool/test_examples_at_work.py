"""Every tool's own examples, at work: by `tools call`, in Lua and in JavaScript, against services on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tool_shapes import NAMES, wrong_with
from tool_world import SERVICES, World, aimed, furnish, outfit

from llmspell.api.check import form
from llmspell.api.registry import registry
from llmspell.cli.main import main

TOOLS = registry().tools
FLAGS = {"net": "--allow-net", "exec": "--allow-exec", "env": "--allow-env"}


def documented(
    name: str, example: dict[str, Any], content: Any, seen: Callable[[Any], Any] = lambda value: value
) -> None:
    """The content is what the example says, and of the declared shape. seen: what a language makes of a value."""
    assert wrong_with(name, content) == []
    if example["result"] is not None:
        assert seen(content) == seen(example["result"])


def test_every_service_tool_has_a_service_here() -> None:
    lacking = [name for name in NAMES if "net" in TOOLS[name]["permissions"] and name not in SERVICES]
    print("without a service on loopback:", lacking)
    assert lacking == []


@pytest.mark.parametrize("name", NAMES)
def test_tools_call_gives_what_the_examples_say(
    name: str,
    world: World,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worn = outfit(name, TOOLS[name]["permissions"], world)
    assert worn is not None, f"{name}: say in SERVICES how it reaches a service on loopback"
    monkeypatch.chdir(project)
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(project.parent / variable))
    for variable, value in worn.environ.items():
        monkeypatch.setenv(variable, value)
    (project / "llmspell.toml").touch()
    granted = [word for kind, names in worn.grants.items() for each in names for word in (FLAGS[kind], each)]
    example = TOOLS[name]["examples"][0]
    params = json.dumps(aimed(name, example["params"], world.url))
    options = json.dumps(dict(worn.options))
    code = main(("tools", "call", name, "--json", "--params", params, "--options", options, *granted))
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    documented(name, example, json.loads(out))
    assert "net" not in TOOLS[name]["permissions"] or world.asked or world.mails


#: Backwards: what `list` of the timers shows is what was started before it.
LUA = """
local given = {}
for i = #params.examples, 1, -1 do given[i] = %(cls)s.new(params.options):execute(params.examples[i]) end
return given
"""
JS = """
const given = [];
for (const example of params.examples.reverse()) given.unshift(await new %(cls)s(params.options).execute(example));
return given;
"""


def as_lua(value: Any) -> Any:
    """What is left of a value in Lua's tables: no fields of nothing, and names of columns in no order."""
    match value:
        case {**fields}:
            kept = {key: as_lua(item) for key, item in fields.items() if item is not None}
            return {key: sorted(item) if key == "columns" else item for key, item in kept.items()}
        case [*items]:
            return [as_lua(item) for item in items]
        case _:
            return value


@pytest.mark.parametrize("language", ["lua", "js"])
@pytest.mark.parametrize("name", NAMES)
async def test_spells_get_what_the_examples_say(
    cast: Any, world: World, name: str, language: str, tmp_path: Path
) -> None:
    furnish(tmp_path)
    tool = TOOLS[name]
    worn = outfit(name, tool["permissions"], world)
    assert worn is not None
    given = {
        "options": dict(worn.options),
        "examples": [aimed(name, each["params"], world.url) for each in tool["examples"]],
    }
    source = (LUA if language == "lua" else JS) % {"cls": tool["class"]}
    flags = {f"permissions.{kind}": names for kind, names in worn.grants.items()}
    spell = await cast(**{language: source}, params=given, flags=flags, environ=worn.environ)
    for example, content in zip(tool["examples"], spell.value, strict=True):
        documented(name, example, form(content, tool["result"]), as_lua if language == "lua" else lambda value: value)
