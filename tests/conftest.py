"""What every test stands on: the mission's rows that markers may name, a guard against blocking the event loop, and
what keeps the whole suite quick: compiled files, and a garbage collector that leaves alone what stays to the end.
Tests go as they go, whatever the environment of who starts them and the signals it ignores. Properties are tried on the
same values each time, in whatever time that takes; `make soak` tries them on others.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

_TABLE = Path(__file__).parent / "mission" / "rows.toml"

# Told to keep no compiled files, as in many containers, every process that a test starts would compile llmspell anew:
# 0.5 s each, and 3 s with litellm.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What the caller's environment says to llmspell, to libraries below it, and to whoever draws, is not meant for tests.
_CALLERS = re.compile(
    r"(https?|all|no)_proxy|(NO|FORCE)_COLOR|CLICOLOR.*|COLORTERM|TERM|COLUMNS|LINES|XDG_.*|OTEL_.*|AWS_.*|KUBECONFIG|GIT_.*"
    r"|.*_API_(KEY|BASE)|.*_BASE_URL|LLMSPELL_(?!(TEST|EDITORS|NVIM|LAZY|TSC|PICTURES|BROWSER)).*",
    re.IGNORECASE,
)

# What is ignored (`nohup`, a shell's `&`) stays ignored in every program that is started; what is handled does not.
for _number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda _number, _frame: None)

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()
    config.addinivalue_line("markers", "mission(*rows): the rows of the mission's table that this test proves")
    config.addinivalue_line("markers", "soak: a long run, for `make soak`")


def pytest_sessionstart() -> None:
    """Before the tests' modules are imported, of which some heed it, and after pytest itself has."""
    for name in [name for name in os.environ if _CALLERS.fullmatch(name)]:
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rows = {key for section in tomllib.loads(_TABLE.read_text(encoding="utf-8")).values() for key in section}
    for item in items:
        for marker in item.iter_markers("mission"):
            for row in marker.args:
                if str(row) not in rows:
                    raise pytest.UsageError(f"{item.nodeid}: there is no row {row!r} in {_TABLE.name}")


def pytest_collection_finish() -> None:
    """The tests themselves stay to the end: to look for cycles among them was a fifth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def unblocked() -> Iterator[None]:
    """Fails the test when llmspell's own code blocks the event loop (a file read, a sleep, a lock)."""
    from blockbuster import blockbuster_ctx

    with blockbuster_ctx("llmspell"):
        yield
