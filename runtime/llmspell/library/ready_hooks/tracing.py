"""TracingHook: spans and attributes of the author's own in the run's trace, and in whatever it is exported to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.run import Run

_UNITS: Final = ("execute", "llm_call", "tool_call")
#: Where the span's number travels from a unit's beginning to its end.
_SPAN: Final = "trace_span"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingHookOptions:
    name: str = ""
    """The name of its spans; `<agent or tool> <unit>` unless given."""
    attributes: dict[str, str | float | bool] | None = None
    """Attributes of each of its spans, such as a `team`."""
    fields: list[str] | None = None
    """Fields of the hooks' context that become attributes too, such as `request_id`."""


@exposed(options=TracingHookOptions, example='Hooks.use(TracingHook.new{ attributes = { team = "search" } })')
class TracingHook(Hook):
    """A span of your own around each execution, model call and tool call, with attributes of your own.

    They are in the trace (`traced_started`, `traced_completed`) and go with it to OpenTelemetry.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> TracingHook:
        return cls(run, TracingHookOptions(**options))

    def __init__(self, run: Run, options: TracingHookOptions) -> None:
        self.site = run.site
        self._run = run
        self._options = options
        self._open: dict[int, tuple[str, float, int]] = {}

    def served(self) -> Served:
        return {
            **{f"before_{unit}": (self._begin(unit), 1000) for unit in _UNITS},
            **{f"after_{unit}": (self._end("ok"), -1000) for unit in _UNITS},
            "on_error": (self._end("error"), -1000),
        }

    def _begin(self, unit: str) -> Any:
        async def handle(context: Context) -> Context:
            log, around = self._run.log, self._run.span
            number = log.new_span()
            whose = context.get("tool_name") or context.get("agent_name") or ""
            name = self._options.name or f"{whose} {unit}".strip()
            data = {"unit": unit, "attributes": self._attributes(context)}
            event = log.emit(
                "traced_started", phase="start", span=number, parent=around.parent, name=name, site=self.site, data=data
            )
            self._open[number] = (name, event.time, around.parent)
            return {**context, _SPAN: number}

        return handle

    def _end(self, status: str) -> Any:
        async def handle(context: Context) -> Context:
            number = context.get(_SPAN)
            found = self._open.pop(number, None) if isinstance(number, int) else None
            if found is None or not isinstance(number, int):
                return context
            name, started, parent = found
            now = self._run.log.now()
            data = {
                "attributes": self._attributes(context),
                "status": status,
                "duration": round(now - started, 3),
            }
            self._run.log.emit(
                "traced_completed",
                phase="end",
                span=number,
                parent=parent,
                name=name,
                site=self.site,
                data=data,
                time=now,
            )
            return context

        return handle

    def _attributes(self, context: Context) -> dict[str, Any]:
        wanted = self._options.fields or ()
        found = {name: context[name] for name in wanted if context.get(name) is not None}
        return {**(self._options.attributes or {}), **found}
