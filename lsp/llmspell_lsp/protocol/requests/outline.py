"""The shape of a document: symbols, folds, selections.

Symbols of a chunk are written once, as JSON with holes for their lines: a line more above them costs filling the holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from llmspell_lsp.protocol.methods import Encoded, Method
from llmspell_lsp.protocol.params import document_uri, member, position
from llmspell_lsp.protocol.positions import Encoding, place, range_of, units_of
from llmspell_lsp.protocol.session import Session, Silent, encode

if TYPE_CHECKING:
    from llmspell_lsp.features.symbols import ChunkSymbols, Symbol, SymbolKind
    from llmspell_lsp.formats.values import Part
    from llmspell_lsp.workspace.snapshot import Snapshot

#: SymbolKind of the protocol.
KINDS: Final[dict[SymbolKind, int]] = {
    "class": 5,
    "method": 6,
    "property": 7,
    "constructor": 9,
    "function": 12,
    "variable": 13,
    "constant": 14,
    "agent": 19,
    "tool": 11,
    "workflow": 2,
    "step": 22,
    "hook": 24,
    "event": 24,
    "state": 20,
    "table": 19,
}
_PARTS: Final = {"section": 3, "key": 7, "entry": 15}
"""Of the files beside spells: Namespace, Property, String."""

DEPRECATED: Final = [1]
"""The only SymbolTag there is."""

#: Words of clients' choice for the kinds of folds; all three are the protocol's own.
_FOLDS: Final = {"": "", "comment": ',"kind":"comment"', "imports": ',"kind":"imports"', "region": ',"kind":"region"'}


class _Written(NamedTuple):
    """A chunk's symbols as JSON: `%d` for each line, to be filled with lines of the chunk plus its start."""

    symbols: tuple[Symbol, ...]
    encoding: Encoding
    template: str
    lines: tuple[int, ...]


def document_symbol(session: Session, params: dict[str, Any]) -> Encoded | list[dict[str, Any]]:
    from llmspell_lsp.features.symbols import symbols

    snapshot = session.snapshot(document_uri(params))
    if not snapshot.is_script:
        from llmspell_lsp.features.files import outline

        hierarchical = session.client.has("textDocument.documentSymbol.hierarchicalDocumentSymbolSupport")
        return [each for part in outline(snapshot) for each in _of_file(session, snapshot, part, "", hierarchical)]
    if not session.client.has("textDocument.documentSymbol.hierarchicalDocumentSymbolSupport"):
        return [each for chunk in symbols(snapshot) for each in _flat(session, snapshot, chunk)]
    encoding = session.client.encoding
    return _list([_filled(each, encoding) for each in symbols(snapshot)])


def _of_file(
    session: Session, snapshot: Snapshot, part: Part, container: str, hierarchical: bool
) -> Iterator[dict[str, Any]]:
    """A part of `llmspell.toml` or `replies.json`: as DocumentSymbol, or it and all inside as SymbolInformation."""
    made: dict[str, Any] = {"name": part.name or '""', "kind": _PARTS[part.kind]}
    span = session.range(snapshot, part.span)
    if hierarchical:
        if part.detail:
            made["detail"] = part.detail
        inside = [each for inner in part.inside for each in _of_file(session, snapshot, inner, "", hierarchical)]
        yield {**made, "range": span, "selectionRange": session.range(snapshot, part.own), "children": inside}
        return
    if container:
        made["containerName"] = container
    yield {**made, "location": {"uri": snapshot.document.uri, "range": span}}
    for inner in part.inside:
        yield from _of_file(session, snapshot, inner, part.name, hierarchical)


def _script(session: Session, params: dict[str, Any]) -> Snapshot:
    snapshot = session.snapshot(document_uri(params))
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    return snapshot


def _filled(each: ChunkSymbols, encoding: Encoding) -> str:
    start, chunk = each.placed.start, each.placed.chunk
    known = cast("_Written | None", chunk.facts.get(_Written))
    if known is None or known.symbols is not each.symbols or known.encoding != encoding:
        lines: list[int] = []
        pieces = [_written(symbol, chunk.lines, encoding, lines) for symbol in each.symbols]
        known = chunk.facts[_Written] = _Written(each.symbols, encoding, ",".join(pieces), tuple(lines))
    return known.template % tuple([line + start for line in known.lines])


