"""Where a secret may have begun at the end of a text that is still coming.

A text that is told in pieces is kept in pieces, and each is masked alone: `Unbroken` sees to it that none of them ends
inside a secret, so that every secret is in one piece. Knows the shapes that `masking` looks for, as far as they begin;
knows no model and no store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

#: What keys of one word begin with, what of that may be there so far, and what they are made of.
_BEGINNINGS: Final = (
    *("sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA", "AIza", "hf_"),
    *("sk_live_", "sk_test_", "rk_live_", "rk_test_", "eyJ"),
)
_BEGINNING: Final = "|".join(_BEGINNINGS)
_BEGUN: Final = frozenset(each[:length] for each in _BEGINNINGS for length in range(1, len(each)))
_MOST_BEGUN: Final = max(map(len, _BEGUN))
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
#: Characters of a key of one word at most, so that a text without any blank comes too.
_LONGEST: Final = 8_192
#: A key follows these words, in whatever case.
_SCHEME: Final = (
    r"(?i:b(?:e(?:a(?:r(?:e(?:r(?: [A-Za-z0-9._~+/\-]{0,8192}=*)?)?)?)?)?"
    r"|a(?:s(?:i(?:c(?: [A-Za-z0-9._~+/\-]{0,8192}=*)?)?)?)?)?)\Z"
)
#: A private key's first line, its lines, and its last one; the longest first line has 41 letters.
_BLOCK: Final = (
    r"(?:-{1,4}|-----(?:B(?:E(?:G(?:I(?:N(?: [A-Z ]{0,41}-{0,4})?)?)?)?)?)?"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}"
    r"(?:-{1,5}|-----E(?:N(?:D(?: [A-Z ]{0,41}-{0,4})?)?)?)?)\Z"
)
#: A name and a password may stand between a URL's slashes and its host.
_PASSWORD: Final = r":(?:/(?:/[^\s/@]{0,402})?)?\Z"
#: A private key of several lines, with its last one.
WHOLE_BLOCK: Final = r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}-----END [A-Z ]{0,30}PRIVATE KEY-----"

#: Characters that wait at most, unless a known secret is longer: more than a private key has.
_MOST_HELD: Final = 24_000
#: Beginnings in front of beginnings that are looked for. A secret that holds a few others is one that can be; a text of
#: one letter repeated, with a secret that begins so, would be looked through once a letter and wait for ever.
_MOST_NESTED: Final = 16

Hide = Callable[[str], str]


class Unbroken:
    """One text in pieces: what is given out of it never ends inside a secret. Parts of pieces wait for the next ones.

    hide: masks a text. secrets: known ones, in all their spellings.
    """

    __slots__ = ("_held", "_hide", "_secrets")

    def __init__(self, hide: Hide, secrets: tuple[str, ...]) -> None:
        self._hide = hide
        self._secrets = secrets
        self._held = ""

    def feed(self, text: str) -> str:
        """What of the text so far can be given out now."""
        held = self._held + text
        cut = opening(held, self._secrets)
        whole = 0 < cut < len(held) < _MOST_HELD
        if whole and self._hide(held[:cut]) + self._hide(held[cut:]) != self._hide(held):
            cut = 0  # inside of a secret that is there as a whole, one that holds the beginning of another
        self._held = held[cut:]
        return held[:cut]

    def end(self) -> str:
        """The rest of it, when it is whole."""
        rest, self._held = self._held, ""
        return rest


def opening(text: str, secrets: Sequence[str]) -> int:
    """The place from which a text may be the beginning of a secret, or one that may get longer; its length for none.

    What is before that place is no beginning either: a password may itself hold one.
    """
    cut = len(text)
    for _ in range(_MOST_NESTED):
        before, cut = cut, _opening(text[:cut], secrets)
        if cut == before:
            break
    return cut


def _opening(text: str, secrets: Sequence[str]) -> int:
    least = len(text)
    filled = text
    for secret in secrets:
        least = min(least, _begun(text, secret))
        if secret in filled:
            filled = filled.replace(secret, "*" * len(secret))
    if "-" in filled:
        least = min(least, _found(_BLOCK, filled))
        filled = _compiled(WHOLE_BLOCK).sub(lambda block: "*" * len(block.group()), filled)
    least = min(least, _found(_PASSWORD, filled), _found(_SCHEME, filled))
    return min(least, _key(filled))


def _begun(text: str, secret: str) -> int:
    """Where the text ends in the beginning of this secret."""
    place = text.find(secret[0], max(0, len(text) - len(secret) + 1))
    while place >= 0:
        if secret.startswith(text[place:]):
            return place
        place = text.find(secret[0], place + 1)
    return len(text)


def _found(pattern: str, text: str) -> int:
    found = _compiled(pattern).search(text)
    return len(text) if found is None else found.start()


def _key(text: str) -> int:
    """Where the last word may be the beginning of a key, or one."""
    start, end = len(text.rstrip(_LETTERS)), len(text)
    least = end
    for found in _compiled(_BEGINNING).finditer(text, start):
        if _begins_word(text, found.start()):
            least = found.start()
            break
    for place in range(max(start, end - _MOST_BEGUN), least):
        if text[place:] in _BEGUN and _begins_word(text, place):
            least = place
            break
    if text.endswith("\\"):
        least = min(least, end - 1)
    elif _is_break(text, least):
        least -= 2
    return least if end - least <= _LONGEST else end


def _begins_word(text: str, place: int) -> bool:
    """Whether a word may begin there, also after a line break that is written as `\\n`."""
    if not place:
        return True
    before = text[place - 1]
    return not (before.isalnum() or before == "_") or _is_break(text, place)


def _is_break(text: str, place: int) -> bool:
    """Whether a line break that is written as `\\n` ends there, or the like."""
    return place > 1 and text[place - 2] == "\\" and text[place - 1] in "nrtbf"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
