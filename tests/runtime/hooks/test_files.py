"""Hook files: handlers in one language serve a spell in another, from a worker of their own; they are replayed, cut off,
started anew, and refused in one clear line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.errors import SettingsError
from llmspell.settings.load import load as load_settings
from llmspell.traces.recording import Recording

HOOKS = {
    "lua": (
        "hooks.lua",
        """
        local count = 0
        Hooks.register("before_spell", function(c) c.params.greeting = "hello" end)
        Hooks.register("before_llm_call", function(c)
          count = count + 1
          c.started = os.time()
          c.prompt = c.prompt .. " from lua " .. count
        end)
        Hooks.register("after_llm_call", function(c) c.response = c.response .. "|" .. math.type(c.started) end)
        Hooks.register("after_spell", function(c) c.result.count = count end)
        """,
    ),
    "js": (
        "hooks.js",
        """
        let count = 0;
        Hooks.register("beforeSpell", async (c) => { c.params.greeting = "hello"; });
        Hooks.register("beforeLLMCall", async (c) => {
          await Async.sleep(1);
          count += 1;
          c.started = Date.now();
          c.prompt = `${c.prompt} from js ${count}`;
        });
        Hooks.register("afterLLMCall", (c) => { c.response = `${c.response}|${Number.isInteger(c.started) ? "integer" : "?"}`; });
        Hooks.register("afterSpell", (c) => { c.result.count = count; });
        """,
    ),
    "python": (
        "hooks.py",
        """
import time
from llmspell.hooks import hook

count = 0

def before_spell(context):
    context["params"]["greeting"] = "hello"

@hook("before_llm_call", priority=5)
async def number(context):
    global count
    count += 1
    return {**context, "prompt": f"{context['prompt']} from python {count}", "started": time.time_ns()}

def after_llm_call(context):
    context["response"] += "|" + ("integer" if isinstance(context["started"], int) else "?")

def after_spell(context):
    context["result"]["count"] = count
