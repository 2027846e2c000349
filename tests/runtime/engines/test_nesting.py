"""How deep a value may nest: the same in both languages and both directions, and one level more is a clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from llmspell.engines.values import DEPTH_LIMIT

if TYPE_CHECKING:
    from conftest import Answers, StartSpell, Way

Kind = Literal["list", "map"]

BINDING: Final[dict[str, Any]] = {
    "classes": [
        {
            "name": "host", "extends": None, "aliases": [], "namespace": True, "constructible": False,
            "options": [], "positional": [], "properties": [],
            "methods": [
                {"name": "take", "kind": "sync", "static": True, "overridable": False},
                {"name": "give", "kind": "sync", "static": True, "overridable": False},
                {"name": "give_later", "kind": "async", "static": True, "overridable": False},
                {"name": "call", "kind": "async", "static": True, "overridable": False},
            ],
        }
    ],
    "errors": [],
}  # fmt: skip

MAKE: Final = {
    ("lua", "list"): "local v = 1 for i = 1, {} do v = {{v}} end ",
    ("lua", "map"): "local v = 1 for i = 1, {} do v = {{a = v}} end ",
    ("javascript", "list"): "let v = 1; for (let i = 0; i < {}; i++) v = [v]; ",
    ("javascript", "map"): "let v = 1; for (let i = 0; i < {}; i++) v = {{ a: v }}; ",
}
MEASURE: Final = {
    "lua": "local function levels(v) local n = 0 while type(v) == 'table' do v, n = v[1] or v.a, n + 1 end return n end ",
    "javascript": "const levels = (v, n = 0) => typeof v === 'object' ? levels(Array.isArray(v) ? v[0] : v.a, n + 1) : n; ",
}  # fmt: skip

OUT: Final = {
    "an argument": {"lua": "host.take(v)", "javascript": "host.take(v)"},
    "an argument within options": {"lua": "host.take(1, v)", "javascript": "host.take(1, v)"},
    "what a callback gives": {"lua": "host.call(function() return v end)", "javascript": "await host.call(() => v)"},
    "the result": {"lua": "return v", "javascript": "return v"},
}
IN: Final = {
    "an answer": {"lua": "return levels(host.give())", "javascript": "return levels(host.give())"},
    "a later answer": {
        "lua": "return levels(host.give_later())",
        "javascript": "return levels(await host.giveLater())",
    },
    "an argument of a callback": {
        "lua": "return host.call(function(v) return levels(v) end, true)",
        "javascript": "return await host.call((v) => levels(v), true)",
    },
    "a parameter": {"lua": "return levels(params)", "javascript": "return levels(params)"},
}


def nested(levels: int, kind: Kind) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind == "list" else {"a": value}
    return value


def levels_of(value: Any) -> int:
    levels = 0
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value["a"]
        levels += 1
    return levels


class Desk:
    """Takes and gives nested values; `host` is set once the spell has started."""

    def __init__(self, gives: Any = None) -> None:
        self.host: Any = None
        self.gives = gives
        self.taken: list[int] = []

    @property
    def answers(self) -> Answers:
        return {
            "host.take": self._take,
            "host.give": self._give,
            "host.give_later": self._give,
            "host.call": self._call,
        }

    def _take(self, _: int | None, args: list[Any]) -> None:
        self.taken.append(levels_of(args[-1]))

    def _give(self, _: int | None, _args: list[Any]) -> Any:
        return self.gives

    async def _call(self, _: int | None, args: list[Any]) -> Any:
        value = await self.host.invoke(args[0].number, *([self.gives] if len(args) > 1 else []))
        self.taken.append(levels_of(value))
        return value


@pytest.mark.parametrize("way", ["worker", "in_process"])
@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("kind", ["list", "map"])
@pytest.mark.parametrize("what", OUT)
async def test_from_the_script(what: str, kind: Kind, language: str, way: Way, start_spell: StartSpell) -> None:
    for levels in (DEPTH_LIMIT, DEPTH_LIMIT + 1):
        desk = Desk()
        source = MAKE[language, kind].format(levels) + "\n" + OUT[what][language]
        desk.host = start_spell(language, source, way=way, answers=desk.answers, binding=BINDING)
        outcome = await desk.host.finish()
        assert outcome.exit.error is None
        if levels == DEPTH_LIMIT:
            assert outcome.error is None, outcome.error
            assert desk.taken == ([levels] if what != "the result" else [])
            assert what != "the result" or levels_of(outcome.result) == levels
        else:
            assert outcome.error is not None
            assert outcome.error["message"].endswith("… is nested deeper than 200 levels")
            assert len(outcome.error["message"]) < 80
            assert desk.taken == []


@pytest.mark.parametrize("way", ["worker", "in_process"])
@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("kind", ["list", "map"])
@pytest.mark.parametrize("what", IN)
async def test_to_the_script(what: str, kind: Kind, language: str, way: Way, start_spell: StartSpell) -> None:
    for levels in (DEPTH_LIMIT, DEPTH_LIMIT + 1):
        value = nested(levels, kind)
        params = value if what == "a parameter" else {}
        desk = Desk(value)
        source = MEASURE[language] + "\n" + IN[what][language]
        desk.host = start_spell(language, source, way=way, answers=desk.answers, binding=BINDING, params=params)
        outcome = await desk.host.finish()
        if levels == DEPTH_LIMIT:
            assert outcome.value() == levels
        else:
            assert outcome.error is not None
            assert outcome.error["message"].endswith("what the host gave is nested deeper than 200 levels")
