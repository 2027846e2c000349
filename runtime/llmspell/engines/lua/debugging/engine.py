"""The Lua engine of a spell that is debugged, and what is asked of it while it stands.

As in `lua.engine`, only numbers and byte strings cross the border. Knows no breakpoint but its line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lupa import lua54

from llmspell.engines import values
from llmspell.engines.binding import Binding
from llmspell.engines.debugging.inspected import Inspected, Refused, Teller
from llmspell.engines.debugging.questions import Questions
from llmspell.engines.lua.debugging.lines import code_lines
from llmspell.engines.lua.engine import PRELUDE, LuaEngine

_FIRST, _SECOND = PRELUDE[:1], PRELUDE[1:]


def warm_debugged(binding: Binding) -> DebuggedLuaEngine:
    """An engine with its prelude run, the debugger's part of it too; it waits for `attach` and `debugged`."""
    return DebuggedLuaEngine(binding)


class DebuggedLuaEngine(LuaEngine):
    """A Lua state whose coroutines have line hooks."""

    prelude: Final = (
        *("debugging/library", *_FIRST, "debugging/hook", *_SECOND),
        *("debugging/constants", "debugging/stack", "debugging/values", "debugging/evaluate"),
    )

    def __init__(self, binding: Binding) -> None:
        self._debugger: Teller | None = None
        super().__init__(binding)
        api = self._api
        api[b"remember_globals"]()
        # Taken out now: while Lua runs, lupa can call a function but not look into a table.
        self._settings = {name: api[name.encode()] for name in ("lines", "errors", "step", "forget")}
        self._ask_lua, self._without_constants = api[b"inspect"], api[b"without_constants"]
        self._dump = self._runtime.eval("function(text) return string.dump(assert(load(text, '@text', 't'))) end")

    def debugged(self, debugger: Teller) -> Inspected:
        self._debugger = debugger
        return Questions(self._question)

    def code_lines(self, source: str) -> list[int]:
        """The lines of a text at which it can stop. Raises Refused for one that does not compile."""
        try:
            return code_lines(self._dump(self._without_constants(source.encode("utf-8", "surrogatepass"))))
        except lua54.LuaError as error:
            raise Refused(str(error)) from None

    # -- what the debugger asks ----------------------------------------------------------------------------------

    def _question(self, name: str, fields: dict[str, Any]) -> Any:
        """Raises Refused. A spell that has just run out of memory is over, and so is this."""
        if (set_it := self._settings.get(name)) is not None:
            self._enter(set_it, *(values.pack(each) if isinstance(each, list) else each for each in _as_bytes(fields)))
            return None
        data = values.pack(list(fields.values()))
        if self._over or not self._has_room(len(data)):
            raise Refused("the spell has no memory left to look at it with")
        try:
            done, answer = self._ask_lua(name.encode(), data)
        except (lua54.LuaError, MemoryError) as error:
            raise Refused(f"it cannot be shown: {error}") from None
        if self._escape is not None:
            self._over = True
            raise self._escape
        found = _as_text(values.unpack(answer))
        if not done:
            raise Refused(found)
        return found

    # -- what Lua calls ------------------------------------------------------------------------------------------

    def _border(self) -> dict[str, Callable[..., Any]]:
        more = {"reached": self._lua_reached, "failed": self._lua_failed, "poll": self._lua_poll, "late": self._late}
        return {**super()._border(), **more}

    def _lua_reached(self, label: bytes, line: int, why: bytes) -> bool:
        name = label.decode("utf-8", "replace")
        return self._tell(lambda debugger: debugger.reached(name, line, "step" if why == b"step" else "line"))

    def _lua_failed(self, label: bytes, line: int, thrown: bytes) -> bool:
        name, fields = label.decode("utf-8", "replace"), _as_text(values.unpack(thrown))
        fields["stack"] = list(fields["stack"] or ())  # an empty table is no list yet
        return self._tell(lambda debugger: debugger.failed(name, line, fields))

    def _lua_poll(self) -> bool:
        return self._tell(lambda debugger: debugger.poll())

    def _late(self) -> bool:
        return self._debugger is not None and self._debugger.late()

    def _tell(self, tell: Callable[[Teller], None]) -> bool:
        """Whether the spell may go on."""
        if self._debugger is None or self._over:
            return not self._over
        try:
            tell(self._debugger)
        except BaseException as error:
            self._keep(error)
            return False
        return True


def _as_bytes(fields: dict[str, Any]) -> list[Any]:
    """As Lua takes them."""
    return [value.encode() if isinstance(value, str) else value for value in fields.values()]


def _as_text(value: Any) -> Any:
    """Bytes that are no UTF-8, as a person may see them."""
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case list():
            return [_as_text(item) for item in value]
        case dict():
            return {key: _as_text(item) for key, item in value.items()}
        case _:
            return value
