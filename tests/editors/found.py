"""Which editors there are to test with. `make test-editors` demands all; elsewhere the tests of a missing one are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.editors import install

ROOT = Path(__file__).parents[2]
EDITORS = ROOT / "editors"


def editor(name: str) -> Path:
    """The program; skips the test, or fails it under `make test-editors`, where it is not there."""
    program = install.program(name)
    if program.exists():
        return program
    reason = f"{name} is not there: `make test-editors` fetches it"
    if os.environ.get("LLMSPELL_TEST_EDITORS"):
        pytest.fail(reason)
    pytest.skip(reason)
