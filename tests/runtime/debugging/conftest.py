"""Clients of the debug adapter: over the real standard streams of `llmspell dap`, as an editor is one, and in this process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.debugging import shapes

from llmspell.runtime import Runtime
from llmspell.serve.dap.adapter import Adapter

#: Seconds until what an adapter does not say counts as never said.
PATIENCE = 60.0


class Refused(Exception):
    """The adapter has answered that it cannot be done."""


class Client:
    """One editor and its adapter. A subclass says how messages get there; what comes back goes to `_came`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        self.misshapen: list[str] = []
        """What of the adapter's messages is not as the protocol has it; nothing, at the end of each test."""
        self.asked: set[str] = set()
        """The requests that were answered, in whatever way."""
        self._seq = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self._read_up_to = 0

    def _came(self, message: dict[str, Any]) -> None:
        self.misshapen += shapes.problems(message)
        if message["type"] == "response":
            self.asked.add(message["command"])
            self._answers.pop(message["request_seq"]).set_result(message)
        else:
            self.events.append(message)
            self._news.set()

    def _send(self, message: dict[str, Any]) -> None:
        raise AssertionError("a subclass sends")

    def send(self, command: str, **arguments: Any) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        self._seq += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._seq] = answer
        self._send({"seq": self._seq, "type": "request", "command": command, "arguments": arguments})
        return self._seq, answer

    async def ask(self, command: str, **arguments: Any) -> Any:
        _, answer = self.send(command, **arguments)
        found = await asyncio.wait_for(answer, PATIENCE)
        if not found["success"]:
            raise Refused(found["message"])
        return found.get("body")

    async def event(self, name: str, **fields: Any) -> dict[str, Any]:
        """The next event of a kind that has not been seen yet, or will come; with these fields in its body."""

        def there() -> bool:
            while self._read_up_to < len(self.events):
                event = self.events[self._read_up_to]
                self._read_up_to += 1
                body = event.get("body") or {}
                if event["event"] == name and all(body.get(key) == value for key, value in fields.items()):
                    return True
            return False

        try:
            async with asyncio.timeout(PATIENCE):
                while not there():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {name} {fields} came; the last were {self.events[-5:]}") from None
        return self.events[self._read_up_to - 1].get("body") or {}

    async def stop_or_end(self) -> dict[str, Any] | None:
        """The next stop, as `stopped` gives it; None once the run has ended."""

        def there() -> bool:
            return any(each["event"] in ("stopped", "terminated") for each in self.events[self._read_up_to :])

        async with asyncio.timeout(PATIENCE):
            while not there():
                self._news.clear()
                await self._news.wait()
        kinds = [each["event"] for each in self.events[self._read_up_to :]]
        return await self.stopped() if "stopped" in kinds else None

    def output(self) -> str:
        """All that was shown so far."""
        return "".join(event["body"]["output"] for event in self.events if event["event"] == "output")

    # -- the usual ways ------------------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    async def launch(self, program: str, lines: tuple[int, ...] = (), **more: Any) -> list[dict[str, Any]]:
        """Begins a run with breakpoints on lines of its spell; gives what became of those."""
        errors = more.pop("errors", [])
        functions = more.pop("functions", [])
        await self.ask("initialize", adapterID="llmspell", clientID="test")
        await self.ask("launch", program=program, cwd=str(self.folder), **more)
        await self.event("initialized")
        points = [line if isinstance(line, dict) else {"line": line} for line in lines]
        found = await self.ask("setBreakpoints", source={"path": program}, breakpoints=points)
        named = [each if isinstance(each, dict) else {"name": each} for each in functions]
        await self.ask("setFunctionBreakpoints", breakpoints=named)
        await self.ask("setExceptionBreakpoints", filters=errors)
        await self.ask("configurationDone")
        return found["breakpoints"]

    async def stack(self, thread: int = 1) -> list[dict[str, Any]]:
        return (await self.ask("stackTrace", threadId=thread))["stackFrames"]

    async def scope(self, frame: dict[str, Any], name: str) -> int:
        """The reference of a frame's scope."""
        scopes = (await self.ask("scopes", frameId=frame["id"]))["scopes"]
        return next(each["variablesReference"] for each in scopes if each["name"] == name)

    async def parts_of(self, frame: dict[str, Any], scope: str) -> dict[str, dict[str, Any]]:
        """The variables of a frame's scope by name."""
        return await self.parts(await self.scope(frame, scope))

    async def deep(self, frame: dict[str, Any], scope: str) -> Any:
        """A scope's values with what is in them, and in that."""
        found = await self.parts_of(frame, scope)
        return {name: await self._inside(each, 2) for name, each in found.items()}

    async def _inside(self, variable: dict[str, Any], levels: int) -> Any:
        if not variable["variablesReference"] or not levels:
            return variable["value"]
        found = await self.parts(variable["variablesReference"])
        return {name: await self._inside(each, levels - 1) for name, each in found.items()}

    async def parts(self, reference: int) -> dict[str, dict[str, Any]]:
        found = (await self.ask("variables", variablesReference=reference))["variables"]
        return {each["name"]: each for each in found}

    async def value(self, expression: str, frame: dict[str, Any] | None = None, context: str = "watch") -> str:
        where = {} if frame is None else {"frameId": frame["id"]}
        return (await self.ask("evaluate", expression=expression, context=context, **where))["result"]

    async def go(self, how: str = "continue", thread: int = 1) -> None:
        await self.ask(how, threadId=thread)

    async def stopped(self, **fields: Any) -> dict[str, Any]:
        """Waits for a stop and gives its innermost frame, with the event's body as `stop`."""
        body = await self.event("stopped", **fields)
        frames = await self.stack(body["threadId"])
        return {**frames[0], "stop": body}


class OverStreams(Client):
    """The adapter in a process of its own, as an editor starts it."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        super().__init__(folder)
        self._process = process
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            head = await stream.readuntil(b"\r\n\r\n")
            self._came(json.loads(await stream.readexactly(int(head.split(b":")[1]))))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self._process.wait(), PATIENCE)

    async def close(self) -> None:
        """The adapter ends with its client, whatever it is doing."""
        self._reading.cancel()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self.exit_code()


class Direct(Client):
    """The adapter in this process, which saves starting one."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._adapter = Adapter(lambda given: Runtime(environ={**given, **environ}), self._came)
        self._working = asyncio.create_task(self._adapter.work())

    def _send(self, message: dict[str, Any]) -> None:
        self._adapter.take(json.loads(json.dumps(message)))

    async def close(self) -> None:
        self._working.cancel()
        await self._adapter.end()


def _environ(folder: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data")}


@pytest.fixture
async def over_streams(tmp_path: Path) -> AsyncIterator[OverStreams]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "llmspell", "dap",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        env={**os.environ, **_environ(tmp_path)},
    )  # fmt: skip
    client = OverStreams(process, tmp_path)
    yield client
    await client.close()
    assert client.misshapen == []


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.chdir(tmp_path)  # and back: an adapter goes where the spell is to run
    client = Direct(tmp_path, _environ(tmp_path))
    yield client
    await client.close()
    assert client.misshapen == []


@pytest.fixture
def refusal() -> Callable[[Awaitable[Any]], Awaitable[str]]:
    """Why the adapter will not do something."""

    async def asked(work: Awaitable[Any]) -> str:
        with pytest.raises(Refused) as refused:
            await work
        return str(refused.value)

    return asked
