"""The page of each code: what is wrong, why, how to mend it, an example in both languages. Read from `pages/*.toml`.

A code of the files beside spells has its example in such a file. One that cannot occur in a language has there, in the
place of an example, why (`never`). An example's wrong place stands between two ▮; what is said of it is kept beside it,
and a test holds all of it to the truth.
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
#: Of a long text an example shows the first words; `Example.whole` writes it out.
MORE: Final = "long …"
LANGUAGES: Final = {"lua": "Lua", "javascript": "JavaScript"}
#: Files beside spells, by the language that they are written in.
FILES: Final = {"toml": "llmspell.toml", "json": "replies.json"}
_TITLES: Final = {**LANGUAGES, **FILES}
_FENCES: Final = {"lua": "lua", "javascript": "js", "toml": "toml", "json": "json"}


@dataclass(slots=True, frozen=True)
class Example:
    """wrong: with its marks. says: how the message begins. right: the same without the mistake. words: how many there
    are of a long text."""

    wrong: str
    says: str
    right: str
    words: int = 1

    def whole(self) -> str:
        """The mistake as it is made, its marks left in."""
        return self.wrong.replace(MORE, "long " * self.words)


@dataclass(slots=True, frozen=True)
class Page:
    code: str
    title: str
    why: str
    fix: str
    examples: Mapping[str, Example]
    never: Mapping[str, str]
    """Why it cannot occur, by language."""


@cache
def pages() -> dict[str, Page]:
    """By code, in the order of the codes; 3 ms."""
    read: dict[str, Page] = {}
    for path in sorted((Path(__file__).parent / "pages").glob("*.toml")):
        for code, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            read[code] = Page(
                code, table["title"], table["why"], table["fix"], _examples(table), table.get("never", {})
            )
    return {code: read[code] for code in SEVERITIES if code in read}


def _examples(table: Mapping[str, Any]) -> dict[str, Example]:
    found: dict[str, Example] = {}
    for language in _TITLES:
        if language in table:
            wrong, right = (table[key].strip("\n") for key in (language, f"{language}_right"))
            found[language] = Example(wrong, table[f"{language}_says"], right, table.get("words", 1))
    return found


def page(code: str) -> str:
    """A code's page as Markdown."""
    found = pages()[code]
    parts = [f"# {code}", f"{found.title}. Severity: {SEVERITIES[code]}.", found.why]
    for language, why in found.never.items():
        parts.append(f"Not in {LANGUAGES[language]}: {why}")
    for language, example in found.examples.items():
        wrong = "\n".join(_underlined(example.wrong))
        parts.append(f"In {_TITLES[language]}:\n\n```{_FENCES[language]}\n{wrong}\n```\n\n{example.says}\n\nRight:")
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
