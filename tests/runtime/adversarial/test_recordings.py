"""A recording that somebody else made: replayed or shown it does what a recording does, or is one error.

It is data from a stranger: its path, its settings, its answers and its very tables may be anything.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from llmspell.cli import terminal
from llmspell.engines import values
from llmspell.errors import LlmspellError
from llmspell.traces.layout import Look
from llmspell.traces.reader import RunFile
from llmspell.traces.recording import Recording
from llmspell.traces.runs import Runs
from llmspell.traces.tree import tree

SPELL = """
local agent = Agent.new{ name = "a" }
print(agent:chat("hi"), Cache.get("x"))
Async.sleep(1)
return Calculator.new():execute{ expression = "1 + 1" }
"""
Change = Callable[[sqlite3.Connection], Any]


def sql(*statements: str | tuple[str, tuple[Any, ...]]) -> Change:
    def change(file: sqlite3.Connection) -> None:
        for statement in statements:
            if isinstance(statement, str):
                file.execute(statement)
            else:
                file.execute(*statement)

    return change


def meta(key: str, text: str) -> Change:
    return sql(("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, text)))


def output(value: Any) -> Change:
    data = value if isinstance(value, bytes) else msgpack.packb(value)
    return sql(("UPDATE answers SET output = ?", (data,)))


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
CHANGES: dict[str, Change] = {
    "a language that is none": meta("language", '"python"'),
    "a language that is a list": meta("language", "[1]"),
    "a seed that is a text": meta("seed", '"x"'),
    "a seed below nought": meta("seed", "-1"),
    "a seed without end": meta("seed", "1" * 4000),
    "a seed that is infinite": meta("seed", "1e400"),
    "an environment that is a list": meta("env", "[1]"),
    "an environment of lists": meta("env", '{"A": [1]}'),
    "settings that are a list": meta("settings", "[]"),
    "settings of other kinds": meta(
        "settings", '{"limits": {"memory_mb": "x", "in_flight": []}, "hooks": 5, "run_id": "x"}'
    ),
    "settings without limits": meta(
        "settings", '{"limits": {"memory_mb": 1e12, "frame_mb": 1e12, "output_mb": -1}, "run_id": "x"}'
    ),
    "parameters a hundred thousand deep": meta("params", "[" * 100_000 + "]" * 100_000),
    "parameters that are no JSON": meta("params", "{"),
    "a source that is a number": meta("source", "5"),
    "modules that are numbers": meta("modules", '{"x": 5}'),
    "a start that is a text": meta("started", '"x"'),
    "no meta at all": sql("DELETE FROM meta"),
    "answers a thousand deep": output(b"\x91" * 1000 + b"\xc0"),
    "answers of four thousand million items": output(b"\xdd\xff\xff\xff\xff"),
    "answers that are texts": sql("UPDATE answers SET output = 'text'"),
    "answers that are numbers": output(5),
    "answers of a wrong shape": output(["ok", {"content": [1], "tool_calls": 5, "usage": "x"}]),
    "answers of no status": output(["frob", None]),
    "errors of a wrong shape": output(["error", {"type": [1], "stack": 5}]),
    "errors that are texts": output(["error", "x"]),
    "answers that are objects": output(["ok", msgpack.ExtType(2, msgpack.packb([1, "Agent", []]))]),
    "answers that are functions": output(["ok", msgpack.ExtType(1, msgpack.packb(1))]),
    "no answers": sql("DELETE FROM answers"),
    "no table of answers": sql("DROP TABLE answers"),
    "answers that never end": sql(
        "DROP TABLE answers",
        f"CREATE VIEW answers AS {ENDLESS} SELECT x AS id, x AS seq, 'a' AS kind, 'b' AS name, 'c' AS key, 1 AS span, "
        "1 AS occurrence, '1' AS input, x'c0' AS output, 1 AS ok FROM r",
    ),
    "events that never end": sql(
        "DROP TABLE events",
        f"CREATE VIEW events AS {ENDLESS} SELECT x AS seq, 1.0 AS time, 'a' AS kind, 'point' AS phase, 1 AS span, "
        "0 AS parent, 'c' AS name, '' AS site, '{}' AS data FROM r",
    ),
    "a trigger": sql("CREATE TRIGGER t AFTER INSERT ON events BEGIN SELECT 1; END"),
    "an order of tables": sql("UPDATE admissions SET keys = '[1, {}]'"),
    "an order that is a number": sql("UPDATE admissions SET keys = '5'"),
    "another order": sql("""UPDATE admissions SET keys = '["e1", "e9", "x"]'"""),
    "times that are texts": sql("UPDATE events SET time = 'x'"),
    "times that are infinite": sql("UPDATE events SET time = 9e999"),
    "half a clock reading": sql("UPDATE clock SET readings = x'0102'"),
    "data that is a number": sql("UPDATE events SET data = '5'"),
    "data that is no JSON": sql("UPDATE events SET data = '{'"),
    "kinds, names and places that are orders to a terminal": sql(
        "UPDATE events SET kind = char(27) || '[2J' || kind, name = char(27) || ']0;x' || char(7), site = char(27) || 'c'"
    ),
}


@pytest.fixture
async def recorded(cast: Any, tmp_path: Path) -> Path:
    told = await cast(lua=SPELL)
    assert told.value == {"result": 2}
    return copied(tmp_path)


def copied(folder: Path) -> Path:
    found = sqlite3.connect(next(folder.rglob("runs/*.db")))
    copy = sqlite3.connect(folder / "evil.db")
    found.backup(copy)
    found.close()
    copy.close()
    return folder / "evil.db"


def others(folder: Path) -> set[Path]:
    """The files that no run of our own makes."""
    own = {"state", ".llmspell"}
    return {path for path in folder.rglob("*") if not own & {*path.parts} and not path.name.startswith("evil.db-")}


@pytest.mark.mission(139)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_strangers_recording(cast: Any, recorded: Path, tmp_path: Path, change: Change, caplog: Any) -> None:
    file = sqlite3.connect(recorded)
    change(file)
    file.commit()
    file.close()
    before = others(tmp_path)
    try:
        found = Recording.load(recorded, values.unpack)
        told = await cast(lua=SPELL, replay=found)
        error = told.result.error
        assert error is None or ("internal" not in error.message and "Traceback" not in error.message)
    except LlmspellError as problem:
        assert "internal" not in problem.message
    try:
        with RunFile(recorded) as run:
            for line in tree(run.events(), Look()):
                assert line.isprintable(), line
    except LlmspellError as problem:
        assert "internal" not in problem.message
    assert others(tmp_path) <= before
    assert not caplog.records


@pytest.mark.parametrize("key", ["id", "label", "spell", "socket"])
async def test_no_path_of_a_recording_is_written_or_run(cast: Any, recorded: Path, tmp_path: Path, key: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    file = sqlite3.connect(recorded)
    meta(key, json.dumps(str(victim)))(file)
    file.commit()
    file.close()
    told = await cast(lua=SPELL, replay=Recording.load(recorded, values.unpack))
    assert told.result.error is None
    assert victim.read_text() == "kept"


@pytest.mark.parametrize("text", ["", "SQLite format 3\0", "x" * 5000])
def test_files_that_are_no_recordings(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.db").write_text(text)
    for path in (tmp_path / "x.db", tmp_path, tmp_path / "nothing.db"):
        with pytest.raises(LlmspellError):
            Recording.load(Runs(tmp_path).find(str(path)), values.unpack)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x9b31m",
        "\r overwritten",
        "\x08\x08",
        "\u202egnp.exe",
        "\x00",
        "\x7f",
        "\u2066x",
    ],
)
def test_an_error_gives_a_terminal_no_orders(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_error(LlmspellError(f"no {text}\nsecond line", hint=text, source=text, stack=(text,)))
    shown = capsys.readouterr().err
    assert "second line" in shown
    assert all(sign == "\n" or sign.isprintable() for sign in shown), ascii(shown)


def test_an_error_of_a_megabyte_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_error(LlmspellError("x" * 1_000_000, hint="y" * 1_000_000))
    assert len(capsys.readouterr().err) < 30_000


def test_names_and_texts_in_the_live_tree_are_harmless(tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").touch()
    orders = "\\x1b[2J\\x1b]0;x\\x07\\r\\u202e"
    (tmp_path / "spell.js").write_text(f"""
      const agent = new Agent({{ name: "{orders}a" }});
      agent.on("*", () => {{}});
      agent.emit("{orders}e", {{ "{orders}": "{orders}" }});
      agent.state["{orders}"] = "{orders}";
      await agent.chat("{orders}");
      const tool = Tool.define({{ name: "t", description: "d", execute: (p) => p }});
      await tool.execute({{ "{orders}": "{orders}" }});
      Hooks.register("on_error", () => {{ throw new Error("{orders}") }});
      throw new Error("{orders}");""")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "200",
    }
    for more in (["run", "--trace", "spell.js"], ["trace", "show", "last"], ["trace", "list"]):
        ended = subprocess.run(
            [sys.executable, "-m", "llmspell", *more], cwd=tmp_path, env=environ, capture_output=True, timeout=60
        )
        shown = (ended.stdout + ended.stderr).decode()
        assert shown
        assert all(sign in "\n\t" or sign.isprintable() for sign in shown), ascii(shown)
        assert "internal" not in shown and "Traceback" not in shown
