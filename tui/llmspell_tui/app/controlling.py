"""Control of the live run shown, over its own socket, wherever it was started: pause, decisions, answers, chat.

What waits for a person rises as a sheet by itself; it takes no key before it is gone to. What cannot be done says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import LlmspellError
from llmspell_tui.actions import Action
from llmspell_tui.app.shell import panel_of
from llmspell_tui.app.travelling import Travelling
from llmspell_tui.messages import Settled
from llmspell_tui.model.control import Control, missing
from llmspell_tui.model.run import RunModel

if TYPE_CHECKING:
    from llmspell_tui.host.control import RunControl
    from llmspell_tui.widgets.waiting import WaitSheet

#: Seconds within which a run answers; one of an older runtime may never.
_ANSWERS: Final = 5.0
_REPLACED: Final = "that was for the run before, which is not the one shown any more"


class Controlling(Travelling):
    """wire: the connection to the run shown, None while there is none."""

    wire: RunControl | None = None
    _wired: RunModel | None = None

    def paged(self, model: RunModel) -> None:
        super().paged(model)
        page = model.page
        if page is not None and page.status == "running" and page.socket and self._wired is not model:
            self._wired = model
            self.run_worker(self._connect(model, page.socket), group="control", exclusive=True)

    def lay(self, model: RunModel | None, payloads: Any = None) -> None:
        self.desk.control = None
        self.run_worker(self._part(self.wire), group="part")
        self.wire = self._wired = None
        super().lay(model, payloads)

    async def on_unmount(self) -> None:
        await self._part(self.wire)

    async def _part(self, wire: RunControl | None) -> None:
        if wire is not None:
            await wire.close()
        await self._show_waiting()

    async def _connect(self, model: RunModel, socket: str) -> None:
        from llmspell_tui.host.control import RunControl  # only for runs that are under way

        control = Control()
        try:
            wire = await RunControl.connect(socket, partial(self._heard, model, control))
        except LlmspellError as error:
            control.why = error.message
            return self._met(model, control)
        try:
            async with asyncio.timeout(_ANSWERS):
                control.take_status(await wire.do("status"))
        except (LlmspellError, TimeoutError):
            control.why = "the run takes no commands: it may have been started by an older llmspell"
            await wire.close()
            return self._met(model, control)
        except asyncio.CancelledError:
            await wire.close()
            raise
        if self.desk.model is not model:
            return await wire.close()
        self.wire = wire
        return self._met(model, control)

    def _met(self, model: RunModel, control: Control) -> None:
        if self.desk.model is model:
            self.desk.control = control
            self._keep_sheet()
            self.touch()

    def _heard(self, model: RunModel, control: Control, told: Mapping[str, Any]) -> None:
        control.take(told)
        if self.desk.control is control:
            if told.get("notice") == "paused":
                self.desk.notice = f"paused: {told.get('reason', '')}"
            elif told.get("notice") == "resumed" and self.desk.notice.startswith("paused"):
                self.desk.notice = ""
            self._keep_sheet()
            self.touch()

    async def _do(self, command: str, said: str = "", **fields: Any) -> bool:
        """Give a command; say what came of it. False where it could not be done."""
        if why := self._why():
            self.notice(why)
            return False
        assert self.wire is not None
        try:
            async with asyncio.timeout(_ANSWERS):
                await self.wire.do(command, **fields)
        except TimeoutError:
            self.notice("the run does not answer")
            return False
        except LlmspellError as error:
            self.notice(f"{error.message}: {error.hint}" if error.hint else error.message)
            return False
        if said:
            self.notice(said)
        return True

    def _why(self) -> str:
        """Why no command can be given, "" where it can."""
        why = missing(self.desk.model, self.desk.control)
        return why or ("" if self.wire is not None else "the run is still being connected to")

    def offers(self, name: str) -> bool:
        control = self.desk.control
        match name:
            case "approve":
                return control is not None and control.wants is not None and panel_of(self.focused) != "waiting"
            case "refuse" | "change":
                return control is not None and bool(control.waiting) and control.waiting[0] in control.calls
            case "settle":
                return control is not None and bool(control.waiting)
            case "pause" | "step":
                return not self._why() and (name == "pause" or control is None or control.paused)
            case _:
                return super().offers(name)

    def titled(self, action: Action) -> str:
        control = self.desk.control
        match action.name:
            case "pause" if control is not None and control.paused:
                return "Go on"
            case "run_edited" if self._first() is not None:
                return "Approve"
            case "settle" if first := self._first():
                return "Approve" if first["kind"] == "approval" else "Answer"
            case _:
                return super().titled(action)

    # Pause, step, cancel

    async def action_pause(self) -> None:
        control = self.desk.control
        if control is not None and control.paused:
            await self._do("resume", "it goes on")
        elif await self._do("pause") and control is not None and control.computing:
            self.notice("paused at the spell's next call: it computes until then")

    async def action_step(self) -> None:
        await self._do("step", "on to the next model or tool call")

    async def action_cancel(self) -> None:
        if self._why():
            await super().action_cancel()
        else:
            await self._do("cancel", "cancelled", reason="cancelled by the person")

    # What waits

    def _keep_sheet(self) -> None:
        self.call_later(self._show_waiting)

    async def _show_waiting(self) -> None:
        """The sheet comes with what waits, and goes with it; another sheet is not disturbed."""
        from llmspell_tui.widgets.waiting import WaitSheet  # when something waits

        if not self.is_running:
            return
        control, sheet = self.desk.control, self.sheet
        wants = control.wants if control is not None else None
        self.query_one("#footer").refresh()
        if isinstance(sheet, WaitSheet):
            if wants is None:
                await self.close_sheet()
            else:
                if sheet.turns_to(wants) and self.focused is not None and sheet in self.focused.ancestors:
                    self._go_back()  # a key that was meant for the matter before decides nothing of this one
                sheet.renew()
        elif wants is not None and sheet is None and not self.query("#prompt"):
            await self.open_sheet(WaitSheet(self.desk), go=False)

    async def close_sheet(self) -> None:
        await super().close_sheet()
        self._keep_sheet()

    async def action_leave_sheet(self) -> None:
        from llmspell_tui.widgets.waiting import WaitSheet

        if isinstance(self.sheet, WaitSheet):
            self._go_back()  # it still waits
        else:
            await super().action_leave_sheet()

    async def action_approve(self) -> None:
        """Go to what waits."""
        await self._show_waiting()
        if self._waiting() is not None:
            self.go_to_sheet()
        else:
            self.notice(self._why() or "nothing waits: `approve:tools` as a breakpoint makes each tool call wait")

    def _waiting(self) -> WaitSheet | None:
        from llmspell_tui.widgets.waiting import WaitSheet

        return self.sheet if isinstance(self.sheet, WaitSheet) else None

    def _first(self) -> dict[str, Any] | None:
        control = self.desk.control
        return control.waiting[0] if control is not None and control.waiting else None

    async def action_settle(self) -> None:
        first, sheet = self._first(), self._waiting()
        if first is None:
            self.notice("p lets the run go on, s goes to its next model or tool call")
        elif first["kind"] == "approval":
            await self._do("approve", f"approved {first['tool_name']}", decision="approve", number=first["number"])
        elif first.get("choices"):
            await self._answer(first, (sheet.choice if sheet is not None else 0) or 1)
        else:
            await self._ask_answer(first)

    async def on_settled(self, event: Settled) -> None:
        event.stop()
        control = self.desk.control
        waiting = control.waiting if control is not None else []
        question = next((each for each in waiting if each["number"] == event.of), None)
        if question is None:
            self.notice("that question waits no longer")
        else:
            await self._answer(question, event.number)

    async def _answer(self, question: Mapping[str, Any], number: int) -> None:
        text = str(question["choices"][number - 1])
        await self._do("answer", f"answered {text!r}", text=text, number=question["number"])

    async def _ask_answer(self, question: Mapping[str, Any]) -> None:
        self._about = (self.desk.model, question["number"])
        default = str(question.get("default") or "")
        await self.ask("answer", "answer", default, hint=str(question["question"]), replaced=True)

    _about: tuple[RunModel | None, int] = (None, 0)  # the run and the number that what is being typed is for

    async def action_refuse(self) -> None:
        first = self._first()
        if first is None or first["kind"] != "approval":
            self.notice("no tool call waits here that could be refused")
            return
        self._about = (self.desk.model, first["number"])
        await self.ask("refuse", f"refuse {first['tool_name']}, for", hint="the reason, for the model; may be empty")

    async def action_change(self) -> None:
        from llmspell_tui.widgets.editing import EditSheet, Field

        first = self._first()
        if first is None:
            self.notice("no tool call waits here that could be edited")
            return
        if first["kind"] != "approval":
            await self._ask_answer(first)
            return
        model, number, tool = self.desk.model, first["number"], first["tool_name"]

        async def approve(changed: dict[str, Any]) -> str:
            if self.desk.model is not model:
                return _REPLACED
            given = {"params": changed["params"]} if "params" in changed else {}
            if await self._do("approve", f"approved {tool}", decision="approve", number=number, **given):
                await self.close_sheet()
                return ""
            return self.desk.notice

        field = Field.value("params", "Arguments", first.get("params") or {})
        await self.open_sheet(EditSheet(self.desk, f"Arguments of {tool}", [field], approve, does="approves it so"))

    # Chat

    async def action_chat(self) -> None:
        from llmspell_tui.widgets.chatting import ChatSheet  # with Textual's Input

        control = self.desk.control
        if why := self._why():
            self.notice(why)
            return
        assert control is not None and self.wire is not None
        try:
            control.take_status(await self.wire.do("status"))
        except LlmspellError as error:  # it has ended this very moment
            self.notice(error.message)
            return
        if not control.agents:
            if control.questions:
                await self.action_approve()
            else:
                self.notice("the run has no agent yet")
            return
        model, chosen = self.desk.model, self.desk.chosen
        here = model.spans.agent(chosen) if model is not None and 0 <= chosen < len(model.spans) else ""
        agent = here if here in control.agents else control.agents[0]

        def send(to: str, text: str) -> None:
            self.run_worker(self._chat(sheet, to, text), group="chat")

        sheet = ChatSheet(self.desk, control.agents, agent, send)
        await self.open_sheet(sheet)

    async def _chat(self, sheet: Any, agent: str, text: str) -> None:
        if self.wire is None:
            sheet.answer(agent, self._why(), "warn")
            return
        try:
            answer, role = (await self.wire.do("chat", agent=agent, text=text))["answer"], "text"
        except LlmspellError as error:
            answer, role = f"{error.message}: {error.hint}" if error.hint else error.message, "warn"
        if sheet.is_attached:
            sheet.answer(agent, answer if isinstance(answer, str) else str(answer), role)

    async def answered(self, purpose: str, text: str) -> None:
        model, number = self._about
        match purpose:
            case "answer" | "refuse" if self.desk.model is not model:
                self.notice(_REPLACED)
            case "answer":
                await self._do("answer", f"answered {text!r}", text=text, number=number)
            case "refuse":
                await self._do("approve", "refused", decision="deny", reason=text, number=number)
            case _:
                await super().answered(purpose, text)
        self._keep_sheet()
