"""Findings are silenced by comments and weighed by `[lint]` in llmspell.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell.errors import SettingsError
from llmspell.settings import load
from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

WRONG = {
    "lua": "local a = Agent.new{ sistem_prompt = 1 }",
    "javascript": "const a = new Agent({ sistemPrompt: 1 });",
}
MARK = {"lua": "--", "javascript": "//"}
LANGUAGES = list(WRONG)


def codes(findings: list[Finding]) -> list[str]:
    return [each.code for each in findings]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("{wrong}", ["unused-local", "unknown-option"]),
        ("{wrong} {mark} llmspell: ignore unknown-option", ["unused-local"]),
        ("{wrong} {mark} llmspell: ignore unknown-option, unused-local", []),
        ("{wrong} {mark} llmspell: ignore unused-local because of the test", ["unknown-option"]),
        ("{mark} llmspell: ignore unknown-option, unused-local\n{wrong}", []),
        ("{mark} llmspell: ignore unused-local\n{mark} llmspell: ignore unknown-option\n{wrong}", []),
        ("{mark} llmspell: ignore unused-local\n\n{wrong}", ["unused-local", "unknown-option"]),
        ("{wrong}\n{mark} llmspell: ignore unused-local", ["unused-local", "unknown-option"]),
        ("{wrong}\n{mark} llmspell: ignore-file unused-local, unknown-option", []),
        ("{mark} llmspell: ignore unused-lokal\n{wrong}", ["unknown-code", "unused-local", "unknown-option"]),
        ("{wrong} {mark} llmspell ignore unknown-option", ["unused-local", "unknown-option"]),
    ],
)
def test_a_comment_silences_its_line_the_one_below_or_the_file(
    text: str, left: list[str], language: str, find: Find
) -> None:
    spell = text.format(wrong=WRONG[language], mark=MARK[language])
    assert codes(find(spell, language)) == left


def test_what_stands_in_a_text_is_no_comment(find: Find) -> None:
    text = 'local a = Agent.new{ sistem_prompt = "-- llmspell: ignore unused-local" }'
    assert codes(find(text, "lua")) == ["unused-local", "unknown-option"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_settings_say_how_much_a_code_matters(language: str, tmp_path: Path, find: Find) -> None:
    (tmp_path / "llmspell.toml").write_text('[lint]\nunused-local = "off"\nunknown-option = "warning"\n')
    assert [(each.code, each.severity) for each in find(WRONG[language], language)] == [("unknown-option", "warning")]


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ('unused-locale = "off"', "unknown setting lint.unused-locale", "did you mean 'unused-local'?"),
        ('unused-local = "none"', "must be one of off, hint, information, warning, error", ""),
        ("unused-local = 3", "must be a string", ""),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(line: str, said: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text(f"[lint]\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, {})
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")
    assert str(caught.value.source).endswith("llmspell.toml:2")


def test_settings_show_what_was_set(tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text('[lint]\nunused-local = "off"\n')
    settings = load(tmp_path, {})
    assert dict(settings.items())["lint.unused-local"] == "off"
    assert settings.origin("lint.unused-local").endswith("llmspell.toml:2")
