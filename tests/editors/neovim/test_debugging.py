"""Debugging in Neovim with the adapter and the configurations that the plugin has for nvim-dap: `:Spell debug`, the lens
and `:DapContinue`; what is said without a client.

nvim-dap is in no registry that the other editors come from. Where somebody has put a checkout into the cache folder, or
names one, each test is made in it; and everywhere in a client of the protocol that the tests bring (`client/`), which
has the same names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.editors.found import EDITORS
from tests.editors.install import cache
from tests.editors.neovim.conftest import Start
from tests.editors.neovim.driver import Neovim

from llmspell.serve.dap.launching import FIELDS

SHOP = Path(__file__).parents[1] / "vscode" / "project"
STOPPED = "require('dap').session() and require('dap').session().stopped_thread_id and {}"
ENDED = "require('dap').session() == nil"


@pytest.fixture(params=["nvim-dap", "the tests' own"])
def dap(request: pytest.FixtureRequest) -> Path:
    """The client: a folder for 'runtimepath'."""
    if request.param != "nvim-dap":
        return Path(__file__).parent / "client"
    folder = Path(os.environ.get("LLMSPELL_NVIM_DAP") or cache() / "nvim-dap")
    if not (folder / "lua" / "dap.lua").is_file():
        pytest.skip(f"no nvim-dap in {folder}; put a checkout there, or name one in LLMSPELL_NVIM_DAP")
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("shop.lua", "shop.js", "replies.json"):
        shutil.copy(SHOP / name, folder)
    (folder / "llmspell.toml").touch()
    return folder


@pytest.fixture(params=["nvim-0.10", "nvim-0.12"])
def nvim(request: pytest.FixtureRequest, start: Start, dap: Path) -> Neovim:
    return start(request.param, "--cmd", f"set runtimepath^={dap}")


def breakpoint_at(nvim: Neovim, line: int, *condition: str) -> None:
    nvim.call("nvim_win_set_cursor", 0, [line, 0])
    nvim.lua("require('dap').set_breakpoint(...)", *condition)


def stops_at(nvim: Neovim, line: int) -> None:
    """nvim-dap has the last stop's frame until there is another."""
    nvim.until(f"{STOPPED} and (require('dap').session().current_frame or {{}}).line == ...", line)


def value(nvim: Neovim, expression: str) -> str:
    nvim.lua(
        "require('dap').session():evaluate(..., function(_, said) evaluated = said and said.result or '?' end)",
        expression,
    )
    found = nvim.until("evaluated")
    nvim.lua("evaluated = nil")
    return found


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_spell_debug_stops_at_a_breakpoint_and_goes_on(nvim: Neovim, shop: Path, suffix: str) -> None:
    nvim.command(f"edit {shop}/shop.{suffix}")
    nvim.lua("""printed = ''
        require('dap').listeners.after.event_output.test = function(_, body) printed = printed .. body.output end""")
    breakpoint_at(nvim, 6, "sum > 1")
    nvim.command("Spell debug")
    stops_at(nvim, 6)
    names = nvim.lua(
        "return vim.tbl_map(function(each) return each.name end, require('dap').session().threads"
        "[require('dap').session().stopped_thread_id].frames)"
    )
    assert "total" in names[0] and len(names) >= 2
    assert value(nvim, "sum + price") == "5"
    scopes = nvim.until(
        "require('dap').session().current_frame.scopes"
        " and vim.tbl_map(function(each) return each.name end, require('dap').session().current_frame.scopes)"
    )
    assert {"Agents", "State"} <= set(scopes)
    nvim.lua("require('dap').step_over()")
    stops_at(nvim, 5)
    assert value(nvim, "sum") == "5"
    nvim.lua("require('dap').clear_breakpoints() require('dap').continue()")
    nvim.until(ENDED)
    assert "It is 10" in nvim.lua("return printed")


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_disconnecting_ends_the_spell(nvim: Neovim, shop: Path, environ: dict[str, str], suffix: str) -> None:
    nvim.command(f"edit {shop}/shop.{suffix}")
    breakpoint_at(nvim, 6)
    nvim.command("Spell debug")
    stops_at(nvim, 6)
    nvim.lua("require('dap').disconnect({ terminateDebuggee = true })")
    nvim.until(ENDED)
    command = ["llmspell", "trace", "list", "--json"]
    done = subprocess.run(command, env=environ, cwd=shop, capture_output=True, text=True, check=True)
    assert [run["status"] for run in json.loads(done.stdout)] == ["cancelled"]


