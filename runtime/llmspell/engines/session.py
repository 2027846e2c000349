"""One spell's life on the worker's side, from its first frame to an exit status, in a process or in a thread.

Whatever goes wrong below the engine becomes a `fail` frame: a person never sees Python's traceback.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from llmspell.engines import protocol
from llmspell.engines.engine import Engine
from llmspell.engines.languages import WarmEngine
from llmspell.engines.launch import EXIT_INTERNAL, EXIT_MEMORY
from llmspell.engines.worker import LOOKS, Worker


def serve(
    connection: socket.socket, engine: WarmEngine, memory_mb: int, looks: int = LOOKS, *, debugged: bool = False
) -> int:
    """Runs the spell that the host will send. Gives 0, `EXIT_MEMORY` or `EXIT_INTERNAL`. looks: see `worker`.
    debugged: the engine is one of `languages.warm_debugged`."""

    def attach(worker: Worker, _language: str) -> Engine:
        return engine.attach(worker)

    last_words = protocol.encode(["fail", _out_of_memory(memory_mb)])  # made while there is memory to make it
    try:
        kind = Worker
        if debugged:
            from llmspell.engines.debugging.worker import DebuggedWorker  # imported by `languages.warm_debugged`

            kind = DebuggedWorker
        kind(connection, attach, os.getpid(), looks).run()
    except MemoryError:
        _say(connection, last_words)
        return EXIT_MEMORY
    except ValueError as error:  # of `values.pack`
        _say(
            connection, protocol.encode(["fail", _failure("invalid_argument", f"a value is refused: {error}", "Error")])
        )
        return EXIT_INTERNAL
    except Exception as error:
        _say(connection, protocol.encode(["fail", _internal(error)]))
        return EXIT_INTERNAL
    return 0


def _say(connection: socket.socket, frame: bytes) -> None:
    try:
        connection.sendall(frame)
    except OSError:
        return  # the host has closed it: it knows


def _out_of_memory(memory_mb: int) -> dict[str, Any]:
    return _failure("limit", f"the spell was stopped: it needs more than {memory_mb} MB of memory", "LimitError") | {
        "hint": "Raise the memory limit if it needs more.",
        "data": {"limit": "memory"},
    }


def _internal(error: Exception) -> dict[str, Any]:
    return _failure("error", f"the engine failed: {type(error).__name__}: {error}", "Error") | {
        "hint": "This is a fault of llmspell, not of the spell."
    }


def _failure(kind: str, message: str, name: str) -> dict[str, Any]:
    """An error map, as `LlmspellError.to_value()` gives; importing that module here would cost each worker memory."""
    return {
        "type": kind,
        "name": name,
        "message": message,
        "hint": "",
        "source": "",
        "stack": [],
        "retry_after": None,
        "retryable": False,
        "cause": None,
        "data": {},
    }
