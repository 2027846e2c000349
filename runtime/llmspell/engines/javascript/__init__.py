"""JavaScript: QuickJS-ng behind the engine seam (`engines.engine`).

`engine` runs a spell, `native` is all that touches the C library, `convert` how a value becomes text, `positions` which
line is whose, `modules` how import and export are rewritten (host side), `prelude/` what scripts find.
"""

from llmspell.engines.javascript.engine import JavaScriptEngine, warm

__all__ = ["JavaScriptEngine", "warm"]
