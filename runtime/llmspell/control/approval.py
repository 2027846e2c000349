"""One tool call that waits until somebody approves it, edits its arguments, or denies it.

The decision is an effect of the run: recorded, given again in a replay, asked for again where a run goes on from before
it. Knows nothing of how it is shown, nor of who decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmspell.errors import ArgumentError, ToolError
from llmspell.frozen import frozen
from llmspell.person import YES_OR_NO, Desk, Question
from llmspell.run import Run
from llmspell.security.masking import Masker

#: Characters of a call's arguments that a question shows.
_SHOWN: Final = 400

DECISIONS: Final = ("approve", "deny")


@frozen
class Approval:
    """agent: who calls, "" for the spell itself. check: gives arguments in form, or raises SchemaError."""

    run: Run
    desk: Desk
    tool: str
    agent: str
    params: dict[str, Any]
    check: Callable[[Any], dict[str, Any]]

    async def decided(self) -> dict[str, Any]:
        """The arguments to call the tool with. Raises ToolError where the call is denied.

        The limits of who waits for the call stand still meanwhile.
        """
        run, about = self.run, self._about
        run.emit("approval_asked", self.tool, about)
        run.effects.patience.stop()
        try:
            found = await run.effects.once("approval", self.tool, about, self._perform, lambda _: True)
        finally:
            run.effects.patience.go()
        decision, changes, reason = found["decision"], found["changes"], found["reason"]
        edited = self._edited(changes) if changes else self.params
        told = {**about, "decision": decision, "changes": changes, "by": found["by"], "reason": reason}
        run.emit("approval_given", self.tool, told)
        if decision == "denied":
            message = f"the call of {self.tool} was denied by {found['by'] or 'the person'}"
            raise ToolError(f"{message}: {reason}" if reason else message)
        return edited

    @property
    def _about(self) -> dict[str, Any]:
        return {"tool_name": self.tool, "agent_name": self.agent, "params": self.params}

    async def _perform(self) -> dict[str, Any]:
        return await self.desk.wait("approval", self._about, self._accepts, self._of_person(), patient=True)

    async def _of_person(self) -> dict[str, Any]:
        from llmspell.traces.encode import Encoder  # json, which is there by now

        shown = Encoder(mask=self.run.service(Masker).text).text(self.params)
        who = f"agent {self.agent}" if self.agent else "the spell"
        question = Question(f"May {who} call {self.tool} with {shown[:_SHOWN]}?", YES_OR_NO)
        answer = await self.desk.person.answer(question)
        decision = "approved" if answer == YES_OR_NO[0] else "denied"
        return {"decision": decision, "changes": {}, "by": self.run.identity.user, "reason": ""}

    def _accepts(self, given: Any) -> dict[str, Any]:
        """A decision, of `decision`, `params` or `changes`, `reason` and `by`. Raises ArgumentError, SchemaError."""
        if not isinstance(given, dict) or given.get("decision") not in DECISIONS:
            raise ArgumentError("a call is approved or denied", hint='"decision": "approve" or "deny"')
        told = {"by": str(given.get("by") or ""), "reason": str(given.get("reason") or "")}
        if given["decision"] == "deny":
            return {"decision": "denied", "changes": {}, **told}
        changes = self._changes(given)
        self._edited(changes)
        return {"decision": "edited" if changes else "approved", "changes": changes, **told}

    def _changes(self, given: dict[str, Any]) -> dict[str, Any]:
        """What becomes of the arguments, as one table `params`: empty where they stay. An argument that comes back as
        it was shown, its secret hidden, stays what it is."""
        edited, changes = given.get("params"), given.get("changes")
        for part in (edited, changes):
            if part is not None and not isinstance(part, dict):
                raise ArgumentError("arguments are a table", hint='"params" for all of them, "changes" for some')
        if edited is None and changes is None:
            return {}
        whole = {**(self.params if edited is None else edited), **(changes or {})}
        shown: dict[str, Any] = self.run.service(Masker).value(self.params)
        meant = {
            key: self.params[key] if key in self.params and value == shown.get(key) else value
            for key, value in whole.items()
        }
        return {} if meant == self.params else {"params": meant}

    def _edited(self, changes: dict[str, Any]) -> dict[str, Any]:
        return self.check(changes["params"]) if changes else self.params
