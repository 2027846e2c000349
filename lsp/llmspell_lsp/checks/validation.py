"""What is wrong with files, for `llmspell validate`: the same checks as in an editor, on files as they are on the disk.

Compiling is another process's work; while it has one file the next is read and checked here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell_lsp import checks
from llmspell_lsp.checks.compile import Compiler, Refusal
from llmspell_lsp.documents.document import Document
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.workspace.project import Project
from llmspell_lsp.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.documents.document import Language


@dataclass(slots=True, frozen=True)
class Source:
    """A file to check. path: absolute."""

    path: Path
    language: Language
    text: str


@dataclass(slots=True, frozen=True)
class Checked:
    """The lines of a file and what was found in it, in its order."""

    lines: Sequence[str]
    findings: Sequence[Finding]


class Checker:
    """Checks files one after the other. Close it."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        """warn: is told of what could not be done."""
        self._warn = warn
        self._compiler = Compiler(warn)
        self._project = Project({}, lambda: ())

    def close(self) -> None:
        self._compiler.close()

    def check(self, sources: Iterable[Source]) -> Iterator[Checked]:
        """In the order of the sources, each as soon as it is known."""
        before: _Verdict | None = None
        for source in sources:
            verdict = self._begin(source)
            if before is not None:
                yield self._finish(before)
            before = verdict
        if before is not None:
            yield self._finish(before)

    def _begin(self, source: Source) -> _Verdict:
        document = Document(uri_of(str(source.path)), source.language, 0, source.text)
        verdict = _Verdict(Snapshot(document, str(source.path), (), self._project))
        if verdict.snapshot.is_script:
            self._compiler.compile(document.uri, source.language, "\n".join(document.lines), verdict.give)
        else:
            verdict.give(None)
        return verdict

    def _finish(self, verdict: _Verdict) -> Checked:
        snapshot = verdict.snapshot
        path = snapshot.path
        found = checks.found(snapshot, lambda name, error: self._warn(f"{path}: the check {name} failed: {error!r}"))
        refusal = verdict.wait()
        if refusal is not None:
            from llmspell_lsp.checks.refusal import finding

            found.append(finding(snapshot, refusal))
        return Checked(snapshot.document.lines, checks.told(snapshot, found))


class _Verdict:
    """The compiler's, of one document, once it is there."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._there = threading.Event()
        self._refusal: Refusal | None = None

    def give(self, refusal: Refusal | None) -> None:
        self._refusal = refusal
        self._there.set()

    def wait(self) -> Refusal | None:
        self._there.wait()
        return self._refusal
