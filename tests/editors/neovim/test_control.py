"""A run that is under way is spoken to from Neovim: it is paused, goes on, is let do what waits for a person."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.editors.neovim.driver import Neovim
from tests.editors.neovim.test_commands import SAID, offered, said
from tests.editors.neovim.test_runs import ENDED, TREE, to_trace

STATUS = "require('llmspell').statusline():find(..., 1, true) ~= nil"
#: Two calls that a step can stop at.
SPELL = """
console.log((await new Calculator().execute({ expression: "6 * 7" })).result);
console.log((await new Calculator().execute({ expression: "6 * 8" })).result);
"""


def begun(nvim: Neovim, project: Path, options: str) -> str:
    """The id of a run that is under way."""
    spell = project / "spell.js"
    spell.write_text(SPELL)
    nvim.command(f"edit {spell}")
    nvim.command(f"Spell run {options}")
    return nvim.until("require('llmspell.runs').newest().target")


def test_a_run_that_stops_at_a_breakpoint_goes_on(nvim: Neovim, project: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(["llmspell", "run", "hello"], env=environ, cwd=project, capture_output=True, check=False)
    assert done.returncode == 0
    run = begun(nvim, project, "--break start")
    said(nvim, "spell.js: paused: breakpoint start (:Spell resume, :Spell step)")
    nvim.until(STATUS, "spell ‖ paused")
    # Runs that have ended are not offered.
    for word in ("pause", "resume", "step", "approve", "cancel"):
        assert offered(nvim, f"Spell {word} ") == [run]
    assert offered(nvim, "Spell step --t") == offered(nvim, f"Spell step {run} --t") == ["--to"]
    nvim.command("Spell step --to tool")
    nvim.until(f"table.concat({TREE}, ' '):find('tool calculator', 1, true)")
    nvim.until(STATUS, "spell ‖ paused")
    # Who steps knows that it stops.
    assert nvim.command("messages") == ""
    to_trace(nvim)
    nvim.keys("S")
    nvim.until("vim.fn.search('› 42', 'nw') > 0 and vim.fn.search('▸ tool calculator', 'nw') > 0")
    nvim.until("require('llmspell.runs').newest().tree.paused")
    nvim.keys("P")
    nvim.until(ENDED)
    nvim.until("require('llmspell.runs').newest().status == 'ok'")
    nvim.command("Spell resume")
    said(nvim, "this run has ended")
    nvim.command("wincmd t")
    nvim.command("Spell resume")
    said(nvim, "no run is under way here; `:Spell resume RUN` names another")
    nvim.command(f"Spell resume {run}")
    said(nvim, f"run {run} has ended (ok)")


def test_it_is_paused_and_ended_from_here_whoever_started_it(
    nvim: Neovim, project: Path, environ: dict[str, str]
) -> None:
    spell = project / "spell.lua"
    spell.write_text('print("begun")\nwhile true do Async.sleep(20) end\n')
    command = ["llmspell", "run", str(spell)]
    with subprocess.Popen(command, env=environ, cwd=project, stdout=subprocess.PIPE, text=True) as elsewhere:
        assert elsewhere.stdout is not None and elsewhere.stdout.readline() == "begun\n"
        nvim.command("Spell trace")
        nvim.until(f"table.concat({TREE} or {{}}):find('begun', 1, true)")
        # From a window beside its tree, too.
        nvim.command("wincmd t")
        nvim.command("Spell pause")
        nvim.until(f"table.concat({TREE}):find('· paused', 1, true)")
        (run,) = offered(nvim, "Spell resume ")
        nvim.command(f"Spell resume {run}")
        said(nvim, f"run {run}: state: running")
        nvim.command("Spell cancel --reason enough")
        assert nvim.until(ENDED)[0].startswith("■ spell")
        assert elsewhere.wait(timeout=20) == 130
    shown = subprocess.run(
        ["llmspell", "trace", "show", run, "--json"], env=environ, cwd=project, capture_output=True, check=True
    )
    assert json.loads(shown.stdout)["status"] == "cancelled"


def test_a_call_that_waits_is_approved_or_denied(nvim: Neovim, project: Path) -> None:
    begun(nvim, project, "--approve calculator")
    said(nvim, "spell.js:2: calculator waits for approval (:Spell approve, :Spell approve --deny)")
    nvim.until(STATUS, "spell ‖ waiting")
    nvim.command("Spell approve --set expression=2*4")
    nvim.until(f"table.concat({TREE}):find('› 8', 1, true)")
    said(nvim, "spell.js:3: calculator waits for approval")
    nvim.command("Spell approve --deny --reason not\\ now")
    said(nvim, "spell.js: the call of calculator was denied by the person: not now")
    nvim.until(SAID.replace("~=", "=="), "no run is under way")


def test_of_two_runs_of_a_spell_the_older_is_not_forgotten(nvim: Neovim, project: Path) -> None:
    first = begun(nvim, project, "--break start")
    nvim.command("Spell run --break start")
    nvim.until("(require('llmspell.runs').newest().target or ...) ~= ...", first)
    for left in (1, 0):
        nvim.command("Spell cancel")
        nvim.until("#require('llmspell.runs').under_way() == ...", left)


def test_a_replay_that_waited_where_its_run_did_waits_for_nobody(nvim: Neovim, project: Path) -> None:
    run = begun(nvim, project, "--break start")
    said(nvim, "paused: breakpoint start")
    nvim.command("Spell resume")
    nvim.until(ENDED)
    nvim.command(f"Spell replay {run}")
    nvim.until("require('llmspell.runs').newest().title == 'replay spell.js'")
    nvim.until("require('llmspell.runs').newest().status == 'ok'")
    # Timers come in their order: one that would tell was set before this one.
    nvim.lua("vim.defer_fn(function() passed = true end, 200)")
    nvim.until("passed")
    assert nvim.command("messages") == ""
