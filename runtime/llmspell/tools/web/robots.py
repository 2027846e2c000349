"""What a site's robots.txt allows, by RFC 9309: the group that names the agent, its longest matching rule, `*` and `$`.

Knows no network: it is given the file's text.
"""

from __future__ import annotations

import re
from typing import Final

from llmspell.frozen import frozen

#: RFC 9309 asks for 500 KiB at least; the rest of a longer file is not read.
MOST: Final = 512_000
_TOKEN: Final = re.compile(r"[A-Za-z_-]+")


@frozen
class Robots:
    """Rules for one agent: (allowed, path pattern)."""

    rules: tuple[tuple[bool, str], ...]

    @classmethod
    def parse(cls, text: str, agent: str) -> Robots:
        """agent: a User-Agent header; its first word of letters is the name that groups are matched with."""
        found = _TOKEN.match(agent)
        name = found.group().lower() if found else ""
        groups = _groups(text[:MOST])
        own = [rule for agents, rules in groups if name in agents for rule in rules]
        named = any(name in agents for agents, _ in groups)
        return cls(tuple(own if named else [rule for agents, rules in groups if "*" in agents for rule in rules]))

    def allows(self, path: str) -> bool:
        """path: with its query. The longest pattern wins, and of two equally long ones the one that allows."""
        if path == "/robots.txt":
            return True
        best = max(
            ((len(pattern), allowed) for allowed, pattern in self.rules if _matches(pattern, path)), default=(0, True)
        )
        return best[1]


#: What a site without the file, or with one that cannot be had, means.
OPEN: Final = Robots(())
CLOSED: Final = Robots(((False, "/"),))


def _groups(text: str) -> list[tuple[set[str], list[tuple[bool, str]]]]:
    groups: list[tuple[set[str], list[tuple[bool, str]]]] = []
    naming = False
    for line in text.splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if not naming:
                groups.append((set(), []))
            found = _TOKEN.match(value)
            groups[-1][0].add("*" if value == "*" else found.group().lower() if found else "")
            naming = True
        elif key in {"allow", "disallow"}:
            naming = False
            if groups and value:
                groups[-1][1].append((key == "allow", value))
    return groups


def _matches(pattern: str, path: str) -> bool:
    """Piece by piece from the left, so that a pattern of many stars costs no more than its length times the path's."""
    whole = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not whole or path == first
    at = len(first)
    for piece in rest[:-1]:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    last = rest[-1]
    return path.endswith(last) and len(path) - len(last) >= at if whole else path.find(last, at) >= 0
