"""`SplitView`: a list, and a page that tells of the row under the cursor: beside it, or below in a narrow window."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from llmspell_tui.messages import Chosen, Opened
from llmspell_tui.screens.view import View
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.rows import Rows

#: Columns from which the page stands beside the list, and rows from which there is a page at all.
_BESIDE: Final = 110
_PAGED: Final = 12


class SplitView(View):
    """A subclass makes the list (`rows`) and the page of a row (`page`)."""

    DEFAULT_CSS = """
    SplitView .split { width: 1fr; height: 1fr; layout: vertical; }
    SplitView .split > Rows { width: 1fr; height: 55%; }
    SplitView .split > Document { width: 1fr; height: 45%; border-top: solid $rule; }
    SplitView.beside .split { layout: horizontal; }
    SplitView.beside .split > Rows { width: 58%; height: 1fr; }
    SplitView.beside .split > Document { width: 42%; height: 1fr; border-top: none; border-left: solid $rule; }
    SplitView.flat .split > Rows { height: 1fr; }
    SplitView.flat .split > Document { display: none; }
    """
    #: What the page says while the list has no row.
    NOTHING: ClassVar[str] = "nothing is chosen"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._told: object = None

    def rows(self) -> Rows:
        """The list, made once."""
        raise LookupError(f"{type(self).__name__} has no list")

    def page(self, row: int) -> Page:
        """What is told of a row."""
        return Page()

    def subject(self, row: int) -> object:
        """What the page of a row depends on: it is drawn anew when this is another."""
        return row

    def compose(self) -> ComposeResult:
        with Container(classes="split"):
            yield self.rows()
            yield Document(self.desk, nothing=self.NOTHING)

    @property
    def listed(self) -> Rows:
        return next(rows for rows in self.query(Rows) if not isinstance(rows, Document))

    @property
    def document(self) -> Document:
        return self.query_one(Document)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _BESIDE, "beside")
        self.set_class(event.size.height < _PAGED, "flat")

    def begin(self) -> None:
        self.listed.focus()

    def renew(self) -> None:
        self._told = None
        self.advance()

    def advance(self) -> None:
        self.listed.sync()
        self._tell()

    def _tell(self) -> None:
        rows = self.listed
        subject = self.subject(rows.cursor) if rows.count() else None
        if subject != self._told or subject is None:
            keep = self._told is not None and subject is not None and self._same(self._told, subject)
            self._told = subject
            self.document.show(self.page(rows.cursor) if rows.count() else Page(), keep=keep)

    def _same(self, one: object, other: object) -> bool:
        """Whether two subjects are the same thing at two times: the reader then stays at the same line."""
        return isinstance(one, tuple) and isinstance(other, tuple) and one[:1] == other[:1]

    def on_chosen(self, event: Chosen) -> None:
        event.stop()
        if event.widget == self.listed.id:
            self._tell()

    def on_opened(self, event: Opened) -> None:
        event.stop()
        if event.widget == self.listed.id:
            self.opened(event.row)

    def opened(self, row: int) -> None:
        """Enter on a row."""
        self.document.focus()
