"""`llmspell host`: one warm process that runs spells for another program."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.traces.feed import feed_of
from llmspell.traces.reader import RunFile
from llmspell.traces.runs import Runs

ENDING = {"lua": ".lua", "js": ".js"}
HELLO = {"lua": 'print("hello") return params.n', "js": 'console.log("hello"); return params.n'}
WAITS = {
    "lua": 'print("there") Async.sleep(600000)',
    "js": 'console.log("there"); await new Promise((done) => setTimeout(done, 600000));',
}
ASKS = {"lua": 'return Human.ask("Go on?")', "js": 'return await Human.ask("Go on?");'}
WRONG = {"lua": "local a = 1\nlocal = 2", "js": "const a = 1;\nconst = 2;"}


class Hosted:
    """The host as a program sees it: lines to it, lines from it."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.notices: list[dict[str, Any]] = []
        self._number = 0

    async def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert line, "the host has ended"
        return json.loads(line)

    async def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """What it says to a request. What it tells meanwhile is kept."""
        assert self.process.stdin is not None
        self._number += 1
        self.process.stdin.write(json.dumps({"id": self._number, "do": do, **given}).encode() + b"\n")
        while (said := await self.read()).get("id") != self._number:
            self.notices.append(said)
        return said

    async def ended(self, run: str) -> dict[str, Any]:
        while True:
            for notice in self.notices:
                if notice.get("run") == run and notice["notice"] == "run.ended":
                    return notice
            self.notices.append(await self.read())

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Hosted]:
    (tmp_path / "llmspell.toml").touch()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "llmspell", "host"),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    hosted = Hosted(process, tmp_path)
    assert (await hosted.read())["notice"] == "ready"
    yield hosted
    assert process.stdin is not None and process.stderr is not None
    process.stdin.close()
    try:
        assert await asyncio.wait_for(process.wait(), 30) in (0, -signal.SIGKILL)
        assert await process.stderr.read() == b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def events(path: str) -> list[Any]:
    return [event async for batch in feed_of(Path(path)).batches() for event in batch]


async def test_a_run_is_one_like_any_other(host: Hosted, language: str) -> None:
    file = host.write(f"hello{ENDING[language]}", HELLO[language])
    started = (await host.ask("run.start", file=file, params={"n": 7}))["ok"]
    ended = await host.ended(started["run"])
    assert (ended["notice"], ended["status"], ended["error"]) == ("run.ended", "ok", None)
    found = await events(started["path"])
    assert [event.data["text"] for event in found if event.kind == "output"] == ["hello\n"]
    assert found[-1].data["result"] == 7
    [listed] = Runs(host.folder / ".llmspell").list()
    assert (listed.id, listed.label, listed.status) == (started["run"], file, "ok")
    assert started["spell"] == file and started["file"] == str(host.folder / file)


async def test_several_at_once_and_each_is_cancelled_alone(host: Hosted, language: str) -> None:
    file = host.write(f"waits{ENDING[language]}", WAITS[language])
    runs = [(await host.ask("run.start", file=file))["ok"] for _ in range(3)]
    status = (await host.ask("status"))["ok"]
    assert {run["run"] for run in status["runs"]} == {run["run"] for run in runs}
    assert (await host.ask("run.cancel", run=runs[1]["run"], reason="enough"))["ok"] == {"run": runs[1]["run"]}
    assert (await host.ended(runs[1]["run"]))["status"] == "cancelled"
    left = (await host.ask("status"))["ok"]["runs"]
    assert {run["run"] for run in left} == {runs[0]["run"], runs[2]["run"]}
    again = await host.ask("run.cancel", run=runs[1]["run"])
    assert again["error"]["message"].startswith("this host runs no")


async def test_a_text_that_does_not_compile_cancels_nothing(host: Hosted, language: str) -> None:
    file = host.write(f"spell{ENDING[language]}", WAITS[language])
    old = (await host.ask("run.start", file=file))["ok"]["run"]
    host.write(file, WRONG[language])
    refused = (await host.ask("run.start", file=file, cancels=old))["error"]
    assert refused["type"] == "syntax"
    assert refused["data"] == {"file": file, "line": 2, "text": WRONG[language].splitlines()[1]}
    assert [run["run"] for run in (await host.ask("status"))["ok"]["runs"]] == [old]
    host.write(file, HELLO[language])
    new = (await host.ask("run.start", file=file, cancels=old))["ok"]["run"]
    assert (await host.ended(old))["status"] == "cancelled"
    assert (await host.ended(new))["status"] == "ok"
    assert len(Runs(host.folder / ".llmspell").list()) == 2


