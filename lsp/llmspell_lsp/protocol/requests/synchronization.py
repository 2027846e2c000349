"""Open documents follow what the client does to them, whatever it does.

A client that is wrong about a text (an edit outside of it, a change of a document that is not open, a text at saving
that is not ours) costs a line in the log: positions are clamped, and the text at saving is taken for the true one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from llmspell_lsp.documents.document import Document
from llmspell_lsp.protocol import positions
from llmspell_lsp.protocol.failures import InvalidParams
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.params import document_uri, member, span
from llmspell_lsp.protocol.session import Session, Silent, language_of
from llmspell_lsp.protocol.uris import normal, path_of

_LARGEST_FILE: Final = 32 * 1024 * 1024


def did_open(session: Session, params: dict[str, Any]) -> None:
    given = member(params, "textDocument", dict)
    uri = member(given, "uri", str, "params.textDocument")
    text = member(given, "text", str, "params.textDocument")
    version = given.get("version")
    language = language_of(uri, given.get("languageId"))
    old = session.documents.pop(normal(uri), None)
    if old is not None:
        session.log.warning(f"{uri} was opened while it was open")
        if old.uri != uri:
            session.checking.closed(old)
    if language is None:
        session.log.info(f"{uri} is none of ours: {given.get('languageId')!r}")
        return
    document = Document(uri, language, version if isinstance(version, int) else 0, text)
    if old is not None:
        document.revision = old.revision + 1
    session.documents[normal(uri)] = document
    session.project.opened(document)
    session.live.opened(document)
    session.checking.opened(document)


def did_change(session: Session, params: dict[str, Any]) -> None:
    uri = document_uri(params)
    changes = member(params, "contentChanges", list)
    version = params["textDocument"].get("version")
    document = session.find(uri)
    if document is None:
        document = _adopted(session, uri, changes)
    if isinstance(version, int):
        if version < document.version:
            session.log.warning(f"{uri}: version {version} came after {document.version}")
        document.version = version
    for change in _latest(changes):
        try:
            _apply(session, document, change)
        except InvalidParams as error:
            session.log.warning(f"{uri}: a change that cannot be read: {error}")
    session.project.edited(document)
    session.checking.changed(document)


def did_save(session: Session, params: dict[str, Any]) -> None:
    uri = document_uri(params)
    document = session.document(uri)
    session.project.files_changed([path] if (path := path_of(uri)) is not None else [])
    if not session.client.registers("workspace.didChangeWatchedFiles"):
        session.project.look_again()
    text = params.get("text")
    if isinstance(text, str) and text != document.text:
        session.log.warning(f"{uri}: the saved text was another than ours; it is taken over")
        document.replace(text)
        session.checking.changed(document)


def did_close(session: Session, params: dict[str, Any]) -> None:
    uri = document_uri(params)
    document = session.documents.pop(normal(uri), None)
    if document is not None:
        session.project.closed(document)
        session.live.closed(document)
        session.checking.closed(document)


def _latest(changes: list[Any]) -> list[Any]:
    """A change of the whole text makes those before it void."""
    for index in range(len(changes) - 1, -1, -1):
        if isinstance(changes[index], dict) and "range" not in changes[index]:
            return changes[index:]
    return changes


def _apply(session: Session, document: Document, change: Any) -> None:
    text = member(change, "text", str, "change")
    if change.get("range") is None:
        document.replace(text)
        return
    line, units, end_line, end_units = span(change, where="change")
    if max(line, end_line) > len(document.lines):
        last = len(document.lines)
        session.log.warning(f"{document.uri}: an edit in line {max(line, end_line) + 1} of a text of {last} lines")
    encoding = session.client.encoding
    start = positions.place(document.lines, line, units, encoding)
    end = positions.place(document.lines, end_line, end_units, encoding)
    document.edit(*start, *end, text)


def _adopted(session: Session, uri: str, changes: list[Any]) -> Document:
    """A document that the client changes without having opened it: from its whole text, or from its file. Raises
    Silent."""
    language = language_of(uri, None)
    whole = any(isinstance(change, dict) and "range" not in change for change in changes)
    path = path_of(uri)
    session.log.warning(f"{uri} was changed while it was not open")
    if language is None or (path is None and not whole):
        raise Silent(uri)
    text = "" if whole or path is None else _file_text(path)
    document = session.documents[normal(uri)] = Document(uri, language, 0, text)
    return document


def _file_text(path: str) -> str:
    file = Path(path)
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST_FILE:
            raise Silent(path)
        return file.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise Silent(path) from error


METHODS: Final = (
    Method("textDocument/didOpen", did_open),
    Method("textDocument/didChange", did_change),
    Method("textDocument/didSave", did_save, options={"includeText": True}),
    Method("textDocument/didClose", did_close),
)
