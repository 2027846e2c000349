"""What waits to be done: messages of the client, in order, and calls of other threads.

Put by the reader's thread, taken by the loop's. What needs no handler is done while it waits: a cancelled request is
answered at once, a request that the client has asked anew since the document changed is answered "content modified",
and changes of one document that stand side by side become one. Knows no handler.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from llmspell_lsp.protocol.failures import Cancelled, Refused, Superseded

Message = dict[str, Any]
Item = Message | Callable[[], None]

DID_CHANGE: Final = "textDocument/didChange"


class Inbox:
    def __init__(self, refuse: Callable[[Any, Refused], None], superseded: frozenset[str] = frozenset()) -> None:
        """refuse: sends an error as a request's answer; called from the putting thread.
        superseded: methods of which only the newest of a document is wanted."""
        self._refuse = refuse
        self._superseded = superseded
        self._items: deque[Item] = deque()
        self._ready = threading.Condition(threading.Lock())
        self._running: Any = None
        self._cancelled: set[Any] = set()
        self.closed = False

    # -- any thread ----------------------------------------------------------------------------------------------

    def put(self, message: Message) -> None:
        """A message of the client."""
        refused: list[tuple[Any, Refused]] = []
        with self._ready:
            method = message.get("method")
            if method == "$/cancelRequest" and "id" not in message:
                refused = self._cancel(message)
            else:
                if method in self._superseded and "id" in message:
                    refused = self._supersede(message)
                self._items.append(message)
                self._ready.notify()
        for id_, error in refused:
            self._refuse(id_, error)

    def post(self, call: Callable[[], None]) -> None:
        """Something to be called in the loop's thread."""
        with self._ready:
            self._items.append(call)
            self._ready.notify()

    def close(self) -> None:
        """Nothing more will come."""
        with self._ready:
            self.closed = True
            self._ready.notify()

    # -- the loop's thread ---------------------------------------------------------------------------------------

    def take(self, timeout: float | None) -> Item | None:
        """The next item, None when the time is over first or the inbox is closed and empty."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._ready:
            self._running = None
            while not self._items:
                if self.closed:
                    return None
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._ready.wait(left)
            item = self._items.popleft()
            if not isinstance(item, dict):
                return item
            if item.get("method") == DID_CHANGE:
                self._merge(item)
            self._running = item.get("id")
            self._cancelled.clear()
            return item

    def is_cancelled(self, id_: Any) -> bool:
        """Whether the request being handled has been cancelled meanwhile."""
        return id_ in self._cancelled

    def has_waiting(self) -> bool:
        return bool(self._items)

    # -- with the lock held --------------------------------------------------------------------------------------

    def _cancel(self, message: Message) -> list[tuple[Any, Refused]]:
        params = message.get("params")
        id_ = params.get("id") if isinstance(params, dict) else None
        if not isinstance(id_, (int, str)):
            return []
        for index, item in enumerate(self._items):
            if isinstance(item, dict) and "method" in item and "id" in item and item["id"] == id_:
                del self._items[index]
                return [(id_, Cancelled("cancelled by the client"))]
        if self._running == id_:
            self._cancelled.add(id_)
        else:
            # It may be waiting for its answer (`Later`): the loop knows.
            self._items.append(message)
            self._ready.notify()
        return []

    def _supersede(self, message: Message) -> list[tuple[Any, Refused]]:
        """Takes out the older requests of the same method and document that stand before a change of it."""
        uri, method = document_of(message), message["method"]
        changed = False
        found: list[int] = []
        for index in range(len(self._items) - 1, -1, -1):
            item = self._items[index]
            if not isinstance(item, dict) or document_of(item) != uri:
                continue
            if item.get("method") == DID_CHANGE:
                changed = True
            elif changed and item.get("method") == method and "id" in item:
                found.append(index)
        refused: list[tuple[Any, Refused]] = []
        for index in found:
            refused.append((self._items[index]["id"], Superseded("the document has changed, and was asked anew")))  # type: ignore[index]
            del self._items[index]
        return refused

    def _merge(self, message: Message) -> None:
        """Takes what stands right behind a change and changes the same document into it."""
        uri = document_of(message)
        changes = _changes(message)
        while self._items and changes is not None:
            following = self._items[0]
            if not isinstance(following, dict) or following.get("method") != DID_CHANGE or uri is None:
                return
            more = _changes(following)
            if document_of(following) != uri or more is None:
                return
            self._items.popleft()
            changes.extend(more)
            message["params"]["textDocument"] = following["params"]["textDocument"]


def document_of(message: Message) -> str | None:
    """The URI of the document that a message is about."""
    params = message.get("params")
    document = params.get("textDocument") if isinstance(params, dict) else None
    uri = document.get("uri") if isinstance(document, dict) else None
    return uri if isinstance(uri, str) else None


def _changes(message: Message) -> list[Any] | None:
    params = message.get("params")
    changes = params.get("contentChanges") if isinstance(params, dict) else None
    return changes if isinstance(changes, list) else None
