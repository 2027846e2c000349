"""The status line: how the run is, how long it takes, what went wrong, what it cost; then the rest as there is room."""

from __future__ import annotations

from llmspell_tui.theme import MARKS, STATUS_ROLES
from llmspell_tui.widgets.bar import Bar, Item, word
from llmspell_tui.widgets.figures import count_text, money_text, plural, time_text
from llmspell_tui.widgets.lines import shortened, tail


class StatusLine(Bar):
    def left(self) -> list[Item]:
        desk = self.desk
        model = desk.model
        if model is None:
            return [word(desk.trouble or desk.notice or "no run yet", "warn" if desk.trouble else "dim", keep=0)]
        status = model.status or "running"
        elapsed = desk.until() - model.began if model.began else None
        trouble = f"{model.trouble.text}; {model.trouble.remedy}" if model.trouble is not None else desk.trouble
        role = STATUS_ROLES.get(status, "warn")
        items = [word(f"{MARKS.get(status, '!')} {status}", role, keep=0)]
        if trouble:
            items.append(word(f"! {shortened(trouble, max(self.size.width - 30, 20))}", "warn", keep=0))
        items.append(word(time_text(elapsed), keep=1))
        if model.errors:
            items.append(word(f"✗ {plural(model.errors, 'error')}", "error", "filter_errors", keep=1))
        items.append(word(money_text(model.cost) or "$0", keep=2))
        items.append(word(f"{count_text(model.tokens) or '0'} tokens", keep=3))
        items.append(word(plural(model.calls, "call"), keep=6))
        items.append(word(plural(model.events, "event"), keep=5))
        if (progress := model.progress) is not None:
            share = progress.done * 100 // max(progress.total, 1)
            items.append(word(f"reading {progress.what} {share} %", "running", keep=1))
        elif model.missing and (model.complete or model.trouble is not None):
            items.append(word(f"! {count_text(model.missing)} not shown", "warn", keep=1))
        if desk.notice:
            items.append(word(desk.notice, "key", keep=1))
        return items

    def right(self) -> list[Item]:
        model = self.desk.model
        if model is None:
            return []
        items: list[Item] = []
        if self.desk.query:
            items.append(word(f"filter {shortened(self.desk.query, 24)}", "warn", "clear", keep=3))
        moment = model.spans.moment
        if moment is not None:
            items.append(word(f"⏴ at event {moment:,}", "warn", "moment_now", keep=0))
        items.append(word(tail(model.label, 34), "dim", keep=7))
        return items
