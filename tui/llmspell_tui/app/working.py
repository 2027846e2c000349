"""Spells under the person's hands: each run now and at every save; the run of the one saved last is on the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmspell.errors import LlmspellError
from llmspell_tui.app.exporting import Exporting
from llmspell_tui.host.wishes import State, Wishes
from llmspell_tui.theme import Mode
from llmspell_tui.widgets.desk import Desk

if TYPE_CHECKING:
    from llmspell_tui.host.client import Ended, HostClient
    from llmspell_tui.host.session import News, Session

_STATES: Final[tuple[State, ...]] = ("keep", "reset", "fork")
_SAID: Final = {"keep": "the project's own", "reset": "empty", "fork": "a copy of the project's"}


class Working(Exporting):
    """wishes: what was asked for; its files are run. sessions: one a file, none where runs are only looked at."""

    wishes: Wishes = Wishes()

    def __init__(
        self, desk: Desk | None = None, *, mode: Mode = "dark", keys: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(desk, mode=mode, keys=keys)
        self.sessions: list[Session] = []
        self.session: Session | None = None
        self.statuses: dict[str, str] = {}  # how runs of this window ended
        self._client: HostClient | None = None
        self._troubles: dict[str, tuple[str, str]] = {}  # by spell, with the line; "" for the host's own

    def opening(self) -> str:
        return "trace" if self.wishes.files else super().opening()

    async def on_mount(self) -> None:
        if not self.wishes.files:
            return
        from llmspell_tui.host.session import Session  # 15 ms with what watches folders; only to look at runs, none

        self.desk.notice = "starting …"
        client = await self.hosted()
        self.sessions = [Session(client, file, self.wishes, self._told) for file in self.wishes.files]
        self.session = self.sessions[0]
        self.desk.saving = saving(self.wishes)
        for session in self.sessions:
            self.run_worker(session.watch(), group=f"watch {session.file}")

    async def hosted(self) -> HostClient:
        """The client of this window's host, which is spawned with the first run."""
        if self._client is None:
            from llmspell_tui.host.client import HostClient

            self._client = HostClient(self._ended)
        return self._client

    async def on_unmount(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _told(self, news: News) -> None:
        from llmspell_tui.host.session import Began, Passed, Refusal, passed

        match news:
            case Began(file, started, before, saved):
                session = next(one for one in self.sessions if one.file == file)
                self.told_trouble("", file)
                # At the start all of them begin: the first is shown, and after that the one that was saved.
                if session is self.session or saved or before:
                    self.session = session
                    self.desk.notice = f"saved {', '.join(saved)}" if saved else ""
                    self.call_later(self.show_run, Path(started.path))
            case Refusal(file, message, where, line, text):
                before = next(one.run for one in self.sessions if one.file == file)
                goes_on = "it has not run yet" if not before else "the run before goes on"
                if before in self.statuses:
                    goes_on = "the run before is still shown"
                said = f"{Path(where).name}:{line}: {message}; {goes_on}"
                self.told_trouble(said, file, f"{line:>4}  {text}" if text.strip() else "")
                self.desk.notice = ""
            case Passed(_, names):
                self.desk.notice = f"{passed(names)}: r runs again"
            case trouble:
                said = f"{trouble.message}; {trouble.hint}" if trouble.hint else trouble.message
                self.told_trouble(said, trouble.file)
                self.desk.notice = ""
        self.touch()

    def told_trouble(self, text: str, file: str = "", line: str = "") -> None:
        """What is wrong with a spell, "" for nothing any more; of several, that of the spell shown comes first. line:
        of its text, with its number."""
        self._troubles.pop("", None)
        self._troubles.pop(file, None)
        if text:
            self._troubles[file] = (text, line)
        own = self._troubles.get(self.session.file) if self.session is not None else None
        self.desk.trouble, self.desk.trouble_line = own or next(iter(self._troubles.values()), ("", ""))
        self._bars()

    def _ended(self, ended: Ended) -> None:
        self.statuses[ended.run] = ended.status
        model = self.desk.model
        if model is not None and model.run_id == ended.run:
            model.close(ended.status)
        if ended.status == "lost":
            self.told_trouble("the host died, and the run with it: r runs the spell again")
        self.touch()

    # Keys

    async def action_rerun(self) -> None:
        session = self.session
        if session is not None:
            self.notice("starting …")
            self.run_worker(session.again(), group="again")
        else:
            self.notice("runs are only looked at here: `llmspell dev FILE` runs a spell")

    async def action_cancel(self) -> None:
        model = self.desk.model
        if model is not None and model.status != "running":
            self.notice(f"the run has ended ({model.status})")
            return
        if self._client is None or model is None or model.run_id not in self._client.runs:
            self.notice("this run is not one that was started here")
            return
        try:
            await self._client.cancel(model.run_id, "cancelled by the person")
            self.notice("cancelled")
        except LlmspellError as error:
            self.notice(error.message)

    def action_prefix(self) -> None:
        if not self.sessions:
            self.notice("nothing runs on save here: `llmspell dev FILE` does; R runs from the row under the cursor")
            return
        wanted = not self.wishes.replay_prefix
        self._wish(replace(self.wishes, replay_prefix=wanted))
        self.notice("on save: the unchanged beginning is replayed" if wanted else "on save: everything is asked anew")

    def action_keep_state(self) -> None:
        state = _STATES[(_STATES.index(self.wishes.state) + 1) % len(_STATES)]
        self._wish(replace(self.wishes, state=state))
        self.notice(f"{'on save and ' if self.sessions else ''}with R: state is {_SAID[state]}")

    def _wish(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.desk.saving = saving(wishes)
        for session in self.sessions:
            session.wishes = wishes
        self.touch()


def saving(wishes: Wishes) -> str:
    """What a run on save is like, where it is not as usual: for the status line."""
    parts = ["prefix" if wishes.replay_prefix else "", f"state {wishes.state}" if wishes.state != "keep" else ""]
    breaks = len(wishes.breakpoints) + len(wishes.approve)
    parts.append(f"{breaks} break{'s' if breaks > 1 else ''}" if breaks else "")
    return ", ".join(filter(None, parts))
