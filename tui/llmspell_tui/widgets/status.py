"""The status line: how the run is, how long it takes, what went wrong, what it cost; then the rest as there is room."""

from __future__ import annotations

from typing import Final

from llmspell_tui.model.asof import as_of
from llmspell_tui.model.run import RunModel
from llmspell_tui.theme import MARKS, STATUS_ROLES
from llmspell_tui.widgets.bar import Bar, Item, word
from llmspell_tui.widgets.figures import count_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import shortened, tail
from llmspell_tui.widgets.wrong import ROOMY

#: Columns below which that it runs is told by its mark, and errors come before the time.
_NARROW: Final = 30


class StatusLine(Bar):
    def left(self) -> list[Item]:
        desk = self.desk
        model = desk.model
        if model is None:
            trouble = self._trouble()
            said = trouble or desk.notice or (plural(len(desk.runs), "run") if desk.runs else "no run yet")
            return [word(said, "warn" if trouble else "dim", keep=0)]
        then = as_of(model, model.moment) if model.moment is not None else None
        status = (then.status if then else model.status) or "running"
        elapsed = then.spent if then else desk.until() - model.began if model.began else None
        errors, calls, events = (then.errors, then.calls, then.events) if then else _now(model)
        trouble = self._trouble()  # the person's own doing comes before the run's
        if not trouble and model.trouble is not None and self.app.size.height < ROOMY:
            trouble = f"{model.trouble.text}; {model.trouble.remedy}"
        control = desk.control
        if control is not None and control.paused and not then:
            status = "paused"
        if model.unread and self.app.size.height >= ROOMY:
            return [word("? unread", "warn") if model.trouble is not None else word("… reading", "running")]
        role = STATUS_ROLES.get(status, "warn")
        mark = MARKS.get(status, "!")
        lost = model.missing if model.complete or model.trouble is not None else 0
        waits = len(control.waiting) if control is not None and not then else 0
        pressing = bool(errors or waits) and self.size.width < _NARROW
        items = [word(mark if pressing and status == "running" else f"{mark} {status}", role, keep=-1)]
        if trouble:
            room = self.size.width - (50 if lost or waits else 16)
            items.append(word(f"! {shortened(trouble, max(room, 20))}", "warn", keep=0))
        items.append(word(time_text(elapsed), keep=2 if pressing else 1))
        if errors:
            items.append(word(f"✗ {plural(errors, 'error')}", "error", "filter_errors", keep=1))
        items.append(word(money_text(model.cost) or "$0", keep=2))
        items.append(word(f"{count_text(model.tokens) or '0'} tokens", keep=3))
        items.append(_calls(model, calls))
        items.append(word(plural(events, "event"), keep=5))
        if (progress := model.progress) is not None:
            share = progress.done * 100 // max(progress.total, 1)
            items.append(word(f"reading {progress.what} {share} %", "running", keep=1))
        elif lost:
            items.append(word(f"! {count_text(lost)} not shown", "warn", keep=0))
        if waits:
            items.append(word(f"? {waits} wait{'s' if waits == 1 else ''}", "warn", "approve", keep=0))
        if desk.notice:
            items.append(word(shortened(desk.notice, max(self.size.width - 16, 12)), "key", keep=-1))
        return items

    def _trouble(self) -> str:
        """What has no lines of its own."""
        return "" if self.app.size.height >= ROOMY else self.desk.trouble

    def right(self) -> list[Item]:
        model = self.desk.model
        if model is None:
            return []
        items: list[Item] = []
        if self.desk.query:
            items.append(word(f"filter {shortened(self.desk.query, 24)}", "warn", "clear", keep=3))
        moment = model.spans.moment
        if moment is not None:
            of = f" of {max(model.seq, model.known):,}" if self.size.width >= 100 else ""
            items.append(word(f"◂ at event {moment:,}{of}", "warn", "moment_now", keep=0))
        if self.desk.saving:
            items.append(word(f"on save: {self.desk.saving}", "running", keep=5))
        if model.page is not None and model.page.replayed:
            items.append(word("replay", "running", keep=4))
        if self.desk.several:
            items.append(word(tail(model.label, 24), "dim", "spells", keep=3))
            items.append(word(f"{self.desk.several} ▾", "key", "spells", keep=3))
        else:
            items.append(word(tail(model.label, 34), "dim", keep=7))
        return items


def _now(model: RunModel) -> tuple[int, int, int]:
    return model.errors, model.calls, model.events


def _calls(model: RunModel, calls: int) -> Item:
    """How many models were asked; of a run that begins with another's recording, how many of these were free."""
    free = model.free.calls(model.moment)
    if not free:
        return word(plural(calls, "call"), keep=6)
    saved = _saved(model.free.saved(model.moment))
    of = f"all {calls:,}" if free == calls else f"{free:,} of {calls:,}"
    said = f"{of} calls free" if calls != 1 else "its call free"
    return word(f"{said}, saved {saved}" if saved else said, "ok", keep=1)


def _saved(dollars: float) -> str:
    """As exact as small models are cheap; "" for nothing."""
    if not dollars:
        return ""
    return f"${dollars:.4f}" if dollars >= 0.001 else f"${dollars:.6f}"
