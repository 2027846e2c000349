"""The client of the warm host: runs, refusals, a host that dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmspell.errors import UsageError
from llmspell_tui.host.client import HostClient, HostLost, Refused

if TYPE_CHECKING:
    from conftest import Desk

HELLO = {"lua": 'print("{0}")', "js": 'console.log("{0}");'}
WAITS = {
    "lua": 'print("{0}") Async.sleep(600000)',
    "js": 'console.log("{0}"); await new Promise((done) => setTimeout(done, 600000));',
}


async def test_a_run_and_its_end(desk: Desk, language: str) -> None:
    run = await desk.client.start(desk.write(f"a.{language}", HELLO[language].format("hello")))
    desk.follow(run)
    await desk.until(lambda: desk.ended and desk.printed)
    assert (desk.ended[0].run, desk.ended[0].status) == (run.run, "ok")
    assert desk.printed == ["hello"]
    assert desk.client.runs == ()
    assert run.file == str(desk.folder / f"a.{language}")


async def test_a_text_that_does_not_compile(desk: Desk, language: str) -> None:
    file = desk.write(f"a.{language}", WAITS[language].format("x"))
    old = await desk.client.start(file)
    desk.write(f"a.{language}", "\n\nlocal = 1" if language == "lua" else "\n\nconst = 1")
    with pytest.raises(Refused) as refused:
        await desk.client.start(file, cancels=old.run)
    assert (refused.value.line, refused.value.file) == (3, file)
    assert refused.value.text.endswith("= 1")
    assert desk.client.runs == (old.run,)
    await desk.client.cancel(old.run)
    assert desk.ended[-1].status == "cancelled"


async def test_other_errors_are_the_hosts_own(desk: Desk) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        await desk.client.start(str(desk.folder / "none.lua"))


async def test_a_host_that_dies_is_started_again(desk: Desk, language: str) -> None:
    """Its runs are told as lost, whoever waited for an answer hears of it, and the next run is another host's."""
    file = desk.write(f"a.{language}", WAITS[language].format("x"))
    lost = await desk.client.start(file)
    first = desk.client.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await desk.until(lambda: desk.ended)
    assert (desk.ended[0].run, desk.ended[0].status) == (lost.run, "lost")
    again = await desk.client.start(file)
    assert desk.client.pid not in (None, first)
    assert desk.client.spawned == 2
    assert desk.client.runs == (again.run,)


async def test_a_host_that_cannot_be_had(tmp_path: Path) -> None:
    client = HostClient(command=(str(tmp_path / "nothing"),))
    with pytest.raises(HostLost, match="cannot be started"):
        await client.start("a.lua")
    broken = HostClient(command=("/bin/false",))
    with pytest.raises(HostLost, match="has ended"):
        await broken.start("a.lua")
    await broken.close()
    with pytest.raises(UsageError, match="is closed"):
        await broken.start("a.lua")


async def test_closing_ends_what_runs(desk: Desk, language: str) -> None:
    await desk.client.start(desk.write(f"a.{language}", WAITS[language].format("x")))
    pid = desk.client.pid
    await desk.client.close()
    assert desk.client.pid is None and not alive(pid)
    assert [ended.status for ended in desk.ended] == ["cancelled"]


def alive(pid: int | None) -> bool:
    return Path(f"/proc/{pid}").exists()
