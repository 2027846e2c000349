"""What a debugger asks of a script (`inspected.Inspected`) as questions, each a name and fields, for languages that
answer them on their own side. Knows no language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llmspell.engines.debugging.inspected import Completion, Place, Scope, Shown, Step, Variable


class Questions:
    """ask: puts one, its fields in the order of the parameters here. Raises Refused."""

    def __init__(self, ask: Callable[[str, dict[str, Any]], Any]) -> None:
        self._ask = ask

    def lines(self, label: str, lines: Sequence[int]) -> None:
        self._ask("lines", {"label": label, "lines": list(lines)})

    def errors(self, caught: bool, uncaught: bool) -> None:
        self._ask("errors", {"caught": caught, "uncaught": uncaught})

    def step(self, how: Step) -> None:
        self._ask("step", {"how": how})

    def frames(self) -> list[Place]:
        return self._ask("frames", {}) or []

    def callers(self, call: int) -> list[Place]:
        return self._ask("callers", {"call": call}) or []

    def catches(self, call: int) -> bool:
        return bool(self._ask("catches", {"call": call}))

    def scopes(self, frame: int) -> list[Scope]:
        return self._ask("scopes", {"frame": frame}) or []

    def variables(self, reference: int, start: int, count: int) -> list[Variable]:
        return self._ask("variables", {"reference": reference, "start": start, "count": count}) or []

    def evaluate(self, text: str, frame: int | None, most: int) -> Shown:
        return self._ask("evaluate", {"text": text, "frame": frame, "most": most})

    def holds(self, condition: str, frame: int) -> bool:
        return bool(self._ask("holds", {"text": condition, "frame": frame}))

    def text(self, expression: str, frame: int) -> str:
        return str(self._ask("text", {"text": expression, "frame": frame}))

    def assign(self, reference: int, name: str, text: str, frame: int | None) -> Shown:
        return self._ask("assign", {"reference": reference, "name": name, "text": text, "frame": frame})

    def store(self, target: str, text: str, frame: int | None) -> Shown:
        return self._ask("store", {"target": target, "text": text, "frame": frame})

    def completions(self, text: str, frame: int | None) -> list[Completion]:
        return self._ask("completions", {"text": text, "frame": frame}) or []

    def forget(self) -> None:
        self._ask("forget", {})
