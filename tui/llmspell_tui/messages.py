"""What widgets tell the screen they lie in. One a key or a click; none an event of a run."""

from __future__ import annotations

from textual.dom import DOMNode
from textual.message import Message


class Chosen(Message):
    """The cursor has come to rest on a row. key: what the row stands for, as its widget says (a span's number, …)."""

    def __init__(self, widget: str, row: int) -> None:
        self.widget = widget
        self.row = row
        super().__init__()


class Opened(Chosen):
    """Enter or a second click on a row."""


class Followed(Message):
    """A list began or ceased to stay at its newest row."""

    def __init__(self, following: bool) -> None:
        self.following = following
        super().__init__()


class Pressed(Message):
    """A word in the status line, the footer or a row of tabs was clicked: the action to take, with its argument.

    by: what it belongs to, None for what has the focus.
    """

    def __init__(self, action: str, argument: str = "", by: DOMNode | None = None) -> None:
        self.action = action
        self.argument = argument
        self.by = by
        super().__init__()


class Asked(Message):
    """The prompt was answered; `text` is None where it was left."""

    def __init__(self, purpose: str, text: str | None) -> None:
        self.purpose = purpose
        self.text = text
        super().__init__()


class NotFound(Message):
    """A search that took its time has come to its end."""

    def __init__(self, needle: str) -> None:
        self.needle = needle
        super().__init__()


class ShowSpans(Message):
    """The screen Trace is to be shown with only these spans. query: as `f` takes it."""

    def __init__(self, query: str) -> None:
        self.query = query
        super().__init__()


class Travelled(Message):
    """A moment was pointed at: the number of its event, None for now."""

    def __init__(self, moment: int | None) -> None:
        self.moment = moment
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        """Of several while the mouse is dragged the last one counts."""
        return isinstance(message, Travelled)


class Settled(Message):
    """A question was answered by the number of a choice, from 1. of: the question's number, as it was shown."""

    def __init__(self, number: int, of: int) -> None:
        self.number = number
        self.of = of
        super().__init__()
