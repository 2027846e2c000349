"""One run from its first event to its last: made, begun, waited for, ended, stored. Knows no command and no agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from llmspell import scratch
from llmspell.asking import Asking, Result, status_of
from llmspell.branching import branch, follow, following, times_again
from llmspell.bridge.bridge import Bridge
from llmspell.effects import Effects
from llmspell.engines import protocol, values
from llmspell.engines.transport import Exit, Limits, Transport
from llmspell.errors import CancelledByUser, LimitError, LlmspellError, UsageError, fault
from llmspell.hooks.handlers import handler_of
from llmspell.hooks.table import point_named
from llmspell.identity import Identity
from llmspell.journal import RecordedSource, StoreJournal
from llmspell.person import Desk, Nobody
from llmspell.replay import Watch, check_hook_files, check_unchanged, described, plain, settings_again, stand_still
from llmspell.run import Run
from llmspell.security.masking import Masker
from llmspell.security.permissions import Permissions
from llmspell.settings import Settings
from llmspell.spell import Spell
from llmspell.traces.live import LiveServer
from llmspell.traces.log import RUN_SPAN, EventLog, recorded_clock
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer

if TYPE_CHECKING:
    from llmspell.bridge.hook_files import HookFiles
    from llmspell.control.socket import ControlSocket  # for runs that somebody controls
    from llmspell.traces.lease import Lease  # for runs that go on
    from llmspell.traces.otel import Export  # OpenTelemetry, only for those who export

T = TypeVar("T")
MakeWorker = Callable[[Spell, Bridge, Limits, Asking], Transport]


class Lifetime:
    """A run under way; to be made in an `own_context`. `result` waits for its end."""

    def __init__(
        self,
        spell: Spell,
        asking: Asking,
        settings: Settings,
        environ: Mapping[str, str],
        writer: Writer,
        make_worker: MakeWorker,
    ) -> None:
        """Raises ArgumentError for a hook point that there is not, UsageError for a spell that cannot be resumed."""
        for point in asking.hooks:
            point_named(point)
        masker = Masker(environ, settings.key_variables)
        mask = masker.text
        replay = asking.recording
        if replay is not None:
            settings = settings_again(present := settings, asking.flags, replay.meta.settings)
            check_hook_files(asking, present, settings)
        if asking.replay is not None:
            settings = replace(settings, limits=replace(settings.limits, wall_seconds=None))
        if asking.continued is not None:
            check_unchanged(spell, asking.continued, mask, forks=asking.fork is not None)
        self._spell = spell
        self._asking = asking
        self._settings = settings
        self._make_worker = make_worker
        self._config = plain(settings.config)
        self._meta = described(spell, asking, settings, environ, self._config, mask)
        self._params = self._meta.params
        self._lease: Lease | None = None
        if asking.resume is not None:
            from llmspell.traces.lease import Lease

            self._lease = Lease.take(settings.data_dir / "runs", self._meta.settings["run_id"], self._meta.id)
        content = settings.trace.content
        self._log = EventLog(recorded_clock(times_again(asking, replay)) if replay else None)
        self._scratch = scratch.new_folder()
        self.store: RunStore | None = None
        if asking.store:
            self.store = RunStore(
                writer,
                settings.data_dir,
                self._meta,
                content=content,
                mask=mask,
                pack=values.pack,
                on_trouble=self._not_stored,
            )
            self._log.attach(self.store.append)
        self._source = RecordedSource(replay, mask) if replay else None
        self.run = Run(
            Identity(
                self._meta.settings["run_id"],
                spell.label,
                spell.language,
                spell.folder,
                settings.project,
                self._scratch,
                user=environ.get("USER", ""),
                session=self._meta.id,
                sha256=self._meta.sha256,
            ),
            settings=settings,
            permissions=Permissions.from_settings(settings, self._scratch),
            log=self._log,
            journal=StoreJournal(self._log, self.store, masker.value, self._source),
            environ=environ,
            source=self._source,
            order=replay.admissions if replay else None,
            resumes=asking.continued is not None,
            effects=Effects if asking.prefix is None else following(),
            asks_as=str(self._meta.settings.get("asks_as", "")),
        )
        self.run.opened = self._opened
        self.run.say = asking.say
        self.run.seed = self._meta.seed
        branch(self.run, asking, self._meta)
        self.run.provide(Desk, Desk(asking.person or Nobody()))
        for point, handler in asking.hooks.items():
            self.run.hooks.register(point, handler_of(handler))
        if asking.on_event is not None:
            self._log.attach(asking.on_event)
        self._live = LiveServer(self._meta.socket, self._log, self.store, content=content, mask=mask)
        self._live.before_forgetting = self._count_on
        self._live.control = lambda line, reader, writer: self._controlled().serve(line, reader, writer)
        self._control: ControlSocket | None = None
        self._export = None if asking.replay else self._exporting(environ, mask)
        if self._export is not None:
            self._log.attach(self._export.add)
        self.run.provide(LiveServer, self._live)
        self.run.provide(Masker, masker)
        self._bridge = Bridge(self.run, asking.say, self._after, self._relieved)
        self._transport: Transport | None = None
        self._hook_files: HookFiles | None = None
        self._watch: Watch | None = None
        self._began = 0.0
        self._ends_again = False
        self._early: CancelledByUser | None = None

    @property
    def meta(self) -> RunMeta:
        return self._meta

    def cancel(self, reason: str = "cancelled") -> None:
        """Ends the run; its result then has the status cancelled."""
        error = CancelledByUser(reason)
        if self._began:
            self.run.interrupt(error)
        else:
            self._early = self._early or error

    async def result(self) -> Result:
        """Runs the spell to its end. Never raises for what the spell does; not to be cancelled, but by `cancel`."""
        value: Any = None
        error: LlmspellError | None = None
        try:
            await self._begin()
            value = await self.run.ended
        except LlmspellError as problem:
            error = problem
        except OSError as problem:
            error = LlmspellError(f"the spell could not be started: {problem}")
        except Exception as problem:
            error = fault(problem, "the run")
        if self._watch is not None:
            self._watch.stop()
        if self._transport is not None:
            self._transport.kill()
        if self._hook_files is not None:
            self._hook_files.stop()
        try:
            await self.run.close()
        except Exception as problem:
            error = error or fault(problem, "the end of the run")
        return await self._end(value, error)

    # -- the beginning -------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        run, asking = self.run, self._asking
        source, module = self._spell.prepared(debugged=run.debugged)
        self._transport = transport = self._make_worker(self._spell, self._bridge, self._limits(), asking)
        self._bridge.connect(transport)
        transport.exit.add_done_callback(self._exited)
        if asking.prefix is not None:
            follow(run, asking.prefix, self._is_idle, partial(transport.send, protocol.encode(["live"])))
        await self._live.start()
        if asking.replay is None and "Agent" in self._spell.source:
            from llmspell.providers.of_run import providers_of  # 15 ms, only for spells with agents

            providers_of(run).prefetch()
        self._tell_begin()
        if asking.prepare is not None:
            asking.prepare(run)
        if asking.recording is not None:
            self._ends_again = run.interrupt_again()
            self._watch = Watch(run.sequencer, self._is_idle, self._stalled, patient=bool(asking.hooks))
        run.sequencer.begin()
        if self._early is not None:
            run.interrupt(self._early)
        commands = run.effects.kept("control", "") if asking.recording else None
        if commands or asking.control is not None:
            await self._unless_over(self._controlled().control.begin(commands, asking.control))
        if self._settings.hooks.files:
            await self._unless_over(self._start_hook_files())
        if run.hooks.wants("before_spell"):
            context = {"spell": self._spell.label, "run_id": run.identity.run_id, "params": self._params}
            self._params = (await self._unless_over(run.hooks.ask("before_spell", context)))["params"]
        run.params = self._params
        try:
            frame = protocol.encode(["run", self._start_frame(source, module)])
        except (ValueError, TypeError, OverflowError) as problem:
            raise UsageError(f"the parameters cannot be given to a spell: {problem}", hint="give plain data") from None
        if len(frame) > protocol.FRAME_LIMIT:
            raise UsageError(
                f"the spell and its parameters are {len(frame) / 1048576:.1f} MB",
                hint=f"the most is {protocol.FRAME_LIMIT // 1048576} MB: pass large data by a file's path",
            )
        transport.send(frame)

    async def _start_hook_files(self) -> None:
        from llmspell.bridge.hook_file import Around  # 2 ms, for runs that have some
        from llmspell.bridge.hook_files import HookFiles

        def make_worker(spell: Spell, bridge: Bridge) -> Transport:
            return self._make_worker(spell, bridge, replace(self._limits(), wall=None), self._asking)

        start = self._start_frame("", module=False)
        around = Around(self.run, make_worker, start, self._relieved, self._asking.debug)
        self._hook_files = HookFiles(around, self._settings.hooks.files)
        await self._hook_files.start()

    def _is_idle(self) -> bool:
        """Whether the spell's worker waits, and those of its hook files, and nothing else is awaited."""
        spell = (self._transport is None or self._transport.idle()) and not self.run.effects.looking
        if self._asking.debug is not None and self._asking.debug.standing:
            return False
        return (self._hook_files is None or self._hook_files.idle()) and spell

    def _tell_begin(self) -> None:
        data = {"spell": self._spell.label, "language": self._spell.language, "params": self._params}
        event = self._log.emit("spell_started", phase="start", span=RUN_SPAN, name=self._spell.label, data=data)
        self._began = self.run.began = event.time
        self.run.deliver(event)

    async def _unless_over(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives, unless the run ends first."""
        task = self.run.spawn(work)
        await asyncio.wait((task, self.run.ended), return_when=asyncio.FIRST_COMPLETED)
        if self.run.ended.done():
            self.run.ended.result()
        return await task

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
        repeats = self._asking.prefix or self._asking.recording
        return protocol.start_of(
            self._spell.language,
            self._spell.label,
            source,
            module=module,
            params=self._params,
            config=self._config,
            env=self._meta.env,
            seed=self._meta.seed,
            clock=repeats.clock if repeats else None,
            memory_mb=self._settings.limits.memory_mb,
            farewell=True,
            debug=None if self._asking.debug is None else self._asking.debug.start(self._spell.label),
        )

    # -- meanwhile -----------------------------------------------------------------------------------------------

    def _exited(self, exit: asyncio.Future[Exit]) -> None:
        """The worker is gone. In a replay that is told to end in its turn, it may be gone before."""
        error = exit.result().error
        if error is None or self.run.ended.done() or (self._ends_again and self.run.sequencer.awaited != "w"):
            return
        if isinstance(error, LimitError) and (hook := self.run.hooks.unanswered):
            error.hint = f"{hook} has not answered: look there first"
        error.data["worker"] = "ended"
        self.run.interrupt(error)

    def _stalled(self, awaited: str) -> None:
        replay, source = self._asking.recording, self._source
        assert replay is not None and source is not None
        cut_short = source.cut_short and self._asking.continued is None
        self.run.fail(stand_still(awaited, replay.meta, self._meta.sha256, cut_short=cut_short))

    def _opened(self) -> None:
        """The recording has ended that the run resumes."""
        if self._watch is not None:
            self._watch.stop()
        if self._control is not None:
            self._control.control.goes_on(self._asking.control, apart=self._asking.fork is not None)

    def _controlled(self) -> ControlSocket:
        """What controls the run, made when it is first wanted."""
        if self._control is None:
            from llmspell.control.socket import controlled  # 8 ms, for runs that somebody controls

            assert self._transport is not None
            self._control = controlled(self.run, self._transport, self.cancel, self._asking.control)
        return self._control

    def _not_stored(self, message: str) -> None:
        if not self.run.ended.done():
            self.run.warn(message)
        self._tell_person(message)

    def _tell_person(self, message: str) -> None:
        self._asking.say("err", f"llmspell: {message}\n")

    def _exporting(self, environ: Mapping[str, str], mask: Callable[[str], str]) -> Export | None:
        """What sends spans to a collector, where one is named."""
        settings = self._settings
        if settings.otel.endpoint is None and not any(name.startswith("OTEL_EXPORTER_OTLP_") for name in environ):
            return None
        from llmspell.traces.otel import export_to, target_of  # 3 ms, for those who export

        target = target_of(settings.otel.endpoint, settings.otel.service, environ)
        return export_to(target, self._meta, content=settings.trace.content, mask=mask, say=self._tell_person)

    def _count_on(self) -> None:
        """From here on events are counted as they come: who asks later would find the first ones gone."""
        from llmspell.library.metrics import dashboard_of  # 2 ms, for runs of more than 10,000 events

        dashboard_of(self.run)

    async def _relieved(self) -> None:
        """Lets go of the events so far: they are in the store, or nobody wants them."""
        self._live.forget()
        if self.store is not None:
            await self.store.flush()

    # -- the end -------------------------------------------------------------------------------------------------

    async def _after(self, value: Any) -> Any:
        """The spell's result as handlers of `after_spell` leave it; the spell can still be called."""
        run = self.run
        if run.control is not None:
            await run.control.reached("end", (), {"result": value})
        if not run.hooks.wants("after_spell"):
            return value
        context = {
            "spell": self._spell.label,
            "run_id": run.identity.run_id,
            "result": value,
            "duration": round(self._log.last_time - self._began, 3),
            "token_usage": {"total": run.tokens, "cost": run.cost},
        }
        return (await run.hooks.ask("after_spell", context))["result"]

    async def _end(self, value: Any, error: LlmspellError | None) -> Result:
        run = self.run
        if isinstance(error, LimitError):
            run.note("limit_reached", error.limit, {"limit": error.limit, "error": error.to_value()})
        status = status_of(error)
        data: dict[str, Any] = {"status": status, "usage": {"total": run.tokens, "cost": run.cost}}
        if error is None:
            data["result"] = value
        else:
            data["error"] = error.to_value()
        event = self._log.emit("spell_completed", phase="end", span=RUN_SPAN, name=self._spell.label, data=data)
        run.deliver(event)
        if self._control is not None:
            self._control.close(status)
        await self._live.close()
        if self._export is not None and (trouble := await asyncio.to_thread(self._export.close)):
            self._tell_person(trouble)
        if self.store is not None:
            ended = time.time() * 1000 if run.replaying else event.time
            exit_code = 0 if error is None else error.exit_code
            await self.store.finish(status, exit_code, ended=ended, modules=self._bridge.modules.texts)
        if self._lease is not None:
            self._lease.release()
        scratch.remove(self._scratch)
        usage = {"tokens": run.tokens, "cost": run.cost, "calls": run.calls}
        return Result(self._meta.id, status, value, error, event.time - (self._began or event.time), usage)
