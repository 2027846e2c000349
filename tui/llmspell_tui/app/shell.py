"""The shell: status line, screens, footer; draws when something has changed, and ticks for nothing else.

Whoever changes the model says so by `touch`; at most 30 pictures a second are made of that (`pace`). While a run goes
on its clock is drawn once a second; with nothing going on there is no timer at all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import isawaitable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.events import Resize
from textual.filter import LineFilter, NoColor
from textual.theme import BUILTIN_THEMES, Theme
from textual.timer import Timer
from textual.widget import Widget

from llmspell_tui.actions import Action, bindings, key_text, named
from llmspell_tui.app import sweeping
from llmspell_tui.app.ordering import Ordering
from llmspell_tui.app.pace import Pace
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.messages import Followed
from llmspell_tui.model.run import RunModel
from llmspell_tui.screens.table import PLACES, place
from llmspell_tui.screens.view import View
from llmspell_tui.theme import Mode, palette
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.footer import Footer
from llmspell_tui.widgets.scrubber import Scrubber
from llmspell_tui.widgets.status import StatusLine
from llmspell_tui.widgets.tabs import Tabs
from llmspell_tui.widgets.whole import Frame
from llmspell_tui.widgets.wrong import Wrong

#: Seconds between two pictures of a clock.
_TICK: Final = 1.0
#: Rows below which the line of screens gives way.
_LOW: Final = 10
#: Rows below which a sheet is its head and a line.
_LEAST: Final = 7


class Shell(Ordering):
    """fault: what ended it, where that is a mistake of its own; whoever runs it raises that, to be told in a line."""

    fault: Exception | None = None
    CSS = """
    #body { height: 1fr; width: 1fr; }
    #screens { height: 1; }
    CommandPalette SearchIcon { display: none; }
    CommandPalette > Vertical { margin-top: 1; background: $background; }
    CommandPalette #--input { border: none; height: 1; background: $panel; }
    CommandPalette CommandInput, CommandPalette CommandInput:focus { border: none; height: 1; padding: 0 1; }
    CommandPalette CommandList {
        border: none; scrollbar-size: 1 1; scrollbar-color: $scroll-thumb; scrollbar-background: $background;
        scrollbar-background-hover: $background; scrollbar-background-active: $background;
    }
    .tiny CommandPalette > Vertical { margin-top: 0; }
    .tiny #screens { display: none; }
    .tiny Prompt .wrong { max-height: 1; }
    .least Sheet { min-height: 2; max-height: 2; }
    .least #edit-tabs, .least #chat-tabs { display: none; }
    """
    TITLE = "llmspell"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar = bindings("app")

    def __init__(
        self, desk: Desk | None = None, *, mode: Mode = "dark", keys: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        # Textual turns colours to greys for NO_COLOR unless it leaves them to the terminal.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.desk = desk or Desk()
        self.desk.keys = dict(keys or {})
        self.views: dict[str, View] = {}
        self.shown = ""
        self._pace = Pace()
        self._frame: Timer | None = None
        self._clock: Timer | None = None
        self._stale = False
        for name in ("dark", "light", "plain"):
            self.register_theme(_theme(name))
        self._mode: Mode = "plain" if self.no_color else mode

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return _theme("dark").variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Every colour here is a true one: filters that turn others into such would cost 0.7 ms a picture."""
        return [each for each in super().get_line_filters() if isinstance(each, NoColor)]

    def compose(self) -> ComposeResult:
        yield StatusLine(self.desk, id="status")
        yield Tabs(self.desk, [(place.name, place.title, _key(place.name)) for place in PLACES], "screen", id="screens")
        yield Wrong(self.desk, id="wrong")
        yield Frame(id="body")
        yield Scrubber(self.desk, id="scrubber")
        yield Footer(
            self.desk, lambda name: self.taker(name) is not None and self.offers(name), self.titled, id="footer"
        )

    async def on_mount(self) -> None:
        self.set_mode(self._mode)
        self.set_keymap({name: ",".join(keys) for name, keys in self.desk.keys.items()})
        await self.action_screen(self.opening())

    def on_ready(self) -> None:
        self.call_after_refresh(sweeping.go_on)

    def opening(self) -> str:
        """The screen to begin with."""
        return PLACES[0].name

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode
        self.desk.palette = palette(mode)
        self.theme = f"llmspell-{mode}"
        self.refresh(layout=True)
        for widget in self.query("*"):
            widget.refresh()

    # A fault of this program itself: Textual would print every frame with its values.

    def _handle_exception(self, error: Exception) -> None:
        self.fault = self.fault or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height < _LOW, "tiny")
        self.set_class(event.size.height < _LEAST, "least")

    # What feeds and hosts call, in the app's loop

    def lay(self, model: RunModel | None, payloads: Payloads | None = None) -> None:
        """Put another run on the desk. Folds, filter and the cursor's place are taken over from the one before."""
        before, desk = self.desk.model, self.desk
        if before is not None and model is not None and before is not model:
            model.spans.restore(before.spans.folds())
            model.spans.filter(before.spans.query)
            if 0 <= desk.chosen < len(before.spans):
                desk.wanted = before.spans.path(desk.chosen)
        desk.model, desk.payloads, desk.texts, desk.chosen = model, payloads, None, -1
        self.renew()

    def touch(self) -> None:
        """Something has changed: draw it with the next picture."""
        self._stale = True
        if self._frame is None and self.is_running:
            model = self.desk.model
            reading = model is not None and model.progress is not None
            wait = self._pace.wait(self._now(), focused=self.app_focus, reading=reading)
            self._frame = self.set_timer(wait, self._draw, name="frame")

    def renew(self) -> None:
        """Another run or another moment: everything anew."""
        view = self.view
        if view is not None:
            with self.batch_update():
                view.renew()
                self._bars()
        self._keep_time()

    @property
    def view(self) -> View | None:
        """The screen that is shown, once all of it is there."""
        view = self.views.get(self.shown)
        return view if view is not None and view.is_mounted else None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _draw(self) -> None:
        self._frame = None
        if not self.is_running:  # a run goes on while the window is taken down
            return
        self._pace.drawn(self._now(), self.desk.model.events if self.desk.model is not None else 0)
        if self._stale:
            self._stale = False
            with self.batch_update():
                if self.view is not None:
                    self.view.advance()
                self._bars()
        self._keep_time()

    def _bars(self) -> None:
        if not self.is_running:
            return
        self.query_one("#status").refresh()
        self.query_one(Wrong).sync()

    def _keep_time(self) -> None:
        """The clock runs while the run does."""
        model = self.desk.model
        going = model is not None and model.status == "running" and model.moment is None
        if going and self._clock is None:
            self._clock = self.set_interval(_TICK, self.touch, name="clock")
        elif not going and self._clock is not None:
            self._clock.stop()
            self._clock = None

    # Actions

    def taker(self, name: str, by: DOMNode | None = None) -> DOMNode | None:
        """Who does an action: what has the focus, what that lies in, or the window; None if nobody does. by: begin
        there instead."""
        method = "action_screen" if name.startswith("screen_") else f"action_{name}"
        inner = by or self.screen_stack[0].focused or self.view or self.screen_stack[0]
        return next((node for node in inner.ancestors_with_self if callable(getattr(node, method, None))), None)

    def offers(self, name: str) -> bool:
        """Whether the footer names an action now; its key works all the same, and says why it cannot be."""
        return True

    def titled(self, action: Action) -> str:
        """What an action is called as things are."""
        return action.title

    async def take(self, name: str, argument: str = "", by: DOMNode | None = None) -> None:
        """Do an action as its key does it."""
        node = self.taker(name, by)
        if node is None:
            self.notice("that cannot be done here")
            return
        self.desk.notice = ""
        if name.startswith("screen_"):
            name, argument = "screen", name[7:]
        done = getattr(node, f"action_{name}")(*([argument] if argument else []))
        if isawaitable(done):
            await done
        self._bars()

    async def action_do(self, name: str) -> None:
        await self.take(name)

    # Screens

    async def action_screen(self, name: str) -> None:
        chosen = place(name)
        if chosen is None:
            return
        body = self.query_one("#body")
        if name not in self.views:
            view = self.views[name] = chosen.view()(self.desk)
            view.display = False  # not beside the one that is shown: it would be laid out for half of the place
            await body.mount(view)
        self.shown = name
        self.desk.query = self.views[name].typed
        with self.batch_update():
            for other, view in self.views.items():
                view.display = other == name
            self.query_one("#screens", Tabs).choose(name)
            self.views[name].renew()
            self.views[name].begin()
            self._bars()
            self.query_one("#footer").refresh()

    def on_descendant_focus(self) -> None:
        self.query_one("#footer", Footer).show(panel_of(self.focused))

    def on_followed(self, event: Followed) -> None:
        event.stop()

    async def take_away(self, *widgets: Widget) -> None:
        """Remove widgets without a picture meanwhile: one that goes loses its styles before its place on the screen,
        and drawing it then fails in Textual."""
        with self.batch_update():
            for widget in widgets:
                await widget.remove()

    def notice(self, text: str) -> None:
        """Say what was just done, in the status line, until the next key's action says something else."""
        self.desk.notice = text
        self._bars()


