"""The pygls server: it takes the stream over from the greeting, with every method and command registered.

Its protocol class leaves the messages that have a handler of ours to `dispatch`, as plain JSON: structuring one by
cattrs takes longer than answering it. What pygls alone knows it serves itself (`dispatch.COLD`), and its types judge
whether a request that failed had wrong parameters. Importing this module costs 0.5 s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from cattrs import Converter
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.lsp import get_method_options_type
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import RPCMessage

from llmspell.version import VERSION
from llmspell_lsp.protocol import loop
from llmspell_lsp.protocol.dispatch import Dispatch
from llmspell_lsp.protocol.inbox import Message
from llmspell_lsp.protocol.log import Log
from llmspell_lsp.protocol.methods import Command
from llmspell_lsp.protocol.session import Session

#: Served before pygls is there: it is told of them by replaying `initialize`, or needs not know.
_OWN_LIFE = frozenset({"initialize", "initialized", "shutdown", "exit", "$/setTrace"})


class SpellProtocol(LanguageServerProtocol):
    """pygls's protocol, fed with messages as plain JSON."""

    def take(self, message: Message) -> None:
        """A message that pygls serves. Raises nothing: what fails is answered."""
        try:
            self.handle_message(cast("RPCMessage", self.structure_message(message)))
        except Exception as error:  # pygls answers what fails in handlers; this is a message of a wrong shape
            if "id" in message and "method" in message:
                refusal = types.ResponseError(types.ErrorCodes.InvalidParams, f"wrong parameters: {error}")
                self._send_response(message["id"], error=refusal)

    @property
    def converter(self) -> Converter:
        return self._converter


class SpellServer(LanguageServer):
    def __init__(self, session: Session, dispatch: Dispatch) -> None:
        """Is ready at once: the client's `initialize` has been replayed."""
        super().__init__("llmspell", VERSION, protocol_cls=SpellProtocol)
        self.spells = cast(SpellProtocol, self.protocol)
        self._session = session
        self._dispatch = dispatch
        self._log = _Bridge(session.log)
        logging.getLogger("pygls").addHandler(self._log)
        self._register()
        self._replay()

    def serve(self) -> None:
        """Serves until the session ends."""
        self._dispatch.cold = self.spells.take
        self._dispatch.judge = self.wrong
        while self._dispatch.parked:
            self.spells.take(self._dispatch.parked.pop(0))
        try:
            loop.run(self._session, self._dispatch)
        finally:
            logging.getLogger("pygls").removeHandler(self._log)
            self.shutdown()

    def wrong(self, message: Message) -> str | None:
        """What lsprotocol finds wrong in a message's parameters, None when they are right."""
        expected = self.spells.get_message_type(message["method"])
        if expected is None:
            return None
        try:
            self.spells.converter.structure(message, expected)
        except (BaseValidationError, ExceptionGroup, TypeError, ValueError, KeyError, AttributeError) as error:
            return f"the parameters of {message['method']} are not what the protocol says: {_deepest(error)}"
        return None

    def _register(self) -> None:
        """Every method as a feature of pygls: what it says of its capabilities is then what we said."""
        for method in self._session.methods.values():
            if method.name in _OWN_LIFE:
                continue
            handler = partial(_handle, self._session, self._dispatch, method.name)
            self.feature(method.name, options_of(self.spells.converter, method.name, method.options))(handler)
        for command in self._session.commands.values():
            self.command(command.name)(_carrier(self._session, command))

    def _replay(self) -> None:
        self.spells.set_writer(_Nowhere())
        params = self._session.initialization or {"capabilities": {}}
        self.spells.take({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        self.spells.set_writer(_Onward(self._session), include_headers=False)


def options_of(converter: Converter, method: str, options: Any) -> Any:
    """Options of ours as the lsprotocol type that pygls wants for this method."""
    if not options:
        return None
    if method.startswith("textDocument/semanticTokens/"):
        return converter.structure(options, types.SemanticTokensLegend)
    kind: Any = get_method_options_type(method)
    return options if kind is None else converter.structure(options, kind)


def _handle(session: Session, dispatch: Dispatch, method: str, params: Any) -> None:
    """A message that pygls was given although it is ours goes the way of all others."""
    dispatch.take({"method": method, "params": params})


def _carrier(session: Session, command: Command) -> Callable[..., Any]:
    """pygls looks into a `partial` and would structure the session, too."""

    def carry_out(*arguments: Any) -> Any:
        return command.handler(session, *arguments)

    return carry_out


def _deepest(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


class _Nowhere:
    def write(self, data: bytes) -> None:
        """Drops it: the client has had its answer to `initialize`."""

    def close(self) -> None: ...


class _Onward:
    """pygls writes what the session sends."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def write(self, data: bytes) -> None:
        self._session.stream.send(data)

    def close(self) -> None: ...


class _Bridge(logging.Handler):
    """pygls's warnings in the server's log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._own = log

    def emit(self, record: logging.LogRecord) -> None:
        self._own.warning(f"{record.name}: {record.getMessage()}")
