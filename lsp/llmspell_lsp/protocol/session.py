"""One client's session: its documents, what it can do, and how it is spoken to. Everything here is the loop's thread's.

Handlers get it as their first argument. Of the protocol they need `place` and `range`, for positions, and `snapshot`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from llmspell_lsp.checks.compile import Compiler
from llmspell_lsp.documents.document import Document, Language
from llmspell_lsp.protocol import params as reading
from llmspell_lsp.protocol import positions
from llmspell_lsp.protocol.client import Client
from llmspell_lsp.protocol.failures import Refused, error_object
from llmspell_lsp.protocol.idle import Idle
from llmspell_lsp.protocol.inbox import Inbox, Message
from llmspell_lsp.protocol.live import Live
from llmspell_lsp.protocol.log import Log
from llmspell_lsp.protocol.methods import Command, Encoded, Later, Method
from llmspell_lsp.protocol.stream import Stream
from llmspell_lsp.protocol.uris import normal, path_of
from llmspell_lsp.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from llmspell_lsp.protocol.diagnosis import Diagnosis
    from llmspell_lsp.workspace.project import Project

#: Without the spaces, which a client does not read. ASCII: a lone surrogate in a text must not become a broken byte.
encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

MessageLevel = Literal["error", "warning", "info", "log"]
_LEVELS: Final = {"error": 1, "warning": 2, "info": 3, "log": 4}

_BY_SUFFIX: Final[dict[str, Language]] = {".lua": "lua", ".js": "javascript", ".mjs": "javascript"}
_BY_NAME: Final[dict[str, Language]] = {"llmspell.toml": "toml", "replies.json": "json"}

Reply = Callable[[Any, Any], None]


class Silent(Exception):
    """There is nothing to say: the answer is null. For documents that are not open, or none of ours."""


class Session:
    def __init__(self, stream: Stream, log: Log, methods: Sequence[Method], commands: Sequence[Command]) -> None:
        self.stream = stream
        self.log = log
        self.methods = {method.name: method for method in methods}
        self.commands = {command.name: command for command in commands}
        self.inbox = Inbox(self.refuse, frozenset(method.name for method in methods if method.newest))
        self.compiler = Compiler(log.warning)
        self.client = Client({})
        self.initialization: Message | None = None
        self.state: Literal["new", "running", "shutdown"] = "new"
        self.exit_code: int | None = None
        self.documents: dict[str, Document] = {}
        """By normal URI."""
        self.folders: list[str] = []
        self.configuration: dict[str, Any] = {}
        self.later: dict[Any, Later] = {}
        self.trace = "off"
        self.diagnosis: Diagnosis | None = None
        self.idle = Idle(log.failure)
        self.live = Live(self)
        self.idle.add(self.live)
        self.watch_client: Callable[[int], None] = lambda _process: None
        """Ends the session when that process does."""
        self.when_files_change: list[Callable[[list[str]], None]] = []
        self.kept: dict[object, object] = {}
        """What families of requests keep for the session, each under a key of its own."""
        self._replies: dict[str, Reply] = {}
        self._asked = 0

    @property
    def checking(self) -> Diagnosis:
        """There once the session is initialized."""
        if self.diagnosis is None:
            raise Silent("before initialize")
        return self.diagnosis

    def files_changed(self, paths: list[str]) -> None:
        """Files that are not open, or not only, have changed on the disc."""
        self.project.files_changed(paths)
        for listener in self.when_files_change:
            listener(paths)
        self.checking.recheck()

    @cached_property
    def project(self) -> Project:
        """The files around the documents; there from the first document on."""
        from llmspell_lsp.workspace.project import Project  # 3 ms, which `initialize` need not wait for

        made = Project(self.documents, lambda: self.folders, self._names_changed)
        self.idle.add(made)
        return made

    def _names_changed(self) -> None:
        """Other files name other things than before."""
        if self.diagnosis is not None:
            self.diagnosis.recheck()

    # -- documents -----------------------------------------------------------------------------------------------

    def find(self, uri: str) -> Document | None:
        """An open document, however its URI is spelt. Its own `uri` is as the client wrote it at `didOpen`."""
        return self.documents.get(normal(uri))

    def document(self, uri: str) -> Document:
        """Raises Silent."""
        found = self.find(uri)
        if found is None:
            raise Silent(uri)
        return found

    def snapshot(self, uri: str) -> Snapshot:
        """What features work on. Raises Silent."""
        return self.snapshot_of(self.document(uri))

    def snapshot_of(self, document: Document) -> Snapshot:
        """Also of a document that is not open."""
        return Snapshot(document, path_of(document.uri), self.folders, self.project, self.live.board)

    def place(self, params: dict[str, Any]) -> tuple[Snapshot, int, int]:
        """Document and position of `TextDocumentPositionParams`, in code points. Raises Silent, InvalidParams."""
        uri = reading.document_uri(params)
        line, units = reading.position(params)
        snapshot = self.snapshot(uri)
        return snapshot, *positions.place(snapshot.document.lines, line, units, self.client.encoding)

    def span(self, params: dict[str, Any], name: str = "range") -> tuple[Snapshot, tuple[int, int, int, int]]:
        """Document and range of params that have both, in code points. Raises Silent, InvalidParams."""
        uri = reading.document_uri(params)
        line, units, end_line, end_units = reading.span(params, name)
        snapshot = self.snapshot(uri)
        lines, encoding = snapshot.document.lines, self.client.encoding
        start = positions.place(lines, line, units, encoding)
        return snapshot, (*start, *positions.place(lines, end_line, end_units, encoding))

    def range(self, snapshot: Snapshot, span: Sequence[int]) -> dict[str, Any]:
        """A span of ours (line, column, end line, end column) as the protocol's Range."""
        return positions.range_of(snapshot.document.lines, span, self.client.encoding)

    # -- to the client -------------------------------------------------------------------------------------------

    def answer(self, id_: Any, result: Any) -> None:
        """Any thread may."""
        body = bytes(result) if isinstance(result, Encoded) else encode(result).encode()
        self.stream.send(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (encode(id_).encode(), body))

    def refuse(self, id_: Any, error: Refused) -> None:
        """Any thread may."""
        self.stream.send(encode({"jsonrpc": "2.0", "id": id_, "error": error_object(error)}).encode())

    def notify(self, method: str, params: Any) -> None:
        self.stream.send(encode({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def ask(self, method: str, params: Any, reply: Reply | None = None) -> None:
        """A request to the client. reply: gets (result, error), one of them None, in the loop's thread."""
        self._asked += 1
        id_ = f"llmspell-{self._asked}"
        if reply is not None:
            self._replies[id_] = reply
        self.stream.send(encode({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode())

    def replied(self, message: Message) -> bool:
        """Hands an answer of the client to who asked. False: none of ours."""
        id_ = message["id"]
        if not isinstance(id_, str) or not id_.startswith("llmspell-"):
            return False
        reply = self._replies.pop(id_, None)
        if message.get("error") is not None:
            self.log.info(f"the client refused {id_}: {message['error']!r}")
        if reply is not None:
            reply(message.get("result"), message.get("error"))
        return True

    def say(self, level: MessageLevel, text: str) -> None:
        """A line in the client's own log of us."""
        self.notify("window/logMessage", {"type": _LEVELS[level], "message": text})

    def show(self, level: MessageLevel, text: str) -> None:
        """A line before the person's eyes. For what they must know and nothing else."""
        self.notify("window/showMessage", {"type": _LEVELS[level], "message": text})


def language_of(uri: str, said: object) -> Language | None:
    """The language of a document by its name, else by what the client calls it; None: none of ours."""
    path = path_of(uri) or uri
    name = os.path.basename(path)  # noqa: PTH119  pathlib is slower, and this is no file
    by_name = _BY_NAME.get(name) or _BY_SUFFIX.get(os.path.splitext(name)[1].lower())  # noqa: PTH122
    if by_name is not None:
        return by_name
    return "lua" if said == "lua" else "javascript" if said == "javascript" else None
