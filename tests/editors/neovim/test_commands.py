"""What `:Spell` says to what it cannot do, which script it means, and what the command line offers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.editors.neovim.driver import Neovim

SAID = "vim.fn.execute('messages'):find(..., 1, true) ~= nil"


def said(nvim: Neovim, words: str) -> None:
    """A person was told so, in one line and without Lua's own words."""
    nvim.until(SAID, words)
    assert "stack traceback" not in nvim.command("messages")
    nvim.command("messages clear")


def offered(nvim: Neovim, line: str) -> list[str]:
    return nvim.lua("return vim.fn.getcompletion(..., 'cmdline')", line)


#: What cannot be done where no spell is open and nothing was run -> what is said.
REFUSED = [
    ("Spell cancel", "no run is under way here; `:Spell cancel RUN` names another"),
    ("Spell resume --to x", "no run is under way here"),
    ("Spell", "llmspell: :Spell approve|cancel|debug|dev|errors|log|pause|replay|resume|run|step|trace|validate"),
    ("Spell dbug", "there is no :Spell dbug; did you mean :Spell debug?"),
    ("Spell xyz", "there is no :Spell xyz; :Spell approve|cancel"),
    ("Spell run", "which spell? open one, or name its file"),
    ("Spell! run", "which spell?"),
    ("Spell debug", "which spell?"),
    ("Spell dev --theme x", "which spell?"),
    ("Spell validate", "which spell?"),
    ("Spell run nothere.lua", 'there is no file "nothere.lua"'),
    ("Spell! run nothere.lua", 'there is no file "nothere.lua"'),
    ("Spell dev nothere.lua", 'there is no file "nothere.lua"'),
    ("Spell debug nothere.lua", 'there is no file "nothere.lua"'),
    ("Spell validate nothere.lua", 'there is no file "nothere.lua"'),
    ("Spell trace nothere", "there is no run"),
    ("Spell replay nothere", "there is no run"),
    ("Spell errors nothere", "there is no run"),
    ("Spell trace last more", ':Spell trace takes one argument; "more" is too much'),
    ("Spell trace --json", ':Spell trace takes no options; "--json" is one'),
    ("Spell validate hello more", ':Spell validate takes one argument; "more" is too much'),
    ("Spell log it", ':Spell log takes no arguments; "it" is too much'),
    ("Spell pause nothere", "there is no run"),
]


def test_what_cannot_be_done_is_told(nvim: Neovim) -> None:
    for command, words in REFUSED:
        nvim.command(command)
        said(nvim, words)


def test_without_the_program_each_command_says_where_it_could_come_from(nvim: Neovim, project: Path) -> None:
    nvim.command("let g:llmspell = #{cmd: 'llmspel'}")
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.until(SAID, "was not found")
    nvim.command("messages clear")
    for command in ("run", "dev", "validate", "trace", "replay", "errors"):
        nvim.command(f"Spell {command}")
        said(nvim, '"llmspel" was not found; install llmspell, or set vim.g.llmspell.cmd (:checkhealth llmspell)')
    assert nvim.lua("return { #vim.api.nvim_list_tabpages(), #vim.api.nvim_list_wins() }") == [1, 1]


def test_a_buffer_that_cannot_be_written_is_not_run(nvim: Neovim, project: Path) -> None:
    commands = ("Spell run", "Spell! run", "Spell dev", "Spell validate")
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.command("setlocal readonly")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { '-- more' })")
    for command in commands:
        nvim.command(command)
        said(nvim, "spell.lua cannot be written: E45: 'readonly' option is set")
    nvim.command(f"edit! {project / 'nowhere' / 'spell.lua'}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'print(1)' })")
    for command in commands:
        nvim.command(command)
        said(nvim, "spell.lua cannot be written: E212: Can't open file for writing")
    assert nvim.lua("return #vim.api.nvim_list_wins()") == 1


def test_a_file_that_is_no_script_is_neither_written_nor_run(nvim: Neovim, project: Path) -> None:
    readme = project / "README.md"
    nvim.command(f"edit {readme}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'more' })")
    for command in ("run", "debug", "dev", "validate"):
        nvim.command(f"Spell {command}")
        said(nvim, "README.md is no spell: those are Lua and JavaScript files")
        assert nvim.lua("return vim.bo.modified")


def test_what_is_in_the_buffer_is_what_runs(nvim: Neovim, project: Path) -> None:
    """Of a file that is named as well, whatever else is open and however its name is written."""
    folder = project / "my spells"
    folder.mkdir()
    spell, other = folder / "spell.lua", folder / "spell.lua.old"
    spell.write_text("")
    other.write_text("")
    nvim.command(f"edit {str(other).replace(' ', chr(92) + ' ')}")
    nvim.command(f"edit {str(spell).replace(' ', chr(92) + ' ')}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'print(\"begun\")', 'error(\"no flour\")' })")
    nvim.command("enew")
    nvim.command("Spell run my\\ spells/spell.lua")
    said(nvim, "llmspell: spell.lua: no flour")
    assert spell.read_text().startswith("print")
    nvim.command("cfirst")
    assert nvim.lua("return { vim.api.nvim_buf_get_name(0), vim.fn.line('.') }") == [str(spell), 2]


