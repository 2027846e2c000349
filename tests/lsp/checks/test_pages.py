"""Every code has a page, and what its examples say is true: the wrong place is found, the corrected twin is clean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmspell.settings.lint import SEVERITIES
from llmspell_lsp.checks.catalogue import LANGUAGES, MARK, Example, page, pages
from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

#: Codes with a test of their own: the compilers', a very long prompt, a stored run. Lua knows no promise.
APART = {
    ("syntax", "lua"),
    ("syntax", "javascript"),
    ("prompt-size", "lua"),
    ("prompt-size", "javascript"),
    ("missing-await", "lua"),
    *((code, language) for code in ("settings", "replies") for language in LANGUAGES),
    ("last-run-error", "lua"),
    ("last-run-error", "javascript"),
    *((code, language) for code in ("settings", "replies") for language in LANGUAGES),
}
CASES = [
    pytest.param(code, language, example, id=f"{code}-{language}")
    for code, each in pages().items()
    for language, example in each.examples.items()
    if (code, language) not in APART
]


def test_every_code_has_a_page_and_a_case_in_both_languages() -> None:
    assert list(pages()) == list(SEVERITIES)
    there = {(code, language) for code, each in pages().items() for language in each.examples} | APART
    assert there == {(code, language) for code in SEVERITIES for language in LANGUAGES}


@pytest.mark.parametrize(("code", "language", "example"), CASES)
def test_the_mistake_is_found_and_nothing_else(code: str, language: str, example: Example, find: Find) -> None:
    before, wrong, _ = example.wrong.split(MARK)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    found = find(example.wrong.replace(MARK, ""), language)
    assert [(each.code, each.span) for each in found] == [(code, (line, column, line, column + len(wrong)))]
    assert found[0].message.startswith(example.says)


@pytest.mark.parametrize(("code", "language", "example"), CASES)
def test_the_corrected_twin_is_clean(code: str, language: str, example: Example, find: Find) -> None:
    assert find(example.right, language) == [], code


@pytest.mark.parametrize("code", SEVERITIES)
def test_a_page_says_what_why_and_what_to_do(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code}\n")
    assert f"Severity: {SEVERITIES[code]}." in text
    assert "What to do: " in text and f"`llmspell: ignore {code}`" in text
    assert MARK not in text


def test_fixes_of_pages_lead_to_their_twins(find: Find) -> None:
    """Where the first fix of a mistake is not one of several ways, it gives the corrected text."""
    mended: dict[str, Any] = {}
    for code, each in pages().items():
        for language, example in each.examples.items():
            if (code, language) in APART:
                continue
            text = example.wrong.replace(MARK, "")
            found = find(text, language)[0]
            if found.fixes:
                mended[code, language] = applied(text, found) == example.right
    same = {code for (code, _), equal in mended.items() if equal}
    assert same >= {
        "unknown-option", "wrong-spelling", "unknown-member", "missing-await", "unknown-name", "unknown-hook-point",
        "unknown-event", "unknown-tool", "unknown-provider", "unknown-agent", "tool-arguments", "reference-unknown",
        "model-unknown", "unknown-code", "secret-in-source",
    }  # fmt: skip
    assert mended["method-call", "lua"]


def applied(text: str, finding: Finding) -> str:
    lines = text.split("\n")
    for edit in sorted(finding.fixes[0].edits, key=lambda edit: edit.span, reverse=True):
        line, column, end_line, end_column = edit.span
        head, tail = lines[line][:column], lines[end_line][end_column:] if end_line < len(lines) else ""
        lines[line : end_line + 1] = (head + edit.text + tail).split("\n")
    return "\n".join(lines)
