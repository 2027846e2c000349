"""What JavaScript spells find when they begin: the files beside this one, joined into one function scope."""

from __future__ import annotations

import os
from typing import Final

#: In the order they run: each may use what those before it define, and from inside functions all of it.
FILES: Final = (
    "intrinsics.js",
    "positions.js",
    "values.js",
    "errors.js",
    "calls.js",
    "async.js",
    "inspect.js",
    "console.js",
    "clock.js",
    "events.js",
    "text.js",
    "url.js",
    "url_hosts.js",
    "url_classes.js",
    "live.js",
    "classes.js",
    "loader.js",
)
#: And after them where the run is debugged.
DEBUGGING: Final = (
    "debugging.js",
    "debugging_texts.js",
    "debugging_scopes.js",
    "debugging_values.js",
    "debugging_questions.js",
)


def source(*, debugged: bool = False) -> str:
    """The prelude as one text. 0.5 ms; in a worker the files are out of reach, so it is read before the fork."""
    folder = os.path.dirname(__file__)  # noqa: PTH120  pathlib costs 5 ms
    parts: list[str] = []
    for name in FILES + DEBUGGING if debugged else FILES:
        with open(f"{folder}/{name}", encoding="utf-8") as file:  # noqa: PTH123
            parts.append(file.read())
    return "(function () {\n'use strict';\n" + "".join(parts) + "globalThis.$entries = entries;\n})();\n"
