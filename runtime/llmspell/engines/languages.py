"""Which languages there are, and their engines made warm: everything done that does not depend on the spell.

A zygote warms an engine once and each fork inherits it, ready; in the host's own process each spell gets a fresh one.
Another distribution adds a language by an entry point of the group `llmspell.engines`: its name is the language's, and
it names a module that is a `Plugin`. Everything else (the worker, its sandbox and limits, frames, hooks, traces,
replay) is then as for Lua and JavaScript; names are spelled in snake_case. Knows no process and no frame.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

from llmspell.engines.binding import Binding
from llmspell.engines.engine import Engine, Host

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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


class Plugin(Protocol):
    """The module of an engine that is not ours."""

    #: What the names of its spells end in: `(".py",)`.
    SUFFIXES: tuple[str, ...]

    def warm(self, binding: Binding) -> WarmEngine:
        """A new engine. What it will need must be imported now: a worker can open no file."""
        ...


def plugged(language: str) -> Plugin | None:
    """The plug-in of a language."""
    found = next((point for point in _entry_points() if point.name == language), None)
    return None if found is None else found.load()


def plugged_by_suffix(suffix: str) -> str | None:
    """The language of files that end so, where a plug-in knows it."""
    return next((point.name for point in _entry_points() if suffix in point.load().SUFFIXES), None)


def _entry_points() -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points  # 15 ms, for a language that is not ours

    return tuple(entry_points(group="llmspell.engines"))


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
            if (plugin := plugged(language)) is not None:
                return plugin.warm(binding)
            raise ValueError(f"there is no language {language!r}; there are {' and '.join(LANGUAGES)}")


def warm_debugged(language: str, binding: Binding) -> WarmEngine:
    """A new engine that serves a debugger (`debugging.inspected.Debuggable`). Raises ValueError for a language that
    has none."""
    from llmspell.engines.debugging import worker  # 3 ms, for scripts that are debugged

    assert worker  # imported now: a worker can open no file
    match language:
        case "lua":
            from llmspell.engines.lua import debugging  # as in `warm`

            return debugging.warm_debugged(binding)
        case "javascript":
            from llmspell.engines import javascript

            return javascript.warm_debugged(binding)
        case _:
            raise ValueError(f"spells in {language!r} cannot be debugged; those in {' and '.join(LANGUAGES)} can")
