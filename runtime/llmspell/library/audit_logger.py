"""`AuditLogger`: a spell's own entries in the run's audit trail, and in a file whose lines are chained."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from llmspell.api.describe import exposed, method
from llmspell.api.kinds import Kind
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.run import Run
from llmspell.security.masking import Masker
from llmspell.traces.describe import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLoggerOptions:
    path: Annotated[str, Kind("path")] | None = None
    """A file of JSON lines to append to as well, below a folder that the run may write. The first argument, if it is
    text."""


@exposed(
    options=AuditLoggerOptions,
    positional=("path",),
    example='local audit = AuditLogger.new("./output/audit.log")\naudit:log("approved", { user_id = "ada" })',
)
class AuditLogger:
    """Writes down who did what, each entry chained to the one before.

    Each goes into the run's audit trail and, with a path, into a file: JSON lines, each holding the hash of the one
    before. `llmspell trace audit verify` finds an entry that was changed, removed or put in between. There is no key:
    whoever can write the file can write all of it anew, or cut off its end. Keep the last hash elsewhere to notice
    that. Secrets are hidden. A call returns once its entry is kept.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> AuditLogger:
        return cls(run, AuditLoggerOptions(**options))

    def __init__(self, run: Run, options: AuditLoggerOptions) -> None:
        if options.path is not None:
            run.permissions.check_path(run.identity.project / options.path, "write", options.path)
        self._run = run
        self._path = options.path
        self._masker = Masker(run.environ)

    @method(errors=("permission", "store"), example='audit:log("file_operation", { path = path, agent_id = agent.id })')
    async def log(self, action: str | dict[str, Any], fields: dict[str, Any] | None = None) -> None:
        """Keeps an entry: what was done, and what else is known of it. Of a table alone, `action` (else its `event` or
        `type`, else `log`) is what was done.

        `agent_id`, `user_id`, `session_id`, `tool` and `result` are fields of their own in the trail, in either
        spelling.
        """
        if isinstance(action, dict):
            if fields is not None:
                raise ArgumentError("AuditLogger.log: the second argument needs a text before it")
            named = next((str(action[key]) for key in ("action", "event", "type") if action.get(key)), "log")
            action, fields = named, action
        known = describe(self._masker.value(fields or {}))

        async def keep() -> None:
            await self._keep(action, known)

        await self._run.effects.once("audit", action, known, keep)
        self._run.emit("audited", action, {"action": action, "fields": known})

    async def _keep(self, action: str, fields: dict[str, Any]) -> None:
        run = self._run
        whose = {name: _text(fields, name) for name in ("agent_id", "user_id", "session_id", "tool")}
        whose["user_id"] = whose["user_id"] or run.identity.user
        whose["session_id"] = whose["session_id"] or run.identity.session
        await run.journal.audit(action, params=fields, result=fields.get("result"), **whose)
        if self._path is not None:
            from llmspell.security import audit_file  # fcntl, json and hashlib: 4 ms

            record = {
                "time": run.log.last_time,
                "run": run.identity.run_id,
                "action": action,
                **whose,
                "fields": fields,
            }
            await asyncio.to_thread(audit_file.append, self._path, run.permissions, record)


def _text(fields: dict[str, Any], name: str) -> str:
    head, _, tail = name.partition("_")
    found = fields.get(name) or fields.get(head + tail.capitalize())
    return str(found) if isinstance(found, str | int | float) else ""
