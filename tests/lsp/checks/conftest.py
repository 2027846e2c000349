"""Documents for checks: a text in, findings out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell_lsp import checks
from llmspell_lsp.checks.compile import Refusal
from llmspell_lsp.checks.compiling import compile_javascript, compile_lua
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.refusal import finding
from llmspell_lsp.documents.document import Document
from llmspell_lsp.workspace.project import Project
from llmspell_lsp.workspace.snapshot import Snapshot

Find = Callable[..., list[Finding]]

NAMES = {"lua": "spell.lua", "javascript": "spell.js", "toml": "llmspell.toml", "json": "replies.json"}
COMPILERS = {"lua": compile_lua, "javascript": compile_javascript}


def snapshot_of(text: str, language: str, folder: Path) -> Snapshot:
    path = folder / NAMES[language]
    document = Document(path.as_uri(), language, 1, text)  # type: ignore[arg-type]
    return Snapshot(document, str(path), project=Project({document.uri: document}, lambda: ()))


def everything(snapshot: Snapshot) -> list[Finding]:
    """All that is told of a document, the words of its engine among it."""
    found = checks.found(snapshot, raised)
    compile_ = COMPILERS.get(snapshot.document.language)
    verdict = compile_("\n".join(snapshot.document.lines)) if compile_ is not None else None
    if verdict is not None:
        found.append(finding(snapshot, Refusal(*verdict)))
    return checks.told(snapshot, found)


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
def find_all(tmp_path: Path) -> Find:
    """The same, and what the engine says of the text."""

    def find(text: str, language: str) -> list[Finding]:
        return everything(snapshot_of(text, language, tmp_path))

    return find


@pytest.fixture
def open_text(tmp_path: Path) -> Callable[[str, str], Snapshot]:
    return lambda text, language: snapshot_of(text, language, tmp_path)