def test_a_folder_is_its_spell_and_to_check_it_all_of_its_spells(nvim: Neovim, project: Path) -> None:
    spell = project / "hello" / "spell.lua"
    nvim.command(f"edit {spell}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'Agent.neww()' })")
    nvim.command("Spell validate hello")
    nvim.until("#vim.fn.getqflist() > 0")
    assert "Agent.neww()" in spell.read_text()
    nvim.command(f"cclose | edit {spell}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -2, -1, false, { 'error(\"no flour\")' })")
    nvim.command("Spell run hello")
    said(nvim, "llmspell: spell.lua: no flour")
    assert nvim.lua("return require('llmspell').statusline()").startswith("spell ✗ error")


def test_a_file_of_a_run_is_found_where_it_was_named(nvim: Neovim, project: Path, environ: dict[str, str]) -> None:
    """From the current folder, though runs are looked for from the spell's."""
    command = ["llmspell", "run", "hello", "--record", "a run.db"]
    subprocess.run(command, env=environ, cwd=project, capture_output=True, check=True)
    nvim.command(f"edit {project / 'tool_agent' / 'spell.lua'}")
    nvim.command("Spell errors a\\ run.db")
    said(nvim, "no errors in run")
    nvim.command("Spell replay a\\ run.db")
    nvim.until("(require('llmspell.runs').newest() or {}).status == 'ok'")
    nvim.command("Spell trace a\\ run.db")
    nvim.until("vim.bo.filetype == 'llmspelltrace' and vim.fn.search('✓ spell', 'nw') > 0")


def test_a_tree_has_a_place_where_its_window_cannot_be_made(nvim: Neovim, project: Path) -> None:
    nvim.command("let g:llmspell = #{split: 'bogus'}")
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.command("Spell trace")
    said(nvim, "there is no run")
    nvim.command("Spell run")
    said(nvim, "llmspell: bogus: E492: Not an editor command: bogus")
    nvim.until("require('llmspell.runs').newest().status == 'ok'")
    nvim.command("tabnext")
    assert nvim.lines()[0].startswith("✓ spell")


def test_what_only_a_terminal_can_run_is_told(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'approval' / 'spell.lua'}")
    nvim.command("Spell run")
    said(nvim, "nobody is here to answer (`:Spell! run` has a terminal to ask in)")


def test_the_command_line_completes(nvim: Neovim, project: Path, environ: dict[str, str]) -> None:
    (project / "plain.lua").touch()
    (project / "plain.txt").touch()
    (project / "with blanks").mkdir()
    (project / "with blanks" / "a b.js").touch()
    names = "approve cancel debug dev errors log pause replay resume run step trace validate".split()
    assert offered(nvim, "Spell ") == offered(nvim, "silent Spell! ") == names
    assert offered(nvim, "Spell va") == ["validate"]
    assert offered(nvim, "Spell log ") == offered(nvim, "Spell cancel ") == offered(nvim, "Spell nothing ") == []
    for name in ("run", "debug", "dev", "validate"):
        assert offered(nvim, f"Spell {name} plain") == ["plain.lua"]
        assert offered(nvim, f"Spell {name} hel") == ["hello/"]
        assert offered(nvim, f"Spell {name} with") == ["with\\ blanks/"]
        assert offered(nvim, f"Spell {name} with\\ blanks/a\\ ") == ["with\\ blanks/a\\ b.js"]
    assert "--param" in offered(nvim, "Spell run with\\ blanks/a\\ b.js --p")
    assert {"hello/replies.json", "hello/spell.js", "hello/spell.lua"} & set(offered(nvim, "Spell run hello/")) == {
        "hello/spell.js",
        "hello/spell.lua",
    }
    for name in ("run", "debug", "replay"):
        assert {"--param", "--max-cost"} <= set(offered(nvim, f"Spell {name} --"))
        assert offered(nvim, f"Spell {name} last --max-co") == ["--max-cost"]
    assert offered(nvim, "Spell validate --") == offered(nvim, "Spell trace --") == []
    subprocess.run(["llmspell", "run", "hello"], env=environ, cwd=project, capture_output=True, check=True)
    for line in ("Spell trace ", "Spell replay ", "Spell errors ", "Spell run plain.lua --resume "):
        last, run = offered(nvim, line)
        assert last == "last" and re.fullmatch(r"\w{8,}", run)
    assert offered(nvim, "Spell trace last ") == []
