"""The sheet in which one speaks to an agent of a live run: what was said here, and a line to type in."""

from __future__ import annotations

from collections.abc import Callable

from textual.widget import Widget
from textual.widgets import Input

from llmspell_tui.actions import bindings, key_text, named
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.document import Document
from llmspell_tui.widgets.page import Page
from llmspell_tui.widgets.sheet import Sheet
from llmspell_tui.widgets.tabs import Tabs


class ChatSheet(Sheet):
    """say: takes the agent's name and the text; the answer comes back by `answer`."""

    BINDINGS = bindings("chat")
    PANEL = "chat"
    DEFAULT_CSS = """
    ChatSheet { height: 50%; min-height: 6; }
    ChatSheet Document { height: 1fr; }
    ChatSheet Input { height: 1; border: none; padding: 0 1; background: $panel; }
    ChatSheet Input:focus { border: none; }
    """

    def __init__(self, desk: Desk, agents: tuple[str, ...], agent: str, send: Callable[[str, str], object]) -> None:
        super().__init__(desk)
        self.agents = agents
        self.agent = agent
        self._send = send
        self._said: dict[str, list[tuple[str, str, str]]] = {}
        self._tabs = Tabs(desk, [(name, name, "") for name in agents], "field", id="chat-tabs")
        self._page = Document(
            desk, nothing="what you say and what the agent answers stands here, and in the run's trace"
        )
        self._line = Input(placeholder="say something", compact=True)

    def inside(self) -> list[Widget]:
        tabs = [self._tabs] if len(self.agents) > 1 else []
        return [*tabs, self._page, self._line]

    def entry(self) -> Widget:
        return self._line

    def on_mount(self) -> None:
        self.show(self.agent)

    def show(self, agent: str) -> None:
        self.agent = agent
        self._tabs.choose(agent)
        keys = {name: key_text(action.keys[0]) for name in ("send", "next_field") if (action := named(name))}
        more = f", {keys['next_field']} another agent" if len(self.agents) > 1 else ""
        self.say(f"Chat with {agent}", f"{keys['send']} says it{more}")
        self._draw()

    def answer(self, agent: str, text: str, role: str = "text") -> None:
        """What came of the last thing said to it."""
        said = self._said[agent]
        said[-1] = (agent, text, role)
        if agent == self.agent:
            self._draw()

    def _draw(self) -> None:
        page = Page()
        for place, (who, text, role) in enumerate(self._said.get(self.agent, ())):
            page.heading(who, "" if text else "…")
            page.entries[-1] = page.entries[-1].named(f"said.{place}")
            if text:
                page.text(text, role)
        self._page.show(page)
        self._page.action_last()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        text = self._line.value.strip()
        waits = any(not said for _, said, _ in self._said.get(self.agent, ()))
        if not text or waits:
            self.complain("its answer has not come yet" if waits else "nothing was typed")
            return
        self._line.value = ""
        self._said.setdefault(self.agent, []).extend([("You", text, "text"), (self.agent, "", "text")])
        self.show(self.agent)
        self._send(self.agent, text)

    def action_field(self, name: str) -> None:
        self.show(name)

    def action_next_field(self) -> None:
        self._turn(1)

    def action_previous_field(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        self.show(self.agents[(self.agents.index(self.agent) + by) % len(self.agents)])
