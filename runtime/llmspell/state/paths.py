"""Values inside tables, by a path of keys. Places in a list count from 0. Changes tables in place; tells nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmspell.errors import ArgumentError
from llmspell.state.plain import key_text

Path = Sequence[Any]


def value_at(root: Any, path: Path) -> Any:
    """None where there is none."""
    current = root
    for key in path:
        match current:
            case dict():
                current = current.get(key_text(key))
            case list() if isinstance(key, int) and 0 <= key < len(current):
                current = current[key]
            case _:
                return None
    return current


def put_at(root: Any, path: Path, value: Any) -> Any:
    """The root with `value` at `path`, None to take out what is there; an empty path replaces the root.

    Raises ArgumentError where the path leads through something that is no table.
    """
    return _put(root, path, 0, value)


def shown(path: Path) -> str:
    """A path for people: `plan.steps.0`."""
    return ".".join(map(str, path))


def _put(container: Any, path: Path, at: int, value: Any) -> Any:
    if at == len(path):
        return value
    key = path[at]
    if isinstance(container, list) and not container and not isinstance(key, int):
        container = {}  # Lua's empty table, which has been a list so far
    match container:
        case dict():
            name = key_text(key)
            below = _put(container.get(name), path, at + 1, value)
            if below is None and at == len(path) - 1:
                container.pop(name, None)
            else:
                container[name] = below
        case list():
            _put_in_list(container, path, at, value)
        case _:
            place = f"state.{shown(path[:at])}" if at else "the state"
            raise ArgumentError(f"{place} is not a table", hint="assign a table to it first")
    return container


def _put_in_list(container: list[Any], path: Path, at: int, value: Any) -> None:
    key, count, is_last = path[at], len(container), at == len(path) - 1
    if not isinstance(key, int) or isinstance(key, bool):
        raise ArgumentError(f"state.{shown(path[:at])} is a list: it has no {key!r}", hint="assign a table to it first")
    if is_last and value is None and key == count - 1:
        container.pop()
    elif is_last and key == count:
        if value is not None:
            container.append(value)
    elif 0 <= key < count:
        container[key] = _put(container[key], path, at + 1, value)
    else:
        raise ArgumentError(f"state.{shown(path[:at])}: index {key} is past the end of a list of {count}")
