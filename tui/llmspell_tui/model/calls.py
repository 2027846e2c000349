"""Which call of a model or tool an edit at a span is of: its own, that around a hook, else the first one inside it."""

from __future__ import annotations

from typing import Final

from llmspell_tui.model.run import RunModel

CALLS: Final = frozenset({"llm_call", "tool"})
#: Spans looked through for the first call inside one.
_LOOKED: Final = 100_000


def call_at(model: RunModel, i: int) -> int | None:
    """The span's index, None where there is no call."""
    spans = model.spans
    around: int | None = i
    while around is not None and spans.kind(around) == "hook":
        around = spans.parent(around)
    if around is not None and spans.kind(around) in CALLS:
        return around
    inside = {i}
    for at in range(i + 1, min(len(spans), i + _LOOKED)):
        if spans.parent(at) in inside:
            inside.add(at)
            if spans.kind(at) in CALLS:
                return at
    return None
