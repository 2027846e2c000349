"""Who may read and write a state. Knows no store: it decides over names.

An actor is whoever a change is made by: a spell (`reports/nightly.lua`), or an agent or workflow of it
(`reports/nightly.lua agent:bookkeeper`). What belongs to a spell belongs to its agents and workflows too; what belongs
to an agent is that agent's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from llmspell.errors import PermissionDenied, SecurityError
from llmspell.frozen import frozen

Kind = Literal["open", "read_only", "private"]
Doing = Literal["read", "write"]


@frozen
class Access:
    """open: everybody reads and writes. read_only: only the owner writes. private: only the owner reads and writes."""

    kind: Kind = "open"
    owner: str = ""

    def check(self, actor: str, doing: Doing, scope: str) -> None:
        """Raises SecurityError unless the actor may."""
        if self.kind == "open" or (self.kind == "read_only" and doing == "read") or is_of(actor, self.owner):
            return
        what = "private to" if self.kind == "private" else "written only by"
        raise SecurityError(
            f"{actor} may not {doing} the state {scope!r}: it is {what} {self.owner}",
            hint="its owner can open it: the scope's `access` is then 'open'",
            data={"scope": scope, "owner": self.owner, "access": self.kind, "actor": actor},
        )

    def check_claim(self, actor: str, scope: str) -> None:
        """Raises SecurityError unless the actor may change who has access."""
        if self.owner and not is_of(actor, self.owner):
            raise SecurityError(
                f"{actor} may not change who has access to the state {scope!r}: it belongs to {self.owner}",
                hint="use it as it is, or choose another name",
                data={"scope": scope, "owner": self.owner, "access": self.kind, "actor": actor},
            )

    def to_value(self) -> dict[str, Any]:
        return {"access": self.kind, "owner": self.owner}


OPEN: Final = Access()


def access_of(value: Any) -> Access:
    """An access as it was stored. One that nobody can read is private to nobody."""
    match value:
        case {"access": ("open" | "read_only" | "private") as kind, "owner": str(owner)}:
            return Access(kind, owner)
        case _:
            return Access("private", "nobody")


def is_of(actor: str, owner: str) -> bool:
    """Whether the actor is the owner or belongs to it."""
    return actor == owner or actor.startswith(f"{owner} ")


def check_granted(name: str, doing: Doing, patterns: Sequence[str]) -> None:
    """Raises PermissionDenied unless the settings let spells read or write this. name: `key`, or `scope/key`."""
    if not any(fnmatchcase(name, pattern) for pattern in patterns):
        listed = ", ".join(patterns) or "nothing"
        raise PermissionDenied(
            f"the spell may not {doing} the state {name!r}",
            hint=f"[state] {doing} in llmspell.toml allows: {listed}",
            data={"permission": f"state_{doing}", "needed": name},
        )
