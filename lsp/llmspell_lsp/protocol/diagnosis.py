"""When documents are checked, and how what is found reaches the client: pushed, or asked for by it.

A document is checked at once when it is opened and `PAUSE` after its last change: here in pieces, between which goes
what the client asks; by the compilers at the same time, in another process. What is about an older text is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp import checks
from llmspell_lsp.documents.document import Document
from llmspell_lsp.protocol import positions
from llmspell_lsp.protocol.session import Session

if TYPE_CHECKING:
    from llmspell_lsp.checks.compile import Refusal
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.workspace.snapshot import Snapshot

PAUSE: Final = 0.03
"""Seconds after the last key. Who types 120 words a minute presses one each 100 ms."""
#: Seconds after which who types without a pause is shown something all the same.
_LONGEST_PAUSE: Final = 0.4

SEVERITIES: Final = {"error": 1, "warning": 2, "information": 3, "hint": 4}
_TAGS: Final = {"unnecessary": 1, "deprecated": 2}


@dataclass(slots=True, frozen=True)
class Report:
    """What was found in a document at one revision. items: the same as the protocol's Diagnostic[]."""

    revision: int
    result_id: str
    items: list[dict[str, Any]]
    findings: list[Finding]


@dataclass(slots=True)
class _Due:
    at: float
    since: float


@dataclass(slots=True, frozen=True)
class _Basis:
    """What a check is about: the text at a revision, and everything around the documents as it was then."""

    revision: int
    surroundings: int


@dataclass(slots=True)
class _Check:
    """One check under way. waits: for the compiler. over: all pieces have been looked at."""

    document: Document
    basis: _Basis
    snapshot: Snapshot
    pieces: Iterator[list[Finding]]
    found: list[Finding] = field(default_factory=list["Finding"])
    refused: list[Finding] = field(default_factory=list["Finding"])
    waits: bool = False
    over: bool = False


