"""Tokens: they cover all of a line that is not blank, and agree with the chunks on what a line begins and ends in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.syntax.skeleton import ScriptLanguage, read
from llmspell_lsp.syntax.tokens import tokens

MARKS = st.sampled_from(
    [
        *"abc1(){}[]\"'`\\/*-=.,:; #$😀",
        "--",
        "[[",
        "]]",
        "--[[",
        "${",
        "//",
        "/*",
        "*/",
        "end",
        "0x1F",
        "1e5",
        "?.",
        "[=[",
        "]=]",
    ]
)
LANGUAGES = st.sampled_from(["lua", "javascript"])


def kinds(language: ScriptLanguage, line: str, enter: str = "") -> list[str]:
    return [f"{token.kind} {token.text}" for token in tokens(line, enter, language)]


def test_lua() -> None:
    assert kinds("lua", 'local x <const> = a.b // 0x1F .. "\\"" --[[c]] y -- z') == [
        *[
            "keyword local",
            "name x",
            "mark <",
            "name const",
            "mark >",
            "mark =",
            "name a",
            "mark .",
            "name b",
            "mark //",
        ],
        *["number 0x1F", "mark ..", 'text "\\""', "comment --[[c]]", "name y", "comment -- z"],
    ]
    assert kinds("lua", "x ]==] y", "]==]") == ["text x ]==]", "name y"]


def test_javascript() -> None:
    assert kinds("javascript", "a?.b ?? `x ${ {c: `${d}`}.e } y` / 2 + /[/]`/g") == [
        *[
            "name a",
            "mark ?.",
            "name b",
            "mark ??",
            "text `x ",
            "mark ${",
            "mark {",
            "name c",
            "mark :",
            "text `",
            "mark ${",
        ],
        *[
            "name d",
            "mark }",
            "text `",
            "mark }",
            "mark .",
            "name e",
            "mark }",
            "text  y`",
            "mark /",
            "number 2",
            "mark +",
        ],
        "regex /[/]`/g",
    ]
    assert kinds("javascript", "x.class = this", "") == ["name x", "mark .", "name class", "mark =", "keyword this"]


@given(st.lists(MARKS, max_size=30), LANGUAGES, st.sampled_from(["", "]]", '"', "`", "*"]))
def test_every_character_is_in_a_token_or_blank(parts: list[str], language: ScriptLanguage, enter: str) -> None:
    if (language == "lua") == (enter in {"`", "*"}) and enter:
        enter = ""
    line = "".join(parts)
    at = 0
    for token in tokens(line, enter, language):
        assert token.column >= at
        assert not line[at : token.column].strip()
        assert line[token.column : token.end] == token.text
        at = token.end
    assert not line[at:].strip()


@given(st.lists(MARKS, max_size=30), LANGUAGES)
def test_a_line_is_left_as_the_next_one_is_entered(parts: list[str], language: ScriptLanguage) -> None:
    line = "".join(parts)
    found = tokens(line, "", language)
    leave = read(line, "", language).leave
    assert bool(leave and leave[-1] not in "{$") == (
        bool(found) and found[-1].open and (found[-1].kind == "comment" or not _ends_with_line(found[-1].text))
    )


def _ends_with_line(text: str) -> bool:
    """A quoted text that is open at the end of its line, and whose line end is not escaped, ends there."""
    if text[:1] not in {'"', "'"}:
        return False
    stripped = text.rstrip()
    odd = (len(text) - len(text.rstrip("\\"))) % 2 == 1
    return not odd and not stripped.endswith("\\z")
