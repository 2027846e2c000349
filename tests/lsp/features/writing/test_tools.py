"""Writing for tools: arguments of the spell's own ones, a step's `params`, paths of the project inside texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.lsp.marks import cursor

from llmspell_lsp.documents.document import Document, Language
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.features import files
from llmspell_lsp.features.completion import complete
from llmspell_lsp.features.hover import hover
from llmspell_lsp.workspace.project import Project
from llmspell_lsp.workspace.snapshot import Snapshot

DEFINED = {
    "lua": 'local double = Tool.define{ name = "double", description = "d", execute = function(p) return p.the_number * 2 end,\n'
    '  parameters = { type = "object", properties = { the_number = { type = "number", description = "What to double." } } } }\n',
    "javascript": 'const double = Tool.define({ name: "double", description: "d", execute: (p) => p.the_number * 2,\n'
    '  parameters: { type: "object", properties: { the_number: { type: "number", description: "What to double." } } } });\n',
}
CALLS = [
    ("lua", "return double:execute{ ▮ }", {"the_number"}),
    ("lua", 'return Workflow.sequential{ steps = { { tool = double, params = { ▮ } } } }', {"the_number"}),
    ("lua", 'return Workflow.sequential{ steps = { { tool = "double", params = { ▮ } } } }', {"the_number"}),
    ("lua", 'return Workflow.sequential{ steps = { { tool = "calculator", params = { ▮ } } } }', {"expression", "precision"}),
    ("lua", 'return Workflow.sequential{ steps = { { tool = CsvReader.new(), params = { ▮ } } } }', {"file_path"}),
    ("javascript", "return double.execute({ ▮ });", {"the_number"}),
    ("javascript", 'return Workflow.sequential({ steps: [{ tool: "double", params: { ▮ } }] });', {"the_number"}),
    ("javascript", 'return Workflow.sequential({ steps: [{ tool: new CsvReader(), params: { ▮ } }] });', {"filePath"}),
]  # fmt: skip


def snapshot_of(text: str, language: Language) -> Snapshot:
    return Snapshot(Document("file:///spell", language, 1, text))


@pytest.mark.parametrize(("language", "text", "wanted"), CALLS)
def test_a_tools_own_schema_says_what_it_is_called_with(language: Language, text: str, wanted: set[str]) -> None:
    source, line, column = cursor(DEFINED[language] + text)
    found = complete(snapshot_of(source, language), line, column)
    assert found is not None
    offered = {each.label for each in found.all()}
    assert wanted <= offered
    assert not {"theNumber", "Agent"} & offered


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", "return double:execute{ the_num▮ber = 2 }"),
        ("lua", 'return Workflow.sequential{ steps = { { tool = "double", params = { the_num▮ber = 2 } } } }'),
        ("javascript", "return double.execute({ the_num▮ber: 2 });"),
        ("javascript", 'return Workflow.sequential({ steps: [{ tool: "double", params: { the_num▮ber: 2 } }] });'),
    ],
)
def test_an_argument_of_an_own_tool_is_explained(language: Language, text: str) -> None:
    source, line, column = cursor(DEFINED[language] + text)
    found = hover(snapshot_of(source, language), line, column)
    assert found is not None
    assert "the_number: number" in found.markdown
    assert "What to double." in found.markdown


PATHS = [
    ("spell.lua", 'return FileSystem.new():execute{ operation = "read", path = "▮" }', ["data", "notes.txt", "spell.lua"]),
    ("spell.lua", 'return FileSystem.new():execute{ operation = "read", path = "data/▮" }', ["old", "a.csv"]),
    ("spell.lua", 'return FileSystem.new():execute{ operation = "read", path = "data/a▮" }', ["old", "a.csv"]),
    ("spell.lua", 'return FileSystem.new{ allowed_paths = { "data/▮" } }', ["old", "a.csv"]),
    ("spell.lua", 'return Workflow.sequential{ steps = { { tool = "csv_reader", params = { file_path = "data/▮" } } } }', ["old", "a.csv"]),
    ("spell.js", 'return new CsvReader().execute({ filePath: "data/▮" });', ["old", "a.csv"]),
    ("spell.js", 'return new CsvReader().execute({ filePath: "nowhere/▮" });', []),
    ("deep/spell.js", 'return new CsvReader().execute({ filePath: "data/▮" });', ["old", "a.csv"]),
    ("spell.lua", 'return FileSystem.new():execute{ path = ".▮" }', [".hidden"]),
    ("llmspell.toml", '[permissions]\nread = ["data/▮"]', ["old", "a.csv"]),
    ("llmspell.toml", '[permissions]\nread = ["data", "▮', ["data", "notes.txt"]),
    ("llmspell.toml", '[hooks]\nfiles = [\n  "data/▮",\n]', ["old", "a.csv"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "wanted"), PATHS)
def test_a_path_goes_on_with_files_of_the_project(name: str, text: str, wanted: list[str], tmp_path: Path) -> None:
    for path in ("data/a.csv", "data/old/b.csv", "notes.txt", ".hidden", "llmspell.toml", "spell.lua", "deep/spell.js"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    source, line, column = cursor(text)
    language: Language = {"lua": "lua", "js": "javascript", "toml": "toml"}[name.rpartition(".")[2]]  # type: ignore[assignment]
    document = Document(uri_of(str(tmp_path / name)), language, 1, source)
    project = Project({document.uri: document}, lambda: [str(tmp_path)], environ={})
    snapshot = Snapshot(document, str(tmp_path / name), [str(tmp_path)], project)
    found = (complete if snapshot.is_script else files.complete)(snapshot, line, column)
    assert found is not None
    offered = [each.label for each in found.candidates]
    assert [each for each in offered if each in wanted] == wanted
    assert bool(offered) == bool(wanted)
    typed = text.partition("▮")[0].rpartition('"')[2].rpartition("/")[2]
    assert (found.span.column, found.span.end_column) == (column - len(typed), column)
