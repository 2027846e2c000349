"""The first second: answers and diagnostics while the features, and pygls, half a second of imports, are still to come.

The features are imported in a thread when the first diagnostics are out, or nothing has been opened for a moment; pygls
when then the client is silent, since who types meanwhile would wait for half of it. Then the pygls server is made, is
given the `initialize` that was answered here, and takes the stream over. If pygls cannot be imported, the loop here
simply goes on: only what is `dispatch.COLD` is then refused.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from llmspell_lsp.protocol import loop, requests
from llmspell_lsp.protocol.dispatch import Dispatch
from llmspell_lsp.protocol.failures import Cancelled
from llmspell_lsp.protocol.session import Session

if TYPE_CHECKING:
    from llmspell_lsp.protocol.server import SpellServer

#: Seconds after `initialize` when the import begins although no document has been opened.
_IDLE: Final = 1.5
#: Seconds without a message after which pygls is imported, and after which it is whatever comes.
_SILENCE: Final = 0.6
_LATEST: Final = 30.0
#: Seconds a thread may hold the interpreter while another waits: with the usual 5 ms a key pressed during the import
#: would wait that long at each step.
_SWITCH: Final = 0.0005


class _Import:
    """pygls, imported aside."""

    def __init__(self, session: Session, dispatch: Dispatch) -> None:
        self._session = session
        self._dispatch = dispatch
        self._begun = False
        self._idle: threading.Timer | None = None
        self._wanted = threading.Event()
        """Somebody waits for pygls, or nobody ever will."""
        self.server: SpellServer | None = None

    def look(self) -> bool:
        """Called between items: begins when it is time. True once the server is there."""
        if self._dispatch.parked:
            self._wanted.set()
        diagnosis = self._session.diagnosis
        if not self._begun and diagnosis is not None:
            if self._idle is None:
                self._idle = threading.Timer(_IDLE, self._session.inbox.post, [self.begin])
                self._idle.daemon = True
                self._idle.start()
            if self._dispatch.parked or (diagnosis.delivered and diagnosis.is_settled()):
                self.begin()
        return self.server is not None

    def begin(self) -> None:
        if not self._begun and self._session.exit_code is None:
            self._begun = True
            threading.Thread(target=self._import, name="pygls", daemon=True).start()

    def stop(self) -> None:
        self._wanted.set()
        if self._idle is not None:
            self._idle.cancel()

    def _import(self) -> None:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
        try:
            requests.warm()
        except Exception as error:
            self._session.log.failure(f"a feature cannot be imported: {error}", error)
        finally:
            sys.setswitchinterval(usual)
        self._await_silence()
        if self._session.exit_code is not None:
            return
        sys.setswitchinterval(_SWITCH)
        try:
            from llmspell_lsp.protocol.server import SpellServer  # 0.5 s: lsprotocol, attrs, cattrs, asyncio

            server = SpellServer(self._session, self._dispatch)
        except Exception as error:
            self._session.log.failure(f"pygls cannot be used, going on without: {error}", error)
            return
        finally:
            sys.setswitchinterval(usual)

        def arrive() -> None:
            self.server = server

        self._session.inbox.post(arrive)

    def _await_silence(self) -> None:
        latest = time.monotonic() + _LATEST
        while True:
            now = time.monotonic()
            left = min(self._session.idle.heard + _SILENCE, latest) - now
            if left <= 0 or self._wanted.wait(left):
                return


def serve(session: Session, dispatch: Dispatch) -> None:
    """Serves one client to its end: here, then through pygls."""
    importing = _Import(session, dispatch)
    try:
        loop.run(session, dispatch, importing.look)
        if importing.server is not None and session.exit_code is None:
            importing.server.serve()
    finally:
        importing.stop()
        for message in dispatch.parked:
            if message.get("id") is not None:
                session.refuse(message["id"], Cancelled("the session has ended"))
