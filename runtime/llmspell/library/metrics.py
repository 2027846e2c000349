"""`metrics`, `MetricsCollector` and timers: what a spell counts and measures, beside what the runtime counts itself.

Every value is an event of the run (`metric_recorded`); the numbers are a fold of the event log (`traces.counting`), so
that a script, `llmspell trace export` and the event stream agree. The fold is made at its first use, and takes in what
has happened before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import NAME_LENGTH
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.run import Run
from llmspell.traces.counting import is_own
from llmspell.traces.dashboard import Dashboard
from llmspell.traces.live import LiveServer
from llmspell.traces.metrics import METRICS, SERIES, Kind, Metrics, labels_of

if TYPE_CHECKING:
    from llmspell.traces.metrics import Labels

#: Characters of a label's value: a label tells series apart, it is no place for texts.
_LABEL_LENGTH: Final = 200
_LABELS: Final = 20

LabelTable = dict[str, Any]
"""Texts, numbers or switches by name."""


class Summary(TypedDict):
    count: int
    sum: float
    min: float
    max: float
    mean: float
    p50: float
    p95: float
    p99: float


class Series(TypedDict, total=False):
    name: str
    type: str
    """`counter`, `gauge` or `histogram`."""
    labels: dict[str, str]
    value: float
    """Of a counter or gauge; a histogram has the fields of its summary."""


class Snapshot(TypedDict):
    counters: dict[str, float]
    """The sum over all labels, by name."""
    gauges: dict[str, float]
    """The value set last, by name."""
    histograms: dict[str, Summary]
    """By name, over all labels. Quantiles are those of the newest 1,000 values of each series."""
    series: list[Series]
    """One entry for each name with each combination of labels."""


class AgentStatus(TypedDict):
    id: str
    name: str
    type: str
    status: str
    """`idle`, `executing`, `waiting_for_llm`, `using_tool` or `error`."""
    last_activity: float
    """The time of its last event, in milliseconds since 1970."""
    executions: int
    llm_calls: int
    tool_calls: int
    errors: int
    tokens: int
    cost: float


class RunStatus(TypedDict):
    spell: str
    status: str
    started: float
    llm_calls: int
    tokens: int
    cost: float


class DashboardData(TypedDict):
    run: RunStatus
    agents: list[AgentStatus]
    """In the order in which they were made."""
    metrics: Snapshot
    timestamp: float
    """The time of the run's last event, in milliseconds since 1970."""


def dashboard_of(run: Run) -> Dashboard:
    """The run's fold of all events so far, kept up to date from its first use on."""
    return run.service(Dashboard, _follow)


def _follow(run: Run) -> Dashboard:
    found = Dashboard()
    for event in run.service(LiveServer).held:
        found.add(event)
    run.log.attach(found.add)
    return found


class Recorder:
    """Checks what a script measures and makes an event of it. collector: "" for the run's own metrics."""

    def __init__(self, run: Run, collector: str = "") -> None:
        self._run = run
        self._collector = collector

    @property
    def metrics(self) -> Metrics:
        return dashboard_of(self._run).counting.collector(self._collector)

    def record(self, kind: Kind, name: str, value: float, labels: Mapping[str, Any] | None) -> None:
        self._check(kind, name, value)
        self._emit(kind, name, value, _checked(labels or {}))

    def record_since(self, name: str, started: float, labels: Labels) -> float:
        """Measures from a time of the log until now; gives the milliseconds."""
        now = self._run.log.now()
        took = round(now - started, 3)
        self._emit("histogram", name, took, labels, now)
        return took

    def begin(self, name: str, labels: Mapping[str, Any] | None) -> tuple[float, Labels]:
        """Notes that something begins to be measured; gives when."""
        self._check("histogram", name, 0)
        checked = _checked(labels or {})
        data = {"metric": name, "labels": dict(checked), "collector": self._collector}
        return self._run.emit("timer_started", name, data).time, checked

    def _emit(self, kind: Kind, name: str, value: float, labels: Labels, time: float | None = None) -> None:
        metrics = self.metrics
        data = {
            "metric": name,
            "type": kind,
            "value": value,
            "labels": dict(labels),
            "collector": self._collector,
        }
        self._run.emit("metric_recorded", name, data, time)
        family = metrics.families.get(name)
        if family is not None and family.overflowed:
            message = f"{name!r} has more than {SERIES} combinations of labels: the rest are counted together"
            self._run.warn(message, once=f"metric {self._collector} {name}")

    def _check(self, kind: Kind, name: str, value: float) -> None:
        if not name or len(name) > NAME_LENGTH:
            raise ArgumentError("a metric has a name", hint=f"of at most {NAME_LENGTH} characters")
        if not self._collector and is_own(name):
            raise ArgumentError(f"{name!r} is a name of the runtime's own metrics", hint="begin it with another word")
        if not -1.7e308 < value < 1.7e308:
            raise ArgumentError(f"{name!r} cannot take {value}", hint="give a finite number")
        if kind == "counter" and value < 0:
            raise ArgumentError(f"the counter {name!r} cannot go down by {-value:g}", hint="use a gauge")
        held = self.metrics
        known = held.kind_of(name)
        if known not in (None, kind):
            raise ArgumentError(f"{name!r} is a {known} already, not a {kind}", hint="give it another name")
        if known is None and len(held.families) >= METRICS:
            raise ArgumentError(
                f"there are {METRICS} metrics already, the limit", hint="put what varies into labels, not into names"
            )


