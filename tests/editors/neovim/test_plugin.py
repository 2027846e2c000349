"""The plugin as a plugin: installed in the ways it names, its help, its health, its statusline."""

from __future__ import annotations

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

PLUGIN = EDITORS / "neovim"
#: A program of that name that tells its version and knows nothing else.
OLD = ["/usr/bin/sh", "-c", 'test "$1" = --version && echo llmspell 0.0.1', "llmspell"]


def test_starting_loads_no_more_than_the_servers_configuration(nvim: Neovim) -> None:
    assert nvim.lua("return vim.g.loaded_llmspell") is True
    loaded = """return vim.tbl_filter(function(name)
        return name:find('^llmspell') ~= nil end, vim.tbl_keys(package.loaded))"""
    assert set(nvim.lua(loaded)) <= {f"llmspell.{name}" for name in ("server", "settings", "program")}


HELP = (PLUGIN / "doc" / "llmspell.txt").read_text()
README = (PLUGIN / "README.md").read_text()


def test_help_has_its_tags(nvim: Neovim, tmp_path: Path) -> None:
    copy = tmp_path / "plugin"
    shutil.copytree(PLUGIN, copy)
    assert nvim.command(f"helptags {copy / 'doc'}") == ""
    nvim.command(f"set runtimepath-={PLUGIN} runtimepath^={copy}")
    made = (copy / "doc" / "tags").read_text()
    # Nobody makes the tags of a plugin that lies in a folder of a repository: they are shipped.
    assert made == (PLUGIN / "doc" / "tags").read_text(), "make them by `:helptags editors/neovim/doc`"
    tags = {line.split("\t")[0] for line in made.splitlines()}
    for name in tags:
        nvim.command(f"help {name}")
        assert nvim.lua("return vim.bo.buftype") == "help" and f"*{name}*" in "\n".join(nvim.lines())
    assert {link for link in re.findall(r"\|([^| \n]+)\|", HELP) if "pell" in link} <= tags
    assert max(map(len, HELP.expandtabs(8).splitlines())) <= 80
    named = set(
        re.findall(r":help (llmspell[\w.-]*)", "".join(path.read_text() for path in PLUGIN.rglob("*.lua")) + README)
    )
    assert named and named <= tags


def test_help_and_readme_tell_of_all_that_is_there(nvim: Neovim) -> None:
    """Of every subcommand, setting, key, function and event; and of none that is not."""
    subcommands = set(nvim.lua("return vim.fn.getcompletion('Spell ', 'cmdline')"))
    assert {"run", "debug", "dev", "trace", "replay", "validate", "log"} <= subcommands
    assert set(re.findall(r"\*:Spell-(\w+)\*", HELP)) == subcommands
    assert set(re.findall(r"^\| `:Spell (\w+)", README, re.MULTILINE)) == subcommands
    mistake = nvim.lua("vim.g.llmspell = { x = 1 } return require('llmspell.settings').mistakes()[1]")
    settings = set(mistake.partition("can have ")[2].split(", "))
    assert set(re.findall(r"\*llmspell\.(\w+)\*\n", HELP)) == settings
    assert set(re.findall(r"^  (\w+) = .* -- ", README[README.index("## Settings") :], re.MULTILINE)) == settings
    nvim.lua(
        """require('llmspell.trace').open({ title = 'x', tree = require('llmspell.tree').new(), status = 'ok' }, true)"""
    )
    keys = {key["lhs"] for key in nvim.call("nvim_buf_get_keymap", 0, "n")}
    section = HELP[HELP.index("*llmspell-trace*") : HELP.index("*llmspell-debug*")]
    assert set(re.findall(r"^\t(\S{1,4})\t", section, re.MULTILINE)) == keys
    assert {key for key in keys if f"`{key}`" not in README} == set()
    functions = set(nvim.lua("return vim.tbl_keys(require('llmspell'))"))
    assert set(re.findall(r"\*llmspell\.(\w+)\(\)\*", HELP)) == functions
    assert nvim.lua("return type(require('llmspell.debug').register)") == "function"
    lua = "".join(path.read_text() for path in PLUGIN.rglob("*.lua"))
    assert set(re.findall(r"pattern = '(\w+Ended)'", lua)) == set(re.findall(r"\*(\w+)\*\nA \|User\| event", HELP))


