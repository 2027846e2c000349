"""What a family of requests hands to the server: methods, each with its handler and what the client is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmspell_lsp.protocol.client import Client
    from llmspell_lsp.protocol.session import Session

Handler = Callable[["Session", dict[str, Any]], Any]


@dataclass(slots=True, frozen=True)
class Method:
    """A request or a notification of the client.

    handler: `(session, params)` gives plain JSON, `Encoded` bytes or a `Later`; what a notification's gives is dropped.
    options: what stands in the server's capabilities for it, where that is more than `true`.
    newest: an older one of the same document is refused when the document has changed and the client asks anew.
    wanted: whether this client gets it at all.
    """

    name: str
    handler: Handler
    options: Any = None
    newest: bool = False
    wanted: Callable[[Client], bool] | None = None


@dataclass(slots=True, frozen=True)
class Command:
    """A command for `workspace/executeCommand`: `(session, *arguments)` gives plain JSON."""

    name: str
    handler: Callable[..., Any]


class Encoded(bytes):
    """A result that is JSON already: it is sent as it is."""

    __slots__ = ()


class Later:
    """A result that is not there yet. The handler returns it and calls `answer` or `refuse` from the loop's thread."""

    __slots__ = ("_deliver", "_outcome", "over")

    def __init__(self) -> None:
        self._deliver: Callable[[Any, Exception | None], None] | None = None
        self._outcome: tuple[Any, Exception | None] | None = None
        self.over = False
        """Answered, refused or cancelled: work for it may stop."""

    def answer(self, result: Any) -> None:
        self._end(result, None)

    def refuse(self, error: Exception) -> None:
        self._end(None, error)

    def deliver_to(self, deliver: Callable[[Any, Exception | None], None]) -> None:
        """For the dispatcher: where the outcome goes."""
        if self._outcome is not None:
            deliver(*self._outcome)
        else:
            self._deliver = deliver

    def _end(self, result: Any, error: Exception | None) -> None:
        if self.over:
            return
        self.over = True
        if self._deliver is not None:
            self._deliver(result, error)
        else:
            self._outcome = (result, error)
