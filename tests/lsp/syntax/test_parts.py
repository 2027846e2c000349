"""A long function is read in parts, and its tree is the one that reading it whole gives, whatever was read before."""

from __future__ import annotations

import random
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell_lsp.syntax.lookup import parts, walk
from llmspell_lsp.syntax.nodes import Block, Node, Tree
from llmspell_lsp.syntax.parsing import parse
from llmspell_lsp.syntax.parts import LONG, Lines, Parts
from llmspell_lsp.syntax.skeleton import Line, ScriptLanguage, read

EXAMPLES = [
    path for path in sorted(Path(__file__).parents[3].glob("examples/*/spell.*")) if path.suffix in {".lua", ".js"}
]
KEYS = ["", "\n", "  \n\n  ", "{", "}", "(", ")", "[[", "]]", "`", '"', "--[[", "/*", " x = ", "end", "\nx", "a.", "//"]

AROUND: dict[str, dict[ScriptLanguage, tuple[str, str]]] = {
    "a function": {
        "lua": ("--- Does it.\nlocal function main(a)", "end"),
        "javascript": ("/** Does it. */\nasync function main(a) {", "}"),
    },
    "a callback": {
        "lua": ("Hooks.register('error', function(context)", "end)"),
        "javascript": ("(async () => {", "})();"),
    },
    "a loop": {
        "lua": ("for _, each in ipairs(all) do", "end"),
        "javascript": ("for (const each of all) {", "}"),
    },
    "the body of repeat": {"lua": ("repeat", "until done"), "javascript": ("do {", "} while (!done);")},
    "a second arm": {
        "lua": ("if a then\n  b()\nelse", "end"),
        "javascript": ("try {\n  b();\n} catch (error) {", "} finally {\n  c();\n}"),
    },
    "a method in a class": {
        "lua": ("function Runner:run(\n  a,\n  b\n)", "end"),
        "javascript": ("class Runner {\n  run(\n    a,\n    b,\n  ) {", "  }\n}"),
    },
}


def language_of(path: Path) -> ScriptLanguage:
    return "lua" if path.suffix == ".lua" else "javascript"


def around(path: Path, case: str = "a function") -> tuple[ScriptLanguage, Lines]:
    """An example's text, often enough to be long, inside of something."""
    language = language_of(path)
    head, end = AROUND[case][language]
    # What a Lua module gives may come once, and last.
    once = re.sub(
        r"^return ",
        "local given = " if language == "lua" else "return ",
        path.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    lines = [f"  {line}" if line.strip() else line for line in once.rstrip("\n").split("\n")]
    return language, (*head.split("\n"), *((*lines, "") * (LONG // len(lines) + 1)), *end.split("\n"))


def shape(thing: object) -> object:
    """All that a tree holds, to be compared."""
    if is_dataclass(thing):
        return type(thing).__name__, *(shape(getattr(thing, each.name)) for each in fields(thing))
    return [shape(each) for each in cast("list[object]", thing)] if isinstance(thing, list) else thing


def statements(tree: Tree) -> list[Node]:
    """Those of the longest block."""
    return parts(max((node for node in walk(tree.block) if isinstance(node, Block)), key=lambda one: len(parts(one))))


@pytest.mark.parametrize("case", AROUND)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_a_tree_out_of_parts_is_the_tree_of_the_whole(path: Path, case: str) -> None:
    language, lines = around(path, case)
    assert shape(Parts().tree(language, lines)) == shape(parse(language, lines))


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("case", [case for case in AROUND if case != "a method in a class"])
def test_a_key_reads_one_part_anew(language: ScriptLanguage, case: str) -> None:
    head, end = AROUND[case][language]
    body = ["  print(a)", ""] * LONG
    lines = [*head.split("\n"), *body, *end.split("\n")]
    kept = Parts()
    before = statements(kept.tree(language, tuple(lines)))
    row = head.count("\n") + 1 + LONG
    for key in ("(b)", "(b).", "(b"):
        lines[row] = f"  print{key}"
        after = statements(kept.tree(language, tuple(lines)))
        fresh = [each for each in after if not any(each is other for other in before)]
        assert len(after) >= LONG - 1  # after a dot goes on what is below
        assert len([each for each in fresh if each.span.line == row]) == 1
        assert len(fresh) <= 4  # what stands before or after the body is read with what is around it
        before = after


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(EXAMPLES), st.sampled_from(sorted(AROUND)))
def test_the_tree_is_the_same_whatever_was_read_before(rng: random.Random, path: Path, case: str) -> None:
    language, before = around(path, case)
    kept, lines = Parts(), list(before)
    kept.tree(language, before)
    for _ in range(3):
        row = rng.randrange(len(lines))
        column = rng.randrange(len(lines[row]) + 1)
        text = lines[row][:column] + rng.choice(KEYS) + lines[row][column + rng.choice([0, 0, 1, 5]) :]
        lines[row : row + rng.choice([1, 1, 2])] = text.split("\n")
        assert shape(kept.tree(language, tuple(lines))) == shape(Parts().tree(language, tuple(lines)))


TEXTS: dict[str, tuple[ScriptLanguage, str]] = {
    "a long text with lines at column 0": ("lua", "  local a = [[\nat the beginning\n\n  deeper\n]]\n"),
    "a long comment": ("lua", "  --[[\n  if x then\n\nend\n  ]]\n"),
    "a template": ("javascript", "  const a = `\nat the beginning\n\n  ${b}\n`;\n"),
    "a comment": ("javascript", "  /*\n  if (x) {\n\n*/\n"),
    "an operand after a blank line": ("lua", "  local a =\n\n  b\n"),
    "a block that is not indented": ("lua", "  if a then\n\n  b()\n\n  end\n"),
    "an else after a blank line": ("javascript", "  if (a) {\n    b();\n  }\n\n  else {\n    c();\n  }\n"),
    "less indented": ("javascript", "  a();\n\n b();\n\n  c();\n"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_what_reaches_across_blank_lines_is_read_together(case: str) -> None:
    language, text = TEXTS[case]
    head, end = AROUND["a function"][language]
    lines = (*head.split("\n"), *(text * 60).split("\n"), *end.split("\n"))
    made = Parts().tree(language, lines)
    assert made.problems == []
    assert shape(made) == shape(parse(language, lines))


@pytest.mark.parametrize("text", ["local t = {", "f(", "local a = [["])
def test_what_is_no_body_is_read_whole(text: str) -> None:
    lines = (text, *(["  b = 1,", ""] * (LONG // 2)), "}")
    assert shape(Parts().tree("lua", lines)) == shape(parse("lua", lines))


def test_a_long_comment_is_not_read_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ("local function main()", *["  -- once it was code"] * 2_000, "  print(1)", "", "  print(2)", "end")
    asked = 0

    def counted(line: str, enter: str, language: ScriptLanguage) -> Line:
        nonlocal asked
        asked += 1
        return read(line, enter, language)

    monkeypatch.setattr("llmspell_lsp.syntax.parts.read", counted)
    assert shape(Parts().tree("lua", lines)) == shape(parse("lua", lines))
    assert len(lines) <= asked < 8 * len(lines)


def test_of_older_texts_little_is_kept() -> None:
    lines = ["local function main()", *(["  print(1)", ""] * LONG), "end"]
    kept = Parts()
    for number in range(150):
        lines[5] = f"  print({number})"
        kept.tree("lua", tuple(lines))
    assert kept.size <= LONG + 110
