"""Runs as a table, and one run as a headline. Knows how runs are shown, not where they come from."""

from __future__ import annotations

import sys
import time

from llmspell.traces.layout import Cells, Look, count_text, duration_text, money_text, painted, tail
from llmspell.traces.meta import RunMeta
from llmspell.traces.screen import look_of
from llmspell.traces.summary import plain

_COLOURS = {"ok": "green", "error": "red", "limit": "red", "damaged": "red", "lost": "red", "running": "yellow"}
#: Widths of id, start, status, time, tokens, cost with their gaps; what is left is the spell's.
_ID, _STARTED, _STATUS, _TIME, _TOKENS, _COST = 16, 13, 10, 6, 8, 9


def show_list(runs: list[RunMeta], number: int, *, as_json: bool) -> None:
    """Print the newest `number` runs, the newest last; all of them for 0."""
    chosen = runs[-number:] if number > 0 else runs
    if as_json:
        import dataclasses
        import json

        print(json.dumps([_brief(dataclasses.asdict(meta)) for meta in chosen], indent=2))
        return
    if not chosen:
        print("no runs yet; `llmspell run FILE` records one", file=sys.stderr)
        return
    look = look_of(sys.stdout)
    figures = f"{'time':>{_TIME}}{'tokens':>{_TOKENS}}{'cost':>{_COST}}"
    print(painted(f"{'run':<{_ID}}{'started':<{_STARTED}}{'status':<{_STATUS}}{figures}  spell", "dim", look))
    for meta in chosen:
        print(_line(meta, look))
    if len(chosen) < len(runs):
        print(painted(f"{len(runs) - len(chosen)} older; `-n 0` shows all", "dim", look), file=sys.stderr)


def headline(meta: RunMeta, look: Look) -> str:
    """What there is to know of a run before its tree."""
    parts = [meta.id, plain(meta.label), meta.current_status, _started(meta)]
    if meta.parent:
        parts.append(_relation(meta))
    if meta.lost:
        parts.append(f"{meta.lost:,} events lost")
    head = Cells().add(f"run {parts[0]}", "bold").add("  " + parts[1]).add("  ")
    head.add(parts[2], _COLOURS.get(parts[2], "yellow")).add("".join(f"  {part}" for part in parts[3:]), "dim")
    return head.fitted(look.width, look).rstrip()


def _line(meta: RunMeta, look: Look) -> str:
    status = painted(f"{meta.status:<{_STATUS}}", _COLOURS.get(meta.status, "yellow"), look)
    tokens = count_text(meta.input_tokens + meta.output_tokens)
    figures = f"{duration_text(meta.duration):>{_TIME}}{tokens:>{_TOKENS}}{money_text(meta.cost):>{_COST}}"
    room = look.width - _ID - _STARTED - _STATUS - _TIME - _TOKENS - _COST - 2
    label = tail(plain(meta.label), room, look)
    relation = f"  {_relation(meta)}" if meta.parent else ""
    if relation and len(label) + len(relation) <= room:
        label += painted(relation, "dim", look)
    return f"{meta.id:<{_ID}}{_started(meta):<{_STARTED}}{status}{figures}  {label}"


def _relation(meta: RunMeta) -> str:
    """Of a run that another came before."""
    if meta.forked:
        return f"forks {meta.parent}@{meta.forked}"
    way = "resumes" if meta.resumed else "begins as" if meta.prefixed else "replays"
    return f"{way} {meta.parent}"


def _started(meta: RunMeta) -> str:
    """Local time to the second for today's runs, day and minute for this year's, else the date."""
    then, now = time.localtime(meta.started / 1000), time.localtime()
    form = "%H:%M:%S" if then[:3] == now[:3] else "%b %d %H:%M" if then[0] == now[0] else "%Y-%m-%d"
    return time.strftime(form, then)


def _brief(value: dict[str, object]) -> dict[str, object]:
    """Without the texts, which the index does not hold."""
    left_out = {"source", "modules", "params", "env", "seed", "settings", "sha256", "audit_head", "schema"}
    return {key: item for key, item in value.items() if key not in left_out}
