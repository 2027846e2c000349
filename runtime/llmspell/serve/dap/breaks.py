"""What a client wants a run to stop at: lines of files, what is about to happen, errors. Kept here, told to the run.

Lines and errors go to the workers (`engines.debugging`), the rest to the run's control as `control.breakpoints` writes
them: `tool:csv`, `hook:before_llm_call`, `agent:*`, `cost:0.05`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Final

from llmspell.control.breakpoints import KINDS, Breakpoint
from llmspell.control.control import Paused
from llmspell.engines.debugging.breakpoints import LineBreakpoint, hit_rule
from llmspell.engines.debugging.session import Debug
from llmspell.errors import LlmspellError, UsageError
from llmspell.serve.dap.sources import Sources, nearest

#: Filters of exceptions, as the client shows them.
FILTERS: Final[list[dict[str, Any]]] = [
    {
        "filter": "uncaught",
        "label": "Uncaught errors",
        "description": "An error that nothing in the script catches",
        "default": True,
    },
    {"filter": "caught", "label": "Caught errors", "description": "Every error that the script itself catches"},
    {
        "filter": "failed",
        "label": "Failed agents, models, tools and steps",
        "description": "Before on_error decides; a condition is a pattern of the error's type or of what has failed",
        "supportsCondition": True,
        "conditionDescription": "rate_limit, timeout, tool:csv",
    },
]
_HITS: Final = "a hit count is a number, or one after >, >=, <, <=, == or %: `3`, `>= 3`, `% 2`"
#: Breakpoint texts of exceptions are of this kind.
_ERROR: Final = "error"


class Breaks:
    """debug: what is kept there goes to workers that begin later. control: gives the run's control new texts."""

    def __init__(self, debug: Debug, sources: Sources, control: Callable[[list[str]], None]) -> None:
        self._debug = debug
        self._sources = sources
        self._control = control
        self._ids = count(1)
        self._lines: dict[str, dict[tuple[Any, ...], int]] = {}  # of a label: ids by what was asked for
        self._without: dict[str, str] = {}  # labels that run without a stop, and why
        self._functions: dict[str, list[LineBreakpoint]] = {}
        self._errors: list[str] = []

    def move(self, debug: Debug, sources: Sources, control: Callable[[list[str]], None]) -> None:
        """The run begins anew, perhaps elsewhere: what was wanted of the last one is wanted of this."""
        labels = {label: sources.label(self._sources.path(label)) for label in self._lines}
        points = debug.wanted["breakpoints"]
        debug.wanted["breakpoints"] = {labels.get(label, label): given for label, given in points.items()}
        self._lines = {labels[label]: ids for label, ids in self._lines.items()}
        self._debug, self._sources, self._control = debug, sources, control
        self._without.clear()

    @property
    def texts(self) -> list[str]:
        """For the control of the run."""
        return [*self._functions, *(text for text in self._errors if text not in self._functions)]

    def met(self, pause: Paused) -> list[LineBreakpoint]:
        """The client's breakpoints where the control has stopped the run; none where it was not they that stop it."""
        text = pause.reason.removeprefix("breakpoint ")
        if text not in self._functions or any(_matches(each, pause) for each in self._errors):
            return []
        others = [each for each in self._functions if each != text and _matches(each, pause)]
        return [point for each in (text, *others) for point in self._functions[each]]

    def without(self, label: str, why: str) -> list[int]:
        """A file runs without a stop; gives the breakpoints that it has so far."""
        self._without[label] = why
        return list(self._lines.get(label, {}).values())

    # -- lines ---------------------------------------------------------------------------------------------------

    async def lines(self, path: str, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All breakpoints of a file; gives each as it is now. A line without code moves down to the next with some."""
        label, source = self._sources.label(path), {"path": path}
        try:
            lines = await self._sources.lines(path)
            problem = "there is no code at this line or below"
        except LlmspellError as error:
            lines, problem = [], error.message
        if label in self._without:
            lines, problem = [], self._without[label]
        answers: list[dict[str, Any]] = []
        points: list[dict[str, Any]] = []
        ids: dict[tuple[Any, ...], int] = {}
        before, self._lines[label] = self._lines.get(label, {}), ids
        for each in wanted:
            line, hit = each.get("line"), str(each.get("hitCondition") or "").strip()
            texts = {
                "condition": str(each.get("condition") or ""),
                "hit": hit,
                "log": str(each.get("logMessage") or ""),
            }
            asked = (line, *texts.values())
            # What is asked for again, as clients do whenever another one changes, goes on counting its hits.
            ids[asked] = number = before.get(asked) or next(self._ids)
            at = nearest(lines, line) if isinstance(line, int) else None
            answer: dict[str, Any] = {"id": number, "verified": False, "source": source}
            if isinstance(line, int):
                answer["line"] = line
            if at is None:
                answer["message"] = problem
            elif hit and hit_rule(hit) is None:
                answer["message"] = _HITS
            else:
                answer.update(verified=True, line=at)
                points.append({"id": number, "line": at, **texts})
            answers.append(answer)
        self._debug.wanted["breakpoints"][label] = points
        for worker in self._debug.workers:
            worker.tell("breakpoints", label=label, points=points)
        return answers

    # -- what happens --------------------------------------------------------------------------------------------

    def functions(self, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Breakpoints on what is about to happen, by their texts."""
        before = {(text, each.condition, each.hit): each for text, own in self._functions.items() for each in own}
        self._functions = {}
        answers: list[dict[str, Any]] = []
        for each in wanted:
            condition, hit = (str(each.get(name) or "").strip() for name in ("condition", "hitCondition"))
            answer: dict[str, Any] = {"id": next(self._ids), "verified": False}
            answers.append(answer)
            try:
                text = str(Breakpoint.parse(str(each.get("name", "")).strip()))
            except LlmspellError as error:
                answer["message"] = f"{error.message}: {error.hint or ', '.join(KINDS)}"
                continue
            if hit and hit_rule(hit) is None:
                answer["message"] = _HITS
                continue
            point = before.get((text, condition, hit)) or LineBreakpoint(answer["id"], 0, condition, hit)
            self._functions.setdefault(text, []).append(point)
            answer.update(id=point.id, verified=True)
        self._control(self.texts)
        return answers

    # -- errors --------------------------------------------------------------------------------------------------

    def errors(self, filters: list[Any], options: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Raises UsageError for a filter that there is not."""
        asked = [{"filterId": each} for each in filters] + options
        names = [str(each.get("filterId")) for each in asked]
        known = [each["filter"] for each in FILTERS]
        if strange := [name for name in names if name not in known]:
            raise UsageError(f"there is no filter of exceptions {strange[0]!r}", hint=f"one of {', '.join(known)}")
        answers: list[dict[str, Any]] = []
        self._errors = []
        for name, each in zip(names, asked):
            pattern = str(each.get("condition") or "").strip()
            try:
                if name == "failed":
                    self._errors.append(str(Breakpoint.parse(f"{_ERROR}:{pattern}" if pattern else _ERROR)))
            except LlmspellError as error:
                answers.append({"verified": False, "message": error.message})
            else:
                answers.append({"verified": True})
        stops = {"caught": "caught" in names, "uncaught": "uncaught" in names}
        self._debug.wanted["errors"] = stops
        for worker in self._debug.workers:
            worker.tell("errors", **stops)
        self._control(self.texts)
        return answers


def _matches(text: str, pause: Paused) -> bool:
    return Breakpoint.parse(text).matches(pause.stop, pause.names or ("",))
