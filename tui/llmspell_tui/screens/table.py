"""The screens: one line each. A screen's module is imported when it is first shown."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmspell_tui.screens.view import View


@dataclass(frozen=True, slots=True)
class Place:
    """name: as in the action `screen_<name>`, whose key shows it. made: `module:class` below this package."""

    name: str
    title: str
    made: str

    def view(self) -> type[View]:
        module, _, name = self.made.partition(":")
        found: type[View] = getattr(import_module(f"llmspell_tui.screens.{module}"), name)
        return found


PLACES: Final[tuple[Place, ...]] = (
    Place("trace", "Trace", "trace:TraceView"),
    Place("runs", "Runs", "runs:RunsView"),
    Place("diff", "Diff", "diff:DiffView"),
    Place("state", "State", "state:StateView"),
    Place("hooks", "Hooks", "hooks:HooksView"),
    Place("events", "Events", "events:EventsView"),
    Place("metrics", "Metrics", "metrics:MetricsView"),
    Place("source", "Source", "source:SourceView"),
    Place("help", "Help", "help:HelpView"),
)


def place(name: str) -> Place | None:
    return next((place for place in PLACES if place.name == name), None)