class Diagnosis:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._due: dict[str, _Due] = {}
        self._under_way: dict[str, _Basis] = {}
        self._reports: dict[str, Report] = {}
        self._waiting: dict[str, list[Callable[[Report | None], None]]] = {}
        self._results = 0
        self._surroundings = 0
        """Changes of what is around the documents."""
        self.delivered = 0
        """Reports so far."""

    # -- what happens to documents -------------------------------------------------------------------------------

    def opened(self, document: Document) -> None:
        now = time.monotonic()
        self._due[document.uri] = _Due(now, now)
        self.work()

    def changed(self, document: Document) -> None:
        now = time.monotonic()
        due = self._due.get(document.uri)
        since = due.since if due is not None else now
        self._due[document.uri] = _Due(min(now + PAUSE, since + _LONGEST_PAUSE), since)

    def closed(self, document: Document) -> None:
        for known in (self._due, self._under_way, self._reports):
            known.pop(document.uri, None)
        for tell in self._waiting.pop(document.uri, []):
            tell(None)
        if not self._session.client.pulls:
            self._publish(document, [], versioned=False)

    def recheck(self) -> None:
        """What is around the documents has changed: settings, other files."""
        session = self._session
        self._reports.clear()
        self._surroundings += 1
        if session.client.pulls:
            if session.client.has("workspace.diagnostics.refreshSupport"):
                session.ask("workspace/diagnostic/refresh", None)
            return
        for document in session.documents.values():
            self.changed(document)

    # -- for the loop --------------------------------------------------------------------------------------------

    def wait(self) -> float | None:
        """Seconds until there is work, None: none is in sight."""
        if not self._due:
            return None
        return max(0.0, min(due.at for due in self._due.values()) - time.monotonic())

    def is_settled(self) -> bool:
        return not self._due and not self._under_way

    def work(self) -> None:
        """Begins the checks that are due."""
        now = time.monotonic()
        for uri in [uri for uri, due in self._due.items() if due.at <= now]:
            del self._due[uri]
            document = self._session.find(uri)
            if document is not None and (not self._session.client.pulls or uri in self._waiting):
                self._begin(document)

    # -- for requests --------------------------------------------------------------------------------------------

    def report(self, document: Document, tell: Callable[[Report | None], None]) -> None:
        """Gives the report of a document's present text to `tell`, now or once it is there; None: it was closed."""
        known = self._reports.get(document.uri)
        if known is not None and known.revision == document.revision:
            tell(known)
            return
        self._waiting.setdefault(document.uri, []).append(tell)
        if self._under_way.get(document.uri) != self._basis(document):
            self._due.pop(document.uri, None)
            self._begin(document)

    # -- one check -----------------------------------------------------------------------------------------------

    def _begin(self, document: Document) -> None:
        basis = self._under_way[document.uri] = self._basis(document)
        session = self._session
        snapshot = session.snapshot_of(document)
        check = _Check(document, basis, snapshot, self._pieces(snapshot))
        if snapshot.is_script:
            # Lines as we count them, whatever ends them.
            text = "\n".join(document.lines)
            check.waits = True

            def answered(refusal: Refusal | None) -> None:
                session.inbox.post(lambda: self._judged(check, refusal))

            session.compiler.compile(document.uri, document.language, text, answered)
        # Behind what has come from the client, and beside the compiler.
        session.inbox.post(lambda: self._go_on(check))

    def _judged(self, check: _Check, refusal: Refusal | None) -> None:
        """With the compiler's verdict."""
        if self._is_current(check):
            check.waits = False
            check.refused = self._refused(check.snapshot, refusal)
            if check.over:
                self._deliver(check)

    def _go_on(self, check: _Check) -> None:
        """Piece by piece, behind whatever has come from the client meanwhile."""
        if not self._is_current(check):
            return
        inbox = self._session.inbox
        for piece in check.pieces:
            check.found.extend(piece)
            if inbox.has_waiting():
                inbox.post(lambda: self._go_on(check))
                return
        check.over = True
        if not check.waits:
            self._deliver(check)

    def _deliver(self, check: _Check) -> None:
        document, snapshot = check.document, check.snapshot
        uri = document.uri
        del self._under_way[uri]
        self._results += 1
        told = self._told(snapshot, [*check.refused, *check.found])
        items = [self._item(snapshot, each) for each in told]
        report = self._reports[uri] = Report(check.basis.revision, str(self._results), items, told)
        self.delivered += 1
        for tell in self._waiting.pop(uri, []):
            tell(report)
        if not self._session.client.pulls:
            self._publish(document, items, versioned=True)

    def _basis(self, document: Document) -> _Basis:
        return _Basis(document.revision, self._surroundings)

    def _is_current(self, check: _Check) -> bool:
        """Whether a check that was begun is still wanted; of what has changed it is begun anew."""
        document = check.document
        uri = document.uri
        if self._session.find(uri) is not document or self._under_way.get(uri) != check.basis:
            return False
        if check.basis == self._basis(document):
            return True
        del self._under_way[uri]
        if uri in self._waiting:
            self._begin(document)
        else:
            self.changed(document)
        return False

    def items(self, snapshot: Snapshot, refusal: Refusal | None) -> list[dict[str, Any]]:
        """Everything that is found in a document, as the protocol has it."""
        found = [each for piece in self._pieces(snapshot) for each in piece]
        found = [*self._refused(snapshot, refusal), *found]
        return [self._item(snapshot, each) for each in self._told(snapshot, found)]

    def findings(self, snapshot: Snapshot) -> list[Finding]:
        """What is found in the present text of an open document, without waiting for the compilers."""
        known = self._reports.get(snapshot.document.uri)
        if known is not None and known.revision == snapshot.document.revision:
            return known.findings
        return self._told(snapshot, [each for piece in self._pieces(snapshot) for each in piece])

    def _pieces(self, snapshot: Snapshot) -> Iterator[list[Finding]]:
        return checks.pieces(snapshot, lambda name, error: self._failed(snapshot, name, error))

    def _refused(self, snapshot: Snapshot, refusal: Refusal | None) -> list[Finding]:
        """What the compiler says."""
        if refusal is None:
            return []
        from llmspell_lsp.checks.refusal import finding

        return self._findings(snapshot, lambda: [finding(snapshot, refusal)], "compile")

    def _told(self, snapshot: Snapshot, found: list[Finding]) -> list[Finding]:
        return self._findings(snapshot, lambda: checks.told(snapshot, found), "told")

    def _findings(self, snapshot: Snapshot, find: Callable[[], Iterable[Finding]], name: str) -> list[Finding]:
        """What a family finds; nothing, and a line in the log, when it fails."""
        try:
            return [*find()]
        except Exception as error:
            self._failed(snapshot, name, error)
            return []

    def _failed(self, snapshot: Snapshot, name: str, error: Exception) -> None:
        self._session.log.failure(f"the check {name} failed on {snapshot.document.uri}: {error}", error)

    def _item(self, snapshot: Snapshot, each: Finding) -> dict[str, Any]:
        session = self._session
        item: dict[str, Any] = {
            "range": session.range(snapshot, each.span),
            "severity": SEVERITIES[each.severity],
            "code": each.code,
            "source": "llmspell",
            "message": each.message,
        }
        if each.tags:
            item["tags"] = [_TAGS[tag] for tag in each.tags]
        if each.data is not None:
            item["data"] = each.data
        capability = "textDocument.diagnostic" if session.client.pulls else "textDocument.publishDiagnostics"
        if each.related and session.client.has(f"{capability}.relatedInformation"):
            item["relatedInformation"] = [
                {
                    "location": {
                        "uri": related.uri or snapshot.document.uri,
                        "range": self._range_in(related.uri, snapshot, related.span),
                    },
                    "message": related.message,
                }
                for related in each.related
            ]
        return item

    def _range_in(self, uri: str, snapshot: Snapshot, span: tuple[int, int, int, int]) -> dict[str, Any]:
        if not uri:
            return self._session.range(snapshot, span)
        other = self._session.find(uri)
        if other is None:
            return {
                "start": {"line": span[0], "character": span[1]},
                "end": {"line": span[2], "character": span[3]},
            }
        return positions.range_of(other.lines, span, self._session.client.encoding)

    def _publish(self, document: Document, items: list[dict[str, Any]], *, versioned: bool) -> None:
        params: dict[str, Any] = {"uri": document.uri, "diagnostics": items}
        if versioned and self._session.client.has("textDocument.publishDiagnostics.versionSupport"):
            params["version"] = document.version
        self._session.notify("textDocument/publishDiagnostics", params)
