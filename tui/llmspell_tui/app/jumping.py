"""Jump mode: a letter on each panel; pressing it gives that panel the focus, a number shows that screen."""

from __future__ import annotations

from typing import Final

from textual.geometry import Offset

from llmspell_tui.actions import named
from llmspell_tui.app.taking import Taking
from llmspell_tui.screens.table import PLACES
from llmspell_tui.widgets.rows import Rows

_LETTERS: Final = "asdfghjkl"


class Jumping(Taking):
    def action_jump(self) -> None:
        from llmspell_tui.app.letters import JumpScreen  # Textual's Static: 5 ms

        panels = [rows for rows in self.screen.query(Rows) if rows.is_on_screen and rows.region.area]
        targets = dict(zip(_LETTERS, panels))
        places = {letter: rows.region.offset + Offset(1, 0) for letter, rows in targets.items()}

        async def jumped(letter: str | None) -> None:
            if letter in targets:
                targets[letter].focus()
            for place in PLACES:
                action = named(f"screen_{place.name}")
                if action is not None and letter in action.keys:
                    await self.action_screen(place.name)

        self.push_screen(JumpScreen(places), jumped)
