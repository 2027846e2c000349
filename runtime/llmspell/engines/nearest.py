"""What a script may have meant by a name that is not there: the nearest member or global of the registry.

For an engine's own process, which can import nothing any more and so not difflib. Knows no language: it is given how
names are spelled in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from llmspell.engines.binding import Binding, Class


class Names:
    """The names of a binding. spell: how a snake_case name is written in the language."""

    def __init__(self, binding: Binding, spell: Callable[[str], str]) -> None:
        by_name = {one["name"]: one for one in binding["classes"]}
        self._globals = {error["name"] for error in binding["errors"]}
        self._members: dict[str, set[str]] = {}  # of a class or namespace itself
        self._of_objects: set[str] = set()
        for one in binding["classes"]:
            own, of_objects = _members(one, by_name)
            for name in (one["name"], *one["aliases"]):
                self._globals.add(name)
                self._members[name] = {spell(member) for member in own}
            self._of_objects |= {spell(member) for member in of_objects}

    def add_globals(self, names: Mapping[str, Iterable[str]]) -> None:
        """The engine's own, each with its members."""
        self._globals.update(names)
        for name, members in names.items():
            self._members.setdefault(name, set(members))

    def near_global(self, name: str) -> str:
        """The global meant by a name, or ""."""
        return nearest(name, self._globals)

    def near_member(self, holder: str, name: str) -> str:
        """The member meant by a name, or "". holder: what stands before it; a class or a namespace of that name, or
        else an object whose class nobody knows."""
        return nearest(name, self._members.get(holder, self._of_objects))

    def near_any_member(self, name: str) -> str:
        """The same where nothing is known of the holder."""
        return nearest(name, self._of_objects.union(*self._members.values()))


def _members(one: Class, by_name: dict[str, Class]) -> tuple[set[str], set[str]]:
    """The names of what the class itself has and of what its objects have, inherited ones included."""
    own: set[str] = set() if one["namespace"] else {"new", "extend"}
    of_objects: set[str] = set()
    owner: Class | None = one
    while owner is not None:
        for method in owner["methods"]:
            (own if method["static"] or owner["namespace"] else of_objects).add(method["name"])
        for item in owner["properties"]:
            (own if owner["namespace"] else of_objects).add(item["name"])
        owner = by_name.get(owner["extends"] or "")
    return own, of_objects


def nearest(name: str, names: Iterable[str]) -> str:
    """The name that fewest letters added, lost, changed or swapped with their neighbour lead to, if few enough; or "".

    A different case of letters counts as one.
    """
    most = 1 if len(name) < 5 else 2 if len(name) < 9 else 3
    best, least = "", most + 1
    for other in sorted(names):
        if other != name and abs(len(other) - len(name)) < least:
            steps = 1 if other.lower() == name.lower() else _steps(name, other)
            if steps < least:
                best, least = other, steps
    return best


def _steps(a: str, b: str) -> int:
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            steps = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                steps = min(steps, before[j - 2] + 1)
            row.append(steps)
        before, last = last, row
    return last[-1]
