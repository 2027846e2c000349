"""Reads one stored run for the editor: a bounded part of it, whatever its size. Takes milliseconds to a second."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from llmspell.errors import StoreError
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.schema import open_read_only
from llmspell.traces.summary import gave, plain
from llmspell_lsp.live.run import Failure, Gave, LastRun, Place, StepRun

MOST_SPANS: Final = 20_000
"""Spans that are looked at, the last ones: what a line gave last is among them unless the run was a long one."""

MOST_VALUES: Final = 2_000
"""Values that are read, of as many lines and steps."""

_SPANS: Final = (
    "SELECT number, parent, kind, name, site, status, started, ended, first, last, input_tokens + output_tokens,"
    " cost, error FROM spans WHERE number > ? AND ended IS NOT NULL ORDER BY number"
)
#: Spans whose end tells what a line gave.
_GIVING: Final = frozenset({"execution", "llm_call", "tool", "workflow", "delegation"})


class _Span(NamedTuple):
    number: int
    parent: int
    kind: str
    name: str
    site: str
    status: str
    started: float
    ended: float
    first: int
    last: int
    tokens: int
    cost: float | None
    error: str


def read(path: Path) -> LastRun | None:
    """A run that has ended; None for one that still goes on. Raises StoreError."""
    with RunFile(path) as file:
        meta = file.meta()
    status = meta.current_status
    if status == "running":
        return None
    connection = open_read_only(path)
    try:
        return _Reading(connection, meta, status).read()
    except (sqlite3.Error, UnicodeDecodeError, TypeError, ValueError) as error:
        raise StoreError(f"the run file {str(path)!r} cannot be read: {error}") from error
    finally:
        connection.close()


class _Reading:
    def __init__(self, connection: sqlite3.Connection, meta: RunMeta, status: str) -> None:
        self._connection = connection
        self._meta = meta
        self._status = status
        base = meta.spell[: -len(meta.label)] if meta.label and meta.spell.endswith(meta.label) else ""
        # Labels are paths as the person wrote them, from where they stood.
        self._paths = {
            meta.label: meta.spell,
            **{label: os.path.normpath(os.path.join(base or "/", label)) for label in meta.modules},  # noqa: PTH118
        }

    def read(self) -> LastRun:
        meta = self._meta
        newest = self._one("SELECT ifnull(max(number), 0) FROM spans")
        spans = {row[0]: _Span(*row) for row in self._rows(_SPANS, newest - MOST_SPANS)}
        return LastRun(
            id=meta.id,
            spell=meta.spell,
            file=str(self._file()),
            status=self._status,
            exit=meta.exit,
            started=meta.started,
            duration=self._one("SELECT max(time) - min(time) FROM events") if meta.duration is None else meta.duration,
            input_tokens=meta.input_tokens,
            output_tokens=meta.output_tokens,
            cost=meta.cost,
            calls=self._one("SELECT count(*) FROM spans WHERE kind = 'llm_call'"),
            failure=self._failure() if self._status in ("error", "limit") else None,
            values=self._values(spans),
            steps=self._steps(spans),
            texts={meta.spell: meta.source, **{self._paths[label]: text for label, text in meta.modules.items()}},
        )

    def _file(self) -> str:
        return self._connection.execute("PRAGMA database_list").fetchone()[2]

    # What ended it

    def _failure(self) -> Failure | None:
        row = self._connection.execute("SELECT data FROM events WHERE span = 1 AND phase = 'end' LIMIT 1").fetchone()
        error = _loaded(row[0]).get("error") if row is not None else None
        if not isinstance(error, dict):
            return None
        told = cast("dict[str, Any]", error)
        stack: list[tuple[Place, str]] = []
        listed = told.get("stack")
        for entry in cast("list[Any]", listed)[:50] if isinstance(listed, list) else []:
            site, _, what = str(entry).partition(": ")
            place = self._place(site)
            if place is not None:
                stack.append((place, plain(what)))
        place = self._place(str(told.get("source") or "")) or (stack[0][0] if stack else None)
        message, hint = (str(told.get(name) or "")[:2000] for name in ("message", "hint"))
        return Failure(message, hint, place, tuple(stack), refused=told.get("type") == "syntax")

    def _place(self, site: str) -> Place | None:
        """`spell.lua:4`, `spell.js:4:7` as a place, if it is in a file whose text the run has kept."""
        parts = site.split(":")
        numbers = 0
        while numbers < 2 and len(parts) - numbers > 1 and parts[-1 - numbers].isdecimal():
            numbers += 1
        if not numbers:
            return None
        label, line = ":".join(parts[:-numbers]), int(parts[-numbers])
        path = self._paths.get(label)
        return Place(path, line - 1) if path is not None and line > 0 else None

    # Lines

    def _values(self, spans: Mapping[int, _Span]) -> dict[Place, Gave]:
        """What each line gave last. A step of a workflow is told of at the step, not where the workflow is made."""
        inside: dict[int, str] = {}
        at: dict[str, list[_Span]] = {}
        for number, span in spans.items():
            step = span.site if span.kind == "workflow_step" else inside.get(span.parent, "")
            inside[number] = step
            parent = spans.get(span.parent)
            outermost = parent is None or parent.site != span.site or parent.kind not in _GIVING
            if span.kind in _GIVING and span.site and span.site != step and outermost:
                at.setdefault(span.site, []).append(span)
        chosen = dict(list(at.items())[-MOST_VALUES:])
        data = self._data(each[-1].last for each in chosen.values())
        totals = _Totals(spans)
        return {
            place: totals.gave(each, data) for site, each in chosen.items() if (place := self._place(site)) is not None
        }

    # Steps

    def _steps(self, spans: Mapping[int, _Span]) -> dict[Place, tuple[StepRun, ...]]:
        """The steps of each workflow as they went the last time, by the line where it is made."""
        newest: dict[str, int] = {}
        found: dict[tuple[str, int], list[_Span]] = {}
        for span in spans.values():
            if span.kind == "workflow_step":
                above = spans.get(span.parent)
                while above is not None and above.kind != "workflow":
                    above = spans.get(above.parent)
                if above is not None:
                    newest[span.site] = max(newest.get(span.site, 0), above.number)
                    found.setdefault((span.site, above.number), []).append(span)
        totals = _Totals(spans)
        result: dict[Place, tuple[StepRun, ...]] = {}
        for site, number in newest.items():
            place = self._place(site)
            steps = found[site, number][-MOST_VALUES:]
            if place is None:
                continue
            begun = self._data(each.first for each in steps)
            ended = self._data(each.last for each in steps)
            by_path: dict[str, list[_Span]] = {}
            for each in steps:
                by_path.setdefault(str(begun.get(each.first, {}).get("step_path") or ""), []).append(each)
            whole = spans[number].ended - spans[number].started
            result[place] = tuple(
                StepRun(path, made, made.duration / whole if whole > 0 else 0.0)
                for path, several in by_path.items()
                for made in (totals.gave(several, ended),)
            )
        return result

    def _data(self, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The data of events by their numbers."""
        wanted = list(numbers)
        found: dict[int, dict[str, Any]] = {}
        for begin in range(0, len(wanted), 500):
            part = wanted[begin : begin + 500]
            query = f"SELECT seq, data FROM events WHERE seq IN ({','.join('?' * len(part))})"
            found.update((seq, _loaded(data)) for seq, data in self._rows(query, *part))
        return found

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()

    def _one(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]


