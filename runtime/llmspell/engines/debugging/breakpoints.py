"""The breakpoints of one line: condition, hit count, log message. Plain values; evaluate nothing themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_HITS: Final = re.compile(r"\s*(>=|<=|==?|>|<|%)?\s*(\d{1,9})\s*\Z")
_COMPARED: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": lambda hits, number: hits >= number,
    "<=": lambda hits, number: hits <= number,
    ">": lambda hits, number: hits > number,
    "<": lambda hits, number: hits < number,
    "==": lambda hits, number: hits == number,
    "=": lambda hits, number: hits == number,
    "%": lambda hits, number: hits % number == 0,
}


def hit_rule(text: str) -> Callable[[int], bool] | None:
    """What a hit count says of the n-th hit: a number from which on it stops, or one after `>`, `==`, `%`, ….

    None for a text that says nothing of the kind."""
    found = _HITS.match(text)
    if found is None:
        return None
    compared, number = _COMPARED[found[1] or ">="], int(found[2])
    if found[1] == "%" and not number:
        return None
    return lambda hits: compared(hits, number)


def log_parts(message: str) -> Iterator[tuple[bool, str]]:
    """A log message in parts: whether it is an expression (`{…}`, braces inside of it balanced), and the text."""
    at = 0
    while (begin := message.find("{", at)) >= 0:
        depth, end = 1, begin + 1
        while end < len(message) and depth:
            depth += {"{": 1, "}": -1}.get(message[end], 0)
            end += 1
        if depth:
            break
        if begin > at:
            yield False, message[at:begin]
        yield True, message[begin + 1 : end - 1]
        at = end
    if at < len(message):
        yield False, message[at:]


@dataclass(slots=True)
class LineBreakpoint:
    """id: the client's name for it. condition, hit, log: as the person wrote them, "" for none."""

    id: int
    line: int
    condition: str = ""
    hit: str = ""
    log: str = ""
    hits: int = 0

    @staticmethod
    def of(given: dict[str, Any]) -> LineBreakpoint:
        """From the fields of a `breakpoints` command, which the host has checked."""
        return LineBreakpoint(
            given["id"], given["line"], given.get("condition", ""), given.get("hit", ""), given.get("log", "")
        )

    def counts(self) -> bool:
        """It is reached once more; whether its hit count lets it stop."""
        self.hits += 1
        rule = hit_rule(self.hit) if self.hit else None
        return rule is None or rule(self.hits)
