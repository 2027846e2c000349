"""The sheet in which a call is edited before it is made: its fields as tabs, one text at a time. Knows no run."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from textual.widget import Widget
from textual.widgets import TextArea  # 60 ms, paid at the first edit

from llmspell_tui.actions import bindings, key_text, named
from llmspell_tui.widgets.desk import Desk
from llmspell_tui.widgets.lines import shortened
from llmspell_tui.widgets.sheet import Sheet
from llmspell_tui.widgets.tabs import Tabs

#: Given the fields that were changed; what is wrong with them, "" where all is well and the sheet may close.
Apply = Callable[[dict[str, Any]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Field:
    """name: as the edit has it. text: as it was. json: whether it is a value written as JSON. hint: what stands where
    there is nothing. note: what else there is to know of an edit."""

    name: str
    title: str
    text: str
    json: bool = False
    hint: str = ""
    note: str = ""

    @classmethod
    def value(cls, name: str, title: str, value: Any, hint: str = "", note: str = "") -> Field:
        """A field of a JSON value; nothing for None."""
        text = "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
        return cls(name, title, text, True, hint, note)

    def read(self, text: str) -> Any:
        """What the text means. Raises ValueError with a sentence."""
        if not self.json:
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"{self.title} is no JSON: {error}") from None
        except RecursionError:
            raise ValueError(f"{self.title} lies too deep") from None


class EditSheet(Sheet):
    BINDINGS = bindings("editor")
    PANEL = "editor"
    DEFAULT_CSS = """
    EditSheet { height: 60%; min-height: 7; }
    EditSheet TextArea { height: 1fr; border: none; padding: 0 1; background: $background; }
    EditSheet TextArea:focus { border: none; }
    EditSheet TextArea .text-area--cursor-line { background: $panel; }
    """

    def __init__(self, desk: Desk, title: str, fields: Sequence[Field], apply: Apply, *, does: str = "runs") -> None:
        super().__init__(desk)
        self._title, self._fields, self._apply, self._does = title, tuple(fields), apply, does
        self._texts = {field.name: field.text for field in fields}
        self._at = 0
        self._tabs = Tabs(desk, self._named(), "field", id="edit-tabs")
        self._area = TextArea(fields[0].text, soft_wrap=True, placeholder=fields[0].hint)

    def inside(self) -> list[Widget]:
        return [self._tabs, self._area]

    def entry(self) -> Widget:
        return self._area

    def on_mount(self) -> None:
        self._note()

    @property
    def field(self) -> Field:
        return self._fields[self._at]

    def _named(self) -> list[tuple[str, str, str]]:
        return [
            (each.name, f"{each.title}*" if self._texts[each.name] != each.text else each.title, "")
            for each in self._fields
        ]

    def _note(self) -> None:
        keys = {name: key_text(action.keys[0]) for name in ("run_edited", "next_field") if (action := named(name))}
        more = f", {keys['next_field']} next part" if len(self._fields) > 1 else ""
        note = f"{self.field.note}, " if self.field.note else ""
        self.say(self._title, f"{note}{keys['run_edited']} {self._does}{more}")

    def changed(self) -> dict[str, Any]:
        """The fields that are not what they were. Raises ValueError with a sentence."""
        self._texts[self.field.name] = self._area.text
        return {
            each.name: each.read(self._texts[each.name])
            for each in self._fields
            if self._texts[each.name] != each.text and (self._texts[each.name].strip() or not each.json)
        }

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._texts[self.field.name] = self._area.text
        self._tabs.tabs = tuple(self._named())
        self._tabs.refresh()
        if self.head.wrong:
            self._note()

    def show(self, name: str) -> None:
        """The part with this name."""
        self._texts[self.field.name] = self._area.text
        self._at = next(at for at, each in enumerate(self._fields) if each.name == name)
        self._tabs.choose(name)
        self._area.placeholder = self.field.hint
        self._area.load_text(self._texts[name])
        self._area.focus()
        self._note()

    def put(self, text: str) -> None:
        """What an editor of the person's own made of the part."""
        self._area.load_text(text)

    @property
    def text(self) -> str:
        return self._area.text

    def action_field(self, name: str) -> None:
        self.show(name)

    def action_next_field(self) -> None:
        self.show(self._fields[(self._at + 1) % len(self._fields)].name)

    def action_previous_field(self) -> None:
        self.show(self._fields[(self._at - 1) % len(self._fields)].name)

    async def action_run_edited(self) -> None:
        try:
            changed = self.changed()
        except ValueError as error:
            self.complain(str(error))
            return
        self.say(self._title, "starting …")
        if wrong := await self._apply(changed):
            self.complain(shortened(wrong, 400))
