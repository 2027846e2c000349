"""A JavaScript text rewritten so that it can be debugged: QuickJS itself tells nobody which line it is at.

`instrument` gives the text with a test before each statement, on the same lines; `code_lines` says where tests are.
Both are the host's, which has the parser (15 ms, imported here alone); the worker reads what was written by `layout`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from llmspell.engines.javascript.instrumentation.layout import join, join_without

__all__ = ["Undebuggable", "code_lines", "instrument"]

#: Characters of a text with its tests and tables: of 16 MB a frame to a worker may have.
_MOST: Final = 12_000_000


class Undebuggable(Exception):
    """A text runs without a stop; says why."""


def instrument(source: str) -> str:
    """A prepared text (`modules.prepare`) as a debugged worker takes it: with its tests, or the reason why not."""
    try:
        return rewritten(source)[0]
    except Undebuggable as why:
        return join_without(source, str(why))


def code_lines(source: str) -> list[int]:
    """The lines of a text as it was written at which a script can be stopped. Raises Undebuggable."""
    from llmspell.engines.javascript import modules

    return sorted(rewritten(modules.prepare(source).source)[1])


@lru_cache(8)  # asked for the lines of a breakpoint, and again when it runs: 100,000 lines take seconds
def rewritten(source: str) -> tuple[str, frozenset[int]]:
    """The text for a worker, and its lines. Raises Undebuggable."""
    from llmspell.engines.javascript.instrumentation import rewriting

    try:
        text, tables = rewriting.rewritten(_readable(source))
    except rewriting.Unreadable as error:
        raise Undebuggable(
            f"it has syntax at line {error.line} that the debugger cannot read, so that it runs without a stop"
        ) from None
    joined = join(text, tables)
    if len(joined) > _MOST:
        size, most = len(joined) / 1e6, _MOST / 1e6
        raise Undebuggable(
            f"it is too large to be debugged: {size:.0f} MB with the debugger's tests, of {most:.0f} MB at most"
        )
    return joined, frozenset(place[0] for place in tables["places"])


def _readable(source: str) -> str:
    return "//" + source if source.startswith("#!") else source.removeprefix("\ufeff")
