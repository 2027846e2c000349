"""What the language server loads, and when."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

Server = Callable[..., Any]

HEAVY = ("litellm", "textual", "pydantic", "aiohttp", "httpx", "lupa", "_quickjs", "numpy")
#: What only the pygls server needs, half a second of it.
PYGLS = ("pygls", "lsprotocol", "attrs", "cattrs", "asyncio")
#: What handlers import when they are called.
FEATURES = ("llmspell_lsp.features", "llmspell_lsp.analysis", "llmspell_lsp.syntax", "llmspell.api", "tree_sitter")

#: A session without a document warms up by itself after a pause, which a crowded machine may take to say goodbye.
PROGRAM = """
import sys
from llmspell.cli.main import main
from llmspell_lsp.protocol import greeting
greeting._IDLE = 3600
main(["lsp"])
print(*[name for name in sys.argv[1:] if name in sys.modules], file=sys.stderr)
"""


@pytest.fixture
def start(server: Server) -> Callable[..., Any]:
    return lambda *names: server(*names, command=[sys.executable, "-c", PROGRAM])


def loaded(client: Any) -> set[str]:
    """Which of the names were modules when the session ended."""
    assert client.leave() == 0
    return set(client.stop().splitlines()[-1].split())


def test_the_first_answer_costs_nothing_heavy(start: Callable[..., Any]) -> None:
    client = start(*HEAVY, *PYGLS, *FEATURES)
    client.initialize()
    assert loaded(client) == set()


@pytest.mark.parametrize("ending", ["lua", "js"])
def test_a_whole_session_with_pygls_loads_no_engine_and_nothing_of_the_runtime(
    start: Callable[..., Any], ending: str
) -> None:
    client = start(*HEAVY, "pygls")
    client.initialize()
    client.open(f"file:///x.{ending}", "x = = 1")
    assert client.diagnostics(f"file:///x.{ending}")
    client.code("workspace/executeCommand", {"command": "none"})  # answered by pygls
    assert loaded(client) == {"pygls"}
