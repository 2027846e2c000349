"""Formatting of a document or a part of it, where the project has a program for it; else there is no such method.

A client that can is told of it after `initialized`, for the languages that have a program; any other at `initialize`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.protocol.failures import Superseded
from llmspell_lsp.protocol.methods import Later, Method
from llmspell_lsp.protocol.params import document_uri
from llmspell_lsp.protocol.session import Session, Silent
from llmspell_lsp.workspace.programs import above, formatter

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Language
    from llmspell_lsp.protocol.client import Client
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.snapshot import Snapshot

_LANGUAGES: Final[tuple[Language, ...]] = ("lua", "javascript")


def formatting(session: Session, params: dict[str, Any]) -> Later:
    return _format(session, session.snapshot(document_uri(params)), None)


def range_formatting(session: Session, params: dict[str, Any]) -> Later:
    from llmspell_lsp.syntax.nodes import Span

    snapshot, span = session.span(params)
    return _format(session, snapshot, Span(*span))


def _format(session: Session, snapshot: Snapshot, within: Span | None) -> Later:
    """The program runs in a thread; if the text changes meanwhile, its answer is about another."""
    from llmspell_lsp.features.formatting import Refused, edits, run

    document = snapshot.document
    path = snapshot.path
    folders = above(path) if path is not None else [*session.folders]
    using = formatter(document.language, folders)
    if using is None:
        raise Silent(document.uri)
    revision, lines = document.revision, [*document.lines]
    later = Later()
    name = path or f"{folders[0] if folders else ''}/untitled.{'lua' if document.language == 'lua' else 'js'}"

    def told(formatted: str | None, problem: str) -> None:
        if document.revision != revision:
            later.refuse(Superseded("the document has changed meanwhile"))
        elif formatted is None:
            session.say("warning", problem)
            later.answer(None)
        else:
            found = edits(document.lines, formatted, document.line_end)
            later.answer([{"range": session.range(snapshot, each.span), "newText": each.text} for each in found])

    def work() -> None:
        formatted, problem = None, ""
        try:
            formatted = run(using, lines, name, within)
        except Refused as error:
            problem = str(error)
        session.inbox.post(lambda: told(formatted, problem))

    threading.Thread(target=work, name="formatter", daemon=True).start()
    return later


def _registers(client: Client) -> bool:
    return client.registers("textDocument.formatting")


def _wanted(client: Client) -> bool:
    return not _registers(client) and any(formatter(language, client.folders) for language in _LANGUAGES)


METHODS: Final = (
    Method("textDocument/formatting", formatting, wanted=_wanted),
    Method("textDocument/rangeFormatting", range_formatting, wanted=_wanted),
)


def registrations(session: Session) -> list[dict[str, Any]]:
    """What to tell a client that can be told later: the methods, for the languages that have a program."""
    if not _registers(session.client):
        return []
    languages = [language for language in _LANGUAGES if formatter(language, session.folders) is not None]
    if not languages:
        return []
    session.methods.update({method.name: method for method in METHODS})
    options = {"documentSelector": [{"language": language} for language in languages]}
    return [{"id": f"llmspell:{method.name}", "method": method.name, "registerOptions": options} for method in METHODS]
