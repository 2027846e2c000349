"""Which loop a script was in, when the engine knows only the last call before it.

The engine keeps the places of calls and of a few other expressions. A script in a loop that has none of them seems to
be where the one before it was. This finds the loop by reading the function as text, which is good enough for a person
who looks for a loop: strings, comments and regular expressions are passed over, functions inside the function too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Characters that are read; a tenth of a second.
_LONGEST: Final = 200_000
_LOOPS: Final = frozenset({"for", "while", "do"})
#: What may stand before the parenthesis of a block that is no function's. `for await (…)` is a loop.
_HEADS: Final = frozenset({"for", "while", "await", "if", "switch", "catch", "with"})
#: After these a `/` begins a regular expression, as after any sign; after another word it divides.
_BEFORE_REGEX: Final = frozenset(
    {"return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw", "await", "yield"}
)
#: Words that on a line of their own go on with a statement.
_GOES_ON: Final = frozenset({"else", "in", "of", "instanceof"})
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)
    |(?P<word>[\w$]+)
    |(?P<sign>=>|.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX: Final = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/\w*")


class _Item(NamedTuple):
    """A token, or with `inner` all between two brackets, whose `text` is the first."""

    kind: str
    text: str
    start: int
    end: int
    new_line: bool
    inner: list[_Item]


class _Loop(NamedTuple):
    start: int
    end: int
    depth: int
    """How many functions it is inside of."""


def loop_at(function: str, known: int) -> int:
    """Where in the function's text the loop begins that it is in, given how far it is known to have come at least.

    Gives `known` when that is in a loop already, and when there is no loop after it.
    """
    try:
        loops = list(_loops(_grouped(function[:_LONGEST]), 0))
    except RecursionError:
        return known
    depth = min((loop.depth for loop in loops), default=0)
    own = [loop for loop in loops if loop.depth == depth]
    if any(loop.start <= known < loop.end for loop in own):
        return known
    return next((loop.start for loop in own if loop.start >= known), known)


def _loops(items: list[_Item], depth: int) -> Iterator[_Loop]:
    """In the order of their text."""
    for index, item in enumerate(items):
        before = items[index - 1] if index else None
        if item.text in _LOOPS and item.kind == "word" and (before is None or before.text != "."):
            yield _Loop(item.start, _end(items, index), depth)
        if item.inner:
            yield from _loops(item.inner, depth + _is_function(items, index))


def _is_function(items: list[_Item], index: int) -> bool:
    """Whether these brackets are the body of a function."""
    if items[index].text != "{" or index == 0:
        return False
    before = items[index - 1]
    if before.text == "(":
        return index == 1 or items[index - 2].text not in _HEADS
    return before.text == "=>"


def _end(items: list[_Item], index: int) -> int:
    """Where the loop ends whose keyword is at `index`."""
    body = index + 1
    if items[index].text != "do":
        while body < len(items) and items[body].text != "(":
            body += 1
        body += 1
    if body >= len(items):
        return items[-1].end
    if items[body].text == "{":
        return items[body].end
    for at in range(body, len(items)):
        item = items[at]
        begins = item.new_line and item.kind == "word" and item.text not in _GOES_ON
        if item.text == ";" or (begins and at > body and _is_value(items[at - 1])):
            return item.start
    return items[-1].end


def _is_value(item: _Item) -> bool:
    return item.kind in ("text", "brackets") or (item.kind == "word" and item.text not in _BEFORE_REGEX)


def _grouped(source: str) -> list[_Item]:
    """The text's tokens, with all between brackets inside of one. Reads on past whatever is wrong."""
    items: list[_Item] = []
    waiting: list[tuple[_Item, list[_Item]]] = []  # brackets that are open, and what was before them
    at, new_line = 0, False
    while (found := _TOKEN.match(source, at)) is not None:
        kind, text, start, at = str(found.lastgroup), found.group(), at, found.end()
        if kind == "space":
            new_line = new_line or "\n" in text
            continue
        if text == "`":
            kind, at = "text", _template_end(source, at)
        elif text == "/" and not (items and _is_value(items[-1])) and (regex := _REGEX.match(source, start)):
            kind, at = "text", regex.end()
        item = _Item(kind, text, start, at, new_line, [])
        new_line = False
        if text in _PAIRS and kind == "sign":
            waiting.append((item, items))
            items = []
        elif waiting and text == _PAIRS[waiting[-1][0].text] and kind == "sign":
            first, outer = waiting.pop()
            outer.append(first._replace(kind="brackets", end=at, inner=items))
            items = outer
        else:
            items.append(item)
    while waiting:
        first, outer = waiting.pop()
        outer.append(first._replace(kind="brackets", end=len(source), inner=items))
        items = outer
    return items


def _template_end(source: str, at: int) -> int:
    """Where the template ends whose text begins at `at`; a template within its `${…}` ends with its own."""
    depth = 0
    while at < len(source):
        sign = source[at]
        if sign == "\\":
            at += 1
        elif sign == "`" and depth == 0:
            return at + 1
        elif sign == "`":
            at = _template_end(source, at + 1) - 1
        elif source.startswith("${", at):
            depth += 1
            at += 1
        elif depth and sign in "{}":
            depth += 1 if sign == "{" else -1
        at += 1
    return at
