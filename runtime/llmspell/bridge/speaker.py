"""Whose worker a bridge leads to: the spell's own, or that of a hook file that serves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmspell.errors import LlmspellError
from llmspell.frozen import frozen
from llmspell.identity import Guest
from llmspell.run import Run


@frozen
class Speaker:
    """guest: the hook file; None for the spell itself.

    key: of its frames among the run's inputs. folder: where its modules are looked for. finish, fail: told how the
    script ended; clock: takes the worker's clock readings.
    """

    key: str
    language: str
    folder: Path
    guest: Guest | None
    finish: Callable[[Any], None]
    fail: Callable[[LlmspellError], None]
    clock: Callable[[bytes], None]

    @classmethod
    def spell(cls, run: Run) -> Speaker:
        return cls("w", run.identity.language, run.identity.folder, None, run.finish, run.fail, run.journal.clock)
