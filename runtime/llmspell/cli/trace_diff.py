"""Two runs compared, for `llmspell trace diff`."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from llmspell.events.event import Event
from llmspell.traces.compare import Divergence, first_divergence
from llmspell.traces.layout import duration_text, money_text, painted
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.screen import look_of
from llmspell.traces.summary import brief

_SHOWN = 12
_LABEL, _COLUMN = 10, 22


def show_diff(one: RunFile, other: RunFile, *, as_json: bool) -> int:
    """Print the comparison; 1 if the runs differ, as diff does."""
    metas = (one.meta(), other.meta())
    found = first_divergence(one.events(), other.events())
    if as_json:
        import json

        first = dataclasses.asdict(found) if found else None
        print(json.dumps({"runs": [_figures(meta) for meta in metas], "divergence": first}, indent=2))
    else:
        _table(metas)
        _divergence(found)
    return 1 if found else 0


def _figures(meta: RunMeta) -> dict[str, Any]:
    return {
        "run": meta.id,
        "spell": meta.label,
        "status": meta.current_status,
        "duration": meta.duration,
        "events": meta.events,
        "tokens": meta.input_tokens + meta.output_tokens,
        "cost": meta.cost,
    }


def _table(metas: tuple[RunMeta, RunMeta]) -> None:
    look = look_of(sys.stdout)
    rows = {
        "run": [meta.id for meta in metas],
        "spell": [meta.label for meta in metas],
        "status": [meta.current_status for meta in metas],
        "time": [duration_text(meta.duration) for meta in metas],
        "events": [f"{meta.events:,}" for meta in metas],
        "tokens": [f"{meta.input_tokens + meta.output_tokens:,}" for meta in metas],
        "cost": [money_text(meta.cost) for meta in metas],
    }
    for label, (left, right) in rows.items():
        if left or right:
            left, right = look.shortened(left or "-", _COLUMN - 2), look.shortened(right or "-", _COLUMN - 2)
            print(f"{painted(f'{label:<{_LABEL}}', 'dim', look)}{left:<{_COLUMN}}{right}".rstrip())


def _divergence(found: Divergence | None) -> None:
    print()
    match found:
        case None:
            print("the same happened in both, in the same order")
        case Divergence(one=Event() as event, other=None):
            print(f"the second ends before event {event.seq} of the first: {_named(event)}")
        case Divergence(one=None, other=Event() as event):
            print(f"the first ends before event {event.seq} of the second: {_named(event)}")
        case Divergence(one=one, other=other):
            assert one is not None and other is not None
            same = _named(one) == _named(other)
            print(f"they differ first at event {one.seq}: {_named(one)}{'' if same else f' / {_named(other)}'}")
            for path, (left, right) in [*found.changes.items()][:_SHOWN]:
                print(f"  {path}")
                print(f"    - {brief(left) or 'nothing'}")
                print(f"    + {brief(right) or 'nothing'}")
            if len(found.changes) > _SHOWN:
                print(f"  and {len(found.changes) - _SHOWN} more")


def _named(event: Event) -> str:
    place = f" at {event.site}" if event.site else ""
    return f"{event.kind} {event.name}".strip() + place