async def test_a_module_that_does_not_compile_any_more_cancels_nothing(host: Hosted, language: str) -> None:
    loads = {"lua": 'require("part")\n', "js": 'import "./part.js";\n'}[language]
    part, file = f"part{ENDING[language]}", host.write(f"spell{ENDING[language]}", loads + WAITS[language])
    host.write(part, {"lua": "return {}", "js": "globalThis.part = 1;"}[language])
    old = (await host.ask("run.start", file=file))["ok"]["run"]
    while not any(notice.get("file") == str(host.folder / part) for notice in host.notices):
        host.notices.append(await host.read())
    host.write(part, WRONG[language])
    refused = (await host.ask("run.start", file=file, cancels=old))["error"]
    assert refused["type"] == "syntax"
    where = {"file": str(host.folder / part), "line": 2, "text": WRONG[language].splitlines()[1]}
    assert refused["data"] == where
    assert [run["run"] for run in (await host.ask("status"))["ok"]["runs"]] == [old]
    host.write(part, {"lua": "return {1}", "js": "globalThis.part = 2;"}[language])
    assert "ok" in await host.ask("run.start", file=file, cancels=old)
    assert (await host.ended(old))["status"] == "cancelled"


async def test_the_old_run_is_the_new_ones_prefix(host: Hosted, language: str) -> None:
    """It is under way when the new one is asked for: its recording is waited for."""
    asks = {
        "lua": 'local a = Agent.new{ name = "a" } a:execute("one") print("one") Async.sleep(600000)',
        "js": 'const a = new Agent({ name: "a" }); await a.execute("one"); console.log("one"); await new Promise((done) => setTimeout(done, 600000))',
    }[language]
    file = host.write(f"spell{ENDING[language]}", asks)
    old = (await host.ask("run.start", file=file))["ok"]
    async for batch in feed_of(Path(old["path"])).batches():
        if any(event.kind == "output" for event in batch):
            break
    host.write(
        file,
        asks.replace("Async.sleep(600000)", "").replace("await new Promise((done) => setTimeout(done, 600000))", ""),
    )
    new = (await host.ask("run.start", file=file, cancels=old["run"], replay_prefix=old["run"]))["ok"]
    assert (await host.ended(new["run"]))["status"] == "ok"
    [call] = [event for event in await events(new["path"]) if event.kind == "llm_call_completed"]
    assert call.data["from_recording"] is True
    with RunFile(Path(new["path"])) as stored:
        assert stored.meta().prefixed and stored.meta().parent == old["run"]


async def test_a_run_is_forked_with_an_edit(host: Hosted, language: str) -> None:
    text = {
        "lua": 'return Agent.new{ name = "a" }:execute("one").content',
        "js": 'return (await new Agent({ name: "a" }).execute("one")).content',
    }[language]
    file = host.write(f"spell{ENDING[language]}", text)
    first = (await host.ask("run.start", file=file))["ok"]
    await host.ended(first["run"])
    seq = next(event.seq for event in await events(first["path"]) if event.kind == "llm_call_started")
    fork = (await host.ask("run.start", fork=f"{first['run']}@{seq}", edit={"answer": "mine"}))["ok"]
    assert (await host.ended(fork["run"]))["status"] == "ok"
    assert (await events(fork["path"]))[-1].data["result"] == "mine"
    # Named otherwise it is the same spell, and its lines are called as they were.
    again = (await host.ask("run.start", file=str(host.folder / file), fork=f"{first['run']}@{seq}"))["ok"]
    assert (again["file"], again["spell"]) == (first["file"], first["spell"])
    await host.ended(again["run"])
    gone = await host.ask("run.start", fork=f"{first['run']}@99999")
    assert "has no event 99999" in gone["error"]["message"]


