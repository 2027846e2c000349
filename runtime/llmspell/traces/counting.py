"""What a run's events count: calls, tokens, costs, tool runs, errors, durations, and what the spell measured itself.

A fold: give it every event in order and it holds the metrics of the run up to there, whether the run is under way or
was stored long ago. Durations are in seconds, from the events' own times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.metrics import About, Kind, Labels, Metrics, labels_of
from llmspell.traces.spans import span_kind, usage_of

#: How the names of the runtime's own metrics begin; a spell's may not.
OWN: Final = "llmspell_"

_METRICS: Final[Mapping[str, About]] = {
    "llmspell_runs": About("counter", "Runs that have ended, by status."),
    "llmspell_run_duration_seconds": About("gauge", "How long the run took."),
    "llmspell_executions": About("counter", "Executions of agents that have ended."),
    "llmspell_execution_duration_seconds": About("histogram", "How long an agent's execution took."),
    "llmspell_llm_calls": About("counter", "Requests to models that have ended."),
    "llmspell_llm_call_duration_seconds": About("histogram", "How long a model took to answer."),
    "llmspell_tokens": About("counter", "Tokens read by models (input) and written (output)."),
    "llmspell_cost_dollars": About("counter", "What models cost, in US dollars, where the price is known."),
    "llmspell_tool_calls": About("counter", "Tool runs that have ended."),
    "llmspell_tool_duration_seconds": About("histogram", "How long a tool took."),
    "llmspell_hook_calls": About("counter", "Hook handlers that were asked."),
    "llmspell_hook_duration_seconds": About("histogram", "How long a hook's handler took."),
    "llmspell_spans": About("counter", "Other work that has ended, by kind: workflows, steps, handoffs."),
    "llmspell_span_duration_seconds": About("histogram", "How long other work took, by kind."),
    "llmspell_errors": About("counter", "Units that have failed, by unit and type of the error."),
    "llmspell_retries": About("counter", "Units that were tried again."),
    "llmspell_log_messages": About("counter", "What the spell logged, by level."),
    "llmspell_custom_events": About("counter", "Events that the spell emitted, by name."),
    "llmspell_events_dropped": About("counter", "Events that a listener opted to miss."),
}
_SCRIPTS: Final[Mapping[str, About]] = {
    "counter": About("counter", "Counted by the spell."),
    "gauge": About("gauge", "Set by the spell."),
    "histogram": About("histogram", "Measured by the spell."),
}


class Counting:
    """`metrics` is what the events so far amount to, `collectors` what each MetricsCollector of the spell holds."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.collectors: dict[str, Metrics] = {}
        self._started = 0.0
        self._counts: dict[str, Callable[[Event], None]] = {
            "spell_started": self._begun,
            "spell_completed": self._spell,
            "execution_completed": self._execution,
            "llm_call_completed": self._llm_call,
            "tool_completed": self._tool,
            "hook_completed": self._hook,
            "error": self._error,
            "retry": self._retry,
            "log": self._log,
            "custom": self._custom,
            "events_dropped": self._dropped,
            "metric_recorded": self._recorded,
        }

    def add(self, event: Event) -> None:
        count = self._counts.get(event.kind)
        if count is not None:
            count(event)
        elif event.phase == "end":
            self._span(event)

    def collector(self, name: str) -> Metrics:
        """The metrics of a collector, "" for the spell's `metrics`."""
        return self.collectors.setdefault(name, Metrics()) if name else self.metrics

    def _count(self, name: str, labels: Labels, value: float = 1) -> None:
        self.metrics.record(_METRICS[name], name, value, labels)

    def _took(self, name: str, event: Event, labels: Labels) -> None:
        duration = event.data.get("duration")
        if isinstance(duration, int | float):
            self._count(name, labels, duration / 1000)

    # -- kinds ---------------------------------------------------------------------------------------------------

    def _begun(self, event: Event) -> None:
        self._started = event.time

    def _spell(self, event: Event) -> None:
        self._count("llmspell_runs", labels_of({"spell": event.name, "status": event.data.get("status")}))
        if self._started:
            self._count("llmspell_run_duration_seconds", (), (event.time - self._started) / 1000)

    def _execution(self, event: Event) -> None:
        agent = _text(event.data, "agent_name") or event.name
        self._count("llmspell_executions", (("agent", agent), ("status", _text(event.data, "status"))))
        self._took("llmspell_execution_duration_seconds", event, (("agent", agent),))

    def _llm_call(self, event: Event) -> None:
        data = event.data
        model = {"model": _text(data, "model"), "provider": _text(data, "provider")}
        labels = labels_of({**model, "agent": _text(data, "agent_name"), "status": _text(data, "status")})
        self._count("llmspell_llm_calls", labels)
        self._took("llmspell_llm_call_duration_seconds", event, labels_of(model))
        self._used(data, model)

    def _used(self, data: dict[str, Any], whose: dict[str, str]) -> None:
        read, written, cost = usage_of(data)
        for direction, tokens in (("input", read), ("output", written)):
            if tokens:
                self._count("llmspell_tokens", labels_of({**whose, "direction": direction}), tokens)
        if cost:
            self._count("llmspell_cost_dollars", labels_of(whose), cost)

    def _tool(self, event: Event) -> None:
        tool = _text(event.data, "tool_name") or event.name
        agent, status = _text(event.data, "agent_name"), _text(event.data, "status")
        self._count("llmspell_tool_calls", (("agent", agent), ("status", status), ("tool", tool)))
        self._took("llmspell_tool_duration_seconds", event, (("tool", tool),))
        self._used(event.data, {"tool": tool})

    def _hook(self, event: Event) -> None:
        point = (("point", _text(event.data, "point") or event.name),)
        self._count("llmspell_hook_calls", (*point, ("status", _text(event.data, "status"))))
        self._took("llmspell_hook_duration_seconds", event, point)

    def _span(self, event: Event) -> None:
        kind = (("kind", span_kind(event.kind.removesuffix("_completed"))),)
        self._count("llmspell_spans", (*kind, ("status", _text(event.data, "status"))))
        self._took("llmspell_span_duration_seconds", event, kind)

    def _error(self, event: Event) -> None:
        error = event.data.get("error")
        kind = _text(error, "type") if isinstance(error, Mapping) else ""
        self._count("llmspell_errors", (("type", kind), ("unit", _text(event.data, "unit"))))

    def _retry(self, event: Event) -> None:
        self._count("llmspell_retries", (("unit", _text(event.data, "unit")),))

    def _log(self, event: Event) -> None:
        self._count("llmspell_log_messages", (("level", _text(event.data, "level")),))

    def _custom(self, event: Event) -> None:
        self._count("llmspell_custom_events", (("event", event.name),))

    def _dropped(self, event: Event) -> None:
        count = event.data.get("count")
        if isinstance(count, int):
            self._count("llmspell_events_dropped", (("pattern", _text(event.data, "pattern")),), count)

    def _recorded(self, event: Event) -> None:
        """What the spell measured: a collector's values are the run's too, under its name."""
        data = event.data
        about, value, given = _SCRIPTS.get(_text(data, "type")), data.get("value"), data.get("labels")
        if about is None or not isinstance(value, int | float):
            return
        labels = labels_of(given) if isinstance(given, Mapping) else ()
        collector = _text(data, "collector")
        if collector:
            self.collector(collector).record(about, event.name, value, labels)
            labels = tuple(sorted((*labels, ("collector", collector))))
        self.metrics.record(about, event.name, value, labels)


def is_own(name: str) -> bool:
    return name.startswith(OWN)


def kind_named(kind: Kind) -> About:
    """What a spell's metric of a kind is."""
    return _SCRIPTS[kind]


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
