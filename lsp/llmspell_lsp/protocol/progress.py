"""Work that is told about while it goes on: under the token of the client's request, or under one of ours."""

from __future__ import annotations

from typing import Any

from llmspell_lsp.protocol.session import Session


class Progress:
    """Nothing is told where the client gave no token and knows no progress of the server's own."""

    def __init__(self, session: Session, token: Any = None, *, ask: bool = False) -> None:
        """token: the `workDoneToken` of a request. ask: without one, asks the client to show it all the same."""
        self._session = session
        self._token: Any = token if isinstance(token, (int, str)) else None
        if self._token is None and ask and session.client.has("window.workDoneProgress"):
            self._token = f"llmspell-progress-{id(self)}"
            session.ask("window/workDoneProgress/create", {"token": self._token})

    def begin(self, title: str) -> None:
        self._tell({"kind": "begin", "title": title})

    def report(self, message: str, percentage: int | None = None) -> None:
        value: dict[str, Any] = {"kind": "report", "message": message}
        self._tell(value if percentage is None else {**value, "percentage": percentage})

    def end(self) -> None:
        self._tell({"kind": "end"})

    def _tell(self, value: dict[str, Any]) -> None:
        if self._token is not None:
            self._session.notify("$/progress", {"token": self._token, "value": value})