def test_health_tells_what_works(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' }) > 0")
    nvim.command("checkhealth llmspell")
    text = "\n".join(nvim.lines())
    for told in ("llmspell 0.", "language server 1 in", "lua: Lua 5.4", "sandbox:", "providers:"):
        assert told in text
    assert "ERROR" not in text


def test_health_tells_what_is_wrong_and_what_to_do(start: Start, project: Path) -> None:
    broken = "let g:llmspell = #{cmd: 'llmspel', lens: v:true, venv: 'yes', run: #{model: 'x'}}"
    nvim = start("nvim-0.12", "--cmd", broken)

    def health() -> str:
        nvim.command("checkhealth llmspell")
        return "\n".join(nvim.lines())

    text = health()
    assert '"llmspel" was not found' in text and "pip install llmspell" in text
    assert 'has no "lens"' in text and "venv is a string; it must be a boolean" in text
    assert 'run is { model = "x" }; it must be a list of strings' in text
    nvim.command("let g:llmspell = #{cmd: '/bin/false'}")
    assert "/bin/false does not start: exit 1" in health() and "see what `/bin/false --version` says" in nvim.state()
    gone = project / "gone"
    gone.write_text("#!/nowhere/python\n")
    gone.chmod(0o755)
    nvim.command(f"let g:llmspell = #{{cmd: '{gone}'}}")
    assert f"{gone} does not start: ENOENT: no such file or directory" in health()
    nvim.command("Spell trace")
    nvim.until("vim.fn.execute('messages'):find('gone cannot be started: ENOENT', 1, true)")
    nvim.lua("vim.g.llmspell = { cmd = ... }", OLD)
    assert "llmspell 0.0.1 (/usr/bin/sh) has no language server: it is older" in health()
    assert "pip install --upgrade llmspell" in nvim.state()
    nvim.command("let g:llmspell = #{cmd: []}")
    assert "cmd is {}; it must be a string or a list of strings" in health() and "llmspell 0." in nvim.state()
    # Whatever is wrong has its remedy.
    for each in re.split(r"\n- ", text):
        assert not re.match(r"\S* ?(WARNING|ERROR)", each) or "ADVICE" in each


def test_health_tells_of_another_server_that_knows_no_spells(nvim: Neovim, project: Path) -> None:
    folder = project / "hello"
    nvim.command(f"edit {folder / 'spell.lua'}")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' }) > 0")
    nvim.lua("vim.lsp.start({ name = 'lua_ls', root_dir = vim.fn.getcwd(), cmd = { 'llmspell', 'lsp' } })")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0 }) == 2")
    nvim.command("checkhealth llmspell")
    text = "\n".join(nvim.lines())
    assert "lua_ls is attached to spells too" in text and f"run `llmspell init --stubs` in {folder}" in text
    nvim.command("bwipeout")
    (folder / ".luarc.json").touch()
    nvim.command("checkhealth llmspell")
    assert "lua_ls" not in "\n".join(nvim.lines())


