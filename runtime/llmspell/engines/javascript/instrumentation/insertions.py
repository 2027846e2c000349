"""Texts put into a text, in an order that keeps what belongs together around each other. Knows no language."""

from __future__ import annotations

from collections.abc import Callable


class Insertions:
    """Places are offsets in UTF-8. Of those at the same place, what closes comes before what opens, and of these the
    one that was added last is the innermost."""

    def __init__(self) -> None:
        self._added: list[tuple[int, int, int, str | Callable[[], str]]] = []

    def before(self, place: int, text: str | Callable[[], str]) -> None:
        """Opens what begins at the place. A function is asked for its text at the end."""
        self._added.append((place, 1, len(self._added), text))

    def after(self, place: int, text: str | Callable[[], str]) -> None:
        """Closes what ends at the place."""
        self._added.append((place, 0, -len(self._added), text))

    def applied(self, source: bytes) -> tuple[str, list[tuple[int, int]]]:
        """The text, and of each insertion the place in it and the length, both in UTF-16 units."""
        parts: list[str] = []
        places: list[tuple[int, int]] = []
        at = units = 0
        for place, _, _, text in sorted(self._added, key=lambda one: one[:3]):
            kept = source[at:place].decode("utf-8", "surrogatepass")
            given = text if isinstance(text, str) else text()
            units += units_of(kept)
            places.append((units, units_of(given)))
            units += units_of(given)
            parts += [kept, given]
            at = place
        parts.append(source[at:].decode("utf-8", "surrogatepass"))
        return "".join(parts), places


def units_of(text: str) -> int:
    """How many UTF-16 units it has."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
