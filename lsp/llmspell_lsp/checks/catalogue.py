"""The page of each code: what is wrong, why, how to mend it, an example in both languages. Read from `pages/*.toml`.

An example's wrong place stands between two ▮; what is said of it is kept beside it, and a test holds both to the truth.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from llmspell.settings.lint import SEVERITIES

MARK: Final = "▮"
LANGUAGES: Final = {"lua": "Lua", "javascript": "JavaScript"}
_FENCES: Final = {"lua": "lua", "javascript": "js"}


@dataclass(slots=True, frozen=True)
class Example:
    """wrong: with its marks. says: the message. right: the same without the mistake."""

    wrong: str
    says: str
    right: str


@dataclass(slots=True, frozen=True)
class Page:
    code: str
    title: str
    why: str
    fix: str
    examples: Mapping[str, Example]


@cache
def pages() -> dict[str, Page]:
    """By code, in the order of the codes; 3 ms."""
    read: dict[str, Page] = {}
    for path in sorted((Path(__file__).parent / "pages").glob("*.toml")):
        for code, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            read[code] = Page(code, table["title"], table["why"], table["fix"], _examples(table))
    return {code: read[code] for code in SEVERITIES if code in read}


def _examples(table: Mapping[str, Any]) -> dict[str, Example]:
    found: dict[str, Example] = {}
    for language in LANGUAGES:
        if language in table:
            wrong, right = (table[key].strip("\n") for key in (language, f"{language}_right"))
            found[language] = Example(wrong, table[f"{language}_says"], right)
    return found


def page(code: str) -> str:
    """A code's page as Markdown."""
    found = pages()[code]
    parts = [f"# {code}", f"{found.title}. Severity: {SEVERITIES[code]}.", found.why]
    for language, example in found.examples.items():
        wrong = "\n".join(_underlined(example.wrong))
        parts.append(f"In {LANGUAGES[language]}:\n\n```{_FENCES[language]}\n{wrong}\n```\n\n{example.says}\n\nRight:")
        parts.append(f"```{_FENCES[language]}\n{example.right}\n```")
    parts += [f"What to do: {found.fix}", _SILENCE.format(code=code)]
    return "\n\n".join(parts) + "\n"


_SILENCE: Final = (
    "To silence it, a comment `llmspell: ignore {code}` on the line or above it; `llmspell: ignore-file {code}` "
    'for a file; for a project `{code} = "off"` under `[lint]` in llmspell.toml.'
)


def _underlined(marked: str) -> list[str]:
    """The lines, a caret below what stands between the marks."""
    found: list[str] = []
    for line in marked.split("\n"):
        start = line.find(MARK)
        found.append(line.replace(MARK, ""))
        if start >= 0:
            end = line.find(MARK, start + 1)
            found.append(" " * start + "^" * max(1, end - start - 1))
    return found
