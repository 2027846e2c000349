"""Which spans a query finds: all at once by columns (60 ns a span and term), or one that has just changed.

A span is judged by all that is known of it, whatever moment is shown: errors can be looked for and then scrubbed to.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llmspell_tui.model.query import Query, Term

if TYPE_CHECKING:
    from llmspell_tui.model.columns import SpanColumns

#: For each text of a query the numbers of the spans in whose payload it stands, as the store found them.
Hits = Mapping[str, Collection[int]]

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ":": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
#: The same with the known number first, as a method of it that `map` can call.
_TURNED: Final[dict[str, str]] = {
    ":": "__eq__",
    "=": "__eq__",
    ">": "__lt__",
    ">=": "__le__",
    "<": "__gt__",
    "<=": "__ge__",
}
_FLIP: Final = bytes([1, 0]) + bytes(254)


def matches(spans: SpanColumns, query: Query, i: int, hits: Hits) -> bool:
    """Whether all terms hold for span number i of the table."""
    return all(_holds(spans, term, i, hits) != term.negated for term in query.terms)


def mask(spans: SpanColumns, query: Query, hits: Hits) -> bytearray:
    """A byte for each span: 1 where all terms hold."""
    count = len(spans)
    found = bytearray(b"\1") * count
    for term in query.terms:
        column = _column(spans, term, hits)
        if term.negated:
            column = column.translate(_FLIP)
        both = int.from_bytes(found, "little") & int.from_bytes(column, "little")
        found = bytearray(both.to_bytes(count, "little"))
    return found


def _holds(spans: SpanColumns, term: Term, i: int, hits: Hits) -> bool:
    if term.numeric:
        value = _figure(spans, term.field, i)
        return _COMPARE[term.compare](value, term.number)
    match term.field:
        case "kind":
            return spans.kind(i) in term.texts
        case "status":
            return spans.known_status(i) in term.texts
        case "word":
            return _within(term, spans.name(i)) or _within(term, spans.known_error(i))
        case "name":
            return _within(term, spans.name(i))
        case "agent":
            return _within(term, spans.agent(i))
        case "model":
            return spans.kind(i) == "llm_call" and _within(term, spans.name(i))
        case "site":
            return _within(term, spans.site(i))
        case "error":
            return _within(term, spans.known_error(i))
        case _:
            number = spans.number(i)
            inside = any(number in hits.get(text, ()) for text in term.texts)
            return inside or _within(term, spans.name(i)) or _within(term, spans.known_error(i))


def _within(term: Term, text: str) -> bool:
    lower = text.lower()
    return any(each in lower for each in term.texts)


def _figure(spans: SpanColumns, field: str, i: int) -> float:
    match field:
        case "tokens":
            return spans.all_tokens[i]
        case "cost":
            return spans.all_cost[i]
        case "time":
            return spans.ends[i] - spans.starts[i]
        case _:
            return spans.depth(i)


def _column(spans: SpanColumns, term: Term, hits: Hits) -> bytes | bytearray:
    match term.field:
        case "kind":
            return _chosen(spans.kinds, [text in term.texts for text in spans.kind_names.texts])
        case "status":
            return _chosen(spans.statuses, [text in term.texts for text in spans.status_names.texts])
        case "word" | "name":
            found = _chosen(spans.names, [_within(term, text) for text in spans.texts.texts])
            return _marked(found, _erring(spans, term)) if term.field == "word" else found
        case "agent":
            return _chosen(_agents(spans), [_within(term, text) for text in spans.texts.texts])
        case "model":
            named = _chosen(spans.names, [_within(term, text) for text in spans.texts.texts])
            calls = _chosen(spans.kinds, [text == "llm_call" for text in spans.kind_names.texts])
            return bytes(map(operator.and_, named, calls))
        case "site":
            return _chosen(spans.sites, [_within(term, text) for text in spans.texts.texts])
        case "error":
            return _marked(bytearray(len(spans)), _erring(spans, term))
        case "text":
            found = _chosen(spans.names, [_within(term, text) for text in spans.texts.texts])
            numbers = (number for text in term.texts for number in hits.get(text, ()))
            places = (at for number in numbers if (at := spans.index(number)) is not None)
            return _marked(_marked(found, _erring(spans, term)), places)
        case "tokens":
            return _compared(spans.all_tokens, term)
        case "cost":
            return _compared(spans.all_cost, term)
        case "time":
            return _compared(map(operator.sub, spans.ends, spans.starts), term)
        case "depth":
            return _compared(map(float, spans.depths()), term)


def _chosen(column: array[int] | array[Any], chosen: list[bool]) -> bytearray:
    """Where a column of numbered names holds one of the chosen."""
    if not any(chosen):
        return bytearray(len(column))
    if column.itemsize == 1:
        return bytearray(column.tobytes().translate(bytes(chosen) + bytes(256 - len(chosen))))
    return bytearray(map(chosen.__getitem__, column))


def _compared(column: Iterable[float], term: Term) -> bytes:
    return bytes(map(getattr(float(term.number), _TURNED[term.compare]), column))


def _erring(spans: SpanColumns, term: Term) -> Iterable[int]:
    return [i for i, error in spans.error_texts.items() if _within(term, error)]


def _marked(found: bytearray, places: Iterable[int]) -> bytearray:
    for place in places:
        found[place] = 1
    return found


def _agents(spans: SpanColumns) -> array[int]:
    """For each span the number of its agent's name: its own if it is an agent's, else its parent's."""
    names = array("i", bytes(4 * (len(spans) + 1)))
    agent = spans.kind_names.number("execution")
    for i, (kind, name, parent) in enumerate(zip(spans.kinds, spans.names, spans.parents()), 1):
        names[i] = name if kind == agent else names[parent]
    return names[1:]
