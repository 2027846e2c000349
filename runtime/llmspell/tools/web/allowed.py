"""What an option of a service's tool leaves of it: the channels, projects, repositories and recipients it names.

Knows no service: whoever asks says how a name is written there, and what the option is called.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmspell.errors import PermissionDenied
from llmspell.frozen import frozen


@frozen
class Allowed:
    """tool, option: for errors. what: the kind of thing, such as `channel`. names: as the option has them; None: all
    are allowed."""

    tool: str
    option: str
    what: str
    names: Sequence[str] | None

    @property
    def narrows(self) -> bool:
        return self.names is not None

    def check(self, asked: str, *spellings: str) -> None:
        """Raises PermissionDenied unless the option names what is asked for, whatever the case of its letters.

        spellings: other names that mean it too, such as `owner/*`.
        """
        meant = {each.lower() for each in (asked, *spellings)}
        if self.names is not None and not meant & {name.lower() for name in self.names}:
            raise self.denied(asked)

    def denied(self, asked: str) -> PermissionDenied:
        return PermissionDenied(
            f"{self.tool} may not use the {self.what} {asked!r}: its options leave it out",
            hint=f"`{self.option}` names {', '.join(self.names or ()) or 'nothing'}",
            data={"permission": self.what, "needed": asked},
        )


def check_writes(tool: str, operation: str, read_only: bool) -> None:
    """Raises PermissionDenied where a tool that may only read is asked to write."""
    if read_only:
        raise PermissionDenied(
            f"{tool} may not {operation.replace('_', ' ')}: it is read-only",
            hint="make the tool with `read_only = false`",
            data={"permission": "write", "needed": operation},
        )
