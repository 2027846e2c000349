"""Symbols of the whole workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.params import member
from llmspell_lsp.protocol.positions import units_of
from llmspell_lsp.protocol.requests.outline import DEPRECATED, KINDS
from llmspell_lsp.protocol.session import Session

if TYPE_CHECKING:
    from llmspell_lsp.features.everywhere import Entry, Everywhere


def workspace_symbol(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [_item(each) for each in _everywhere(session).find(member(params, "query", str))]


def _everywhere(session: Session) -> Everywhere:
    """The session's one, made when it is first asked for."""
    from llmspell_lsp.features.everywhere import Everywhere

    known = session.kept.get(Everywhere)
    if isinstance(known, Everywhere):
        return known
    encoding = session.client.encoding
    made = Everywhere(session.project, session.documents, lambda line, column: units_of(line, column, encoding))
    session.kept[Everywhere] = made
    session.idle.add(made)
    return made


def _item(entry: Entry) -> dict[str, Any]:
    line, column, end_line, end_column = entry.span
    span = {"start": {"line": line, "character": column}, "end": {"line": end_line, "character": end_column}}
    item: dict[str, Any] = {
        "name": entry.name,
        "kind": KINDS[entry.kind],
        "location": {"uri": entry.uri, "range": span},
    }
    if entry.container:
        item["containerName"] = entry.container
    if entry.deprecated:
        item["tags"] = DEPRECATED
    return item


FEATURES: Final = ("everywhere",)

METHODS: Final = (Method("workspace/symbol", workspace_symbol),)
