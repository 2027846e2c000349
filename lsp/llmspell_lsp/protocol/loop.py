"""The loop of the main thread: an item of the inbox, then the checks that are due. Knows neither greeting nor pygls."""

from __future__ import annotations

from collections.abc import Callable

from llmspell_lsp.protocol.dispatch import Dispatch
from llmspell_lsp.protocol.session import Session


def run(session: Session, dispatch: Dispatch, until: Callable[[], bool] = lambda: False) -> None:
    """Serves until the session has ended, or until `until` says so between two items."""
    inbox = session.inbox
    while session.exit_code is None and not until():
        item = inbox.take(_wait(session))
        if item is not None:
            session.idle.busy()
        if item is None:
            if inbox.closed and not inbox.has_waiting():
                # The client has gone without a word; after `shutdown` that is as good as `exit`.
                session.exit_code = 0 if session.state == "shutdown" else 1
                return
        elif callable(item):
            _guarded(session, item)
        else:
            dispatch.take(item)
        if session.diagnosis is not None and not inbox.has_waiting():
            _guarded(session, session.diagnosis.work)
            if session.diagnosis.is_settled() and not inbox.has_waiting():
                session.idle.work()


def _wait(session: Session) -> float | None:
    """Seconds until there is something to do of our own."""
    if session.diagnosis is None:
        return None
    waits = session.diagnosis.wait(), session.idle.wait() if session.diagnosis.is_settled() else None
    return min((wait for wait in waits if wait is not None), default=None)


def _guarded(session: Session, task: Callable[[], None]) -> None:
    try:
        task()
    except Exception as error:
        session.log.failure(f"a task of the loop failed: {type(error).__name__}: {error}", error)
