"""The last runs in a session: which spells are followed, and what the client is told when one has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from llmspell_lsp.documents.uris import path_of, uri_of
from llmspell_lsp.live.board import Board

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.live.run import LastRun
    from llmspell_lsp.live.watch import Watch
    from llmspell_lsp.protocol.session import Session

_REFRESHED: Final = ("codeLens", "inlayHint")


class Live:
    """A source of idle work: nothing is followed before the first documents have been checked."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.board = Board(self._changed)
        self._watch: Watch | None = None
        self._due: list[str] = []

    def opened(self, document: Document) -> None:
        path = path_of(document.uri)
        if path is not None and document.language in ("lua", "javascript"):
            self._due.append(path)

    def closed(self, document: Document) -> None:
        path = path_of(document.uri)
        if path is not None:
            self._due = [each for each in self._due if each != path]
            if self._watch is not None:
                self._watch.leave(path)
            self.board.forget(path)

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    @property
    def has_work(self) -> bool:
        return bool(self._due)

    def work(self) -> Iterator[None]:
        from llmspell_lsp.live.watch import Watch

        if self._watch is None:
            self._watch = Watch(self._tell, self._session.log.warning)
        while self._due:
            self._watch.follow(self._due.pop())
            yield

    def _tell(self, path: str, run: LastRun | None) -> None:
        """In the watching thread."""
        self._session.inbox.post(lambda: self._arrived(path, run))

    def _arrived(self, path: str, run: LastRun | None) -> None:
        if self._session.find(uri_of(path)) is not None:
            self.board.put(path, run)

    def _changed(self, path: str) -> None:
        session = self._session
        if session.diagnosis is not None:
            session.diagnosis.recheck()
        for kind in _REFRESHED:
            if session.client.has(f"workspace.{kind}.refreshSupport"):
                session.ask(f"workspace/{kind}/refresh", None)
