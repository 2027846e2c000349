"""Workflows as plain values: steps as they are written, the names that they give, and every use of one.

Made by `workflows`, read by features and checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmspell.api.references import RESERVED, Reference
from llmspell_lsp.analysis.sites import Site
from llmspell_lsp.syntax.nodes import Entry, Span, Text

StepKind = Literal[
    "agent", "tool", "function", "workflow", "sequential", "parallel", "conditional", "loop", "map_reduce", "pipeline"
]


@dataclass(slots=True, eq=False)
class Step:
    """One step as it is written. number: its place in its list, from 1. entries: its fields by registry name.

    name, output: "" where it has none; their texts are where a rename changes them.
    """

    kind: StepKind
    number: int
    site: Site
    entries: Mapping[str, Entry]
    parent: Step | None
    key: str
    """Where it is in its parent: `steps`, `body`, `true_branch`, …"""
    name: str = ""
    output: str = ""
    inside: list[Step] = field(default_factory=list["Step"])

    @property
    def gives(self) -> tuple[str, ...]:
        """The names its value has from then on."""
        return tuple(dict.fromkeys(name for name in (self.output, self.name) if name and name not in RESERVED))

    @property
    def title(self) -> str:
        return self.name or self.output or f"step_{self.number}"

    def text(self, key: str) -> Text | None:
        """The constant text of a field."""
        entry = self.entries.get(key)
        return entry.value if entry is not None and isinstance(entry.value, Text) else None

    def all(self) -> Iterator[Step]:
        yield self
        for each in self.inside:
            yield from each.all()


@dataclass(slots=True, eq=False)
class Use:
    """One `{{…}}`. reference: None where the braces hold none, or are not closed.

    span: from `{{` to behind `}}`; name_span: of its name; both in lines of the file. sees: each name that is there,
    with the steps that give it (none for those that are always there). before: the greatest N of a `step_N`.
    """

    reference: Reference | None
    problem: str
    span: Span
    name_span: Span
    text: Text
    step: Step
    field: str
    sees: Mapping[str, tuple[Step, ...]]
    before: int
    listed: tuple[Step, ...]
    """The steps of the lists around it, by which `step_N` counts; nearest list first."""


@dataclass(slots=True, eq=False)
class Flow:
    """A workflow: its root step, which has no site of its own beyond the options, and its uses in order."""

    call: Site
    root: Step
    uses: list[Use]
    complete: bool
    functions: bool
    """Whether a function has a part in it, which may set any name."""

    def steps(self) -> Iterator[Step]:
        """Every step below the root, in order."""
        for each in self.root.inside:
            yield from each.all()

    def givers(self, name: str) -> list[Step]:
        """The steps that give a name."""
        return [step for step in self.steps() if name in step.gives]
