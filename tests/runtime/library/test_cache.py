"""Cache: values that outlast a run, and the short way to a kind of them."""

from __future__ import annotations

from typing import Any

import pytest

SPELLS = {
    "lua": """
        Cache.set("tide_tables:oslo", { high = 2 })
        local found = { Cache.get_cached_tide_tables("oslo").high, Cache:get_cached_tide_tables("oslo").high }
        found[3] = Cache.get_cached("tide_tables", "oslo").high
        found[4] = Cache.get_cached_tide_tables("rome") == nil
        found[5] = Cache.get("never", 7)
        found[6] = Cache.delete("tide_tables:oslo")
        found[7] = Cache.get_cached_tide_tables("oslo") == nil
        found[8] = Cache.get_nothing == nil
        return found""",
    "js": """
        await Cache.set("tide_tables:oslo", { high: 2 });
        return [
          (await Cache.getCachedTideTables("oslo")).high, (await Cache.get_cached_tide_tables("oslo")).high,
          (await Cache.getCached("tide_tables", "oslo")).high, (await Cache.getCachedTideTables("rome")) === null,
          await Cache.get("never", 7), await Cache.delete("tide_tables:oslo"),
          (await Cache.getCachedTideTables("oslo")) === null, Cache.getNothing === undefined,
        ];""",
}


@pytest.mark.mission(62)
@pytest.mark.parametrize("language", SPELLS)
async def test_a_kind_of_values_has_a_method_of_its_own(cast: Any, language: str) -> None:
    done = await cast(**{language: SPELLS[language]})
    assert done.value == [2, 2, 2, True, 7, True, True, True]


@pytest.mark.mission(62)
@pytest.mark.parametrize(("language", "other"), [("lua", "js"), ("js", "lua")])
async def test_a_value_outlasts_its_run_and_crosses_languages(cast: Any, language: str, other: str) -> None:
    write = {"lua": 'Cache.set("report", { pages = 3 })', "js": 'await Cache.set("report", { pages: 3 });'}
    read = {"lua": 'return Cache.get("report").pages', "js": 'return (await Cache.get("report")).pages;'}
    assert (await cast(**{language: write[language]})).result.status == "ok"
    assert (await cast(**{other: read[other]})).value == 3


@pytest.mark.mission(62)
async def test_a_value_is_forgotten_when_its_time_is_over(cast: Any) -> None:
    source = 'Cache.set("a", 1, { ttl = 1 }) Async.sleep(30) return Cache.get("a", "gone")'
    assert (await cast(lua=source)).value == "gone"
