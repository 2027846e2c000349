"""The inspector's pages that need no payload: a span's figures, the state it changed, its hooks, its source. Pure."""

from __future__ import annotations

from collections.abc import Callable

from llmspell_tui.model.run import RunModel
from llmspell_tui.theme import MARKS, STATUS_ROLES, kind_role, kind_word
from llmspell_tui.widgets.changes import told_change
from llmspell_tui.widgets.figures import clock_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import clean
from llmspell_tui.widgets.page import Page

#: Lines of source around the span's own.
_AROUND = 200


def detail(model: RunModel, i: int) -> Page:
    spans = model.spans
    kind, status, ended = spans.kind(i), spans.status(i), spans.ended(i)
    page = Page().heading(clean(spans.name(i)) or kind_word(kind))
    if error := spans.error(i):
        page.text(error, "error")
    own_tokens, tokens, cost = spans.own_tokens(i), spans.tokens(i), spans.cost(i)
    page.fields(
        ("kind", kind_word(kind), kind_role(kind)),
        ("status", f"{MARKS.get(status, '!')} {status}", STATUS_ROLES.get(status, "warn")),
        ("time", time_text(ended - spans.started(i)) if ended is not None else _unended(status), "strong"),
        ("began", f"{clock_text(spans.started(i))}  (+{time_text(spans.started(i) - model.began)})"),
        ("ended", clock_text(ended) if ended is not None else ""),
        ("tokens", f"{tokens:,}" if tokens else "", "number"),
        ("own tokens", f"{own_tokens:,}" if own_tokens and own_tokens != tokens else "", "number"),
        ("cost", money_text(cost), "number"),
        ("agent", clean(spans.agent(i)) if kind != "execution" else ""),
        ("source", clean(spans.site(i)), "name"),
    )
    parent = spans.parent(i)
    inside = _inside(model, i)
    page.heading("Place")
    page.fields(
        ("in", f"{kind_word(spans.kind(parent))} {clean(spans.name(parent))}" if parent is not None else "the run"),
        ("inside", ", ".join(plural(number, kind_word(name)) for name, number in inside.items())),
        ("span", f"{spans.number(i):,}"),
        ("events", f"{spans.first(i):,} to {spans.last(i) or '…'}"),
    )
    return page


def _unended(status: str) -> str:
    return "running" if status == "running" else "it did not end"


def _inside(model: RunModel, i: int) -> dict[str, int]:
    """How many of each kind lie directly inside; of the first thousand."""
    found: dict[str, int] = {}
    for number, child in enumerate(model.spans.children(i)):
        if number == 1000:
            break
        kind = model.spans.kind(child)
        found[kind] = found.get(kind, 0) + 1
    return found


def changes(model: RunModel, i: int) -> Page:
    """What the span and all inside it changed in the state, up to the moment shown."""
    page = Page()
    last = model.spans.last(i) or model.moment
    found = model.states.between(model.spans.first(i), last)
    if not found:
        return page.line(("no state was changed here", "dim"))
    for number, change in enumerate(found[:500]):
        page.heading(f"{clean(change.scope)} {clean(change.path)}", f"by {clean(change.by)}  {clean(change.site)}")
        told_change(page, change.path or change.scope, change.old, change.new, path=str(number))
    if len(found) > 500:
        page.line((f"… {len(found) - 500:,} more: the screen State has them all", "warn"))
    return page


def hooks(model: RunModel, i: int) -> Page:
    page = Page()
    number, moment = model.spans.number(i), model.moment
    found = [call.at(moment) for call in model.hooks.of(number) if moment is None or call.seq <= moment]
    if not found:
        return page.line(("no hook looked at this span", "dim"))
    for place, call in enumerate(found[:500]):
        page.heading(call.point, f"{time_text(call.duration)}  {clean(call.handler)}")
        if call.error:
            page.text(call.error, "error")
        if call.vetoed:
            page.line(("■ vetoed: what it looked at did not happen", "error"))
        if call.retried:
            page.line(("↻ asked for another try", "warn"))
        for change in call.changes:
            told_change(page, change.name, change.before, change.after, path=str(place))
        if not (call.changes or call.error or call.vetoed or call.retried):
            page.line(("changed nothing", "dim"))
    return page


def source(model: RunModel, i: int, text_of: Callable[[str], str | None]) -> Page:
    """The script around the span's line, as it was when it ran."""
    page = Page()
    file, _, number = model.spans.site(i).rpartition(":")
    text = text_of(file)
    if not file or not number.isdecimal():
        return page.line(("this span has no line in the spell", "dim"))
    page.line((clean(file), "name"), depth=0)
    if text is None:
        return page.line((f"line {number}; its text was not recorded", "dim"))
    lines = text.split("\n")
    at = int(number)
    width = len(str(min(at + _AROUND, len(lines))))
    for line in range(max(at - 6, 1), min(at + _AROUND, len(lines)) + 1):
        here = line == at
        page.line(
            (f"{'▶' if here else ' '}{line:>{width}} ", "key" if here else "dim"),
            (clean(lines[line - 1]), "strong" if here else "text"),
            depth=0,
        )
    return page
