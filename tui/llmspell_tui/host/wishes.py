"""What the person asked `llmspell dev` and `llmspell tui` for, as plain values. Starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["keep", "reset", "fork"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """files: spells to run at every save; none to look at stored and live runs. run: the one to show first, its id or
    `last`. state: what each run's state is: the project's own, empty, or a copy of the project's. replay_prefix:
    answer what has not changed from the run before. breakpoints, approve: as `llmspell run` has them. web: in a
    browser. plain: lines instead of drawing."""

    files: tuple[str, ...] = ()
    run: str = ""
    params: Any = None
    flags: dict[str, Any] = field(default_factory=dict[str, Any])
    state: State = "keep"
    replay_prefix: bool = False
    breakpoints: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    web: bool = False
    plain: bool = False


def apart(files: Sequence[str]) -> list[str]:
    """As short as tells them apart: `a.lua`, or `one/spell.lua` beside `two/spell.lua`."""
    parts = [Path(file).absolute().parts for file in files]
    names: list[str] = []
    for own in parts:
        length = 1
        while length < len(own) and sum(other[-length:] == own[-length:] for other in parts) > parts.count(own):
            length += 1
        names.append(str(Path(*own[-length:])))
    return names
