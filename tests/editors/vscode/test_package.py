"""The VS Code extension's files agree with each other and with llmspell. Needs neither Node nor an editor."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from llmspell.providers.replies import FIELDS, KINDS
from llmspell.serve.dap.launching import FIELDS as LAUNCH_FIELDS
from llmspell.version import VERSION
from llmspell_lsp.features.semantic_tokens import KINDS as TOKENS
from llmspell_lsp.features.semantic_tokens import MODIFIERS
from llmspell_lsp.protocol.requests.lenses import COMMANDS_OF_CLIENTS

EXTENSION = Path(__file__).parents[3] / "editors" / "vscode"
PACKAGE: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
CONTRIBUTES: dict[str, Any] = PACKAGE["contributes"]
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in (EXTENSION / "src").rglob("*.ts")}


def declared() -> set[str]:
    return {command["command"] for command in CONTRIBUTES["commands"]}


def contexts() -> set[str]:
    """What the extension tells the editor's `when` clauses."""
    return set(re.findall(r'^ +set\("(\w+)"', SOURCES["contexts.ts"], re.MULTILINE))


def paths(value: Any) -> list[str]:
    """Every value in the package that names a file of it."""
    match value:
        case dict():
            return [found for each in value.values() for found in paths(each)]
        case list():
            return [found for each in value for found in paths(each)]
        case str() if re.fullmatch(r"(?:\./)?(?:media|schemas|snippets|syntaxes|walkthrough)/[\w./-]+", value):
            return [value]
        case _:
            return []


def whens(value: Any) -> list[str]:
    """Every `when` clause of the package."""
    match value:
        case dict():
            own = [each for name, each in value.items() if name == "when"]
            return own + [found for each in value.values() for found in whens(each)]
        case list():
            return [found for each in value for found in whens(each)]
        case _:
            return []


def test_what_is_declared_is_registered_and_the_other_way_round() -> None:
    table = re.search(r"const commands.*? = \{\n(.*?)\n  \};", SOURCES["commands.ts"], re.DOTALL)
    assert table is not None
    registered = {f"llmspell.{name}" for name in re.findall(r"^    (\w+)(?::|,)", table[1], re.MULTILINE)}
    assert registered == declared()


def test_every_command_that_is_named_exists() -> None:
    texts = [json.dumps(CONTRIBUTES), *SOURCES.values()]
    named = {
        name for text in texts for name in re.findall(r"(?:command:|onCommand:|\")(llmspell\.\w+)(?=[\")]|$)", text)
    }
    views = {view["id"] for group in CONTRIBUTES["views"].values() for view in group}
    others = views | set(CONTRIBUTES["configuration"]["properties"]) | {f"llmspell.{name}" for name in contexts()}
    others |= {"llmspell.status", "llmspell.waterfall", "llmspell.llmspell", "llmspell.toml", "llmspell.exe"}
    assert named - declared() - others == set()


def test_the_server_is_told_of_the_commands_it_knows_and_we_have() -> None:
    told = re.search(r"LENS_COMMANDS = \[(.*?)\]", SOURCES["server.ts"])
    assert told is not None
    names = set(re.findall(r'"(.*?)"', told[1]))
    assert names
    assert names <= set(COMMANDS_OF_CLIENTS.values()) & declared()


def test_when_clauses_ask_for_what_is_told() -> None:
    asked = set(re.findall(r"llmspell\.(\w+)", " ".join(whens(CONTRIBUTES)))) - {"runs"}
    assert asked == contexts()


def test_the_keys_of_the_debugger_are_ours_in_spells_only() -> None:
    keys = {each["key"]: each for each in CONTRIBUTES["keybindings"]}
    assert {key: each["command"] for key, each in keys.items()} == {"f5": "llmspell.debug", "ctrl+f5": "llmspell.run"}
    for each in keys.values():
        spell, launch, state = each["when"].split(" && ")
        assert spell == "(llmspell.isSpell || resourcePath in llmspell.spells)"
        assert (launch, state) == ("!llmspell.hasLaunch", "debugState == inactive")


