"""Changes JSON values: RFC 6902 patches (applied and made) and RFC 7396 merge patches. Never in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.tools.data import json_pointer
from llmspell.tools.data.json_text import MAX_VALUES

_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")


def apply(data: Any, patch: list[dict[str, Any]]) -> Any:
    """The value after all operations, or ToolError at the first that cannot be done; `data` stays as it is."""
    patched = _Patched(data)
    for number, operation in enumerate(patch, 1):
        try:
            patched.do(operation)
        except KeyError as error:
            raise ToolError(f"operation {number} of the patch lacks {error.args[0]!r}") from None
        except ToolError as error:
            raise ToolError(f"operation {number} of the patch: {error.message}", hint=error.hint) from None
    return patched.root


class _Patched:
    """A value under change. Copied values are counted: doubling copies would fill any memory in forty steps."""

    def __init__(self, data: Any) -> None:
        self.room = MAX_VALUES
        self.root = self._copied(data)

    def do(self, operation: dict[str, Any]) -> None:
        name = operation["op"]
        steps = json_pointer.parse(operation["path"])
        match name:
            case "add":
                self._add(steps, self._copied(operation["value"]))
            case "set":
                self._add(steps, self._copied(operation["value"]), replace=True)
            case "remove":
                self._remove(steps)
            case "replace":
                json_pointer.get(self.root, steps, None, None) if not steps else self._remove(steps, look=True)
                self._add(steps, self._copied(operation["value"]), replace=True)
            case "move":
                source = json_pointer.parse(operation["from"])
                if steps[: len(source)] == source and steps != source:
                    raise ToolError("a value cannot be moved into itself")
                self._add(steps, self._remove(source))
            case "copy":
                self._add(steps, self._copied(self._at(json_pointer.parse(operation["from"]))))
            case "test":
                if not equal(self._at(steps), operation["value"]):
                    raise ToolError(f"the value at {operation['path']!r} is another", hint="the patch is made for it")
            case _:
                raise ToolError(f"there is no operation {name!r}", hint=f"operations: {', '.join(_OPERATIONS)}")

    def _at(self, steps: tuple[str, ...]) -> Any:
        nothing = object()
        return json_pointer.get(self.root, steps, nothing, nothing)

    def _add(self, steps: tuple[str, ...], value: Any, *, replace: bool = False) -> None:
        if not steps:
            self.root = value
            return
        parent = self._at(steps[:-1])
        last = steps[-1]
        if isinstance(parent, dict):
            parent[last] = value
        elif isinstance(parent, list):
            index = len(parent) if last == "-" else json_pointer.index_of(last, len(parent) + 1)
            if index is None:
                raise json_pointer.absent(steps, parent)
            if replace and index < len(parent):
                parent[index] = value
            else:
                parent.insert(index, value)
        else:
            raise json_pointer.absent(steps, parent)

    def _remove(self, steps: tuple[str, ...], *, look: bool = False) -> Any:
        """look: only makes sure that it is there."""
        if not steps:
            value, self.root = self.root, None
            return value
        parent = self._at(steps[:-1])
        value = self._at(steps)
        if look:
            return value
        if isinstance(parent, dict):
            del parent[steps[-1]]
        else:
            del parent[int(steps[-1])]
        return value

    def _copied(self, value: Any) -> Any:
        self.room -= 1
        if self.room < 0:
            raise ToolError(f"the patched value holds more than {MAX_VALUES} values", hint="patch a part of it")
        if isinstance(value, dict):
            return {key: self._copied(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._copied(item) for item in value]
        return value


def merge(data: Any, patch: Any) -> Any:
    """`patch` merged into `data` (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Any] = dict(data) if isinstance(data, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def diff(before: Any, after: Any) -> list[dict[str, Any]]:
    """The patch that makes `before` into `after`. Lists are compared item by item: linear, not the shortest."""
    return list(_differences(before, after, ()))


def _differences(before: Any, after: Any, steps: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    path = json_pointer.written(steps)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key in after:
                yield from _differences(before[key], after[key], (*steps, key))
            else:
                yield {"op": "remove", "path": json_pointer.written((*steps, key))}
        for key in after:
            if key not in before:
                yield {"op": "add", "path": json_pointer.written((*steps, key)), "value": after[key]}
    elif isinstance(before, list) and isinstance(after, list):
        for index, (old, new) in enumerate(zip(before, after)):
            yield from _differences(old, new, (*steps, str(index)))
        for index in range(len(before) - 1, len(after) - 1, -1):
            yield {"op": "remove", "path": f"{path}/{index}"}
        for item in after[len(before) :]:
            yield {"op": "add", "path": f"{path}/-", "value": item}
    elif not equal(before, after):
        yield {"op": "replace", "path": path, "value": after}


def equal(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right
