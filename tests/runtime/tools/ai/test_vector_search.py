"""vector_search: what is put in is found again, by words or vectors, among those that fit, and nothing is ever lost."""

from __future__ import annotations

import asyncio
import math
import os
import random
import signal
import sqlite3
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmspell.errors import LlmspellError, PermissionDenied, SchemaError, ToolError
from llmspell.security.permissions import Permissions
from llmspell.testing.server import ModelServer
from llmspell.tools.ai import vector_calls
from llmspell.tools.ai.vector_filter import Condition
from llmspell.tools.ai.vector_search import VectorSearchOptions, VectorSearchTool
from llmspell.tools.base import ToolContext

both = pytest.mark.parametrize("language", ["lua", "js"])

TOWNS = [
    {
        "id": "oslo",
        "text": "Oslo lies at a fjord",
        "metadata": {"country": "NO", "people": 700, "tags": ["sea", "north"]},
    },
    {"id": "rome", "text": "Rome was not built in a day", "metadata": {"country": "IT", "people": 2800, "old": True}},
    {
        "id": "bari",
        "text": "Bari lies at the sea",
        "metadata": {"country": "IT", "people": 320, "tags": ["sea"], "a": {"b": 1}},
    },
    {"id": "none", "text": "Nowhere at all"},
]


KEPT: ContextVar[Any] = ContextVar("KEPT", default=None)
"""The process that the running call is to use."""


class Index:
    """The tool over one index, its process kept from call to call as in a run."""

    def __init__(self, project: Path, **options: Any) -> None:
        self.project = project
        self.scratch = project.parent / "scratch"
        permissions = Permissions.grant(project, read=(".", self.scratch), write=("output", self.scratch))
        self.context = ToolContext(permissions, project, self.scratch, {})
        self.options = VectorSearchOptions(**({"index_path": "output/index"} | options))
        self.kept = vector_calls.VectorProcess(str(self.scratch))
        self.tool = VectorSearchTool(self.options)

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        kept = self.kept

        class Kept:
            ask = staticmethod(kept.ask)

            @staticmethod
            async def close() -> None:
                """It serves the next call too."""

        token = KEPT.set(Kept)
        try:
            return (await self.tool.perform({"operation": operation, **params}, self.context)).content
        finally:
            KEPT.reset(token)

    @property
    def file(self) -> Path:
        return self.project / "output/index/vectors.db"


