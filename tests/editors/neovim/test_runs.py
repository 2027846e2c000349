"""Runs in Neovim: a lens or `:Spell` starts them, their tree grows in a buffer, what failed is in the quickfix list."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.editors.neovim.conftest import Start
from tests.editors.neovim.driver import Neovim

ATTACHED = "vim.lsp.get_clients({ bufnr = 0, name = 'llmspell' })[1]"
READY = f"{ATTACHED} and {ATTACHED}.initialized"
#: The lines of the first trace that is shown, or nothing.
TREE = """(function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
        local buffer = vim.api.nvim_win_get_buf(window)
        if vim.bo[buffer].filetype == 'llmspelltrace' then
            return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
        end
    end
end)()"""
ENDED = f"{TREE} and not {TREE}[1]:match('^▸') and not {TREE}[1]:match('^…') and {TREE}"

#: The number of the place that stands at the right of the cursor's line.
PLACE = """
    local row = vim.fn.line('.') - 1
    local space = vim.api.nvim_get_namespaces()['llmspell.trace']
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, { row, 0 }, { row, -1 }, { details = true })) do
        local words = mark[4].virt_text and mark[4].virt_text[1][1] or ''
        if words:match(':%d+ ') then return words:match(':(%d+) ') end
    end"""


def runs(environ: dict[str, str], project: Path) -> list[dict[str, object]]:
    command = ["llmspell", "trace", "list", "--json"]
    done = subprocess.run(command, env=environ, cwd=project, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def texts(nvim: Neovim) -> str:
    return "\n".join(nvim.until(ENDED))


def to_trace(nvim: Neovim) -> None:
    nvim.lua("""for _, window in ipairs(vim.api.nvim_list_wins()) do
        if vim.bo[vim.api.nvim_win_get_buf(window)].filetype == 'llmspelltrace' then
            vim.api.nvim_set_current_win(window)
        end
    end""")


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_the_lens_runs_the_spell_and_shows_its_tree(
    nvim: Neovim, project: Path, environ: dict[str, str], suffix: str
) -> None:
    spell = project / "hello" / f"spell.{suffix}"
    nvim.command(f"edit {spell}")
    shown = nvim.until("""(function()
        local found = {}
        for _, lens in ipairs(vim.lsp.codelens.get(vim.lsp.codelens.enable and { bufnr = 0 } or 0) or {}) do
            local command = (lens.lens or lens).command
            found[#found + 1] = command.title
        end
        return #found > 0 and found
    end)()""")
    assert shown == ["▶ Run"]
    drawn = nvim.until("""(function()
        for _, space in pairs(vim.api.nvim_get_namespaces()) do
            for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
                for _, line in ipairs(mark[4].virt_lines or { mark[4].virt_text or {} }) do
                    for _, piece in ipairs(line) do
                        if piece[1]:find('Run', 1, true) then return piece[1] end
                    end
                end
            end
        end
    end)()""")
    assert "Run" in drawn
    assert runs(environ, project) == []
    nvim.command("normal! gg")
    nvim.lua("vim.lsp.codelens.run()")
    tree = texts(nvim)
    assert "✓ spell" in tree and "✓ agent agent_1" in tree and "› Hello, world!" in tree
    assert [run["spell"] for run in runs(environ, project)] == [str(spell)]
    # The cursor stays in the spell.
    assert nvim.call("nvim_buf_get_name", 0) == str(spell)
    # The server tells of the run above the first line, and that opens its tree.
    nvim.until("""(function()
        for _, lens in ipairs(vim.lsp.codelens.get(vim.lsp.codelens.enable and { bufnr = 0 } or 0) or {}) do
            if (lens.lens or lens).command.title:find('last run') then return true end
        end
    end)()""")


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_a_tree_has_folds_values_and_places(nvim: Neovim, project: Path, suffix: str) -> None:
    spell = project / "workflow" / f"spell.{suffix}"
    nvim.command(f"edit {spell}")
    nvim.command("Spell run")
    tree = texts(nvim)
    assert "workflow report" in tree and "step plan" in tree and "tide mills" in tree
    to_trace(nvim)
    # What was asked and answered lies in folds that are closed; spans are open.
    at = nvim.lua("return vim.fn.search('│ system: .*…$', 'w')")
    assert at > 0 and nvim.lua("return vim.fn.foldclosed(...)", at) == at
    assert nvim.lua("return vim.fn.foldclosedend(...)", at) > at
    assert nvim.lua("return vim.fn.foldclosed(1)") == -1
    nvim.command("normal! zo")
    assert nvim.lua("return vim.fn.foldclosed(...)", at) == -1
    nvim.command("normal! ggzc")
    assert nvim.lua("return vim.fn.foldclosedend(1)") == len(nvim.lines())
    nvim.command("normal! zR")
    # K shows all that is recorded, <CR> goes to the script's line.
    nvim.command("call search('agent planner', 'w')")
    nvim.keys("K")
    nvim.until("vim.bo.syntax == 'yaml' and vim.fn.search('^execution_started: # 0.0 ms, event', 'nw') > 0")
    nvim.keys("q")
    nvim.until("vim.bo.filetype == 'llmspelltrace'")
    nvim.command("call search('step plan', 'bw')")
    wanted = nvim.lua(PLACE)
    nvim.keys("<CR>")
    nvim.until("vim.api.nvim_buf_get_name(0) == ...", str(spell))
    assert nvim.lua("return vim.fn.line('.')") == int(wanted)


def test_the_tree_is_drawn_while_the_run_goes_on_and_can_be_cancelled(
    nvim: Neovim, project: Path, environ: dict[str, str]
) -> None:
    spell = project / "spell.lua"
    spell.write_text('print("begun")\nAsync.sleep(600000)\n')
    nvim.command(f"edit {spell}")
    nvim.command("Spell run")
    nvim.until(f"table.concat({TREE} or {{}}):find('begun', 1, true)")
    assert nvim.until(TREE)[0].startswith("▸ spell")
    assert "running" in nvim.lua("return require('llmspell').statusline()")
    nvim.command("Spell cancel")
    assert texts(nvim).startswith("■ spell")
    assert "cancelled" in nvim.lua("return require('llmspell').statusline()")
    # Who cancels a run has not failed: no error is told, and the quickfix list is as it was.
    nvim.until("require('llmspell.runs').newest().status == 'cancelled'")
    assert nvim.lua("return { #vim.fn.getqflist(), vim.fn.execute('messages') }") == [0, ""]
    assert [run["status"] for run in runs(environ, project)] == ["cancelled"]


def test_what_was_started_ends_with_neovim(start: Start, project: Path, environ: dict[str, str]) -> None:
    spell = project / "spell.lua"
    spell.write_text('print("begun")\nAsync.sleep(600000)\n')
    nvim = start("nvim-0.10")
    nvim.command(f"edit {spell}")
    nvim.command("Spell run")
    nvim.until(f"table.concat({TREE} or {{}}):find('begun', 1, true)")
    process = nvim.lua("return require('llmspell.runs').newest().pid")
    nvim.lua("vim.api.nvim_exec_autocmds('VimLeavePre', {})")
    nvim.until("vim.uv.kill(..., 0) ~= 0", process)
    assert [run["status"] for run in runs(environ, project)] == ["cancelled"]


def test_what_a_run_prints_that_cannot_be_recorded_can_be_read(nvim: Neovim, project: Path) -> None:
    folder = project / "hello"
    (folder / "llmspell.toml").touch()
    (folder / ".llmspell").touch()  # runs are kept in a folder of this name
    nvim.command(f"edit {folder / 'spell.lua'}")
    nvim.command("Spell run")
    nvim.until("vim.fn.execute('messages'):find('the run left no trace', 1, true) ~= nil")
    lines = nvim.until(TREE)
    assert lines[0] == "Hello, world! It is good to meet you." and "not being recorded" in "".join(lines)
    assert nvim.lua("return require('llmspell').statusline()") == "spell ✓ ok"


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_errors_of_the_last_run_are_in_the_quickfix_list(nvim: Neovim, project: Path, suffix: str) -> None:
    texts_ = {
        "lua": 'local function inner()\n  error("no flour")\nend\ninner()\n',
        "js": 'function inner() {\n  throw new Error("no flour");\n}\ninner();\n',
    }
    spell = project / f"spell.{suffix}"
    spell.write_text(texts_[suffix])
    nvim.command(f"edit {spell}")
    nvim.command("Spell run")
    assert "no flour" in texts(nvim)
    listed = "vim.fn.getqflist({ title = 0, items = 0 })"
    nvim.until(f"#{listed}.items > 0")
    nvim.command("cfirst")
    assert nvim.lua("return { vim.api.nvim_buf_get_name(0), vim.fn.line('.') }") == [str(spell), 2]
    items = nvim.lua(f"return {listed}.items")
    assert (items[0]["type"], items[0]["text"]) == ("E", "no flour")
    assert [each["lnum"] for each in items][:2] == [2, 4]
    nvim.command("call setqflist([], 'f')")
    nvim.command("Spell errors")
    assert nvim.until(f"#{listed}.items > 0 and {listed}.items")[0]["text"] == "no flour"
    # The server has it as a diagnostic at its line, too.
    nvim.command("wincmd t")
    assert "no flour" in nvim.until("(vim.diagnostic.get(0)[1] or {}).message")
    # And takes it away with the line.
    nvim.lua("vim.api.nvim_buf_set_lines(0, 1, 2, false, {})")
    nvim.until("#vim.diagnostic.get(0, { severity = { min = vim.diagnostic.severity.WARN } }) == 0")


def test_validate_fills_the_quickfix_list_and_empties_it(nvim: Neovim, project: Path) -> None:
    spell = project / "hello" / "spell.lua"
    text = spell.read_text()
    nvim.command(f"edit {spell}")
    nvim.lua("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'print(\"é😀\", Agent.neww())' })")
    nvim.command("Spell validate")
    items = nvim.until("#vim.fn.getqflist() > 0 and vim.fn.getqflist()")
    assert [(each["type"], each["lnum"]) for each in items] == [("E", text.count("\n") + 1)]
    # Columns of the list are bytes.
    columns = [len(f'print("é😀", Agent.{name}'.encode()) + 1 for name in ("", "neww")]
    assert [items[0]["col"], items[0]["end_col"]] == columns
    assert "unknown-member" in items[0]["text"]
    assert nvim.until("vim.bo.buftype == 'quickfix'")
    spell.write_text(text)
    nvim.command(f"Spell validate {spell}")
    assert nvim.until("#vim.fn.getqflist() == 0")


def test_a_run_is_replayed_and_an_old_one_shown(nvim: Neovim, project: Path, environ: dict[str, str]) -> None:
    spell = project / "tool_agent" / "spell.js"
    subprocess.run(["llmspell", "run", str(spell)], env=environ, cwd=project, capture_output=True, check=True)
    nvim.command(f"edit {spell}")
    nvim.command("Spell trace")
    shown = texts(nvim)
    assert "✓ tool calculator" in shown and "│ arguments: 15% of 2500" in shown
    nvim.command("close")
    nvim.command("Spell replay")
    replayed = texts(nvim)
    assert "✓ tool calculator" in replayed
    assert [bool(run["parent"]) for run in runs(environ, project)] == [False, True]
    ids = nvim.lua("return vim.fn.getcompletion('Spell trace ', 'cmdline')")
    assert ids[0] == "last" and [run["id"] for run in runs(environ, project)][::-1] == ids[1:]


def test_options_that_are_set_are_those_of_runs_alone_and_typed_ones_win(nvim: Neovim, project: Path) -> None:
    nvim.command("let g:llmspell = #{run: ['--param', 'name=Ada']}")
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.command("Spell run --param name=world")
    assert "› Hello, world!" in texts(nvim)
    nvim.command("Spell replay")
    nvim.until("require('llmspell.runs').newest().title == 'replay spell.lua'")
    nvim.until("require('llmspell.runs').newest().status ~= 'starting'")
    assert "› Hello, world!" in texts(nvim)
    nvim.command("Spell! run")
    nvim.until("table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'):find('Hello, Ada!', 1, true)")


def test_what_cannot_be_run_is_told_in_one_line(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.command("Spell run --params x=1")
    nvim.until("vim.fn.execute('messages'):find('unknown option') ~= nil")
    nvim.until(f"table.concat({TREE} or {{}}):find('unknown option') ~= nil")
    nvim.command("Spell trace nothing")
    nvim.until("vim.fn.execute('messages'):find('there is no run') ~= nil")
    nvim.command("Spell dance")
    nvim.until("vim.fn.execute('messages'):find('no :Spell dance') ~= nil")
    nvim.command("Spell log")
    assert any("--params x=1" in line for line in nvim.lines())


#: The terminal shows a text.
ON_SCREEN = "table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'):find(..., 1, true) ~= nil"


def test_what_asks_a_person_gets_a_terminal(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'approval' / 'spell.lua'}")
    nvim.command("Spell! run")
    assert nvim.lua("return vim.bo.buftype") == "terminal"
    nvim.until(ON_SCREEN, "Send this to Alan")
    nvim.command("bwipeout!")


def test_the_terminal_interface_goes_when_it_is_left(nvim: Neovim, project: Path) -> None:
    spell = project / "hello" / "spell.lua"
    nvim.command(f"edit {spell}")
    nvim.command("Spell dev")
    nvim.until(ON_SCREEN, "agent_1")
    # Places are told as in a run.
    assert not nvim.lua(f"return {ON_SCREEN}", str(spell))
    nvim.keys("q")
    nvim.until("#vim.api.nvim_list_tabpages() == 1 and vim.api.nvim_buf_get_name(0) == ...", str(spell))


def test_nothing_runs_until_somebody_asks(nvim: Neovim, project: Path, environ: dict[str, str]) -> None:
    """A folder of strangers' spells is opened, read, edited, saved, completed: no run is ever started."""
    spell = project / "spell.lua"
    spell.write_text('io = io\nos = os\nprint("I ran")\nlocal a = Agent.new("x")\n')
    (project / ".nvim.lua").write_text(f"vim.fn.writefile({{}}, '{project}/exrc')\n")
    for path in (spell, project / "hello" / "spell.js", project / "llmspell.toml", project / "hello" / "replies.json"):
        path.touch()
        nvim.command(f"edit {path}")
        nvim.until(READY)
        nvim.command("silent write")
    nvim.command(f"edit {spell}")
    nvim.lua(
        "return vim.lsp.buf_request_sync(0, 'textDocument/codeLens',"
        " { textDocument = vim.lsp.util.make_text_document_params() }, 10000) ~= nil"
    )
    nvim.command("Spell validate")
    nvim.until("vim.fn.getqflist({ title = 0 }).title:find('validate') ~= nil")
    assert runs(environ, project) == []
    assert not (project / "exrc").exists()
