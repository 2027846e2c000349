"""`Rows`: the list that every list of live data is. Cursor, following, mouse, search marks; drawn a line at a time.

A subclass says how many rows there are (`count`), what stands in one (`line`), and may have headings (`HEAD`,
`heading`). Only rows on screen are ever asked for, so a list of a million costs what one of thirty does. After its data
changed somebody calls `sync`; nothing here ticks.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from llmspell_tui.actions import bindings
from llmspell_tui.messages import Chosen, Followed, NotFound, Opened
from llmspell_tui.theme import Ground
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import Line, strip_of
from llmspell_tui.widgets.whole import draws_changes, draws_whole_lines

if TYPE_CHECKING:
    from textual.reactive import Reactive
    from textual.scrollbar import ScrollBar

    from llmspell_tui.model.run import RunModel

_GAP: Final = re.compile(r" {3,}")
#: Seconds of a search before the screen is let draw: of a short one, and of each piece of a longer one.
_AT_ONCE: Final = 0.05
_SLICE: Final = 0.01


class Rows(ScrollView, can_focus=True, inherit_bindings=False):
    """cursor: the row under the cursor. following: whether it stays at the newest row. head: lines of headings now."""

    DEFAULT_CSS = """
    Rows {
        background: $background;
        overflow-x: hidden;
        scrollbar-size: 1 1;
        scrollbar-color: $scroll-thumb;
        scrollbar-color-hover: $scroll-thumb-hover;
        scrollbar-color-active: $scroll-thumb-hover;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """
    BINDINGS = bindings("rows")
    #: The panel of `actions.py` whose keys hold here.
    PANEL: ClassVar[str] = "lines"
    #: Lines of headings that do not scroll.
    HEAD: ClassVar[int] = 0
    #: Whether rows can be chosen; without it the list only scrolls.
    CURSOR: ClassVar[bool] = True
    #: Whether new rows come at the end, so that it makes sense to follow them.
    LIVE: ClassVar[bool] = False
    #: Whether the cursor is seen while something else has the focus.
    STAYS: ClassVar[bool] = False
    #: What may be searched for.
    SEARCHED: ClassVar[str] = "text"

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        draws_whole_lines(self)
        self.desk = desk
        self.head = self.HEAD
        self.cursor = 0
        self.following = self.LIVE
        self._begun: RunModel | None = None
        self._unseen = False  # the cursor was to be scrolled to
        self._page = 0  # rows on screen before it is resized

    # What a subclass says

    def count(self) -> int:
        """How many rows there are."""
        return 0

    def line(self, row: int, width: int) -> Line:
        """What stands in a row, at most `width` cells of it."""
        return []

    def heading(self, y: int, width: int) -> Line:
        return []

    def empty(self) -> str:
        """What is said where there are no rows."""
        return ""

    def newest(self) -> int:
        """The row to stay at while following, -1 for none."""
        return self.count() - 1

    def text_of(self, row: int) -> str:
        """The row as text, for search and copy."""
        return "".join(text for text, _ in self.line(row, 400)).rstrip()

    def copied(self) -> str:
        """What `y` copies: the row under the cursor, its columns two cells apart."""
        return _GAP.sub("  ", self.text_of(self.cursor)).strip() if self.count() else ""

    def unsearchable(self, needle: str) -> str:
        """What is wrong with a text that is to be searched for, as a sentence; "" for nothing."""
        return ""

    def begin_with(self, model: RunModel | None) -> None:
        """A run that goes on is followed at first, in one that has ended the reader begins at the first row."""
        if model is not self._begun and (model is None or model.page is not None):
            self._begun = model
            self.following = model is not None and model.status == "running"
            self.cursor = 0

    # What others call

    def sync(self) -> None:
        """The data changed: take over the number of rows, stay where the cursor was or follow, draw again."""
        rows = self.count()
        self.measure(rows)
        newest = self.newest() if self.following and rows else -1
        if newest >= 0:
            self.cursor = newest
            self._reveal()
        elif self.cursor >= rows:
            self.cursor = max(rows - 1, 0)
        self.refresh()

    def measure(self, rows: int) -> None:
        """Take over how many rows there are. Laid out anew (8 ms) is only where the scrollbar comes or goes."""
        size = Size(0, rows + self.head if rows else 0)
        if size == self.virtual_size:
            return
        height = self.container_size.height
        if (size.height > height) == (self.virtual_size.height > height):
            self.set_reactive(cast("Reactive[Size]", Widget.virtual_size), size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    def go(self, row: int, *, follow: bool = False) -> None:
        """Put the cursor on a row and tell so."""
        rows = self.count()
        if not rows:
            return
        self.follow(follow)
        row = min(max(row, 0), rows - 1)
        if row != self.cursor:
            before, self.cursor = self.cursor, row
            self.refresh_row(before)
            self.refresh_row(row)
            self.moved()
        self._reveal()

    def moved(self) -> None:
        """The cursor is on another row."""
        self.post_message(Chosen(self.id or "", self.cursor))

    def follow(self, following: bool) -> None:
        if self.LIVE and following != self.following:
            self.following = following
            self.post_message(Followed(following))

    def refresh_row(self, row: int) -> None:
        y = row + self.head - self.scroll_offset.y
        if self.head <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def page(self) -> int:
        return max(self.size.height - self.head, 1)

    def find(self, needle: str, *, backwards: bool = False, again: bool = True) -> bool:
        """Put the cursor on the next row that holds the text, in any case; from the start after the end.

        False: there is none. A search of a long list goes on by itself, and ends in `NotFound` if there is none."""
        rows, begin = self.count(), self.cursor
        steps = iter(range(1 if again else 0, rows + 1) if rows else ())
        found = self._seek(needle.lower(), begin, rows, -1 if backwards else 1, steps, _AT_ONCE)
        if found is None:
            self.run_worker(
                self._go_on(needle, begin, rows, -1 if backwards else 1, steps), group="find", exclusive=True
            )
        return found is not False

    def _seek(self, needle: str, begin: int, rows: int, by: int, steps: Iterator[int], seconds: float) -> bool | None:
        """None: there are more rows to be looked at."""
        until = time.monotonic() + seconds
        for step in steps:
            row = (begin + by * step) % rows
            if needle in self.text_of(row).lower():
                self.go(row)
                return True
            if step % 64 == 0 and time.monotonic() > until:
                return None
        return False

    async def _go_on(self, needle: str, begin: int, rows: int, by: int, steps: Iterator[int]) -> None:
        found: bool | None = None
        while found is None and self.desk.needle == needle and rows <= self.count():
            found = self._seek(needle.lower(), begin, rows, by, steps, _SLICE)
            await asyncio.sleep(0)
        if found is False:
            self.post_message(NotFound(needle))

    # Drawing

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        return draws_changes(super().vertical_scrollbar)

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """The bar is told of scrolling only while it is seen."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        palette = self.desk.palette
        if y < self.head and self.count():
            return strip_of(self.heading(y, width), width, palette, "bar")
        row = y - self.head + self.scroll_offset.y
        rows = self.count()
        if 0 <= row < rows:
            return strip_of(self.line(row, width), width, palette, self.ground(row), self.desk.needle)
        if not rows and y == self.size.height // 3:
            text = self.empty()
            return strip_of([(text.center(width) if len(text) < width else text, "dim")], width, palette)
        return strip_of([], width, palette)

    def ground(self, row: int) -> Ground:
        if not self.CURSOR or row != self.cursor:
            return "plain"
        return "cursor" if self.has_focus else "faded" if self.STAYS else "plain"

    def _reveal(self) -> None:
        if not self.size.height:  # not laid out yet: there is no page to scroll by
            self._unseen = True
            return
        top, page = self.scroll_offset.y, self.page()
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, force=True)

    # Keys

    def action_up(self) -> None:
        self._by(-1)

    def action_down(self) -> None:
        self._by(1)

    def action_page_up(self) -> None:
        self._by(-self.page())

    def action_page_down(self) -> None:
        self._by(self.page())

    def action_first(self) -> None:
        self.go(0) if self.CURSOR else self.scroll_home(animate=False)

    def action_last(self) -> None:
        self.go(self.count() - 1, follow=self.LIVE) if self.CURSOR else self.scroll_end(animate=False)

    def action_follow(self) -> None:
        self.follow(not self.following)
        newest = self.newest()
        if self.following and newest >= 0:
            self.go(newest, follow=True)

    def action_open(self) -> None:
        if self.count():
            self.post_message(Opened(self.id or "", self.cursor))

    def _by(self, rows: int) -> None:
        if self.CURSOR:
            self.go(self.cursor + rows)
        else:
            self.scroll_relative(y=rows, animate=False)

    # Mouse

    def row_at(self, y: int) -> int | None:
        """The row at a line of the widget."""
        row = y - self.head + self.scroll_offset.y
        return row if y >= self.head and row < self.count() else None

    async def on_click(self, event: events.Click) -> None:
        row = self.row_at(event.y)
        if row is None:
            return
        again = event.chain > 1
        self.go(row)
        if not self.clicked(row, event.x) and again:
            self.action_open()

    def clicked(self, row: int, x: int) -> bool:
        """A click within a row; True where the subclass did something with it."""
        return False

    def on_mouse_scroll_up(self) -> None:
        self.follow(False)

    def on_resize(self) -> None:
        """The cursor's row stays on screen where it was."""
        top, before, self._page = self.scroll_offset.y, self._page, self.page()
        seen = top <= self.cursor < top + before
        self.sync()
        if self.size.height and (self._unseen or seen):
            self._unseen = False
            self._reveal()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
