"""A JavaScript text rewritten so that it can be debugged: QuickJS itself tells nobody which line it is at.

`instrument` gives the text with a test before each statement, on the same lines; `code_lines` says where tests are.
Both are the host's, which has the parser (15 ms, imported here alone); the worker reads what was written by `layout`.
"""

from __future__ import annotations

from llmspell.engines.javascript.instrumentation.layout import join

__all__ = ["code_lines", "instrument"]


def instrument(source: str) -> str:
    """A prepared text (`modules.prepare`) with its tests, as a debugged worker takes it. One that the parser does not
    understand, or with many hundreds of functions, is given back as it is, and runs without a stop."""
    from llmspell.engines.javascript.instrumentation.rewriting import rewritten

    found = rewritten(_readable(source))
    return source if found is None else join(*found)


def code_lines(source: str) -> list[int]:
    """The lines of a text as it was written at which a script can be stopped."""
    from llmspell.engines.javascript import modules
    from llmspell.engines.javascript.instrumentation.rewriting import rewritten

    found = rewritten(_readable(modules.prepare(source).source))
    return [] if found is None else sorted({place[0] for place in found[1]["places"]})


def _readable(source: str) -> str:
    return "//" + source if source.startswith("#!") else source.removeprefix("\ufeff")
