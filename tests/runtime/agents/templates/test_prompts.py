"""Prompts are files: a project's own come first, mistakes in them are named, a replay has those of the recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmspell.agents.templates.prompt_files import PACKAGED, Prompt, look, parse
from llmspell.engines import values
from llmspell.errors import ArgumentError
from llmspell.traces.recording import Recording

both = pytest.mark.parametrize("language", ["lua", "js"])

REVISE = {
    "lua": 'return WriterAgent.new{ style = "dry" }:revise{ draft = "A {{style}}", feedback = "Shorter" }',
    "js": 'return await new WriterAgent({ style: "dry" }).revise({ draft: "A {{style}}", feedback: "Shorter" })',
}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@both
@pytest.mark.mission(113, 114)
async def test_a_projects_own_prompt_stands_in_the_place_of_the_packaged_one(
    cast: Any, model: Any, language: str, tmp_path: Path
) -> None:
    own = "---\ndescription: ours\ntemperature: 0.25\nmax_tokens: 77\n---\nIn {{ style }} words: {{input.draft}} / {{input.feedback}}\n"
    write(tmp_path / "prompts/writer/revise.md", own)
    write(tmp_path / "prompts/writer/system.md", "Ours.\n{{instructions}}\nAt most {{length}}\n")
    await cast(**{language: REVISE[language]}, model=model)
    [request] = [each.json for each in model.requests]
    assert [message["content"] for message in request["messages"]] == ["Ours.", "In dry words: A {{style}} / Shorter"]
    assert (request["temperature"], request["max_tokens"]) == (0.25, 77)


async def test_a_folder_of_prompts_can_be_named_in_the_settings(cast: Any, model: Any, tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text('[agents]\nprompts = "words"\n')
    write(tmp_path / "words/analysis/analyze.md", "Ours: {{input}}")
    await cast(lua='AnalysisAgent.new():analyze("x"); DataAnalyst.new():analyze("y")', model=model)
    asked = [request.json["messages"][-1]["content"] for request in model.requests]
    assert asked == ["Ours: x", "Ours: y"], "a DataAnalyst's prompt is an AnalysisAgent's unless it has its own"
    write(tmp_path / "words/data_analyst/analyze.md", "Numbers: {{input}}")
    await cast(lua='DataAnalyst.new():analyze("z")', model=model)
    assert model.requests[-1].json["messages"][-1]["content"] == "Numbers: z"


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("a\n{{stile}}", "prompts/writer/write.md:2: nothing is called {{stile}} here", "did you mean {{style}}?"),
        ("{{nothing}}", "prompts/writer/write.md:1: nothing is called {{nothing}}", "there are {{input}}"),
        ("---\nx: 1\n---\na", "prompts/writer/write.md:2: the front matter has the unknown key 'x'", "it holds"),
        ("---\ntemprature: 1\n---\na", "unknown key 'temprature'", "did you mean 'temperature'?"),
        ("---\ntemperature: hot\n---\na", "prompts/writer/write.md:2: temperature must be a number, not 'hot'", ""),
        ("---\ndescription: a", "prompts/writer/write.md:1: the front matter has no end", "three dashes"),
        ("---\ndescription: a\n---\n\n{{input.titel}}", "prompts/writer/write.md:5: the input has no 'titel'", ""),
    ],
)
async def test_a_mistake_in_a_prompt_is_named_before_anything_is_paid_for(
    cast: Any, model: Any, tmp_path: Path, text: str, said: str, hint: str
) -> None:
    write(tmp_path / "prompts/writer/write.md", text)
    result = await cast(lua='WriterAgent.new():write{ title = "x" }', model=model)
    error = result.result.error
    assert error is not None and said in error.message and hint in error.hint
    assert model.requests == []
    assert error.source.endswith("spell.lua:1"), "the script's own line is said too"


@both
async def test_a_replay_has_the_prompts_of_the_recording(cast: Any, model: Any, language: str, tmp_path: Path) -> None:
    own = tmp_path / "prompts/writer/revise.md"
    write(own, "First words: {{input}}")
    recorded = await cast(**{language: REVISE[language]}, model=model)
    [path] = (tmp_path / ".llmspell/runs").glob("*.db")
    write(own, "Other words: {{input}}")
    replayed = await cast(**{language: REVISE[language]}, replay=Recording.load(path, values.unpack))
    assert replayed.value == recorded.value
    assert "First words" in replayed.value
    assert lines(replayed) == lines(recorded)
    assert len(model.requests) == 1


async def test_a_prompt_of_the_project_is_read_with_the_run_s_permissions(
    cast: Any, model: Any, tmp_path: Path
) -> None:
    """A link in its place must not lead out of the project."""
    secret = tmp_path.parent / f"{tmp_path.name}_secret"
    secret.write_text("the key")
    own = tmp_path / "prompts/chat/system.md"
    own.parent.mkdir(parents=True)
    own.symlink_to(secret)
    try:
        result = await cast(lua="return ChatAgent.new().system_prompt", model=model)
        assert result.result.error.type == "permission"
        assert "--allow-read" in result.result.error.hint
    finally:
        secret.unlink()


def lines(spell: Any) -> list[Any]:
    return [(e.seq, e.time, e.kind, e.phase, e.span, e.parent, e.name, e.site, e.data) for e in spell.events]


def test_what_is_filled_in_is_not_searched_for_placeholders() -> None:
    prompt = Prompt("p.md", "{{a}}\n{{input.b.c}}\n{{empty}}\n\n\n\nend")
    assert prompt.filled({"a": "{{input}}", "empty": ""}, {"b": {"c": ["x", "y"]}}) == "{{input}}\nx, y\n\nend"


def test_a_field_of_a_text_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="it is no table"):
        Prompt("p.md", "{{input.draft}}").filled({}, "text")


def test_a_prompt_must_be_text_of_a_page(tmp_path: Path) -> None:
    write(tmp_path / "writer/write.md", "x" * 300_000)
    with pytest.raises(ArgumentError, match="longer than 256 KB"):
        look(tmp_path, ("writer",), "write")
    (tmp_path / "writer/write.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ArgumentError, match="not UTF-8"):
        look(tmp_path, ("writer",), "write")
    with pytest.raises(ArgumentError, match="there is no prompt 'sing' for 'writer'"):
        look(tmp_path, ("writer",), "sing")


def test_every_packaged_prompt_can_be_read_and_says_what_it_is_about() -> None:
    files = list(PACKAGED.rglob("*.md"))
    assert len(files) > 50
    for path in files:
        prompt = parse(path.name, path.read_text(encoding="utf-8"))
        assert "{{" in prompt.text, path
        assert prompt.text.endswith("\n"), path