def test_the_statusline_tells_of_the_buffers_run(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    assert nvim.lua("return require('llmspell').statusline()") == ""
    nvim.command("set statusline=%{%v:lua.require'llmspell'.statusline()%}")
    nvim.command("Spell run")
    nvim.until("require('llmspell').statusline():find('✓') ~= nil")
    told = nvim.lua("return vim.api.nvim_eval_statusline(vim.o.statusline, {}).str")
    assert re.fullmatch(r"spell ✓ ok · [\d.]+ m?s · 28 tokens", told)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What is cloned: a repository with the plugin in its folder."""
    repository = tmp_path / "llmspell"
    shutil.copytree(PLUGIN, repository / "editors" / "neovim")
    identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(
            ["git", *words], cwd=repository, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        )
    return repository


def test_vim_pack_installs_it_as_the_readme_says(start: Start, project: Path, repository: Path) -> None:
    spec = next(block for block in re.findall(r"```lua\n(.*?)```", README, re.DOTALL) if "vim.pack" in block)
    spec = re.sub(r"src = '[^']*'", f"src = 'file://{repository}'", spec).replace("vim.pack.add({", "vim.pack.add({", 1)
    nvim = start("nvim-0.12", plugin=False)
    nvim.lua(
        "local add = vim.pack.add; vim.pack.add = function(specs, opts)"
        " return add(specs, vim.tbl_extend('force', opts or {}, { confirm = false })) end"
    )
    nvim.lua(spec)
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' }) > 0")
    assert nvim.call("nvim_exec2", "echo exists(':Spell')", {"output": True})["output"] == "2"
    nvim.command("help llmspell")


#: A tree as it stands in a window that is wide enough, once its run has ended.
SHOWN = """(function()
    local run = require('llmspell.runs').newest()
    return run.status == 'ok' and vim.tbl_map(function(line)
        local right = line.sums == '' and '' or line.place .. ' ' .. line.sums
        local text = vim.fn.strcharpart(line.text, 0, 104 - #right)
        local room = right == '' and '' or (' '):rep(104 - #right - vim.fn.strdisplaywidth(text))
        return vim.trim(line.text) == '' and '' or text .. room .. right
    end, require('llmspell.lines').of(run.tree, 104))
end)()"""


def timeless(line: str) -> str:
    return re.sub(r" *[\d.]+ m?s\b", " TIME", line).rstrip()


def lazy_specs(repository: Path) -> list[str]:
    """The README's, of a checkout and of a repository, with this one in the place of the reader's."""
    blocks = re.findall(r"```lua\n(\{.*?\n?\})\n```", README, re.DOTALL)
    dirs = [block for block in blocks if "dir = '~" in block]
    urls = [block for block in blocks if "url = 'http" in block]
    assert len(dirs) == len(urls) == 1
    return [
        re.sub(r"dir = '[^']*'", f"dir = '{repository}/editors/neovim'", dirs[0]),
        re.sub(r"url = '[^']*'", f"url = 'file://{repository}'", urls[0]),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_lazy_nvim_installs_it_as_the_readme_says(start: Start, project: Path, repository: Path, which: int) -> None:
    lazy = Path(os.environ.get("LLMSPELL_LAZY_NVIM") or cache() / "lazy.nvim")
    if not (lazy / "lua" / "lazy").is_dir():
        pytest.skip(f"no lazy.nvim in {lazy}; put a checkout there, or name one in LLMSPELL_LAZY_NVIM")
    for version in ("nvim-0.10", "nvim-0.12"):
        nvim = start(version, "--cmd", f"set runtimepath^={lazy}", plugin=False)
        # Its parsers of syntax lie where this Neovim was unpacked to, which lazy.nvim does not know.
        parsers = "vim.env.VIMRUNTIME .. '/../../../lib/nvim'"
        options = f"{{ rocks = {{ enabled = false }}, performance = {{ rtp = {{ paths = {{ {parsers} }} }} }} }}"
        nvim.lua(f"require('lazy').setup({{ {lazy_specs(repository)[which]} }}, {options})")
        nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
        nvim.until("#vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' }) > 0")
        nvim.command("Spell run")
        nvim.until("require('llmspell').statusline():find('✓') ~= nil")
        nvim.command("help llmspell")


def test_the_recording_in_the_readme_is_what_a_run_looks_like(nvim: Neovim, project: Path) -> None:
    """Times apart."""
    nvim.command(f"edit {project / 'tool_agent' / 'spell.lua'}")
    nvim.command("Spell run")
    shown = nvim.until(SHOWN)
    recorded = next(block for block in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if "✓ spell" in block)
    lines = [timeless(line) for line in shown]
    assert [line for line in map(timeless, recorded.splitlines()) if line not in lines] == [], "\n".join(shown)
