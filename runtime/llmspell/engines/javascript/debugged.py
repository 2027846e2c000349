"""The JavaScript engine of a run under the debugger, and what the debugger asks of it (`debugging.inspected`).

Made anew for each such run, with more of a prelude (prelude/debugging*.js), where all that is the language's is. This
side carries questions in and stops out, and breaks off what is evaluated for too long.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from llmspell.engines.binding import Binding
from llmspell.engines.debugging.inspected import Completion, Refused, Teller, Thrown
from llmspell.engines.debugging.questions import Questions
from llmspell.engines.javascript import native
from llmspell.engines.javascript.engine import JavaScriptEngine
from llmspell.engines.javascript.instrumentation import layout
from llmspell.engines.javascript.positions import error_map

#: Seconds between two looks for commands while the script computes.
_POLL: Final = 0.02
#: What is completed: a chain of names before a dot, and the beginning of a name.
_CHAIN: Final = re.compile(r"((?:[^\W\d]|[$\]])[\w$.?\[\]'\"]*?)\??\.([\w$]*)\Z")
_WORD: Final = re.compile(r"((?:[^\W\d]|\$)[\w$]*)?\Z")
_TOO_LONG: Final = "it took too long to evaluate and was broken off"
_TOO_LARGE: Final = "it needs more memory than the spell has left"


def warm_debugged(binding: Binding) -> DebuggedEngine:
    """As `engine.warm`, for one run that is debugged."""
    return DebuggedEngine(binding)


class DebuggedEngine(JavaScriptEngine):
    """Tells the `Teller` of `debugged`; without one it runs as any other."""

    _entries = (*JavaScriptEngine._entries, "turn", "wake", "question", "calm")

    def __init__(self, binding: Binding) -> None:
        self._teller: Teller | None = None
        self._polled = 0.0
        self._lacked = False  # what is evaluated has used up the memory
        super().__init__(binding, debugged=True)

    def debugged(self, debugger: Teller) -> Inspection:
        self._teller = debugger
        self._trap.watch, self._trap.spares = self._watch, self._spares
        return Inspection(self._question)

    def _text(self, label: str, source: str) -> dict[str, Any]:
        if (found := layout.split_without(source)) is not None:
            return {**super()._text(label, found[0]), "without": found[1]}
        if (found := layout.split(source)) is None:
            return super()._text(label, source)
        rewritten, tables = found
        return {**super()._text(label, layout.original(rewritten, tables)), "rewritten": rewritten, "tables": tables}

    def _next_job(self) -> Callable[[], bool]:
        run_job, turn = self._context.execute_pending_job, self._enter["turn"]

        def run() -> bool:
            turn()
            return run_job()

        return run

    def _within(self, callback: int) -> None:
        super()._within(callback)
        self._enter["turn"]()

    # -- what the script's side calls ----------------------------------------------------------------------------

    def _offered(self) -> dict[str, Callable[..., object]]:
        return super()._offered() | {
            "reached": self._guarded(self._reached),
            "failed": self._guarded(self._failed),
            "poll": self._guarded(self._poll),
            "unseen": self._guarded(self._unseen),
        }

    def _reached(self, label: str, line: float, why: Literal["line", "step", "entry", "statement"]) -> None:
        if self._teller is not None:
            self._teller.reached(label, int(line), why)

    def _failed(self, label: str, line: float, text: str) -> None:
        if self._teller is not None:
            thrown = json.loads(text)
            stack = error_map({"frames": thrown["stack"], "data": None})["stack"]
            self._teller.failed(label, int(line), cast(Thrown, {**thrown, "stack": stack}))

    def _unseen(self, label: str, why: str) -> None:
        if self._teller is not None:
            self._teller.unseen(label, why)

    def _poll(self) -> None:
        if self._teller is not None:
            self._teller.poll()
            self._polled = time.monotonic()

    def _watch(self) -> bool:
        """Called from inside of the engine, which may only be told something here."""
        if self._teller is None:
            return False
        if self._teller.evaluating:
            return self._teller.late()
        if time.monotonic() - self._polled > _POLL:
            self._trap.call(self._enter["wake"])
        return False

    def _spares(self) -> bool:
        """Whether it is only what is evaluated that needs too much memory: that is broken off, and nobody's then."""
        evaluating = self._teller is not None and self._teller.evaluating
        self._lacked = self._lacked or evaluating
        return evaluating

    def _lack(self, error: object = None) -> bool:
        if not self._spares():
            return super()._lack(error)
        self._trap.make_uncatchable(error)
        return True

    def _exhausted(self) -> None:
        if not self._spares():
            super()._exhausted()

    # -- what the debugger asks ----------------------------------------------------------------------------------

    def _question(self, op: str, fields: dict[str, Any]) -> Any:
        self._lacked = False
        self._inbox = json.dumps({"op": op, **fields})
        if self._base and not self._set_room():
            raise Refused("the script is too deep in calls to evaluate anything")
        try:
            answer = json.loads(self._enter["question"]())
        except native.ScriptException:
            self._enter["calm"]()
            raise Refused(_TOO_LARGE if self._lacked else _TOO_LONG) from None
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer.get("answer")


class Inspection(Questions):
    """Questions of prelude/debugging_questions.js."""

    def completions(self, text: str, frame: int | None) -> list[Completion]:
        chain = _CHAIN.search(text)
        word = _WORD.search(text)
        holder, prefix = chain.groups() if chain else ("", (word.group(1) or "") if word else "")
        return self._ask("completions", {"frame": frame, "holder": holder, "prefix": prefix})
