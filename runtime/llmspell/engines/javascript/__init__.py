"""JavaScript: QuickJS-ng behind the engine seam (`engines.engine`).

`engine` runs a spell, `native` is all that touches the C library, `convert` how a value becomes text, `positions` which
line is whose, `modules` how import and export are rewritten (host side), `prelude/` what scripts find; `debugged` and
`instrumentation/` (host side) are for runs under the debugger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell.engines.javascript.engine import JavaScriptEngine, warm

if TYPE_CHECKING:
    from llmspell.engines.binding import Binding
    from llmspell.engines.javascript.debugged import DebuggedEngine

__all__ = ["JavaScriptEngine", "warm", "warm_debugged"]


def warm_debugged(binding: Binding) -> DebuggedEngine:
    """An engine for one run under the debugger."""
    from llmspell.engines.javascript import debugged  # 3 ms, which no other run pays

    return debugged.warm_debugged(binding)
