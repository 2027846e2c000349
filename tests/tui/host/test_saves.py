"""Saves in every editor's way: each one is seen, and what a run writes is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.tui.saves import STYLES, in_place

from llmspell_tui.host.saves import Saves, folders_of

Next = Callable[[], "asyncio.Future[frozenset[Path]]"]


class Watched:
    """Saves of a folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.saves = Saves([folder])
        self._each = self.saves.each()

    async def next(self) -> frozenset[Path]:
        return await asyncio.wait_for(anext(self._each), 60)

    async def until(self, file: Path) -> None:
        while file not in await self.next():
            continue

    async def close(self) -> None:
        await self._each.aclose()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path)
    assert await watched.next() == frozenset()
    yield watched
    await watched.close()


@pytest.mark.parametrize("style", STYLES)
async def test_each_save_is_seen(watched: Watched, style: Callable[[Path, str], None]) -> None:
    file = watched.folder / "a.lua"
    for number in range(10):
        (style if number else in_place)(file, f"return {number}")
        await watched.until(file)
        assert file.read_text() == f"return {number}"


async def test_what_a_run_writes_is_none(watched: Watched) -> None:
    for folder in ("output", ".llmspell", "node_modules/thing"):
        (watched.folder / folder).mkdir(parents=True)
        (watched.folder / folder / "b.lua").write_text("return 1")
    (watched.folder / "a.db").write_text("")
    (watched.folder / "a.lua").write_text("return 1")
    seen = await watched.next()
    assert seen == {watched.folder / "a.lua"}


async def test_files_below_and_files_removed(watched: Watched) -> None:
    module = watched.folder / "lib" / "deep" / "m.js"
    module.parent.mkdir(parents=True)
    module.write_text("export default 1")
    await watched.until(module)
    module.unlink()
    await watched.until(module)


@pytest.mark.parametrize("begin", [Path.unlink, lambda file: file.write_text("")])
async def test_a_save_in_two_steps_is_one(
    watched: Watched, begin: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a hundred milliseconds between them, as on a busy machine. A file may also stay empty."""
    monkeypatch.setattr("llmspell_tui.host.saves._MIDST", 30)  # this machine may be busy too
    file = watched.folder / "a.lua"
    file.write_text("return 1")
    await watched.until(file)
    coming = asyncio.ensure_future(watched.next())
    begin(file)
    await asyncio.sleep(0.1)
    file.write_text("return 2")
    assert await coming == {file}
    monkeypatch.undo()
    other = watched.folder / "b.lua"
    other.write_text("")
    assert await watched.next() == {other}


async def test_another_folder_is_watched_too(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    coming = asyncio.ensure_future(watched.next())
    await asyncio.sleep(0)
    watched.saves.also([other])
    (other / "m.lua").write_text("return 1")
    assert await coming == {other / "m.lua"}
    (watched.folder / "a.lua").write_text("return 1")
    assert await watched.next() == {watched.folder / "a.lua"}


def test_the_folders_of_a_spell(tmp_path: Path) -> None:
    spell, module = tmp_path / "a" / "spell.lua", tmp_path / "b" / "m.lua"
    assert folders_of(spell, [str(module), "relative.lua"]) == [tmp_path / "a", tmp_path / "b"]
