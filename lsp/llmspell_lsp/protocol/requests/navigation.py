"""From a place to others: definitions, types, references, highlights, the links of a text, who calls whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.protocol import params as reading
from llmspell_lsp.protocol import positions
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.session import Session, Silent

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.features.definition import Definition
    from llmspell_lsp.features.hierarchy import Item, Link
    from llmspell_lsp.workspace.snapshot import Snapshot

Params = dict[str, Any]

#: DocumentHighlightKind.
_HIGHLIGHTS: Final = {"text": 1, "read": 2, "write": 3}
#: SymbolKind of the protocol: a function, a class, an event, a file.
_SYMBOLS: Final = {"function": 12, "workflow": 5, "step": 24, "file": 1}


def script(session: Session, params: Params) -> tuple[Snapshot, int, int]:
    """Snapshot and place. Raises Silent for what is no script."""
    snapshot, line, column = session.place(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    return snapshot, line, column


def range_in(session: Session, lines: Sequence[str] | None, span: Sequence[int]) -> dict[str, Any]:
    """A span in a file's lines as a Range; without lines columns are the same in all units."""
    if lines is None:
        start = {"line": span[0], "character": span[1]}
        return {"start": start, "end": {"line": span[2], "character": span[3]}}
    return positions.range_of(lines, span, session.client.encoding)


# Definitions


def definition(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.definition import definition

    snapshot, line, column = script(session, params)
    return _places(session, snapshot, definition(snapshot, line, column), "definition")


def type_definition(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.definition import type_definition

    snapshot, line, column = script(session, params)
    return _places(session, snapshot, type_definition(snapshot, line, column), "typeDefinition")


def _places(session: Session, snapshot: Snapshot, found: Definition | None, name: str) -> Any:
    if found is None:
        return None
    if not session.client.has(f"textDocument.{name}.linkSupport"):
        return [{"uri": each.uri, "range": range_in(session, each.lines, each.span)} for each in found.places]
    origin = session.range(snapshot, found.origin)
    return [
        {
            "originSelectionRange": origin,
            "targetUri": each.uri,
            "targetRange": range_in(session, each.lines, each.whole),
            "targetSelectionRange": range_in(session, each.lines, each.span),
        }
        for each in found.places
    ]


# References


def references(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.references_to import references_to

    snapshot, line, column = script(session, params)
    context = params.get("context")
    declarations = not isinstance(context, dict) or context.get("includeDeclaration") is not False
    found = references_to(snapshot, line, column)
    if found is None:
        return None
    return [
        {"uri": document.uri, "range": range_in(session, document.lines, each.span)}
        for document, places in found
        for each in places
        if declarations or not each.declares
    ]


def highlights(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.references_to import highlights

    snapshot, line, column = script(session, params)
    found = highlights(snapshot, line, column)
    if found is None:
        return None
    return [{"range": session.range(snapshot, each.span), "kind": _HIGHLIGHTS[each.access]} for each in found]


def linked(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.references_to import linked

    snapshot, line, column = script(session, params)
    found = linked(snapshot, line, column)
    if found is None:
        return None
    return {"ranges": [session.range(snapshot, span) for span in found], "wordPattern": "[A-Za-z_][A-Za-z0-9_-]*"}


def links(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.links import links

    snapshot = session.snapshot(reading.document_uri(params))
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    tooltips = session.client.has("textDocument.documentLink.tooltipSupport")
    return [
        {
            "range": session.range(snapshot, each.span),
            "target": each.target,
            **({"tooltip": each.tooltip} if each.tooltip and tooltips else {}),
        }
        for each in links(snapshot)
    ]


# Who calls whom


def prepare_calls(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.hierarchy import prepare

    found = prepare(*script(session, params))
    return None if found is None else [_item(session, found)]


def incoming(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.hierarchy import incoming

    snapshot, line, column = _of_item(session, params)
    found = incoming(snapshot, line, column)
    return [
        {"from": _item(session, each.item), "fromRanges": _ranges(session, each, each.item.document)} for each in found
    ]


def outgoing(session: Session, params: Params) -> Any:
    from llmspell_lsp.features.hierarchy import outgoing

    snapshot, line, column = _of_item(session, params)
    found = outgoing(snapshot, line, column)
    return [
        {"to": _item(session, each.item), "fromRanges": _ranges(session, each, snapshot.document)} for each in found
    ]


def _of_item(session: Session, params: Params) -> tuple[Snapshot, int, int]:
    """Where an item's name stands; in a file that may not be open."""
    item = reading.member(params, "item", dict)
    uri = reading.member(item, "uri", str, "params.item")
    line, units, *_ = reading.span(item, "selectionRange", "params.item")
    document = session.find(uri) or session.project.document(uri)
    if document is None or document.language not in ("lua", "javascript"):
        raise Silent(uri)
    return session.snapshot_of(document), *positions.place(document.lines, line, units, session.client.encoding)


def _item(session: Session, item: Item) -> dict[str, Any]:
    lines = item.document.lines
    found = {
        "name": item.name,
        "kind": _SYMBOLS[item.kind],
        "uri": item.document.uri,
        "range": range_in(session, lines, item.whole),
        "selectionRange": range_in(session, lines, item.span),
    }
    if item.detail:
        found["detail"] = item.detail
    return found


def _ranges(session: Session, link: Link, document: Document) -> list[dict[str, Any]]:
    return [range_in(session, document.lines, span) for span in link.spans]


FEATURES: Final = ("definition", "references_to", "links", "hierarchy")

METHODS: Final = (
    Method("textDocument/definition", definition, newest=True),
    Method("textDocument/typeDefinition", type_definition, newest=True),
    Method("textDocument/references", references),
    Method("textDocument/documentHighlight", highlights, newest=True),
    Method("textDocument/linkedEditingRange", linked, newest=True),
    Method("textDocument/documentLink", links, newest=True),
    Method("textDocument/prepareCallHierarchy", prepare_calls),
    Method("callHierarchy/incomingCalls", incoming),
    Method("callHierarchy/outgoingCalls", outgoing),
)