class _Totals:
    """Tokens and cost of spans with all that is inside them."""

    def __init__(self, spans: Mapping[int, _Span]) -> None:
        self._tokens: dict[int, int] = {}
        self._cost: dict[int, float | None] = {}
        # A span has a smaller number than those inside it.
        for number in sorted(spans, reverse=True):
            span = spans[number]
            tokens = self._tokens[number] = self._tokens.get(number, 0) + span.tokens
            inner = self._cost.get(number)
            cost = self._cost[number] = span.cost if inner is None else inner + (span.cost or 0.0)
            if span.parent in spans:
                self._tokens[span.parent] = self._tokens.get(span.parent, 0) + tokens
                if cost is not None:
                    self._cost[span.parent] = (self._cost.get(span.parent) or 0.0) + cost

    def gave(self, spans: list[_Span], data: Mapping[int, dict[str, Any]]) -> Gave:
        """What spans of one place gave: the last one's value, the figures of all."""
        last = spans[-1]
        costs = [cost for span in spans if (cost := self._cost[span.number]) is not None]
        return Gave(
            last.kind,
            last.name,
            gave(last.kind, data.get(last.last, {})) or plain(last.error),
            last.status,
            sum(span.ended - span.started for span in spans),
            sum(self._tokens[span.number] for span in spans),
            sum(costs) if costs else None,
            len(spans),
        )


def _loaded(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
