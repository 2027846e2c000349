"""A PostgreSQL server of the tests' own, and a store of each backend."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.settings.values import Settings, State
from llmspell.state.opening import Lease, opened
from llmspell.state.store import StateStore

sys.path.insert(0, str(Path(__file__).parent))

from postgres_server import Server, binaries

BACKENDS = ("sqlite", "rocksdb", "postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server here: Debian's package postgresql has one")
    server = Server(programs)
    yield server
    server.close()


@pytest.fixture
def settings_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a backend over an empty store; the same ones again name the same store."""

    def make(backend: str, **more: Any) -> Settings:
        url = request.getfixturevalue("postgres").new_url() if backend == "postgres" else None
        return Settings(project=tmp_path, data_dir=tmp_path / "data", state=State(backend=backend, url=url, **more))

    return make


@pytest.fixture(params=BACKENDS)
async def lease(request: pytest.FixtureRequest, settings_of: Callable[..., Settings]) -> AsyncIterator[Lease]:
    found = await opened(settings_of(request.param))
    yield found
    await found.close()


@pytest.fixture
def store(lease: Lease) -> StateStore:
    """An empty store, once of each backend."""
    return lease.store
