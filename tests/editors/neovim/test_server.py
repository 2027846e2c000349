"""The language server in Neovim: attaching, what it shows, and what it does to a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.editors.found import EDITORS
from tests.editors.neovim.conftest import Start
from tests.editors.neovim.driver import Neovim

ATTACHED = "vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' })[1]"
READY = f"{ATTACHED} and {ATTACHED}.initialized"


def opened(nvim: Neovim, path: Path) -> None:
    nvim.command(f"edit {path}")
    nvim.until(READY)


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_a_spell_gets_the_server_and_other_scripts_do_not(nvim: Neovim, project: Path, suffix: str) -> None:
    opened(nvim, project / "hello" / f"spell.{suffix}")
    assert nvim.lua(f"return {ATTACHED}.root_dir") == str(project / "hello")
    other = project / f"other.{suffix}"
    other.write_text("")
    nvim.command(f"edit {other}")
    nvim.command(f"edit {project / 'hello' / f'spell.{suffix}'}")
    assert nvim.until(READY)
    assert nvim.lua("return #vim.lsp.get_clients()") == 1
    assert nvim.lua("return #vim.lsp.get_clients({ bufnr = vim.fn.bufnr(...) })", str(other)) == 0
    nvim.command(f"edit {other}")
    nvim.lua("require('llmspell').attach()")
    assert nvim.until(READY)


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_diagnostics_appear_and_go(nvim: Neovim, project: Path, suffix: str) -> None:
    opened(nvim, project / "hello" / f"spell.{suffix}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'Agent.neww()' })")
    found = nvim.until("#vim.diagnostic.get(0) > 0 and vim.diagnostic.get(0)")
    assert [each["code"] for each in found] == ["unknown-member"]
    assert found[0]["lnum"] == nvim.lua("return vim.api.nvim_buf_line_count(0)") - 1
    nvim.lua("vim.api.nvim_buf_set_lines(0, -2, -1, false, {})")
    assert nvim.until("#vim.diagnostic.get(0) == 0")


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_completion_offers_the_members_of_an_agent(nvim: Neovim, project: Path, suffix: str) -> None:
    opened(nvim, project / "hello" / f"spell.{suffix}")
    text = "agent:" if suffix == "lua" else "agent."
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { ... })", text)
    nvim.command("normal! G$")
    assert nvim.lua("return vim.bo.omnifunc") == "v:lua.vim.lsp.omnifunc"
    nvim.keys("A<C-x><C-o>")
    words = nvim.until(
        "vim.fn.pumvisible() == 1 and vim.tbl_map(function(each) return each.abbr end,"
        " vim.fn.complete_info({ 'items' }).items)"
    )
    assert {"chat", "execute"} <= {word.removesuffix("()").split("(")[0].rstrip("~") for word in words}
    nvim.keys("<C-e><Esc>")


def test_hover_tells_of_a_method(nvim: Neovim, project: Path) -> None:
    opened(nvim, project / "hello" / "spell.lua")
    nvim.command("call search('chat')")
    nvim.lua("vim.lsp.buf.hover()")
    shown = nvim.until("""(function()
        for _, window in ipairs(vim.api.nvim_list_wins()) do
            if vim.api.nvim_win_get_config(window).relative ~= '' then
                local buffer = vim.api.nvim_win_get_buf(window)
                return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\\n')
            end
        end
    end)()""")
    assert "chat" in shown and "message" in shown


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_rename_changes_every_place(nvim: Neovim, project: Path, suffix: str) -> None:
    opened(nvim, project / "hello" / f"spell.{suffix}")
    nvim.command("call search('agent =')")
    nvim.lua("vim.lsp.buf.rename('greeter')")
    nvim.until("vim.fn.search('\\\\<greeter\\\\>', 'nw') > 0")
    code = "\n".join(line for line in nvim.lines() if not line.startswith(("--", "//")))
    assert code.count("greeter") == 2 and "agent:" not in code and "agent." not in code


def test_a_code_action_mends_a_misspelled_name(nvim: Neovim, project: Path) -> None:
    opened(nvim, project / "hello" / "spell.lua")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'Agent.neww(\"x\")' })")
    nvim.until("#vim.diagnostic.get(0) > 0")
    nvim.command("call search('neww')")
    nvim.lua("""vim.lsp.buf.code_action({ apply = true, filter = function(action)
        return action.kind == 'quickfix' and action.title:find("'new'") ~= nil end })""")
    assert nvim.until("vim.fn.getline('$') == 'Agent.new(\"x\")'")


def test_settings_and_replies_are_checked_too(nvim: Neovim, project: Path) -> None:
    opened(nvim, project / "hello" / "replies.json")
    settings = project / "hello" / "llmspell.toml"
    settings.write_text("[limits]\nmemory = 5\n")
    opened(nvim, settings)
    assert nvim.until("#vim.diagnostic.get(0) > 0")


def test_what_is_misspelled_in_the_program_is_said_once_and_harms_nothing(start: Start, project: Path) -> None:
    for version in ("nvim-0.10", "nvim-0.12"):
        nvim = start(version, "--cmd", "let g:llmspell = #{cmd: 'llmspel', lens: v:true}")
        nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
        nvim.command(f"edit {project / 'chat' / 'spell.lua'}")
        nvim.until("vim.fn.execute('messages'):find('was not found')")
        assert nvim.command("messages").count("was not found") == 1
        assert nvim.lua("return #vim.lsp.get_clients()") == 0


def test_it_is_configured_and_kept_from_starting_as_the_help_says(start: Start, project: Path) -> None:
    """In an init.lua, which comes before the plugin."""
    told = (EDITORS / "neovim" / "doc" / "llmspell.txt").read_text()
    told = told[told.index("*llmspell-server*") : told.index("*llmspell-lenses*")]
    lines = told[told.index(">lua\n") + 5 : told.index("\n<")]
    init = project / "init.lua"
    init.write_text(lines.replace("(client, buffer)", "(client, buffer) on = 1"))
    nvim = start("nvim-0.12", "--cmd", f"luafile {init}")
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.lua("require('llmspell').attach()")
    nvim.until(READY)
    # The first of all clients: none was there before it.
    assert nvim.lua(f"return {{ {ATTACHED}.id, on }}") == [1, 1]


def test_a_server_that_ends_by_itself_is_told_with_where_to_look(nvim: Neovim, project: Path) -> None:
    nvim.command("let g:llmspell = #{cmd: '/bin/false'}")
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.until("vim.fn.execute('messages'):find('ended; :checkhealth llmspell', 1, true)")


def test_a_folders_own_programs_are_not_started_unless_that_is_set(start: Start, project: Path) -> None:
    own = project / "hello" / ".venv" / "bin" / "llmspell"
    own.parent.mkdir(parents=True)
    own.write_text(f"#!/bin/sh\ntouch {project}/started\n")
    own.chmod(0o755)
    nvim = start("nvim-0.10")
    opened(nvim, project / "hello" / "spell.lua")
    assert not (project / "started").exists()
    trusting = start("nvim-0.10", "--cmd", "let g:llmspell = #{venv: v:true}")
    trusting.command(f"edit {project / 'hello' / 'spell.lua'}")
    assert trusting.until("vim.uv.fs_stat(...)", str(project / "started"))


def test_neovim_0_7_works_with_the_plain_server_as_the_help_says(start: Start, project: Path) -> None:
    told = (EDITORS / "neovim" / "doc" / "llmspell.txt").read_text()
    told = told[told.index("*llmspell-older*") :]
    nvim = start("nvim-0.7", plugin=False)
    nvim.lua(told[told.index(">lua\n") + 5 : told.index("\n<")])
    nvim.call("nvim_command", f"edit {project / 'hello' / 'spell.lua'}")
    nvim.until("#vim.lsp.buf_get_clients(0) > 0")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'Agent.neww()' })")
    nvim.until("#vim.diagnostic.get(0) > 0")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -2, -1, false, {})")
    nvim.until("#vim.diagnostic.get(0) == 0")
    nvim.call("nvim_command", "call search('chat')")
    place = "{ textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = 4, character = 13 } }"
    hover = nvim.lua(f"return vim.lsp.buf_request_sync(0, 'textDocument/hover', {place}, 10000)")
    assert "agent:chat(" in str(hover)
    lenses = nvim.lua(f"return vim.lsp.buf_request_sync(0, 'textDocument/codeLens', {place}, 10000)")
    assert "Run" not in str(lenses)  # a client that has no such command is offered none


def test_the_plugin_says_to_an_older_neovim_what_it_needs(start: Start) -> None:
    nvim = start("nvim-0.7")
    with pytest.raises(AssertionError, match=r"0\.10 or newer"):
        nvim.call("nvim_command", "Spell run")
    nvim.call("nvim_command", "checkhealth llmspell")
    assert "ERROR: Neovim 0.10 or newer is needed" in "\n".join(nvim.lines())


@pytest.mark.parametrize("version", ["nvim-0.10", "nvim-0.12"])
def test_a_spell_that_was_open_before_the_plugin_was_loaded_has_all_of_it(
    start: Start, project: Path, version: str
) -> None:
    nvim = start(version, plugin=False)
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.command(f"set runtimepath^={EDITORS / 'neovim'}")
    nvim.command("runtime plugin/llmspell.lua")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' }) == 1")
    nvim.until("#(vim.lsp.codelens.get(vim.lsp.codelens.enable and { bufnr = 0 } or 0) or {}) > 0")
