"""`llmspell agents`: the kinds of agent, their actions, and their prompts wherever these lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.agents.templates.prompt_files import PACKAGED
from llmspell.cli.main import main

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs a command in an empty folder; gives its exit code, what it printed, and what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_every_kind_of_agent_is_listed_with_its_actions(say: Said) -> None:
    code, printed, _ = say("agents", "list")
    assert code == 0
    for name in ("ChatAgent", "DataAnalyst", "OrchestratorAgent", "SupervisorAgent", "PipelineAgent", "BaseAgent"):
        assert f"\n{name} " in printed
    listed = json.loads(say("agents", "list", "--json")[1])
    assert listed["ReviewAgent"]["actions"] == ["clarify", "identify_gaps", "review", "verify"]
    assert listed["Agent"]["actions"] == []


@pytest.mark.parametrize("name", ["ReviewAgent", "review", "review_agent", "review-agent", "reviewAgent"])
def test_one_kind_is_shown_with_options_actions_and_prompts(say: Said, name: str) -> None:
    code, printed, _ = say("agents", "show", name)
    assert code == 0
    for expected in ("criteria string[]", "identify_gaps / identifyGaps", "llmspell/review/system.md"):
        assert expected in printed
    assert "   Criteria: {{criteria}}\n" in printed


def test_one_prompt_is_printed_as_its_file_and_the_projects_own_comes_first(say: Said, tmp_path: Path) -> None:
    packaged = (PACKAGED / "review/review.md").read_text(encoding="utf-8")
    assert say("agents", "show", "review", "review") == (0, packaged, "")
    own = tmp_path / "prompts/review/review.md"
    own.parent.mkdir(parents=True)
    own.write_text("Ours: {{input}}\n")
    assert say("agents", "show", "review", "review") == (0, "Ours: {{input}}\n", "")
    assert "prompts/review/review.md" in say("agents", "show", "review")[1]


def test_what_every_kind_shows_is_there(say: Said) -> None:
    for name in json.loads(say("agents", "list", "--json")[1]):
        code, printed, _ = say("agents", "show", name, "--json")
        shown = json.loads(printed)
        assert code == 0 and shown["name"] == name
        assert all(found["text"] for found in shown["prompts"].values())


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("show",), "say which kind of agent", "`llmspell agents list` lists them"),
        (("show", "Reveiw"), "there is no kind of agent 'Reveiw'", "did you mean 'ReviewAgent'?"),
        (("show", "zzzz"), "there is no kind of agent 'zzzz'", "`llmspell agents list` lists them"),
        (("show", "review", "sing"), "ReviewAgent has no prompt 'sing'", "its prompts: system, clarify"),
    ],
)
def test_what_is_asked_wrongly_is_said(say: Said, arguments: tuple[str, ...], said: str, hint: str) -> None:
    code, printed, error = say("agents", *arguments)
    assert (code, printed) == (2, "")
    assert said in error and hint in error
