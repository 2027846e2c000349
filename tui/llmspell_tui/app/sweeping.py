"""When Python's collector of cycles looks. Knows no widget.

While the window starts and while it reads a million spans, nearly all that is made stays or goes at once: looking for
cycles in it was 9 % of the time to the first picture and 15 % of a large run's reading.
"""

from __future__ import annotations

import gc
from typing import Final

#: Objects more than there were after which the youngest are looked through: 2 ms, which no key notices.
_YOUNG: Final = 20_000


def hold() -> None:
    """Not at all, until `go_on`."""
    gc.disable()


def go_on() -> None:
    """Where it was held: now and then, and never again at what is there by now, which stays to the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(_YOUNG, 10, 10)
        gc.enable()
