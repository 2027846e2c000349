"""The command tool runs what is allowed, as words and never as shell text, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, TimeoutError, ToolError
from llmspell.tools.system.shell_command import ShellCommandTool

pytestmark = pytest.mark.mission(109)

KNOWN = (
    "metacharacters", "quoted_text_is_text", "not_allowed", "options_cannot_widen", "path_instead_of_program",
    "argument_injection", "closed_file_as_argument", "environment_leak", "loader_variables", "background_children",
    "children_in_their_own_session", "time_out", "cancelled", "host_dies", "flood", "truncated", "unread_stdin",
    "folder_outside", "unknown_program", "signals", "shell_needs_both", "nul", "interrupt_ignored",
)  # fmt: skip


def running(tag: str) -> list[int]:
    """Processes that have `tag` in their command line."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if tag in (folder / "cmdline").read_text() and state != "Z":
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


async def gone(tag: str) -> bool:
    """Whether no process with the tag is left, given the kernel some time to end those it has killed."""
    for _ in range(100):
        if not running(tag):
            return True
        await asyncio.sleep(0.02)
    return False


def waiting(tag: str) -> str:
    """A Python program that waits for long, with the tag in its command line."""
    return f"{sys.executable} -c 'import time; time.sleep(600)' {tag}"


@pytest.fixture
def tag() -> str:
    return f"tag-{uuid.uuid4().hex}"


async def test_runs_words(call: Any) -> None:
    found = await call(ShellCommandTool, {"command": "printf '%s|' a 'b c' \"d\""}, exec=["printf"])
    assert found == {"stdout": "a|b c|d|", "stderr": "", "exit_code": 0, "truncated": False}
    found = await call(ShellCommandTool, {"command": "printf", "args": ["%s|", "$HOME", "*", "a;b"]}, exec=["printf"])
    assert found["stdout"] == "$HOME|*|a;b|"
    found = await call(ShellCommandTool, {"command": "cat", "stdin": "hello"}, exec=["cat"])
    assert found["stdout"] == "hello"
    assert (await call(ShellCommandTool, {"command": "ls nothing"}, exec=["ls"]))["exit_code"] == 2


@pytest.mark.parametrize(
    "command",
    ["echo a; id", "echo a | id", "echo a && id", "echo a & id", "echo $(id)", "echo `id`", "echo a > b", "cat < a",
     "echo $HOME", "echo a\nid", "echo a\rid", "(id)", 'echo "$(id)"', 'echo "`id`"', 'echo "$HOME"', "ls *",
     "ls ?", "ls [a]",
     "echo {a,b}", "ls ~", "ls ~root", "echo a\\\nid", "echo 'open", 'echo "a\\"$(id)"', ";", "|id", "a&"],
)  # fmt: skip
async def test_metacharacters(call: Any, project: Path, command: str) -> None:
    with pytest.raises(ToolError) as caught:
        await call(ShellCommandTool, {"command": command}, exec=["*"])
    assert caught.value.hint
    assert not (project / "b").exists()


async def test_quoted_text_is_text(call: Any) -> None:
    found = await call(ShellCommandTool, {"command": "printf %s 'a;b|c&d$(e)`f`*'"}, exec=["printf"])
    assert found["stdout"] == "a;b|c&d$(e)`f`*"
    assert (await call(ShellCommandTool, {"command": 'printf %s "a;b" c\\;d a~b'}, exec=["printf"]))[
        "stdout"
    ] == "a;bc;da~b"


async def test_not_allowed(call: Any) -> None:
    with pytest.raises(PermissionDenied) as caught:
        await call(ShellCommandTool, {"command": "ls -l"})
    assert '--allow-exec "ls"' in caught.value.hint


async def test_options_cannot_widen(call: Any) -> None:
    with pytest.raises(PermissionDenied):
        await call(ShellCommandTool, {"command": "id"}, options={"allowed_commands": ["*"]}, exec=["ls"])
    with pytest.raises(PermissionDenied, match="leave it out"):
        await call(ShellCommandTool, {"command": "id"}, options={"allowed_commands": ["ls"]}, exec=["*"])