@pytest.fixture
async def index(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    real = vector_calls.embedders.kept_of
    # By task: calls of one test run at the same time.
    monkeypatch.setattr(vector_calls.embedders, "kept_of", lambda *given: KEPT.get() or real(*given))
    made: list[Index] = []

    def make(**options: Any) -> Index:
        made.append(Index(project, **options))
        return made[-1]

    yield make
    for each in made:
        await each.kept.close()


def ids(found: dict[str, Any]) -> list[str]:
    return [each["id"] for each in found.get("matches") or found.get("items") or ()]


def vectors(count: int, size: int, seed: int = 1, centres: int = 50) -> Any:
    drawn = np.random.default_rng(seed)
    middle = drawn.standard_normal((centres, size))
    return (middle[drawn.integers(0, centres, count)] + 0.7 * drawn.standard_normal((count, size))).astype(np.float32)


# -- what it does --------------------------------------------------------------------------------------------------


async def test_texts_are_found_by_words_and_given_back_whole(index: Any) -> None:
    towns = index()
    put = await towns("upsert", items=TOWNS)
    assert put == {
        "ids": ["oslo", "rome", "bari", "none"],
        "added": 4,
        "updated": 0,
        "total": 4,
        "method": "lexical",
        "model": "lexical-1",
    }
    found = await towns("search", query="a fjord near Oslo", limit=2)
    assert ids(found)[0] == "oslo"
    assert found["matches"][0].items() >= TOWNS[0].items()
    assert found["approximate"] is False
    scores = [each["score"] for each in found["matches"]]
    assert scores == sorted(scores, reverse=True)
    got = await towns("get", ids=["rome", "x", "none"])
    assert got["items"] == [TOWNS[1], {**TOWNS[3], "metadata": {}}]
    assert got["missing"] == ["x"]
    listed = await towns("list", limit=2, offset=1)
    assert (ids(listed), listed["total"]) == (["rome", "bari"], 4)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
async def test_scores_are_those_of_the_metric(index: Any, metric: str) -> None:
    rows = vectors(200, 24)
    points = index(metric=metric)
    await points("upsert", items=[{"id": str(at), "vector": row.tolist()} for at, row in enumerate(rows)])
    asked = vectors(1, 24, seed=2)[0]
    found = await points("search", vector=asked.tolist(), limit=5, with_vectors=True)

    def score(row: Any) -> float:
        dot = math.fsum(float(x) * float(y) for x, y in zip(row, asked, strict=True))
        if metric == "dot":
            return dot
        if metric == "cosine":
            return dot / math.hypot(*map(float, row)) / math.hypot(*map(float, asked))
        return 1 / (1 + math.dist(map(float, row), map(float, asked)))

    best = sorted(range(200), key=lambda at: -score(rows[at]))[:5]
    assert ids(found) == [str(at) for at in best]
    for each, at in zip(found["matches"], best, strict=True):
        assert each["score"] == pytest.approx(score(rows[at]), rel=1e-4, abs=1e-5)
        assert each["vector"] == rows[at].tolist()


async def test_upsert_replaces_add_refuses_delete_removes(index: Any) -> None:
    towns = index()
    await towns("upsert", items=[{"id": "a", "vector": [1, 0]}, {"id": "b", "vector": [0, 1]}])
    put = await towns("upsert", items=[{"id": "a", "vector": [-1, 0], "metadata": {"v": 2}}, {"vector": [0.5, 0.5]}])
    assert (put["added"], put["updated"], put["total"], len(put["ids"][1])) == (1, 1, 3, 32)
    assert ids(await towns("search", vector=[-1, 0.1], limit=1)) == ["a"]
    with pytest.raises(ToolError, match="already has an item 'b'"):
        await towns("add", items=[{"id": "c", "vector": [1, 1]}, {"id": "b", "vector": [1, 1]}])
    assert (await towns("get", ids=["c"]))["missing"] == ["c"]
    assert await towns("delete", ids=["a", "nobody"]) == {"deleted": 1, "total": 2}
    assert await towns("delete", filter={"v": {"exists": False}}) == {"deleted": 2, "total": 0}
    assert (await towns("search", vector=[1, 0]))["matches"] == []


async def test_only_the_metadata_changes_where_nothing_else_does(index: Any) -> None:
    towns = index()
    await towns("upsert", items=[{"id": "a", "vector": [1, 0], "metadata": {"v": 1}}])
    await towns("search", vector=[1, 0])
    await towns("upsert", items=[{"id": "a", "vector": [1, 0], "metadata": {"v": 2}}])
    found = await towns("search", vector=[1, 0], filter={"v": 2})
    assert found["matches"] == [{"id": "a", "metadata": {"v": 2}, "score": 1.0}]


FILTERS = [
    ({"country": "IT"}, "rome bari"),
    ({"country": {"ne": "IT"}}, "oslo none"),
    ({"country": ["NO", "FR"]}, "oslo"),
    ({"country": {"in": ["IT"]}, "people": {"lt": 1000}}, "bari"),
    ({"country": {"not_in": ["IT"]}}, "oslo none"),
    ({"people": {"gte": 700, "lte": 2800}}, "oslo rome"),
    ({"people": {"gt": "a"}}, ""),
    ({"country": {"gt": 5}}, ""),
    ({"country": {"gt": "J"}}, "oslo"),
    ({"tags": {"contains": "sea"}}, "oslo bari"),
    ({"old": True}, "rome"),
    ({"old": None}, "oslo bari none"),
    ({"tags": {"exists": False}}, "rome none"),
    ({"a.b": 1}, "bari"),
    ({"or": [{"country": "NO"}, {"people": {"lt": 400}}]}, "oslo bari"),
    ({"not": {"country": "IT"}}, "oslo none"),
    ({"and": [{"country": "IT"}, {"not": {"old": True}}]}, "bari"),
    ({"country": []}, ""),
    ({"country' OR 1=1 --": 1}, ""),
    ({"country": "IT' OR '1'='1"}, ""),
]


async def test_filters_choose_by_metadata(index: Any) -> None:
    towns = index()
    await towns("upsert", items=TOWNS)
    for wanted, expected in FILTERS:
        found = await towns("search", query="anything", filter=wanted)
        assert sorted(ids(found)) == sorted(expected.split()), wanted
        assert ids(await towns("list", filter=wanted)) == expected.split(), wanted


@pytest.mark.parametrize(
    "wanted",
    [
        {"a": {"like": "x"}},
        {"a": {}},
        {"a": {"gt": None}},
        {"a": {"gt": True}},
        {"a": {"in": "x"}},
        {"a": [[1]]},
        {"a": 2**70},
        {"a": {"exists": 1}},
        {"or": []},
        {"or": {"a": 1}},
        {"and": ["x"]},
        {'a"b': 1},
        {"a\\": 1},
        {"a..b": 1},
        {"": 1},
        {"not": 5},
        {"or": [{"x": at} for at in range(300)]},
    ],
)
def test_a_filter_of_another_shape_is_a_clear_error(wanted: Any) -> None:
    with pytest.raises(SchemaError) as error:
        Condition(wanted)
    assert error.value.hint


def test_a_deep_filter_is_refused() -> None:
    wanted: dict[str, Any] = {"a": 1}
    for _ in range(5000):
        wanted = {"not": wanted}
    with pytest.raises(SchemaError, match="nested deeper"):
        Condition(wanted)


async def test_thresholds_only_narrow(index: Any) -> None:
    towns = index(similarity_threshold=0.5)
    await towns("upsert", items=[{"id": str(at), "vector": [math.cos(at / 10), math.sin(at / 10)]} for at in range(20)])
    assert len(ids(await towns("search", vector=[1, 0], limit=100))) == 11
    assert len(ids(await towns("search", vector=[1, 0], limit=100, threshold=-1))) == 11
    assert len(ids(await towns("search", vector=[1, 0], limit=100, threshold=0.9))) == 5


async def test_another_length_or_another_model_is_a_clear_error(index: Any) -> None:
    towns = index()
    await towns("upsert", items=[{"id": "a", "vector": [1, 0, 0]}])
    for operation, given in (("upsert", {"items": [{"id": "b", "vector": [1, 0]}]}), ("search", {"vector": [1, 0]})):
        with pytest.raises(ToolError, match="holds vectors of 3 numbers, these have 2"):
            await towns(operation, **given)
    with pytest.raises(ToolError, match="different lengths"):
        await towns("upsert", collection="new", items=[{"vector": [1, 0]}, {"vector": [1, 0, 0]}])
    with pytest.raises(ToolError, match="holds vectors of 3 numbers, these have 512"):
        await towns("search", query="words")
    same = index(dimensions=8)
    await same("upsert", collection="own", items=[{"id": "a", "vector": [1] * 8}])
    with pytest.raises(ToolError, match="vectors of your own"):
        await same("search", collection="own", query="words")
    await towns("upsert", collection="words", items=[{"id": "a", "text": "words"}])
    with pytest.raises(ToolError, match="a number too large"):
        await towns("search", collection="default", vector=[1e300, 0, 0])
    assert (await towns("stats"))["collections"] == [
        {"name": "default", "count": 1, "dimensions": 3, "metric": "cosine", "model": "unknown", "method": "given"},
        {"name": "own", "count": 1, "dimensions": 8, "metric": "cosine", "model": "unknown", "method": "given"},
        {"name": "words", "count": 1, "dimensions": 512, "metric": "cosine", "model": "lexical-1", "method": "lexical"},
    ]


async def test_collections_are_made_once_and_dropped_whole(index: Any) -> None:
    towns = index()
    assert await towns("create", collection="c", dimensions=2) == {"created": True}
    assert await towns("create", collection="c", dimensions=2) == {"created": False}
    with pytest.raises(ToolError, match="holds vectors of 2"):
        await towns("create", collection="c", dimensions=3)
    await towns("upsert", collection="c", items=[{"id": "a", "vector": [1, 0]}])
    await towns("upsert", items=[{"id": "a", "vector": [1, 0]}])
    assert await towns("drop", collection="c") == {"deleted": 1}
    with pytest.raises(ToolError, match="no collection 'c'") as error:
        await towns("search", collection="c", vector=[1, 0])
    assert "default" in error.value.hint
    await towns("upsert", collection="c", items=[{"id": "z", "vector": [0, 1, 0]}])
    assert ids(await towns("search", collection="c", vector=[1, 1, 1])) == ["z"]


# -- many ----------------------------------------------------------------------------------------------------------


async def fill(tool: Index, rows: Any, **more: Any) -> None:
    for start in range(0, len(rows), 1000):
        part = rows[start : start + 1000]
        items = [
            {"id": str(start + at), "vector": row.tolist(), "metadata": {"odd": (start + at) % 2 == 1}}
            for at, row in enumerate(part)
        ]
        await tool("upsert", items=items, **more)


async def test_the_graph_finds_what_exact_search_finds(index: Any) -> None:
    rows = vectors(8000, 48)
    points = index(exact_up_to=1000)
    await fill(points, rows)
    hits = 0
    questions = vectors(60, 48, seed=1, centres=50)[:60] + 0.3 * np.random.default_rng(9).standard_normal((60, 48))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for asked in questions:
        found = await points("search", vector=asked.tolist())
        assert found["approximate"] is True
        best = np.argsort(-(unit @ asked))[:10]
        hits += len(set(ids(found)) & {str(at) for at in best})
        exact = await points("search", vector=asked.tolist(), exact=True)
        assert ids(exact) == [str(at) for at in best]
        assert exact["approximate"] is False
    assert hits >= 590, f"recall at 10 is {hits / 600}"
    odd = await points("search", vector=questions[0].tolist(), filter={"odd": True})
    among = [str(at) for at in np.argsort(-(unit @ questions[0])) if at % 2][:10]
    assert (ids(odd), odd["approximate"]) == (among, False)


async def test_what_is_deleted_or_replaced_leaves_the_graph(index: Any) -> None:
    rows = vectors(5000, 16)
    points = index(exact_up_to=100)
    await fill(points, rows)
    asked = rows[7].tolist()
    assert ids(await points("search", vector=asked, limit=1)) == ["7"]
    await points("upsert", items=[{"id": "7", "vector": (-rows[7]).tolist()}])
    await points("delete", ids=[str(at) for at in range(1000) if at != 7])
    found = await points("search", vector=asked, limit=50)
    assert len(ids(found)) == 50
    assert not {str(at) for at in range(1000)} & set(ids(found))
    assert ids(await points("search", vector=(-rows[7]).tolist(), limit=1)) == ["7"]
    for start in range(1000, 5000, 1000):
        await points("delete", ids=[str(at) for at in range(start, start + 900)])
    left = [at for at in range(1000, 5000) if at % 1000 >= 900]
    found = await points("search", vector=rows[left[3]].tolist(), limit=10)
    assert ids(found)[0] == str(left[3])
    assert len(ids(found)) == 10


# -- nothing is lost -----------------------------------------------------------------------------------------------


async def test_an_index_outlasts_its_process(index: Any) -> None:
    towns = index()
    await towns("upsert", items=TOWNS)
    before = await towns("search", query="a fjord")
    await towns.kept.close()
    assert await index()("search", query="a fjord") == before


async def test_many_writers_of_many_processes_lose_nothing(index: Any) -> None:
    tools = [index() for _ in range(4)]

    async def write(number: int, tool: Index) -> None:
        for at in range(5):
            items = [{"id": f"{number}-{at}-{each}", "vector": [number, at, each, 1]} for each in range(20)]
            await tool("upsert", items=[*items, {"id": "shared", "vector": [number, at, 0, 1]}])

    await asyncio.gather(*(write(number, tool) for number, tool in enumerate(tools)))
    for tool in tools:
        found = await tool("list", limit=1000)
        assert found["total"] == 401
        assert len(set(ids(found))) == 401
        assert len(ids(await tool("search", vector=[1, 1, 1, 1], limit=1000))) == 401


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_killed_in_the_middle_everything_acknowledged_is_there_and_each_call_whole(index: Any) -> None:
    drawn = random.Random(3)
    acknowledged: list[int] = []
    for turn in range(6):
        tool = index()
        await tool("stats")  # the process has loaded what it needs
        pid = await tool.kept.ask("os:getpid")
        killer = asyncio.get_running_loop().call_later(0.05 + drawn.random() / 5, os.kill, pid, signal.SIGKILL)
        at = turn * 1000
        with suppress(ToolError):  # killed between two calls, the next one has another process
            while _alive(pid):
                items = [
                    {"id": f"{at}.{each}", "vector": [each, at, 1], "metadata": {"batch": at}} for each in range(50)
                ]
                await tool("upsert", items=items)
                acknowledged.append(at)
                at += 1
        killer.cancel()
    tool = index()
    for batch in acknowledged:
        assert (await tool("list", filter={"batch": batch}))["total"] == 50
    total = (await tool("list"))["total"]
    assert total % 50 == 0
    assert total >= 50 * len(acknowledged) > 0
    with sqlite3.connect(tool.file) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# -- what it refuses -----------------------------------------------------------------------------------------------


async def test_an_index_lies_only_where_the_run_may_write_and_read(index: Any, project: Path, tmp_path: Path) -> None:
    for path in ("elsewhere", "../outside", "/etc/index", "output/../elsewhere", ".llmspell/i"):
        with pytest.raises(PermissionDenied):
            await index(index_path=path)("upsert", items=TOWNS)
    (tmp_path / "secret").mkdir()
    (project / "output/link").symlink_to(tmp_path / "secret")
    with pytest.raises(PermissionDenied):
        await index(index_path="output/link")("upsert", items=TOWNS)
    assert list((tmp_path / "secret").iterdir()) == []
    reads = index(index_path="kept")
    (project / "kept").mkdir()
    made = index()
    await made("upsert", items=TOWNS)
    made.file.rename(project / "kept/vectors.db")
    assert ids(await reads("search", query="fjord", limit=1)) == ["oslo"]
    with pytest.raises(PermissionDenied, match="may not write"):
        await reads("delete", ids=["oslo"])


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE accounts (x)")


def _trapped(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM items; END")


def _shortened(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("UPDATE vectors SET vector = x'00'")


HOSTILE = {
    "no database": (False, lambda path: path.write_bytes(b"hello" * 1000), "not a database"),
    "another's database": (False, _foreign, "no index of vectors"),
    "a folder": (False, lambda path: path.mkdir(), "is a folder"),
    "a trigger": (True, _trapped, "no index of vectors"),
    "vectors of a wrong length": (True, _shortened, "damaged"),
    "half a file": (True, lambda path: os.truncate(path, 6000), "index"),
    "a pipe": (False, os.mkfifo, "is a special"),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_file_that_is_no_index_is_one_clear_error(index: Any, case: str) -> None:
    made, damage, said = HOSTILE[case]
    towns = index()
    towns.file.parent.mkdir(parents=True)
    if made:
        await towns("upsert", items=TOWNS)
        await towns.kept.close()
    damage(towns.file)
    with pytest.raises(ToolError, match=said):
        await towns("search", query="fjord")


async def test_a_graph_of_a_strangers_is_not_read(index: Any) -> None:
    rows = vectors(4000, 8)
    points = index(exact_up_to=10)
    await fill(points, rows)
    await points.kept.close()
    (points.file.parent / "vectors-1-3999.graph").write_bytes(b"\0" * 500)
    (points.file.parent / "vectors-1-4000.graph").symlink_to("/etc/passwd")
    again = index(exact_up_to=10)
    assert ids(await again("search", vector=rows[5].tolist(), limit=1)) == ["5"]


async def test_an_index_has_a_size(index: Any) -> None:
    towns = index(max_index_size=200_000)
    with pytest.raises(ToolError, match="max_index_size"):
        for at in range(50):
            await towns("upsert", items=[{"id": f"{at} {each}", "vector": [each] * 512} for each in range(10)])
    assert (await towns("list"))["total"] % 10 == 0


@pytest.mark.parametrize(
    "params",
    [
        {"operation": "search"},
        {"operation": "search", "query": "a", "vector": [1]},
        {"operation": "upsert"},
        {"operation": "upsert", "items": [{"id": "a"}]},
        {"operation": "upsert", "items": [{"id": "a", "vector": [1]}, {"id": "a", "vector": [1]}]},
        {"operation": "upsert", "items": [{"id": "a", "vector": [1], "metadata": {"x": float("nan")}}]},
        {"operation": "upsert", "items": [{"id": "a", "vector": [1], "metadata": {"x": "y" * 200_000}}]},
        {"operation": "upsert", "items": [{"id": "a", "vector": []}]},
        {"operation": "upsert", "items": [{"id": "a", "vector": ["x"]}]},
        {"operation": "upsert", "items": [{"id": "a", "text": "x", "colour": 1}]},
        {"operation": "upsert", "collection": "../x", "items": [{"id": "a", "vector": [1]}]},
        {"operation": "delete"},
        {"operation": "delete", "filter": {}},
        {"operation": "create"},
        {"operation": "get"},
    ],
)
async def test_what_is_missing_or_wrong_is_said_before_anything_happens(call: Any, params: Any, project: Path) -> None:
    with pytest.raises(LlmspellError) as error:
        await call(VectorSearchTool, params, options={"index_path": "output/i"})
    assert isinstance(error.value, SchemaError)
    assert not (project / "output/i/vectors.db").exists()


# -- in spells -----------------------------------------------------------------------------------------------------

SPELL = {
    "lua": """
local index = VectorSearchTool.new{ index_path = "output/index", similarity_threshold = 0.1 }
index:execute{ operation = "upsert", items = {
  { id = "a", text = "red apples and pears", metadata = { kind = "fruit" } },
  { id = "b", text = "blue cars and trucks", metadata = { kind = "car" } } } }
local found = index:execute{ operation = "search", query = "apples and pears", filter = { kind = "fruit" } }
return { found.matches[1].id, #found.matches, found.method, found.matches[1].metadata.kind, index.name }
""",
    "js": """
const index = new VectorSearchTool({ indexPath: "output/index", similarityThreshold: 0.1 });
await index.execute({ operation: "upsert", items: [
  { id: "a", text: "red apples and pears", metadata: { kind: "fruit" } },
  { id: "b", text: "blue cars and trucks", metadata: { kind: "car" } }] });
const found = await index.execute({ operation: "search", query: "apples and pears", filter: { kind: "fruit" } });
return [found.matches[0].id, found.matches.length, found.method, found.matches[0].metadata.kind, index.name];
""",
}


@both
@pytest.mark.mission(100)
async def test_a_spell_keeps_and_finds_and_its_replay_touches_no_file(
    cast: Any, tmp_path: Path, model: ModelServer, language: str
) -> None:
    given = {"flags": {"permissions.write": ["output"]}, "model": model}
    spell = await cast(**{language: SPELL[language]}, **given)
    assert spell.value == ["a", 1, "provider", "fruit", "vector_search"]
    assert [request.json["input"] for request in model.requests][1] == ["apples and pears"]
    (tmp_path / "output/index/vectors.db").unlink()
    again = await cast(**{language: SPELL[language]}, replay=spell.recording, **given)
    assert again.value == spell.value
    assert len(model.requests) == 2
    assert list((tmp_path / "output/index").iterdir()) == []


async def test_the_graph_is_kept_for_the_next_run_and_sealed(cast: Any, tmp_path: Path) -> None:
    build = """
math.randomseed(4)
local index = VectorSearchTool.new{ index_path = "output/index", exact_up_to = 100 }
for batch = 1, 5 do
  local items = {}
  for at = 1, 1000 do
    local vector = {}
    for each = 1, 8 do vector[each] = math.random() - 0.5 end
    items[at] = { id = batch .. "." .. at, vector = vector }
  end
  index:execute{ operation = "upsert", items = items }
end
"""
    ask = """
local index = VectorSearchTool.new{ index_path = "output/index", exact_up_to = 100 }
local one = index:execute{ operation = "get", ids = { "3.17" }, with_vectors = true }.items[1]
local found = index:execute{ operation = "search", vector = one.vector, limit = 1 }
return { found.matches[1].id, found.approximate }
"""
    given = {"flags": {"permissions.write": ["output"], "permissions.read": ["output"]}}
    (await cast(lua=build, **given)).result.unwrap()
    (graph,) = (tmp_path / "output/index").glob("*.graph")
    whole = graph.read_bytes()
    assert (await cast(lua=ask, **given)).value == ["3.17", True]
    assert [path.name for path in graph.parent.glob("*.graph")] == [graph.name]
    data = bytearray(whole)
    data[-100] ^= 1
    graph.write_bytes(data)
    assert (await cast(lua=ask, **given)).value == ["3.17", True]
    (anew,) = graph.parent.glob("*.graph")
    assert anew.read_bytes() != bytes(data)
