"""What a tool says about each of its operations, taken out of the one text that describes them all.

The text has the form `read: the content. copy, move: to destination.`: a clause begins with names of operations and a
colon, at the text's start or after a sentence. Knows nothing else of tools.
"""

from __future__ import annotations

import re
from typing import Any


def operations(schema: dict[str, Any]) -> dict[str, str]:
    """Each operation of a tool's parameters in order, with its own words; "" for one that the text leaves out."""
    described = schema.get("properties", {}).get("operation", {})
    names: list[str] = described.get("enum") or [
        name for part in described.get("anyOf", ()) for name in part.get("enum", ())
    ]
    if not names:
        return {}
    text = " ".join(described.get("description", "").split())
    one = "`?(?:" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + ")`?"
    clause = re.compile(rf"(?:^|(?<=[.;!?] ))({one}(?:(?:, and |, or |, | and | or ){one})*): ")
    starts = [*clause.finditer(text)]
    found = dict.fromkeys(names, "")
    for start, after in zip(starts, [*starts[1:], None]):
        said = text[start.end() : after.start() if after else None].strip().rstrip(";")
        for name in re.findall(one, start[1]):
            found[name.strip("`")] = f"{found[name.strip('`')]} {said}".strip()
    return found
