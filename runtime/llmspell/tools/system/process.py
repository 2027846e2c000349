"""The process tool: what it is asked and what it gives. `running` knows the run's commands, `process_table` looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    allow_kill: bool = True
    """Whether kill may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessParams:
    operation: Literal["list", "info", "kill"] = "list"
    """list: the processes that this run has started, or with `all` every one of the machine. info: one of them. kill:
    ends one that this run has started."""

    pid: Annotated[int, Bounds(ge=1, le=4_194_304)] | None = None
    """The process, for info and kill."""

    all: bool = False
    """For list and info: also processes of others, without their command lines; the run must be allowed `ps`."""

    name: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    """For list: only those whose name holds this."""

    signal: Literal["term", "int", "hup", "kill"] = "term"
    """For kill: term asks the program to end, kill ends it at once."""

    limit: Annotated[int, Bounds(ge=1, le=5000)] = 100
    """For list: processes at most."""


class ProcessInfo(TypedDict):
    pid: int
    """Its number."""
    parent: int
    """The number of the process that started it."""
    name: str
    """The program's name, as the system keeps it (15 characters)."""
    state: str
    """running, sleeping, stopped, ended or the like."""
    cpu_seconds: float
    """Seconds of CPU used so far."""
    memory_mb: float
    """Memory held now."""
    threads: int
    """Number of threads."""
    age_seconds: float
    """How long ago it was started."""
    command: NotRequired[list[str]]
    """Its command line, of processes that this run has started."""


class ProcessResult(TypedDict):
    processes: NotRequired[list[ProcessInfo]]
    """list: the processes by number."""
    count: NotRequired[int]
    """list: how many there are, shown or not."""
    process: NotRequired[ProcessInfo]
    """info: the process. kill: what it was."""
    signalled: NotRequired[bool]
    """kill: whether the signal was sent."""


@exposed(
    aliases=("Process",),
    options=ProcessOptions,
    tool=ToolMark(
        name="process",
        category="system",
        params=ProcessParams,
        result=ProcessResult,
        examples=(
            Example({"operation": "list"}, {"processes": [], "count": 0}, "this run has started none"),
            Example({"operation": "list", "name": "python", "limit": 5}, note="of this run, by name"),
        ),
        permissions=("exec",),
        timeout=10_000,
        max_output=5_000_000,
    ),
)
class ProcessTool(BuiltinTool[ProcessOptions]):
    """Lists the processes that this run's commands have started, describes one, and ends one.

    Use it to see what a command that runs meanwhile is doing, and to stop it. Processes of others can be seen where the
    person allowed `ps`; they can never be ended.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = ProcessParams(**params)
        if asked.operation != "list" and asked.pid is None:
            raise SchemaError(f"`{asked.operation}` needs `pid`", hint="list shows which there are")
        if asked.operation == "kill" and not self.options.allow_kill:
            raise ToolError("this tool may not end processes", hint="its option allow_kill is false")
        if asked.all and asked.operation != "kill":
            context.permissions.check_command(["ps"])
        from llmspell.tools.system import running

        return ToolOutput(
            await asyncio.to_thread(_answer, asked, running.supervisors(context.scratch)),
            {"operation": asked.operation},
        )


def _answer(asked: ProcessParams, supervisors: frozenset[int]) -> dict[str, Any]:
    """supervisors: the processes around the run's own commands."""
    from llmspell.tools.system import process_table

    table = process_table.all_of()
    own = process_table.started_by(supervisors, table)
    numbers = {entry.pid for entry in own}
    seen = table if asked.all and asked.operation != "kill" else own
    if asked.operation == "list":
        found = [entry for entry in seen if asked.name is None or asked.name.casefold() in entry.name.casefold()]
        shown = [process_table.described(entry, own=entry.pid in numbers) for entry in found[: asked.limit]]
        return {"processes": shown, "count": len(found)}
    entry = next((entry for entry in seen if entry.pid == asked.pid), None)
    if entry is None:
        raise ToolError(
            f"this run has started no process {asked.pid}" if seen is own else f"there is no process {asked.pid}",
            hint="list shows those that it has; others can be looked at with all = true, and never ended",
        )
    described = process_table.described(entry, own=entry.pid in numbers)
    if asked.operation == "info":
        return {"process": described}
    process_table.send(entry, asked.signal, supervisors)
    return {"process": described, "signalled": True}
