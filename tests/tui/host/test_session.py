"""A spell that runs at every save: none is lost, a wrong text leaves the old run, the prefix comes from the run before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmspell.traces.reader import RunFile
from llmspell_tui.host.session import Began, Refusal, Session, Trouble
from llmspell_tui.host.wishes import Wishes

if TYPE_CHECKING:
    from conftest import Desk

HELLO = {"lua": 'print("{0}")', "js": 'console.log("{0}");'}
WAITS = {
    "lua": 'print("{0}") Async.sleep(600000)',
    "js": 'console.log("{0}"); await new Promise((done) => setTimeout(done, 600000));',
}


@asynccontextmanager
async def watching(desk: Desk, file: str, **wishes: Any) -> AsyncGenerator[Session]:
    session = Session(desk.client, file, Wishes(files=(file,), **wishes), desk.hear)
    task = asyncio.create_task(session.watch())
    yield session
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_save_cancels_the_run_and_starts_another(desk: Desk, language: str) -> None:
    file = desk.write(f"a.{language}", WAITS[language].format("one"))
    async with watching(desk, file) as session:
        await desk.until(lambda: "one" in desk.printed)
        desk.write(f"a.{language}", WAITS[language].format("two"))
        await desk.until(lambda: "two" in desk.printed and desk.ended)
        first, second = desk.news
        assert isinstance(first, Began) and isinstance(second, Began)
        assert second.before == first.started.run == desk.ended[0].run
        assert second.saved == (f"a.{language}",) and session.run == second.started.run
        assert desk.ended[0].status == "cancelled"


async def test_a_wrong_text_leaves_the_old_run(desk: Desk, language: str) -> None:
    file = desk.write(f"a.{language}", WAITS[language].format("one"))
    async with watching(desk, file) as session:
        await desk.until(lambda: "one" in desk.printed)
        desk.write(f"a.{language}", "local = 1" if language == "lua" else "const = 1")
        await desk.until(lambda: isinstance(desk.news[-1], Refusal))
        assert (desk.news[-1].line, desk.news[-1].where) == (1, file)
        assert desk.client.runs == (session.run,) and not desk.ended
        desk.write(f"a.{language}", HELLO[language].format("three"))
        await desk.until(lambda: "three" in desk.printed)


async def test_a_file_that_is_gone(desk: Desk) -> None:
    file = desk.write("a.lua", HELLO["lua"].format("one"))
    async with watching(desk, file):
        await desk.until(lambda: "one" in desk.printed)
        os.unlink(file)  # noqa: PTH108
        await desk.until(lambda: isinstance(desk.news[-1], Trouble))
        assert "cannot be read" in desk.news[-1].message
        desk.write("a.lua", HELLO["lua"].format("two"))
        await desk.until(lambda: "two" in desk.printed)


async def test_with_the_run_before_as_its_prefix(desk: Desk, language: str) -> None:
    ask = {
        "lua": 'local a = Agent.new{{ name = "a" }} a:execute("one") a:execute("{0}") print("{0}")',
        "js": 'const a = new Agent({{ name: "a" }}); await a.execute("one"); await a.execute("{0}"); console.log("{0}");',
    }[language]
    file = desk.write(f"a.{language}", ask.format("two"))
    async with watching(desk, file, replay_prefix=True):
        await desk.until(lambda: "two" in desk.printed and desk.ended)
        desk.write(f"a.{language}", ask.format("three"))
        await desk.until(lambda: "three" in desk.printed and len(desk.ended) == 2)
    with RunFile(Path(desk.news[-1].started.path)) as stored:
        calls = list(stored.events(kind="llm_call_completed"))
    assert [call.data.get("from_recording", False) for call in calls] == [True, False]


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def rename_over(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.swp")
    beside.write_text(text)
    beside.rename(file)


def as_vim(file: Path, text: str) -> None:
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text)
    backup.unlink()


def atomic(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.tmp")
    with beside.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(file)


@pytest.mark.parametrize("each", [3, pytest.param(50, marks=pytest.mark.soak)])
async def test_no_save_is_lost(desk: Desk, each: int) -> None:
    """Four styles in turn, two of three of them while the run before is still under way."""
    file = Path(desk.write("a.lua", HELLO["lua"].format("n0")))
    styles: list[Callable[[Path, str], None]] = [in_place, rename_over, as_vim, atomic]
    async with watching(desk, str(file)):
        await desk.until(lambda: "n0" in desk.printed)
        for number in range(1, 4 * each + 1):
            nonce = f"n{number}"
            styles[number % 4](file, (WAITS if number % 3 else HELLO)["lua"].format(nonce))
            await desk.until(lambda nonce=nonce: nonce in desk.printed)
    assert not [told for told in desk.news if not isinstance(told, Began)]