def test_the_plugin_of_typescripts_server_is_packaged_with_it() -> None:
    plugin = json.loads((EXTENSION / "typescript" / "package.json").read_text(encoding="utf-8"))
    (named,) = CONTRIBUTES["typescriptServerPlugins"]
    assert plugin["name"] == named["name"]
    assert plugin["version"] == VERSION
    assert PACKAGE["dependencies"] == {plugin["name"]: "file:typescript"}
    assert (
        f"!node_modules/{plugin['name']}/**" in (EXTENSION / ".vscodeignore").read_text(encoding="utf-8").splitlines()
    )
    assert f'"{plugin["name"]}"' in SOURCES["typescript.ts"]


def test_its_changes_are_told_of_its_version() -> None:
    assert f"\n## {VERSION}\n" in (EXTENSION / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_file_that_is_named_is_there_and_packaged() -> None:
    kept = (EXTENSION / ".vscodeignore").read_text(encoding="utf-8").splitlines()
    found = paths(PACKAGE)
    assert len(found) >= 10
    for name in found:
        assert (EXTENSION / name).is_file(), name
        assert f"!{name.removeprefix('./').split('/')[0]}/**" in kept, name


@pytest.mark.parametrize("path", [path for path in sorted(EXTENSION.glob("*/*.json")) if path.parent.name in (
    "schemas", "snippets", "syntaxes")], ids=lambda path: path.name)  # fmt: skip
def test_its_json_is_json(path: Path) -> None:
    assert json.loads(path.read_text(encoding="utf-8"))


def test_its_version_is_that_of_llmspell() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert {PACKAGE["version"], lock["version"], lock["packages"][""]["version"]} == {VERSION}


@pytest.mark.parametrize(
    "lock", [EXTENSION / "package-lock.json", Path(__file__).with_name("package-lock.json")], ids=str
)
def test_a_lock_names_versions_and_fingerprints_and_no_registry(lock: Path) -> None:
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    for name, package in packages.items():
        assert package.get("link") or "resolved" not in package, name
        fetched = "node_modules/" in name and not package.get("link")
        assert not fetched or package.get("integrity") or package.get("inBundle"), name


def test_an_untrusted_folder_sets_nothing_that_is_run() -> None:
    untrusted = PACKAGE["capabilities"]["untrustedWorkspaces"]
    assert untrusted["supported"] == "limited"
    assert {"llmspell.path", "llmspell.run.arguments"} <= set(untrusted["restrictedConfigurations"])


def test_every_setting_is_described_and_in_the_readme() -> None:
    readme = (EXTENSION / "README.md").read_text(encoding="utf-8")
    for name, setting in CONTRIBUTES["configuration"]["properties"].items():
        assert setting.get("description") or setting.get("markdownDescription"), name
        assert f"`{name}`" in readme, name


def test_scopes_are_of_tokens_that_the_server_gives() -> None:
    for each in CONTRIBUTES["semanticTokenScopes"]:
        for selector in each["scopes"]:
            kind, *modifiers = selector.split(".")
            assert kind in TOKENS, selector
            assert set(modifiers) <= set(MODIFIERS), selector


def test_the_schema_of_replies_knows_the_fields_of_the_runtime() -> None:
    schema = json.loads((EXTENSION / "schemas" / "replies.schema.json").read_text(encoding="utf-8"))
    assert set(schema["definitions"]["reply"]["properties"]) == set(FIELDS)
    error = schema["definitions"]["error"]
    assert error["examples"] == error["properties"]["type"]["examples"] == list(KINDS)


def test_the_schema_of_settings_is_that_of_the_settings() -> None:
    path = EXTENSION / "settings_schema.py"
    spec = importlib.util.spec_from_file_location("settings_schema", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.FILE.read_text(encoding="utf-8") == made.text(), "make gen"
    schema = json.loads(made.text())
    for valid in ({"limits": {"max_calls": 3}}, {"tui": {"keys": {"follow": "x"}}}, {"config": {"any": {"thing": 1}}}):
        assert jsonschema_rs.is_valid(schema, valid), valid
    for wrong in (
        {"limits": {"max_cals": 3}},
        {"limits": {"memory_mb": 1}},
        {"limit": {}},
        {"providers": {"x": {"y": 1}}},
    ):
        assert not jsonschema_rs.is_valid(schema, wrong), wrong


def test_a_debugger_is_there_for_both_languages_and_its_snippets_fit_its_schema() -> None:
    (debugger,) = CONTRIBUTES["debuggers"]
    assert debugger["type"] == "llmspell"
    assert (
        set(debugger["languages"]) == {each["language"] for each in CONTRIBUTES["breakpoints"]} == {"lua", "javascript"}
    )
    schema = debugger["configurationAttributes"]["launch"]
    assert set(schema["properties"]) == set(LAUNCH_FIELDS) - {"noDebug"}  # which the editor itself says
    usual = {"type", "request", "name"}
    for snippet in debugger["configurationSnippets"]:
        body = snippet["body"]
        assert set(body) - usual <= set(schema["properties"])
        assert set(schema["required"]) <= set(body)
    for each in ("onDebugResolve:llmspell", "onDebugDynamicConfigurations:llmspell"):
        assert each in PACKAGE["activationEvents"]


def test_the_pictures_of_the_readme_are_there_and_light() -> None:
    root = EXTENSION.parents[1]
    shown = re.findall(r"\((editors/pictures/[\w-]+\.png)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert len(shown) == 4
    assert {root / name for name in shown} == set((root / "editors" / "pictures").iterdir())
    for name in shown:
        assert 10_000 < (root / name).stat().st_size < 250_000


# Snippets

AGENT = {
    "lua": 'local agent = Agent.new { name = "agent", system_prompt = "Short." }\n',
    "javascript": 'const agent = new Agent({ name: "agent", systemPrompt: "Short." });\n',
}


def expanded(body: list[str]) -> str:
    """The text that a snippet leaves when every stop keeps what is offered."""
    text = re.sub(r"\$\{\d+\|([^,|]*)[^}]*\|\}", r"\1", "\n".join(body))
    while (shorter := re.sub(r"\$\{\d+:([^${}]*)\}", r"\1", text)) != text:
        text = shorter
    return re.sub(r"\$\d+", "", text) + "\n"


def snippets() -> list[Any]:
    found: list[Any] = []
    for each in CONTRIBUTES["snippets"]:
        listed = json.loads((EXTENSION / each["path"]).read_text(encoding="utf-8"))
        found += [
            pytest.param(each["language"], one["body"], id=f"{each['language']}-{name}") for name, one in listed.items()
        ]
    return found


@pytest.mark.parametrize(("language", "body"), snippets())
def test_a_snippet_is_a_spell_without_mistakes(language: str, body: list[str], tmp_path: Path) -> None:
    from llmspell.cli.main import main

    text = expanded(body)
    assert "${" not in text
    before = "" if re.search(r"^(local|const) agent\b", text) else AGENT[language]
    spell = tmp_path / f"spell.{'lua' if language == 'lua' else 'js'}"
    spell.write_text(before + text, encoding="utf-8")
    assert main(["validate", "--strict", str(spell)]) == 0


# What the problem matchers read

LINES = {
    "llmspell": (
        "dir/bad.lua:2: error: unknown option 'nme' of Agent.new; did you mean 'name'? [unknown-option]",
        {"file": "dir/bad.lua", "line": "2", "severity": "error", "code": "unknown-option"},
    ),
    "llmspell-run": ("bad.js:3: cannot read property 'x' of null", {"file": "bad.js", "line": "3"}),
}


def matched(name: str, line: str) -> dict[str, str] | None:
    pattern = next(each["pattern"] for each in CONTRIBUTES["problemMatchers"] if each["name"] == name)
    found = re.search(pattern["regexp"], line)
    return None if found is None else {key: found[group] for key, group in pattern.items() if isinstance(group, int)}


@pytest.mark.parametrize("name", LINES)
def test_a_problem_matcher_reads_its_lines_and_not_the_others(name: str) -> None:
    line, expected = LINES[name]
    assert (matched(name, line) or {}).items() >= expected.items()
    for other, (text, _) in LINES.items():
        assert other == name or matched(name, text) is None
    assert matched(name, "  at bad.js:3: in main chunk") is None
