"""The search of one collection: exact while it is small, by a graph (HNSW) once it is large.

The newest vectors are always searched exactly; when there are many of them, a bounded number moves into the graph at
each use, and now and then the graph is put beside the index. It is only a cache: what it finds is scored anew by the
stored vectors, and whatever is wrong with its file, it is built again. Runs in the process of `kept`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmspell.tools.ai.vector_store import Collection, Store

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

#: Vectors that move into the graph at one use (2 s with 384 numbers each), and that wait for a move at least.
_STEP: Final = 4000
_WAITING: Final = 2000
#: Vectors that a killed process may have to put into the graph again.
_UNSAVED: Final = 20_000
#: Links of a vector, and how widely is looked around when adding and searching. Recall at 10 of 100,000 vectors in
#: clusters is 1.00 with these; of vectors without any structure it is far lower, as with every graph.
_LINKS, _ADDING, _SEARCHING = 16, 128, 256
#: Numbers multiplied at once in an exact search, so that its memory stays bounded.
_BLOCK: Final = 4_000_000


class VectorIndex:
    """key: what the graph's files are sealed with, for they are read by a library that trusts them; b"": none are kept.
    exact_up_to: vectors that are searched without a graph."""

    def __init__(self, owner: Collection, folder: Path, key: bytes, exact_up_to: int) -> None:
        self.owner = owner
        self._folder = folder
        self._key = key
        self.exact_up_to = exact_up_to
        self._version = -1
        self._removed = 0
        self._numbers: Numbers = np.empty(0, np.int64)
        self._rows: Floats = np.empty((0, owner.dimensions), np.float32)
        self._graph: Any = None
        self._last = 0  # the highest number in the graph
        self._unsaved = 0
        self._looked = False

    @property
    def approximate(self) -> bool:
        return self._graph is not None

    def refresh(self, store: Store, owner: Collection) -> None:
        """Reads what has changed since the last time. Inside a transaction of the store."""
        if owner.version == self._version:
            return
        if not self._looked:
            self._looked = True
            if self._key and store.count(owner) > self.exact_up_to:
                self._load()
        if owner.removed != self._removed:
            live = np.array(store.matching(owner, None), np.int64)
            kept = np.isin(self._numbers, live)
            self._numbers, self._rows = self._numbers[kept], self._rows[kept]
            self._forget(live)
        highest = int(self._numbers[-1]) if len(self._numbers) else self._last
        fresh = store.vectors(owner, highest)
        if fresh:
            self._numbers = np.concatenate([self._numbers, np.array([number for number, _ in fresh], np.int64)])
            self._rows = np.concatenate([self._rows, self._prepared(b"".join(vector for _, vector in fresh))])
        self._version, self._removed, self.owner = owner.version, owner.removed, owner

    def tend(self, *, saves: bool) -> None:
        """Moves what waits into the graph, a step of it; saves the graph when enough has come."""
        total = len(self._numbers) + self._size()
        waiting = len(self._numbers)
        if total <= self.exact_up_to or waiting <= max(_WAITING, self._size() // 20):
            return
        moved = min(waiting, _STEP)
        if self._graph is None:
            self._graph = self._empty()
        self._graph.add(self._numbers[:moved].astype(np.uint64), self._rows[:moved], threads=2)
        self._last = int(self._numbers[moved - 1])
        self._numbers, self._rows = self._numbers[moved:].copy(), self._rows[moved:].copy()
        self._unsaved += moved
        done = len(self._numbers) <= max(_WAITING, self._size() // 20)
        if saves and self._key and (done or self._unsaved >= _UNSAVED):
            self._save()

    def search(
        self, store: Store, query: bytes, count: int, among: list[int] | None, exact: bool
    ) -> list[tuple[int, float]]:
        """Number and score of the nearest, the best first. among: only of these numbers, in order, searched exactly."""
        wanted = self._prepared(query)[0]
        numbers, rows = self._numbers, self._rows
        if among is not None:
            chosen = np.array(among, np.int64)
            kept = np.isin(numbers, chosen)
            numbers, rows = numbers[kept], rows[kept]
            others = chosen[chosen <= self._last].tolist() if self._graph is not None else []
        elif self._graph is None:
            others = []
        elif exact:
            others = store.matching(self.owner, None)
            others = others[: int(np.searchsorted(np.array(others, np.int64), self._last, "right"))]
        else:
            self._graph.expansion_search = max(_SEARCHING, 4 * count)
            others = [int(each) for each in self._graph.search(wanted, 2 * count + 20, threads=1).keys]
        found = _best(numbers, self._scores(rows, wanted), count)
        step = max(1, _BLOCK // self.owner.dimensions)
        for start in range(0, len(others), step):
            part = store.some_vectors(self.owner, others[start : start + step])
            if part:
                scores = self._scores(self._prepared(b"".join(vector for _, vector in part)), wanted)
                found += _best(np.array([number for number, _ in part], np.int64), scores, count)
        return sorted(found, key=lambda each: (-each[1], each[0]))[:count]

    def _scores(self, rows: Floats, wanted: Floats) -> Floats:
        if self.owner.metric != "euclidean":
            return rows @ wanted
        step = max(1, _BLOCK // self.owner.dimensions)
        parts = [np.sqrt(np.square(rows[start : start + step] - wanted).sum(1)) for start in range(0, len(rows), step)]
        away = np.concatenate(parts) if parts else np.empty(0, np.float32)
        return (1 / (1 + away)).astype(np.float32, copy=False)

    def _prepared(self, data: bytes) -> Floats:
        """Vectors as they are compared: for the cosine of length 1 (those of zeros stay, and are like nothing)."""
        rows = np.frombuffer(data, np.float32).reshape(-1, self.owner.dimensions)
        if self.owner.metric != "cosine":
            return rows
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(length > 0, length, np.float32(1))).astype(np.float32, copy=False)

    # -- the graph -----------------------------------------------------------------------------------------------

    def _size(self) -> int:
        return 0 if self._graph is None else len(self._graph)

    def _empty(self) -> Any:
        from usearch.index import Index  # 120 ms

        # 16 bits are enough for numbers below 1: what is found is scored anew by the stored vectors
        metric, kind = {"cosine": ("ip", "f16"), "dot": ("ip", "f32"), "euclidean": ("l2sq", "f32")}[self.owner.metric]
        return Index(
            ndim=self.owner.dimensions,
            metric=metric,
            dtype=kind,
            connectivity=_LINKS,
            expansion_add=_ADDING,
            expansion_search=_SEARCHING,
        )

    def _forget(self, live: Numbers) -> None:
        if self._graph is None:
            return
        inside = np.fromiter(self._graph.keys, np.int64, len(self._graph))
        gone = np.setdiff1d(inside, live)
        if len(gone) * 4 > len(inside):  # what was removed still costs; a quarter of it is reason to begin anew
            self._graph, self._last, self._unsaved = None, 0, 0
            self._numbers, self._rows = self._numbers[:0], self._rows[:0]
        elif len(gone):
            self._graph.remove(gone.astype(np.uint64))

    def _name(self, last: int) -> str:
        return f"vectors-{self.owner.number}-{last}.graph"

    def _files(self) -> list[tuple[int, Path]]:
        """The graphs of this collection, the newest first."""
        pattern = re.compile(rf"vectors-{self.owner.number}-(\d{{1,18}})\.graph")
        with suppress(OSError):
            names = ((pattern.fullmatch(path.name), path) for path in self._folder.iterdir())
            return sorted(((int(match[1]), path) for match, path in names if match), reverse=True)
        return []

    def _seal(self, data: bytes | bytearray, last: int) -> bytes:
        head = f"{self.owner.number} {self.owner.dimensions} {self.owner.metric} {last} ".encode()
        return hmac.digest(self._key, head + hashlib.sha256(data).digest(), "sha256")

    def _load(self) -> None:
        for last, path in self._files():
            try:
                data = _plain_file(path)
            except OSError:
                continue
            seal, body = data[:32], data[32:]
            if not hmac.compare_digest(seal, self._seal(body, last)):
                continue
            graph = self._empty()
            graph.load(body)
            self._graph, self._last = graph, last
            return

    def _save(self) -> None:
        """Beside the index, whole or not at all; older ones are removed. A full disk is no reason to fail."""
        data = self._graph.save()
        target = self._folder / self._name(self._last)
        temporary = self._folder / f".{target.name}.{os.urandom(6).hex()}.tmp"
        self._unsaved = 0
        try:
            opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(opened, "wb") as file:
                file.write(self._seal(data, self._last))
                file.write(data)
            temporary.rename(target)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            return
        for last, path in self._files():
            if last != self._last:
                with suppress(OSError):
                    path.unlink()


def _plain_file(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read()


def _best(numbers: Numbers, scores: Floats, count: int) -> list[tuple[int, float]]:
    """The highest, in no order."""
    if len(scores) > count:
        chosen = np.argpartition(-scores, count - 1)[:count]
        numbers, scores = numbers[chosen], scores[chosen]
    return list(zip(numbers.tolist(), scores.tolist()))
