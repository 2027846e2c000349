"""How much of a text that is still coming can be looked over for good: what is left may be the beginning of something.

Knows the alphabets of what `pii` and `masking` look for, and none of their shapes: whatever text is cut here, its parts
hold what the whole does. A cut is never inside a word.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from llmspell.security.masking import MASK
from llmspell.security.openings import WHOLE_BLOCK

#: Accounts, cards and telephone numbers have blanks between characters of these.
_IN_NUMBERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ()/.+-")
#: A key is what follows these words.
_SCHEMES: Final = ("bearer ", "basic ")
#: What is between a URL's slashes and its host may be a name and a password.
_AUTHORITY: Final = re.compile(r"://[^\s/@]{0,402}\Z")
_BLOCK: Final = re.compile(WHOLE_BLOCK)
_PEM_BEGIN: Final = "-----BEGIN "
_PEM_END: Final = "-----END "
#: Characters of a private key at most, as it is looked for.
_PEM_LENGTH: Final = 21_000


def settled(text: str) -> int:
    """The place up to which nothing that follows the text changes what is found in it."""
    blocks = [found.span() for found in _BLOCK.finditer(text)] if _PEM_BEGIN in text else []
    if not blocks:
        return _settled(text)
    # A key that is there as a whole is hidden first: what is around it is then looked at as if it were one word.
    pieces = [text[a:b] for a, b in pairwise((0, *(place for block in blocks for place in block), len(text)))]
    pieces[1::2] = [MASK] * len(blocks)
    cut = _settled("".join(pieces))
    hidden = 0  # characters that are not in what was looked at
    for start, end in blocks:
        if start - hidden >= cut:
            break
        hidden += end - start - len(MASK)
    return cut + hidden


def _settled(text: str) -> int:
    cut = len(text)
    while True:
        start = _before_number(text, word_start(text, cut))
        cut = _before_block(text, start)
        if cut == start:
            return cut


def word_start(text: str, cut: int) -> int:
    """The nearest place up to `cut` that is inside no word."""
    while cut and _in_word(text[cut - 1]):
        cut -= 1
    return cut


def _in_word(letter: str) -> bool:
    return "!" <= letter <= "~" or letter.isalnum()


def _before_number(text: str, cut: int) -> int:
    """Before the first of the words that may be parts of one number with the word at `cut`, or of one key."""
    while True:
        head = text[:cut].rstrip(" ")
        if not head or len(head) == cut:
            return cut
        spans = (cut == len(text) or _numeric(text[cut])) and _numeric(head[-1])
        if not spans and not text[max(0, cut - 7) : cut].lower().endswith(_SCHEMES):
            return cut
        cut = word_start(text, len(head))


def _numeric(letter: str) -> bool:
    return letter in _IN_NUMBERS or letter.isdecimal()


def _before_block(text: str, cut: int) -> int:
    """Before a key of several lines, or a URL's password, that has not ended there."""
    begin = text.rfind(_PEM_BEGIN, 0, cut)
    if begin >= 0 and cut < _block_end(text, begin):
        cut = begin
    found = _AUTHORITY.search(text, max(0, cut - 410), cut)
    return cut if found is None else found.start()


def _block_end(text: str, begin: int) -> int:
    end = text.find(_PEM_END, begin)
    close = -1 if end < 0 else text.find("-----", end + len(_PEM_END))
    if close < 0:
        return len(text) + 1 if len(text) - begin < _PEM_LENGTH else begin
    return close + len("-----")
