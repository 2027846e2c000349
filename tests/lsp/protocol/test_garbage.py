"""Garbage is searched for while nobody types, and what has been searched is set aside until a document closes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from llmspell_lsp.protocol.garbage import Garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


class Ring:
    def __init__(self) -> None:
        self.me = self


def work(garbage: Garbage) -> None:
    for _ in garbage.work():
        pass


def test_what_is_left_of_a_closed_document_is_found() -> None:
    opened = 1
    garbage = Garbage(lambda: opened)
    work(garbage)
    work(garbage)
    kept = Ring()
    gone = weakref.ref(kept)
    gc.collect(1)
    assert garbage.has_work
    work(garbage)
    assert not garbage.has_work
    assert gc.get_freeze_count() > 0
    del kept
    gc.collect()
    assert gone() is not None
    opened = 0
    assert garbage.has_work
    work(garbage)
    assert gone() is None
    assert not garbage.has_work


def test_young_objects_do_not_start_a_whole_search() -> None:
    Garbage(lambda: 1)
    gc.collect()
    before = gc.get_stats()[2]["collections"]
    rings = [Ring() for _ in range(250_000)]
    assert len(rings) == 250_000
    assert gc.get_stats()[2]["collections"] == before
