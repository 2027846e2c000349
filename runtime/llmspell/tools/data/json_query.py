"""JMESPath queries, bounded: what a query gives is counted, since one of forty characters can double it thirty times."""

from __future__ import annotations

from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.tools.data.json_text import check_size

_MAX_RESULT: Final = 200_000
#: Expressions inside expressions, and the steps of a path, each a frame of the interpreter.
_MAX_NODES: Final = 150


def search(query: str, data: Any, max_depth: int) -> Any:
    """What `query` selects from `data`. Raises ToolError."""
    import jmespath  # 24 ms
    from jmespath import exceptions

    try:
        compiled = jmespath.compile(query)
        nodes, doublings = _shape(compiled.parsed)
        if nodes > _MAX_NODES or doublings > 8:
            raise ToolError("the query is too long", hint="take it in parts")
        result = compiled.search(data)
    except exceptions.JMESPathError as error:
        raise ToolError(
            f"{query!r} is no JMESPath that fits: {str(error).splitlines()[0]}",
            hint="for example users[?age > `30`].name",
        ) from None
    except (RecursionError, TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        raise ToolError(f"{query!r} cannot be evaluated: {type(error).__name__.lower()}") from None
    check_size(result, max_depth * 2, _MAX_RESULT)
    return result


def _shape(node: Any) -> tuple[int, int]:
    """Nodes of the parsed query, and how often one of them makes several values out of one."""
    todo: list[Any] = [node]
    nodes = doublings = 0
    while todo:
        current = todo.pop()
        nodes += 1
        doublings += current.get("type") in {"multi_select_list", "multi_select_dict"}
        todo.extend(child for child in current.get("children", ()) if isinstance(child, dict))
    return nodes, doublings
