"""The model server of the benchmarks as a process of its own, whose CPU nobody is charged for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmark import HERE, PYTHON
from measuring import running


@contextmanager
def model_server(latency: float = 0) -> Iterator[str]:
    """Its address. latency: milliseconds before each answer."""
    command = [PYTHON, "-I", str(HERE / "fast_server.py"), "--latency", str(latency)]
    with running(command, keep=True) as (_, url):
        yield url
