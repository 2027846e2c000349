"""Runtime: owns the zygote, the providers and the trace writer; starts runs and ends them.

    async with Runtime() as runtime:
        result = await runtime.run("spell.lua", params={"topic": "tea"})

One Runtime serves many runs, also at once, on one event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from llmspell import settings as settings_module
from llmspell.bridge.bridge import Bridge
from llmspell.engines import protocol, values
from llmspell.engines.inprocess import InProcess
from llmspell.engines.process import Zygote
from llmspell.engines.transport import Exit, Limits, Transport
from llmspell.errors import CancelledByUser, LimitError, LlmspellError, UsageError
from llmspell.events.event import Event
from llmspell.hooks.handlers import handler_of
from llmspell.journal import RecordedSource, StoreJournal
from llmspell.run import Identity, Run, inherited_environment
from llmspell.security.masking import Masker
from llmspell.security.permissions import Permissions
from llmspell.settings import Settings
from llmspell.spell import Spell
from llmspell.traces.ids import run_id
from llmspell.traces.live import LiveServer, socket_path
from llmspell.traces.log import RUN_SPAN, EventLog, recorded_clock
from llmspell.traces.meta import RunMeta
from llmspell.traces.recording import Recording
from llmspell.traces.runs import Retention, Runs
from llmspell.traces.store import RunStore, Writer

Say = Callable[[str, str], None]


def say_on_terminal(stream: str, text: str) -> None:
    """A spell's output where a program's belongs."""
    target = sys.stdout if stream == "out" else sys.stderr
    target.write(text.encode("utf-8", "replace").decode())
    target.flush()


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. status: ok, error, limit or cancelled. value: what the spell returned. error: why it did not.
    duration: milliseconds. usage: `tokens`, `cost` in US dollars, `calls` to models."""

    run_id: str
    status: str
    value: Any
    error: LlmspellError | None
    duration: float
    usage: dict[str, Any]

    def unwrap(self) -> Any:
        """The value. Raises the error of a run that failed."""
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, slots=True)
class Asking:
    """How a run is wanted. trusted: in this process, without a sandbox. replay: the recording to answer from.
    on_event: told each event. say: takes what the spell prints. hooks: Python handlers by hook point."""

    params: Any = None
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trusted: bool = False
    replay: Recording | None = None
    store: bool = True
    on_event: Callable[[Event], None] | None = None
    say: Say = say_on_terminal
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Any])