async def test_path_instead_of_program(call: Any, project: Path) -> None:
    (project / "ls").write_text("#!/bin/sh\necho evil\n")
    (project / "ls").chmod(0o755)
    assert "evil" not in (await call(ShellCommandTool, {"command": "ls"}, exec=["ls"]))["stdout"]
    for command in ("./ls", "/bin/ls", "output/../ls"):
        with pytest.raises(PermissionDenied):
            await call(ShellCommandTool, {"command": command}, exec=["ls"])


@pytest.mark.parametrize(
    "args",
    [["-c", "print(1)"], ["./scripts/../evil.py"], ["-m", "x", "./scripts/a.py"], ["./scripts/a.py", "more"], []],
)
async def test_argument_injection(call: Any, args: list[str]) -> None:
    with pytest.raises(PermissionDenied):
        await call(ShellCommandTool, {"command": "python3", "args": args}, exec=["python3 ./scripts/*.py"])


async def test_closed_file_as_argument(call: Any, project: Path) -> None:
    (project / ".env").write_text("KEY=1")
    for command in (
        "cat .env",
        "cat ./output/../.env",
        "cat /proc/self/environ",
        "grep -f.env x",
        "dd if=.env",
        "cat .git/config",
    ):
        with pytest.raises(PermissionDenied, match="closed"):
            await call(ShellCommandTool, {"command": command}, exec=["*"])


async def test_environment_leak(call: Any) -> None:
    environ = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": "secret", "APP_MODE": "test", "LD_PRELOAD": "/evil.so"}
    found = await call(ShellCommandTool, {"command": "env"}, options={"env": {"GIVEN": "1"}}, exec=["env"],
                       environ=environ, env=["APP_*", "LD_*"])  # fmt: skip
    names = {line.partition("=")[0] for line in found["stdout"].splitlines()}
    assert names - {"LC_ALL", "TZ", "TERM", "LC_CTYPE"} == {"PATH", "HOME", "TMPDIR", "LANG", "APP_MODE", "GIVEN"}


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "BASH_ENV", "PYTHONPATH", "NODE_OPTIONS", "A=B", "", "A\0"])
async def test_loader_variables(call: Any, name: str) -> None:
    with pytest.raises(ToolError, match="variable"):
        await call(ShellCommandTool, {"command": "env"}, options={"env": {name: "x"}}, exec=["env"])


async def test_background_children(call: Any, tag: str) -> None:
    found = await call(
        ShellCommandTool, {"command": f"{waiting(tag)} & echo done"}, options={"shell": True}, exec=["sh"]
    )
    assert found["stdout"] == "done\n"
    assert await gone(tag)


async def test_children_in_their_own_session(call: Any, tag: str) -> None:
    command = f"(setsid env -i {waiting(tag)} >/dev/null 2>&1 &) ; (setsid nohup {waiting(tag)} &) ; echo done"
    found = await call(ShellCommandTool, {"command": command}, options={"shell": True}, exec=["sh"])
    assert found["stdout"] == "done\n"
    assert await gone(tag)


async def test_time_out(call: Any, tag: str) -> None:
    started = time.monotonic()
    command = {"command": f"echo first; setsid {waiting(tag)} & {waiting(tag)}", "timeout": 500}
    with pytest.raises(TimeoutError, match="500 ms") as caught:
        await call(ShellCommandTool, command, options={"shell": True}, exec=["sh"])
    assert time.monotonic() - started < 5
    assert caught.value.data["stdout"] == "first\n"
    assert await gone(tag)


async def test_interrupt_ignored(call: Any, tag: str) -> None:
    program = "import signal,time\nfor n in (1,2,15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(600)"
    with pytest.raises(TimeoutError):
        await call(
            ShellCommandTool, {"command": sys.executable, "args": ["-c", program, tag], "timeout": 300}, exec=["*"]
        )
    assert await gone(tag)


async def test_cancelled(call: Any, tag: str, project: Path) -> None:
    ready = project / "output/ready"
    command = f"touch {ready}; {waiting(tag)}"
    task = asyncio.create_task(call(ShellCommandTool, {"command": command}, options={"shell": True}, exec=["sh"]))
    while not ready.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(tag)


