"""What the widgets of one window share: the run shown, its palette, the search. Plain values; knows no widget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from llmspell_tui.theme import Palette, palette

if TYPE_CHECKING:
    from llmspell_tui.feed.payload import Payloads
    from llmspell_tui.feed.runs import StoredRun
    from llmspell_tui.model.control import Control
    from llmspell_tui.model.paths import Path
    from llmspell_tui.model.run import RunModel


@dataclass(slots=True)
class Desk:
    """model, payloads: the run shown and what it keeps in its file, None before there is one. runs: all that there are,
    live ones first. texts: the spell's text as it ran and those of what it loaded, None until somebody read them.

    chosen: the span under the cursor, by index, -1 for none; wanted: the one that it goes to as soon as that is there,
    where the cursor was in the run before. control: how the run shown is controlled, None while nobody knows. saving:
    what is not as usual on the next save. several: which of the window's spells is shown, as 1/2, "" where there is
    one. trouble: what is wrong with the spell or the host; trouble_line: the
    line of the text, with its number. notice: what was just done. needle: what is searched for, in
    lower case. query: the filter as it was typed.
    keys: those that the person put in the place of the default ones, by action.
    clock: seconds since 1970; tests put a standing one in its place.
    """

    palette: Palette = field(default_factory=lambda: palette("dark"))
    model: RunModel | None = None
    payloads: Payloads | None = None
    texts: tuple[str, Mapping[str, str]] | None = None
    runs: Sequence[StoredRun] = ()
    chosen: int = -1
    wanted: Path | None = None
    control: Control | None = None
    saving: str = ""
    several: str = ""
    trouble: str = ""
    trouble_line: str = ""
    notice: str = ""
    needle: str = ""
    query: str = ""
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    clock: Callable[[], float] = time.time

    def now_ms(self) -> float:
        return self.clock() * 1000

    def until(self) -> float:
        """The time up to which the run shown has got, in ms: its end, or now."""
        model = self.model
        if model is None:
            return self.now_ms()
        if model.ended is not None:
            return model.ended
        repeated = model.page is not None and model.page.replayed  # its times are those of the recorded run
        return max(self.now_ms(), model.newest) if model.status == "running" and not repeated else model.newest

    def path_of(self, file: str) -> FilePath | None:
        """Where a file of the run shown lies, as it stands in `file:line`; None where it is nowhere any more."""
        page = self.model.page if self.model is not None else None
        spell = FilePath(page.spell) if page is not None and page.spell else None
        if spell is not None and self.model is not None and file == self.model.label:
            return spell if spell.is_file() else None
        beside = [spell.parent / file] if spell is not None else []
        return next((path for path in (*beside, FilePath(file)) if file and path.is_file()), None)

    def text_of(self, file: str) -> str | None:
        """The text of a file of the run shown, as it was when it ran; None where nobody knows it."""
        if self.model is None or self.texts is None:
            return None
        page = self.model.page
        spell, modules = self.texts
        if file == self.model.label or (page is not None and page.spell.endswith("/" + file.lstrip("/"))):
            return spell or None
        return next((text for path, text in modules.items() if path == file or path.endswith("/" + file)), None)
