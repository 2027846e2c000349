"""Nothing of severity warning or error is said of a spell that runs: the examples, and the scripts of a design document
that `SEED` names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

ROOT = Path(__file__).parents[3]
LANGUAGES = {".lua": "lua", ".js": "javascript"}
EXAMPLES = sorted(path for path in ROOT.glob("examples/**/*") if path.suffix in LANGUAGES)
#: A fenced block of a script; the lines before it count to its own.
FENCE = re.compile(r"^```(lua|javascript)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def severe(findings: list[Finding]) -> list[tuple[int, str, str]]:
    return [(each.span.line + 1, each.code, each.message) for each in findings if each.severity in ("error", "warning")]


@pytest.mark.parametrize("path", EXAMPLES, ids=[str(path.relative_to(ROOT)) for path in EXAMPLES])
def test_an_example_is_clean(path: Path, find: Find) -> None:
    assert severe(find(path.read_text(encoding="utf-8"), LANGUAGES[path.suffix])) == []


@pytest.mark.skipif("SEED" not in os.environ, reason="SEED names the design document")
def test_the_scripts_of_the_design_document_are_clean(find: Find) -> None:
    text = Path(os.environ["SEED"]).read_text(encoding="utf-8")
    scripts = list(FENCE.finditer(text))
    assert scripts
    wrong = {text[: each.start()].count("\n") + 1: severe(find(each[2], each[1])) for each in scripts}
    assert {line: found for line, found in wrong.items() if found} == {}


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("text", ["", "\0", "\ufeff", "{{{{", "a." * 300, "(" * 300, "\udc80 = {", 'x("'])
def test_any_text_at_all_can_be_checked(text: str, language: str, find: Find) -> None:
    assert severe(find(text, language)) == []


@pytest.mark.parametrize("name", ["research", "supervisor", "hooks", "map_reduce"])
@pytest.mark.parametrize("ending", LANGUAGES)
def test_a_half_typed_example_never_fails(name: str, ending: str, find: Find) -> None:
    text = (ROOT / "examples" / name / f"spell{ending}").read_text(encoding="utf-8")
    for end in range(0, len(text), max(1, len(text) // 60)):
        find(text[:end], LANGUAGES[ending])
