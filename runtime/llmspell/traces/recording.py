"""A stored run as the source of a replay: what it was told, when, in which order, and from which texts it ran."""

from __future__ import annotations

import difflib
import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmspell.errors import ReplayError
from llmspell.frozen import frozen
from llmspell.traces.jobs import Answer
from llmspell.traces.keys import canonical, key, plain
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile

#: Longest difference shown, in lines.
_SHOWN = 40
#: Characters of a request that count when the most similar is looked for.
_COMPARED = 20_000

Unpack = Callable[[bytes], Any]


@frozen
class Row:
    """An answer as the file holds it. input: JSON text; output: packed."""

    seq: int
    kind: str
    name: str
    key: str
    span: int
    occurrence: int
    input: str
    output: bytes
    ok: bool


class Recording:
    """Everything is read at once; an answer is then a dictionary look-up and the unpacking of its output.

    A request that has the recorded one's text, in the place where that was made, is the same (`take`, 5 µs); any other
    is looked for by its key (`answer`, 30 µs).

    times: of each event, see `log.recorded_clock`. admissions: keys of the inputs in the order they were let in.
    clock: the worker's clock readings. rows: all answers, in the order they were recorded. begun: of a recording that
    is to be gone on from, the pieces of answers that were on their way at its end, by their keys. free: the spans whose
    calls were answered from yet another recording. Seed, env, params and
    source texts are in `meta`.
    """

    def __init__(
        self,
        meta: RunMeta,
        rows: list[Row],
        *,
        times: array[float],
        admissions: list[str],
        clock: bytes,
        unpack: Unpack,
        begun: dict[str, list[Any]] | None = None,
        free: set[int] | None = None,
    ) -> None:
        self.meta = meta
        self.times = times
        self.admissions = admissions
        self.clock = clock
        self.begun: dict[str, list[Any]] = begun or {}
        self.free: set[int] = free or set()
        self.rows = rows
        self.unpack = unpack
        self._by_place = {(row.key, row.span, row.occurrence): row for row in rows}
        self._by_slot = {(row.kind, row.name, row.span, row.occurrence): row for row in rows}
        self._used: set[int] = set()

    @staticmethod
    def load(path: Path, unpack: Unpack | None = None) -> Recording:
        """Read a run's file. unpack: the opposite of the store's `pack`.

        Raises StoreError for a damaged file, ReplayError for a run that kept no content.
        """
        with RunFile(path) as file:
            rows = [Row(*row[:8], ok=bool(row[8])) for row in file.answer_rows()]
            if any(not row.output for row in rows):
                raise ReplayError(
                    f"run {file.meta().id} kept no content, so it cannot be replayed",
                    hint="record it again with `content = true` in `[trace]` of llmspell.toml",
                )
            meta = file.meta()
            return Recording(
                meta,
                rows,
                times=file.times(),
                admissions=file.admissions(),
                clock=file.clock(),
                unpack=unpack or _msgpack,
                free=file.free_spans() if meta.parent else None,
            )

    def at(self, kind: str, name: str, span: int, occurrence: int) -> Row | None:
        """What was recorded in this place of the run; None: no such request was made there."""
        return self._by_slot.get((kind, name, span, occurrence))

    def take(self, row: Row, value: Any) -> bool:
        """Whether that request was this very one, as far as is seen at a glance."""
        if plain(value) != row.input:
            return False
        self._used.add(row.seq)
        return True

    def unpacked(self, row: Row) -> Any:
        """Its output. Raises ValueError or TypeError where it is none."""
        return self.unpack(row.output)

    def answer(self, kind: str, name: str, key: str, span: int, occurrence: int) -> Answer | None:
        """The recorded answer to the same request at the same place, None where there is none. `input` is not read."""
        row = self._by_place.get((key, span, occurrence))
        if row is None or row.kind != kind or row.name != name:
            return None
        self._used.add(row.seq)
        return Answer(row.seq, kind, name, key, span, occurrence, None, self.unpack(row.output), row.ok)

    def expect(self, kind: str, name: str, value: Any, span: int, occurrence: int) -> Answer:
        """As `answer`, but a miss is a ReplayError with the nearest recorded request and the difference to it."""
        found = self.answer(kind, name, key(kind, name, value), span, occurrence)
        if found is None:
            raise ReplayError(
                f"the recording {self.meta.id} has no answer to this {kind} {name!r}",
                hint=self.nearest(kind, name, value) or f"the recorded run made no {kind} at all",
                data={"kind": kind, "name": name},
            )
        return found

    def nearest(self, kind: str, name: str, value: Any) -> str:
        """How the request differs from the most similar recorded one, "" if none of its kind was recorded.

        Requests that the replay has not yet asked for come first, then those of the same name.
        """
        wanted = _lines(json.loads(canonical(value)))
        candidates = [row for row in self.rows if row.kind == kind]
        candidates = [row for row in candidates if row.name == name] or candidates
        candidates = [row for row in candidates if row.seq not in self._used] or candidates
        if not candidates:
            return ""
        recorded = [(_lines(json.loads(row.input)), row) for row in candidates[:200]]
        lines, row = max(recorded, key=lambda pair: _likeness(pair[0], wanted))
        if lines == wanted and row.name == name:
            return f"the same request was recorded (event {row.seq}), but in another place of the run"
        diff = difflib.unified_diff(
            lines, wanted, f"recorded (event {row.seq}: {row.name})", f"now ({name})", "", "", 1, ""
        )
        shown = [*diff]
        more = [] if len(shown) <= _SHOWN else [f"… {len(shown) - _SHOWN} more lines"]
        return "\n".join(["nearest recorded request:", *shown[:_SHOWN], *more])


def _lines(value: Any) -> list[str]:
    """The value a line each leaf; texts of several lines are split, so that the difference shows the line."""
    lines: list[str] = []
    for line in json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines():
        lines.extend(line.replace("\\n", "\\n\n").split("\n"))
    return lines


def _likeness(one: list[str], other: list[str]) -> float:
    """How many words the two share, from 0 to 1."""
    words = (" ".join(lines)[:_COMPARED].split() for lines in (one, other))
    return difflib.SequenceMatcher(None, *words, autojunk=False).quick_ratio()


def _msgpack(data: bytes) -> Any:
    import msgpack

    return msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogatepass")
