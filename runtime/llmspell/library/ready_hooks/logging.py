"""LoggingHook: a line for whatever happens, through the run's `logger`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from llmspell.api.describe import exposed
from llmspell.api.kinds import HookPointName
from llmspell.api.objects import ScriptClass
from llmspell.hooks.handlers import own_point
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.library.logger import Logger
from llmspell.library.ready_hooks.points import ENDS, facts
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingHookOptions:
    level: Literal["debug", "info", "warn", "error"] = "info"
    """Of its messages, but for those of errors."""
    points: list[HookPointName] | None = None
    """What is logged; the end of each execution, model call and tool call, and failures, unless given."""
    content: bool = False
    """Whether prompts, answers and arguments are logged too."""


@exposed(options=LoggingHookOptions, example='Hooks.use(LoggingHook.new{ level = "debug" })')
class LoggingHook(Hook):
    """Logs what agents, models and tools do: a `log` event each, and a line on stderr from `[log] level` on."""

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> LoggingHook:
        return cls(run, LoggingHookOptions(**options))

    def __init__(self, run: Run, options: LoggingHookOptions) -> None:
        """Raises ArgumentError for a point that there is not."""
        self.site = run.site
        self._log = Logger(run)
        self._options = options
        self._points = [own_point(point) for point in options.points] if options.points else ENDS

    def served(self) -> Served:
        return {point: (self._handler(point), 0) for point in self._points}

    def _handler(self, point: str) -> Any:
        level = "error" if point == "on_error" else self._options.level

        async def handle(context: Context) -> Context:
            getattr(self._log, level)(point, facts(context, content=self._options.content))
            return context

        return handle