def _written(symbol: Symbol, text: tuple[str, ...], encoding: Encoding, lines: list[int]) -> str:
    """As DocumentSymbol. Recursive: levels are few."""
    head: dict[str, Any] = {"name": symbol.name, "kind": KINDS[symbol.kind]}
    if symbol.detail:
        head["detail"] = symbol.detail
    if symbol.deprecated:
        head["tags"] = DEPRECATED
    ranges = [_hole(span, text, encoding, lines) for span in (symbol.span, symbol.selection)]
    inner = ",".join([_written(child, text, encoding, lines) for child in symbol.children])
    children = f',"children":[{inner}]' if inner else ""
    plain = encode(head)[:-1].replace("%", "%%")
    return f'{plain},"range":{ranges[0]},"selectionRange":{ranges[1]}{children}}}'


def _hole(span: tuple[int, int, int, int], text: tuple[str, ...], encoding: Encoding, lines: list[int]) -> str:
    line, column, end_line, end_column = span
    lines += line, end_line
    start = units_of(text[line], column, encoding) if line < len(text) else 0
    end = units_of(text[end_line], end_column, encoding) if end_line < len(text) else 0
    return f'{{"start":{{"line":%d,"character":{start}}},"end":{{"line":%d,"character":{end}}}}}'


def _flat(session: Session, snapshot: Snapshot, chunk: ChunkSymbols) -> Iterator[dict[str, Any]]:
    """As SymbolInformation, for clients that know no outline."""
    rest = [(symbol, "") for symbol in reversed(chunk.symbols)]
    start = chunk.placed.start
    while rest:
        symbol, container = rest.pop()
        line, column, end_line, end_column = symbol.span
        span = (line + start, column, end_line + start, end_column)
        item: dict[str, Any] = {
            "name": symbol.name,
            "kind": KINDS[symbol.kind],
            "location": {"uri": snapshot.document.uri, "range": session.range(snapshot, span)},
        }
        if container:
            item["containerName"] = container
        if symbol.deprecated:
            item["tags"] = DEPRECATED
        yield item
        rest += [(child, symbol.name) for child in reversed(symbol.children)]


def folding_range(session: Session, params: dict[str, Any]) -> Encoded:
    from llmspell_lsp.features.folding import folds

    snapshot = _script(session, params)
    limit = session.client.get("textDocument.foldingRange.rangeLimit")
    found = folds(snapshot, limit if isinstance(limit, int) and not isinstance(limit, bool) else None)
    lines, encoding = snapshot.document.lines, session.client.encoding
    if session.client.has("textDocument.foldingRange.lineFoldingOnly"):
        return _list([f'{{"startLine":{each.line},"endLine":{each.end}{_FOLDS[each.kind]}}}' for each in found])
    items: list[str] = []
    for each in found:
        start = units_of(lines[each.line], len(lines[each.line]), encoding)
        end = units_of(lines[each.close], each.column, encoding)
        places = f'"startLine":{each.line},"startCharacter":{start},"endLine":{each.close},"endCharacter":{end}'
        items.append(f"{{{places}{_FOLDS[each.kind]}}}")
    return _list(items)


def _list(items: list[str]) -> Encoded:
    return Encoded(f"[{','.join(items)}]".encode())


def selection_range(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    from llmspell_lsp.features.selection import selection

    snapshot = _script(session, params)
    lines, encoding = snapshot.document.lines, session.client.encoding
    found: list[dict[str, Any]] = []
    for each in member(params, "positions", list):
        line, column = place(lines, *position({"position": each}), encoding)
        outer: dict[str, Any] | None = None
        for span in reversed(selection(snapshot, line, column)):
            inner: dict[str, Any] = {"range": range_of(lines, span, encoding)}
            if outer is not None:
                inner["parent"] = outer
            outer = inner
        if outer is not None:
            found.append(outer)
    return found


FEATURES: Final = ("symbols", "folding", "selection")

METHODS: Final = (
    Method("textDocument/documentSymbol", document_symbol, newest=True),
    Method("textDocument/foldingRange", folding_range, newest=True),
    Method("textDocument/selectionRange", selection_range, newest=True),
)