async def test_what_it_asks_is_answered_over_its_own_socket(host: Hosted, language: str) -> None:
    file = host.write(f"asks{ENDING[language]}", ASKS[language])
    run = (await host.ask("run.start", file=file))["ok"]
    reader, writer = await asyncio.open_unix_connection(run["socket"])
    writer.write(b'{"id": 1, "do": "status"}\n')
    while not (await host_line(reader)).get("ok", {}).get("waiting"):
        writer.write(b'{"id": 1, "do": "status"}\n')
    writer.write(b'{"id": 2, "do": "answer", "text": "yes"}\n')
    assert (await host.ended(run["run"]))["status"] == "ok"
    writer.close()
    assert (await events(run["path"]))[-1].data["result"] == "yes"


async def host_line(reader: asyncio.StreamReader) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(reader.readline(), 60))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"do": "run.begin"}, "there is no request 'run.begin'"),
        ({"do": "run.start"}, "which file?"),
        ({"do": "run.start", "file": "a.lua", "fil": 1}, "run.start has no 'fil'"),
        ({"do": "run.start", "file": "a.lua", "state": "lost"}, "state cannot be 'lost'"),
        ({"do": "run.start", "file": "a.lua", "edit": {}}, "an edit needs a fork"),
        ({"do": "run.start", "file": "none.lua"}, "'none.lua' cannot be read"),
        ({"do": "run.start", "file": 3}, "file cannot be 3"),
    ],
)
async def test_a_request_that_is_none(host: Hosted, request_: dict[str, Any], message: str) -> None:
    host.write("a.lua", "return 1")
    assert message in (await host.ask(**request_))["error"]["message"]


async def test_lines_that_are_no_requests(host: Hosted) -> None:
    assert host.process.stdin is not None
    host.process.stdin.write(b"what\n[1]\n")
    for _ in range(2):
        said = await host.read()
        assert said["id"] is None and said["error"]["type"] == "invalid_argument"
    assert (await host.ask("status"))["ok"]["pid"] == host.process.pid


@pytest.mark.parametrize("way", ["stop", "eof", "term"])
async def test_it_leaves_nothing_running(host: Hosted, way: str) -> None:
    run = (await host.ask("run.start", file=host.write("waits.lua", WAITS["lua"])))["ok"]["run"]
    inner = children(host.process.pid)
    assert inner
    if way == "stop":
        await host.ask("stop")
    elif way == "eof":
        assert host.process.stdin is not None
        host.process.stdin.close()
    else:
        host.process.send_signal(signal.SIGTERM)
    assert (await host.ended(run))["status"] == "cancelled"
    assert await asyncio.wait_for(host.process.wait(), 30) == 0
    assert not alive(inner)


async def test_killed_it_takes_its_workers_along(host: Hosted) -> None:
    run = (await host.ask("run.start", file=host.write("waits.lua", WAITS["lua"])))["ok"]["run"]
    pidfds = [os.pidfd_open(pid) for pid in children(host.process.pid)]
    assert len(pidfds) >= 2  # the zygote and a worker
    host.process.kill()
    await host.process.wait()
    for pidfd in pidfds:
        await gone(pidfd)
    [listed] = Runs(host.folder / ".llmspell").list()
    assert (listed.id, listed.status) == (run, "lost")


async def gone(pidfd: int) -> None:
    """Returns once the process has ended."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(pidfd, lambda: ended.done() or ended.set_result(None))
    try:
        await asyncio.wait_for(ended, 30)
    finally:
        asyncio.get_running_loop().remove_reader(pidfd)
        os.close(pidfd)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def children(pid: int) -> list[int]:
    """The processes below it, all the way down."""
    found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [deeper for child in found for deeper in children(child)]


async def test_a_run_is_repeated_without_asking_anybody(host: Hosted, language: str) -> None:
    """Its spell is the recorded text, whatever the file holds by now."""
    file = host.write(f"hello{ENDING[language]}", HELLO[language])
    first = (await host.ask("run.start", file=file, params={"n": 7}))["ok"]
    await host.ended(first["run"])
    host.write(file, WRONG[language])
    again = (await host.ask("run.start", replay=first["run"]))["ok"]
    assert (await host.ended(again["run"]))["status"] == "ok"
    assert await events(again["path"]) == await events(first["path"])
    both = (await host.ask("run.start", replay=first["run"], fork=f"{first['run']}@1"))["error"]
    assert both["message"] == "run.start: replay and fork do not go together"