class Runtime:
    """Starts runs. environ: the host's environment, os.environ unless given. zygote: one launched before."""

    def __init__(self, *, environ: Mapping[str, str] | None = None, zygote: Zygote | None = None) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._zygote = zygote
        self._writer = Writer()
        self._data_dirs: dict[Path, Settings] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the zygote, stores what is queued, forgets runs past the retention."""
        if self._zygote is not None:
            self._zygote.close()
        await asyncio.to_thread(self._settle)

    def _settle(self) -> None:
        self._writer.close()
        for data_dir, settings in self._data_dirs.items():
            kept = settings.trace
            runs = data_dir / "runs"
            if runs.is_dir() and sum(1 for _ in runs.iterdir()) > kept.keep_runs:
                Runs(data_dir).keep(Retention(kept.keep_runs, kept.keep_days, kept.max_mb))

    async def run(self, spell: str | Path | Spell, params: Any = None, **more: Any) -> Result:
        """Runs a spell to its end. Raises UsageError and SettingsError; a failed spell is a Result with an error.

        more: the fields of `Asking`.
        """
        found = spell if isinstance(spell, Spell) else Spell.read(spell)
        return await self.start(found, Asking(params=params, **more)).result()

    def start(self, spell: Spell, asking: Asking) -> Started:
        """Begins a run. Raises SettingsError."""
        settings = settings_module.load(spell.path, self._environ, asking.flags)
        self._data_dirs.setdefault(settings.data_dir, settings)
        return Started(spell, asking, settings, self._environ, self._writer, self._worker)

    def _worker(self, language: str, bridge: Bridge, limits: Limits, trusted: bool) -> Transport:
        if trusted:
            return InProcess(language, bridge.receive, limits)
        if self._zygote is None:
            self._zygote = Zygote.spawn([language])
        return self._zygote.worker(language, bridge.receive, limits)


Worker = Callable[[str, Bridge, Limits, bool], Transport]


class Started:
    """A run under way. `run` is what it may be asked; `result` waits for its end."""

    def __init__(
        self,
        spell: Spell,
        asking: Asking,
        settings: Settings,
        environ: Mapping[str, str],
        writer: Writer,
        worker: Worker,
    ) -> None:
        self._spell = spell
        self._asking = asking
        self._settings = settings
        self._worker = worker
        self._scratch = Path(tempfile.mkdtemp(prefix="llmspell-"))
        replay = asking.replay
        self._seed: int = replay.meta.seed if replay else secrets.randbits(128)
        self._env = replay.meta.env if replay else inherited_environment(settings.allowed_env, environ)
        self._params: Any = replay.meta.params if replay else ({} if asking.params is None else asking.params)
        self._log = EventLog(recorded_clock(replay.times) if replay else None)
        self._mask = Masker(environ)
        self._meta = self._described(replay)
        self.store = (
            RunStore(
                writer,
                settings.data_dir,
                self._meta,
                content=settings.trace.content,
                mask=self._mask.text,
                pack=values.pack,
                on_trouble=self._not_stored,
            )
            if asking.store
            else None
        )
        self.run = Run(
            Identity(
                self._meta.id,
                spell.label,
                spell.language,
                spell.folder,
                settings.project,
                self._scratch,
                user=environ.get("USER", ""),
                session=self._meta.id,
            ),
            settings=settings,
            permissions=Permissions.from_settings(settings, self._scratch),
            log=self._log,
            journal=StoreJournal(self._log, self.store),
            environ=environ,
            source=RecordedSource(replay) if replay else None,
            order=replay.admissions if replay else None,
        )
        self.run.say = asking.say
        for point, handler in asking.hooks.items():
            self.run.hooks.register(point, handler_of(handler))
        if self.store is not None:
            self._log.attach(self.store.append)
        if asking.on_event is not None:
            self._log.attach(asking.on_event)
        self._live = LiveServer(
            self._meta.socket, self._log, self.store, content=settings.trace.content, mask=self._mask.text
        )

    async def result(self) -> Result:
        """Runs the spell to its end. Never raises for what the spell does."""
        run = self.run
        transport: Transport | None = None
        value: Any = None
        error: LlmspellError | None = None
        try:
            bridge = Bridge(run, self._asking.say)
            source, module = self._spell.prepared()
            transport = self._worker(self._spell.language, bridge, self._limits(), self._asking.trusted)
            bridge.connect(transport)
            transport.exit.add_done_callback(self._exited)
            await self._live.start()
            self._prefetch()
            await self._begin()
            transport.send(protocol.encode(["run", self._start_frame(source, module)]))
            value = await run.ended
            value = await self._after(value)
        except LlmspellError as problem:
            error = problem
        except OSError as problem:
            error = LlmspellError(f"the spell could not be started: {problem}")
        except asyncio.CancelledError:
            error = CancelledByUser("cancelled")
            run.fail(error)
            asyncio.current_task().uncancel() if sys.version_info >= (3, 11) else None  # type: ignore[union-attr]
        if transport is not None:
            transport.kill()
        await run.close()
        return await self._end(value, error, bridge.modules.texts if transport is not None else {})

    def cancel(self, reason: str = "cancelled") -> None:
        """Ends the run; `result` then gives status cancelled."""
        self.run.cancel(reason)

    # -- the beginning -------------------------------------------------------------------------------------------

    def _described(self, replay: Recording | None) -> RunMeta:
        spell = self._spell
        name = run_id()
        return RunMeta(
            id=name,
            spell=str(spell.path),
            label=spell.label,
            language=spell.language,
            source=spell.source,
            params=self._params,
            env=self._env,
            seed=self._seed,
            parent=replay.meta.id if replay else "",
            started=time.time() * 1000,
            socket=socket_path(name),
            sha256=hashlib.sha256(spell.source.encode("utf-8", "surrogatepass")).hexdigest(),
        )

    def _limits(self) -> Limits:
        limits = self._settings.limits
        return Limits(
            stall=None,
            cpu=limits.cpu_seconds,
            wall=limits.wall_seconds,
            memory_mb=limits.memory_mb,
            frame_bytes=int(limits.frame_mb * 1024 * 1024),
        )

    def _start_frame(self, source: str, module: bool) -> protocol.Start:
        replay = self._asking.replay
        return {
            "language": self._spell.language,
            "label": self._spell.label,
            "source": source,
            "module": module,
            "params": self._params,
            "config": _plain(self._settings.config),
            "env": self._env,
            "globals": {},
            "seed": self._seed,
            "clock": replay.clock if replay else None,
            "memory_mb": self._settings.limits.memory_mb,
        }

    async def _begin(self) -> None:
        data = {"spell": self._spell.label, "language": self._spell.language, "params": self._params}
        event = self._log.emit("spell_started", phase="start", span=RUN_SPAN, name=self._spell.label, data=data)
        self.run.deliver(event)
        if self.run.hooks.wants("before_spell"):
            context = {"spell": self._spell.label, "run_id": self._meta.id, "params": self._params}
            self._params = (await self.run.hooks.ask("before_spell", context))["params"]

    def _prefetch(self) -> None:
        """Starts to load the provider's client while the script is still being read, if it names an agent."""
        if self._asking.replay is None and "Agent" in self._spell.source:
            from llmspell.providers.of_run import providers_of  # 15 ms, only for spells with agents

            providers_of(self.run).prefetch()

    def _exited(self, exit: asyncio.Future[Exit]) -> None:
        error = exit.result().error
        if error is None or self.run.ended.done():
            return
        if self.run.replaying:
            self.run.fail(error)
        else:
            self.run.sequencer.admit("x", lambda: self.run.fail(error))

    def _not_stored(self, message: str) -> None:
        if not self.run.ended.done():
            self.run.warn(message)
        self._asking.say("err", f"llmspell: {message}\n")

    # -- the end -------------------------------------------------------------------------------------------------

    async def _after(self, value: Any) -> Any:
        if not self.run.hooks.wants("after_spell"):
            return value
        usage = {"total": self.run.tokens, "cost": self.run.cost}
        took = round(self._log.last_time - self._meta.started, 3)
        context = {"spell": self._spell.label, "run_id": self._meta.id, "result": value, "duration": took}
        return (await self.run.hooks.ask("after_spell", {**context, "token_usage": usage}))["result"]

    async def _end(self, value: Any, error: LlmspellError | None, modules: dict[str, str]) -> Result:
        run = self.run
        if isinstance(error, LimitError):
            run.note("limit_reached", error.limit, {"limit": error.limit, "error": error.to_value()})
        status = _status(error)
        usage = {"tokens": run.tokens, "cost": run.cost, "calls": run.calls}
        data: dict[str, Any] = {"status": status, "usage": {"total": run.tokens, "cost": run.cost}}
        if error is None:
            data["result"] = value
        else:
            data["error"] = error.to_value()
        event = self._log.emit("spell_completed", phase="end", span=RUN_SPAN, name=self._spell.label, data=data)
        run.deliver(event)
        await self._live.close()
        if self.store is not None:
            await self.store.finish(status, 0 if error is None else error.exit_code, ended=event.time, modules=modules)
        shutil.rmtree(self._scratch, ignore_errors=True)
        return Result(self._meta.id, status, value, error, event.time - self._meta.started, usage)


def _status(error: LlmspellError | None) -> str:
    match error:
        case None:
            return "ok"
        case LimitError():
            return "limit"
        case CancelledByUser():
            return "cancelled"
        case _:
            return "error"


def _plain(value: Any) -> Any:
    """Settings' mappings as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


__all__ = ["Asking", "Result", "Runtime", "Spell", "Started", "UsageError"]
