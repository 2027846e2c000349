"""What a terminal is told: colour where it is wanted, and errors in a person's words. Knows no command."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from typing import Final, Literal, TextIO

from llmspell.errors import LlmspellError, ProviderError

Style = Literal["red", "green", "yellow", "dim", "bold"]

#: Characters of an error's text that a person is shown.
_LONGEST: Final = 10_000
#: Marks that turn the direction of writing.
_TURNS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_CODES: Final[dict[Style, str]] = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


def colour_wanted(stream: TextIO) -> bool:
    """Only on a terminal, and not where NO_COLOR (any value) or TERM=dumb says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: Style, stream: TextIO) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if colour_wanted(stream) else text


def harmless(text: str) -> str:
    """Text of a script, a model or a service as a terminal may be given it: in its lines, at most so long, and what
    would move the cursor, name the window or turn the direction of writing made visible."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
    if cut.isprintable():
        return cut
    return "".join(sign if sign in "\n\t" or not _acts(sign) else ascii(sign)[1:-1] for sign in cut)


def _acts(sign: str) -> bool:
    return sign < " " or "\x7f" <= sign <= "\x9f" or sign in _TURNS


def show_error(error: LlmspellError, *, debug: bool = False) -> None:
    """`file:line: message`, the script's own stack, causes and what to try, on stderr."""
    out = sys.stderr
    if debug:
        traceback.print_exception(error, file=out)
    where = paint(harmless(error.source or "llmspell"), "bold", out)
    print(f"{where}: {paint(harmless(error.message), 'red', out)}", file=out)
    for frame in error.stack:
        print(paint(f"  at {harmless(frame)}", "dim", out), file=out)
    hint, said = error.hint, error.message
    for cause in _chain(error.__cause__):
        if cause.message not in said:
            where = f"{cause.source}: " if cause.source not in {"", error.source} else ""
            print(f"  because: {harmless(where + cause.message)}", file=out)
        hint, said = hint or cause.hint, said + cause.message
    if hint:
        print(f"  hint: {harmless(hint)}", file=out)


def show_defect(error: Exception, *, debug: bool = False) -> None:
    """An error that is none of ours: llmspell itself is wrong."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    text = str(error) or "no message"
    print(f"llmspell: internal error: {type(error).__name__}: {text.splitlines()[0]}", file=sys.stderr)
    if not debug:
        print("  hint: run it again with --debug to see where, and report it", file=sys.stderr)


def exit_code(error: LlmspellError) -> int:
    """The exit code of a failed command: 4 where the reason, at whatever depth, is that no model could be reached."""
    for link in _chain(error):
        if isinstance(link, ProviderError) and link.provider_kind == "network":
            return link.exit_code_unreachable
    return error.exit_code


def _chain(error: BaseException | None) -> Iterator[LlmspellError]:
    """The error, what caused it, what caused that."""
    while isinstance(error, LlmspellError):
        yield error
        error = error.__cause__
