"""A run's events over WebSocket: everything, in order, at the client's pace, to nobody who has no token."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from llmspell.errors import UsageError
from llmspell.events.event import Event
from llmspell.serve.events import Address, EventServer
from llmspell.serve.stream import RunStream
from llmspell.traces.encode import decode_line
from llmspell.traces.reader import RunFile

TOKEN = "a token of some length"


@pytest.fixture
def server() -> Iterator[EventServer]:
    found = EventServer(Address("127.0.0.1", 0), TOKEN)
    yield found
    found.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def stored(folder: Path, spell: Any) -> Path:
    """The file of a run."""
    return next(folder.rglob(f"{spell.result.run_id}.db"))


def event(seq: int, kind: str = "custom", phase: Any = "point", **data: Any) -> Event:
    return Event(seq, 1000.0 + seq, kind, phase, 1, 0, "tick", "", data)


def connect(http: aiohttp.ClientSession, server: EventServer, query: str = "", **headers: str) -> Any:
    return http.ws_connect(f"{server.url}/?{query}", headers={"Authorization": f"Bearer {TOKEN}", **headers})


async def told(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Every message until the end."""
    return [json.loads(message.data) async for message in socket]


@pytest.mark.mission(89)
async def test_a_client_gets_history_then_what_happens_then_the_end(server: EventServer, http: Any) -> None:
    stream = server.begin(content=True, mask=None)
    stream.add(event(1, n=1))
    stream.add(event(2, n=2))
    async with connect(http, server) as early, connect(http, server, "from_seq=2") as later:
        assert [json.loads((await early.receive()).data)["seq"] for _ in range(2)] == [1, 2]
        assert decode_line((await later.receive()).data) == event(2, n=2)
        stream.add(event(3, n="ü"))
        stream.end()
        for socket in (early, later):
            last, ended = await told(socket)
            assert (last["seq"], last["data"]) == (3, {"n": "ü"}) and ended == {"ended": True}
            assert socket.close_code == 1000


@pytest.mark.mission(89, 90)
async def test_snapshots_come_regularly_if_asked_for(server: EventServer, http: Any) -> None:
    stream = server.begin(content=True, mask=None)
    stream.add(event(1, "agent_created", agent_name="ada", agent_type="Agent"))
    async with connect(http, server, "dashboard=100") as socket:
        first = [json.loads((await socket.receive()).data) for _ in range(3)]
        (agent,) = first[1]["dashboard"]["agents"]
        assert (agent["name"], agent["status"], agent["last_activity"]) == ("ada", "idle", 1001.0)
        assert "dashboard" in first[2], "it comes again"
        stream.add(event(2, "execution_started", "start", agent_name="ada"))
        stream.end()
        *_, last, ended = await told(socket)
        assert last["dashboard"]["agents"][0]["status"] == "executing" and ended == {"ended": True}


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Authorization": ""}, "", 401),
        ({"Authorization": "Basic " + TOKEN}, "", 401),
        ({"Authorization": ""}, "token=wrong", 401),
        ({"Authorization": ""}, "token=é", 401),
        ({"Origin": "https://evil.example"}, "", 403),
        ({"Origin": "null"}, "", 403),
        ({"Origin": "http://localhost.evil.example"}, "", 403),
        ({"Host": "evil.example"}, "", 403),
        ({"Host": "127.0.0.1.evil.example:80"}, "", 403),
        ({}, "from_seq=first", 400),
    ],
)
async def test_nobody_else_is_let_in(
    server: EventServer, http: Any, headers: dict[str, str], query: str, status: int
) -> None:
    server.begin(content=True, mask=None).add(event(1, secret="kept"))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connect(http, server, query, **headers):
            pass
    assert refused.value.status == status


async def test_a_page_of_this_machine_comes_in_with_the_token_in_its_address(server: EventServer, http: Any) -> None:
    stream = server.begin(content=True, mask=None)
    stream.add(event(1))
    stream.end()
    query = f"token={TOKEN.replace(' ', '%20')}"
    async with connect(http, server, query, Authorization="", Origin="http://localhost:5173") as socket:
        assert [message.get("seq") for message in await told(socket)] == [1, None]
    async with http.get(server.url.replace("ws", "http"), headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 426


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ws://0.0.0.0:80", "this machine only"),
        ("ws://192.168.1.2:80", "this machine only"),
        ("ws://example.com:80", "this machine only"),
        ("wss://127.0.0.1:80", "no address"),
        ("http://127.0.0.1:80", "no address"),
        ("ws://127.0.0.1", "no address"),
        ("ws://127.0.0.1:99999", "no address"),
        ("ws://me@127.0.0.1:80", "no address"),
        ("ws://127.0.0.1:80/path", "no address"),
        ("8080", "no address"),
    ],
)
def test_it_is_served_on_this_machine_or_not_at_all(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Address.read(address)


def test_a_taken_port_and_a_short_token_are_told(server: EventServer) -> None:
    assert Address.read("ws://localhost:0") == Address("127.0.0.1", 0)
    with pytest.raises(UsageError, match="cannot be served"):
        EventServer(Address("127.0.0.1", server.port), TOKEN)
    with pytest.raises(UsageError, match="has 5 characters"):
        EventServer(Address("127.0.0.1", 0), "short")


async def test_secrets_are_masked_and_contents_left_out(server: EventServer, http: Any) -> None:
    stream = server.begin(content=False, mask=lambda text: text.replace("swordfish", "***"))
    stream.add(event(1, text="the word", model="swordfish"))
    stream.end()
    async with connect(http, server) as socket:
        first, _ = await told(socket)
    assert first["data"]["model"] == "***" and first["data"]["text"]["length"] == 8


async def test_who_is_too_slow_for_memory_is_told_what_was_missed_where_nothing_is_stored() -> None:
    stream = RunStream(asyncio.get_running_loop(), content=True, mask=None, held=10)
    for number in range(1, 101):
        stream.add(event(number))
    messages = stream.messages(1)
    await asyncio.sleep(0)
    assert json.loads(await anext(messages)) == {"missed": {"from": 1, "to": 90}}
    assert json.loads(await anext(messages))["seq"] == 91
    for number in range(101, 201):
        stream.add(event(number))
    stream.end()
    await asyncio.sleep(0)
    rest = [json.loads(message) async for message in messages]
    assert [each["seq"] for each in rest[:9]] == list(range(92, 101)), "what it was about to get, it gets"
    assert rest[9] == {"missed": {"from": 101, "to": 190}}
    assert [each.get("seq") for each in rest[10:]] == [*range(191, 201), None]


async def test_who_is_too_slow_for_memory_catches_up_from_the_store(cast: Any, tmp_path: Path) -> None:
    spell = await cast(lua='for n = 1, 50 do eventBus.emit("tick", { n = n }) end')
    stream = RunStream(asyncio.get_running_loop(), content=True, mask=None, held=3)
    stream.file = stored(tmp_path, spell)
    for each in spell.events:
        stream.add(each)
    stream.end()
    await asyncio.sleep(0)
    got = [json.loads(message) async for message in stream.messages(1)]
    assert [each.get("seq") for each in got] == [*range(1, len(spell.events) + 1), None]


async def test_a_client_that_never_reads_slows_nobody(server: EventServer, http: Any) -> None:
    stream = server.begin(content=True, mask=None)
    async with connect(http, server) as stuck, connect(http, server) as quick:
        stuck._reader._protocol.pause_reading()  # the client's own buffer fills, and then the network's
        for number in range(1, 5001):
            stream.add(event(number, text="x" * 1000))
        stream.end()
        messages = await told(quick)
        assert [message.get("seq") for message in messages] == [*range(1, 5001), None]


#: Goes on once the test has come.
WAITS = """
local files = FileSystem.new{}
while not files:execute{ operation = "exists", path = "go" }.exists do Async.sleep(10) end
"""


class Program:
    """`llmspell run --events` as a person starts it."""

    def __init__(self, folder: Path, spell: str, *arguments: str, **environ: str) -> None:
        (folder / "spell.lua").write_text(spell)
        (folder / "llmspell.toml").touch()
        self._folder, self._arguments = folder, arguments
        self._environ = {"HOME": str(folder), "PATH": os.environ["PATH"], **environ}

    async def __aenter__(self) -> Program:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "llmspell", "run", "spell.lua", "--events", "ws://127.0.0.1:0", *self._arguments),
            cwd=self._folder,
            env=self._environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self.process.stderr is not None
        line = (await self.process.stderr.readline()).decode()
        assert line.startswith("llmspell: events at ws://127.0.0.1:"), (
            line + (await self.process.stderr.read()).decode()
        )
        self.line = line
        self.url, _, rest = line.removeprefix("llmspell: events at ").strip().partition(", token ")
        self.token = rest
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


@pytest.mark.mission(89)
async def test_another_program_follows_a_run_from_its_first_event_to_its_last(tmp_path: Path, http: Any) -> None:
    spell = f'{WAITS}for _ = 1, 40 do eventBus.emit("tick") Async.sleep(20) end return "done"'
    async with Program(tmp_path, spell) as program:
        assert len(program.token) >= 40
        async with http.ws_connect(
            program.url + "/?dashboard=100", headers={"Authorization": f"Bearer {program.token}"}
        ) as socket:
            (tmp_path / "go").touch()
            messages = await told(socket)
        out, err = await program.process.communicate()
    assert (out.decode(), err.decode(), program.process.returncode) == ("done\n", "", 0)
    assert messages[-1] == {"ended": True}
    lines = [message for message in messages if "seq" in message]
    (stored,) = (tmp_path / ".llmspell" / "runs").glob("*.db")
    with RunFile(stored) as file:
        kept = list(file.events())
    assert [decode_line(json.dumps(line)).data for line in lines] == [each.data for each in kept]
    assert [line["kind"] for line in lines] == [each.kind for each in kept]
    snapshots = [message["dashboard"] for message in messages if "dashboard" in message]
    assert len(snapshots) > 2 and snapshots[-1]["run"]["status"] == "ok"
    assert snapshots[-1]["metrics"]["counters"]["llmspell_custom_events"] == 40


async def test_a_token_from_the_environment_is_not_shown(tmp_path: Path, http: Any) -> None:
    async with Program(tmp_path, WAITS, "--no-store", LLMSPELL_EVENTS_TOKEN=TOKEN) as program:
        assert TOKEN not in program.line and program.token == ""
        async with http.ws_connect(program.url, headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
            (tmp_path / "go").touch()
            assert (await told(socket))[-1] == {"ended": True}


async def test_a_run_without_the_option_imports_no_server(tmp_path: Path) -> None:
    (tmp_path / "spell.lua").write_text("eventBus.emit('x') metrics:increment('y') logger:info('z')")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "llmspell", "run", "spell.lua"),
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 0
    modules = {line.rpartition("|")[2].strip() for line in err.decode().splitlines() if line.startswith("import time")}
    assert "llmspell.traces.metrics" in modules
    assert not modules & {"aiohttp", "opentelemetry", "llmspell.serve", "llmspell.traces.otel", "pydantic"}
