"""The menu at a place: quick fixes, refactorings, and everything certain mended at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.protocol import params as reading
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.session import Session, Silent

if TYPE_CHECKING:
    from llmspell_lsp.features.actions import Action, Change
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.snapshot import Snapshot

_KINDS: Final = ["quickfix", "refactor.extract", "source.fixAll.llmspell"]


def code_action(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    from llmspell_lsp.features.actions import FIX_ALL, actions, fix_all
    from llmspell_lsp.syntax.nodes import Span

    snapshot, span = session.span(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    only = _only(params)
    findings = session.checking.findings(snapshot)
    found: list[Action] = []
    if only is None or any(not FIX_ALL.startswith(f"{kind}.") and kind != FIX_ALL for kind in only):
        found += actions(snapshot, Span(*span), findings)
    everything = fix_all(snapshot, findings) if only is not None else None  # asked for by name: on save, mostly
    if everything is not None:
        found.append(everything)
    creates = _creates(session)
    shown = [each for each in found if _is_wanted(each.kind, only) and (creates or not each.creates)]
    return [item for each in shown if (item := _item(session, snapshot, each, params)) is not None]


def _only(params: dict[str, Any]) -> list[str] | None:
    context = params.get("context")
    only = context.get("only") if isinstance(context, dict) else None
    return [kind for kind in only if isinstance(kind, str)] if isinstance(only, list) else None


def _is_wanted(kind: str, only: list[str] | None) -> bool:
    return only is None or any(kind == each or kind.startswith(f"{each}.") or not each for each in only)


def _creates(session: Session) -> bool:
    """Whether the client can make files for us."""
    edit = "workspace.workspaceEdit"
    operations = session.client.get(f"{edit}.resourceOperations")
    return isinstance(operations, list) and "create" in operations and session.client.has(f"{edit}.documentChanges")


def _item(session: Session, snapshot: Snapshot, action: Action, params: dict[str, Any]) -> dict[str, Any] | None:
    item: dict[str, Any] = {"title": action.title, "kind": action.kind}
    if action.preferred:
        item["isPreferred"] = True
    if action.finding is not None and (told := list(_told(action, session, snapshot, params))):
        item["diagnostics"] = told
    properties = session.client.get("textDocument.codeAction.resolveSupport.properties")
    if (
        isinstance(properties, list)
        and "edit" in properties
        and session.client.has("textDocument.codeAction.dataSupport")
    ):
        return {**item, "data": [snapshot.document.uri, *action.recipe]}
    edit = _edit(session, snapshot, list(action.recipe))
    return None if edit is None else {**item, "edit": edit}


def _told(action: Action, session: Session, snapshot: Snapshot, params: dict[str, Any]) -> Iterator[Any]:
    """The diagnostics, as the client has them, that an action mends."""
    context = params.get("context")
    told = context.get("diagnostics") if isinstance(context, dict) else None
    if action.finding is None or not isinstance(told, list):
        return
    wanted = session.range(snapshot, action.finding.span)
    for each in told:
        if isinstance(each, dict) and each.get("code") == action.finding.code and each.get("range") == wanted:
            yield each


def resolve(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """The action with its edit; without one where the document is no more what it was."""
    reading.member(params, "title", str)
    match params.get("data"):
        case [str(uri), *recipe]:
            edit = _edit(session, session.snapshot(uri), recipe)
            return params if edit is None else {**params, "edit": edit}
        case _:
            return params


def _edit(session: Session, snapshot: Snapshot, recipe: list[Any]) -> dict[str, Any] | None:
    from llmspell_lsp.features.actions import change

    found = change(snapshot, recipe, session.checking.findings(snapshot))
    if found is None or (any(each.span is None for each in found.files) and not _creates(session)):
        return None
    return _workspace_edit(session, snapshot, found)


def _workspace_edit(session: Session, snapshot: Snapshot, found: Change) -> dict[str, Any]:
    uri, version = snapshot.document.uri, snapshot.document.version
    edits = [{"range": session.range(snapshot, edit.span), "newText": edit.text} for edit in found.edits]
    new = [each for each in found.files if each.span is None]
    if not session.client.has("workspace.workspaceEdit.documentChanges"):
        changes = {uri: edits} if edits else {}
        for each in found.files:
            changes[uri_of(each.path)] = [{"range": _range(each.span), "newText": each.text}]
        return {"changes": changes}
    parts: list[dict[str, Any]] = [{"kind": "create", "uri": uri_of(each.path)} for each in new]
    for each in found.files:
        edit = {"range": _range(each.span), "newText": each.text}
        parts.append({"textDocument": {"uri": uri_of(each.path), "version": None}, "edits": [edit]})
    if edits:
        parts.append({"textDocument": {"uri": uri, "version": version}, "edits": edits})
    return {"documentChanges": parts}


def _range(span: Span | None) -> dict[str, Any]:
    """In a file that is none of the session's; of a new one its beginning."""
    line, column, end_line, end_column = span or (0, 0, 0, 0)
    return {"start": {"line": line, "character": column}, "end": {"line": end_line, "character": end_column}}


FEATURES: Final = ("actions", "refactorings", "permitting")

METHODS: Final = (
    Method(
        "textDocument/codeAction",
        code_action,
        options={"codeActionKinds": _KINDS, "resolveProvider": True},
        newest=True,
    ),
    Method("codeAction/resolve", resolve),
)
