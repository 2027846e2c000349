"""The process tool sees and ends what this run has started, and nothing else."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, ToolError
from llmspell.security.permissions import Permissions
from llmspell.tools.base import ToolContext
from llmspell.tools.system.process import ProcessOptions, ProcessTool
from llmspell.tools.system.shell_command import ShellCommandOptions, ShellCommandTool

pytestmark = pytest.mark.mission(97)


async def seen(call: Any, name: str) -> list[dict[str, Any]]:
    """The run's processes of this name, once there are some."""
    async with asyncio.timeout(20):
        while not (found := (await call(ProcessTool, {"operation": "list", "name": name}))["processes"]):
            await asyncio.sleep(0.02)
    return found


async def test_a_command_is_seen_and_ended(call: Any) -> None:
    task = asyncio.create_task(call(ShellCommandTool, {"command": "sleep 600"}, exec=["sleep"]))
    (process,) = await seen(call, "sleep")
    assert process["command"] == ["sleep", "600"]
    assert process["memory_mb"] >= 0
    assert 0 <= process["age_seconds"] < 60
    found = await call(ProcessTool, {"operation": "info", "pid": process["pid"]})
    assert (found["process"]["pid"], found["process"]["parent"]) == (process["pid"], process["parent"])
    with pytest.raises(ToolError, match="may not end processes"):
        await call(ProcessTool, {"operation": "kill", "pid": process["pid"]}, options={"allow_kill": False})
    with pytest.raises(ToolError, match="no process"):  # the supervisor around it
        await call(ProcessTool, {"operation": "kill", "pid": process["parent"]})
    assert (await call(ProcessTool, {"operation": "kill", "pid": process["pid"]}))["signalled"] is True
    assert (await task)["exit_code"] == 128 + 15
    with pytest.raises(ToolError, match="no process"):
        await call(ProcessTool, {"operation": "info", "pid": process["pid"]})


async def test_a_command_of_another_run_is_neither_shown_nor_ended(call: Any, tmp_path: Path) -> None:
    """Two runs of one host: what tells them apart is who started the command, not what it says of itself."""
    other = ToolContext(
        Permissions.grant(tmp_path, read=(".",), exec=["sleep"]), tmp_path, tmp_path / "elsewhere", {"HOME": "x"}
    )
    other.scratch.mkdir()
    tool = ShellCommandTool(ShellCommandOptions(env={"HOME": str(tmp_path / "scratch"), "TMPDIR": "x"}))
    command = {"command": "sleep 601"}
    task = asyncio.create_task(tool.perform(command, other))
    own = asyncio.create_task(call(ShellCommandTool, {"command": "sleep 602"}, exec=["sleep"]))
    (process,) = await seen(call, "sleep")
    assert process["command"] == ["sleep", "602"]
    theirs = ProcessTool(ProcessOptions())
    async with asyncio.timeout(20):
        while not (found := (await theirs.perform({"operation": "list", "name": "sleep"}, other)).content["processes"]):
            await asyncio.sleep(0.02)
    assert [each["command"] for each in found] == [["sleep", "601"]]
    with pytest.raises(ToolError, match="has started no process"):
        await call(ProcessTool, {"operation": "kill", "pid": found[0]["pid"]})
    await theirs.perform({"operation": "kill", "pid": found[0]["pid"]}, other)
    await call(ProcessTool, {"operation": "kill", "pid": process["pid"]})
    assert ((await task).content["exit_code"], (await own)["exit_code"]) == (143, 143)


@pytest.mark.parametrize("whose", ["first", "own", "parent"])
async def test_others_are_neither_shown_nor_ended(call: Any, whose: str) -> None:
    pid = {"first": 1, "own": os.getpid(), "parent": os.getppid()}[whose]
    for operation in ("info", "kill"):
        with pytest.raises(ToolError, match="has started no process"):
            await call(ProcessTool, {"operation": operation, "pid": pid})
    with pytest.raises(ToolError, match="has started no process"):
        await call(ProcessTool, {"operation": "kill", "pid": pid, "all": True}, exec=["ps"])


async def test_a_child_that_no_command_started_is_not_the_runs(call: Any) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with pytest.raises(ToolError, match="has started no process"):
            await call(ProcessTool, {"operation": "kill", "pid": child.pid})
        assert child.poll() is None
    finally:
        child.communicate()


async def test_all_are_listed_with_permission_and_without_command_lines(call: Any) -> None:
    with pytest.raises(PermissionDenied, match="ps") as caught:
        await call(ProcessTool, {"operation": "list", "all": True})
    assert "--allow-exec" in caught.value.hint
    found = await call(ProcessTool, {"operation": "list", "all": True, "limit": 5000}, exec=["ps"])
    own = next(process for process in found["processes"] if process["pid"] == os.getpid())
    assert "command" not in own
    found = await call(ProcessTool, {"operation": "list", "all": True, "limit": 1}, exec=["ps"])
    assert len(found["processes"]) == 1 < found["count"]


@pytest.mark.parametrize("params", [{"operation": "info"}, {"operation": "kill"}, {"operation": "kill", "pid": 0}])
async def test_what_is_missing_is_said(call: Any, params: dict[str, Any]) -> None:
    with pytest.raises(LlmspellError, match="pid"):
        await call(ProcessTool, params)


LUA = """
local shell, processes = ShellCommandTool.new{}, ProcessTool.new{}
local command = Async.spawn(function() return shell:execute{ command = "sleep 600" }.exit_code end)
local found
repeat
    Async.sleep(20)
    found = processes:execute{ operation = "list", name = "sleep" }.processes
until #found > 0
processes:execute{ operation = "kill", pid = found[1].pid }
return command:await()
"""
JS = """
const shell = new ShellCommandTool(), processes = new ProcessTool();
const command = shell.execute({ command: "sleep 600" });
let found;
do {
    await Async.sleep(20);
    found = (await processes.execute({ operation: "list", name: "sleep" })).processes;
} while (!found.length);
await processes.execute({ operation: "kill", pid: found[0].pid });
return (await command).exit_code;
"""


@pytest.mark.parametrize("spell", [{"lua": LUA}, {"js": JS}], ids=["lua", "javascript"])
async def test_a_spell_ends_its_own_command(cast: Any, spell: dict[str, str], tmp_path: Any) -> None:
    (tmp_path / "llmspell.toml").write_text('[permissions]\nexec = ["sleep"]\n')
    done = await cast(**spell)
    assert done.value == 143
    assert (await cast(**spell, replay=done.recording)).value == 143