def test_it_stops_before_an_agent_is_asked(nvim: Neovim, shop: Path) -> None:
    nvim.command(f"edit {shop}/shop.lua")
    nvim.command("Spell debug --break agent:clerk --param=x=1")
    stops_at(nvim, 11)
    assert nvim.lua("return require('dap').session().config.options") == ["--param=x=1"]
    nvim.lua("require('dap').continue()")
    nvim.until(ENDED)
    nvim.command("Spell debug --break agents:clerk")
    nvim.until("vim.fn.execute('messages'):find('agents:clerk') ~= nil")
    nvim.until(ENDED)


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_what_the_spell_asks_is_seen_and_answered(nvim: Neovim, shop: Path, suffix: str) -> None:
    asking = {"lua": 'print(Human.ask("Who is it?"))', "js": 'console.log(await Human.ask("Who is it?"));'}
    (shop / f"ask.{suffix}").write_text(asking[suffix])
    nvim.command(f"edit {shop}/ask.{suffix}")
    nvim.lua("""printed = ''
        require('dap').listeners.after.event_output.test = function(_, body) printed = printed .. body.output end""")
    nvim.command("Spell debug")
    nvim.until("""vim.iter(vim.api.nvim_list_wins()):any(function(window)
        return vim.bo[vim.api.nvim_win_get_buf(window)].filetype == 'dap-repl' end)""")
    assert nvim.call("nvim_buf_get_name", 0) == f"{shop}/ask.{suffix}"
    nvim.until("printed:find('Who is it?', 1, true)")
    nvim.lua("require('dap').session():evaluate('It is Ada', function() end)")
    nvim.until(ENDED)
    assert "It is Ada" in nvim.lua("return printed")


def test_why_nothing_could_be_debugged_is_told_though_no_window_of_the_client_is_open(nvim: Neovim, shop: Path) -> None:
    nvim.command(f"edit {shop}/shop.js")
    for command, words in (
        ("Spell debug --max-cost much", "limits.max_cost = 'much' must be a number"),
        ("Spell debug --replay last", "the debugger knows no option '--replay'"),
        ("Spell debug broken.spell.js", "llmspell: broken.spell.js:1: "),
    ):
        (shop.parent / "project" / "broken.spell.js").write_text("const = 1;\n")
        nvim.command(command)
        nvim.until("vim.fn.execute('messages'):find(..., 1, true) ~= nil", words)
        nvim.until(ENDED)


def test_the_lens_and_dap_continue_debug_the_open_spell(nvim: Neovim, shop: Path) -> None:
    nvim.command(f"edit {shop}/shop.lua")
    titles = """(function()
        local found = {}
        for _, lens in ipairs(vim.lsp.codelens.get(vim.lsp.codelens.enable and { bufnr = 0 } or 0) or {}) do
            found[#found + 1] = (lens.lens or lens).command.title
        end
        return #found > 0 and found
    end)()"""
    assert nvim.until(titles) == ["▶ Run", "Debug"]
    nvim.lua("require('llmspell.debug').register()")
    offered = nvim.lua("return require('dap').providers.configs.llmspell(vim.api.nvim_get_current_buf())")
    assert [each["program"] for each in offered] == [f"{shop}/shop.lua"]
    other = shop.parent / "other.lua"
    other.touch()
    nvim.command(f"edit {other}")
    assert nvim.lua("return #require('dap').providers.configs.llmspell(vim.api.nvim_get_current_buf())") == 0


def test_the_configuration_of_the_help_is_one_that_works(nvim: Neovim, shop: Path) -> None:
    told = (EDITORS / "neovim" / "doc" / "llmspell.txt").read_text()
    shipped = re.search(r"\n\t(require\('dap'\)\.configurations\.lua = .*?\n\t\})\n", told, re.DOTALL)
    assert shipped is not None
    nvim.command(f"edit {shop}/shop.lua")
    nvim.lua("require('llmspell.debug').register()")
    nvim.lua(shipped[1].replace("${file}", f"{shop}/shop.lua"))
    nvim.lua("require('dap').run(require('dap').configurations.lua[1])")
    stops_at(nvim, 1)
    assert value(nvim, "params.name") == '"Ada"'
    nvim.lua("require('dap').continue()")
    stops_at(nvim, 11)  # before the agent
    nvim.lua("require('dap').continue()")
    nvim.until(ENDED)


def test_the_help_tells_of_every_field_of_a_configuration() -> None:
    told = (EDITORS / "neovim" / "doc" / "llmspell.txt").read_text()
    section = told[told.index("*llmspell-debug*") : told.index("*llmspell-server*")]
    assert {name for name in FIELDS if not re.search(rf"^\t{name}\b", section, re.MULTILINE)} == set()


def test_without_nvim_dap_it_is_said_what_is_missing(start: Start, shop: Path) -> None:
    nvim = start("nvim-0.12")
    nvim.command(f"edit {shop}/shop.lua")
    nvim.command("Spell debug")
    assert nvim.until("vim.fn.execute('messages'):find('needs the plugin nvim-dap', 1, true) ~= nil")
