"""A JavaScript engine under a debugger that is a function of the test's, without a worker around it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines.debugging.inspected import Refused
from llmspell.engines.javascript import instrumentation, modules, warm_debugged
from llmspell.engines.javascript.instrumentation import rewriting
from llmspell.engines.protocol import start_of
from llmspell.engines.values import FunctionRef, ObjectRef

# The suite that all engines pass: what it shares is no package.
sys.path.insert(0, str(Path(__file__).parents[2] / "engines"))

from frame_host import BINDING, error_map


class Debugging:
    """One spell, its host and its debugger. `on_stop` is called with this and the place; what it returns is how the
    script goes on."""

    def __init__(self, source: str, on_stop: Callable[[Debugging], str | None], files: dict[str, str]) -> None:
        self.on_stop = on_stop
        self.stops: list[tuple[Any, ...]] = []
        """line and why of each; for an error its map in place of why."""
        self.label, self.line, self.why = "", 0, ""
        self.printed: list[str] = []
        self.ended: tuple[str, Any] | None = None
        self.polls = 0
        self.evaluating = False
        self.patience = 0
        """Looks that an evaluation has before it is late."""
        self.results: dict[int, tuple[bool, Any]] = {}
        self._files = files
        self._calls: list[tuple[int, str, list[Any]]] = []
        self._count = self._callbacks = 0
        self.engine = warm_debugged(BINDING)
        self.engine.attach(self)
        self.script = self.engine.debugged(self)
        prepared = modules.prepare(source)
        text = instrumentation.instrument(prepared.source)
        self._start = start_of(
            "javascript", "spell.js", text, module=prepared.module, params={"who": "me"}, seed=1, memory_mb=64
        )

    def run(self, *lines: int) -> Debugging:
        """To its end, with breakpoints on lines. Answers come in the order of the calls."""
        if lines:
            self.script.lines("spell.js", lines)
        self.engine.start(self._start)
        while self.engine.pump() or self._calls:
            if self.ended:
                break
            if self._calls:
                number, name, args = self._calls.pop(0)
                self._answer(number, name, args)
        return self

    def value(self) -> Any:
        assert self.ended is not None
        assert self.ended[0] == "done", self.ended
        return self.ended[1]

    def _answer(self, number: int, name: str, args: list[Any]) -> None:
        """`board.fetch` gives its argument, or what a function gives for the other one; it refuses "refuse"."""
        match args:
            case [FunctionRef() as function, *rest]:
                self.engine.settle(number, *self._invoke(function, rest))
            case ["refuse"]:
                self.engine.settle(number, False, error_map("the host says no", name="ToolError", type="tool"))
            case _:
                self.engine.settle(number, True, args[0] if args else None)

    def _invoke(self, function: FunctionRef, args: list[Any]) -> tuple[bool, Any]:
        self._callbacks += 1
        number = self._callbacks
        self.engine.invoke(number, function.number, args, False)
        self.engine.pump()
        return self.results[number]

    # -- Teller ----------------------------------------------------------------------------------------------------

    def late(self) -> bool:
        self.patience -= 1
        return self.patience < 0

    def reached(self, label: str, line: int, why: str) -> None:
        self._stand(label, line, why)

    def failed(self, label: str, line: int, thrown: Any) -> None:
        self._stand(label, line, thrown)

    def poll(self) -> None:
        self.polls += 1

    def _stand(self, label: str, line: int, why: Any) -> None:
        self.label, self.line, self.why = label, line, why
        self.stops.append((line, why))
        how: Any = self.on_stop(self)
        self.script.forget()
        self.script.step(how or "go")

    # -- what is asked at a stop -----------------------------------------------------------------------------------

    def stack(self) -> list[str]:
        """`name:line`, with `await` before a caller that awaits."""
        frames = self.script.frames()
        return [f"{'await ' if each.get('awaits') else ''}{each['name']}:{each['line']}" for each in frames]

    def scope(self, name: str, frame: int = 0) -> dict[str, str]:
        found = next(each for each in self.script.scopes(frame) if each["name"] == name)
        return {each["name"]: each["value"] for each in self.script.variables(found["reference"], 0, 0)}

    def parts(self, text: str, start: int = 0, count: int = 0) -> dict[str, str]:
        reference = self.script.evaluate(text, 0, 400)["reference"]
        return {each["name"]: each["value"] for each in self.script.variables(reference, start, count)}

    def eval(self, text: str, frame: int | None = 0) -> str:
        self.evaluating, self.patience = True, 20
        try:
            return self.script.evaluate(text, frame, 400)["value"]
        except Refused as error:
            return f"refused: {error}"
        finally:
            self.evaluating = False

    # -- engine.Host -----------------------------------------------------------------------------------------------

    def call(self, name: str, receiver: int | None, args: list[Any], site: str) -> int:
        self._count += 1
        self._calls.append((self._count, name, args))
        return self._count

    def ask(self, name: str, receiver: int | None, args: list[Any], site: str) -> Any:
        if name == "module.load":
            label = args[0].removeprefix("./")
            text = instrumentation.instrument(modules.prepare(self._files[label]).source)
            return {"label": label, "source": text}
        if args and isinstance(args[0], FunctionRef):
            return self._invoke(args[0], args[1:])[1]
        if name == "Echo.new":
            return ObjectRef(7, "Echo")
        if name == "Base.label":
            return "a label"
        if name == "Base.state":
            return {"plan": {"done": True}} if not args[0] else None
        return args[0] if args else None

    def within(self, callback: int) -> None:
        pass

    def tell(self, name: str, args: list[Any], site: str) -> None:
        self.printed.append(args[1])

    def cancel(self, calls: list[int]) -> None:
        pass

    def result(self, callback: int, ok: bool, value: Any) -> None:
        self.results[callback] = (ok, value)

    def done(self, value: Any) -> None:
        self.ended = ("done", value)

    def fail(self, error: dict[str, Any]) -> None:
        self.ended = ("fail", error)

    def at(self, source: str, stack: list[str]) -> None:
        self.ended = ("at", (source, stack))

    def clock(self) -> float:
        return 0.0

    def cpu_clock(self) -> float:
        return 0.0

    def random(self) -> float:
        return 0.5

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)


@pytest.fixture
def evaluators(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the parameter "by name" every text is taken for a large one."""
    if request.param == "by name":
        monkeypatch.setattr(rewriting, "_MOST", -1)
        instrumentation.rewritten.cache_clear()
        request.addfinalizer(instrumentation.rewritten.cache_clear)


@pytest.fixture
def debug() -> Callable[..., Debugging]:
    """Makes a spell that is debugged: `debug(source, on_stop, **files).run(lines…)`."""

    def make(source: str, on_stop: Callable[[Debugging], str | None] = lambda _: None, **files: str) -> Debugging:
        return Debugging(source, on_stop, {f"{name}.js": text for name, text in files.items()})

    return make
