"""Every example prints in both languages what its README says, offline and from a model's service."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmspell.providers.replies import load
from llmspell.testing.server import ServerThread

if TYPE_CHECKING:
    from conftest import Story

EXAMPLES = Path(__file__).parents[2] / "examples"
SPELLS = ("spell.lua", "spell.js")
STORIES = sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "spell.lua").is_file())


@pytest.mark.mission(157)
@pytest.mark.parametrize("spell", SPELLS)
@pytest.mark.parametrize("name", STORIES)
def test_an_example_prints_what_its_page_says(story: Callable[[str], Story], name: str, spell: str) -> None:
    copied = story(name)
    done = copied.run(spell)
    assert (done.stdout, done.returncode) == (copied.prints, 0), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("llmspell: no model is configured")


@pytest.mark.mission(157)
@pytest.mark.parametrize("spell", SPELLS)
@pytest.mark.parametrize("name", [name for name in STORIES if name not in ("error_handling", "hello")])
@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"])
def test_an_example_prints_the_same_from_a_model_s_service(
    story: Callable[[str], Story], name: str, spell: str, model: str
) -> None:
    copied = story(name)
    with ServerThread(script=load(copied.folder / "replies.json")) as server:
        said = copied.said(
            spell,
            LLMSPELL_DEFAULT_MODEL=model,
            OPENAI_API_BASE=server.openai_url,
            OPENAI_API_KEY="none needed",
            ANTHROPIC_BASE_URL=server.url,
            ANTHROPIC_API_KEY="none needed",
        )
        assert said == copied.prints
        assert server.requests


def test_every_story_has_both_languages_a_page_and_a_line_in_the_list() -> None:
    listed = re.findall(r"^\| \[(\w+)\]", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    folders = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
    assert sorted(listed) == folders
    for name in STORIES:
        assert {"README.md", "spell.lua", "spell.js", "replies.json"} <= {
            path.name for path in (EXAMPLES / name).iterdir()
        }


def test_hello_takes_a_name(story: Callable[[str], Story]) -> None:
    copied = story("hello")
    for spell in SPELLS:
        assert copied.said(spell, "--param", "name=Ada") == "Hello, Ada! It is good to meet you.\n"


@pytest.mark.mission(76)
@pytest.mark.parametrize("spell", SPELLS)
def test_the_hook_s_rewriting_is_what_the_service_receives(story: Callable[[str], Story], spell: str) -> None:
    copied = story("hooks")
    with ServerThread(script=load(copied.folder / "replies.json")) as server:
        copied.said(
            spell,
            LLMSPELL_DEFAULT_MODEL="openai/gpt-4o-mini",
            OPENAI_API_BASE=server.openai_url,
            OPENAI_API_KEY="none needed",
        )
        bodies = [request.body for request in server.requests]
    assert b"I am [e-mail]. What address" in bodies[0]
    assert all(b"ada@example.com" not in body for body in bodies)


def _report(copied: Story, spell: str) -> str:
    copied.said(spell)
    return (copied.folder / "output" / "report.md").read_text(encoding="utf-8")


def test_the_research_report_is_the_same_and_right_in_both_languages(story: Callable[[str], Story]) -> None:
    copied = story("research")
    report = _report(copied, "spell.lua")
    assert report == _report(copied, "spell.js")
    celsius: dict[str, list[float]] = {}
    for line in (copied.folder / "data" / "streets.csv").read_text(encoding="utf-8").splitlines()[1:]:
        _, shade, _, degrees = line.split(",")
        celsius.setdefault(shade, []).append(float(degrees))
    means = {shade: sum(values) / len(values) for shade, values in celsius.items()}
    assert f"Cooling: {means['none'] - means['full']:.1f} °C (as measured" in report
    assert f"{means['full']:.1f} °C on average in full shade, {means['none']:.1f} °C without" in report
    assert f"make {(1450 + 25 * 38) / 25:g} euros a year" in report
    for source in re.findall(r"\[(.*?)\]$", report, re.MULTILINE):
        assert (copied.folder / source).is_file(), source


@pytest.mark.parametrize("spell", SPELLS)
def test_the_embargoed_note_is_refused_and_the_trace_says_so(story: Callable[[str], Story], spell: str) -> None:
    copied = story("research")
    done = copied.run(spell, "--trace", COLUMNS="120")
    assert done.returncode == 0
    assert re.search(r"✗ tool file_system  security: notes/embargoed\.md is embargoed", done.stderr)
    assert "EMBARGOED until" not in done.stderr


@pytest.mark.parametrize("spell", SPELLS)
def test_a_replay_prints_the_same_without_the_files(story: Callable[[str], Story], spell: str) -> None:
    copied = story("research")
    first = copied.said(spell)
    for path in (*copied.folder.glob("notes/*"), *copied.folder.glob("data/*"), copied.folder / "replies.json"):
        path.unlink()
    assert copied.said(spell, "--replay", "last") == first


@pytest.mark.mission(155)
def test_a_python_program_runs_spells(story: Callable[[str], Story]) -> None:
    copied = story("embed_python")
    done = copied.start(str(copied.folder / "embed.py"))
    assert (done.stdout, done.returncode) == (copied.prints, 0), done.stderr


def test_a_python_program_builds_a_workflow(story: Callable[[str], Story]) -> None:
    copied = story("embed_python")
    done = copied.start(str(copied.folder / "workflow.py"))
    assert done.returncode == 0, done.stderr
    assert done.stdout and done.stdout in (copied.folder / "README.md").read_text(encoding="utf-8")


def test_the_examples_are_run_where_nothing_of_them_is_kept(story: Callable[[str], Story]) -> None:
    copied = story("hello")
    before = sorted(path.name for path in copied.folder.iterdir())
    copied.said("spell.lua")
    assert sorted(path.name for path in copied.folder.iterdir()) == before
    assert not Path(copied.home / "elsewhere" / "output").exists()
