"""Checks one value against what its setting may be, and words what is wrong with it.

Knows neither files nor variables: a `place` says where a value stood ("llmspell.toml:4", "LLMSPELL_LIMIT_MEMORY_MB",
"--memory-mb").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from llmspell.errors import SettingsError
from llmspell.settings.values import About, Kind, without_passwords

_SHAPES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "text": "a string",
        "path": "a path, as a string",
        "number": "a number",
        "whole": "a whole number",
        "switch": "true or false",
        "texts": "a list of strings",
        "paths": "a list of paths, as strings",
    }
)
_SWITCHES: Final = MappingProxyType(
    {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
)
_SECRET_WORDS: Final = ("key", "token", "secret", "password")


def checked(name: str, what: About, value: Any, place: str, base: Path) -> Any:
    """`value` as the setting `name` holds it: lists as tuples, paths absolute (relative ones are below `base`)."""
    if not _fits(what.kind, value):
        raise wrong(name, value, _SHAPES[what.kind], place)
    if what.choices and value not in what.choices:
        raise wrong(name, value, "one of " + ", ".join(what.choices), place)
    if what.least is not None and not value >= what.least:
        raise wrong(name, value, f"{what.least:g} or more", place)
    match what.kind:
        case "paths":
            return tuple(absolute(path, base) for path in value)
        case "path":
            return absolute(value, base)
        case "texts":
            return tuple(value)
        case "number":
            return float(value)
        case _:
            return value


def from_text(kind: Kind, text: str) -> Any:
    """A variable's text as the value it spells, or the text itself where it spells none (`checked` then refuses it)."""
    match kind:
        case "texts" | "paths":
            return [part.strip() for part in text.split(",") if part.strip()]
        case "switch":
            return _SWITCHES.get(text.lower(), text)
        case "number" | "whole":
            try:
                return int(text) if kind == "whole" else float(text)
            except ValueError:
                return text
        case _:
            return text


def absolute(path: str, base: Path) -> str:
    """`path` with `~` opened, below `base` if relative; links are resolved at the moment of use, by the sandbox."""
    full = base / Path(path).expanduser()
    return str(full) if ".." not in full.parts else str(full.resolve())


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    import difflib  # 4 ms, for errors only

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def wrong(name: str, value: Any, expected: str, place: str) -> SettingsError:
    return SettingsError(f"{name} = {shown(name, value)} must be {expected}", source=place)


def unknown(name: str, value: Any, known: Iterable[str], place: str) -> SettingsError:
    """A key or section that does not exist, with the one that was probably meant."""
    words = tuple(known)
    key = name.rpartition(".")[2]
    if name.startswith("providers.") and key == "api_key":
        return SettingsError(
            f"{name}: a key does not belong in a settings file",
            hint='put it into an environment variable and name that: api_key_env = "MY_KEY"',
            source=place,
        )
    near = nearest(key, words)
    return SettingsError(
        f"unknown setting {name} = {shown(name, value)}",
        hint=f"did you mean {near!r}?" if near else "known here: " + ", ".join(words),
        source=place,
    )


def shown(name: str, value: Any) -> str:
    """`value` for a message: never what may be a secret, never more than a line."""
    if isinstance(value, str) and any(word in name.lower() for word in _SECRET_WORDS):
        return "(hidden)"
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{…}"
        case _:
            text = without_passwords(repr(value))
            return text if len(text) <= 60 else text[:59] + "…"


def _fits(kind: Kind, value: Any) -> bool:
    match kind:
        case "text" | "path":
            return isinstance(value, str) and bool(value.strip())
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "switch":
            return isinstance(value, bool)
        case "texts" | "paths":
            return isinstance(value, list | tuple) and all(isinstance(part, str) and part.strip() for part in value)
