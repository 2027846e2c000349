"""A spell that runs at every save: none is lost, what the run writes is none, a wrong text leaves the old run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.tui.saves import STYLES

from llmspell.traces.reader import RunFile
from llmspell_tui.host.session import Began, Passed, Refusal, Session, Trouble
from llmspell_tui.host.wishes import Wishes

if TYPE_CHECKING:
    from conftest import Desk

HELLO = {"lua": 'print("{0}")', "js": 'console.log("{0}");'}
WAITS = {
    "lua": 'print("{0}") Async.sleep(600000)',
    "js": 'console.log("{0}"); await new Promise((done) => setTimeout(done, 600000));',
}


@asynccontextmanager
async def watching(desk: Desk, file: str, *, among: Sequence[str] = (), **wishes: Any) -> AsyncGenerator[Session]:
    session = Session(desk.client, file, Wishes(files=(file, *among), **wishes), desk.hear)
    task = asyncio.create_task(session.watch())
    yield session
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.mission(160)
async def test_a_save_cancels_the_run_and_starts_another(desk: Desk, language: str) -> None:
    file = desk.write(f"a.{language}", WAITS[language].format("one"))
    async with watching(desk, file) as session:
        await desk.until(lambda: "one" in desk.printed)
        desk.write(f"a.{language}", WAITS[language].format("two"))
        await desk.until(lambda: "two" in desk.printed and desk.ended)
        first, second = desk.news
        assert isinstance(first, Began) and isinstance(second, Began)
        assert second.before == first.started.run == desk.ended[0].run
        assert second.saved == (f"a.{language}",) and session.run == second.started.run
        assert desk.ended[0].status == "cancelled"


async def test_a_wrong_text_leaves_the_old_run(desk: Desk, language: str) -> None:
    file = desk.write(f"a.{language}", WAITS[language].format("one"))
    async with watching(desk, file) as session:
        await desk.until(lambda: "one" in desk.printed)
        desk.write(f"a.{language}", "local = 1" if language == "lua" else "const = 1")
        await desk.until(lambda: isinstance(desk.news[-1], Refusal))
        assert (desk.news[-1].line, desk.news[-1].where) == (1, file)
        assert desk.client.runs == (session.run,) and not desk.ended
        desk.write(f"a.{language}", HELLO[language].format("three"))
        await desk.until(lambda: "three" in desk.printed)


async def test_a_file_that_is_gone(desk: Desk) -> None:
    file = desk.write("a.lua", HELLO["lua"].format("one"))
    async with watching(desk, file):
        await desk.until(lambda: "one" in desk.printed)
        os.unlink(file)  # noqa: PTH108
        await desk.until(lambda: isinstance(desk.news[-1], Trouble))
        assert "cannot be read" in desk.news[-1].message
        desk.write("a.lua", HELLO["lua"].format("two"))
        await desk.until(lambda: "two" in desk.printed)


#: Files are written, appended to, moved, removed, by the run and by a command of it.
WRITES = """
local files = FileSystem.new()
local said = files:execute{ operation = "read", path = "prompt.md" }.content
files:execute{ operation = "write", path = "notes.md", content = said .. math.random() }
files:execute{ operation = "append", path = "log.txt", content = said }
files:execute{ operation = "write", path = "draft.md", content = said }
files:execute{ operation = "move", path = "draft.md", destination = "final.md" }
files:execute{ operation = "delete", path = "final.md" }
ShellCommand.new():execute{ command = "sh -c 'echo one >> made.txt'" }
"""


@pytest.mark.mission(160)
async def test_what_a_run_writes_starts_none_and_what_a_person_saves_does(desk: Desk) -> None:
    desk.write("llmspell.toml", '[permissions]\nwrite = ["."]\nexec = ["sh *"]\n')
    desk.write("prompt.md", "one")
    async with watching(desk, desk.write("a.lua", WRITES)):
        for number, name in enumerate(("prompt.md", "notes.md", "prompt.md"), 1):
            await desk.until(lambda number=number: len(desk.ended) == number)
            desk.write(name, f"by hand, {number}")
        await desk.until(lambda: len(desk.ended) == 4)
    assert [ended.status for ended in desk.ended] == ["ok"] * 4
    assert [told.saved for told in desk.news if isinstance(told, Began)] == [
        (),
        ("prompt.md",),
        ("notes.md",),
        ("prompt.md",),
    ]
    assert {told.names for told in desk.news if isinstance(told, Passed)} == {("made.txt",)}


#: A hook file in Python writes in every way there is: while it is loaded, in a thread, in the loop, later.
HOOKED = """
import os, subprocess, tempfile
from pathlib import Path
from llmspell.hooks import hook

log = open("log.txt", "a")
Path("loaded.md").write_text("here")

@hook("before_spell")
def first(context):
    log.write(os.urandom(8).hex())
    log.flush()
    with tempfile.NamedTemporaryFile("w", dir=".", suffix=".md", delete=False) as file:
        file.write(os.urandom(8).hex())
    os.replace(file.name, "notes.md")

@hook("after_spell")
async def last(context):
    with open("last.json", "w") as file:
        file.write(os.urandom(8).hex())
    subprocess.run(["sh", "-c", "echo one >> made.txt"], check=True)
    log.write("not flushed")
