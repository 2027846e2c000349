"""The memory of a JavaScript spell: its limit, what happens when it is passed, and which errors mean that it was.

Knows the engine's ways of showing a lack of memory; ends no spell itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from llmspell.engines.javascript import messages, native

_MEGABYTE: Final = 1024 * 1024
#: Heap beyond a spell's limit, in MB. What it takes between two looks of the trap is from here: were the engine's own
#: limit met instead, it might have no room for an error and throw null.
_SLACK: Final = 32
#: And as much more once the limit is passed, to say where.
_EPILOGUE: Final = 32

_OUT_OF_MEMORY: Final = "out of memory"


class Memory:
    """What one context may take.

    lacking: set once it has run out.
    """

    def __init__(self, context: native.Context) -> None:
        self.lacking = False
        self._context = context
        self._megabytes = 0
        self._peak = 0

    def limit(self, megabytes: int, trap: native.Trap) -> None:
        """The trap finds a heap over that; from here on is measured what the process grows by."""
        self._megabytes = megabytes
        self._peak = native.peak_memory()
        trap.heap_limit = megabytes * _MEGABYTE
        self._context.set_memory_limit((megabytes + _SLACK) * _MEGABYTE)

    def lack(self, trap: native.Trap, error: object = None) -> None:
        """Memory has run out. What is thrown for that, now or at the next look, goes through all that would catch it,
        and tells where. error: what the engine throws of itself."""
        if not self.lacking:
            self.lacking = True
            self._context.set_memory_limit((self._megabytes + _SLACK + _EPILOGUE) * _MEGABYTE)
            trap.set()
        trap.make_uncatchable(error)

    def message(self, source: str = "", stack: Sequence[str] = ()) -> dict[str, Any]:
        """The error that says so, and where."""
        return {**messages.memory(self._megabytes), "source": source, "stack": list(stack)}

    def seen(self, error: dict[str, Any]) -> dict[str, Any]:
        """The error, or what it really is when memory was what it lacked. With no memory left for an error object the
        engine throws null; that the process has grown by half the limit tells it from a null that a script threw."""
        is_null = error["message"] == "null" and not error["source"] and "value" in error
        grown = native.peak_memory() - self._peak > self._megabytes * _MEGABYTE // 2
        if (is_null and grown) or (error["name"], error["message"]) == ("InternalError", _OUT_OF_MEMORY):
            return self.message(error["source"], error["stack"])
        return error


def means_lack(text: str) -> bool:
    """Whether what the engine gave up with means that it lacked memory: at worst it shows that as the text `null`."""
    return text == "null" or _OUT_OF_MEMORY in text
