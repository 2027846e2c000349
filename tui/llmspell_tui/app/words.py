"""The words that a person types in plain mode, and how a line of them is read. Does nothing of what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llmspell.errors import UsageError


@dataclass(frozen=True, slots=True)
class Word:
    """takes: what may come after it. dev: whether it needs a spell that runs on save."""

    name: str
    takes: str
    help: str
    dev: bool = False


WORDS: Final = (
    Word("help", "", "these words"),
    Word("status", "", "how the run is: time, errors, calls, tokens, cost, events"),
    Word("why", "[NUMBER]", "what that number was, what it was given and gave, what it was in; else the last error"),
    Word("errors", "", "what failed"),
    Word("state", "", "the state as it is now"),
    Word("runs", "", "the stored runs"),
    Word("open", "RUN", "tell of another run: its id, the beginning of it, or last"),
    Word("less", "", "tell of errors, warnings and printed text alone"),
    Word("more", "", "tell of everything again"),
    Word("pause", "", "the run begins nothing more"),
    Word("resume", "", "it goes on"),
    Word("step", "[model|tool]", "it goes on to the next call"),
    Word("answer", "TEXT", "answer what the spell asks"),
    Word("approve", "", "let the tool call that waits happen"),
    Word("deny", "[REASON]", "do not let it happen"),
    Word("cancel", "", "end the run"),
    Word("again", "", "run the spell again", dev=True),
    Word("spells", "[NAME]", "the spells that run on save; with a part of a name, tell of that one", dev=True),
    Word("quit", "", "leave; so does the end of what is typed, control D"),
)


def read(line: str, *, dev: bool) -> tuple[str, str]:
    """The word meant, by its whole name or its beginning, and what comes after it. Raises UsageError."""
    typed, _, rest = line.strip().partition(" ")
    known = [word.name for word in WORDS if dev or not word.dev]
    found = [name for name in known if name == typed.lower()] or [
        name for name in known if name.startswith(typed.lower())
    ]
    if len(found) == 1:
        return found[0], rest.strip()
    if not found:
        raise UsageError(f"there is no word {typed!r}", hint="type help")
    raise UsageError(f"{typed!r} may be {' or '.join(found)}", hint="type more of it")


def told(*, dev: bool) -> list[str]:
    return [f"{f'{word.name} {word.takes}'.strip()}: {word.help}" for word in WORDS if dev or not word.dev]
