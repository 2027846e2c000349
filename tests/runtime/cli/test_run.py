"""`llmspell run` as a person meets it: exit codes, what goes to which stream, limits, signals, and odd files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ENDING = {"lua": ".lua", "javascript": ".js"}
HI = "(offline model) You said: hi"
Languages = pytest.mark.parametrize("language", ENDING)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "llmspell", "run", *arguments]


def environ(cwd: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(cwd), "PATH": os.environ["PATH"], **more}


def run(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environ(cwd, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def spell(tmp_path: Path) -> Callable[..., str]:
    """`spell(lua="…")` or `spell(javascript="…")` writes a file and gives its name."""
    (tmp_path / "llmspell.toml").touch()

    def write(**texts: str) -> str:
        [(language, text)] = texts.items()
        name = f"spell{ENDING[language]}"
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


Write = Callable[..., str]


def processes_of(folder: Path) -> list[int]:
    """Living processes that run in a folder: hosts, zygotes and workers of a test."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                state = (process / "stat").read_text().rpartition(") ")[2][:1]
                found += [int(process.name)] if state not in "ZX" else []
        except OSError:  # it has just ended
            continue
    return found


def nobody_left(folder: Path) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not processes_of(folder):
            return True
        time.sleep(0.01)
    return False


# -- exit codes ----------------------------------------------------------------------------------------------------


@Languages
def test_0_done(spell: Write, tmp_path: Path, language: str) -> None:
    done = run(spell(**{language: "return 1 + 1"}), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("lua", '\nerror("no tea")', "spell.lua:2: no tea\n  at spell.lua:2: in main chunk\n"),
        ("javascript", '\nthrow new Error("no tea")', "spell.js:2: no tea\n"),
        ("lua", "return )", "spell.lua:1: unexpected symbol near ')'\n"),
        ("javascript", "return )", "spell.js:1: "),
        ("lua", 'Agent.new{ nam = "x" }', "did you mean"),
        ("javascript", 'Promise.reject(new Error("nobody hears"))', "nobody hears"),
        ("lua", 'Cache.get_async("x", function() error("late") end)', "spell.lua:1: late"),
        ("javascript", 'setTimeout(() => { throw new Error("late") }, 1)', "spell.js:1: late"),
        ("lua", 'eventBus.on("tea", function() error("heard") end) eventBus.emit("tea") Async.sleep(1)', "heard"),
    ],
)
def test_1_the_spell_failed(spell: Write, tmp_path: Path, language: str, text: str, said: str) -> None:
    done = run(spell(**{language: text}), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.startswith(("spell.lua:", "spell.js:"))
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which spell?"),
        (("missing.lua",), "'missing.lua' cannot be read: No such file or directory"),
        (("notes.txt",), "'notes.txt' is not a spell"),
        ((".",), "'.' holds no spell"),
        (("-",), "a spell is a file, not standard input"),
        (("binary.lua",), "'binary.lua' is not UTF-8 text (byte 1)"),
        (("huge.js",), "'huge.js' is 8.0 MB, too long for a spell"),
        (("pipe.lua",), "'pipe.lua' is not a file"),
        (("ok.lua", "--param", "topic"), "--param 'topic' is not NAME=VALUE"),
        (("ok.lua", "--input", "{"), "--input is not JSON"),
        (("ok.lua", "--input", "[" * 100_000), "--input is not JSON"),
        (("ok.lua", "--input", "[]", "--param", "a=1"), "--param needs --input to be a JSON object"),
        (("ok.lua", "--record", "no/such/folder/file"), "--record cannot write 'no/such/folder/file'"),
        (("ok.lua", "--memory-mb", "lots"), "--memory-mb"),
        (("ok.lua", "--jsn"), "did you mean --json?"),
        (("--watch", "--replay", "last"), "which spell?"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_2_wrong_use(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "ok.lua").write_text("return 1")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "binary.lua").write_bytes(b"-\xff\xfe\x00")
    (tmp_path / "huge.js").write_bytes(b" " * (8 * 1024 * 1024 + 1))
    os.mkfifo(tmp_path / "pipe.lua")
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".local").exists(), "nothing was run"


