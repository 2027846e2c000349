"""What a run of a workflow has done so far, step by step, so that another run can go on from there.

A `Kept` is a tree: the values of the steps of one place, and below each step that holds others and is under way, those
inside it. When such a step is over, its value stands for all of them. A key is where a step is: its path, and behind
`@` which time through each loop and which item of each map around (`steps[2].body@3`). Knows no checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmspell.workflows.context import Scope
    from llmspell.workflows.execution import Execution


@dataclass(slots=True)
class Done:
    """A step that is over. skipped: its condition did not hold."""

    value: Any
    skipped: bool = False


@dataclass(slots=True)
class Kept:
    """done: steps that are over, by key. inside: those of steps under way. decided: by key, what was found for a step
    under way before it is over (its input, whether its condition holds, its items). scopes: with values or variables of
    their own; runs: of workflows that are steps, under way. whole: nothing in it can be gone on with."""

    done: dict[str, Done] = field(default_factory=dict[str, Done])
    inside: dict[str, Kept] = field(default_factory=dict[str, "Kept"])
    decided: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    scopes: dict[str, Scope] = field(default_factory=dict[str, "Scope"])
    runs: dict[str, Execution] = field(default_factory=dict[str, "Execution"])
    whole: bool = False

    def begun(self, key: str) -> Kept:
        """For the steps inside a step that begins."""
        found = self.inside[key] = Kept(whole=self.whole)
        return found

    def finish(self, key: str, done: Done) -> None:
        """The step is over."""
        self.forget(key)
        self.done[key] = done

    def forget(self, key: str) -> None:
        """The step is tried again: what was done inside it counts no more."""
        self.inside.pop(key, None)
        self.decided.pop(key, None)
        self.runs.pop(key, None)

    def round(self, key: str, reached: dict[str, Any]) -> None:
        """A loop's body is over once more. reached: all that the next time needs to know."""
        self.done.clear()
        self.inside.clear()
        self.decided.clear()
        self.runs.clear()
        self.decided[key] = {"round": reached}

    def each(self) -> Iterator[Kept]:
        """It and all inside it that can be gone on with."""
        if not self.whole:
            yield self
            for inner in self.inside.values():
                yield from inner.each()


def decision(key: str, name: str) -> str:
    """The key of what was found for a step: `steps[2].items@3` for its items."""
    path, at, places = key.partition("@")
    return f"{path}.{name}{at}{places}" if path else f"{name}{at}{places}"


#: What is found for a step.
DECISIONS = ("input", "condition", "branch", "items", "round")
