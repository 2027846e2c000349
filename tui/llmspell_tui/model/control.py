"""How a live run is controlled from here: paused or not, what waits for a person. Folds what its socket tells; no I/O.

What cannot be done says why: `Control.why` for a run that takes no commands, `missing` for one without a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from llmspell_tui.model.points import PointLog
from llmspell_tui.model.run import RunModel

#: Printed lines that are shown with a question, and points looked through for them.
_SAID: Final = 4
_LOOKED: Final = 200
_RUN_AGAIN: Final = "r runs the spell again, R from the row under the cursor"


@dataclass(slots=True)
class Control:
    """pause: why and where the run is paused, None while it goes on. waiting: questions and tool calls that wait for
    somebody, oldest first. agents: those that can be spoken to. why: a sentence why nothing can be done, "" if it can.
    """

    pause: Mapping[str, Any] | None = None
    waiting: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    breakpoints: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    computing: bool = False
    why: str = ""

    @property
    def paused(self) -> bool:
        return self.pause is not None

    def take_status(self, status: Mapping[str, Any]) -> None:
        """The answer to `status`."""
        self.pause = status.get("pause")
        self.waiting = [dict(each) for each in status.get("waiting", ())]
        self.breakpoints = tuple(status.get("breakpoints", ()))
        self.approve = tuple(status.get("approve", ()))
        self.agents = tuple(status.get("agents", ()))
        self.computing = bool(status.get("computing"))
        if status.get("replaying"):
            self.why = "this run is a replay: it does what the recorded one did, and takes no commands"

    def take(self, told: Mapping[str, Any]) -> None:
        """A notice."""
        match told:
            case {"notice": "paused"}:
                self.pause = told
            case {"notice": "resumed"}:
                self.pause = None
            case {"notice": "waiting", "number": number}:
                self.waiting = [*(each for each in self.waiting if each["number"] != number), dict(told)]
            case {"notice": "settled", "number": number}:
                self.waiting = [each for each in self.waiting if each["number"] != number]
            case {"notice": "ended"} | {"notice": "gone"}:
                self.pause, self.waiting, self.agents = None, [], ()
                self.why = "the run has ended"
            case _:
                pass

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [each for each in self.waiting if each.get("kind") == "approval"]

    @property
    def questions(self) -> list[dict[str, Any]]:
        return [each for each in self.waiting if each.get("kind") == "question"]

    @property
    def wants(self) -> Mapping[str, Any] | None:
        """What somebody is to look at: what waits longest, else the breakpoint that the run stands at."""
        if self.waiting:
            return self.waiting[0]
        return self.pause if self.pause is not None and self.pause.get("stop") else None


def missing(model: RunModel | None, control: Control | None) -> str:
    """Why no command can be given to the run shown; "" where it can."""
    if model is None:
        return "there is no run"
    if model.page is not None and model.page.replayed:
        return "this run is a replay: it does what the recorded one did, and takes no commands"
    if model.status != "running":
        return f"the run has ended ({model.status}): {_RUN_AGAIN}"
    if control is not None:
        return control.why
    if model.page is None:
        return "the run is still being read"
    if not model.page.socket:
        return "the run has no socket: no folder for one could be made where it was started"
    return "the run is still being connected to"


def said_before(points: PointLog, moment: int | None = None) -> list[str]:
    """The last lines that the spell printed before it asks, since the answer before: what the question is about."""
    lines: list[str] = []
    end = points.upto(moment)
    for i in range(end - 1, max(end - _LOOKED, 0) - 1, -1):
        if points.kind(i) == "input_given" or len(lines) == _SAID:
            break
        if points.kind(i) == "output" and (text := points.text(i)):
            lines.append(text)
    return lines[::-1]


def about(wants: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a breakpoint's stop is about to do, or what waits."""
    found = wants.get("about")
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else wants