"""


@pytest.mark.mission(160)
async def test_what_a_hook_file_in_python_writes_starts_none(desk: Desk, language: str) -> None:
    (desk.folder / "rules").mkdir()
    hooks = desk.write("rules/hooked.py", HOOKED)
    desk.write("other.py", "nobody's")
    file = desk.write(f"a.{language}", HELLO[language].format("one"))
    async with watching(desk, file, flags={"hooks.files": (hooks,)}):
        for number, name in enumerate(("notes.md", "other.py", "last.json", "rules/hooked.py"), 1):
            await desk.until(lambda number=number: len(desk.ended) >= number)
            desk.write(name, HOOKED if name == "rules/hooked.py" else f"by hand, {number}")
            if name == "other.py":
                desk.write("new.md", "by hand")
        await desk.until(lambda: len(desk.ended) == 5)
    assert [ended.status for ended in desk.ended] == ["ok"] * 5
    saved = [told.saved for told in desk.news if isinstance(told, Began)]
    assert saved == [(), ("notes.md",), ("new.md",), ("last.json",), ("hooked.py",)]
    told = {name for told in desk.news if isinstance(told, Passed) for name in told.names}
    assert told <= {"made.txt", "log.txt"}


async def test_a_module_beside_no_spell_is_watched_once_it_is_loaded(desk: Desk) -> None:
    for folder in ("spells", "lib"):
        (desk.folder / folder).mkdir()
    desk.write("lib/notes.md", "there all along")
    desk.write("lib/words.js", 'export const said = "one";')
    file = desk.write("spells/a.js", 'import { said } from "../lib/words.js"; console.log(said);')
    async with watching(desk, file) as session:
        await desk.until(lambda: "one" in desk.printed and desk.folder / "lib" in session.folders)
        desk.write("lib/words.js", 'export const said = "two";')
        await desk.until(lambda: "two" in desk.printed)
    assert [told.saved for told in desk.news] == [(), ("words.js",)]


USES = {
    "lua": 'print("{0} " .. WriterAgent.new {{ name = "w" }}:execute("hello").content) Async.sleep(600000)',
    "js": 'console.log("{0} " + (await new WriterAgent({{ name: "w" }}).execute("hello")).content); await Async.sleep(6e5);',
}


@pytest.mark.mission(160)
async def test_settings_hooks_and_prompts_count_wherever_they_lie(desk: Desk, language: str) -> None:
    """And of what lies beside them nothing does. With settings that are wrong the run before goes on."""
    for folder in ("spells", "rules", "prompts/writer"):
        (desk.folder / folder).mkdir(parents=True)
    hook = 'Hooks.register("before_llm_call", function(context) context.prompt = "{0}" end)'
    rules = desk.write("rules/g.lua", hook.format("first"))
    desk.write("prompts/writer/system.md", "You write.")
    file = desk.write(f"spells/a.{language}", USES[language].format("said"))
    async with watching(desk, file, flags={"hooks.files": (rules,)}) as session:
        await desk.until(lambda: "first" in " ".join(desk.printed))
        desk.write("rules/g.lua", hook.format("second"))
        await desk.until(lambda: "second" in " ".join(desk.printed))
        desk.write("llmspell.toml", "[limits]\ncpu_secods = 9\n")
        await desk.until(lambda: isinstance(desk.news[-1], Trouble))
        assert "llmspell.toml:2: unknown setting limits.cpu_secods" in desk.news[-1].message
        assert desk.client.runs == (session.run,)
        desk.write("notes.md", "of nobody")
        for number, name in enumerate(("llmspell.toml", "prompts/writer/system.md"), 2):
            desk.write(name, "# well")
            await desk.until(lambda number=number: len(desk.ended) == number and len(desk.client.runs) == 1)
    saved = [told.saved for told in desk.news if isinstance(told, Began)]
    assert saved == [(), ("g.lua",), ("llmspell.toml",), ("system.md",)]


async def test_a_save_of_another_spell_of_the_window_is_none_of_this_one(desk: Desk) -> None:
    files = [desk.write(name, HELLO["lua"].format(name)) for name in ("a.lua", "b.lua")]
    async with watching(desk, files[0], among=files):
        await desk.until(lambda: desk.ended)
        desk.write("b.lua", HELLO["lua"].format("other"))
        desk.write("data.json", "{}")
        await desk.until(lambda: len(desk.ended) == 2)
    assert [told.saved for told in desk.news] == [(), ("data.json",)]


async def test_with_the_run_before_as_its_prefix(desk: Desk, language: str) -> None:
    ask = {
        "lua": 'local a = Agent.new{{ name = "a" }} a:execute("one") a:execute("{0}") print("{0}")',
        "js": 'const a = new Agent({{ name: "a" }}); await a.execute("one"); await a.execute("{0}"); console.log("{0}");',
    }[language]
    file = desk.write(f"a.{language}", ask.format("two"))
    async with watching(desk, file, replay_prefix=True):
        await desk.until(lambda: "two" in desk.printed and desk.ended)
        desk.write(f"a.{language}", ask.format("three"))
        await desk.until(lambda: "three" in desk.printed and len(desk.ended) == 2)
    with RunFile(Path(desk.news[-1].started.path)) as stored:
        calls = list(stored.events(kind="llm_call_completed"))
    assert [call.data.get("from_recording", False) for call in calls] == [True, False]


@pytest.mark.parametrize("each", [3, pytest.param(50, marks=pytest.mark.soak)])
async def test_no_save_is_lost(desk: Desk, each: int) -> None:
    """Four styles in turn, two of three of them while the run before is still under way."""
    file = Path(desk.write("a.lua", HELLO["lua"].format("n0")))
    async with watching(desk, str(file)):
        await desk.until(lambda: "n0" in desk.printed)
        for number in range(1, 4 * each + 1):
            nonce = f"n{number}"
            STYLES[number % 4](file, (WAITS if number % 3 else HELLO)["lua"].format(nonce))
            await desk.until(lambda nonce=nonce: nonce in desk.printed)
    assert not [told for told in desk.news if not isinstance(told, Began)]
