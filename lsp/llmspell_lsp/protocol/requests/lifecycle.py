"""The session's beginning and end."""

from __future__ import annotations

from typing import Any, Final

from llmspell.version import VERSION
from llmspell_lsp.protocol import capabilities
from llmspell_lsp.protocol.client import Client
from llmspell_lsp.protocol.diagnosis import Diagnosis
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.params import member
from llmspell_lsp.protocol.requests.workspace import register
from llmspell_lsp.protocol.session import Session

NAME: Final = "llmspell"


def initialize(session: Session, params: dict[str, Any]) -> Any:
    member(params, "capabilities", dict)
    client = session.client = Client(params)
    session.initialization = params
    session.folders = client.folders
    session.methods = {
        name: method for name, method in session.methods.items() if method.wanted is None or method.wanted(client)
    }
    session.trace = str(params.get("trace") or "off")
    session.diagnosis = Diagnosis(session)
    session.state = "running"
    if client.process is not None:
        session.watch_client(client.process)
    session.log.info(f"client {client.name!r}, {client.encoding}, folders {client.folders}")
    return {
        "capabilities": capabilities.build(client, session.methods, list(session.commands)),
        "serverInfo": {"name": NAME, "version": VERSION},
    }


def initialized(session: Session, _params: dict[str, Any]) -> None:
    register(session)


def shutdown(session: Session, _params: dict[str, Any]) -> None:
    session.state = "shutdown"
    for later in list(session.later.values()):
        later.answer(None)


def leave(session: Session, _params: dict[str, Any]) -> None:
    session.exit_code = 0 if session.state == "shutdown" else 1


def set_trace(session: Session, params: dict[str, Any]) -> None:
    session.trace = member(params, "value", str)


METHODS: Final = (
    Method("initialize", initialize),
    Method("initialized", initialized),
    Method("shutdown", shutdown),
    Method("exit", leave),
    Method("$/setTrace", set_trace),
)
