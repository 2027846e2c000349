"""Keys act one after the other: the next one goes where the one before has led. Knows no action.

Textual gives each key to what has the focus as it arrives. Of keys that arrive together (typed fast, over a slow
connection, while much is drawn) all went to the panel before the first had opened its prompt: of `/ex` in the tree, `e`
opened the editor and `x` ended the run.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Final

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen

#: Seconds that the keys behind wait for one that takes its time, and between two looks whether its way was cut off.
_PATIENCE: Final = 0.5
_LOOK: Final = 0.02


class Through(Message):
    """Goes the way of a key, behind it: once it is here the key has acted."""


class Ordering(App[int]):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._keys: deque[events.Key | events.Paste] = deque()
        self._going_since = 0.0  # of the key under way, 0 for none
        self._began_on: Screen[Any] | None = None
        self._way: DOMNode | None = None  # what had the focus as it came

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._keys.append(event)
        if self._free():
            await self._next()
        elif len(self._keys) == 1:
            self.set_timer(_LOOK, self._look)

    def _free(self) -> bool:
        """Nothing is under way, or nothing that would ever say so: what had the focus is no more."""
        since, way = self._going_since, self._way
        return not since or way is None or not way.is_attached or time.monotonic() - since > _PATIENCE

    async def _next(self) -> None:
        self._going_since = 0.0
        if not self._keys:
            return
        key, self._going_since = self._keys.popleft(), time.monotonic()
        self._began_on, self._way = self.screen, self.focused or self.screen
        await super().on_event(key)
        self._way.post_message(Through())

    async def on_through(self, event: Through) -> None:
        event.stop()
        if self.screen is self._began_on:
            self.call_later(self._next)  # behind what the key has put off, such as a change of the focus
        else:  # one that was laid over it can be used once it is drawn: Textual's palette fails when it is left before
            self.screen.call_after_refresh(self.call_later, self._next)

    async def _look(self) -> None:
        if self._keys and self._free():
            await self._next()
        if self._keys:
            self.set_timer(_LOOK, self._look)
