"""The plugin as a plugin: installed in the ways it names, its help, its health, its statusline."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.editors.found import EDITORS
from tests.editors.neovim.conftest import Start
from tests.editors.neovim.driver import Neovim

PLUGIN = EDITORS / "neovim"


def test_starting_loads_no_more_than_the_servers_configuration(nvim: Neovim) -> None:
    assert nvim.lua("return vim.g.loaded_llmspell") is True
    loaded = """return vim.tbl_filter(function(name)
        return name:find('^llmspell') ~= nil end, vim.tbl_keys(package.loaded))"""
    assert set(nvim.lua(loaded)) <= {f"llmspell.{name}" for name in ("server", "settings", "program")}


def test_help_has_its_tags(nvim: Neovim, tmp_path: Path) -> None:
    copy = tmp_path / "plugin"
    shutil.copytree(PLUGIN, copy)
    nvim.command(f"helptags {copy / 'doc'}")
    nvim.command(f"set runtimepath-={PLUGIN} runtimepath^={copy}")
    tags = {line.split("\t")[0] for line in (copy / "doc" / "tags").read_text().splitlines()}
    for name in ("llmspell", ":Spell", "llmspell-trace", "llmspell-statusline", "llmspell-older"):
        assert name in tags
        nvim.command(f"help {name}")
        assert nvim.lua("return vim.bo.buftype") == "help" and f"*{name}*" in "\n".join(nvim.lines())
    text = (PLUGIN / "doc" / "llmspell.txt").read_text()
    assert {link for link in re.findall(r"\|([^| \n]+)\|", text) if "pell" in link} <= tags


def test_help_and_readme_tell_of_every_subcommand_setting_and_key(nvim: Neovim) -> None:
    told = (PLUGIN / "doc" / "llmspell.txt").read_text()
    names = nvim.lua("return vim.fn.getcompletion('Spell ', 'cmdline')")
    assert {"run", "dev", "trace", "replay", "validate", "log"} <= set(names)
    for name in names:
        assert f"*:Spell-{name}*" in told
        assert f":Spell {name}" in (PLUGIN / "README.md").read_text()
    settings = (PLUGIN / "lua" / "llmspell" / "settings.lua").read_text()
    for name in re.findall(r"^  (\w+) = \{ '", settings, re.MULTILINE):
        assert f"*llmspell.{name}*" in told


def test_health_tells_what_works(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' }) > 0")
    nvim.command("checkhealth llmspell")
    text = "\n".join(nvim.lines())
    for told in ("llmspell 0.", "language server 1 in", "lua: Lua 5.4", "sandbox:", "providers:"):
        assert told in text
    assert "ERROR" not in text


def test_health_tells_what_is_wrong(start: Start) -> None:
    nvim = start("nvim-0.12", "--cmd", "let g:llmspell = #{cmd: 'llmspel', lens: v:true, venv: 'yes'}")
    nvim.command("checkhealth llmspell")
    text = "\n".join(nvim.lines())
    assert '"llmspel" was not found' in text and "pip install llmspell" in text
    assert 'has no "lens"' in text and "venv is a string; it must be a boolean" in text


def test_the_statusline_tells_of_the_buffers_run(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    assert nvim.lua("return require('llmspell').statusline()") == ""
    nvim.command("set statusline=%{%v:lua.require'llmspell'.statusline()%}")
    nvim.command("Spell run")
    nvim.until("require('llmspell').statusline():find('✓') ~= nil")
    told = nvim.lua("return vim.api.nvim_eval_statusline(vim.o.statusline, {}).str")
    assert re.fullmatch(r"spell ✓ ok · [\d.]+ m?s · 28 tokens", told)


def test_vim_pack_installs_it_as_the_readme_says(start: Start, project: Path, tmp_path: Path) -> None:
    repository = tmp_path / "llmspell"
    shutil.copytree(PLUGIN, repository / "editors" / "neovim")
    identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(
            ["git", *words], cwd=repository, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        )
    readme = (PLUGIN / "README.md").read_text()
    spec = next(block for block in re.findall(r"```lua\n(.*?)```", readme, re.DOTALL) if "vim.pack" in block)
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


def test_the_recording_in_the_readme_is_what_a_run_looks_like(nvim: Neovim, project: Path) -> None:
    """Times and the width of cut texts apart."""
    nvim.command(f"edit {project / 'tool_agent' / 'spell.lua'}")
    nvim.command("Spell run")
    tree = (
        "(function() local run = require('llmspell.runs').newest() return run.status == 'ok'"
        " and vim.tbl_map(function(each) return each.text end, run.tree:lines()) end)()"
    )
    lines = [re.sub(r"[\d.]+ m?s\b", "TIME", line) for line in nvim.until(tree)]
    readme = (PLUGIN / "README.md").read_text()
    block = next(block for block in re.findall(r"```text\n(.*?)```", readme, re.DOTALL) if "✓ spell" in block)
    recorded = [re.sub(r"[\d.]+ m?s\b", "TIME", line) for line in block.splitlines()]
    assert recorded and [line for line in recorded if line not in lines] == []
