"""Finds words, phrases and patterns that text should not have. A coarse net: it knows spellings, not meanings.

Text and words are compared after Unicode's compatibility folding, in lower case, without invisible characters, with
white space as one blank: letters of full width and a zero-width space in a word hide nothing. A list's word is found as
a whole word. Patterns are RE2's: none can be made to run for ever.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise
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

        #: Characters of folded text that a find takes at most, as far as they decide about it; None: any number.
        self.reach: int | None = 0
        self._compiled: list[tuple[str, Any]] = []
        for category, listed in words.items():
            folded = sorted({folded_text(word) for word in listed} - {""})
            if folded:
                one_of = "|".join(re2.escape(word) for word in folded)
                self._compiled.append((category, re2.compile(rf"(?:^|[^\pL\pN])({one_of})(?:$|[^\pL\pN])")))
                self._reaches(max(map(len, folded)) + 2)
        for category, listed in patterns.items():
            self._compiled.extend((category, _pattern(re2, text)) for text in listed)
            for text in listed:
                self._reaches(_reach(text))

    def _reaches(self, length: int | None) -> None:
        self.reach = None if length is None or self.reach is None else max(self.reach, length)

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

    def find_so_far(self, text: str) -> tuple[Found | None, bool]:
        """What is there whatever follows the text; and whether there is something that what follows decides about."""
        folded = folded_text(text)
        open_end = False
        for category, expression in self._compiled:
            match = expression.search(folded)
            if match is None:
                continue
            if match.end() < len(folded):
                return Found(category, match.group(0)[:80]), False
            open_end = True
        return None, open_end


def folded_text(text: str) -> str:
    """The text as it is compared."""
    composed = unicodedata.normalize("NFKC", text)
    visible = "".join(letter for letter in composed if unicodedata.category(letter) not in {"Cf", "Cs"})
    return " ".join(visible.casefold().split())


#: A pattern that reaches further is waited for to the end.
_FAR: Final = 2_000
#: What depends on where a text begins or ends, or is not to be read sign by sign.
_BLANK: Final = frozenset({" ", r"\s"})  # of which folded text has one at a time
_UNBOUNDED: Final = frozenset({"*", "+", "$", r"\A", r"\z", r"\B", r"\Q"})


def _reach(pattern: str) -> int | None:
    """How many characters a match of the pattern takes at most, no more than decide that there is one: each sign
    stands for one, unless it says how often. None where that has no bound, or is not told by its signs."""
    signs = re.findall(r"\\.|\{\d*,?\d*\}|.", pattern, re.DOTALL)
    if signs and signs[-1] == "?" and len(signs) > 1 and signs[-2] in ("*", "+"):
        signs.pop()
    if signs and signs[-1] in ("*", "+"):
        signs.pop()
    signs = [sign for before, sign in pairwise(["", *signs]) if not (before in _BLANK and sign in ("*", "+"))]
    reach = len(signs)
    for before, sign in pairwise(["", *signs]):
        if sign in _UNBOUNDED or (sign == "^" and before != "["):
            return None
        if len(sign) > 1 and sign[0] == "{":
            most = sign[1:-1].rpartition(",")[2]
            if not most:
                return None
            reach *= max(1, int(most))
    return reach if reach <= _FAR else None


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
