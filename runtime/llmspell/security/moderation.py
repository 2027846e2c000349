"""Finds words, phrases and patterns that text should not have. A coarse net: it knows spellings, not meanings.

Text and words are compared after Unicode's compatibility folding, in lower case, without invisible characters, with
white space as one blank: letters of full width and a zero-width space in a word hide nothing. A list's word is found as
a whole word. Patterns are RE2's: none can be made to run for ever.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from llmspell.errors import ArgumentError
from llmspell.frozen import frozen

#: The categories of a moderator that was given no lists, after the headings of the big services' usage policies. Each
#: is a few phrases that hardly ever have a harmless reading; for more give lists of your own, or a model.
BUILT_IN: Final[Mapping[str, tuple[str, ...]]] = {
    "self_harm": (
        "kill yourself",
        "kill myself",
        "hurt myself",
        "end my life",
        "how to commit suicide",
        "ways to die painlessly",
    ),
    "violence": (
        "i will kill you",
        "kill them all",
        "how to make a bomb",
        "how to build a bomb",
        "how to make explosives",
        "how to poison someone",
        "mass shooting plan",
    ),
    "hate": ("subhuman race", "exterminate all", "gas the", "ethnic cleansing is good", "inferior race"),
    "sexual_minors": ("child porn", "child pornography", "sexualize a child", "sexualise a child"),
    "crime": (
        "how to launder money",
        "how to make meth",
        "how to cook meth",
        "buy stolen credit cards",
        "how to hotwire a car",
        "write ransomware",
        "write a keylogger",
    ),
}


@frozen
class Found:
    """What was found. text: as it stands in the folded text, at most 80 characters."""

    category: str
    text: str


class Lists:
    """Compiled lists. words and patterns by category."""

    def __init__(self, words: Mapping[str, Iterable[str]], patterns: Mapping[str, Iterable[str]]) -> None:
        """Raises ArgumentError for a pattern that is none."""
        import re2  # pyright: ignore[reportMissingImports]  # 9 ms, and ships no types

        self._compiled: list[tuple[str, Any]] = []
        for category, listed in words.items():
            folded = sorted({folded_text(word) for word in listed} - {""})
            if folded:
                one_of = "|".join(re2.escape(word) for word in folded)
                self._compiled.append((category, re2.compile(rf"(?:^|[^\pL\pN])({one_of})(?:$|[^\pL\pN])")))
        for category, listed in patterns.items():
            self._compiled.extend((category, _pattern(re2, text)) for text in listed)

    def find(self, text: str) -> list[Found]:
        """Each word and pattern that is there, once."""
        folded = folded_text(text)
        found: list[Found] = []
        for category, expression in self._compiled:
            match = expression.search(folded)
            if match is not None:
                shown = match.group(1) if expression.groups else match.group(0)
                found.append(Found(category, (shown or match.group(0))[:80]))
        return found


def folded_text(text: str) -> str:
    """The text as it is compared."""
    composed = unicodedata.normalize("NFKC", text)
    visible = "".join(letter for letter in composed if unicodedata.category(letter) not in {"Cf", "Cs"})
    return " ".join(visible.casefold().split())


def _pattern(re2: Any, text: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        shown = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ArgumentError(
            f"{text!r} is no pattern: {shown}", hint="RE2's syntax: no look-around and no back-references"
        ) from None
