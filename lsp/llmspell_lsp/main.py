"""The server as a program: one client on standard streams, or clients one after another on a TCP port."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from llmspell_lsp.protocol import greeting, requests
from llmspell_lsp.protocol.dispatch import Dispatch
from llmspell_lsp.protocol.garbage import Garbage
from llmspell_lsp.protocol.log import Log
from llmspell_lsp.protocol.methods import Command, Method
from llmspell_lsp.protocol.session import Session
from llmspell_lsp.protocol.stream import Stream

if TYPE_CHECKING:
    import socket

#: How requests of HTTP begin.
_HTTP: Final = frozenset({b"GET ", b"POST", b"PUT ", b"HEAD", b"OPTI", b"DELE", b"PATC", b"CONN", b"TRAC", b"PRI "})


def serve_stdio(log_path: str | None = None) -> int:
    """Serves the client on standard input and output; gives the exit code the protocol wants."""
    _end_on_terminate()
    return serve_stream(Stream.standard(), Log(log_path), alone=True)


def serve_tcp(host: str, port: int, log_path: str | None = None) -> int:
    """Serves clients one after the other until the process is ended. Port 0: any free one; standard error says which.

    Raises OSError when the port cannot be had.
    """
    import socket  # 2 ms, not for standard streams

    _end_on_terminate()
    log = Log(log_path)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        print(f"llmspell lsp: listening on {host}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
        while True:
            connection, _ = listener.accept()
            if _is_browser(connection):
                log.warning("a client that speaks HTTP was sent away")
                connection.close()
                continue
            serve_stream(Stream.of_socket(connection), log, alone=True)


def _is_browser(connection: socket.socket) -> bool:
    """Whether a client begins with a method of HTTP: a page of any site can make a browser send one to this machine,
    with a body that would pass for messages."""
    import socket

    try:
        return connection.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL) in _HTTP
    except OSError:
        return False


def serve_stream(
    stream: Stream,
    log: Log,
    methods: Sequence[Method] = (),
    commands: Sequence[Command] = (),
    *,
    alone: bool = False,
) -> int:
    """Serves one client; gives the exit code. methods, commands: beside those of `requests`. alone: the process does
    nothing else."""
    session = Session(stream, log, [*requests.methods(), *methods], [*requests.commands(), *commands])
    if alone:
        session.idle.add(Garbage(lambda: len(session.documents)))
    session.watch_client = lambda process: _watch(process, session)
    try:
        session.compiler.start()
        stream.read_into(session.inbox, log)
        greeting.serve(session, Dispatch(session))
    finally:
        session.live.close()
        session.compiler.close()
        stream.close()
    return session.exit_code or 0


def _watch(process: int, session: Session) -> None:
    """Closes the inbox when the client's process ends, in case its end of the stream outlives it."""
    try:
        descriptor = os.pidfd_open(process)
    except (OSError, AttributeError) as error:
        # In another namespace (a container, a remote host) the number means nothing here.
        session.log.info(f"the client's process {process} cannot be watched: {error}")
        return

    def wait() -> None:
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
        finally:
            os.close(descriptor)
        session.log.info(f"the client's process {process} has ended")
        session.inbox.close()

    threading.Thread(target=wait, name="client", daemon=True).start()


def _end_on_terminate() -> None:
    def end(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
