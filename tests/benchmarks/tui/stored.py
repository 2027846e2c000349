"""A run's file of as many spans as are asked for, made in seconds: agents that ask models and use tools, hooks around.

Not recorded but written by the tables' own definitions; a reader cannot tell the difference.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from llmspell.traces.meta import RunMeta
from llmspell.traces.schema import create

#: What an agent does: kind, name, whether the span after it lies inside, milliseconds.
_ROUND: Final = (
    ("execution", "writer", 8.0),
    ("llm_call", "openai/gpt-4o-mini", 2.0),
    ("tool", "file_system", 1.0),
    ("hook", "before_tool_call", 0.2),
    ("llm_call", "openai/gpt-4o-mini", 2.0),
    ("tool", "calculator", 0.5),
    ("hook", "before_tool_call", 0.2),
    ("llm_call", "openai/gpt-4o-mini", 1.5),
)
_STARTS: Final = {"tool": "tool_called", "hook": "hook_called"}
#: A step holds so many agents, and the run so many steps as are needed.
_AGENTS: Final = 40
_BEGAN: Final = 1_700_000_000_000.0

Row = tuple[Any, ...]


def spans(count: int) -> Iterator[Row]:
    """Rows of the table `spans`, by number."""
    number, seq, time = 1, 1, _BEGAN
    open_step: list[Any] | None = None
    rows: list[list[Any]] = []
    while number < count:
        if open_step is None or open_step[-1] == _AGENTS:
            if open_step is not None:
                seq += 1
                rows[0][7], rows[0][9] = time, seq
                yield from map(tuple, rows)
            number, seq = number + 1, seq + 1
            open_step = [number, 0]
            rows = [[number, 1, "workflow_step", "chapter", "spell.lua:20", "ok", time, 0.0, seq, 0, 0, 0, None, ""]]
            continue
        open_step[-1] += 1
        agent: list[Any] | None = None
        tool: list[Any] | None = None
        for kind, name, took in _ROUND:
            if number >= count:
                break
            number, seq = number + 1, seq + 1
            parent = open_step[0] if agent is None else tool[0] if kind == "hook" and tool else agent[0]
            paid = (120, 30, 0.0004) if kind == "llm_call" else (0, 0, None)
            status = "error" if number % 997 == 0 else "ok"
            error = "the file is not there" if status == "error" else ""
            row = [number, parent, kind, name, "spell.lua:31", status, time, time + took, seq, 0, *paid, error]
            rows.append(row)
            if agent is None:
                agent = row
                continue
            if kind == "tool":
                tool = row
                continue
            seq += 1
            row[9] = seq
            if kind == "hook" and tool is not None:
                seq += 1
                tool[9] = seq
            time += took
        if tool is not None and not tool[9]:
            seq += 1
            tool[9] = seq
        if agent is not None:
            seq += 1
            agent[9], agent[7] = seq, time
    if rows:
        seq += 1
        rows[0][7], rows[0][9] = time, seq
        yield from map(tuple, rows)
    yield (1, 0, "spell", "spell.lua", "", "ok", _BEGAN, time, 1, seq + 1, 0, 0, None, "")


def write(path: Path, count: int) -> int:
    """Writes the file; how many events it holds."""
    meta = RunMeta(id=path.stem, spell="/tmp/spell.lua", label="spell.lua", language="lua", started=_BEGAN, status="ok")
    pages = [(field.name, json.dumps(getattr(meta, field.name))) for field in dataclasses.fields(meta)]
    connection = create(path, pages)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO spans VALUES ({','.join('?' * 14)})", spans(count))
    cases = " ".join(f"WHEN '{kind}' THEN '{start}'" for kind, start in _STARTS.items())
    ends = " ".join(f"WHEN '{kind}' THEN '{kind}_completed'" for kind in _STARTS)
    connection.execute(
        f"""INSERT INTO events SELECT first, started, CASE kind {cases} ELSE kind || '_started' END, 'start', number,
        parent, name, site, '{{"agent_name":"writer","input":{{"message":"what the span was given"}}}}' FROM spans
        UNION ALL SELECT last, ended, CASE kind {ends} ELSE kind || '_completed' END, 'end', number, parent, name, site,
        json_object('status', status, 'output', 'what came of it', 'usage', json_object('input_tokens', input_tokens,
        'output_tokens', output_tokens, 'cost', cost)) FROM spans"""
    )
    (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
    (ended,) = connection.execute("SELECT max(time) FROM events").fetchone()
    connection.execute("UPDATE meta SET value = ? WHERE key = 'events'", (str(events),))
    connection.execute("UPDATE meta SET value = ? WHERE key = 'ended'", (str(ended),))
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return int(events)
