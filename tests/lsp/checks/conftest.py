"""Documents for checks: a text in, findings out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell_lsp import checks
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.documents.document import Document
from llmspell_lsp.workspace.snapshot import Kept, Snapshot

Find = Callable[..., list[Finding]]

ENDINGS = {"lua": ".lua", "javascript": ".js"}


def snapshot_of(text: str, language: str, folder: Path) -> Snapshot:
    path = folder / f"spell{ENDINGS[language]}"
    return Snapshot(Kept(Document(path.as_uri(), language, 1, text)), str(path))  # type: ignore[arg-type]


def raised(name: str, error: Exception) -> None:
    raise AssertionError(f"the check {name} failed") from error


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """`find(text, language)`: what is told of it, in the order of the file."""

    def find(text: str, language: str) -> list[Finding]:
        snapshot = snapshot_of(text, language, tmp_path)
        return checks.told(snapshot, checks.found(snapshot, raised))

    return find


@pytest.fixture
def open_text(tmp_path: Path) -> Callable[[str, str], Snapshot]:
    return lambda text, language: snapshot_of(text, language, tmp_path)