async def test_host_dies(tag: str, project: Path) -> None:
    """kill -9 of the host ends the command and its children."""
    ready = project / "ready"
    line = f"setsid {waiting(tag)} & touch {ready}; {waiting(tag)}"
    program = textwrap.dedent(f"""
        import asyncio, os
        from pathlib import Path
        from llmspell.security.permissions import Permissions
        from llmspell.tools.base import ToolContext
        from llmspell.tools.system.shell_command import ShellCommandOptions, ShellCommandTool
        folder = Path({str(project)!r})
        context = ToolContext(Permissions.grant(folder, read=["."], exec=["sh"]), folder, folder, dict(os.environ))
        tool = ShellCommandTool(ShellCommandOptions(shell=True))
        asyncio.run(tool.perform({{"command": {line!r}}}, context))
    """)
    host = subprocess.Popen([sys.executable, "-c", program])
    try:
        while not ready.exists():
            assert host.poll() is None
            await asyncio.sleep(0.01)
    finally:
        host.send_signal(signal.SIGKILL)
        host.wait()
    assert await gone(tag)


async def test_flood(call: Any, tag: str) -> None:
    started = time.monotonic()
    with pytest.raises(ToolError, match="printed more"):
        await call(ShellCommandTool, {"command": "yes", "args": [tag]}, options={"max_output_size": 1000}, exec=["yes"])
    assert time.monotonic() - started < 4
    assert await gone(tag)


async def test_truncated(call: Any) -> None:
    params = {"command": sys.executable, "args": ["-c", "print('x' * 3000)"]}
    found = await call(ShellCommandTool, params, options={"max_output_size": 1000}, exec=["*"])
    assert (len(found["stdout"]), found["truncated"], found["exit_code"]) == (1000, True, 0)


async def test_unread_stdin(call: Any) -> None:
    assert (await call(ShellCommandTool, {"command": "true", "stdin": "x" * 3_000_000}, exec=["true"]))[
        "exit_code"
    ] == 0


async def test_folder_outside(call: Any, project: Path) -> None:
    (project / "link").symlink_to("/etc")
    for folder in ("/etc", "..", "link"):
        with pytest.raises(PermissionDenied, match="may not read"):
            await call(ShellCommandTool, {"command": "ls", "working_directory": folder}, exec=["ls"])
    found = await call(ShellCommandTool, {"command": "pwd"}, options={"working_directory": "output"}, exec=["pwd"])
    assert found["stdout"].strip() == str(project / "output")


async def test_unknown_program(call: Any, project: Path) -> None:
    (project / "noexec").write_text("x")
    for command in ("no-such-program", "./noexec", "./missing", "./output"):
        with pytest.raises(ToolError):
            await call(ShellCommandTool, {"command": command}, exec=["*"])


async def test_signals(call: Any) -> None:
    found = await call(ShellCommandTool, {"command": "kill -TERM $$"}, options={"shell": True}, exec=["sh"])
    assert found["exit_code"] == 128 + signal.SIGTERM


async def test_shell_needs_both(call: Any) -> None:
    with pytest.raises(PermissionDenied):
        await call(ShellCommandTool, {"command": "echo a | cat"}, options={"shell": True}, exec=["echo", "cat"])
    with pytest.raises(ToolError, match="pipe"):
        await call(ShellCommandTool, {"command": "echo a | cat"}, exec=["sh", "*"])
    found = await call(ShellCommandTool, {"command": "echo a | cat"}, options={"shell": True}, exec=["sh -c *"])
    assert found["stdout"] == "a\n"


async def test_nul(call: Any) -> None:
    for params in ({"command": "echo a\0b"}, {"command": "echo", "args": ["a\0b"]}):
        with pytest.raises(LlmspellError, match="NUL"):
            await call(ShellCommandTool, params, exec=["*"])


async def test_loop_is_not_blocked(call: Any, unblocked: None) -> None:
    assert (await call(ShellCommandTool, {"command": "echo a"}, exec=["echo"]))["stdout"] == "a\n"


def test_table_is_full() -> None:
    empty = [abuse for abuse in KNOWN if f"test_{abuse}" not in globals()]
    print("without a test:", empty)
    assert empty == []
