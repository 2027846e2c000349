"""An agent's state: a table of plain values, read and written by path, each change an event."""

from __future__ import annotations

from typing import Any, Protocol

from llmspell.errors import ArgumentError

Path = list[Any]


class Owner(Protocol):
    @property
    def name(self) -> str: ...

    def tell(self, kind: str, name: str, data: dict[str, Any]) -> object: ...


class LiveState:
    """`values` is the state itself; write through `write`, so that the change is told."""

    def __init__(self, owner: Owner, values: dict[str, Any]) -> None:
        self._owner = owner
        self.values = values

    def read(self, path: Path) -> Any:
        """The value at a path of keys; None where there is none."""
        current: Any = self.values
        for key in path:
            current = _item(current, key)
        return current

    def write(self, path: Path, value: Any) -> None:
        """Sets the value at a path (None removes it); an empty path replaces the whole state.

        Raises ArgumentError where the path leads through something that is not a table.
        """
        value, old = _copied(value), self.read(path)
        if not path:
            self.values = dict(value or {}) if isinstance(value, dict) or not value else {"value": value}
        else:
            _set(self.read(path[:-1]), path, value)
        shown = ".".join(str(key) for key in path)
        self._owner.tell("state_changed", shown, {"path": shown, "value": _copied(value), "old": old})


def _copied(value: Any) -> Any:
    """Tables of its own: what was told of a change does not change with the state."""
    match value:
        case dict():
            return {key: _copied(item) for key, item in value.items()}
        case list():
            return [_copied(item) for item in value]
        case _:
            return value


def _item(container: Any, key: Any) -> Any:
    match container:
        case dict():
            return container.get(key, container.get(str(key)) if isinstance(key, int) else None)
        case list() if isinstance(key, int) and 0 <= key < len(container):
            return container[key]
        case _:
            return None


def _set(container: Any, path: Path, value: Any) -> None:
    key = path[-1]
    if isinstance(container, list) and isinstance(key, int):
        if key == len(container):
            container.append(value)
        elif 0 <= key < len(container) and value is None and key == len(container) - 1:
            container.pop()
        elif 0 <= key < len(container):
            container[key] = value
        else:
            raise ArgumentError(f"state: index {key} is past the end of a list of {len(container)}")
    elif isinstance(container, dict):
        if value is None:
            container.pop(key, None)
        else:
            container[key] = value
    else:
        shown = ".".join(str(part) for part in path[:-1])
        raise ArgumentError(f"state.{shown} is not a table", hint="assign a table to it first")
