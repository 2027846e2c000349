"""One Lua or JavaScript file of hook handlers: its worker, started anew when it has died or was too slow.

The file runs once, top to bottom, before the spell; what it registers with `Hooks.register` serves the spell from then
on. It shares nothing with the spell but the contexts of its handlers.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn

from llmspell.bridge.bridge import Bridge
from llmspell.bridge.speaker import Speaker
from llmspell.engines import protocol
from llmspell.engines.transport import Transport
from llmspell.errors import LlmspellError, TimeoutError  # noqa: A004
from llmspell.frozen import frozen
from llmspell.identity import Guest
from llmspell.run import Run
from llmspell.security.permissions import Permissions
from llmspell.spell import Spell

if TYPE_CHECKING:
    from llmspell.engines.debugging.session import Debug  # for runs under a debugger

#: How often a file is started again in one run: after that it is broken, not unlucky.
_STARTS: Final = 4
#: Milliseconds that running the file itself may take.
_LOADING: Final = 30_000.0


@frozen
class Around:
    """What hook files have from their run. make_worker: gives a worker of a language that leads to a bridge; start: the
    `run` frame's fields, of which each file has some of its own; relieve: as the bridge's; debug: who debugs it."""

    run: Run
    make_worker: Callable[[Spell, Bridge], Transport]
    start: protocol.Start
    relieve: Callable[[], Awaitable[object]]
    debug: Debug | None = None

    @property
    def permissions(self) -> Permissions:
        """What `[hooks]` grants."""
        settings = self.run.settings
        granted = settings.hooks
        return Permissions.grant(
            settings.project,
            read=granted.read,
            write=granted.write,
            net=granted.net,
            exec=granted.exec,
            env=granted.env,
            closed=(settings.data_dir,),
        )


class HookFile:
    """number: among the run's hook files, from 1. restart: what to do when it is to be started anew."""

    def __init__(
        self, around: Around, spell: Spell, number: int, env: dict[str, str], restart: Callable[[HookFile], None]
    ) -> None:
        self.label = spell.label
        self._around = around
        self._env = env
        self._spell = spell
        self._number = number
        self._restart = restart
        self._starts = 0
        self._guest: Guest | None = None
        self._bridge: Bridge | None = None
        self._transport: Transport | None = None
        self._watching: asyncio.Task[None] | None = None
        self._loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def load(self) -> None:
        """Runs the file. Raises what it threw, with the file's own line."""
        around, run = self._around, self._around.run
        self._starts += 1
        key = f"h{self._number}.{self._starts}"
        self._loaded = asyncio.get_running_loop().create_future()
        self._guest = guest = Guest(self.label, around.permissions, self._cut_off)
        kept = run.effects.kept("clock", key)
        written = 0

        def clock(readings: bytes) -> None:
            nonlocal written
            written += 1
            run.effects.keep("clock", key, written, readings)

        speaker = Speaker(
            key, self._spell.language, self._spell.folder, guest, finish=self._finished, fail=self._died, clock=clock
        )
        self._bridge = bridge = Bridge(run, run.say, self._farewell, around.relieve, speaker)
        self._transport = transport = around.make_worker(self._spell, bridge)
        bridge.connect(transport)
        self._watching = run.spawn(self._watch(transport, key))
        source, module = self._spell.prepared(debugged=run.debugged)
        frame = around.start.copy()
        frame.update(
            language=self._spell.language,
            label=self.label,
            source=source,
            module=module,
            params={},
            env=self._env,
            seed=(frame["seed"] + self._number) % 2**128,
            clock=None if kept is None else _joined(kept),
        )
        if around.debug is not None:
            frame["debug"] = around.debug.start(self.label)
        transport.send(protocol.encode(["run", frame]))
        await run.within(_LOADING, self._loaded, f"the hook file {self.label}")

    def idle(self) -> bool:
        return self._transport is None or self._transport.idle()

    def stop(self) -> None:
        """Ends the worker; the run is over, or goes on without it."""
        if self._watching is not None:
            self._watching.cancel()
        if self._bridge is not None:
            self._bridge.close()
        if self._transport is not None:
            self._transport.kill()
        if self._guest is not None:
            self._around.run.hooks.unregister_all(self._guest)

    @property
    def is_spent(self) -> bool:
        """Whether it has been started often enough."""
        return self._starts >= _STARTS

    # -- its end -------------------------------------------------------------------------------------------------

    async def _farewell(self, value: Any) -> NoReturn:
        """The file has run to its end: it stays to serve."""
        if not self._loaded.done():
            self._loaded.set_result(None)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    def _finished(self, value: Any) -> None:
        """Never told by a worker that waits for its farewell's answer."""

    def _cut_off(self) -> None:
        """A handler took too long, and may compute without end: whatever it does, it does not hold up the next."""
        self._died(TimeoutError(f"a handler of {self.label} took too long"))

    def _died(self, error: LlmspellError) -> None:
        self.stop()
        if not self._loaded.done():
            self._loaded.set_exception(error)
            return
        self._around.run.emit(
            "hook_file_ended", self.label, {"file": self.label, "error": error.to_value(), "again": not self.is_spent}
        )
        self._restart(self)

    async def _watch(self, transport: Transport, key: str) -> None:
        """Waits for the worker's end, which is an input of the run like any other."""

        async def ended() -> None:
            how = await asyncio.shield(transport.exit)
            if how.error is not None:
                raise how.error

        try:
            await self._around.run.effects.once("hook_file", key, None, ended)
        except LlmspellError as error:
            self._died(error)


def _joined(kept: list[Any]) -> bytes:
    """Recorded clock readings, whole ones: the recording may be somebody else's."""
    joined = b"".join(part for part in kept if isinstance(part, bytes))
    return joined[: len(joined) - len(joined) % struct.calcsize("<d")]
