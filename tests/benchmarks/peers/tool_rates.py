"""What a tool's call costs: the bare function, the tool's own work, its schema check, and the whole pipeline of a run.

tool_rates.py        one JSON object: microseconds a call by name
tool_rates.py CATEGORY    seconds of CPU until a tool of the category is made, and until it has worked once
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COUNT = 2000
PARAMS = {"text": "hello", "algorithm": "sha256"}

#: By category, the tool that starts it, and a call of it.
FIRST: dict[str, tuple[str, dict[str, Any]]] = {
    "system": ("environment", {"operation": "list"}),
    "data": ("json", {"operation": "parse", "text": "[1]"}),
    "web": ("http_request", {"url": "http://127.0.0.1:9/"}),
    "communication": ("slack", {"operation": "post", "channel": "C1", "text": "x"}),
    "integration": ("github", {"operation": "issues", "repository": "a/b"}),
    "ai": ("embedding", {"text": "a few words"}),
    "math": ("linear_algebra", {"operation": "determinant", "a": [[1, 2], [3, 4]]}),
    "time": ("datetime", {"operation": "format", "value": "2025-01-20", "format": "%d.%m.%Y"}),
    "crypto": ("encryption", {"operation": "encrypt", "text": "a", "passphrase": "a long secret"}),
    "documents": ("markdown", {"operation": "to_html", "text": "# a"}),
}


def bare() -> str:
    return hashlib.sha256(b"hello").hexdigest()


def made(name: str) -> Any:
    from llmspell.api.describe import class_mark
    from llmspell.tools.catalog import TARGETS

    module, _, attribute = TARGETS[name].partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    mark = class_mark(cls)
    assert mark is not None and mark.options is not None
    return cls(mark.options())


async def rates() -> dict[str, float]:
    from llmspell.api.check import Checker
    from llmspell.security.permissions import Permissions
    from llmspell.tools.base import ToolContext

    folder = Path(tempfile.gettempdir())
    context = ToolContext(Permissions.grant(folder), folder, folder, {})
    tool = made("hash")
    checker = Checker(tool.parameters)
    checked = checker.check_params(PARAMS, "hash")
    gc.disable()
    found: dict[str, float] = {}
    begun = time.process_time()
    for _ in range(COUNT):
        bare()
    found["bare"] = (time.process_time() - begun) / COUNT
    begun = time.process_time()
    for _ in range(COUNT):
        checker.check_params(PARAMS, "hash")
    found["check"] = (time.process_time() - begun) / COUNT
    await tool.perform(checked, context)
    begun = time.process_time()
    for _ in range(COUNT):
        await tool.perform(checked, context)
    found["work"] = (time.process_time() - begun) / COUNT
    return found


async def first(category: str) -> dict[str, float]:
    import llmspell.tools.builtin  # noqa: F401  what a run with any tool has
    from llmspell.security.permissions import Permissions
    from llmspell.tools.base import ToolContext

    name, params = FIRST[category]
    folder = Path(tempfile.gettempdir())
    context = ToolContext(Permissions.grant(folder), folder, folder, {})
    begun = time.process_time()
    tool = made(name)
    took, there = time.process_time() - begun, time.perf_counter()
    try:
        await tool.perform(params, context)
    except Exception as error:
        if type(error).__module__ != "llmspell.errors":  # a service that is not reached has been looked for
            raise
    return {"made": took, "worked": time.perf_counter() - there, "modules": float(len(sys.modules))}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(first(sys.argv[1]) if len(sys.argv) > 1 else rates())))
