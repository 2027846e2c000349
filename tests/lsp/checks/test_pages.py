"""Every code has a page, and what its examples say is true in every language that can have the mistake: the wrong place
is found, in the page's words, and nothing else; of the corrected twin nothing at all is said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lsp.checks.conftest import NAMES, everything
from tests.lsp.live.conftest import Bench

from llmspell.settings.lint import SEVERITIES
from llmspell_lsp.analysis.types import Promise
from llmspell_lsp.analysis.vocabulary import vocabulary
from llmspell_lsp.checks.catalogue import FILES, LANGUAGES, MARK, Example, page, pages
from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

#: Codes that are about a file beside spells, in which alone they occur.
OF_FILES = {"settings": ("toml",), "replies": ("json",)}
#: What has to have run before it can be told of.
OF_RUNS = {"last-run-error"}
#: Examples that are slips of a known name, which are surer than the rest of their code.
SURER = {"unknown-name": "warning"}
CASES = [
    pytest.param(code, language, example, id=f"{code}-{language}")
    for code, each in pages().items()
    for language, example in each.examples.items()
    if code not in OF_RUNS
]
RUN = [
    pytest.param(language, example, id=f"{code}-{language}")
    for code in OF_RUNS
    for language, example in pages()[code].examples.items()
]


def test_every_code_has_a_case_in_every_language_or_says_why_it_has_none() -> None:
    assert list(pages()) == list(SEVERITIES)
    for code, each in pages().items():
        wanted = OF_FILES.get(code, tuple(LANGUAGES))
        assert {*each.examples, *each.never} == {*wanted}, code
        assert not each.examples.keys() & each.never.keys(), code
    assert {language for languages in OF_FILES.values() for language in languages} == {*FILES}
    assert {(code, language) for code, each in pages().items() for language in each.never} == {("missing-await", "lua")}


def check_mistake(example: Example, code: str, found: list[Finding]) -> None:
    before, wrong, _ = example.whole().split(MARK)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    assert [(each.code, each.span) for each in found] == [(code, (line, column, line, column + len(wrong)))]
    assert found[0].message.startswith(example.says)
    assert found[0].severity == SURER.get(code, SEVERITIES[code])


@pytest.mark.parametrize(("code", "language", "example"), CASES)
def test_the_mistake_is_found_and_nothing_else(code: str, language: str, example: Example, find_all: Find) -> None:
    check_mistake(example, code, find_all(example.whole().replace(MARK, ""), language))


@pytest.mark.parametrize(("code", "language", "example"), CASES)
def test_the_corrected_twin_is_clean(code: str, language: str, example: Example, find_all: Find) -> None:
    assert find_all(example.right, language) == [], code


@pytest.mark.parametrize(("language", "example"), RUN)
def test_what_ended_a_run_is_told_until_a_run_succeeds(language: str, example: Example, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    try:
        bench.run(NAMES[language], example.whole().replace(MARK, ""))
        check_mistake(example, "last-run-error", everything(bench.snapshot(NAMES[language])))
        bench.run(NAMES[language], example.right)
        assert bench.last().failure is None
        assert everything(bench.snapshot(NAMES[language])) == []
    finally:
        bench.watch.close()


def test_in_lua_there_is_no_promise_that_could_be_waited_for(find_all: Find, tmp_path: Path) -> None:
    """Neither is one known to any call of the registry, nor does one exist: `*_async` gives the value itself."""
    promised: dict[str, set[str]] = {}
    for language in ("lua", "javascript"):
        words = vocabulary(language)
        methods = [
            method
            for described in words.layout.classes
            for method in (*words.layout.methods(described), *described["statics"].values())
        ]
        promised[language] = {each["name"] for each in methods if isinstance(words.given(each), Promise)}
    assert promised["lua"] == set()
    assert promised["javascript"] >= {"chat", "execute", "run"}, "where there are promises, this sees them"
    text = (
        'local a = Agent.new{ model = "offline/auto" }\n'
        'local x = a:chat_async("hello")\n'
        'if x then print(type(x), type("" .. a:chat_async("you")), #x > 0) end\n'
    )
    assert find_all(text, "lua") == []
    path = tmp_path / "spell.lua"
    path.write_text(text)
    command = [sys.executable, "-m", "llmspell", "run", str(path)]
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "string\tstring\ttrue\n")


@pytest.mark.parametrize("code", SEVERITIES)
def test_a_page_says_what_why_and_what_to_do(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code}\n")
    assert f"Severity: {SEVERITIES[code]}." in text
    assert "What to do: " in text and f"`llmspell: ignore {code}`" in text
    assert MARK not in text
    for language, each in {**LANGUAGES, **FILES}.items():
        found = pages()[code]
        assert (f"In {each}:" in text) == (language in found.examples)
        assert (f"Not in {each}: " in text) == (language in found.never)


def test_fixes_of_pages_lead_to_their_twins(find_all: Find) -> None:
    """Where the first fix of a mistake is not one of several ways, it gives the corrected text."""
    mended: dict[tuple[str, str], bool] = {}
    for code, each in pages().items():
        for language, example in each.examples.items():
            if code in OF_RUNS:
                continue
            text = example.whole().replace(MARK, "")
            found = find_all(text, language)[0]
            if found.fixes:
                mended[code, language] = applied(text, found) == example.right
    same = {code for (code, _), equal in mended.items() if equal}
    assert same >= {
        "unknown-option", "wrong-spelling", "unknown-member", "missing-await", "unknown-name", "unknown-hook-point",
        "unknown-event", "unknown-tool", "unknown-provider", "unknown-agent", "tool-arguments", "reference-unknown",
        "model-unknown", "unknown-code", "secret-in-source", "settings", "replies",
    }  # fmt: skip
    assert mended["method-call", "lua"]


def applied(text: str, finding: Finding) -> str:
    lines = text.split("\n")
    for edit in sorted(finding.fixes[0].edits, key=lambda edit: edit.span, reverse=True):
        line, column, end_line, end_column = edit.span
        head, tail = lines[line][:column], lines[end_line][end_column:] if end_line < len(lines) else ""
        lines[line : end_line + 1] = (head + edit.text + tail).split("\n")
    return "\n".join(lines)
