"""Names of parameters beside bare values, and types of variables on wish."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from llmspell_lsp.features import inlays as feature
from llmspell_lsp.features.inlays import Inlay, Shown, inlays
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
At = Callable[[str, Language], tuple[Snapshot, int, int]]


def drawn(at: At, text: str, language: Language, wanted: Shown) -> str:
    """The text with its hints in angle brackets."""
    snapshot, _, _ = at(f"{text}▮", language)
    lines = text.split("\n")
    for each in reversed(inlays(snapshot, 0, len(lines) - 1, wanted)):
        line = lines[each.line]
        lines[each.line] = f"{line[: each.column]}<{each.label}>{line[each.column :]}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", 'State.set("draft", <value:>"text")'),
        ("lua", 'State.get("draft", <default:>0)'),
        ("lua", "Async.sleep(<milliseconds:>500)"),
        ("lua", 'local s = string.rep("x", <count:>3)'),
        ("lua", 'local s = ("x"):rep(<count:>-3)'),
        ("lua", "local function go(times, deep) end\ngo(<times:>1, <deep:>true)"),
        ("javascript", 'State.set("draft", <value:>"text");'),
        ("javascript", "Async.sleep(<milliseconds:>500);"),
        ("javascript", "function go(times, deep) {}\ngo(<times:>1, <deep:>true);"),
    ],
)
def test_bare_values_get_the_name_of_their_parameter(language: Language, text: str, at: At) -> None:
    assert drawn(at, re.sub(r"<\w+:>", "", text), language, Shown()) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", 'Agent.new("You write.")'),
        ("lua", 'local a = Agent.new{}\na:chat("hello")'),
        ("lua", 'print(1, "two", true)'),
        ("lua", "State.set(key, value)"),
        ("lua", "unknown(1, 2, 3)"),
        ("lua", "local function set_count(count) end\nset_count(3)"),
        ("lua", "local function f(x, y) end\nf(1, 2)"),
        ("lua", 'local function f(which, value) end\nf(z, "value")'),
        ("javascript", 'new Agent("You write.");'),
        ("javascript", 'console.log(1, "two", true);'),
    ],
)
def test_what_speaks_for_itself_gets_none(language: Language, text: str, at: At) -> None:
    assert drawn(at, text, language, Shown()) == text


def test_types_are_shown_on_wish_only(at: At) -> None:
    text = 'local a = Agent.new{}\nlocal n = 1\nlocal s = ("x"):upper()'
    assert drawn(at, text, "lua", Shown()) == text
    assert drawn(at, text, "lua", Shown(types=True)) == (
        'local a<: Agent> = Agent.new{}\nlocal n = 1\nlocal s<: string> = ("x"):upper()'
    )


def test_names_of_parameters_can_be_left_out(at: At) -> None:
    text = "Async.sleep(500)"
    assert drawn(at, text, "lua", Shown(parameters=False)) == text


def test_only_the_lines_that_are_asked_for(at: At) -> None:
    snapshot, _, _ = at("Async.sleep(1)\nAsync.sleep(2)\nAsync.sleep(3)▮", "lua")
    assert [each.line for each in inlays(snapshot, 1, 1, Shown())] == [1]


def test_who_knows_more_of_a_script_adds_to_it(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_value(snapshot: Snapshot, first: int, last: int, wanted: Shown) -> Iterator[Inlay]:
        if wanted.values:
            yield Inlay(0, 0, "1.2 s")

    monkeypatch.setattr(feature, "PROVIDERS", [*feature.PROVIDERS, last_value])
    assert drawn(at, "Async.sleep(1)", "lua", Shown()) == "<1.2 s>Async.sleep(<milliseconds:>1)"
    assert drawn(at, "Async.sleep(1)", "lua", Shown(values=False)) == "Async.sleep(<milliseconds:>1)"
