"""Breakpoints of the run shown, and of the next one of a spell that runs on save: a sheet of them, each typed anew.

What stands before a tool's pattern as `approve:` is no stop: its calls wait for the person.
"""

from __future__ import annotations

from dataclasses import replace

from llmspell_tui.app.controlling import Controlling
from llmspell_tui.widgets.breaks import APPROVE, HINT, BreakSheet, wrong


class Breaking(Controlling):
    async def action_breakpoint(self) -> None:
        if not self._breakable():
            self.notice(self._why())
            return
        await self.open_sheet(BreakSheet(self.desk))
        self._show_breaks()
        if not self._breaks():
            await self.action_add()

    def _breakable(self) -> bool:
        """A run that is under way has some, and so has the next one of a spell that runs on save."""
        return not self._why() or bool(self.sessions)

    def _breaks(self) -> list[str]:
        control = self.desk.control
        if control is not None and not self._why():
            return [*control.breakpoints, *(APPROVE + tool for tool in control.approve)]
        return [*self.wishes.breakpoints, *(APPROVE + tool for tool in self.wishes.approve)]

    def _show_breaks(self) -> None:
        if isinstance(self.sheet, BreakSheet):
            self.sheet.show(self._breaks(), "for the next run" if self._why() else "")

    async def action_add(self) -> None:
        await self.ask("break", "stop at", self._suggested(), check=wrong, hint=HINT)

    async def action_remove(self) -> None:
        text = self.sheet.chosen() if isinstance(self.sheet, BreakSheet) else None
        if text is not None:
            await self._set_breaks([each for each in self._breaks() if each != text])

    async def action_alter(self) -> None:
        text = self.sheet.chosen() if isinstance(self.sheet, BreakSheet) else None
        if text is not None:
            self._altered = text
            await self.ask("alter", "stop at", text, check=wrong, hint=HINT)

    _altered = ""

    def _suggested(self) -> str:
        """A breakpoint on what the cursor is on."""
        model = self.desk.model
        if model is None or not 0 <= self.desk.chosen < len(model.spans):
            return ""
        kinds = {"tool": "tool", "llm_call": "model", "execution": "agent"}
        kind = kinds.get(model.spans.kind(self.desk.chosen), "")
        return f"{kind}:{model.spans.name(self.desk.chosen)}" if kind else ""

    async def _set_breaks(self, texts: list[str]) -> bool:
        points = [text for text in texts if not text.startswith(APPROVE)]
        tools = [text.removeprefix(APPROVE).strip() for text in texts if text.startswith(APPROVE)]
        control = self.desk.control
        if control is not None and not self._why():
            if not (await self._do("breakpoints", set=points) and await self._do("approvals", tools=tools)):
                return False
            assert self.wire is not None
            control.take_status(await self.wire.do("status"))
            points, tools = [*control.breakpoints], [*control.approve]
        if self.sessions:
            self._wish(replace(self.wishes, breakpoints=tuple(points), approve=tuple(tools)))
        self._show_breaks()
        return True

    async def answered(self, purpose: str, text: str) -> None:
        match purpose:
            case "break":
                if text.strip() and not await self._set_breaks([*self._breaks(), text.strip()]):
                    await self.ask("break", "stop at", text, check=wrong, hint=self.desk.notice)
            case "alter" if text.strip() and text.strip() != self._altered:
                texts = [text.strip() if each == self._altered else each for each in self._breaks()]
                if not await self._set_breaks(texts):
                    await self.ask("alter", "stop at", text, check=wrong, hint=self.desk.notice)
            case "alter":
                pass
            case _:
                await super().answered(purpose, text)
                return
        self._keep_sheet()
