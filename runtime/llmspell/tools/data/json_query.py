"""JMESPath queries, bounded: one of forty characters can double a value thirty times, so growth is judged first."""

from __future__ import annotations

from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.tools.data.json_text import check_size

_MAX_RESULT: Final = 200_000
#: Expressions inside expressions, and the steps of a path, each a frame of the interpreter.
_MAX_NODES: Final = 150
#: Values and characters that a query may make out of its input.
_MAX_GROWTH: Final = 50_000_000


def search(query: str, data: Any, max_depth: int) -> Any:
    """What `query` selects from `data`. Raises ToolError."""
    import jmespath  # 24 ms
    from jmespath import exceptions

    try:
        compiled = jmespath.compile(query)
        nodes, growth = _shape(compiled.parsed)
        if nodes > _MAX_NODES or growth * _weight(data) > _MAX_GROWTH:
            raise ToolError("the query could make too much out of this value", hint="take it in parts")
        result = compiled.search(data)
    except exceptions.JMESPathError as error:
        raise ToolError(
            f"{query[:200]!r} is no JMESPath that fits: {str(error).splitlines()[0][:200]}",
            hint="for example users[?age > `30`].name",
        ) from None
    except (RecursionError, TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        raise ToolError(f"{query[:200]!r} cannot be evaluated: {type(error).__name__.lower()}") from None
    check_size(result, max_depth * 2, _MAX_RESULT)
    return result


def _shape(node: Any) -> tuple[int, int]:
    """Nodes of the parsed query, and how many values it can at most make out of one: each list or object that it
    builds multiplies by its size, at least by two, as text written as JSON may double (`"` becomes `\\"`)."""
    todo: list[Any] = [node]
    nodes, growth = 0, 1
    while todo:
        current = todo.pop()
        nodes += 1
        children = [child for child in current.get("children", ()) if isinstance(child, dict)]
        if current.get("type") in {"multi_select_list", "multi_select_dict"}:
            growth *= max(2, len(children))
        todo.extend(children)
    return nodes, growth


def _weight(data: Any) -> int:
    todo: list[Any] = [data]
    weight = 0
    while todo:
        item = todo.pop()
        weight += 1
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, str):
            weight += len(item) // 16
    return weight
