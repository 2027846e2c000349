"""The Lua engine of a spell that is debugged, and what is seen and done while it stands (`inspected.Inspected`).

As in `lua.engine`, only numbers and byte strings cross the border. Knows no breakpoint but its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from lupa import lua54

from llmspell.engines import values
from llmspell.engines.binding import Binding
from llmspell.engines.debugging.inspected import (
    Completion,
    Inspected,
    Place,
    Refused,
    Scope,
    Shown,
    Step,
    Teller,
    Variable,
)
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
        *("debugging/stack", "debugging/values", "debugging/evaluate"),
    )

    def __init__(self, binding: Binding) -> None:
        self._debugger: Teller | None = None
        super().__init__(binding)
        api = self._api
        api[b"remember_globals"]()
        # Taken out now: while Lua runs, lupa can call a function but not look into a table.
        self._set_lines, self._set_errors, self._set_step = api[b"set_lines"], api[b"set_errors"], api[b"step"]
        self._forget, self._ask_lua = api[b"forget"], api[b"inspect"]
        self._dump = self._runtime.eval("function(text) return string.dump(assert(load(text, '@text', 't'))) end")

    def debugged(self, debugger: Teller) -> Inspected:
        self._debugger = debugger
        return self

    def code_lines(self, source: str) -> list[int]:
        """The lines of a text at which it can stop. Raises Refused for one that does not compile."""
        try:
            return code_lines(self._dump(source.encode("utf-8", "surrogatepass")))
        except lua54.LuaError as error:
            raise Refused(str(error)) from None

    # -- inspected.Inspected -------------------------------------------------------------------------------------

    def lines(self, label: str, lines: Sequence[int]) -> None:
        self._enter(self._set_lines, label.encode(), values.pack(list(lines)))

    def errors(self, caught: bool, uncaught: bool) -> None:
        self._enter(self._set_errors, caught, uncaught)

    def step(self, how: Step) -> None:
        self._enter(self._set_step, how.encode())

    def forget(self) -> None:
        self._enter(self._forget)

    def frames(self) -> list[Place]:
        return self._inspect("frames") or []

    def scopes(self, frame: int) -> list[Scope]:
        return self._inspect("scopes", frame) or []

    def variables(self, reference: int, start: int, count: int) -> list[Variable]:
        return self._inspect("variables", reference, start, count) or []

    def evaluate(self, text: str, frame: int | None, most: int) -> Shown:
        return self._inspect("evaluate", text, frame, most)

    def holds(self, condition: str, frame: int) -> bool:
        return bool(self._inspect("holds", condition, frame))

    def text(self, expression: str, frame: int) -> str:
        return str(self._inspect("text", expression, frame))

    def assign(self, reference: int, name: str, text: str, frame: int | None) -> Shown:
        return self._inspect("assign", reference, name, text, frame)

    def store(self, target: str, text: str, frame: int | None) -> Shown:
        return self._inspect("store", target, text, frame)

    def completions(self, text: str, frame: int | None) -> list[Completion]:
        return self._inspect("completions", text, frame) or []

    def _inspect(self, name: str, *args: Any) -> Any:
        """Raises Refused. A spell that has just run out of memory is over, and so is this."""
        data = values.pack(list(args))
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
