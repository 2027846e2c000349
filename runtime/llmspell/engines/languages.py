"""Which languages there are, and their engines made warm: everything done that does not depend on the spell.

A zygote warms an engine once and each fork inherits it, ready; in the host's own process each spell gets a fresh one.
Knows no process and no frame.
"""

from __future__ import annotations

import json
import os
from typing import Final, Literal, Protocol, get_args

from llmspell.engines.binding import Binding
from llmspell.engines.engine import Engine, Host

Language = Literal["lua", "javascript"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Language)

#: What the registry binds into every spell. A string: a worker's start pays 5 ms for pathlib.
BINDING: Final = os.path.dirname(os.path.dirname(__file__)) + "/api/generated/bindings.gen.json"  # noqa: PTH120


class WarmEngine(Protocol):
    """An engine with its prelude run and its classes bound, waiting for a spell."""

    def attach(self, host: Host) -> Engine:
        """The engine, with the worker it will run in. Once in its life."""
        ...

    def interrupt(self, *, forced: bool) -> None:
        """As `Engine.interrupt`; nothing before `attach`."""
        ...


def read_binding(path: str = BINDING) -> Binding:
    """Raises OSError when the file is missing, ValueError when it is not JSON."""
    with open(path, "rb") as file:  # noqa: PTH123
        binding: Binding = json.load(file)
    return binding


def warm(language: str, binding: Binding) -> WarmEngine:
    """A new engine of a language. Lua costs about 10 ms, JavaScript 20 ms, most of it in the prelude and binding.

    Raises ValueError for a language that there is not.
    """
    match language:
        case "lua":
            from llmspell.engines import lua  # 5 ms, and nothing a JavaScript spell needs

            return lua.warm(binding)
        case "javascript":
            from llmspell.engines import javascript  # the same the other way round

            return javascript.warm(binding)
        case _:
            raise ValueError(f"there is no language {language!r}; there are {' and '.join(LANGUAGES)}")
