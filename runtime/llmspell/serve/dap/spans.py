"""A run as its events tell it while it is debugged: the spans under way, and the values of state it has written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.events.event import Event


@dataclass(slots=True)
class Open:
    """A span that has begun and not ended. site: where the script called it from. about: what its start event tells."""

    number: int
    parent: int
    kind: str
    name: str
    site: str
    about: dict[str, Any]

    @property
    def title(self) -> str:
        what = self.kind.removesuffix("_started").removesuffix("_called").replace("_", " ")
        return f"{_WORDS.get(what, what)} {self.name}".strip()


_WORDS = {"execution": "agent", "llm call": "model", "spell": "run of"}


class Spans:
    """Told each event by `heard`."""

    def __init__(self) -> None:
        self.open: dict[int, Open] = {}
        self.state: dict[str, dict[str, Any]] = {}
        """Scope, then path: the value that the run has given it last."""

    def heard(self, event: Event) -> None:
        if event.phase == "start":
            self.open[event.span] = Open(event.span, event.parent, event.kind, event.name, event.site, event.data)
        elif event.phase == "end":
            self.open.pop(event.span, None)
        if event.kind == "state_changed":
            data = event.data
            scope = ":".join(str(data[key]) for key in ("scope", "owner") if data.get(key))
            values = self.state.setdefault(scope or "state", {})
            if data.get("value") is None:
                values.pop(str(data.get("path")), None)
            else:
                values[str(data.get("path"))] = data["value"]

    def chain(self, number: int) -> list[Open]:
        """The spans around a span, itself first, without the run's own."""
        found: list[Open] = []
        while (span := self.open.get(number)) is not None and span.parent:
            found.append(span)
            number = span.parent
        return found