LIMITS = {
    "wall": (("--wall-seconds", "0.3"), "Async.sleep(60000)", "await Async.sleep(60000)"),
    "cpu": (("--cpu-seconds", "0.3"), "while true do end", "while (true) {}"),
    "memory": (
        ("--memory-mb", "32"),
        'local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end',
        'const t = []; while (true) t.push("x".repeat(1e6) + t.length)',
    ),
    "calls": (
        ("--max-calls", "1"),
        'local a = Agent.new("a") a:chat("1") pcall(a.chat, a, "2") print("caught")',
        'const a = new Agent("a"); await a.chat("1"); try { await a.chat("2") } catch {} console.log("caught")',
    ),
    "output": ((), "while true do print(('x'):rep(1e6)) end", "while (true) console.log('x'.repeat(1e6))"),
    "in_flight": (
        (),
        "local all = {} for i = 1, 1100 do all[i] = function() Async.sleep(60000) end end Async.all(all)",
        "await Promise.all(Array.from({ length: 1100 }, () => Async.sleep(60000)))",
    ),
}


@Languages
@pytest.mark.parametrize("limit", LIMITS)
def test_3_a_limit_stopped_it(spell: Write, tmp_path: Path, language: str, limit: str) -> None:
    arguments, lua, javascript = LIMITS[limit]
    name = spell(**{language: {"lua": lua, "javascript": javascript}[language]})
    model = {"LLMSPELL_DEFAULT_MODEL": "offline/automatic"}
    done = run(name, "--json", *arguments, cwd=tmp_path, **model)
    assert done.returncode == 3, done.stderr[-2000:]
    outcome = json.loads(done.stdout)
    assert (outcome["error"]["type"], outcome["error"]["data"]["limit"]) == ("limit", limit)
    assert "caught" not in done.stderr
    [told] = [line for line in done.stderr.splitlines() if outcome["error"]["message"] in line]
    if limit not in ("cpu", "memory"):  # where no call has been made the line is not known
        assert told.startswith(f"{name}:1: ")
    assert "Traceback" not in done.stderr
    assert nobody_left(tmp_path)


@Languages
def test_a_value_that_is_too_large_is_told_with_its_size(spell: Write, tmp_path: Path, language: str) -> None:
    text = {
        "lua": 'Cache.set("x", ("x"):rep(20 * 1024 * 1024))',
        "javascript": 'await Cache.set("x", "x".repeat(20 * 1024 * 1024))',
    }[language]
    done = run(spell(**{language: text}), cwd=tmp_path)
    assert done.returncode in (1, 3)
    assert "a value of 20.0 MB" in done.stderr.splitlines()[0]


@Languages
def test_4_no_model_could_be_reached(spell: Write, tmp_path: Path, language: str) -> None:
    text = {
        "lua": 'Agent.new{ name = "a", retries = 0 }:chat("x")',
        "javascript": 'await new Agent({ name: "a", retries: 0 }).chat("x")',
    }[language]
    reached = {"LLMSPELL_DEFAULT_MODEL": "openai/x", "OPENAI_API_KEY": "k", "OPENAI_API_BASE": "http://127.0.0.1:9/v1"}
    done = run(spell(**{language: text}), cwd=tmp_path, **reached)
    assert done.returncode == 4
    assert done.stderr.startswith(f"spell{ENDING[language]}:1: ")


