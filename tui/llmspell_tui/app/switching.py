"""Several spells in one window: which of them is shown, each with the folds and the row that it was left with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmspell_tui.app.forking import Forking
from llmspell_tui.host.wishes import apart
from llmspell_tui.model.paths import Folds
from llmspell_tui.model.run import RunModel
from llmspell_tui.theme import MARKS

if TYPE_CHECKING:
    from llmspell_tui.host.session import Session
    from llmspell_tui.model.paths import Path as Place

_ONE = "one spell runs here: `llmspell dev A.lua B.lua` runs several"
_NONE = "no spell runs on save here: `llmspell dev FILE…` runs some"


@dataclass(frozen=True, slots=True)
class Left:
    """How a spell's run was left. place: of the row under the cursor."""

    folds: Folds
    place: Place | None


class Switching(Forking):
    _file = ""  # of the spell whose run is shown; "" for a run of no spell of the window

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._left: dict[str, Left] = {}

    def lay(self, model: RunModel | None, payloads: Any = None) -> None:
        before, chosen = self.desk.model, self.desk.chosen
        if before is not None and self._file:
            place = before.spans.path(chosen) if 0 <= chosen < len(before.spans) else None
            self._left[self._file] = Left(before.spans.folds(), place)
        super().lay(model, payloads)
        file = next((one.file for one in self.sessions if one.path and one.path == str(self.path_shown)), "")
        if file != self._file and (left := self._left.get(file)) is not None and model is not None:
            model.spans.restore(left.folds)
            self.desk.wanted = left.place
        self._file = file
        self._tell_which()

    def _tell_which(self) -> None:
        session = self.session
        several = session is not None and len(self.sessions) > 1
        self.desk.several = f"{self.sessions.index(session) + 1}/{len(self.sessions)}" if session and several else ""

    def offers(self, name: str) -> bool:
        if name in ("spell_next", "spell_previous", "spells"):
            return len(self.sessions) > 1
        return super().offers(name)

    async def action_spell_next(self) -> None:
        await self._turn(1)

    async def action_spell_previous(self) -> None:
        await self._turn(-1)

    async def _turn(self, by: int) -> None:
        session = self.session
        if session is None:
            self.notice(_NONE)
        elif self._file != session.file and session.path:
            await self._show(session)  # back from a run that was opened in between
        elif len(self.sessions) == 1:
            self.notice(_ONE)
        else:
            await self._show(self.sessions[(self.sessions.index(session) + by) % len(self.sessions)])

    async def _show(self, session: Session) -> None:
        self.session = session
        trouble, line = self._troubles.get(session.file, ("", ""))
        self.told_trouble(trouble, session.file, line)
        if session.path:
            await self.show_run(Path(session.path))
        self._tell_which()
        self.notice("" if session.path else f"{Path(session.file).name} has not run yet")

    async def action_spells(self) -> None:
        from llmspell_tui.widgets.choosing import Choice, ChoiceSheet  # only for who chooses

        if not self.sessions:
            self.notice(_NONE)
            return
        names = apart([session.file for session in self.sessions])
        choices = [
            Choice(session.file, name, self._said(session)) for session, name in zip(self.sessions, names, strict=True)
        ]
        at = self.sessions.index(self.session) if self.session is not None else 0
        await self.open_sheet(ChoiceSheet(self.desk, "Spells of this window", choices, self._chosen, at=at))

    def _chosen(self, choice: Any) -> None:
        session = next(one for one in self.sessions if one.file == choice.name)
        self.run_worker(self._go(session), group="spell", exclusive=True)

    async def _go(self, session: Session) -> None:
        await self.close_sheet()
        await self._show(session)

    def _said(self, session: Session) -> str:
        """How its last run is."""
        if trouble := self._troubles.get(session.file):
            return f"! {trouble[0]}"
        if not session.run:
            return "has not run yet"
        status = self.statuses.get(session.run, "running")
        return f"{MARKS.get(status, '!')} {status}  {session.run}"
