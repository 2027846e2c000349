"""Names of runs: short, unique, and in the order of time when sorted as text."""

from __future__ import annotations

import os
import re
import time
from typing import Final

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u to misread
_TIME_LENGTH: Final = 9  # 45 bits of milliseconds: until the year 3084
_CHANCE_LENGTH: Final = 5  # 25 bits: two runs of one millisecond meet once in 33 million

RUN_ID: Final = re.compile(rf"[{_DIGITS}]{{{_TIME_LENGTH + _CHANCE_LENGTH}}}")


def run_id(now: float | None = None) -> str:
    """A new name of 14 letters and digits. now: milliseconds since 1970; without it, the present."""
    milliseconds = int(time.time() * 1000 if now is None else now)
    return _base32(milliseconds, _TIME_LENGTH) + _base32(int.from_bytes(os.urandom(4), "little"), _CHANCE_LENGTH)


def _base32(number: int, length: int) -> str:
    return "".join(_DIGITS[(number >> 5 * place) & 31] for place in reversed(range(length)))
