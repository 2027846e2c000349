"""What is typed to search and to filter: `kind:tool status:error cost>0.01 -name:weather text:"two words"`.

Terms stand beside each other and all must hold; `-` before one turns it round, `,` gives alternatives, quotes keep
words together. A word without a field is looked for in names and errors. Knows no span.
"""

from __future__ import annotations

import math
import re
from typing import Final, Literal, cast

from llmspell.frozen import frozen

Field = Literal[
    "kind", "status", "name", "agent", "model", "site", "error", "text", "word", "tokens", "cost", "time", "depth"
]
Compare = Literal[":", ">", ">=", "<", "<=", "="]

TEXTS: Final = ("kind", "status", "name", "agent", "model", "site", "error", "text")
NUMBERS: Final = ("tokens", "cost", "time", "depth")
FIELDS: Final[dict[str, str]] = {
    "kind": "what it is: llm, tool, agent, workflow, step, hook, …",
    "status": "how it went: running, ok, error, cancelled",
    "name": "part of its name",
    "agent": "part of the name of the agent it works for",
    "model": "part of a model's name",
    "site": "part of the script's file:line",
    "error": "part of its error",
    "text": "part of its name, its error, or what it was given and gave",
    "tokens": "with everything inside: tokens>=100, tokens>2k",
    "cost": "in dollars, with everything inside: cost>0.01",
    "time": "how long it took: time>2s, time<50ms, time>=1m",
    "depth": "how deep it lies, the run itself at 0: depth<3",
}
#: What people call the kinds.
KINDS: Final[dict[str, str]] = {
    "llm": "llm_call",
    "agent": "execution",
    "step": "workflow_step",
    "model": "llm_call",
    "run": "spell",
}

_UNITS: Final = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "min": 60_000.0, "h": 3_600_000.0}
_SCALES: Final = {"": 1.0, "k": 1e3, "m": 1e6}
_TERM: Final = re.compile(r"(-?)(?:([A-Za-z_]+)(:|>=|<=|>|<|=))?")
_VALUE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s,"]+)')
_NUMBER: Final = re.compile(r"\$?([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)([a-z]*)", re.IGNORECASE)


class QueryError(ValueError):
    """position: where in the text, from 0. remedy: what to type instead."""

    def __init__(self, message: str, position: int, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.remedy = remedy


@frozen
class Term:
    """field: `word` for one that stands alone. texts: the alternatives of a text field, in lower case.

    number: what a number is compared with, time in ms."""

    field: Field
    compare: Compare
    texts: tuple[str, ...] = ()
    number: float = 0.0
    negated: bool = False

    @property
    def numeric(self) -> bool:
        return self.field in NUMBERS


@frozen
class Query:
    """text: as it was typed. terms: all must hold; none of them lets everything through."""

    text: str
    terms: tuple[Term, ...]

    @staticmethod
    def parse(text: str) -> Query:
        """Raises QueryError."""
        terms: list[Term] = []
        at = _space(text, 0)
        while at < len(text):
            term, at = _term(text, at)
            terms.append(term)
            at = _space(text, at)
        return Query(text, tuple(terms))

    @property
    def payload_texts(self) -> tuple[str, ...]:
        """What `text:` terms look for, also in payloads: whoever has the store looks there."""
        return tuple(text for term in self.terms if term.field == "text" for text in term.texts)


def wrong(text: str) -> str:
    """What is wrong with a query, and what to type instead, as a sentence; "" for nothing."""
    try:
        Query.parse(text)
    except QueryError as error:
        return f"{error.message}: {error.remedy}"
    return ""


def _space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _term(text: str, at: int) -> tuple[Term, int]:
    head = _TERM.match(text, at)
    assert head is not None  # it matches nothing too
    negated, name, compare = bool(head[1]), head[2], cast("Compare", head[3])
    start, at = at + len(head[1]), head.end()
    if name is not None and name.lower() not in FIELDS:
        raise QueryError(f"there is no field {name!r}", start, f"one of {', '.join(FIELDS)}; or quote the word")
    values, end = _values(text, at)
    if name is None:
        if not values:
            raise QueryError("a term is missing", at, 'type a word, or "-" right before one')
        return Term("word", ":", tuple(value.lower() for value in values), negated=negated), end
    field = cast("Field", name.lower())
    if not values:
        raise QueryError(f"{name}{compare} is without a value", at, f"{field}: {FIELDS[field]}")
    if field in NUMBERS:
        return Term(field, compare, (), _number(field, values, at), negated), end
    if compare not in (":", "="):
        raise QueryError(f"{field} is a text and cannot be compared by {compare}", start, f"{field}:{values[0]}")
    lower = [value.lower() for value in values]
    if field == "kind":
        lower = [KINDS.get(value, value) for value in lower]
    return Term(field, ":", tuple(lower), negated=negated), end


def _values(text: str, at: int) -> tuple[list[str], int]:
    values: list[str] = []
    while found := _VALUE.match(text, at):
        values.append(found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
        at = found.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    if at < len(text) and not text[at].isspace():
        if text[at] == '"' and text.find('"', at + 1) < 0:
            raise QueryError("a quotation mark is open", at, 'close it with "')
        raise QueryError(f"{text[at]!r} cannot stand here", at, "put a space before it, or quote the words")
    return values, at


def _number(field: str, values: list[str], at: int) -> float:
    found = _NUMBER.fullmatch(values[0])
    units = _UNITS if field == "time" else _SCALES
    if len(values) > 1 or found is None or found[2].lower() not in units:
        shown = ",".join(values)
        raise QueryError(f"{shown!r} is no {'time' if field == 'time' else 'number'}", at, f"{field}: {FIELDS[field]}")
    number = float(found[1]) * units[found[2].lower()]
    if not math.isfinite(number):
        raise QueryError(f"{values[0]!r} is too large", at, f"{field}: {FIELDS[field]}")
    return number
