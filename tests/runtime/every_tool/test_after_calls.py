"""What is left of a call: one audit record with what it used and without secrets; of a cut-off run nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tool_shapes import NAMES
from tool_traces import settled, working
from tool_world import SECRET, World, aimed, furnish, outfit

from llmspell.api.registry import registry
from llmspell.cli.main import main
from llmspell.traces.audit import COLUMNS
from llmspell.traces.reader import RunFile

TOOLS = registry().tools

CALL = "for _, each in ipairs(params.calls) do pcall(function() %s.new(params.options):execute(each) end) end"


def _audit(folder: Path, run: str) -> list[dict[str, Any]]:
    (path,) = folder.rglob(f"{run}.db")
    with RunFile(path) as file:
        assert file.verify_audit() == len(file.audit())
        return [dict(zip(COLUMNS, row, strict=True)) for row in file.audit()]


@pytest.mark.mission(141)
@pytest.mark.parametrize("name", NAMES)
async def test_each_call_is_audited_with_what_it_used_and_without_secrets(
    cast: Any, world: World, tmp_path: Path, name: str
) -> None:
    """One call that works, one that is refused for its arguments, one that holds secrets where it may."""
    furnish(tmp_path)
    tool = TOOLS[name]
    worn = outfit(name, tool["permissions"], world)
    if worn is None:
        pytest.skip("it is told of in test_every_service_tool_has_a_service_here")
    example = aimed(name, tool["examples"][0]["params"], world.url)
    texts = [key for key, schema in tool["parameters"]["properties"].items() if "'string'" in str(schema)]
    held = {**example, texts[-1]: f"{SECRET} sk-{'a' * 30}"} if texts else example
    spell = await cast(
        lua=CALL % tool["class"],
        params={"calls": [example, {**example, "unknown": 1}, held], "options": dict(worn.options)},
        flags={f"permissions.{kind}": names for kind, names in worn.grants.items()},
        environ={**worn.environ, "MY_SECRET": SECRET},
    )
    records = await asyncio.to_thread(_audit, tmp_path, spell.result.run_id)
    assert [(each["action"], each["tool"]) for each in records] == [("tool_call", name)] * 3
    assert json.loads(records[0]["result"]) == "success"
    assert json.loads(records[1]["result"]).startswith("validation: ")
    used = records[0]["permissions"].split()
    assert set(used) <= set(tool["permissions"])
    assert ("net" in used) == ("net" in tool["permissions"])
    assert ("exec" in used) == (name == "shell_command")
    assert records[1]["permissions"] == ""
    text = json.dumps(records)
    assert SECRET not in text and "sk-aaaa" not in text


async def test_a_call_that_is_cut_off_is_audited_too(cast: Any, tmp_path: Path) -> None:
    waiting = "Async.spawn(function() Timer.new():execute{ operation = 'wait', duration = 60000 } end)"
    spell = await cast(lua=f"{waiting} Timer.new():execute{{ operation = 'wait', duration = 20 }} error('enough')")
    records = await asyncio.to_thread(_audit, tmp_path, spell.result.run_id)
    assert sorted(json.loads(each["result"]).partition(":")[0] for each in records) == ["cancelled", "success"]


def test_the_trail_shows_what_was_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "a.txt").write_text("a")
    assert main(("tools", "call", "hash", "--params", '{"path": "a.txt"}')) == 0
    capsys.readouterr()
    (path,) = (tmp_path / "state").rglob("runs/*.db")
    assert main(("trace", "audit", "show", str(path), "--json")) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["tool"], record["permissions"], record["number"]) == ("hash", "read", 1)


SLOW = """
local tool = %s.new(params.options)
for _, each in ipairs(params.calls) do Async.spawn(function() tool:execute(each) end) end
Async.sleep(30)
error("enough")
"""


async def test_a_run_that_ends_at_once_leaves_no_process_and_no_thread(cast: Any, world: World, tmp_path: Path) -> None:
    """All tools, three calls each at the same time; the spell fails before most of them are done."""
    furnish(tmp_path)
    await cast(lua="Calculator.new():execute{ expression = '1' }")
    before = await settled(working)
    for name in NAMES:
        worn = outfit(name, TOOLS[name]["permissions"], world)
        if worn is None:
            continue
        calls = [aimed(name, each["params"], world.url) for each in TOOLS[name]["examples"]]
        spell = await cast(
            lua=SLOW % TOOLS[name]["class"],
            params={"calls": calls, "options": dict(worn.options)},
            flags={f"permissions.{kind}": names for kind, names in worn.grants.items()},
            environ=worn.environ,
        )
        assert "enough" in spell.result.error.message, name
        assert await settled(lambda: working() - before) == set(), name
