"""The states of a run at any of its events, rebuilt from the events."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llmspell.events.event import Event
from llmspell.traces.reader import RunFile
from llmspell.traces.state_at import EVERY, Snapshots, States, fold, state_at

Cast = Callable[..., Any]

SPELL = {
    "lua": """
      local agent = Agent.new{ name = "ada", state = { plan = { "x" }, count = 0 } }
      for number = 1, 2500 do agent.state.count = number end
      agent.state.plan[2] = "y"
      State.set("key", { a = 1 })
      agent.state = { fresh = true }
      agent.state.deep = { a = { b = 1 } }
      agent.state.deep.a.b = 2
      agent.state.fresh = nil
      State.delete("key")""",
    "js": """
      const agent = new Agent({ name: "ada", state: { plan: ["x"], count: 0 } });
      for (let number = 1; number <= 2500; number++) agent.state.count = number;
      agent.state.plan[1] = "y";
      await State.set("key", { a: 1 });
      agent.state = { fresh: true };
      agent.state.deep = { a: { b: 1 } };
      agent.state.deep.a.b = 2;
      agent.state.fresh = null;
      await State.delete("key");""",
}


@pytest.mark.parametrize("language", ["lua", "js"])
@pytest.mark.mission(91, 96)
async def test_the_state_at_any_event_is_rebuilt(cast: Cast, tmp_path: Path, language: str) -> None:
    spell = await cast(**{language: SPELL[language]})
    changes = spell.of("state_changed")
    expected: States = {}
    with RunFile(tmp_path / ".llmspell" / "runs" / f"{spell.result.run_id}.db") as file:
        assert state_at(file, 0) == {}
        snapshot = file.state_snapshot()
        assert snapshot is not None and snapshot[0] == changes[5 * EVERY - 1].seq, "some of it was folded before"
        for number, change in enumerate(changes):
            fold(expected, change.data)
            if number % 700 == 0 or number > 2498:
                assert state_at(file, change.seq) == expected
        assert state_at(file) == {"agent:ada_1": {"deep": {"a": {"b": 2}}}, "global": {}}
        count = changes[1200]
        assert state_at(file, count.seq) == {"agent:ada_1": {"plan": ["x"], "count": 1200}}
        assert state_at(file, count.seq - 1) == {"agent:ada_1": {"plan": ["x"], "count": 1199}}


def _file(path: Path, count: int) -> None:
    """A run's tables with so many changes of 200 keys, stored as the writer stores them."""
    import json

    from llmspell.traces import schema

    snapshots, rows = Snapshots(), list[tuple[Any, ...]]()
    for seq in range(1, count + 1):
        at = [f"key{seq % 200}", "inner"] if seq > 200 else [f"key{seq % 200}"]
        value: Any = seq if seq > 200 else {"inner": 0, "text": "x" * 50}
        data = {"scope": "agent", "owner": "ada_1", "path": ".".join(at), "at": at, "value": value, "old": None}
        text = json.dumps({**data, "by": "spell"})
        snapshots.take(seq, text)
        rows.append((seq, 0.0, "state_changed", "point", 1, 0, "", "", text))
    with closing(sqlite3.connect(path)) as file:
        file.executescript(schema.RUN_TABLES + schema.SNAPSHOT_TABLE)
        schema.insert(file, "events", rows)
        schema.insert(file, "state_snapshots", snapshots.due)
        file.commit()


def test_a_hundred_thousand_changes_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    _file(path, 100_000)
    with RunFile(path) as file:
        took: list[float] = []
        for seq in (99_999, 50_998, 1999, None):
            began = time.perf_counter()
            found = state_at(file, seq)
            took.append(time.perf_counter() - began)
            last = 100_000 if seq is None else seq
            assert found["agent:ada_1"][f"key{last % 200}"] == {"inner": last, "text": "x" * 50}
        assert min(took) < 0.05, took
    with closing(sqlite3.connect(path)) as file:
        file.execute("DROP TABLE state_snapshots")
    with RunFile(path) as file:
        assert state_at(file) == found, "snapshots are derived"


def test_what_is_no_change_is_left_out() -> None:
    states: States = {"global": {"a": 1}}
    for data in (
        {},
        {"scope": 1, "owner": "", "at": []},
        {"scope": "global", "owner": "", "at": ["a", "b"], "value": 1},
    ):
        fold(states, data)
    assert states == {"global": {"a": 1}}
    event = Event(1, 0.0, "state_changed", "point", 1, 0, "", "", {"scope": "s", "owner": "", "at": ["k"], "value": 1})
    fold(states, event.data)
    assert states == {"global": {"a": 1}, "s": {"k": 1}}
