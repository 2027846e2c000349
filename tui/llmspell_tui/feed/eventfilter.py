"""What is typed to leave some of a run's events: `kind:output,log site:spell.lua:4 -name:csv "two words"`, as SQL.

Terms stand beside each other and all must hold; `-` before one turns it round, `,` gives alternatives, quotes keep
words together. A word without a field stands anywhere in an event. A kind is whole, or ends in `*`; `kind:logs` is all
that a spell printed, logged, warned of and failed with.
"""

from __future__ import annotations

import json
import re
from typing import Final

from llmspell.frozen import frozen
from llmspell_tui.model import query
from llmspell_tui.model.points import LOG_KINDS

#: What a term may be held against, by name, with the column that holds it; "" for all of them.
FIELDS: Final = {
    "kind": "kind",
    "name": "name",
    "site": "site",
    "phase": "phase",
    "status": "data",
    "text": "",
}
#: A comparison, or a field that spans have.
_OF_SPANS: Final = re.compile(rf"-?({'|'.join(each for each in query.FIELDS if each not in FIELDS)})(:|>=|<=|>|<|=)")
_TERM: Final = re.compile(r"(-?)(?:([a-z]+):)?((?:\"[^\"]*\"|[^\s\"])*)")
_PART: Final = re.compile(r"\"([^\"]*)\"|([^,\"]+)")
_ANYWHERE: Final = ("kind", "name", "site", "data")


@frozen
class Term:
    """field: of `FIELDS`. texts: alternatives."""

    field: str
    texts: tuple[str, ...]
    negated: bool = False


@frozen
class EventFilter:
    """terms: all must hold; none of them lets everything through."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> EventFilter:
        """Of a text that `wrong` finds nothing wrong with; what is wrong in another is passed over."""
        return cls(tuple(term for term, _ in _terms(text) if term.texts))

    def also(self, text: str) -> EventFilter:
        """With one term more: a text that stands anywhere."""
        return EventFilter((*self.terms, Term("text", (text,))))

    def where(self) -> tuple[str, list[str]]:
        """As a condition of SQL, with its values; "" where everything passes."""
        parts: list[str] = []
        values: list[str] = []
        for term in self.terms:
            found = [_condition(term.field, text) for text in term.texts]
            parts.append(("NOT (" if term.negated else "(") + " OR ".join(part for part, _ in found) + ")")
            values += [value for _, held in found for value in held]
        return " AND ".join(parts), values


def wrong(text: str) -> str:
    """What is wrong with a filter, and what to type instead, as a sentence; "" for nothing."""
    if text.count('"') % 2:
        return 'a quotation mark is open: close it with "'
    for term, said in _terms(text):
        if found := _OF_SPANS.match(said):
            return f"{found[1]} is of spans: filter the trace by it; of events: {', '.join(FIELDS)}; or quote the word"
        if not term.texts:
            return f"{said!r} is without a value: kind:output, name:csv, site:spell.lua:4, status:error or any words"
    return ""


def _terms(text: str) -> list[tuple[Term, str]]:
    found: list[tuple[Term, str]] = []
    for match in _TERM.finditer(text):
        if not match[0]:
            continue
        field, rest = match[2] or "text", match[3]
        if field not in FIELDS:  # `https://…`: a word with a colon
            field, rest = "text", f"{field}:{rest}"
        if match[2] is None and not rest:
            rest = match[0]
        texts = tuple(quoted or bare for quoted, bare in _PART.findall(rest) if quoted or bare)
        if field == "text" and match[2] != "text":
            texts = ("".join(quoted or bare for quoted, bare in re.findall(r"\"([^\"]*)\"|([^\"]+)", rest)),)
        found.append((Term(field, tuple(each for each in texts if each), bool(match[1]) and rest != "-"), match[0]))
    return found


def _condition(field: str, text: str) -> tuple[str, list[str]]:
    match field:
        case "kind" if text == "logs":
            kinds = sorted(LOG_KINDS)
            return f"kind IN ({', '.join('?' * len(kinds))})", kinds
        case "kind":
            return "kind LIKE ? ESCAPE '\\'", [_escaped(text.removesuffix("*")) + ("%" if text.endswith("*") else "")]
        case "status":
            return "data LIKE ? ESCAPE '\\'", [f'%"status":"{_escaped(_quoted(text))}"%']
        case "text":
            values = [_quoted(text) if column == "data" else text for column in _ANYWHERE]
            likes = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in _ANYWHERE)
            return f"({likes})", [f"%{_escaped(value)}%" for value in values]
        case _:
            return f"{FIELDS[field]} LIKE ? ESCAPE '\\'", [f"%{_escaped(text)}%"]


def _quoted(text: str) -> str:
    """As it is written in JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in text)
