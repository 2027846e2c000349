"""The screen Source: the spell and what it loaded as they ran, the lines under execution, what each line cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from textual.app import ComposeResult

from llmspell.errors import StoreError
from llmspell_tui.actions import bindings
from llmspell_tui.messages import Chosen, Opened, ShowSpans
from llmspell_tui.model.lines import LineFigures, line_figures, running_sites
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.view import View
from llmspell_tui.widgets.colouring import coloured
from llmspell_tui.widgets.figures import count_text, money_text, time_text
from llmspell_tui.widgets.lines import Line, clean, spread
from llmspell_tui.widgets.rows import Rows

#: Spans up to which figures are made anew with each picture (20 ms); above, once the run has ended or the screen is
#: shown again.
_LIVELY: Final = 20_000


class SourceLine(NamedTuple):
    """number: 1 for the first line, 0 for the heading of a file. text: coloured pieces. site: `file:line`."""

    file: str
    number: int
    text: Line
    site: str


class SourceList(Rows):
    BINDINGS = bindings("source")
    PANEL = "source"
    HEAD = 1
    STAYS = True

    _of: object = None
    _rows: Sequence[SourceLine] = ()
    _figures: Mapping[str, LineFigures] = {}
    _at_work: Sequence[str] = ()
    _folded: object = None

    def sync(self) -> None:
        model, texts = self.desk.model, self.desk.texts
        if (key := (id(model), id(texts))) != self._of:
            self._of = key
            self._rows = source_lines(model, texts) if model is not None and texts is not None else ()
            self.cursor = 0
        if model is not None and (folded := _stage(model)) != self._folded:
            self._folded = folded
            self._figures, self._at_work = line_figures(model), running_sites(model)
            if self.following and self._at_work:
                self.cursor = next((row for row, line in enumerate(self._rows) if line.site == self._at_work[0]), 0)
                self._reveal()
        super().sync()

    def count(self) -> int:
        return len(self._rows)

    def source(self, row: int) -> SourceLine:
        return self._rows[row]

    def empty(self) -> str:
        if self.desk.model is None:
            return ""
        return "reading the text" if self.desk.texts is None else "the text of this run was not recorded"

    def heading(self, y: int, width: int) -> Line:
        return spread([("    line", "dim")], [(_columns("calls", "tokens", "cost", "time", width), "dim")], width)

    def line(self, row: int, width: int) -> Line:
        line = self._rows[row]
        if not line.number:
            return [(" " + clean(line.file), "strong")]
        figures = self._figures.get(line.site)
        mark: tuple[str, str] = ("  ", "text")
        if line.site in self._at_work:
            mark = ("▶ ", "running") if line.site == self._at_work[0] else ("▷ ", "running")
        elif figures is not None and figures.errors:
            mark = ("✗ ", "error")
        left: Line = [mark, (f"{line.number:>5}  ", "dim"), *line.text]
        if figures is None:
            return left
        said = _columns(
            count_text(figures.calls),
            count_text(figures.tokens),
            money_text(figures.cost),
            time_text(figures.time),
            width,
        )
        return spread(left, [(said, "number")], width)

    def text_of(self, row: int) -> str:
        return "".join(text for text, _ in self._rows[row].text) or self._rows[row].file


def _columns(calls: str, tokens: str, cost: str, time: str, width: int) -> str:
    """What a line cost, as far as there is room beside its text."""
    if width >= 100:
        return f"  {calls:>6}{tokens:>8}{cost:>10}{time:>9} "
    return f"  {tokens:>8}{time:>9} " if width >= 60 else f"  {time:>8} "


def _stage(model: RunModel) -> object:
    """The figures are made anew when this is another."""
    lively = len(model.spans) <= _LIVELY
    return (id(model), model.moment, model.status, model.seq if lively else model.complete)


def source_lines(model: RunModel, texts: tuple[str, Mapping[str, str]]) -> list[SourceLine]:
    """The spell, then what it loaded; a heading each where there are several files."""
    spell, modules = texts
    files = [(model.label, spell), *sorted(modules.items())] if spell else sorted(modules.items())
    found: list[SourceLine] = []
    for file, text in files:
        if len(files) > 1:
            found.append(SourceLine(file, 0, [], ""))
        for number, pieces in enumerate(coloured(text, file), 1):
            found.append(SourceLine(file, number, pieces, f"{file}:{number}"))
    return found


class SourceView(View):
    DEFAULT_CSS = """
    SourceView SourceList { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        yield SourceList(self.desk, id="source")

    @property
    def lines(self) -> SourceList:
        return self.query_one(SourceList)

    def renew(self) -> None:
        super().renew()
        if self.desk.texts is None and self.desk.payloads is not None:
            self.run_worker(self._fetch(), group="texts", exclusive=True)

    def advance(self) -> None:
        self.renew()

    async def _fetch(self) -> None:
        payloads = self.desk.payloads
        if payloads is None:
            return
        try:
            texts = await asyncio.to_thread(payloads.source)
        except StoreError:
            texts = ("", {})
        if self.desk.payloads is payloads:
            self.desk.texts = texts
            self.lines.sync()

    def site(self) -> str:
        rows = self.lines
        return rows.source(rows.cursor).site if rows.count() else ""

    def on_chosen(self, event: Chosen) -> None:
        event.stop()

    def on_opened(self, event: Opened) -> None:
        """Enter: the trace, with only the spans that began at this line."""
        event.stop()
        site = self.lines.source(event.row).site
        if site:
            self.post_message(ShowSpans(f'site:"{site}"'))
