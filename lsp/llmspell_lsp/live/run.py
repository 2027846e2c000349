"""A run as the editor shows it: its figures, and what its lines gave. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a file, from 0."""

    path: str
    line: int


@dataclass(slots=True, frozen=True)
class Gave:
    """What was done at a line. value: in one line, "" for nothing. times: how often; the figures are of all of them."""

    kind: str
    name: str
    value: str
    status: str
    duration: float
    tokens: int = 0
    cost: float | None = None
    times: int = 1


@dataclass(slots=True, frozen=True)
class StepRun:
    """A step of the workflow that is defined at a line. share: of its workflow's time."""

    path: str
    gave: Gave
    share: float


@dataclass(slots=True, frozen=True)
class Failure:
    """What ended a run. place: None where no line of the project is to blame. refused: the text was not compiled."""

    message: str
    hint: str
    place: Place | None
    stack: tuple[tuple[Place, str], ...] = ()
    refused: bool = False


@dataclass(slots=True, frozen=True)
class LastRun:
    """Times are milliseconds. texts: of the files as they were run, by path, the spell's own first."""

    id: str
    spell: str
    file: str
    status: str
    exit: int | None
    started: float
    duration: float
    input_tokens: int
    output_tokens: int
    cost: float | None
    calls: int
    failure: Failure | None = None
    values: Mapping[Place, Gave] = field(default_factory=dict[Place, Gave])
    steps: Mapping[Place, tuple[StepRun, ...]] = field(default_factory=dict[Place, "tuple[StepRun, ...]"])
    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens
