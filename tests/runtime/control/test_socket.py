"""The socket: whose it is, what comes of garbage and floods, several clients, a replay that is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError

WAITING = {
    "lua": 'print("ready") Async.sleep(60000)',
    "js": 'console.log("ready"); await Async.sleep(60000);',
}


async def raw(live: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(live.socket, limit=1 << 26)


async def test_only_its_owner_can_connect(stage: Any) -> None:
    live = await stage.start(lua=WAITING["lua"])
    socket, folder = await asyncio.to_thread(lambda: (Path(live.socket).stat(), Path(live.socket).parent.stat()))
    assert stat.S_IMODE(socket.st_mode) == 0o600
    assert stat.S_IMODE(folder.st_mode) == 0o700
    assert folder.st_uid == os.getuid()
    await live.do("cancel")
    await live.result()
    assert not await asyncio.to_thread(Path(live.socket).exists)


GARBAGE: list[bytes] = [
    b"no json",
    b"\xff\xfe\x00",
    b"[1, 2]",
    b'"pause"',
    b"{" * 100_000,
    b"[" * 100_000,
    b'{"do": 1}',
    b'{"do": "brake"}',
    b'{"do": "__class__"}',
    b'{"id": 3}',
    b'{"do": "step", "to": "moon"}',
    b'{"do": "step", "to": ["model"]}',
    b'{"do": "breakpoints"}',
    b'{"do": "breakpoints", "set": "tool"}',
    b'{"do": "breakpoints", "set": [{}]}',
    b'{"do": "approvals", "tools": [7]}',
    b'{"do": "approve"}',
    b'{"do": "answer", "text": "x"}',
    b'{"do": "answer", "text": "x", "number": "y"}',
    b'{"do": "chat"}',
    b'{"do": "chat", "agent": {}, "text": "x"}',
    b'{"do": "pause", "by": {}}',
    b'{"do": "cancel", "reason": 1}',
]


async def test_garbage_is_answered_and_harms_nothing(stage: Any, language: str) -> None:
    live = await stage.start(**{language: WAITING[language]})
    await live.said("out")
    reader, writer = await raw(live)
    writer.write(b'{"id": 0, "do": "status"}\n')
    assert json.loads(await reader.readline())["id"] == 0
    for line in GARBAGE:
        writer.write(line + b"\n")
        told = json.loads(await reader.readline())
        assert told["error"]["type"] in {"invalid_argument", "usage"}, told
        assert "Traceback" not in told["error"]["message"]
    writer.write(b"x" * (5 << 20))
    with contextlib.suppress(ConnectionError):  # what it had not read when it hung up
        told = json.loads(await reader.readline())
        assert "at most 4 MB" in told["error"]["message"]
        assert await reader.read() == b"", "it is let go"
    writer.close()
    for line in GARBAGE[:6]:  # as the first line too
        reader, writer = await raw(live)
        writer.write(line + b"\n")
        assert "error" in json.loads(await reader.readline())
        writer.close()
    assert (await live.do("status"))["state"] == "running"
    assert live.kinds == ["spell_started", "output"]
    await live.do("cancel")
    await live.result()
    await stage.replayed(live)


async def test_ten_thousand_commands_at_once(stage: Any, language: str) -> None:
    live = await stage.start(**{language: WAITING[language]})
    await live.said("out")
    reader, writer = await raw(live)
    commands = [{"id": n, "do": ("pause", "status", "resume", "brake")[n % 4]} for n in range(10_000)]
    sending = asyncio.ensure_future(_send(writer, commands))
    answers: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while len(answers) < len(commands):
            told = json.loads(await reader.readline())
            if "notice" not in told:
                answers.append(told)
    await sending
    writer.close()
    assert [told["id"] for told in answers] == list(range(10_000))
    assert all(("error" in told) == (told["id"] % 4 == 3) for told in answers)
    assert [told["ok"]["state"] for told in answers[1::4]] == ["paused"] * 2500
    assert len(live.of("paused")) == len(live.of("resumed")) == 2500
    await live.do("cancel")
    await live.result()
    await stage.replayed(live)


async def _send(writer: asyncio.StreamWriter, commands: list[dict[str, Any]]) -> None:
    for command in commands:
        writer.write(json.dumps(command).encode() + b"\n")
    await writer.drain()


async def test_a_client_that_reads_nothing_is_let_go(stage: Any) -> None:
    live = await stage.start(lua=WAITING["lua"])
    reader, writer = await raw(live)
    del reader
    writer.write(b'{"do": "status"}\n')
    for _ in range(3):
        await live.do("pause")
        await live.do("resume")
    await live.do("cancel")
    await live.result()
    writer.close()


async def test_a_paused_run_whose_client_vanishes_stays_paused_and_says_so(stage: Any, language: str) -> None:
    live = await stage.start(**{language: WAITING[language]})
    async with await live.connect() as first:
        await first.do("pause")
    said = await live.said("err")
    assert "paused and nobody controls it any more: llmspell trace resume" in said
    assert (await live.do("status"))["state"] == "paused"
    await live.do("cancel")
    assert (await live.result()).status == "cancelled"
    await stage.replayed(live)


async def test_all_clients_are_told(stage: Any) -> None:
    live = await stage.start(lua=WAITING["lua"])
    async with await live.connect() as one, await live.connect() as other:
        await one.do("status")
        await other.do("pause", by="bob")
        await live.notice("paused", 2)
        assert all(told["by"] == "bob" for told in live.told)
        await one.do("cancel")
        await live.notice("ended", 2)
        await live.notice("gone", 2)
        with pytest.raises(LlmspellError, match="has ended"):
            await one.do("pause")
    await live.result()


async def test_a_replay_takes_no_commands_but_shows_itself(stage: Any) -> None:
    live = await stage.start(lua='print("ready") local tea = Human.ask("Tea?") return tea', person=_Yes())
    await live.result()
    again = await stage.again(live)
    try:
        assert (await again.do("status"))["replaying"]
        with pytest.raises(LlmspellError, match=r"is a replay|has ended"):
            await again.do("pause")
    except LlmspellError as error:  # it was quicker
        assert "ended" in error.message
    await again.result()


class _Yes:
    async def answer(self, question: Any) -> str:
        return "yes"


async def test_readers_of_events_are_served_as_ever(stage: Any) -> None:
    live = await stage.start(lua='print("ready") Async.sleep(60000)')
    reader, writer = await raw(live)
    writer.write(b'{"from_seq": 1}\n')
    assert [json.loads(await reader.readline())["kind"] for _ in range(2)] == ["spell_started", "output"]
    await live.do("pause")
    assert json.loads(await reader.readline())["kind"] == "paused"
    await live.do("cancel")
    rest = (await reader.read()).splitlines()
    assert json.loads(rest[-1]) == {"ended": True}
    writer.close()
    await live.result()
