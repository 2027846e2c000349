"""Lua under a debugger: an engine of its own kind, whose coroutines have a hook for each line.

The Lua files here join the prelude (`engine`); `lines` says which lines of a text have code.
"""

from llmspell.engines.lua.debugging.engine import DebuggedLuaEngine, warm_debugged

__all__ = ["DebuggedLuaEngine", "warm_debugged"]
