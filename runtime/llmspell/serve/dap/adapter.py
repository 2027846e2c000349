"""The Debug Adapter Protocol: requests answered in their order, and a run's life between `launch` and `disconnect`.

Each request gets exactly one response; one that cannot be done says why. Knows no stream: messages come in by `take`
and go out by `write`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from llmspell.engines.debugging.session import Debug
from llmspell.errors import LlmspellError, UsageError, fault
from llmspell.runtime import Runtime
from llmspell.serve.dap.breaks import Breaks
from llmspell.serve.dap.capabilities import CAPABILITIES
from llmspell.serve.dap.launching import Launch
from llmspell.serve.dap.running import Running
from llmspell.serve.dap.sources import Sources, script
from llmspell.serve.dap.stops import Stops
from llmspell.spell import Spell

Body = dict[str, Any]
#: Requests that do not wait for those before them.
_AT_ONCE: Final = frozenset({"cancel", "pause", "terminate", "disconnect"})
#: Requests whose refusal a client shows where the answer would be, or nowhere: each failing watch has one at each step.
_LOOKS: Final = frozenset(
    {"threads", "stackTrace", "scopes", "variables", "setVariable", "setExpression", "evaluate", "completions"}
    | {"exceptionInfo", "breakpointLocations", "loadedSources", "modules", "source", "cancel"}
)


class Adapter:
    """Serves one client. make_runtime: gives a Runtime for an environment."""

    def __init__(self, make_runtime: Callable[[Mapping[str, str]], Runtime], write: Callable[[Body], None]) -> None:
        self._make_runtime = make_runtime
        self._write = write
        self._seq = 0
        self._runtime: Runtime | None = None
        self._environ: dict[str, str] = {}
        self._running: Running | None = None
        self._breaks: Breaks | None = None
        self._configured = False
        self._waiting: asyncio.Queue[Body] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[int, asyncio.Future[Body | None]] = {}
        self._given_up: set[int] = set()
        self._then: list[Callable[[], None]] = []
        self.stopped = asyncio.Event()

    # -- messages ------------------------------------------------------------------------------------------------

    def take(self, message: Body) -> None:
        """A message of the client's. Must be called in the loop's thread, in their order."""
        if message.get("type") != "request":
            return
        if message.get("command") in _AT_ONCE:
            self._begin(message)
        else:
            self._waiting.put_nowait(message)

    async def work(self) -> None:
        """Answers requests one after the other, until cancelled."""
        while True:
            task = self._begin(await self._waiting.get())
            await asyncio.wait((task,))

    async def end(self) -> None:
        """The client is gone: nothing of the run is left."""
        if self._running is not None:
            await self._running.end()
        if self._runtime is not None:
            await self._runtime.close()

    def _begin(self, message: Body) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer(self, message: Body) -> None:
        command, number = message.get("command"), message.get("seq", 0)
        arguments = message.get("arguments")
        told: Body = {"type": "response", "request_seq": number, "command": str(command), "success": True}
        try:
            handler = REQUESTS.get(command) if isinstance(command, str) else None
            if handler is None:
                raise UsageError(f"there is no request {command!r}")
            if number in self._given_up:
                raise asyncio.CancelledError
            work = asyncio.ensure_future(handler(self, arguments if isinstance(arguments, dict) else {}))
            self._under_way[number] = work
            if (body := await work) is not None:
                told["body"] = body
        except LlmspellError as error:
            told |= _failure(error, shown=command not in _LOOKS)
        except asyncio.CancelledError:
            told |= {"success": False, "message": "cancelled", "body": {}}
        except Exception as error:
            told |= _failure(fault(error, "the debugger"), shown=True)
        finally:
            self._under_way.pop(number, None)
        self._send(told)
        then, self._then = self._then, []
        for each in then:
            each()

    def _send(self, message: Body) -> None:
        self._seq += 1
        self._write({"seq": self._seq, **message})

    def _event(self, name: str, body: Body) -> None:
        self._send({"type": "event", "event": name, "body": body})

    # -- the run's life ------------------------------------------------------------------------------------------

    async def initialize(self, given: Body) -> Body:
        return CAPABILITIES

    async def launch(self, given: Body) -> None:
        if self._running is not None:
            raise UsageError(
                "a spell is being debugged already", hint="one adapter debugs one run; `restart` begins anew"
            )
        launch = _launch(given)
        self._make(launch, await self._prepared(launch), Sources(launch.cwd, self._code_lines), Debug())
        self._then.append(lambda: self._event("initialized", {}))

    async def attach(self, given: Body) -> None:
        raise UsageError("a run is debugged from its beginning", hint="use a `launch` configuration with the spell")

    async def _prepared(self, launch: Launch) -> Runtime:
        """A runtime in the folder and environment that the run is to have."""
        environ = launch.environ()
        if self._runtime is not None and self._environ != environ:
            await self._runtime.close()
            self._runtime = None
        os.chdir(launch.cwd)
        if self._runtime is None:
            self._runtime, self._environ = self._make_runtime(environ), environ
        return self._runtime

    async def _code_lines(self, spell: Spell) -> list[int]:
        assert self._runtime is not None
        return await self._runtime.code_lines(spell)

    def _make(self, launch: Launch, runtime: Runtime, sources: Sources, debug: Debug) -> Running:
        self._running = running = Running(launch, runtime, sources, debug, self._event)
        if self._breaks is None:
            self._breaks = Breaks(debug, sources, running.breakpoints)
        else:
            self._breaks.move(debug, sources, running.breakpoints)
        return running

    async def configuration_done(self, given: Body) -> None:
        running, breaks = self._debugged
        if self._configured:
            raise UsageError("the spell has begun already")
        self._configured = True
        self._then.append(lambda: self._start(running, breaks))

    def _start(self, running: Running, breaks: Breaks) -> None:
        try:
            running.start(breaks)
        except Exception as error:
            running.fail(error if isinstance(error, LlmspellError) else fault(error, "the debugger"))

    async def restart(self, given: Body) -> None:
        running, breaks = self._debugged
        again = given.get("arguments")
        launch = _launch(again) if isinstance(again, dict) and again.get("program") else running.launch
        running.silence()
        await running.end()
        debug = Debug()
        debug.wanted = running.debug.wanted
        made = self._make(launch, await self._prepared(launch), Sources(launch.cwd, self._code_lines), debug)
        self._configured = True
        self._then.append(lambda: self._start(made, breaks))

    async def terminate(self, given: Body) -> None:
        running, _ = self._debugged
        running.cancel("stopped in the debugger")
        if not self._configured:
            self._then.append(lambda: self._event("terminated", {}))

    async def disconnect(self, given: Body) -> None:
        if self._running is not None:
            await self._running.end()
        self._then.append(self.stopped.set)

    async def cancel(self, given: Body) -> None:
        number = given.get("requestId")
        if not isinstance(number, int):
            raise UsageError(f"there is no request {number!r} to cancel")
        self._given_up.add(number)
        if (work := self._under_way.get(number)) is not None:
            work.cancel()

    @property
    def _debugged(self) -> tuple[Running, Breaks]:
        if self._running is None or self._breaks is None:
            raise UsageError("nothing is being debugged yet", hint="`launch` comes first")
        return self._running, self._breaks

    @property
    def _stops(self) -> Stops:
        stops = self._debugged[0].stops
        if stops is None:
            raise UsageError("the spell has not begun")
        return stops

    # -- breakpoints and sources ---------------------------------------------------------------------------------

    async def set_breakpoints(self, given: Body) -> Body:
        _, breaks = self._debugged
        wanted = given.get("breakpoints")
        if wanted is None:
            wanted = [{"line": line} for line in given.get("lines") or ()]
        return {"breakpoints": await breaks.lines(_path(given), wanted)}

    async def set_function_breakpoints(self, given: Body) -> Body:
        return {"breakpoints": self._debugged[1].functions(given.get("breakpoints") or [])}

    async def set_exception_breakpoints(self, given: Body) -> Body:
        breaks = self._debugged[1]
        return {"breakpoints": breaks.errors(given.get("filters") or [], given.get("filterOptions") or [])}

    async def breakpoint_locations(self, given: Body) -> Body:
        running, _ = self._debugged
        lines = await running.sources.lines(_path(given))
        first = int(given.get("line") or 1)
        last = int(given.get("endLine") or first)
        return {"breakpoints": [{"line": line} for line in lines if first <= line <= last]}

    async def loaded_sources(self, given: Body) -> Body:
        sources = self._debugged[0].sources
        return {"sources": [sources.of(label) for label in sources.loaded]}

    async def modules(self, given: Body) -> Body:
        sources = self._debugged[0].sources
        found = [{"id": label, "name": label, "path": sources.path(label)} for label in sources.loaded]
        start = int(given.get("startModule") or 0)
        count = int(given.get("moduleCount") or len(found))
        return {"modules": found[start : start + count], "totalModules": len(found)}

    async def source(self, given: Body) -> Body:
        running, _ = self._debugged
        path = _path(given)
        mime = "text/x-lua" if path.endswith(".lua") else "text/javascript"
        return {"content": running.sources.text(path), "mimeType": mime}

    # -- where it stands -----------------------------------------------------------------------------------------

    async def threads(self, given: Body) -> Body:
        return {"threads": self._debugged[0].threads()}

    async def stack_trace(self, given: Body) -> Body:
        thread: Any = given.get("threadId")
        found = await self._stops.frames(thread, self._debugged[0].stands(thread))
        start = int(given.get("startFrame") or 0)
        levels = int(given.get("levels") or len(found))
        return {"stackFrames": found[start : start + levels], "totalFrames": len(found)}

    async def scopes(self, given: Body) -> Body:
        return {"scopes": await self._stops.scopes(given.get("frameId"))}

    async def variables(self, given: Body) -> Body:
        return {"variables": await self._stops.variables(given)}

    async def set_variable(self, given: Body) -> Body:
        return await self._stops.set_variable(given)

    async def set_expression(self, given: Body) -> Body:
        return await self._stops.set_expression(given, self._debugged[0].debug.workers)

    async def evaluate(self, given: Body) -> Body:
        running, _ = self._debugged
        text, workers = given.get("expression"), running.debug.workers
        typed = given.get("context") == "repl" and isinstance(text, str)
        if typed and running.console.asks and not any(worker.stopped for worker in workers):
            running.console.take(str(text))
            return {"result": "", "variablesReference": 0}
        return await self._stops.evaluate(given, workers)

    async def completions(self, given: Body) -> Body:
        return {"targets": await self._stops.completions(given, self._debugged[0].debug.workers)}

    async def exception_info(self, given: Body) -> Body:
        return self._stops.exception(self._debugged[0].worker(given.get("threadId")))

    # -- going on ------------------------------------------------------------------------------------------------

    async def continue_(self, given: Body) -> Body:
        running, _ = self._debugged
        worker = running.stands(given.get("threadId"))
        self._then.append(lambda: running.go(worker, "go"))
        return {"allThreadsContinued": len(running.threads()) == 1}

    async def next(self, given: Body) -> None:
        self._step(given, "over")

    async def step_in(self, given: Body) -> None:
        self._step(given, "in")

    async def step_out(self, given: Body) -> None:
        self._step(given, "out")

    def _step(self, given: Body, how: str) -> None:
        running, _ = self._debugged
        worker = running.stands(given.get("threadId"))
        self._then.append(lambda: running.go(worker, how))

    async def pause(self, given: Body) -> None:
        running, _ = self._debugged
        worker = running.worker(given.get("threadId"))
        if not running.launch.debugs:
            raise UsageError("the spell runs without debugging and cannot be paused")
        if worker is None:
            running.pause(given["threadId"])
        elif worker.stopped is not None:
            raise UsageError("it stands already")
        else:
            worker.tell("pause")


def _launch(given: Body) -> Launch:
    """Raises UsageError."""
    launch = Launch.of(given)
    if launch.program.is_dir():
        launch = replace(launch, program=Spell.read(launch.program).path)
    script(launch.program)
    return launch


def _failure(error: LlmspellError, *, shown: bool) -> Body:
    """shown: whether a client is to show it in a message of its own."""
    text = f"{error.message}: {error.hint}" if error.hint else error.message
    return {
        "success": False,
        "message": text,
        "body": {"error": {"id": 1, "format": _escaped(text), "showUser": shown}},
    }


def _escaped(text: str) -> str:
    """The client fills in what stands in braces."""
    return text.replace("{", "(").replace("}", ")")


def _path(given: Body) -> str:
    source = given.get("source")
    path = source.get("path") if isinstance(source, dict) else None
    if not isinstance(path, str) or not path:
        raise UsageError("which source? it has no path")
    return path


#: Every request that is served.
REQUESTS: Final[Mapping[str, Callable[[Adapter, Body], Awaitable[Body | None]]]] = {
    "initialize": Adapter.initialize,
    "launch": Adapter.launch,
    "attach": Adapter.attach,
    "configurationDone": Adapter.configuration_done,
    "setBreakpoints": Adapter.set_breakpoints,
    "setFunctionBreakpoints": Adapter.set_function_breakpoints,
    "setExceptionBreakpoints": Adapter.set_exception_breakpoints,
    "breakpointLocations": Adapter.breakpoint_locations,
    "loadedSources": Adapter.loaded_sources,
    "modules": Adapter.modules,
    "source": Adapter.source,
    "threads": Adapter.threads,
    "stackTrace": Adapter.stack_trace,
    "scopes": Adapter.scopes,
    "variables": Adapter.variables,
    "setVariable": Adapter.set_variable,
    "setExpression": Adapter.set_expression,
    "evaluate": Adapter.evaluate,
    "completions": Adapter.completions,
    "continue": Adapter.continue_,
    "next": Adapter.next,
    "stepIn": Adapter.step_in,
    "stepOut": Adapter.step_out,
    "pause": Adapter.pause,
    "exceptionInfo": Adapter.exception_info,
    "terminate": Adapter.terminate,
    "disconnect": Adapter.disconnect,
    "restart": Adapter.restart,
    "cancel": Adapter.cancel,
}
