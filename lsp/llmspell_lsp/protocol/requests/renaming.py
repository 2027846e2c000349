"""Other names: of what stands at a place, and of files that are imported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.protocol import params as reading
from llmspell_lsp.protocol.failures import Refused
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.requests.navigation import range_in, script
from llmspell_lsp.protocol.session import Session

if TYPE_CHECKING:
    from llmspell_lsp.features.renaming import FileEdits

Params = dict[str, Any]

#: Edits of files that the person does not look at are shown before they are made, where the client can.
_ELSEWHERE: Final = "elsewhere"


def prepare(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.renaming import CannotRename, renameable

    snapshot, line, column = script(session, params)
    try:
        found = renameable(snapshot, line, column)
    except CannotRename as error:
        raise Refused(str(error)) from error
    if found is None:
        return None
    return {"range": session.range(snapshot, found.span), "placeholder": found.name}


def rename(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.renaming import CannotRename, rename

    snapshot, line, column = script(session, params)
    new = reading.member(params, "newName", str)
    try:
        found = rename(snapshot, line, column, new)
    except CannotRename as error:
        raise Refused(str(error)) from error
    if found is None:
        return None
    return workspace_edit(session, found, snapshot.document.uri)


def will_rename_files(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.moving import moved

    files = reading.member(params, "files", list)
    found: list[FileEdits] = []
    for each in files:
        old = reading.member(each, "oldUri", str, "params.files[]")
        new = reading.member(each, "newUri", str, "params.files[]")
        found += moved(session.project, old, new)
    return workspace_edit(session, found, None) if found else None


def workspace_edit(session: Session, changes: Iterable[FileEdits], here: str | None) -> dict[str, Any]:
    """A WorkspaceEdit as the client can take it: with versions, and notes at edits of other files than `here`."""
    client = session.client
    if not client.has("workspace.workspaceEdit.documentChanges"):
        made: dict[str, list[dict[str, Any]]] = {}
        for each in changes:
            made.setdefault(each.document.uri, []).extend(_edits(session, each))
        return {"changes": made}
    noted = isinstance(client.get("workspace.workspaceEdit.changeAnnotationSupport"), dict) and here is not None
    documents: list[dict[str, Any]] = []
    marked = False
    for each in changes:
        edits = _edits(session, each)
        if noted and each.document.uri != here:
            marked = True
            edits = [{**edit, "annotationId": _ELSEWHERE} for edit in edits]
        version = each.document.version if session.find(each.document.uri) is each.document else None
        documents.append({"textDocument": {"uri": each.document.uri, "version": version}, "edits": edits})
    result: dict[str, Any] = {"documentChanges": documents}
    if marked:
        note = {"label": "In other files", "description": "The same name in other files of the project."}
        result["changeAnnotations"] = {_ELSEWHERE: note}
    return result


def _edits(session: Session, changed: FileEdits) -> list[dict[str, Any]]:
    lines = changed.document.lines
    return [{"range": range_in(session, lines, span), "newText": text} for span, text in changed.edits]


_SCRIPTS: Final = [
    {"scheme": "file", "pattern": {"glob": "**/*.{lua,js,mjs}", "matches": "file"}},
    {"scheme": "file", "pattern": {"glob": "**", "matches": "folder"}},
]

FEATURES: Final = ("renaming", "moving")

METHODS: Final = (
    Method("textDocument/prepareRename", prepare),
    Method("textDocument/rename", rename),
    Method("workspace/willRenameFiles", will_rename_files, options={"filters": _SCRIPTS}),
)
