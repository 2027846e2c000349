"""Lua 5.4: a spell's globals, waiting from anywhere, and its values, behind the `Engine` seam.

`engine` is the Python side, `plan` lays a binding out for the prelude, and the `*.lua` files are the prelude: what runs
in Lua before a spell does. A spell reaches neither Python nor the real globals.
"""

from llmspell.engines.lua.engine import LuaEngine, warm

__all__ = ["LuaEngine", "warm"]
