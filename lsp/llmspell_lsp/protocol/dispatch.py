"""One message to its handler, and what becomes of it: an answer, an error, a line in the log. Never raises.

Holds the protocol's rules of life: what may be asked before `initialize` and after `shutdown`. What only pygls serves
(`COLD`) waits in `Dispatch.parked` until it is imported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from llmspell_lsp.protocol.failures import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NOT_INITIALIZED,
    Cancelled,
    InvalidParams,
    Refused,
)
from llmspell_lsp.protocol.inbox import Message
from llmspell_lsp.protocol.methods import Later
from llmspell_lsp.protocol.session import Session, Silent

#: Served by pygls.
COLD: Final = frozenset({"workspace/executeCommand"})

#: What a wrong parameter may look like inside a handler; pygls then says whether it was one.
_DOUBTFUL: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class _NotInitialized(Refused):
    code = NOT_INITIALIZED


class _InvalidRequest(Refused):
    code = INVALID_REQUEST


class _NotFound(Refused):
    code = METHOD_NOT_FOUND


class _Defect(Refused):
    code = INTERNAL_ERROR


class Dispatch:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.parked: list[Message] = []
        """Cold messages, in order, that came before pygls."""
        self.cold: Callable[[Message], None] | None = None
        """pygls, once it is there."""
        self.judge: Callable[[Message], str | None] | None = None
        """What lsprotocol finds wrong in a message, once it is there."""

    def take(self, message: Message) -> None:
        """Carries out one message."""
        begin = time.perf_counter()
        if "method" not in message:
            if not self._session.replied(message) and self.cold is not None:
                self.cold(message)
        elif message.get("id") is not None:
            self._request(message)
        else:
            self._notification(message)
        session = self._session
        if session.trace != "off" and "method" in message and session.state == "running":
            took = (time.perf_counter() - begin) * 1000
            session.notify("$/logTrace", {"message": f"{message['method']}: {took:.1f} ms"})

    # -- requests ------------------------------------------------------------------------------------------------

    def _request(self, message: Message) -> None:
        session, id_, name = self._session, message["id"], message["method"]
        try:
            self._allow(name)
            if name in COLD:
                self._to_pygls(message)
                return
            method = session.methods.get(name)
            if method is None:
                raise _NotFound(f"there is no method {name!r}")
            result = method.handler(session, _params(message))
            if isinstance(result, Later):
                session.later[id_] = result
                result.deliver_to(lambda outcome, error: self._deliver(message, outcome, error))
                return
            session.answer(id_, result)
        except Silent:
            session.answer(id_, None)
        except Refused as error:
            session.refuse(id_, error)
        except Exception as error:
            session.refuse(id_, self._blame(message, error))

    def _deliver(self, message: Message, outcome: Any, error: Exception | None) -> None:
        session, id_ = self._session, message["id"]
        session.later.pop(id_, None)
        if isinstance(error, Silent):
            session.answer(id_, None)
        elif error is not None:
            session.refuse(id_, error if isinstance(error, Refused) else self._blame(message, error))
        else:
            session.answer(id_, outcome)

    def _allow(self, name: str) -> None:
        state = self._session.state
        if state == "new" and name != "initialize":
            raise _NotInitialized(f"{name!r} came before 'initialize'")
        if state != "new" and name == "initialize":
            raise _InvalidRequest("'initialize' came twice")
        if state == "shutdown":
            raise _InvalidRequest(f"{name!r} came after 'shutdown'")

    def _blame(self, message: Message, error: Exception) -> Refused:
        """Whose fault a failure is: the client's parameters, or ours."""
        name = message["method"]
        wrong = self.judge(message) if self.judge is not None and isinstance(error, _DOUBTFUL) else None
        if wrong is not None:
            return InvalidParams(wrong)
        text = f"{name} failed: {type(error).__name__}: {error}"
        self._session.log.failure(text, error)
        self._session.say("error", text)
        return _Defect(text)

    # -- notifications -------------------------------------------------------------------------------------------

    def _notification(self, message: Message) -> None:
        session, name = self._session, message["method"]
        if name == "$/cancelRequest":
            self._cancel(message)
            return
        if name != "exit" and session.state != "running":
            return
        if name in COLD:
            self._to_pygls(message)
            return
        method = session.methods.get(name)
        if method is None:
            if not name.startswith("$/"):
                session.log.info(f"no handler for the notification {name!r}")
            return
        try:
            method.handler(session, _params(message))
        except Silent:
            return
        except Refused as error:
            session.log.warning(f"{name}: {error}")
        except Exception as error:
            self._blame(message, error)

    def _cancel(self, message: Message) -> None:
        later = self._session.later.get(message["params"]["id"])
        if later is not None:
            later.refuse(Cancelled("cancelled by the client"))

    def _to_pygls(self, message: Message) -> None:
        if self.cold is None:
            self.parked.append(message)
        else:
            self.cold(message)


def _params(message: Message) -> dict[str, Any]:
    params = message.get("params")
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise InvalidParams(f"params must be an object, not {type(params).__name__}")
    return params
