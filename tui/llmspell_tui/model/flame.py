"""Where time, tokens or money went: boxes as wide as their share, inner ones below, equals put together by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from llmspell.frozen import frozen
from llmspell_tui.model.spans import SpanTable

By = Literal["time", "tokens", "cost"]


@frozen
class Box:
    """left, width: shares of the whole, 0 to 1. value: ms, tokens or dollars, of all `count` spans put together, as the
    spans themselves say it; what ran side by side may have taken more together than what is around it.

    own: the part of the value that lies in no inner box. span: the first of them, by index.
    """

    depth: int
    left: float
    width: float
    kind: str
    name: str
    value: float
    own: float
    count: int
    errors: int
    span: int


@dataclass(slots=True)
class _Group:
    kind: str
    name: str
    span: int
    value: float = 0.0
    room: float = 0.0  # its value, or those of what is in it, whichever is more
    count: int = 0
    errors: int = 0
    inner: dict[int, _Group] = field(default_factory=dict[int, "_Group"])


def flame(
    spans: SpanTable,
    *,
    by: By = "time",
    root: int | None = None,
    within: Sequence[tuple[str, str]] = (),
    narrowest: float = 0.0,
    now: float | None = None,
) -> list[Box]:
    """Boxes by depth and place, at the moment shown. root: only this span and what is in it. within: only the box that
    these kinds and names lead to from the outermost one on, with what is in it. narrowest: the share below which a box
    is left out. now: where running spans end.

    Spans side by side in time (a parallel step) stand beside each other: a box is as wide as its own value or the sum
    of its inner ones, whichever is more.
    """
    whole = _Group("", "", -1)
    groups: dict[int, _Group] = {}
    keys: dict[tuple[int, int], int] = {}
    top = (root + 1) if root is not None else 0
    if top:
        groups[top] = whole
    else:
        groups[0] = whole
    parent, limit = spans.outline.parent, spans.begun
    for i in range(root or 0, limit):
        node = i + 1
        above = whole if node == top else groups.get(parent[node])
        if above is None:
            continue
        key = keys.setdefault((spans.kinds[i], spans.names[i]), len(keys))
        group = above.inner.get(key)
        if group is None:
            group = above.inner[key] = _Group(spans.kind(i), spans.name(i), i)
        groups[node] = group
        group.value += _value(spans, i, by, now)
        group.count += 1
        group.errors += spans.status(i) == "error"
    total = _widen(whole)
    boxes: list[Box] = []
    shown = _inside(whole, within) if within else whole
    if total > 0 and shown is not None and shown.room > 0:
        _lay(shown, 0 if within else -1, 0.0, 1.0 / shown.room, narrowest, boxes)
    return sorted(boxes, key=lambda box: (box.depth, box.left))


def _inside(group: _Group | None, path: Sequence[tuple[str, str]]) -> _Group | None:
    for kind, name in path:
        inner = group.inner.values() if group is not None else ()
        group = next((each for each in inner if (each.kind, each.name) == (kind, name)), None)
    return group


def _value(spans: SpanTable, i: int, by: By, now: float | None) -> float:
    if by == "tokens":
        return float(spans.tokens(i))
    if by == "cost":
        return spans.cost(i) or 0.0
    ended = spans.ended(i)
    until = now if ended is None else ended
    took = until - spans.started(i) if until is not None else 0.0
    return took if took > 0 and math.isfinite(took) else 0.0


def _widen(group: _Group) -> float:
    """Every group has at least the room of what is in it. Walks without recursion: runs nest as deep as they like."""
    order = [group]
    for each in order:
        order.extend(each.inner.values())
    for each in reversed(order):
        each.room = max(each.value, sum(inner.room for inner in each.inner.values()))
    return group.room


def _lay(group: _Group, depth: int, left: float, scale: float, narrowest: float, boxes: list[Box]) -> None:
    waiting = [(group, depth, left)]
    while waiting:
        group, depth, left = waiting.pop()
        inside = sorted(group.inner.values(), key=lambda inner: -inner.room)
        if depth >= 0:
            own = max(0.0, group.value - sum(inner.value for inner in inside))
            width = group.room * scale
            figures = (group.value, own, group.count, group.errors, group.span)
            boxes.append(Box(depth, left, width, group.kind, group.name, *figures))
        for inner in inside:
            if inner.room * scale > narrowest or (inner.room * scale == narrowest and inner.room > 0):
                waiting.append((inner, depth + 1, left))
            left += inner.room * scale