""",
    ),
}

SPELLS = {
    "lua": """
        local agent = Agent.new{ name = "ada" }
        return { said = { agent:chat("one"), agent:chat("two") }, greeting = params.greeting }
    """,
    "js": """
        const agent = new Agent({ name: "ada" });
        return { said: [await agent.chat("one"), await agent.chat("two")], greeting: params.greeting };
    """,
}


def _written(folder: Path, language: str) -> str:
    name, source = HOOKS[language]
    (folder / name).write_text(source, encoding="utf-8")
    return str(folder / name)


def _remove(files: list[str]) -> None:
    for file in files:
        Path(file).unlink()


def _recorded(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / ".llmspell" / "runs").glob("*.db"), key=lambda path: path.stat().st_mtime_ns)


def _shown(spell: Any) -> list[tuple[Any, ...]]:
    return [(e.kind, e.phase, e.span, e.parent, e.name, e.site, e.time, e.data) for e in spell.events]


@pytest.mark.mission(57)
@pytest.mark.parametrize("spoken", ["lua", "js"])
@pytest.mark.parametrize("written", ["lua", "js", "python"])
async def test_a_hook_file_serves_a_spell_in_another_language(
    cast: Any, model: Any, tmp_path: Path, written: str, spoken: str
) -> None:
    files = [_written(tmp_path, written)]
    spell = await cast(**{spoken: SPELLS[spoken]}, model=model, flags={"hooks.files": files})
    assert spell.value == {
        "said": [f"You said: one from {written} 1|integer", f"You said: two from {written} 2|integer"],
        "greeting": "hello",
        "count": 2,
    }
    assert f"one from {written} 1".encode() in model.requests[0].body
    asked = {event.data["handler"] for event in spell.of("hook_called")}
    assert len(asked) == 4 and all(handler.startswith(files[0]) or "hooks." in handler for handler in asked)

    (found,) = _recorded(tmp_path)
    _remove(files)
    again = await cast(
        **{spoken: SPELLS[spoken]}, replay=Recording.load(found, values.unpack), flags={"hooks.files": None}
    )
    assert again.value == spell.value
    assert _shown(again) == _shown(spell)


LOOPS = {
    "lua": """
        local function shout(c) c.prompt = c.prompt .. "!" end
        Hooks.register("before_llm_call", shout, { agent = "good" })
        Hooks.register("before_llm_call", function(c) shout(c) while true do end end, { agent = "bad", timeout = 150 })""",
    "js": """
        const shout = (c) => { c.prompt += "!"; };
        Hooks.register("beforeLLMCall", shout, { agent: "good" });
        Hooks.register("beforeLLMCall", (c) => { shout(c); for (;;); }, { agent: "bad", timeout: 150 });""",
}
ASKS = {
    "lua": """
        local said = {}
        for i, name in ipairs{ "good", "bad", "good" } do
          local ok, text = pcall(function() return Agent.new{ name = name }:chat("Hi") end)
          said[i] = ok and text or text.type
        end
        return said
    """,
    "js": """
        const said = [];
        for (const name of ["good", "bad", "good"]) {
          try { said.push(await new Agent({ name }).chat("Hi")); } catch (error) { said.push(error.type); }
        }
        return said;
    """,
}


@pytest.mark.parametrize("spoken", ["lua", "js"])
@pytest.mark.parametrize("on_error", ["fail", "ignore"])
async def test_a_handler_without_end_in_a_hook_file_does_not_take_the_spell_with_it(
    cast: Any, model: Any, tmp_path: Path, spoken: str, on_error: str
) -> None:
    file = tmp_path / ("loop.js" if spoken == "lua" else "loop.lua")
    file.write_text(LOOPS["js" if spoken == "lua" else "lua"], encoding="utf-8")
    flags = {"hooks.files": [str(file)], "hooks.on_error": on_error}
    spell = await asyncio.wait_for(cast(**{spoken: ASKS[spoken]}, model=model, flags=flags), 30)
    middle = "timeout" if on_error == "fail" else "You said: Hi"
    assert spell.value == ["You said: Hi!", middle, "You said: Hi!"], "the file serves again after it was cut off"
    (ended,) = spell.of("hook_file_ended")
    assert (ended.data["again"], ended.data["error"]["type"]) == (True, "timeout")
    assert [event.data["status"] for event in spell.of("hook_completed")] == [
        *("ok", "error" if on_error == "fail" else "ignored", "ok"),
    ]

    (found,) = _recorded(tmp_path)
    replaying = cast(**{spoken: ASKS[spoken]}, replay=Recording.load(found, values.unpack))
    assert _shown(await asyncio.wait_for(replaying, 30)) == _shown(spell)


DIES = {
    "lua": 'Hooks.register("before_llm_call", function(c) local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end end)',
    "js": 'Hooks.register("beforeLLMCall", (c) => { const t = []; for (;;) t.push("x".repeat(1e6) + t.length); })',
}


@pytest.mark.parametrize("written", ["lua", "js"])
@pytest.mark.parametrize("on_error", ["fail", "ignore"])
async def test_a_hook_file_that_dies_again_and_again_is_set_aside_or_ends_the_run(
    cast: Any, model: Any, tmp_path: Path, written: str, on_error: str
) -> None:
    file = tmp_path / f"dies.{written}"
    file.write_text(DIES[written], encoding="utf-8")
    flags = {"hooks.files": [str(file)], "hooks.on_error": on_error, "limits.memory_mb": 64}
    source = """
        local said = {}
        for i = 1, 6 do local ok, text = pcall(function() return Agent.new("x"):chat("Hi") end) said[i] = ok end
        return said
    """
    spell = await asyncio.wait_for(cast(lua=source, model=model, flags=flags), 60)
    assert [event.data["again"] for event in spell.of("hook_file_ended")] == [True, True, True, False]
    if on_error == "ignore":
        assert spell.value == [True] * 6
    else:
        assert spell.result.status == "error" and "has failed too often" in spell.result.error.message


@pytest.mark.parametrize(
    ("name", "source", "line"),
    [
        ("bad.lua", "local x =\n= 1", "bad.lua:2"),
        ("bad.lua", 'print("x")\nerror("no key")', "bad.lua:2"),
        ("bad.js", "const x = ;", "bad.js:1"),
        ("bad.js", "\nHooks.register('beforeLMCall', () => {});", "bad.js:2"),
        ("bad.py", "x = 1\nx +", "bad.py:2"),
        ("bad.py", "x = 1\ny = x / 0", "bad.py:2"),
        ("bad.py", "import sys\nsys.exit(3)", "bad.py:2"),
        ("bad.py", "def helper(): ...", "bad.py"),
        ("bad.py", "from llmspell.hooks import hook\n@hook('before_lm_call')\ndef f(c): ...", "bad.py:2"),
    ],
)
async def test_what_is_wrong_in_a_hook_file_is_told_with_its_line(
    cast: Any, tmp_path: Path, name: str, source: str, line: str
) -> None:
    (tmp_path / name).write_text(source, encoding="utf-8")
    spell = await cast(lua="print('began')", flags={"hooks.files": [str(tmp_path / name)]})
    error = spell.result.error
    assert spell.result.status == "error" and spell.output["out"].replace("x\n", "") == ""
    assert error.source.endswith(line), (error.source, error.message)
    assert "\n" not in error.message and "Traceback" not in error.message


@pytest.mark.parametrize(
    ("name", "message"), [("none.lua", "cannot be read"), ("hooks.rb", "is in no language"), ("", "is in no language")]
)
async def test_a_hook_file_that_is_not_there_is_told(cast: Any, tmp_path: Path, name: str, message: str) -> None:
    spell = await cast(lua="return 1", flags={"hooks.files": [str(tmp_path / name)]})
    assert message in spell.result.error.message and spell.result.error.kind == "usage"


async def test_a_hook_file_has_permissions_of_its_own(cast: Any, tmp_path: Path) -> None:
    file = tmp_path / "audit.lua"
    file.write_text(
        """
        local files = FileSystem.new()
        Hooks.register("after_tool_call", function(c)
          if c.tool_name == "file_system" then return end
          files:execute{ operation = "write", path = "audit/log.txt", content = c.tool_name }
          local ok, problem = pcall(files.execute, files, { operation = "write", path = "output/x.txt", content = "x" })
          c.result = { c.result, ok, problem and problem.type }
        end)
        """,
        encoding="utf-8",
    )
    (tmp_path / "llmspell.toml").write_text('[hooks]\nfiles = ["audit.lua"]\nwrite = ["audit"]', encoding="utf-8")
    spell = await cast(
        lua="""
        local files = FileSystem.new()
        local ok, problem = pcall(files.execute, files, { operation = "write", path = "audit/x.txt", content = "x" })
        files:execute{ operation = "write", path = "output/y.txt", content = "y" }
        return { ok, problem.type, Calculator.new():execute{ expression = "1" } }
        """,
    )
    assert spell.value == [False, "permission", [{"result": 1}, False, "permission"]]
    assert (tmp_path / "audit" / "log.txt").read_text(encoding="utf-8") == "calculator"
    assert (tmp_path / "output" / "y.txt").exists() and not (tmp_path / "output" / "x.txt").exists()


async def test_values_that_belong_to_one_script_stay_there(cast: Any, tmp_path: Path) -> None:
    file = tmp_path / "look.js"
    file.write_text(
        'Hooks.register("beforeToolCall", (c) => { c.saw = Object.keys(c).filter((key) => key.startsWith("my_")); });',
        encoding="utf-8",
    )
    spell = await cast(
        lua="""
        local kept
        Hooks.register("before_tool_call", function(c) c.my_text = "t" c.my_function = function() return 7 end end, { priority = 1 })
        Hooks.register("after_tool_call", function(c) kept = { c.saw, c.my_function() } end)
        Calculator.new():execute{ expression = "1" }
        return kept
        """,
        flags={"hooks.files": [str(file)]},
    )
    assert spell.value == [["my_text"], 7]


def test_hook_files_of_user_and_project_add_up_below_their_own_folders(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    (home / ".config" / "llmspell").mkdir(parents=True)
    project.mkdir()
    users, own = home / ".config" / "llmspell" / "config.toml", project / "llmspell.toml"
    users.write_text('[hooks]\nfiles = ["mine.py"]', encoding="utf-8")
    own.write_text('[hooks]\nfiles = ["hooks/guard.lua"]', encoding="utf-8")
    settings = load_settings(project, {"HOME": str(home)}, {"hooks.files": ["/given.py"]})
    assert settings.hooks.files == (str(users.parent / "mine.py"), str(project / "hooks" / "guard.lua"), "/given.py")
    own.write_text('[hooks]\nfiles = ["guard.py"]', encoding="utf-8")
    with pytest.raises(SettingsError, match="runs outside the sandbox") as caught:
        load_settings(project, {"HOME": str(home)})
    assert caught.value.source == f"{own}:2" and "--hooks" in caught.value.hint


async def test_a_python_handler_that_never_ends_is_cut_off(cast: Any, model: Any, tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text(
        "import threading\nfrom llmspell.hooks import hook\n\n"
        "@hook('before_llm_call', timeout=50)\ndef wait(context):\n    threading.Event().wait()\n",
        encoding="utf-8",
    )
    flags = {"hooks.files": [str(file)], "hooks.on_error": "ignore"}
    spell = await asyncio.wait_for(cast(lua="return Agent.new('x'):chat('Hi')", model=model, flags=flags), 20)
    assert spell.value == "You said: Hi"
    assert [event.data["status"] for event in spell.of("hook_completed")] == ["ignored"]
