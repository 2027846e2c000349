"""The prompt: one line at the bottom in which something is typed: a search, a filter. Made when asked for."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.widgets import Input, Static  # 17 ms, paid at the first prompt

from llmspell_tui.messages import Asked


class Prompt(Container):
    """purpose: told with the answer. check: a sentence about what is wrong with the text so far, "" for nothing; it
    stands above the text. replaced: whether what is typed takes the place of the text."""

    DEFAULT_CSS = """
    Prompt { height: auto; width: 1fr; background: $panel; }
    Prompt Horizontal { height: 1; width: 1fr; }
    Prompt Static { width: auto; padding: 0 1; background: $panel; color: $foreground; text-style: bold; }
    Prompt .wrong { color: $warning; text-style: none; width: 1fr; height: auto; max-height: 3; display: none; }
    Prompt Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    Prompt Input:focus { border: none; }
    """

    PANEL = "prompt"

    def __init__(
        self,
        purpose: str,
        title: str,
        text: str = "",
        check: Callable[[str], str] | None = None,
        hint: str = "",
        replaced: bool = False,
    ) -> None:
        super().__init__(id="prompt")
        self._purpose = purpose
        self._title = title
        self._text = text
        self._check = check
        self._hint = hint
        self._replaced = replaced

    def compose(self) -> ComposeResult:
        yield Static("", classes="wrong", markup=False)
        with Horizontal():
            yield Static(self._title, markup=False)
            yield Input(self._text, placeholder=self._hint, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        line = self.query_one(Input).focus()
        if self._replaced:
            line.select_all()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        said = self._check(event.value) if self._check else ""
        wrong = self.query_one(".wrong", Static)
        wrong.update(said)
        wrong.display = bool(said)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_apply()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.action_leave()

    def action_apply(self) -> None:
        text = self.query_one(Input).value
        if not (self._check and self._check(text)):
            self._answer(text)

    def action_leave(self) -> None:
        self._answer(None)

    def _answer(self, text: str | None) -> None:
        self.post_message(Asked(self._purpose, text))
