"""The sheet of what waits for a person: a tool call with its arguments, a spell's question, a breakpoint's stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from textual import events
from textual.geometry import Size
from textual.widget import Widget

from llmspell_tui.actions import bindings, key_text, named
from llmspell_tui.messages import Settled
from llmspell_tui.model.control import about, said_before
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.lines import clean
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.sheet import Sheet

#: Rows of the page at most.
_ROWS: Final = 12
_LEFT_OUT: Final = frozenset({"notice", "number", "kind", "tool_name", "agent_name"})


class WaitPage(Document):
    """Its entries `choice.N` are the answers of a question."""

    BINDINGS = bindings("waiting")
    PANEL = "waiting"

    _first_at = ""
    of = 0
    """The number of the matter that is shown; a breakpoint's stop has none."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        lines = len(self.page_shown.layout(width, self._folded))
        return min(max(lines, 1), _ROWS, max(viewport.height // 2 - 2, 2))

    def on_resize(self) -> None:
        super().on_resize()
        self._place()

    def on_key(self, event: events.Key) -> None:
        """A digit is an answer."""
        if event.key.isdecimal() and f"choice.{event.key}" in {entry.path for entry in self.page_shown.entries}:
            event.stop()
            event.prevent_default()
            self.post_message(Settled(int(event.key), self.of))

    def begin(self, page: Page, path: str) -> None:
        """Show a page with the cursor on an entry."""
        self._first_at = path
        self.show(page)
        self._place()
        self.refresh(layout=True)

    def _place(self) -> None:
        entries = self.page_shown.entries
        row = next((row for row, (at, _) in enumerate(self._lines) if entries[at].path == self._first_at), None)
        if row is not None:
            self.go(row)

    def choice(self) -> int:
        """The number of the answer under the cursor, 0 for none."""
        entry = self.page_shown.entries[self._lines[self.cursor][0]] if self._lines else None
        kind, _, number = entry.path.partition(".") if entry is not None else ("", "", "")
        return int(number) if kind == "choice" and number.isdecimal() else 0

    def clicked(self, row: int, x: int) -> bool:
        if number := self.choice():
            self.post_message(Settled(number, self.of))
            return True
        return super().clicked(row, x)


class WaitSheet(Sheet):
    DEFAULT_CSS = """
    WaitSheet WaitPage { height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._page = WaitPage(desk)
        self._told: Mapping[str, Any] | None = None
        self._said: list[str] = []

    def inside(self) -> list[Widget]:
        return [self._page]

    def entry(self) -> Widget:
        return self._page

    @property
    def choice(self) -> int:
        return self._page.choice()

    def on_mount(self) -> None:
        self.renew()

    def turns_to(self, wants: Mapping[str, Any]) -> bool:
        """Whether this is another matter than the one shown."""
        return self._told is not None and wants.get("number") != self._told.get("number")

    def renew(self) -> None:
        control = self.desk.control
        wants = control.wants if control is not None else None
        said = self._printed(wants)
        if wants is None or (wants == self._told and said == self._said):
            return
        at = f"choice.{self.choice}" if wants == self._told and self.choice else _first(wants)
        self._told, self._said = wants, said
        self._page.of = wants.get("number", 0)
        self._page.begin(page_of(wants, said), at)
        self._head()

    def _printed(self, wants: Mapping[str, Any] | None) -> list[str]:
        model = self.desk.model
        asks = wants is not None and wants.get("kind") == "question"
        return said_before(model.points) if asks and model is not None else []

    def on_descendant_focus(self) -> None:
        self._head()

    def on_descendant_blur(self) -> None:
        self._head()

    def _head(self) -> None:
        """What it is about, and the keys, once they are this sheet's."""
        control, wants = self.desk.control, self._told
        if wants is None:
            return
        more = len(control.waiting) - 1 if control is not None and control.waiting else 0
        title = title_of(wants)
        if "question" in wants and self.app.has_class("least"):  # there is a line beside it
            title = f"? {clean(str(wants['question']))}"
        if more > 0:
            title = f"? 1 of {more + 1}:{title.removeprefix('?')}"
        note = keys_of(wants) if "kind" not in wants or self._page.has_focus else f"{_key('approve')} goes there"
        self.say(title, note, "warn")


def _first(wants: Mapping[str, Any]) -> str:
    choices = cast("list[str]", wants.get("choices") or [])
    default = wants.get("default")
    return f"choice.{choices.index(default) + 1}" if default in choices else "choice.1"


def title_of(wants: Mapping[str, Any]) -> str:
    match wants:
        case {"kind": "approval", "tool_name": tool}:
            who = f"agent {wants['agent_name']}" if wants.get("agent_name") else "the spell"
            return f"? may {clean(str(who))} call {clean(str(tool))}"
        case {"kind": "question"}:
            return "? the spell asks"
        case _:
            return f"‖ paused: {clean(str(wants.get('reason', '')))}"


def keys_of(wants: Mapping[str, Any]) -> str:
    """What can be done, with its keys."""
    match wants:
        case {"kind": "approval"}:
            return f"{_key('settle')} approves, {_key('change')} edits, {_key('refuse')} refuses"
        case {"kind": "question", "choices": [_, *_]}:
            return f"a number answers, {_key('settle')} takes the row"
        case {"kind": "question"}:
            return f"{_key('settle')} answers"
        case _:
            return f"{_key('pause')} goes on, {_key('step')} steps"


def page_of(wants: Mapping[str, Any], said: Sequence[str] = ()) -> Page:
    """said: what was printed before a question."""
    page = Page()
    match wants:
        case {"kind": "approval"}:
            params = wants.get("params")
            if isinstance(params, dict) and params:
                for name, value in cast("dict[str, Any]", params).items():
                    page.value(str(name), value)
            else:
                page.line(("without arguments", "dim"))
        case {"kind": "question"}:
            for line in said:
                page.line((line, "text"))
            page.text(str(wants.get("question", "")), "strong")
            default = wants.get("default")
            for number, choice in enumerate(cast("list[str]", wants.get("choices") or []), 1):
                note = "  unless you say otherwise" if choice == default else ""
                page.choice(number, clean(choice), note)
            if default is not None and not wants.get("choices"):
                page.line((f"unless you say otherwise: {clean(str(default))}", "dim"))
        case _:
            at = f" at {clean(str(wants['site']))}" if wants.get("site") else ""
            page.line((f"before: {clean(str(wants.get('stop', '')))}{at}", "strong"))
            for name, value in about(wants).items():
                if name not in _LEFT_OUT or name in ("tool_name", "agent_name"):
                    page.value(name, value)
    return page


def _key(name: str) -> str:
    action = named(name)
    return key_text(action.keys[0]) if action is not None else ""
