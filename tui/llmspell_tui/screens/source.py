"""The screen Source: the spell and what it loaded as they ran, the lines under execution, what each line cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from textual.app import ComposeResult

from llmspell.errors import StoreError
from llmspell_tui.actions import bindings
from llmspell_tui.feed.trouble import trouble_of
from llmspell_tui.messages import Chosen, Opened, ShowSpans
from llmspell_tui.model.lines import LineFigures, line_figures, running_sites
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.view import View
from llmspell_tui.widgets.adding import Adding
from llmspell_tui.widgets.colouring import coloured
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.figures import count_text, money_text, time_text
from llmspell_tui.widgets.lines import Line, clean, spread

Texts = tuple[str, Mapping[str, str]]
"""The spell's text as it ran, and those of what it loaded by path."""


class SourceLine(NamedTuple):
    """number: 1 for the first line, 0 for the heading of a file. text: coloured pieces. site: `file:line`."""

    file: str
    number: int
    text: Line
    site: str


class SourceList(Adding):
    """The lines of all files, the spell's first. While the run goes on the cursor stays at the line under execution,
    until the reader goes elsewhere."""

    BINDINGS = bindings("source")
    PANEL = "source"
    HEAD = 1
    LIVE = True
    STAYS = True

    said = ""  # where there are no lines: why
    notes: Mapping[str, str] = {}  # by file: what became of it since the run
    _rows: Sequence[SourceLine] = ()
    _places: Mapping[str, int] = {}
    _figures: Mapping[str, LineFigures] = {}
    _at_work: Sequence[str] = ()

    def show(self, lines: Sequence[SourceLine], notes: Mapping[str, str]) -> None:
        at = self._rows[self.cursor][:2] if self.cursor < len(self._rows) else None
        self._rows, self.notes = lines, notes
        self._places = {line.site: row for row, line in enumerate(lines)}
        self.cursor = next((row for row, line in enumerate(lines) if line[:2] == at), 0)
        self.sync()

    def wanted(self) -> tuple[object, ...] | None:
        model = self.desk.model
        return (id(model), model.moment) if model is not None else None

    def work(self) -> Callable[[], tuple[Mapping[str, LineFigures], Sequence[str]]]:
        model = self.desk.model
        assert model is not None  # something is wanted
        return partial(figures_of, model)

    def added(self, figures: tuple[Mapping[str, LineFigures], Sequence[str]] | None) -> None:
        self._figures, self._at_work = figures or ({}, ())

    def count(self) -> int:
        return len(self._rows)

    def newest(self) -> int:
        """The innermost line under execution that is among the lines."""
        return next((row for site in self._at_work if (row := self._places.get(site, -1)) >= 0), -1)

    def source(self, row: int) -> SourceLine:
        return self._rows[row]

    def copied(self) -> str:
        return "".join(text for text, _ in self._rows[self.cursor].text) if self._rows else ""

    def empty(self) -> str:
        return self.said if self.desk.model is not None else ""

    def heading(self, y: int, width: int) -> Line:
        note = next(iter(self.notes.values()), "") if len({line.file for line in self._rows}) == 1 else ""
        left: Line = [("   line  ", "dim"), (note, "warn")]
        if self.adding:
            return spread(left, [("adding up … ", "running")], width)
        return spread(left, [(_columns("calls", "tokens", "cost", "time", width), "dim")], width)

    def line(self, row: int, width: int) -> Line:
        line = self._rows[row]
        if not line.number:
            return spread([(" " + clean(line.file), "strong")], [(f" {self.notes.get(line.file, '')} ", "warn")], width)
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
        return spread(left, [("  " + said.lstrip(), "number")], width)

    def text_of(self, row: int) -> str:
        return "".join(text for text, _ in self._rows[row].text) or self._rows[row].file

    def action_last(self) -> None:
        self.go(self.count() - 1)


def _columns(calls: str, tokens: str, cost: str, time: str, width: int) -> str:
    """What a line cost, as far as there is room beside its text."""
    if width >= 100:
        return f"  {calls:>6}{tokens:>8}{cost:>10}{time:>9} "
    return f"  {tokens:>8}{time:>9} " if width >= 60 else f"  {time:>8} "


def figures_of(model: RunModel) -> tuple[Mapping[str, LineFigures], Sequence[str]]:
    return line_figures(model), running_sites(model)


def source_lines(label: str, texts: Texts) -> list[SourceLine]:
    """The spell, then what it loaded; a heading each where there are several files."""
    files = files_of(label, texts)
    found: list[SourceLine] = []
    for file, text in files.items():
        if len(files) > 1:
            found.append(SourceLine(file, 0, [], ""))
        for number, pieces in enumerate(coloured(text, file), 1):
            found.append(SourceLine(file, number, pieces, f"{file}:{number}"))
    return found


def files_of(label: str, texts: Texts) -> dict[str, str]:
    spell, modules = texts
    return {**({label: spell} if spell else {}), **dict(sorted(modules.items()))}


def since(path: Path | None, text: str) -> str:
    """What became of a file since it ran, "" for nothing."""
    try:
        now = path.read_text(encoding="utf-8") if path is not None else None
    except (OSError, UnicodeDecodeError):
        now = None
    if now is None:
        return "the file is not there any more"
    return "" if now == text else "± the file has changed since this run"


class SourceView(View):
    DEFAULT_CSS = """
    SourceView SourceList { height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._read: object = None

    def compose(self) -> ComposeResult:
        yield SourceList(self.desk, id="source")

    def on_mount(self) -> None:
        # Whoever comes back from an editor wants to know whether this is still what the file says.
        self.watch(self.app, "app_focus", self._came_back, init=False)

    def _came_back(self, here: bool) -> None:
        if here and self.display:
            self.renew()

    @property
    def lines(self) -> SourceList:
        return self.query_one(SourceList)

    def renew(self) -> None:
        self._read = None
        self.advance()

    def advance(self) -> None:
        model, payloads = self.desk.model, self.desk.payloads
        # What a spell loaded is stored when it ends.
        key = (model, payloads, model and model.label, model and model.status == "running")
        if key != self._read:
            self._read = key
            self.run_worker(self._fetch(), group="texts", exclusive=True)
        self.lines.sync()

    async def _fetch(self) -> None:
        model, payloads, lines = self.desk.model, self.desk.payloads, self.lines
        if model is None or payloads is None:
            lines.said = "" if model is None else "the text of this run was not recorded"
            lines.show((), {})
            return
        lines.said = "reading the text"
        label = model.label

        def read() -> tuple[Texts, list[SourceLine], dict[str, str]]:
            texts = payloads.source()
            paths = {file: self.desk.path_of(file) for file in files_of(label, texts)}
            notes = {file: note for file, text in files_of(label, texts).items() if (note := since(paths[file], text))}
            return texts, source_lines(label, texts), notes

        try:
            texts, found, notes = await asyncio.to_thread(read)
        except StoreError as error:
            texts, found, notes = None, [], {}
            lines.said = trouble_of(error).text
        else:
            lines.said = "the text of this run was not recorded"
        if self.desk.payloads is payloads:
            self.desk.texts = texts or self.desk.texts
            lines.show(found, notes)

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
