"""MetricsHook: counters and histograms of calls, tokens and times, in the run's `metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.library.metrics import Recorder
from llmspell.run import Run

_Prefix = Annotated[str, Bounds(max_length=50)]

#: By point: what is counted, and which fields of the context tell its series apart.
_COUNTED: Final = {
    "after_execute": ("execution", ("agent_name",)),
    "after_llm_call": ("llm_call", ("agent_name", "provider", "model")),
    "after_tool_call": ("tool_call", ("agent_name", "tool_name")),
    "on_error": ("error", ("agent_name", "unit")),
    "on_retry": ("retry", ("agent_name", "unit")),
}
_PLURAL: Final = {"retry": "retries"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsHookOptions:
    prefix: _Prefix = ""
    """Before each metric's name, `shop_`."""
    labels: dict[str, str | float | bool] | None = None
    """More labels on each of its metrics."""


@exposed(options=MetricsHookOptions, example='Hooks.use(MetricsHook.new{ prefix = "shop_" })')
class MetricsHook(Hook):
    """Counts executions, model calls, tool calls, errors and retries, and measures times and tokens.

    Counters: `executions`, `llm_calls`, `tool_calls`, `errors`, `retries`. Histograms: `execution_duration`,
    `llm_call_duration`, `tool_call_duration` in milliseconds, `llm_call_tokens`. They are read with `metrics`.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> MetricsHook:
        return cls(run, MetricsHookOptions(**options))

    def __init__(self, run: Run, options: MetricsHookOptions) -> None:
        self.site = run.site
        self._recorder = Recorder(run)
        self._prefix = options.prefix
        self._labels = options.labels or {}

    def served(self) -> Served:
        return {point: (self._handler(noun, fields), 0) for point, (noun, fields) in _COUNTED.items()}

    def _handler(self, noun: str, fields: tuple[str, ...]) -> Any:
        count, measure = self._prefix + _PLURAL.get(noun, f"{noun}s"), self._prefix + noun

        async def handle(context: Context) -> Context:
            labels = {**{name: context[name] for name in fields if context.get(name)}, **self._labels}
            self._recorder.record("counter", count, 1, labels)
            if isinstance(duration := context.get("duration"), int | float):
                self._recorder.record("histogram", f"{measure}_duration", duration, labels)
            usage = context.get("token_usage")
            if noun == "llm_call" and isinstance(usage, dict) and (total := usage.get("total")):
                self._recorder.record("histogram", f"{measure}_tokens", total, labels)
            return context

        return handle
