"""Finds personal data in text by its shape: e-mail addresses, telephone numbers, payment cards, bank accounts, keys.

Cards count only with a right check digit (Luhn), accounts only with right ones (ISO 13616), so that ordinary numbers
stay. Shapes are guesses: a name or an address has none. Every repetition is bounded, so matching is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, Literal, get_args

Kind = Literal["key", "iban", "card", "email", "phone"]

#: In the order in which they are looked for: an account's digits are no telephone number.
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_PATTERNS: Final[dict[Kind, str]] = {
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b",
    "card": r"(?<![\d.,+])\d(?:[ -]?\d){12,18}(?![\d])",
    "email": r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
    "phone": r"(?<![\w.])(?:\+|00|\(0|0(?=\d{2,5}[ /\-]))[\d(][\d ()/.\-]{5,20}\d(?!\w)"
    r"|(?<![\w.\-])\(?\d{3}\)?[ .\-]\d{3}[ .\-]\d{4}(?![\w\-])",
}


@cache
def _compiled(kind: Kind) -> re.Pattern[str]:
    return re.compile(_PATTERNS[kind])


def masked(text: str, kinds: Iterable[Kind], hide_keys: Callable[[str], str]) -> tuple[str, dict[str, int]]:
    """The text with what was found as `[email]`, and how much of each kind. hide_keys: masks keys and passwords."""
    found: dict[str, int] = {}
    wanted = set(kinds)
    for kind in KINDS:
        if kind not in wanted:
            continue
        if kind == "key":
            hidden = hide_keys(text)
            if hidden != text:
                found[kind], text = max(1, hidden.count("***") - text.count("***")), hidden
            continue
        is_one = _CHECKS[kind]
        pieces: list[str] = []
        end = count = 0
        for match in _compiled(kind).finditer(text):
            length = is_one(match.group())
            if length:
                pieces += (text[end : match.start()], f"[{kind}]")
                end = match.start() + length
                count += 1
        if count:
            found[kind], text = count, "".join(pieces) + text[end:]
    return text, found


def is_card(text: str) -> bool:
    """Whether the digits are a payment card's: 13 to 19 of them, the last one right (Luhn)."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [digit if index % 2 == 0 else digit * 2 - 9 * (digit > 4) for index, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether it is a bank account's number with right check digits."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _iban(text: str) -> int:
    """How many characters are an account's: words in capitals may follow it."""
    for end in range(len(text), 14, -1):
        if text[end - 1] != " " and is_iban(text[:end]):
            return end
    return 0


def _card(text: str) -> int:
    return len(text) if is_card(text) else 0


def _phone(text: str) -> int:
    return len(text) if 7 <= sum(map(str.isdigit, text)) <= 15 else 0


_CHECKS: Final[dict[Kind, Callable[[str], int]]] = {"iban": _iban, "card": _card, "email": len, "phone": _phone}
