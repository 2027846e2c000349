"""A recorded run, replayed without network, key or model, is the same run event by event."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmspell.traces.reader import RunFile

if TYPE_CHECKING:
    from conftest import Project

SPELLS = Path(__file__).parent / "spells"
ENDING = {"lua": ".lua", "javascript": ".js"}
CHAT = {
    "lua": 'print(Agent.new{ name = "a" }:chat("Tell of tea"))',
    "javascript": 'console.log(await new Agent({ name: "a" }).chat("Tell of tea"))',
}


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("trusted", [False, True], ids=["worker", "trusted"])
def test_twenty_agents_at_once(project: Project, language: str, trusted: bool, times: int) -> None:
    """Against random latencies, with tools, hooks, streams, timers, chance, the clock, the environment and the cache;
    every order the answers may have come in is one that the replay can give again."""
    spell = project.write(f"twenty{ENDING[language]}", (SPELLS / f"twenty{ENDING[language]}").read_text())
    way = ["--trusted"] if trusted else []
    printed = ok(project.record(spell, "--param", "size=3", *way))
    [recorded] = project.runs
    events = project.lines(recorded)
    assert len(events) > 1000
    asked = len(project.server.requests)
    assert asked > 150
    (project.folder / ".llmspell" / "cache.db").unlink()
    project.write("llmspell.toml", "")
    for number in range(times):  # in the same way, and in the other
        assert ok(project.replay("last", *(["--trusted"] if trusted == (number % 2 == 0) else []))) == printed
    assert len(project.server.requests) == asked
    first, *replays = project.runs
    assert first == recorded and len(replays) == times
    for replay in replays:
        assert project.lines(replay) == events


def test_a_replay_can_be_replayed(project: Project, language: str) -> None:
    spell = project.write(f"twenty{ENDING[language]}", (SPELLS / f"twenty{ENDING[language]}").read_text())
    ok(project.record(spell, "--param", "size=3"))
    ok(project.replay("last"))
    _, replay = project.runs
    ok(project.replay(replay))
    first, second, third = map(project.lines, project.runs)
    assert first == second == third


def test_last_is_the_last_run_that_is_no_replay(project: Project) -> None:
    spell = project.write("spell.lua", CHAT["lua"])
    ok(project.record(spell))
    ok(project.replay("last"))
    ok(project.replay("last"))
    recorded, *replays = project.runs
    for run in replays:
        with RunFile(project.file(run)) as file:
            assert file.meta().parent == recorded


def test_a_recording_in_a_file_replays_from_another_folder(project: Project, language: str, tmp_path: Path) -> None:
    spell = project.write(f"spell{ENDING[language]}", CHAT[language])
    printed = ok(project.record(spell, "--record", "tea.recording"))
    elsewhere = tmp_path / "else" / "where"
    elsewhere.mkdir(parents=True)
    file = (project.folder / "tea.recording").rename(elsewhere / "tea.recording")
    assert ok(project.replay(file.name, cwd=elsewhere)) == printed
    (project.folder / spell).unlink()
    assert ok(project.replay(str(file), cwd=tmp_path)) == printed
    assert not [path for path in elsewhere.iterdir() if path != file]


def test_other_parameters_are_the_replays_own(project: Project) -> None:
    spell = project.write("spell.lua", 'print(params.cup, Agent.new("a"):chat("of " .. (params.tea or "none")))')
    ok(project.record(spell, "--param", "tea=oolong"))
    assert ok(project.replay("last", "--input", '{"tea": "oolong", "cup": 2}')) == "2\tYou said: of oolong\n"
    assert "the recording has no answer" in project.replay("last", "--param", "tea=sencha").stderr


def test_modules_come_from_the_recording(project: Project) -> None:
    (project.folder / "lib").mkdir()
    project.write("lib/names.lua", 'return { "oolong" }')
    project.write("lib/names.js", 'export const names = ["oolong"];')
    for spell, text in (
        ("spell.lua", 'print(require("lib.names")[1])'),
        ("spell.js", 'import { names } from "./lib/names.js";\nconsole.log(names[0]);'),
    ):
        project.write(spell, text)
        assert ok(project.record(spell)) == "oolong\n"
    for path in (project.folder / "lib").iterdir():
        path.unlink()
    lua, javascript = project.runs
    assert ok(project.replay(lua)) == ok(project.replay(javascript)) == "oolong\n"


def test_chance_the_clock_and_the_environment_come_from_the_recording(project: Project, language: str) -> None:
    """Two runs differ in all of them but the environment; a replay, which has neither its own, in none."""
    read = {
        "lua": """
        return {
          math.random(), math.random(1, 1000000), uuid.generate(), os.time(), os.clock(), os.date(), os.getenv("TOPIC"),
          Async.sleep(2), os.clock(),
        }
        """,
        "javascript": """
        const first = [Math.random(), uuid.generate(), Date.now(), performance.now(), `${new Date()}`];
        await new Promise((resolve) => setTimeout(resolve, 2));
        return [...first, process.env.TOPIC, Date.now(), Math.random()];
        """,
    }
    spell = project.write(f"spell{ENDING[language]}", read[language])
    first, second = ok(project.record(spell)), ok(project.record(spell))
    assert "tea" in first and first != second
    assert ok(project.replay("last")) == second
    assert ok(project.run("--replay", "last", TOPIC="coffee")) == second
    _, recorded, *replays = project.runs
    assert [project.lines(run) for run in replays] == [project.lines(recorded)] * 2


def test_settings_that_a_spell_sees_come_from_the_recording(project: Project) -> None:
    spell = project.write("spell.lua", 'print(config.tea, Agent.new{ name = "a" }:chat("hello"))')
    project.write("llmspell.toml", '[config]\ntea = "oolong"\n[defaults]\ntemperature = 0.5\n')
    assert ok(project.record(spell)) == "oolong\tYou said: hello\n"
    project.write("llmspell.toml", '[config]\ntea = "sencha"\n[defaults]\ntemperature = 0.7\n')
    assert ok(project.replay("last")) == "oolong\tYou said: hello\n"
    done = project.replay("last", "--model", "openai/other")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "llmspell: --model means nothing to a replay")


# -- what differs is told ------------------------------------------------------------------------------------------


def test_a_changed_prompt_is_a_miss_that_shows_the_difference(project: Project, language: str) -> None:
    spell = project.write(f"spell{ENDING[language]}", CHAT[language])
    ok(project.record(spell))
    project.write(spell, CHAT[language].replace("Tell of tea", "Tell of coffee"))
    done = project.replay("last", spell)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == f"{spell}:1: the recording has no answer for this llm of 'openai'"
    assert "  hint: nearest recorded request:" in lines
    assert any(line.startswith("-") and "Tell of tea" in line for line in lines)
    assert any(line.startswith("+") and "Tell of coffee" in line for line in lines)


def test_a_miss_cannot_be_caught(project: Project) -> None:
    spell = project.write("spell.lua", 'print(pcall(function() return Agent.new("a"):chat("one") end))')
    ok(project.record(spell))
    project.write(spell, 'print(pcall(function() return Agent.new("a"):chat("two") end))')
    done = project.replay("last", spell)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_spell_that_only_prints_more_is_replayed(project: Project, language: str) -> None:
    spell = project.write(f"spell{ENDING[language]}", CHAT[language])
    ok(project.record(spell))
    project.write(
        spell, CHAT[language] + '\nprint("and more")'.replace("print", {"lua": "print"}.get(language, "console.log"))
    )
    assert ok(project.replay("last", spell)) == "You said: Tell of tea\nand more\n"


@pytest.mark.parametrize(
    "text",
    ['Async.all{ function() return Agent.new("a"):chat("one") end }', 'Agent.new("b"):chat("one")', "Async.sleep(1)"],
)
def test_a_spell_that_does_less_is_told_so(project: Project, text: str) -> None:
    two = '{ function() return Agent.new("a"):chat("one") end, function() return Agent.new("b"):chat("two") end }'
    spell = project.write("spell.lua", f'print("first")\nAsync.all{two}\nprint("last")')
    ok(project.record(spell))
    project.write(spell, text)
    began = time.monotonic()
    done = project.replay("last", spell)
    assert done.returncode == 1
    assert "the replay stands still" in done.stderr or "the recording has no answer" in done.stderr
    assert time.monotonic() - began < 20


def test_damaged_recordings_are_told_in_a_line(project: Project) -> None:
    spell = project.write("spell.lua", CHAT["lua"])
    ok(project.record(spell, "--record", "whole.db"))
    whole = (project.folder / "whole.db").read_bytes()
    for name, data in {
        "garbage.db": b"no recording at all",
        "short.db": whole[: len(whole) // 2],
        "empty.db": b"",
        "holed.db": whole[:4096] + bytes(4096) + whole[8192:],
    }.items():
        (project.folder / name).write_bytes(data)
        done = project.replay(name)
        assert done.returncode == 1, name
        assert "Traceback" not in done.stderr and "internal error" not in done.stderr
        assert done.stderr.startswith("llmspell: "), done.stderr
    done = project.replay("missing.db")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "llmspell: there is no run file 'missing.db'")


def test_a_changed_answer_is_told_in_a_line(project: Project) -> None:
    spell = project.write("spell.lua", CHAT["lua"])
    ok(project.record(spell, "--record", "changed.db"))
    file = sqlite3.connect(project.folder / "changed.db")
    with file:
        file.execute("UPDATE answers SET output = ? WHERE kind = 'llm'", (b"\xc1\xff",))
    file.close()
    done = project.replay("changed.db")
    assert done.returncode == 1
    assert "the recorded answer for this llm of 'openai' is damaged" in done.stderr


def test_a_run_that_kept_no_content_says_so(project: Project) -> None:
    spell = project.write("spell.lua", CHAT["lua"])
    project.write("llmspell.toml", "[trace]\ncontent = false\n")
    assert project.record(spell, "--record", "x.db").returncode == 2
    ok(project.record(spell))
    done = project.replay("last")
    assert done.returncode == 1
    assert "kept no content, so it cannot be replayed" in done.stderr
    assert "content = true" in done.stderr


# -- runs that did not end well ------------------------------------------------------------------------------------


FAILING = {
    "error": ('Agent.new("a"):chat("one") error("no more")', 'await new Agent("a").chat("one"); throw new Error("no more");', (), 1),
    "max-calls": (
        'local ok = pcall(function() Agent.new("a"):chat("one") Agent.new("a"):chat("two") end)',
        'try { await new Agent("a").chat("one"); await new Agent("a").chat("two"); } catch {}',
        ("--max-calls", "1"),
        3,
    ),
    "wall": ('Agent.new("a"):chat("hang")', 'await new Agent("a").chat("hang");', ("--wall-seconds", "0.5"), 3),
    "cpu": (
        'Agent.new("a"):chat("one") while true do end',
        'await new Agent("a").chat("one"); for (;;) {}',
        ("--cpu-seconds", "0.5"),
        3,
    ),
    "memory": (
        'Agent.new("a"):chat("one") local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end',
        'await new Agent("a").chat("one"); const t = []; for (;;) t.push(new Array(1e5).fill(t.length));',
        (),
        3,
    ),
    "timeout": (
        'Agent.new{ name = "a", timeout = 50, retries = 0 }:chat("hang")',
        'await new Agent({ name: "a", timeout: 50, retries: 0 }).chat("hang");',
        (),
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", FAILING)
def test_a_run_that_failed_fails_again(project: Project, language: str, way: str) -> None:
    lua, javascript, arguments, code = FAILING[way]
    text = {"lua": lua, "javascript": javascript}[language]
    recorded = project.record(project.write(f"spell{ENDING[language]}", text), *arguments)
    assert recorded.returncode == code, recorded.stderr
    began = time.monotonic()
    replayed = project.replay("last")
    assert (replayed.returncode, replayed.stdout, replayed.stderr) == (code, recorded.stdout, recorded.stderr)
    assert time.monotonic() - began < 10
    one, other = map(project.lines, project.runs)
    assert one == other


def test_an_interrupted_run_is_interrupted_again(project: Project, language: str) -> None:
    waits = {"lua": 'a:chat("hang")', "javascript": 'await a.chat("hang");'}[language]
    made = {"lua": 'local a = Agent.new("a")', "javascript": 'const a = new Agent("a");'}[language]
    spell = project.write(f"spell{ENDING[language]}", f"{made}\n{waits}")
    running = start(project, spell)
    while not project.server.requests:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (130, "", "llmspell: interrupted\n")
    replayed = project.replay("last")
    assert (replayed.returncode, replayed.stdout, replayed.stderr) == (130, "", "llmspell: interrupted\n")
    one, other = map(project.lines, project.runs)
    assert one == other
    assert [line[2] for line in one][-2:] == ["execution_completed", "spell_completed"]


def test_a_lost_run_is_replayed_as_far_as_it_went(project: Project, language: str) -> None:
    text = {
        "lua": 'local a = Agent.new("a")\nfor i = 1, 3 do print(a:chat("hello " .. i)) end\na:chat("hang")',
        "javascript": """
        const a = new Agent("a");
        for (const i of [1, 2, 3]) console.log(await a.chat(`hello ${i}`));
        await a.chat("hang");
        """,
    }
    spell = project.write(f"spell{ENDING[language]}", text[language])
    running = start(project, spell)
    while len(project.server.requests) < 4:
        time.sleep(0.01)
    while not [line for line in project.lines("last") if "hang" in str(line[8])]:
        time.sleep(0.01)  # until the last batch is committed
    running.kill()
    running.communicate(timeout=30)
    events = project.lines("last")
    replayed = project.replay("last")
    assert replayed.returncode == 1
    assert replayed.stderr.splitlines()[0].endswith("the recording ends here: its run was lost before it had ended")
    assert replayed.stdout == "".join(f"You said: hello {i}\n" for i in (1, 2, 3))
    assert project.lines(project.runs[1])[: len(events)] == events


def start(project: Project, spell: str) -> subprocess.Popen[str]:
    import os
    import sys

    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(project.folder),
        "TMPDIR": str(project.folder),
        "OPENAI_API_BASE": project.server.openai_url,
        "OPENAI_API_KEY": "k",
        "LLMSPELL_DEFAULT_MODEL": "openai/test",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "llmspell", "run", spell],
        cwd=project.folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_secrets_are_hidden_in_a_recording_and_do_not_stand_in_its_way(project: Project) -> None:
    """What a tool gave, the model was asked with, and the spell was told."""
    secret = "oolong-" + "0123456789" * 2
    spell = project.write(
        "spell.lua",
        """
        local found = EnvironmentTool.new():execute{ operation = "get", name = "TEA_TOKEN" }
        local shape = "sk-" .. ("abcd"):rep(6)
        return { Agent.new("a"):chat("find " .. JSON.stringify(found)), Agent.new("a"):chat(shape), os.getenv("TEA_TOKEN") }
        """,
    )
    printed = ok(project.record(spell, "--allow-env", "TEA_TOKEN", TEA_TOKEN=secret))
    assert printed.count(secret) == 2
    assert secret.encode() not in project.file("last").read_bytes()
    assert ok(project.replay("last")) == printed.replace(secret, "***").replace("sk-" + "abcd" * 6, "***")


def test_a_replay_keeps_no_secret_of_its_own_host(project: Project) -> None:
    """A recording may be somebody else's, and hold in the clear what is a secret here."""
    secret = "oolong-" + "0123456789" * 2
    spell = project.write("spell.lua", 'return Agent.new("a"):chat("hello " .. params.name)')
    printed = ok(project.record(spell, "--param", f"name={secret}"))
    assert secret.encode() in project.file("last").read_bytes()
    assert ok(project.run("--replay", "last", TEA_TOKEN=secret)) == printed
    _, replay = project.runs
    assert secret.encode() not in project.file(replay).read_bytes()
    assert ok(project.replay(replay)) == printed.replace(secret, "***")


@pytest.mark.soak
async def test_a_recorded_call_costs_at_most_a_fifth_of_a_millisecond(tmp_path: Path) -> None:
    """In the best of some replays of a thousand calls, so that a busy machine does not matter."""
    from llmspell.engines import values
    from llmspell.runtime import Asking, Runtime, Spell
    from llmspell.traces.recording import Recording

    calls = 1000
    spell = Spell.of(f'for i = 1, {calls} do Cache.get("k" .. i) end', "lua")
    nothing = Spell.of("return 1", "lua")
    async with Runtime(environ={"HOME": str(tmp_path)}) as runtime:

        async def took(spell: Spell, replay: Recording | None) -> float:
            began = time.perf_counter()
            (await runtime.start(spell, Asking(replay=replay)).result()).unwrap()
            return time.perf_counter() - began

        started = runtime.start(spell, Asking())
        (await started.result()).unwrap()
        assert started.store is not None
        path = started.store.path
        start = min([await took(nothing, None) for _ in range(7)])
        least = min([await took(spell, Recording.load(path, values.unpack)) for _ in range(7)])
    assert (least - start) / calls < 0.2e-3
