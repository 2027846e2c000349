"""What the menu offers at a place, and what each line of it does to the text and to other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmspell_lsp import checks
from llmspell_lsp.checks.finding import Edit
from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.actions import Action, Change, actions, change, fix_all
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace.snapshot import Snapshot

MARK = "▮"
ENDINGS = {"lua": ".lua", "javascript": ".js"}


def opened(text: str, language: str, folder: Path) -> tuple[Snapshot, Span]:
    """The text without its cursor, and the cursor."""
    before, _, after = text.partition(MARK)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    path = folder / f"spell{ENDINGS[language]}"
    document = Document(path.as_uri(), language, 1, before + after)  # type: ignore[arg-type]
    return Snapshot(document, str(path)), Span(line, column, line, column)


def findings(snapshot: Snapshot) -> list[checks.Finding]:  # type: ignore[name-defined]
    def failed(name: str, error: Exception) -> None:
        raise AssertionError(name) from error

    return checks.told(snapshot, checks.found(snapshot, failed))


def offered(snapshot: Snapshot, span: Span) -> dict[str, Action]:
    return {each.title: each for each in actions(snapshot, span, findings(snapshot))}


def done(snapshot: Snapshot, action: Action) -> Change:
    found = change(snapshot, action.recipe, findings(snapshot))
    assert found is not None
    return found


def applied(snapshot: Snapshot, edits: tuple[Edit, ...]) -> str:
    lines = list(snapshot.document.lines)
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        line, column, end_line, end_column = edit.span
        tail = lines[end_line][end_column:] if end_line < len(lines) else ""
        lines[line : end_line + 1] = (lines[line][:column] + edit.text + tail).split("\n")
    return "\n".join(lines)


#: Title, before, after.
CASES = [
    ("lua", "Change to 'system_prompt'", 'return Agent.new{ sistem▮_prompt = "x" }', 'return Agent.new{ system_prompt = "x" }'),
    ("javascript", "Change to 'systemPrompt'", 'return new Agent({ sistem▮Prompt: "x" });', 'return new Agent({ systemPrompt: "x" });'),
    ("javascript", "Change to 'systemPrompt'", "const system_prompt = params.text;\nreturn new Agent({ system▮_prompt });", "const system_prompt = params.text;\nreturn new Agent({ systemPrompt: system_prompt });"),
    ("lua", "Change '.' to ':'", 'local a = Agent.new{ model = "offline" }\nreturn a.ch▮at("x")', 'local a = Agent.new{ model = "offline" }\nreturn a:chat("x")'),
    ("javascript", "Add await", 'const a = new Agent({ model: "offline" });\nreturn a.▮chat("x").length;', 'const a = new Agent({ model: "offline" });\nreturn (await a.chat("x")).length;'),
    ("lua", "Remove 'topic'", "local to▮pic = 1\nreturn 2", "return 2"),
    ("javascript", "Remove 'topic'", "const to▮pic = 1;\nreturn 2;", "return 2;"),
    ("lua", "Add 'execute'", 'return Tool.define▮{ name = "a", description = "b" }', 'return Tool.define{ execute = function() end, name = "a", description = "b" }'),
    ("lua", "Ignore unused-local here", "do\n  local to▮pic = 1\nend", "do\n  -- llmspell: ignore unused-local\n  local topic = 1\nend"),
    ("javascript", "Ignore unused-local here", "const to▮pic = 1;\nreturn 2;", "// llmspell: ignore unused-local\nconst topic = 1;\nreturn 2;"),
    ("lua", "Create the agent 'writer'", 'local x = 1\nreturn Agent.execute("wri▮ter", x)', 'local x = 1\nAgent.new{\n  name = "writer",\n  system_prompt = "You are …",\n}\n\nreturn Agent.execute("writer", x)'),
    ("javascript", "Create the agent 'writer'", 'return Agent.execute("wri▮ter", 1);', 'new Agent({\n  name: "writer",\n  systemPrompt: "You are …",\n});\n\nreturn Agent.execute("writer", 1);'),
    ("lua", "Create the tool 'double_it'", 'return Workflow.sequential{ steps = { { tool = "double▮_it" } } }', 'local double_it = Tool.define{\n  name = "double_it",\n  description = "What it does, and when to use it.",\n  parameters = { type = "object", properties = {} },\n  execute = function(params)\n    return params\n  end,\n}\n\nreturn Workflow.sequential{ steps = { { tool = "double_it" } } }'),
    ("javascript", "Create the tool 'double_it'", 'return Workflow.sequential({ steps: [{ tool: "double▮_it" }] });', 'const doubleIt = Tool.define({\n  name: "double_it",\n  description: "What it does, and when to use it.",\n  parameters: { type: "object", properties: {} },\n  execute: (params) => params,\n});\n\nreturn Workflow.sequential({ steps: [{ tool: "double_it" }] });'),
]  # fmt: skip


@pytest.mark.parametrize(("language", "title", "before", "after"), CASES)
def test_a_line_of_the_menu_changes_the_text(
    language: str, title: str, before: str, after: str, tmp_path: Path
) -> None:
    snapshot, span = opened(before, language, tmp_path)
    menu = offered(snapshot, span)
    assert title in menu
    assert applied(snapshot, done(snapshot, menu[title]).edits) == after


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        (
            "lua",
            'return Agent.new{ system_prompt = "You ▮are brief.\\nVery." }',
            'return Agent.new{ system_prompt = FileSystem.new():execute{ operation = "read", path = "prompts/prompt.md" }.content }',
        ),
        (
            "javascript",
            'return new Agent({ systemPrompt: "You ▮are brief.\\nVery." });',
            'return new Agent({ systemPrompt: (await new FileSystem().execute({ operation: "read", path: "prompts/prompt.md" })).content });',
        ),
    ],
)
def test_a_prompt_moves_into_a_file(language: str, before: str, after: str, tmp_path: Path) -> None:
    snapshot, span = opened(before, language, tmp_path)
    action = offered(snapshot, span)["Move the prompt into a file"]
    assert action.creates and action.kind == "refactor.extract"
    made = done(snapshot, action)
    assert applied(snapshot, made.edits) == after
    assert [(each.path, each.text, each.span) for each in made.files] == [
        (str(tmp_path / "prompts" / "prompt.md"), "You are brief.\nVery.", None)
    ]
    mended, _ = opened(after, language, tmp_path)
    assert findings(mended) == []


def test_a_prompt_stays_where_nothing_can_wait(tmp_path: Path) -> None:
    snapshot, span = opened(
        'function f() { return new Agent({ systemPrompt: "a▮b" }); }\nreturn f();', "javascript", tmp_path
    )
    assert "Move the prompt into a file" not in offered(snapshot, span)


@pytest.mark.parametrize(
    ("settings", "after"),
    [
        (None, '[permissions]\nnet = ["api.example.com"]\n'),
        ("", '[permissions]\nnet = ["api.example.com"]\n'),
        ("[limits]\nmax_calls = 3\n", '[limits]\nmax_calls = 3\n\n[permissions]\nnet = ["api.example.com"]\n'),
        ('[permissions]\nread = ["."]\n', '[permissions]\nnet = ["api.example.com"]\nread = ["."]\n'),
        ('[permissions]\nnet = ["b.org"]\n', '[permissions]\nnet = ["b.org", "api.example.com"]\n'),
        ("[permissions]\nnet = []\n", '[permissions]\nnet = ["api.example.com"]\n'),
    ],
)
def test_a_permission_is_added_to_the_settings(settings: str | None, after: str, tmp_path: Path) -> None:
    if settings is not None:
        (tmp_path / "llmspell.toml").write_text(settings)
    text = 'return HttpRequest.new():execute{ url = "https://api.ex▮ample.com/v1" }'
    snapshot, span = opened(text, "lua", tmp_path)
    menu = offered(snapshot, span)
    (made,) = done(snapshot, menu["Allow net 'api.example.com' in llmspell.toml"]).files
    assert made.path == str(tmp_path / "llmspell.toml")
    if made.span is None:
        assert made.text == after
    else:
        file, _ = opened(settings or "", "lua", tmp_path)
        assert applied(file, (Edit(made.span, made.text),)) == after


def test_everything_certain_is_mended_at_once(tmp_path: Path) -> None:
    text = 'local a = Agent.new{ systemPrompt = "x", maxTurns = 3, sistem_prompt = 1 }\nreturn a.chat("x")'
    snapshot, _ = opened(text, "lua", tmp_path)
    action = fix_all(snapshot, findings(snapshot))
    assert action is not None and action.title == "Fix all that is certain (3)"
    assert applied(snapshot, done(snapshot, action).edits) == (
        'local a = Agent.new{ system_prompt = "x", max_turns = 3, sistem_prompt = 1 }\nreturn a:chat("x")'
    )
    clean, _ = opened("return 1", "lua", tmp_path)
    assert fix_all(clean, findings(clean)) is None


def test_what_is_no_more_there_is_not_changed(tmp_path: Path) -> None:
    snapshot, span = opened("local to▮pic = 1\nreturn 2", "lua", tmp_path)
    action = offered(snapshot, span)["Remove 'topic'"]
    other, _ = opened("return 2", "lua", tmp_path)
    assert change(other, action.recipe, findings(other)) is None
    assert change(other, ("nonsense",), []) is None
    assert change(other, ("prompt", 0, 0), []) is None


def test_where_nothing_is_wrong_there_is_no_menu(tmp_path: Path) -> None:
    snapshot, span = opened("local to▮pic = 1\nreturn topic", "lua", tmp_path)
    assert offered(snapshot, span) == {}


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("lua", "return StateHandoff.new{▮ }", {"Add 'from'": ' from = "" ', "Add 'to'": ' to = "" '}),
        ("javascript", "return new StateHandoff({▮ });", {"Add 'from'": ' from: "" ', "Add 'to'": ' to: "" '}),
    ],
)
def test_of_two_findings_at_one_place_each_is_mended_by_itself(
    language: str, text: str, wanted: dict[str, str], tmp_path: Path
) -> None:
    snapshot, span = opened(text, language, tmp_path)
    every = list(actions(snapshot, span, findings(snapshot)))
    fixes = [each for each in every if each.title in wanted]
    assert {each.title: done(snapshot, each).edits[0].text for each in fixes} == wanted
    assert [each.title for each in every if each.title.startswith("Ignore")] == ["Ignore missing-option here"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", 'return Agent.new{ name = "critic", system_prompt = "You▮ judge." }'),
        ("javascript", 'return new Agent({ name: "critic", systemPrompt: "You▮ judge." });'),
    ],
)
def test_a_prompts_file_is_called_as_its_agent(language: str, text: str, tmp_path: Path) -> None:
    snapshot, span = opened(text, language, tmp_path)
    made = done(snapshot, offered(snapshot, span)["Move the prompt into a file"])
    assert [each.path for each in made.files] == [str(tmp_path / "prompts" / "critic.md")]
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "critic.md").write_text("")
    made = done(snapshot, offered(snapshot, span)["Move the prompt into a file"])
    assert [each.path for each in made.files] == [str(tmp_path / "prompts" / "critic_2.md")]
