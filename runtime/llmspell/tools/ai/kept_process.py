"""The process of `kept`: takes its limits, then answers one piece of work after the other until its input ends.

It ends with its host, whatever happens to that one: the pipe is closed then.
"""

from __future__ import annotations

import os
import resource
import sys
from importlib import import_module
from typing import Any, BinaryIO

from llmspell.engines import values
from llmspell.errors import LlmspellError
from llmspell.tools.ai.kept import HEADER


def main(memory: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints does not spoil the answers
    given = sys.stdin.buffer
    while (data := _frame(given)) is not None:
        written = _answer(data)
        out.write(HEADER.pack(len(written)))
        out.write(written)
        out.flush()
    os._exit(0)


def _frame(given: BinaryIO) -> bytes | None:
    head = given.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    (size,) = HEADER.unpack(head)
    data = given.read(size)
    return data if len(data) == size else None


def _answer(data: bytes) -> bytes:
    try:
        module, name, asked = values.unpack(data)
        return values.pack(("given", getattr(import_module(module), name)(**asked)))
    except LlmspellError as error:
        return values.pack(("error", error.to_value()))
    except ModuleNotFoundError as error:
        return values.pack(("missing", ((error.name or "").partition(".")[0],)))
    except MemoryError:
        return values.pack(("memory", None))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return values.pack(("failed", _said(error)))  # a panic of Rust is a BaseException


def _said(error: Any) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
