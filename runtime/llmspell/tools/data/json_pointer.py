"""Places in a JSON value: pointers (RFC 6901) and dotted paths, read into the same steps."""

from __future__ import annotations

import re
from typing import Any, Final

from llmspell.errors import ToolError

_DOTTED: Final = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")


def parse(path: str) -> tuple[str, ...]:
    """The steps of `/a/0`, `a[0]` or `$.a[0]`; "" is the whole value. Raises ToolError."""
    if path in {"", "$", "."}:
        return ()
    if path.startswith("/"):
        if re.search(r"~(?![01])", path):
            raise ToolError(f"{path!r} is no JSON Pointer", hint="`~` is written `~0` and `/` inside a key `~1`")
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    steps: list[str] = []
    position = 1 if path.startswith("$") else 0
    while position < len(path):
        match = _DOTTED.match(path, position)
        if match is None:
            raise ToolError(f"{path!r} is no path", hint="write `/users/0/name` or `users[0].name`")
        steps.append(next(group for group in match.groups() if group is not None))
        position = match.end()
    return tuple(steps)


def written(steps: tuple[str, ...]) -> str:
    """The steps as a JSON Pointer."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def get(data: Any, steps: tuple[str, ...], otherwise: Any, nothing: Any) -> Any:
    """What is there, else `otherwise`, unless that is `nothing`: then ToolError."""
    current = data
    for done, step in enumerate(steps):
        if isinstance(current, dict) and step in current:
            current = current[step]
        elif isinstance(current, list) and (index := index_of(step, len(current))) is not None:
            current = current[index]
        elif otherwise is not nothing:
            return otherwise
        else:
            raise absent(steps[: done + 1], current)
    return current


def index_of(step: str, length: int) -> int | None:
    """The position that a step names in a list of this length, or None."""
    if not _INDEX.fullmatch(step) or int(step) >= length:
        return None
    return int(step)


def absent(steps: tuple[str, ...], where: Any) -> ToolError:
    if isinstance(where, dict):
        keys = ", ".join(repr(key) for key in list(where)[:10])
        hint = f"keys there: {keys}" if keys else "the object there is empty"
    elif isinstance(where, list):
        hint = f"the list there has {len(where)} items, counted from 0"
    else:
        hint = "there is neither an object nor a list before it"
    return ToolError(f"there is nothing at {written(steps)!r}", hint=hint)
