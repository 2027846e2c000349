"""Runtime: owns the zygote and the trace writer; starts runs.

    async with Runtime() as runtime:
        result = await runtime.run("spell.lua", params={"topic": "tea"})

One Runtime serves many runs, also at once, on one event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmspell import settings as settings_module
from llmspell.asking import Asking, Result
from llmspell.bridge.bridge import Bridge
from llmspell.engines.process import Zygote
from llmspell.engines.transport import Limits, Transport
from llmspell.errors import LlmspellError, UsageError
from llmspell.identity import own_context
from llmspell.lifetime import Lifetime
from llmspell.settings import Settings
from llmspell.spell import Spell
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer

if TYPE_CHECKING:
    from llmspell.workflows.builder import BuiltWorkflow


class Started:
    """A run under way, which nobody needs to wait for."""

    def __init__(self, lifetime: Lifetime, task: asyncio.Task[Result]) -> None:
        self._lifetime = lifetime
        self._task = task

    @property
    def meta(self) -> RunMeta:
        """Who the run is, as it began."""
        return self._lifetime.meta

    @property
    def store(self) -> RunStore | None:
        """Where it is recorded."""
        return self._lifetime.store

    def cancel(self, reason: str = "cancelled") -> None:
        """Ends the run; `result` then gives status cancelled."""
        self._lifetime.cancel(reason)

    async def result(self) -> Result:
        """Waits for the run's end. Never raises for what the spell does.

        When it is cancelled, so is the run, whose end is waited for all the same; a second cancellation does not wait.
        """
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait((self._task,))
            raise


class Runtime:
    """Starts runs. environ: the host's environment, os.environ unless given. zygote: one launched before."""

    def __init__(self, *, environ: Mapping[str, str] | None = None, zygote: Zygote | None = None) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._zygote = zygote
        self._writer = Writer()
        self._data_dirs: dict[Path, Settings] = {}
        self._runs: dict[asyncio.Task[Result], Lifetime] = {}
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Cancels the runs under way, ends the zygote, stores what is queued, forgets runs past the retention."""
        self._closed = True
        for lifetime in self._runs.values():
            lifetime.cancel("the runtime was closed")
        if self._runs:
            await asyncio.wait(self._runs)
        if self._zygote is not None:
            self._zygote.close()
        await asyncio.to_thread(self._settle)

    def _settle(self) -> None:
        self._writer.close()
        for data_dir, settings in self._data_dirs.items():
            kept = settings.trace
            runs = data_dir / "runs"
            if runs.is_dir() and sum(1 for _ in runs.iterdir()) > kept.keep_runs:
                from llmspell.traces.runs import Retention, Runs  # sqlite3, 4 ms

                Runs(data_dir).keep(Retention(kept.keep_runs, kept.keep_days, kept.max_mb))

    async def run(self, spell: str | Path | Spell, params: Any = None, **more: Any) -> Result:
        """Runs a spell to its end. Raises UsageError and SettingsError; a failed spell is a Result with an error.

        more: the fields of `Asking`.
        """
        found = spell if isinstance(spell, Spell) else Spell.read(spell)
        return await self.start(found, Asking(params=params, **more)).result()

    async def run_workflow(
        self, workflow: BuiltWorkflow, input: Any = None, *, folder: str | Path = ".", **more: Any
    ) -> Result:
        """Runs a workflow that Python has built: a run like any other, whose spell does nothing else. The result's
        value has `result`, `outputs`, `metadata`, `usage` and the rest of what `run_detailed` gives a script.

        folder: where settings and relative paths begin. more: the fields of `Asking`.
        """
        text = f"return Workflow.get({json.dumps(workflow.name)}):run_detailed(params.input)"
        spell = Spell.of(text, "lua", str(Path(folder, "workflow.lua")))
        return await self.run(spell, {"input": input}, prepare=workflow.install, **more)

    def start(self, spell: Spell, asking: Asking) -> Started:
        """Begins a run. Raises SettingsError, and ArgumentError for a hook point that there is not."""
        if self._closed:
            raise UsageError("the runtime is closed", hint="start its runs inside `async with Runtime() as runtime`")
        settings = settings_module.load(spell.path, self._environ, asking.flags)
        self._data_dirs.setdefault(settings.data_dir, settings)
        context = own_context()
        made = context.run(Lifetime, spell, asking, settings, self._environ, self._writer, self._worker)
        task = asyncio.get_running_loop().create_task(made.result(), context=context)
        self._runs[task] = made
        if asking.debug is not None:
            made.run.debugged = True
            time, patience = made.run.effects.time, made.run.effects.patience
            asking.debug.clocks((time.stop, patience.stop), (time.go, patience.go))
        task.add_done_callback(self._runs.pop)
        return Started(made, task)

    async def refusal(self, spell: Spell, *, module: bool = False) -> LlmspellError | None:
        """Why the spell's engine will not have its text; None where it will. Nothing of it runs. module: whether
        others load it, whatever it holds."""
        from llmspell.engines.compiling import refusal

        source, is_module = spell.prepared()
        module = is_module or (module and spell.language == "javascript")
        if self._zygote is None:
            self._zygote = Zygote.spawn([spell.language])
        return await refusal(self._zygote, spell.language, spell.label, source, module=module)

    async def code_lines(self, spell: Spell) -> list[int]:
        """The lines of a text at which a debugger can stop. Raises ScriptError where the engine will not have it,
        UsageError where the debugger will not."""
        if spell.language == "javascript":
            from llmspell.engines.javascript.instrumentation import Undebuggable, code_lines

            try:
                return code_lines(spell.source)
            except Undebuggable as why:
                if (mistake := await self.refusal(spell)) is not None:
                    raise mistake from None
                raise UsageError(f"{spell.path.name} is not debugged: {why}") from None
        from llmspell.engines.compiling import measured

        if self._zygote is None:
            self._zygote = Zygote.spawn([spell.language])
        return await measured(self._zygote, spell.language, spell.label, spell.prepared()[0])

    def _worker(self, spell: Spell, bridge: Bridge, limits: Limits, asking: Asking) -> Transport:
        debug, receive, debuggee = asking.debug, bridge.receive, None
        if debug is not None:
            debuggee = debug.debuggee(spell.label, bridge)
            bridge.modules.loaded, receive = debug.loaded, debuggee.receive
        if asking.trusted:
            from llmspell.engines.inprocess import InProcess  # a worker's modules, 3 ms

            worker: Transport = InProcess(spell.language, receive, limits, debugged=debuggee is not None)
        else:
            if self._zygote is None:
                self._zygote = Zygote.spawn([spell.language])
            bridge.run.provide(Zygote, self._zygote)  # for tools that run code of their own
            worker = self._zygote.worker(spell.language, receive, limits, debugged=debuggee is not None)
        if debuggee is not None:
            debuggee.connect(worker)
        return worker


__all__ = ["Asking", "Result", "Runtime", "Spell", "Started", "UsageError"]
