"""What it means for a person that a run cannot be read, and whether it passes."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from llmspell.errors import StoreError
from llmspell_tui.model.updates import Trouble

#: The folders before a file's name: a line has room for what is wrong with it, or for them.
_FOLDERS: Final = re.compile(r"'/[^']*/(?=[^'/]+')")


def trouble_of(error: StoreError | OSError | sqlite3.Error) -> Trouble:
    """passing: trying again may help."""
    text = _FOLDERS.sub("'", error.message if isinstance(error, StoreError) else str(error))
    lower = text.lower()
    if "locked" in lower or "busy" in lower:
        return Trouble(f"{text}", "another process holds the file; it is read as soon as that lets go", passing=True)
    if "disk is full" in lower or "no space left" in lower:
        return Trouble(text, "free some space on the disk; it is tried again", passing=True)
    if "unable to open" in lower or "too many open files" in lower:
        return Trouble(text, "it is tried again; see whether the file and its folder may be read", passing=True)
    if isinstance(error, StoreError) and error.hint:
        return Trouble(text, error.hint)
    return Trouble(text, "see whether the file and its folder may be read")


def killed(run: str, unstored: int = 0) -> Trouble:
    """The runtime of a run died before the run had ended. unstored: its events that were told, and are in no file."""
    gone = f", and its last {unstored:,} events with it" if unstored > 1 else ", and its last event with it"
    remedy = f"all that was stored by then is shown; `llmspell run --resume {run}` goes on"
    return Trouble(f"the runtime of this run was killed{gone if unstored else ''}", remedy)


def lost(count: int) -> Trouble:
    """The runtime could not store events, or that the run has ended."""
    what = f"{count:,} events" if count > 0 else "the run's end"
    return Trouble(f"{what} could not be stored", "free some space on the disk before the next run")
