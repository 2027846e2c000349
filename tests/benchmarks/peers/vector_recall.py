"""Puts 100,000 vectors into an index of vector_search and asks it, by its graph and exactly, beside plain numpy.

Prints one line of JSON: recall at 10 and milliseconds a search. The vectors lie in 500 clusters, as those of texts do.
The work is that of the tool's own process, called here.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the tool's process

import numpy as np

from llmspell.tools.ai.vector_work import answer

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
SIZE, ASKED, WANTED = 384, 100, 10


def main() -> None:
    drawn = np.random.default_rng(1)
    centres = drawn.standard_normal((500, SIZE))
    rows = drawn.standard_normal((COUNT + ASKED, SIZE), np.float32)
    rows = (centres[drawn.integers(0, 500, len(rows))] + 0.8 * rows).astype(np.float32)
    print(json.dumps(measured(rows[:COUNT], rows[COUNT:])))


def measured(rows: Any, asked: Any) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="llmspell-vectors-") as folder:
        path = Path(folder, "vectors.db")
        path.touch(0o600)
        info = path.stat()
        file = [str(path), info.st_dev, info.st_ino]
        how = {"max_index_size": 1 << 32, "exact_up_to": 20_000, "key": b"", "saves": False}
        began = time.perf_counter()
        for start in range(0, COUNT, 1000):
            items = [[str(start + at), row.tobytes(), None, "{}"] for at, row in enumerate(rows[start : start + 1000])]
            put = {"collection": "default", "items": items, "dimensions": SIZE, "metric": "cosine", "source": "given b"}
            answer(file, "upsert", put, how)
        filling = time.perf_counter() - began
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        truth, bare = timed(lambda each: [str(at) for at in np.argsort(-(unit @ each))[:WANTED]], asked)

        def search(each: Any, exact: bool) -> list[str]:
            given = {"collection": "default", "vector": each.tobytes(), "source": "given b", "count": WANTED}
            given |= {"threshold": None, "filter": None, "exact": exact, "with_vectors": False}
            return [match["id"] for match in answer(file, "search", given, how)["matches"]]

        near, graph = timed(lambda each: search(each, False), asked)
        same, exact = timed(lambda each: search(each, True), asked[:5])
    return {
        "recall": recall(near, truth),
        "exact_recall": recall(same, truth),
        "graph_ms": graph,
        "exact_ms": exact,
        "numpy_ms": bare,
        "filling_s": filling,
    }


def timed(work: Any, asked: Any) -> tuple[list[list[str]], float]:
    work(asked[0])
    began = time.perf_counter()
    found = [work(each) for each in asked]
    return found, (time.perf_counter() - began) / len(found) * 1000


def recall(found: list[list[str]], truth: list[list[str]]) -> float:
    pairs = list(zip(found, truth))
    return sum(len(set(one) & set(two)) for one, two in pairs) / (WANTED * len(pairs))


if __name__ == "__main__":
    main()
