"""Vectors: what the graph of vector_search finds of what exact search finds, and in which time."""

from __future__ import annotations

import json
from typing import Final

from benchmark import Lab, Row

_RECALL: Final = 0.98


def recall(lab: Lab) -> list[Row]:
    found = json.loads(lab.peer("vector_recall.py").lines[-1])
    filled = f"filled in {found['filling_s']:.0f} s"
    exact = f"exact in numpy: {found['numpy_ms']:.1f} ms"
    return [
        Row(
            "vector_search, recall of 100k",
            f">= {_RECALL} at 10",
            "exact search: 1",
            f"{found['recall']:.3f}",
            found["recall"] >= _RECALL and found["exact_recall"] == 1,
            found["recall"],
            filled,
            found,
        ),
        Row(
            "vector_search, one of 100k",
            "<= 1 x exact",
            exact,
            f"{found['graph_ms']:.1f} ms",
            found["graph_ms"] <= found["numpy_ms"],
            found["graph_ms"] / found["numpy_ms"],
            f"exact of the tool {found['exact_ms']:.0f} ms",
            found,
        ),
    ]
