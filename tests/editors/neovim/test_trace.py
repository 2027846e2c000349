"""The tree of a run as somebody uses it: it grows below the cursor, leads to the script, and is put away."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.editors.neovim.driver import Neovim
from tests.editors.neovim.test_runs import ENDED, TREE, runs, to_trace

from llmspell.traces.layout import duration_text

#: A run that waits before its tool until somebody lets it go on.
WAITING = """
local a = Agent.new { name = "asker", system_prompt = "You ask." }
print(a:chat("Say something.\\nIn two lines."))
print(Calculator.new():execute({ expression = "6 * 7" }).result)
print("done")
"""


def right(nvim: Neovim) -> list[str]:
    """What stands at the right edge of each line."""
    return nvim.lua("""
        local space = vim.api.nvim_get_namespaces()['llmspell.trace']
        local found = {}
        for row = 0, vim.api.nvim_buf_line_count(0) - 1 do
            found[row + 1] = ''
            for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, { row, 0 }, { row, -1 }, { details = true })) do
                found[row + 1] = found[row + 1] .. (mark[4].virt_text and mark[4].virt_text[1][1] or '')
            end
        end
        return found""")


def test_it_grows_and_leaves_folds_and_the_cursor_where_they_are(
    nvim: Neovim, project: Path, environ: dict[str, str]
) -> None:
    spell = project / "spell.lua"
    spell.write_text(WAITING)
    nvim.command(f"edit {spell}")
    nvim.command("Spell run --break tool:*")
    nvim.until(f"table.concat({TREE} or {{}}, ' '):find('paused', 1, true)")
    to_trace(nvim)
    # The first call's tokens are the spell's, too.
    (tokens,) = right(nvim)[0].split()
    assert nvim.lines()[0].startswith("▸ spell") and int(tokens) > 10
    nvim.command("normal! zR")
    nvim.command("call search('agent asker', 'w')")
    nvim.command("normal! zc")
    at = nvim.lua("return { vim.fn.line('.'), vim.fn.foldclosed('.') }")
    assert at[0] == at[1] > 1
    run = nvim.lua("return require('llmspell.runs').newest().target")
    subprocess.run(["llmspell", "trace", "resume", run], env=environ, cwd=project, capture_output=True, check=True)
    nvim.until(ENDED)
    nvim.until("vim.fn.search('› done', 'nw') > 0 and vim.fn.search('tool calculator', 'nw') > 0")
    assert nvim.lua("return { vim.fn.line('.'), vim.fn.foldclosed('.') }") == at
    # What somebody opened stays open, below it as well.
    nvim.command("normal! zo")
    assert nvim.lua("return vim.fn.foldclosed(vim.fn.search('│ prompt: Say', 'n'))") == -1
    head = right(nvim)[0].split()
    assert head[0].replace(".", "").isdigit() and head[1] in ("ms", "s") and head[2] == tokens
    bar = nvim.lua("return vim.api.nvim_eval_statusline(vim.wo.winbar, { use_winbar = true }).str")
    assert bar.startswith("run spell.lua  ✓ ok · ") and f"{tokens} tokens" in bar and bar.rstrip().endswith("g? keys")


def test_who_reads_it_at_its_end_is_taken_along(nvim: Neovim) -> None:
    """Fed with events by hand: a tree that somebody has just opened begins at its first line."""
    nvim.lua("""
        local tree = require('llmspell.tree').new()
        shown = { title = 'trace x', tree = tree, status = 'running', root = '/', base = '' }
        function grow()
            tree:add({ kind = 'agent_started', phase = 'start', seq = tree.seq + 1, span = tree.seq + 1, parent = 0,
                time = 0, name = 'a', site = '', data = {} })
            require('llmspell.trace').changed(shown)
        end
        require('llmspell.trace').open(shown, true)""")
    places: list[int] = []
    for lines, keys in ((2, ""), (3, "G"), (4, ""), (5, "gg")):
        if keys:
            nvim.command(f"normal! {keys}")
        while nvim.lua("grow() return shown.tree.seq") < lines:
            pass
        nvim.until("vim.fn.line('$') == ...", lines)
        places.append(nvim.lua("return vim.fn.line('.')"))
    assert places == [1, 3, 4, 1]


def test_it_leads_to_a_script_with_changes_and_to_no_other_window(nvim: Neovim, project: Path) -> None:
    spell = project / "tool_agent" / "spell.lua"
    nvim.command(f"edit {spell}")
    nvim.command("Spell run")
    nvim.until(ENDED)
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, false, { '-- not saved' })")
    nvim.command("botright copen")
    to_trace(nvim)
    nvim.command("call search('agent clerk', 'w')")
    windows = nvim.lua("return #vim.api.nvim_list_wins()")
    nvim.keys("<CR>")
    nvim.until("vim.api.nvim_buf_get_name(0) == ...", str(spell))
    assert nvim.lua("return { vim.bo.modified, vim.fn.line('.'), #vim.api.nvim_list_wins() }") == [True, 14, windows]
    # What a span was given leads to its span's place, the spell to its script.
    nvim.command("edit!")
    for found, line in (("│ system", 14), ("spell spell.lua", 1)):
        to_trace(nvim)
        nvim.command(f"call search('{found}', 'w')")
        nvim.keys("<CR>")
        nvim.until("vim.api.nvim_buf_get_name(0) == ... and vim.fn.line('.')", str(spell))
        assert nvim.lua("return vim.fn.line('.')") == line
    # A script that is gone is told.
    nvim.command("enew")
    to_trace(nvim)
    nvim.command(f"silent bwipeout! {spell}")
    spell.unlink()
    nvim.command("call search('agent clerk', 'w')")
    nvim.keys("<CR>")
    nvim.until("vim.fn.execute('messages'):find('is not there any more') ~= nil")


def test_from_it_the_spell_is_run_again_and_its_keys_are_told(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'hello' / 'spell.lua'}")
    nvim.command("Spell run")
    nvim.until(ENDED)
    nvim.command("wincmd t | enew")
    to_trace(nvim)
    first = nvim.lua("return require('llmspell.runs').newest().target")
    nvim.command("Spell run")
    nvim.until("(require('llmspell.runs').newest().target or ...) ~= ...", first)
    nvim.until(ENDED)
    assert [nvim.lua(f"return vim.fn.maparg('{key}', 'n') ~= ''") for key in ("<CR>", "K", "X", "q", "g?")] == [
        True
    ] * 5
    told = nvim.lua("return vim.fn.execute('normal g?')")
    assert "K  Show all that is recorded of this span" in told and "zo" in told
    # What is asked about a run without naming it is asked about the one that is shown, though there is a newer one.
    nvim.command(f"Spell trace {first}")
    nvim.until("require('llmspell.trace').run(vim.api.nvim_get_current_buf()).target == ...", first)
    nvim.command("Spell errors")
    nvim.until("vim.fn.execute('messages'):find(..., 1, true) ~= nil", f"no errors in run {first}")
    nvim.command("only")
    nvim.keys("q")
    assert nvim.until("vim.bo.filetype == '' and #vim.api.nvim_list_wins() == 1")


def test_only_the_newest_are_kept_and_odd_names_are_drawn(nvim: Neovim) -> None:
    """Fed with events by hand: what a name may be is not for the tree to say."""
    shown = nvim.lua("""
        local Tree, trace = require('llmspell.tree'), require('llmspell.trace')
        for number = 1, 30 do
            local tree = Tree.new()
            local name = 'a\\nb\\t%d' .. number
            tree:add({ kind = 'agent_started', phase = 'start', seq = 1, span = 1, parent = 0, time = 0, name = name,
                site = '', data = {} })
            trace.open({ title = 'run\\n' .. number, tree = tree, status = 'running', root = '/', base = '' }, true)
        end
        return vim.tbl_filter(function(buffer) return vim.bo[buffer].filetype == 'llmspelltrace' end,
            vim.api.nvim_list_bufs())""")
    assert len(shown) == 21  # one is looked at
    assert nvim.lines() == ["▸ agent a b %d30"]


def test_what_is_printed_can_be_read_to_its_end(nvim: Neovim) -> None:
    lines = nvim.lua(
        """
        local tree = require('llmspell.tree').new()
        tree:add({ kind = 'spell_started', phase = 'start', seq = 1, span = 1, parent = 0, time = 0, name = 'a.lua',
            site = '', data = {} })
        for seq, text in ipairs(...) do
            tree:add({ kind = 'output', phase = 'point', seq = seq + 1, span = 1, parent = 0, time = 0, name = '',
                site = 'a.lua:' .. seq, data = { text = text } })
        end
        return vim.tbl_map(function(line) return { vim.trim(line.text), line.site, line.closed } end, require('llmspell.lines').of(tree, 40))""",
        ["short", "one\n\n  two\n", "word " * 9],
    )
    assert lines[1:] == [
        ["› short", "a.lua:1", False],
        ["› one   two", "a.lua:2", True],
        ["│   one", "a.lua:2", False],
        ["│", "a.lua:2", False],
        ["│     two", "a.lua:2", False],
        ["› word word word word word word word …", "a.lua:3", True],
        ["│   word word word word word word word", "a.lua:3", False],
        ["│   word word", "a.lua:3", False],
    ]


def test_folds_are_right_where_lines_come_at_several_places(nvim: Neovim) -> None:
    """Fed with events by hand: what failed has lines below its head, what lies in it has others."""
    nvim.lua("""
        local tree = require('llmspell.tree').new()
        shown = { title = 'trace x', tree = tree, status = 'running', root = '/', base = '' }
        function tell(kind, phase, span, data)
            tree:add({ kind = kind, phase = phase, seq = tree.seq + 1, span = span, parent = span - 1, time = 0, name = 'a',
                site = '', data = data })
        end
        tell('spell_started', 'start', 1, {})
        tell('output', 'point', 1, { text = 'one\\ntwo' })
        tell('tool_called', 'start', 2, { params = { a = 'three\\nfour' } })
        require('llmspell.trace').open(shown, true)
        local failed = { message = 'no flour', stack = { 'a.lua:1: in main chunk' } }
        tell('tool_completed', 'end', 2, { status = 'error', error = failed })
        tell('log', 'point', 1, { level = 'info', message = 'five' })
        tell('spell_completed', 'end', 1, { status = 'error', error = failed })
        require('llmspell.trace').show(shown)""")
    folds = """
        local found = {}
        for lnum = 1, vim.fn.line('$') do found[lnum] = { vim.fn.foldlevel(lnum), vim.fn.foldclosed(lnum) } end
        return found"""
    levels, closed = zip(*nvim.lua(folds), strict=True)
    lines = [line.strip() for line in nvim.lines()]
    heads = [number for number, line in enumerate(lines, 1) if line.startswith(("│ error", "› one", "│ arguments"))]
    assert len(heads) == 4 and set(closed) == {-1, *heads}
    nvim.command("normal! zx")
    assert levels == tuple(level for level, _ in nvim.lua(folds))


def test_a_window_that_is_made_wider_has_room_for_more(nvim: Neovim, project: Path) -> None:
    nvim.command(f"edit {project / 'tool_agent' / 'spell.lua'}")
    nvim.command("Spell run")
    nvim.until(ENDED)
    to_trace(nvim)
    system = "│ system: You answer in one sentence. Use your tools for every calculation and every date."
    assert nvim.lua("return vim.fn.search(..., 'nw')", system) == 0
    nvim.command("only")
    nvim.until("vim.fn.search(..., 'nw') > 0", system)


def test_times_are_those_of_llmspell_trace(nvim: Neovim, project: Path, environ: dict[str, str]) -> None:
    times = [0.04, 9.94, 9.96, 999.4, 999.6, 59_994, 59_996, 125_000, 3_599_400, 3_599_600, 7_325_000]
    told = nvim.lua("return vim.tbl_map(require('llmspell.figures').duration, ...)", times)
    assert told == [duration_text(time) for time in times]
    nvim.command(f"edit {project / 'hello' / 'spell.js'}")
    nvim.command("Spell run")
    nvim.until(ENDED)
    (run,) = runs(environ, project)
    took = duration_text(run["duration"])  # type: ignore[arg-type]  # of JSON
    to_trace(nvim)
    nvim.until("vim.fn.search('✓ spell', 'nw') > 0")
    assert right(nvim)[0].strip().startswith(f"{took} ")
    nvim.command("wincmd t")
    assert f" · {took} · " in nvim.lua("return require('llmspell').statusline()")


def test_values_are_told_in_lines_that_can_be_read(nvim: Neovim) -> None:
    value = {
        "items": [{"name": "a", "size": 1}, [1, 2]],
        "text": "one\ntwo",
        "long": "word " * 12,
        "half": 0.5,
        "no": [],
    }
    assert nvim.lua("return require('llmspell.figures').outline(..., 30)", value) == [
        "half: 0.5",
        "items:",
        "  - name: a",
        "    size: 1",
        "  - - 1",
        "    - 2",
        "long:",
        "  word word word word word",
        "  word word word word word",
        "  word word ",
        "no: []",
        "text:",
        "  one",
        "  two",
    ]
