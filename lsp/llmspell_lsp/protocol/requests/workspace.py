"""The editor's folders, files and settings, and what we ask to be told about them."""

from __future__ import annotations

from typing import Any, Final

from llmspell_lsp.protocol.client import folder_paths
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.params import member
from llmspell_lsp.protocol.requests import formatting
from llmspell_lsp.protocol.session import Session
from llmspell_lsp.protocol.uris import path_of

#: Files whose change may change what is said of others.
WATCHED: Final = ("**/*.lua", "**/*.js", "**/*.mjs", "**/llmspell.toml", "**/replies.json")

_SECTION: Final = "llmspell"


def register(session: Session) -> None:
    """After `initialized`: asks the client to watch files, to tell of settings, and for those there are."""
    client = session.client
    registrations: list[dict[str, Any]] = []
    if client.registers("workspace.didChangeWatchedFiles"):
        watchers = [{"globPattern": pattern} for pattern in WATCHED]
        registrations.append(_registration("workspace/didChangeWatchedFiles", {"watchers": watchers}))
    if client.registers("workspace.didChangeConfiguration"):
        registrations.append(_registration("workspace/didChangeConfiguration", {"section": _SECTION}))
    registrations += formatting.registrations(session)
    if registrations:
        session.ask("client/registerCapability", {"registrations": registrations})
    _ask_configuration(session)


def _registration(method: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"llmspell:{method}", "method": method, "registerOptions": options}


def _ask_configuration(session: Session) -> bool:
    if not session.client.has("workspace.configuration"):
        return False

    def told(result: Any, _error: Any) -> None:
        if isinstance(result, list) and result and isinstance(result[0], dict):
            _configure(session, result[0])

    session.ask("workspace/configuration", {"items": [{"section": _SECTION}]}, told)
    return True


def _configure(session: Session, settings: dict[str, Any]) -> None:
    if settings != session.configuration:
        session.configuration = settings
        session.checking.recheck()


def did_change_configuration(session: Session, params: dict[str, Any]) -> None:
    """Clients that answer `workspace/configuration` often send null here: they want to be asked."""
    settings = params.get("settings")
    own = settings.get(_SECTION, settings) if isinstance(settings, dict) else None
    if not _ask_configuration(session) and isinstance(own, dict):
        _configure(session, own)


def did_change_watched_files(session: Session, params: dict[str, Any]) -> None:
    changes = member(params, "changes", list)
    uris = [change.get("uri") for change in changes if isinstance(change, dict)]
    paths = [path for uri in uris if isinstance(uri, str) and (path := path_of(uri)) is not None]
    if paths:
        session.files_changed(paths)


def did_change_folders(session: Session, params: dict[str, Any]) -> None:
    event = member(params, "event", dict)
    removed = folder_paths(event.get("removed") or [])
    added = [path for path in folder_paths(event.get("added") or []) if path not in session.folders]
    session.folders = [path for path in session.folders if path not in removed] + added
    session.project.folders_changed()
    session.checking.recheck()


METHODS: Final = (
    Method("workspace/didChangeConfiguration", did_change_configuration),
    Method("workspace/didChangeWatchedFiles", did_change_watched_files),
    Method("workspace/didChangeWorkspaceFolders", did_change_folders),
)
