"""JSONPath queries (RFC 9535). Only the plainest are bounded by themselves; the rest run where they can be ended."""

from __future__ import annotations

import re
from typing import Any, Final

from llmspell.errors import ToolError

#: Values that a query may select, those within them counted too.
MAX_RESULT: Final = 200_000
_MAX_FOUND: Final = 50_000
#: Names, positions and single `*`: as much work as the value has parts.
_TAME: Final = re.compile(r"\$(?:\.[^\W\d]\w*|\.\*|\[(?:\d{1,9}|\*|'[^'\\,]*'|\"[^\"\\,]*\")\])*")


def is_tame(query: str) -> bool:
    return _TAME.fullmatch(query) is not None


def search(query: str, data: Any) -> list[Any]:
    """What the query selects, in its order. Raises ToolError."""
    import jsonpath  # 40 ms

    found: list[Any] = []
    try:
        for match in jsonpath.finditer(query, data):
            found.append(match.obj)
            if len(found) > _MAX_FOUND:
                raise ToolError(f"the query finds more than {_MAX_FOUND} values", hint="let it select less")
    except jsonpath.JSONPathError as error:
        raise ToolError(
            f"{query[:200]!r} is no JSONPath: {str(error).splitlines()[0][:200]}",
            hint="for example $.users[?@.age > 30].name or $..price",
        ) from None
    return found
