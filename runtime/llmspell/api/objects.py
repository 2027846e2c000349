"""What the bridge needs of a class that scripts can construct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol, Self

from llmspell.api.callback import Callback
from llmspell.frozen import frozen


@frozen
class ScriptClass:
    """A class that a script made from a class of the library. overrides: its methods that the host calls back, each a
    function of `(self, …)`."""

    name: str
    overrides: Mapping[str, Callback] = field(default_factory=dict[str, Callback])


class Constructible(Protocol):
    """A class whose objects scripts make: `Agent.new{…}`, `new Agent({…})`."""

    @classmethod
    def create(cls, run: Any, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        """A new object from checked options (snake_case, declared ones only)."""
        ...