def _checked(labels: Mapping[str, Any]) -> Labels:
    if len(labels) > _LABELS:
        raise ArgumentError(f"a metric has at most {_LABELS} labels, not {len(labels)}")
    for name, value in labels.items():
        if not isinstance(value, str | int | float | bool | None):
            raise ArgumentError(f"the label {name!r} must be a text, a number or a switch")
    return tuple((name, text[:_LABEL_LENGTH]) for name, text in labels_of(labels))


@exposed(constructible=False)
class MetricTimer:
    """Measures from when it was made until `stop`."""

    def __init__(self, recorder: Recorder, name: str, labels: Mapping[str, Any] | None) -> None:
        self._recorder = recorder
        self._name = name
        self._started, self._labels = recorder.begin(name, labels)
        self._took: float | None = None

    @property
    @prop()
    def running(self) -> bool:
        """Whether it has not been stopped."""
        return self._took is None

    @method(example='local timer = metrics:timer("load")\nlocal milliseconds = timer:stop()')
    def stop(self) -> float:
        """Adds the milliseconds to the histogram, and gives them. Another `stop` gives them again."""
        if self._took is None:
            self._took = self._recorder.record_since(self._name, self._started, self._labels)
        return self._took


@exposed(name="metrics", namespace=True)
class MetricsNamespace:
    """Counters, gauges and histograms of the run: the spell's own, and beside them what the runtime counts.

    A histogram's values have the unit that you give them. The runtime's names begin with `llmspell_`: calls, tokens,
    cost, tool runs, errors, durations.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._recorder = Recorder(run)

    @method(errors=("invalid_argument",), example='metrics:increment("orders", { kind = "book" })')
    def increment(self, name: str, labels: LabelTable | None = None, amount: float = 1) -> None:
        """Counts one more, or `amount` more."""
        self._recorder.record("counter", name, amount, labels)

    @method(errors=("invalid_argument",), example='metrics:gauge("queue_length", 3)')
    def gauge(self, name: str, value: float, labels: LabelTable | None = None) -> None:
        """Sets a value that goes up and down."""
        self._recorder.record("gauge", name, value, labels)

    @method(errors=("invalid_argument",), example='metrics:histogram("answer_length", #answer)')
    def histogram(self, name: str, value: float, labels: LabelTable | None = None) -> None:
        """Adds a measured value."""
        self._recorder.record("histogram", name, value, labels)

    @method(errors=("invalid_argument",), example='local timer = metrics:timer("load")')
    def timer(self, name: str, labels: LabelTable | None = None) -> MetricTimer:
        """Begins to measure; its `stop` adds the milliseconds to the histogram of this name."""
        return MetricTimer(self._recorder, name, labels)

    @method(result=Snapshot, example="local calls = metrics:snapshot().counters.llmspell_llm_calls")
    def snapshot(self) -> dict[str, Any]:
        """Everything that has been counted and measured so far."""
        return self._recorder.metrics.snapshot()

    @method(result=DashboardData)
    def dashboard(self) -> dict[str, Any]:
        """The run at a glance: each agent with its status and last activity, the metrics, the time."""
        return dashboard_of(self._run).snapshot()

    @method(example='print(metrics:export("prometheus"))')
    def export(self, format: Literal["prometheus"] = "prometheus") -> str:
        """The metrics as a text that other programs read."""
        from llmspell.traces.prometheus import exposition  # 1 ms, for the few spells that export

        identity = self._run.identity
        return exposition(self._recorder.metrics, {"run": identity.run_id, "spell": identity.label})


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorOptions:
    name: str | None = None
    """What the run's metrics call it, in the label `collector`; made up where it is left out."""


class _Collectors:
    """The names of a run's collectors."""

    def __init__(self, run: Run) -> None:
        self._taken: set[str] = set()

    def name(self, wanted: str | None) -> str:
        base = wanted or "collector"
        found, number = base if wanted else "collector_1", 1
        while found in self._taken:
            number += 1
            found = f"{base}_{number}"
        self._taken.add(found)
        return found


@exposed(options=CollectorOptions, example='local mine = MetricsCollector.new()\nmine:increment("seen")')
class MetricsCollector:
    """Metrics of your own, apart from those of the run. Exports of the run show them with the label `collector`."""

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> MetricsCollector:
        return cls(run, CollectorOptions(**options))

    def __init__(self, run: Run, options: CollectorOptions) -> None:
        self._name = run.service(_Collectors, _Collectors).name(options.name)
        self._recorder = Recorder(run, self._name)

    @property
    @prop()
    def name(self) -> str:
        """Its name in the run's metrics."""
        return self._name

    @method(errors=("invalid_argument",), example='mine:increment("seen", { kind = "page" })')
    def increment(self, name: str, labels: LabelTable | None = None, amount: float = 1) -> None:
        """Counts one more, or `amount` more."""
        self._recorder.record("counter", name, amount, labels)

    @method(errors=("invalid_argument",))
    def gauge(self, name: str, value: float, labels: LabelTable | None = None) -> None:
        """Sets a value that goes up and down."""
        self._recorder.record("gauge", name, value, labels)

    @method(errors=("invalid_argument",), example='mine:histogram("seconds", 1.5)')
    def histogram(self, name: str, value: float, labels: LabelTable | None = None) -> None:
        """Adds a measured value."""
        self._recorder.record("histogram", name, value, labels)

    @method(errors=("invalid_argument",))
    def timer(self, name: str, labels: LabelTable | None = None) -> MetricTimer:
        """Begins to measure; its `stop` adds the milliseconds to the histogram of this name."""
        return MetricTimer(self._recorder, name, labels)

    @method(result=Snapshot, example="local seen = mine:get_snapshot().counters.seen")
    def get_snapshot(self) -> dict[str, Any]:
        """What this collector holds."""
        return self._recorder.metrics.snapshot()
