"""How traces are shown on a stream: its width, whether it takes colour, and which characters."""

from __future__ import annotations

import os
from typing import TextIO

from llmspell.traces.layout import Look

#: Of a stream that is no terminal: a file, a pipe, a pull request's log.
_WIDTH = 120
_NARROWEST, _WIDEST = 60, 200


def look_of(stream: TextIO, spell: str = "") -> Look:
    """The look of a terminal or file. COLUMNS, NO_COLOR and TERM=dumb are honoured."""
    terminal = stream.isatty()
    return Look(
        width=min(max(_width(stream, terminal), _NARROWEST), _WIDEST),
        colour=terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        fancy=(stream.encoding or "").lower().replace("-", "") in ("utf8", "utf8sig"),
        spell=spell,
    )


def _width(stream: TextIO, terminal: bool) -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns if terminal else _WIDTH
    except (OSError, ValueError):
        return _WIDTH
