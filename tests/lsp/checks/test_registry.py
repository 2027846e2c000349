"""Checks know nothing by themselves: what is taken out of the registry is unknown to them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell.api.registry import Registry, registry
from llmspell_lsp.analysis import infer
from llmspell_lsp.analysis.vocabulary import Vocabulary
from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]
Take = Callable[[dict[str, Any], dict[str, Any]], None]


def _without_method(classes: dict[str, Any], _: dict[str, Any]) -> None:
    for described in classes.values():
        described["methods"].pop("clear_history", None)


def _without_option(classes: dict[str, Any], _: dict[str, Any]) -> None:
    for described in classes.values():
        if described["options"] is not None:
            described["options"]["properties"].pop("max_turns", None)


def _without_hook_point(_: dict[str, Any], described: dict[str, Any]) -> None:
    described["hook_points"] = [each for each in described["hook_points"] if each["name"] != "before_handoff"]


def _without_tool(_: dict[str, Any], described: dict[str, Any]) -> None:
    described["tools"] = {name: each for name, each in described["tools"].items() if name != "calculator"}


CASES = [
    (_without_method, 'local a = Agent.new{ model = "offline" }\nreturn a:clear_history()', "unknown-member"),
    (_without_option, "return Agent.new{ max_turns = 3 }", "unknown-option"),
    (_without_hook_point, 'Hooks.register("before_handoff", function() end)', "unknown-hook-point"),
    (_without_tool, 'return Tool.get("calculator")', "unknown-tool"),
]


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Take], None]]:
    """`words(take)`: from then on the registry is as `take` left a copy of it."""

    def put(take: Take) -> None:
        installed = registry()
        described: dict[str, Any] = copy.deepcopy(dict(installed.described))
        described["classes"] = {name: copy.deepcopy(each) for name, each in installed.classes.items()}
        take(described["classes"], described)
        made = Vocabulary(Registry(described), "lua")
        monkeypatch.setattr(infer, "vocabulary", lambda _: made)

    yield put


@pytest.mark.parametrize(("take", "text", "code"), CASES, ids=[code for _, _, code in CASES])
def test_what_is_taken_out_is_unknown(
    take: Take, text: str, code: str, words: Callable[[Take], None], find: Find
) -> None:
    assert find(text, "lua") == []
    words(take)
    assert [each.code for each in find(text, "lua")] == [code]