@pytest.mark.parametrize(
    ("language", "text", "number", "said"),
    [
        ("lua", 'print("begun") Async.sleep(60000)', signal.SIGINT, "interrupted"),
        ("lua", 'print("begun") Async.sleep(60000)', signal.SIGTERM, "terminated"),
        ("lua", 'print("begun") Async.sleep(60000)', signal.SIGHUP, "its terminal was closed"),
        ("lua", 'print("begun") while true do end', signal.SIGINT, "interrupted"),
        ("javascript", 'console.log("begun"); while (true) {}', signal.SIGTERM, "terminated"),
        ("javascript", 'console.log("begun"); await Async.sleep(60000)', signal.SIGINT, "interrupted"),
    ],
)
def test_130_a_signal_cancels_it(
    spell: Write, tmp_path: Path, language: str, text: str, number: signal.Signals, said: str
) -> None:
    name = spell(**{language: text})
    with subprocess.Popen(
        command(name), cwd=tmp_path, env=environ(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == "begun\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (130, "", f"llmspell: {said}\n")
    shown = subprocess.run(
        [sys.executable, "-m", "llmspell", "trace", "list", "--json"],
        cwd=tmp_path,
        env=environ(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [meta["status"] for meta in json.loads(shown.stdout)] == ["cancelled"]
    assert nobody_left(tmp_path)


def test_a_second_interrupt_does_not_wait(spell: Write, tmp_path: Path) -> None:
    """Ctrl-C twice, the second one while the first is still being heeded or at any later moment."""
    name = spell(lua='print("begun") Async.sleep(60000)')
    with subprocess.Popen(
        command(name), cwd=tmp_path, env=environ(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == "begun\n"
        running.send_signal(signal.SIGINT)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert nobody_left(tmp_path)


# -- what goes where -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown", "as_json"),
    [
        ("nil", "", None),
        ("true", "true\n", True),
        ("7", "7\n", 7),
        ("1.5", "1.5\n", 1.5),
        ("'tea'", "tea\n", "tea"),
        ("1e300 * 1e10", "inf\n", {"number": "inf"}),
        ("0/0", "nan\n", {"number": "nan"}),
        ("{ 'a', 'b' }", '[\n  "a",\n  "b"\n]\n', ["a", "b"]),
        ("{ tea = { 'é' } }", '{\n  "tea": [\n    "é"\n  ]\n}\n', {"tea": ["é"]}),
        ("Agent.new('a'):execute('hi')", f"{HI}\n", HI),
        ("{ Agent.new('a'):execute('hi') }", f'[\n  "{HI}"\n]\n', [HI]),
        ("Agent.new('a')", '{\n  "object": "Agent"\n}\n', {"object": "Agent"}),
        ("'\\xff'", '{\n  "bytes": 1,\n  "base64": "/w=="\n}\n', {"bytes": 1, "base64": "/w=="}),
    ],
)
def test_a_result_as_text_and_as_json(spell: Write, tmp_path: Path, text: str, shown: str, as_json: object) -> None:
    name = spell(lua=f'print("printed") return {text}')
    model = {"LLMSPELL_DEFAULT_MODEL": "offline/automatic"}
    done = run(name, cwd=tmp_path, **model)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"printed\n{shown}", "")
    done = run(name, "--json", cwd=tmp_path, **model)
    assert (done.returncode, done.stderr) == (0, "printed\n")
    outcome = json.loads(done.stdout)
    assert outcome["result"] == as_json
    assert set(outcome) == {"result", "run", "usage"}


def test_javascript_values_as_json_writes_them(spell: Write, tmp_path: Path) -> None:
    name = spell(
        javascript="""return { map: new Map([["a", 1]]), odd: new Map([[1, 2]]), set: new Set([1, 2]), date: new Date(0),
          never: new Date(NaN), big: 2n ** 64n, bytes: new Uint8Array([255]), nothing: undefined, fn() {} }"""
    )
    assert json.loads(run(name, "--json", cwd=tmp_path).stdout)["result"] == {
        "map": {"a": 1},
        "odd": [[1, 2]],
        "set": [1, 2],
        "date": "1970-01-01T00:00:00.000Z",
        "never": None,
        "big": 2**64,
        "bytes": {"bytes": 1, "base64": "/w=="},
        "fn": {"function": ""},
    }


def test_an_error_as_json(spell: Write, tmp_path: Path) -> None:
    done = run(spell(lua='error({ type = "tea", message = "none left" })'), "--json", cwd=tmp_path)
    assert done.returncode == 1
    outcome = json.loads(done.stdout)
    assert outcome["error"]["message"] == "none left"
    assert set(outcome) == {"error", "run", "usage"}


def test_params(spell: Write, tmp_path: Path) -> None:
    name = spell(lua="return params")
    given = [
        "--input",
        '{"a": 1, "b": 2}',
        "--param",
        "b=3",
        "--param",
        "c=x y",
        "--param",
        "d=[true]",
        "--param",
        "e=",
    ]
    done = run(name, "--json", *given, "--param", "f=NaN", cwd=tmp_path)
    assert json.loads(done.stdout)["result"] == {"a": 1, "b": 3, "c": "x y", "d": [True], "e": "", "f": "NaN"}
    assert run(name, "--input", '["tea"]', cwd=tmp_path).stdout == '[\n  "tea"\n]\n'


@Languages
def test_odd_texts_are_spells_too(tmp_path: Path, language: str) -> None:
    says = {"lua": 'print("said")', "javascript": 'console.log("said")'}[language]
    name = f"spell{ENDING[language]}"
    for data in (
        f"\ufeff{says}".encode(),
        f"{says}\r\n{says[:0]}\r\n".encode(),
        f"#!/usr/bin/env llmspell run\n{says}".encode(),
    ):
        (tmp_path / name).write_bytes(data)
        done = run(name, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "said\n", "")
    (tmp_path / name).write_bytes(b"")
    assert (run(name, cwd=tmp_path).returncode, run(name, cwd=tmp_path).stdout) == (0, "")
    done = run(".", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reader_that_leaves_ends_the_run(spell: Write, tmp_path: Path) -> None:
    name = spell(lua='for i = 1, 1e9 do print("line " .. i) end')
    with subprocess.Popen(
        command(name), cwd=tmp_path, env=environ(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        assert running.stdout.readline() == "line 1\n"
        running.stdout.close()
        assert running.wait(30) == 141
        assert running.stderr.read() == ""
    assert nobody_left(tmp_path)


@pytest.mark.parametrize("text", ['print("tea")', 'return "tea"'])
def test_a_full_disk_is_told_in_a_line(spell: Write, tmp_path: Path, text: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(spell(lua=text)),
            cwd=tmp_path,
            env=environ(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "llmspell: standard output cannot be written: No space left on device"
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(spell: Write, tmp_path: Path, closed: str) -> None:
    name = spell(lua='print("tea") console = 1 return Cache.get("x")')
    line = f'exec "{sys.executable}" -m llmspell run {name} {closed}'
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environ(tmp_path), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if ">&-" in closed.replace("2>&-", "") else "tea\n")


def test_a_data_folder_that_cannot_be_written_stops_no_run(spell: Write, tmp_path: Path) -> None:
    (tmp_path / ".llmspell").touch()
    done = run(spell(lua='return "tea"'), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "tea\n")
    assert done.stderr.startswith("llmspell: this run is not being recorded: ")
    assert len(done.stderr.splitlines()) == 1
    done = run("spell.lua", "--record", "copy.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "tea\n")
    assert done.stderr.splitlines()[1] == "llmspell: nothing can be written to 'copy.db': the run was not recorded"


# -- what a spell sees ---------------------------------------------------------------------------------------------


def test_a_spell_sees_no_variable_but_those_allowed(spell: Write, tmp_path: Path) -> None:
    given = {"OPENAI_API_KEY": "sk-very-secret-indeed", "TEA": "oolong", "LLMSPELL_X": "1"}
    name = spell(lua='return { os.getenv("OPENAI_API_KEY"), os.getenv("PATH"), os.getenv("HOME"), os.getenv("TEA") }')
    assert run(name, "--allow-env", "TEA", cwd=tmp_path, **given).stdout.strip() == '{\n  "4": "oolong"\n}'
    name = spell(javascript="return [Object.keys(process.env), process.env.OPENAI_API_KEY ?? null, process.env.TEA]")
    shown = run(name, "--json", "--allow-env", "TEA", cwd=tmp_path, **given).stdout
    assert json.loads(shown)["result"] == [["TEA"], None, "oolong"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_worker_holds_none_of_the_hosts_secrets(spell: Write, tmp_path: Path) -> None:
    """Neither in its environment nor anywhere in its memory."""
    secret = "sk-" + "never-in-the-worker" * 2
    name = spell(lua='print("begun") Async.sleep(60000)')
    with subprocess.Popen(
        command(name),
        cwd=tmp_path,
        env=environ(tmp_path, OPENAI_API_KEY=secret),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == "begun\n"
        others = [process for process in processes_of(tmp_path) if process != running.pid]
        assert len(others) == 2, "a zygote and a worker"
        for process in others:
            assert secret.encode() not in Path(f"/proc/{process}/environ").read_bytes()
            assert secret.encode() not in memory_of(process)
        assert secret.encode() in memory_of(running.pid)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)


def memory_of(process: int) -> bytes:
    """What the process can write to. Skips where it may not be read."""
    found = bytearray()
    try:
        with Path(f"/proc/{process}/maps").open() as maps, Path(f"/proc/{process}/mem").open("rb", 0) as memory:
            for line in maps:
                (
                    span,
                    rights,
                    *_,
                ) = line.split()
                first, last = (int(end, 16) for end in span.split("-"))
                if rights.startswith("rw") and "[v" not in line:
                    try:
                        memory.seek(first)
                        found += memory.read(last - first)
                    except OSError:
                        continue
    except PermissionError:
        pytest.skip("the memory of other processes cannot be read here")
    return bytes(found)


def test_a_running_spell_can_be_followed(spell: Write, tmp_path: Path) -> None:
    name = spell(lua='print("begun") for i = 1, 1e9 do Async.sleep(20) print("tick") end')
    with subprocess.Popen(
        command(name), cwd=tmp_path, env=environ(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == "begun\n"
        with subprocess.Popen(
            [sys.executable, "-m", "llmspell", "trace", "follow", "last", "--json"],
            cwd=tmp_path,
            env=environ(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        ) as follower:
            assert follower.stdout is not None
            heard = [json.loads(follower.stdout.readline()) for _ in range(5)]
            running.send_signal(signal.SIGINT)
            rest = [json.loads(line) for line in follower.stdout]
            assert follower.wait(30) == 0
        running.communicate(timeout=30)
    assert [event["seq"] for event in heard + rest] == list(range(1, len(heard + rest) + 1))
    assert heard[0]["kind"] == "spell_started"
    assert rest[-1]["kind"] == "spell_completed"


def test_a_fault_of_ours_is_a_line_and_with_debug_a_traceback(spell: Write, tmp_path: Path) -> None:
    (tmp_path / "breaking.py").write_text(
        "from llmspell.library.cache import Cache\n"
        "async def broken(self, key, default=None):\n    raise KeyError('our fault')\n"
        "broken.__dict__.update(Cache.get.__dict__)\nCache.get = broken\n"
        "from llmspell.cli.main import main\nimport sys\nsys.exit(main(sys.argv[1:]))\n"
    )
    name = spell(lua='Cache.get("x")')
    for debug in ((), ("--debug",)):
        done = subprocess.run(
            [sys.executable, "breaking.py", "run", name, *debug],
            cwd=tmp_path,
            env=environ(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "spell.lua:1: internal error in Cache.get: KeyError: 'our fault'" in done.stderr
        assert ("in broken" in done.stderr) == bool(debug)
        assert ("Traceback" in done.stderr) == bool(debug)


@pytest.mark.parametrize(
    ("text", "variables", "arguments", "early"),
    [
        ('print("no", "Agent")', {"OPENAI_API_KEY": "k"}, (), True),
        ('print("none")', {"OPENAI_API_KEY": "k"}, (), False),
        ('print("no", "Agent")', {}, (), False),
        ('print("no", "Agent")', {"LLMSPELL_DEFAULT_MODEL": "offline", "OPENAI_API_KEY": "k"}, (), False),
        ('print("no", "Agent")', {"OPENAI_API_KEY": "k"}, ("--replay", "last"), False),
        ('print("no", "Agent")', {"OPENAI_API_KEY": "k"}, ("--help",), False),
    ],
)
def test_the_http_client_is_loaded_first_where_a_model_will_be_asked(
    spell: Write, tmp_path: Path, text: str, variables: dict[str, str], arguments: tuple[str, ...], early: bool
) -> None:
    code = (
        "import sys; from llmspell.cli import run; run.prepare(sys.argv[1:]); "
        "print('llmspell.providers.http' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, spell(lua=text), *arguments, "--trusted"],
        cwd=tmp_path,
        env=environ(tmp_path, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"{early}\n"