def panel_of(focused: Widget | None) -> str:
    """The panel of `actions.py` that what has the focus is, or lies in."""
    inside = focused.ancestors_with_self if focused is not None else ()
    return next((panel for node in inside if isinstance(panel := getattr(node, "PANEL", None), str)), "app")


def _key(screen: str) -> str:
    action = named(f"screen_{screen}")
    return key_text(action.keys[0]) if action is not None else ""


def _theme(mode: Mode) -> Theme:
    """Textual's own widgets (prompt, palette, scrollbars) in our colours."""
    if mode == "plain":
        plain = BUILTIN_THEMES["ansi-dark"]
        own = {"rule": "ansi_default", "scroll-thumb": "ansi_default", "scroll-thumb-hover": "ansi_default"}
        return replace(plain, name="llmspell-plain", variables={**plain.variables, **own})
    colours = palette(mode)
    return Theme(
        name=f"llmspell-{mode}",
        primary=colours.colour("agent"),
        secondary=colours.colour("running"),
        warning=colours.colour("warn"),
        error=colours.colour("error"),
        success=colours.colour("ok"),
        accent=colours.colour("warn"),
        foreground=colours.colour("text"),
        background=colours.ground("plain"),
        surface=colours.ground("plain"),
        panel=colours.ground("bar"),
        dark=mode == "dark",
        variables={
            "rule": colours.ground("cursor"),
            "scroll-thumb": colours.ground("cursor"),
            "scroll-thumb-hover": colours.colour("dim"),
        },
    )
