"""The Talk page of a span: the conversation of its agent, or of the last one that spoke inside it, as of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from llmspell.events.event import Event
from llmspell_tui.model.messages import Message, conversation
from llmspell_tui.model.run import RunModel
from llmspell_tui.widgets.figures import plural
from llmspell_tui.widgets.lines import clean
from llmspell_tui.widgets.page import Page

#: Model calls of one agent that are read, the newest ones, and spans that are looked through for them.
_CALLS: Final = 50
_LOOKED: Final = 50_000


def calls_of(model: RunModel, i: int) -> list[int]:
    """The numbers of the start and end events of the model calls that tell what was said, in order."""
    spans = model.spans
    agent = spans.agent(i)
    last = spans.lasts[i]
    found: list[int] = []
    for at in range(spans.begun - 1, max(spans.begun - _LOOKED, 0) - 1, -1):
        if spans.kind(at) != "llm_call" or (not agent and last and spans.first(at) > last):
            continue
        agent = agent or spans.agent(at)
        if spans.agent(at) == agent:
            found += [spans.last(at), spans.first(at)] if spans.last(at) else [spans.first(at)]
            if len(found) >= 2 * _CALLS:
                break
    return sorted(found)


def talk(model: RunModel, i: int, events: Sequence[Event] | None) -> Page:
    """events: those of `calls_of`, None while they are being read."""
    page = Page()
    if events is None:
        return page
    said = conversation(events)
    if not said:
        return page.line(("nothing was said to a model here, up to this moment", "dim"))
    name = next((str(event.data.get("agent_name") or "") for event in reversed(events)), "")
    page.line((clean(name) or "agent", "agent"), (f"  {plural(len(said), 'message')}", "dim"), depth=0)
    for number, message in enumerate(said):
        _message(page, message, number)
    return page


def _message(page: Page, message: Message, number: int) -> None:
    role = message.role.capitalize()
    page.heading(role, f"{clean(message.name)}  event {message.seq:,}".strip())
    if message.text:
        page.said(message.text, path=str(number))
    for call in message.calls:
        page.value(f"→ {call.name or 'tool'}", call.arguments, path=str(number))
