"""Diagnostics for clients that ask for them: of one document, and of every spell in the open folders.

What has not changed since the client last asked is answered "unchanged". Files that are not open are read, compiled and
forgotten, one after the other, between other requests; folders are walked without following symlinks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any, Final

from llmspell_lsp.checks.compile import Refusal
from llmspell_lsp.documents.document import Document
from llmspell_lsp.protocol.diagnosis import Report
from llmspell_lsp.protocol.failures import ServerCancelled
from llmspell_lsp.protocol.methods import Later, Method
from llmspell_lsp.protocol.params import document_uri
from llmspell_lsp.protocol.progress import Progress
from llmspell_lsp.protocol.session import Session, language_of
from llmspell_lsp.protocol.uris import normal, uri_of

_MOST_FILES: Final = 2000
_SETTINGS: Final = "llmspell.toml"
_LARGEST_FILE: Final = 5 * 1024 * 1024


def document_diagnostic(session: Session, params: dict[str, Any]) -> Later | dict[str, Any]:
    document = session.find(document_uri(params))
    if document is None:
        return {"kind": "full", "items": []}
    previous = params.get("previousResultId")
    later = Later()

    def told(report: Report | None) -> None:
        if report is None:
            later.refuse(ServerCancelled("the document was closed", {"retriggerRequest": False}))
        else:
            later.answer(_reported(report, previous))

    session.checking.report(document, told)
    return later


def _reported(report: Report, previous: Any) -> dict[str, Any]:
    if previous == report.result_id:
        return {"kind": "unchanged", "resultId": report.result_id}
    return {"kind": "full", "resultId": report.result_id, "items": report.items}


def workspace_diagnostic(session: Session, params: dict[str, Any]) -> Later:
    known = {
        normal(each["uri"]): each.get("value")
        for each in params.get("previousResultIds") or []
        if isinstance(each, dict) and isinstance(each.get("uri"), str)
    }
    later = Later()
    _Sweep(session, later, known, Progress(session, params.get("workDoneToken"))).next()
    return later


class _Sweep:
    """One answer to `workspace/diagnostic` in the making: a file at a time, each a call of its own in the loop."""

    def __init__(self, session: Session, later: Later, known: dict[str, Any], progress: Progress) -> None:
        self._session = session
        self._later = later
        self._known = known
        self._progress = progress
        self._items: list[dict[str, Any]] = []
        self._open = list(session.documents.values())
        self._files = _spells(session.folders)
        progress.begin("Checking spells")

    def next(self) -> None:
        session = self._session
        if self._later.over or session.exit_code is not None:
            self._progress.end()
            return
        if self._open:
            document = self._open.pop()
            session.checking.report(document, lambda report: self._have_open(document, report))
            return
        for path in self._files:
            uri = uri_of(path)
            if session.find(uri) is None and self._file(path, uri):
                return
        self._progress.end()
        self._later.answer({"items": self._items})

    def _have_open(self, document: Document, report: Report | None) -> None:
        if report is not None:
            reported = _reported(report, self._known.get(normal(document.uri)))
            self._items.append({"uri": document.uri, "version": document.version, **reported})
        self._session.inbox.post(self.next)

    def _file(self, path: str, uri: str) -> bool:
        """Whether a check of it is under way; what is as it was, or cannot be read, is done at once."""
        session = self._session
        try:
            status = os.stat(path)  # noqa: PTH116  one file of thousands
            result_id = f"{status.st_mtime_ns:x}.{status.st_size:x}"
            if self._known.get(uri) == result_id:
                self._items.append({"uri": uri, "version": None, "kind": "unchanged", "resultId": result_id})
                return False
            if status.st_size > _LARGEST_FILE or not stat.S_ISREG(status.st_mode):
                return False
            with open(path, "rb") as file:  # noqa: PTH123
                text = file.read().decode("utf-8-sig", "replace")
        except OSError:
            return False
        language = language_of(uri, None)
        if language is None:
            return False
        document = Document(uri, language, 0, text)

        def answered(refusal: Refusal | None) -> None:
            session.inbox.post(lambda: self._have_file(document, result_id, refusal))

        if language in ("lua", "javascript"):
            session.compiler.compile(f"{uri}#{id(self)}", language, "\n".join(document.lines), answered)
        else:
            answered(None)
        return True

    def _have_file(self, document: Document, result_id: str, refusal: Refusal | None) -> None:
        session = self._session
        items = session.checking.items(session.snapshot_of(document), refusal)
        report = {"kind": "full", "resultId": result_id, "items": items}
        self._items.append({"uri": document.uri, "version": None, **report})
        self._progress.report(f"{len(self._items)} files")
        session.inbox.post(self.next)


def _spells(folders: list[str]) -> Iterator[str]:
    """The files of ours below the folders, hidden and installed ones left out. Only in projects of ours: any other
    `.js` is no spell."""
    found: set[str] = set()
    for folder in folders:
        projects = {os.path.dirname(folder)} if _in_project(folder) else set[str]()  # noqa: PTH120
        for place, names, files in os.walk(folder, followlinks=False):
            names[:] = sorted(name for name in names if not name.startswith(".") and name != "node_modules")
            if _SETTINGS not in files and os.path.dirname(place) not in projects:  # noqa: PTH120
                continue
            projects.add(place)
            for name in sorted(files):
                path = f"{place}/{name}"
                if path in found or language_of(uri_of(path), None) is None:
                    continue
                found.add(path)
                if len(found) > _MOST_FILES:
                    return
                yield path


def _in_project(folder: str) -> bool:
    while not os.path.isfile(f"{folder}/{_SETTINGS}"):  # noqa: PTH113
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120
        if folder == below:
            return False
    return True


def _pulls(client: Any) -> bool:
    return client.pulls


METHODS: Final = (
    Method(
        "textDocument/diagnostic",
        document_diagnostic,
        options={"identifier": "llmspell", "interFileDependencies": True, "workspaceDiagnostics": True},
        wanted=_pulls,
    ),
    Method("workspace/diagnostic", workspace_diagnostic, wanted=_pulls),
)
