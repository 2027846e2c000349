"""The namespace Cache: values that outlast the run, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import StoreError
from llmspell.state.cache_file import CacheFile

Cast = Callable[..., Any]


async def test_what_one_run_keeps_another_finds_in_either_language(cast: Cast) -> None:
    await cast(lua='Cache.set("research:tides", { high = 3.5, names = { "a", "b" } }) Cache.set("plain", "text")')
    text = """
      return [await Cache.getCachedResearch("tides"), await Cache.get_cached_research("tides"),
        await Cache.getCached("research", "tides"), await Cache.get("plain"), await Cache.get("none", 7),
        await Cache.getCachedResearch("none"), await Cache.delete("plain"), await Cache.delete("plain")];"""
    tides = {"high": 3.5, "names": ["a", "b"]}
    assert (await cast(js=text)).value == [tides, tides, tides, "text", 7, None, True, False]
    await cast(js='await Cache.set("tide_tables:x", 5)')
    text = 'return { Cache.get_cached_tide_tables("x"), Cache.get("plain", "gone") }'
    assert (await cast(lua=text)).value == [5, "gone"]


async def test_a_time_to_live(cast: Cast) -> None:
    text = """
      Cache.set("short", 1, { ttl = 1 })
      Cache.set("long", 1, { ttl = 60000 })
      Async.sleep(10)
      return { Cache.get("short", "gone"), Cache.get("long"), Cache.delete("short") }"""
    assert (await cast(lua=text)).value == ["gone", 1, False]


async def test_what_cannot_be_kept_is_an_error_that_can_be_caught(cast: Cast) -> None:
    text = 'local ok, problem = pcall(Cache.set, "agent", { Agent.new("a") }) return { ok, problem.message }'
    ok, message = (await cast(lua=text)).value
    assert not ok
    assert "'agent'" in message


def test_any_text_is_a_key_and_any_plain_value_a_value(tmp_path: Path) -> None:
    file = CacheFile(tmp_path / "deep" / "cache.db")
    for key in ("", "a\0b", "\ud800", "x" * 10_000):
        for value in (None, False, 2**63, 1.5, "\ud800", b"\xff", [], {}, {"a": [1]}):
            file.set(key, value, None)
            assert file.get(key) == [value]
        assert file.delete(key) and file.get(key) is None
    for value in (2**64, object(), {1, 2}):
        with pytest.raises(StoreError, match="cannot keep 'x'"):
            file.set("x", value, None)


def test_many_writers_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        CacheFile(tmp_path / "cache.db").set(f"k{number}", number, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    file = CacheFile(tmp_path / "cache.db")
    assert [file.get(f"k{number}") for number in range(40)] == [[number] for number in range(40)]


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"no database " * 100)
    with pytest.raises(StoreError, match=r"cache\.db' cannot be used") as caught:
        CacheFile(tmp_path / "cache.db").get("x")
    assert "remove it" in caught.value.hint
    (tmp_path / "folder").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        CacheFile(tmp_path / "folder" / "cache.db").get("x")
