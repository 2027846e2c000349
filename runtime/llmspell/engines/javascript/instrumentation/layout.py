"""How a rewritten text and what is known of it travel as one text, and how they are told apart again.

The first line holds the tables, as JSON in a comment; the text follows. Knows no parser: workers import it.
"""

from __future__ import annotations

import codecs
import json
from typing import Final, TypedDict

codecs.lookup("utf-16-le")  # now: a worker cannot load it any more once it needs it

_MARK: Final = "//# debugged "
_WITHOUT: Final = "//# not debugged "


class ScopeTable(TypedDict):
    """The names that a part of a text declares."""

    parent: int
    """The scope around it; -1: none."""
    function: int
    """Whose frame it belongs to."""
    own: bool
    """Whether it is the function's outermost, with its parameters."""
    names: list[str]
    fixed: list[str]
    """Which of them are constant."""


class FunctionTable(TypedDict):
    name: str
    """As the script calls it; "" for one without a name."""
    waits: bool
    """Whether it is asynchronous: what it throws is a promise's failure."""
    private: list[str]
    """The private names, `#x`, of the classes around it."""


class Tables(TypedDict):
    """What a worker must know of a rewritten text. Numbers are indexes into the lists."""

    places: list[tuple[int, int, int, int]]
    """Of each statement that is tested: line and column from 1 (in UTF-16 units), scope, and who takes what is thrown
    there: 1, a `catch` of its function, 2, it does so itself with the failures of promises, 0, nobody."""
    firsts: list[int]
    """The statements that are the first of their line in their function: where a breakpoint stops."""
    scopes: list[ScopeTable]
    functions: list[FunctionTable]
    named: bool
    """Whether its evaluators see by name (`evaluators`)."""
    inserted: list[tuple[int, int]]
    """Position, in UTF-16 units of the rewritten text, and length of each insertion. Nothing else was changed."""


def join(text: str, tables: Tables) -> str:
    return f"{_MARK}{json.dumps(tables, separators=(',', ':'))}\n{text}"


def split(text: str) -> tuple[str, Tables] | None:
    """What was joined; None for a text that was not rewritten."""
    if not text.startswith(_MARK):
        return None
    head, _, rest = text.partition("\n")
    return rest, json.loads(head[len(_MARK) :])


def join_without(text: str, why: str) -> str:
    """A text that is not rewritten, with the sentence that says why."""
    return f"{_WITHOUT}{json.dumps(why)}\n{text}"


def split_without(text: str) -> tuple[str, str] | None:
    """The text and the sentence; None for one that has none."""
    if not text.startswith(_WITHOUT):
        return None
    head, _, rest = text.partition("\n")
    return rest, json.loads(head[len(_WITHOUT) :])


def original(text: str, tables: Tables) -> str:
    """The text as it was before."""
    units = text.encode("utf-16-le", "surrogatepass")
    parts: list[bytes] = []
    at = 0
    for position, length in tables["inserted"]:
        parts.append(units[at : 2 * position])
        at = 2 * (position + length)
    parts.append(units[at:])
    return b"".join(parts).decode("utf-16-le", "surrogatepass")
