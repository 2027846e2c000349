"""The process of `aside`: takes its limits, reads its arguments, calls one function and writes what it gave."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def main(module: str, function: str, bounds: str, scratch: str) -> None:
    cpu, memory, file = map(int, bounds.split(","))
    for limit, value in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))
    os.environ["MPLCONFIGDIR"] = scratch
    answer = os.dup(1)
    os.dup2(2, 1)  # a library that prints does not spoil the answer
    written = _answer(module, function)
    with os.fdopen(answer, "wb") as out:
        out.write(written)
    out.close()
    os._exit(0)  # taking apart what was built can take longer than building it


def _answer(module: str, function: str) -> bytes:
    from llmspell.engines import values
    from llmspell.errors import LlmspellError

    def work() -> bytes:
        given = values.unpack(sys.stdin.buffer.read())
        return values.pack(("given", getattr(import_module(module), function)(**given)))

    try:
        kind, found = attempt(work)
    except LlmspellError as error:
        return values.pack(("error", error.to_value()))
    return bytes(found) if kind == "given" else values.pack((kind, found))


def attempt(work: Callable[[], Any]) -> tuple[str, Any]:
    """`given` and what the work gave, or how it failed. Raises the work's own LlmspellErrors."""
    from llmspell.errors import LlmspellError
    from llmspell.tools.extras import EXTRAS

    try:
        return "given", work()
    except LlmspellError:
        raise
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        return ("missing", library) if library in EXTRAS else ("failed", str(error))
    except MemoryError:
        return "memory", None
    except RecursionError:
        return "failed", "it is nested too deeply"
    except Exception as error:  # a parser may raise anything at hostile data
        return "failed", f"{type(error).__name__}: {str(error)[:200]}"
