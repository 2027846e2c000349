"""What can be known of a workflow's references before its first step: those to steps that are never before them, and,
once the input is known, those to names that nothing gives.

A function may set any name on the context, so where there are functions an unknown name may still come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from llmspell.api.references import ALWAYS, INSIDE, STEP, Reference, references
from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.workflows.definition import Definition, Hole, Part, Step
from llmspell.workflows.references import missing

Refuse = Callable[[str, str], ArgumentError]
"""An error at a step's path, for a problem."""


@frozen
class _Place:
    """A reference and what is there for it. before: the greatest N of a `step_N`, in all lists around."""

    step: Step
    field: str
    wanted: Reference
    names: frozenset[str]
    before: int

    @property
    def said(self) -> str:
        return f"{self.field} refers to {{{{{self.wanted.text}}}}}"


def check_places(root: Step, refuse: Refuse) -> None:
    """Raises ArgumentError for a `step_N` that is not before its reference, and for two steps at once that write one
    output."""
    for place in _places(root, ALWAYS, 0):
        found = STEP.fullmatch(place.wanted.name)
        if found is not None and not 1 <= int(found[1]) <= place.before:
            before = f"step_1 to step_{place.before}" if place.before > 1 else "step_1" if place.before else "none"
            raise refuse(place.step.path, f"{place.said}, which is not before it (steps before: {before})")
    for step in root.inner():
        if step.type == "parallel":
            _no_shared_output(step, refuse)


def check_names(definition: Definition, input: Any, refuse: Refuse) -> None:
    """Raises ArgumentError for a name that neither the input nor a step before gives."""
    if any(_has_function(step) for step in definition.root.inner()):
        return
    given = frozenset(map(str, input)) if isinstance(input, dict) else frozenset[str]()
    for place in _places(definition.root, ALWAYS | given, 0):
        name = place.wanted.name
        if name in place.names or STEP.fullmatch(name):
            continue
        error = refuse(place.step.path, f"{place.said}, and nothing gives {name!r}")
        known = missing(error.message, name, place.names, "there are")
        raise ArgumentError(error.message, hint=known.hint, source=error.source)


def _places(step: Step, names: frozenset[str], before: int) -> Iterator[_Place]:
    """Every reference of a step and those inside it, in the order in which they are met."""
    for field, value in _templates(step):
        for wanted in references(value):
            yield _Place(step, field, wanted, names, before)
    if step.items is not None:
        for wanted in references(step.items):
            yield _Place(step, "over" if step.type == "loop" else "items", wanted, names, before)
    inside = names | INSIDE.get(step.type, frozenset())
    if step.type == "loop":  # what its body gives is there the next time
        inside |= _outputs(step)
    if isinstance(step.condition, str):
        for wanted in references(step.condition):
            yield _Place(step, "condition", wanted, inside if step.type == "loop" else names, before)
    for part in step.parts:
        yield from _in_part(step, part, inside, before)


def _in_part(step: Step, part: Part, names: frozenset[str], before: int) -> Iterator[_Place]:
    if isinstance(part.condition, str):
        for wanted in references(part.condition):
            yield _Place(step, f"{part.key}.condition", wanted, names, before)
    for each in part.steps:
        yield from _places(each, names, before)
        if given := _outputs(each):
            names |= given
        if step.type not in ("parallel", "pipeline"):
            before = max(before, each.index)


def _templates(step: Step) -> Iterator[tuple[str, Any]]:
    for field in ("input", "params", "action", "fallback"):
        yield field, getattr(step, field)


def _outputs(step: Step) -> frozenset[str]:
    """The names that are there once the step is over."""
    if step.type == "map_reduce":  # its items keep theirs to themselves
        return frozenset({step.output, step.name} - {""})
    return frozenset({name for each in _visible(step) for name in (each.output, each.name) if name})


def _visible(step: Step) -> Iterator[Step]:
    yield step
    for part in step.parts:
        for each in part.steps:
            if each.type == "map_reduce":
                yield each
            else:
                yield from _visible(each)


def _no_shared_output(step: Step, refuse: Refuse) -> None:
    seen: set[str] = set()
    for part in step.parts:
        names = {each.output for first in part.steps for each in first.inner() if each.output}
        if shared := sorted(names & seen):
            problem = f"writes the output {shared[0]!r}, as another step does at the same time"
            raise refuse(part.steps[0].path, problem)
        seen |= names


def _has_function(step: Step) -> bool:
    """Whether a function of the script's has a part in it, which may set names."""
    holes = (step.input, step.input_transform, step.on_output, step.condition, step.aggregator, step.items)
    inner = (each for part in step.parts for each in (part.condition, part.transformer))
    return step.type == "function" or any(isinstance(each, Hole) for each in (*holes, *inner))
