"""Metrics in the text format that Prometheus reads, version 0.0.4.

Names and labels of scripts are made to fit its rules; two that would then be one are told apart by a number.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from llmspell.events.event import Event
from llmspell.traces.counting import Counting
from llmspell.traces.meta import RunMeta
from llmspell.traces.metrics import Family, Histogram, Labels, Metrics

#: What each kind's samples are called beside the metric's own name.
_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count", ""),
}


def exposition(metrics: Metrics, info: Mapping[str, str] | None = None) -> str:
    """The text. info: what is known of the run, as the labels of `llmspell_run_info`."""
    lines: list[str] = []
    taken: set[str] = set()
    if info:
        lines += _head("llmspell_run_info", "gauge", "The run that these numbers are of.")
        lines.append(_sample("llmspell_run_info", tuple(info.items()), 1))
        taken.add("llmspell_run_info")
    for _, family in sorted(metrics.families.items()):
        lines += _family(family, taken)
    return "".join(f"{line}\n" for line in lines)


def of_run(meta: RunMeta, events: Iterable[Event]) -> str:
    """What a stored run's events amount to."""
    counting = Counting()
    for event in events:
        counting.add(event)
    return exposition(counting.metrics, {"run": meta.id, "spell": meta.label})


def _family(family: Family, taken: set[str]) -> Iterator[str]:
    kind = family.about.kind
    name = _free(_metric_name(family.name, kind), _SUFFIXES[kind], taken)
    yield from _head(f"{name}_total" if kind == "counter" else name, kind, family.about.doc)
    for labels, value in sorted(family.series.items()):
        if isinstance(value, Histogram):
            yield from _histogram(name, labels, value)
        else:
            yield _sample(f"{name}_total" if kind == "counter" else name, labels, value)


def _histogram(name: str, labels: Labels, histogram: Histogram) -> Iterator[str]:
    kept = tuple((f"{label}_" if label == "le" else label, text) for label, text in labels)
    for bound, count in histogram.cumulative():
        yield _sample(f"{name}_bucket", (*kept, ("le", _number(bound))), count)
    yield _sample(f"{name}_sum", kept, histogram.sum)
    yield _sample(f"{name}_count", kept, histogram.count)


def _head(name: str, kind: str, doc: str) -> list[str]:
    text = doc.replace("\\", r"\\").replace("\n", r"\n")
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _sample(name: str, labels: Labels, value: float) -> str:
    if not labels:
        return f"{name} {_number(value)}"
    taken: set[str] = set()
    pairs = [f'{_free(_label_name(label), ("",), taken)}="{_escaped(text)}"' for label, text in labels]
    return f"{name}{{{','.join(pairs)}}} {_number(value)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def _escaped(text: str) -> str:
    safe = text.encode("utf-8", "replace").decode()
    return safe.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _metric_name(name: str, kind: str) -> str:
    fitting = re.sub(r"[^a-zA-Z0-9_:]", "_", name) or "_"
    fitting = f"_{fitting}" if fitting[0].isdecimal() else fitting
    return fitting.removesuffix("_total") or "_" if kind == "counter" else fitting


def _label_name(name: str) -> str:
    """A label's name; those that begin with two underscores are Prometheus's own."""
    fitting = re.sub(r"[^a-zA-Z0-9_]", "_", name).lstrip("_") or "label"
    return f"_{fitting}" if fitting[0].isdecimal() else fitting


def _free(name: str, suffixes: tuple[str, ...], taken: set[str]) -> str:
    """The name, or it with the first number that makes it and what is made of it nobody else's; it is then taken."""
    candidate, number = name, 1
    while taken & {candidate + suffix for suffix in suffixes}:
        number += 1
        candidate = f"{name}_{number}"
    taken.update(candidate + suffix for suffix in suffixes)
    return candidate
