"""Another distribution adds a language: its spells run like any other, in a worker with all its limits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import sandbox
from llmspell.errors import UsageError
from llmspell.runtime import Asking, Result, Runtime, Spell

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

SPELL = """\
def rename: set prompt "by the third engine"
Hooks.register "before_llm_call" rename
agent = Agent.new {"name": "ada"}
answer = agent.chat "hello"
tool = Calculator.new
sum = tool.execute {"expression": "6 * 7"}
Async.sleep 5
eventBus.emit "mine" {"n": 1}
print $answer
return $sum
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a distribution with the engine, as `pip install` would leave it."""
    site = tmp_path / "site"
    about = site / "llmspell_mini-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "mini_engine.py").write_text((Path(__file__).parent / "third/mini_engine.py").read_text())
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: llmspell-mini\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[llmspell.engines]\nmini = mini_engine\n")
    monkeypatch.syspath_prepend(str(site))
    return site


async def run(folder: Path, text: str, **asking: Any) -> tuple[Result, list[Any], str]:
    path = folder / "spell.mini"
    path.write_text(text)
    (folder / "llmspell.toml").touch()
    events: list[Any] = []
    said: list[str] = []
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    async with Runtime(environ=home) as runtime:
        asked = Asking(on_event=events.append, say=lambda _, text: said.append(text), **asking)
        result = await asyncio.wait_for(runtime.start(Spell.read(path), asked).result(), 20)
    return result, events, "".join(said)


@pytest.mark.mission(59, 60)
@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("trusted", [False, True])
async def test_a_spell_of_a_third_language(tmp_path: Path, trusted: bool) -> None:
    result, events, said = await run(tmp_path, SPELL, trusted=trusted)
    assert result.error is None, result.error
    assert result.value["result"] == 42
    assert "by the third engine" in said
    kinds = [event.kind for event in events]
    for kind in ("spell_started", "llm_call_started", "tool_called", "output", "spell_completed"):
        assert kind in kinds, kind
    assert next(event.site for event in events if event.kind == "llm_call_started").endswith("spell.mini:4")
    assert next(event.data["language"] for event in events if event.kind == "spell_started") == "mini"


@pytest.mark.mission(60)
@pytest.mark.usefixtures("installed")
async def test_its_errors_have_their_line(tmp_path: Path) -> None:
    result, _, _ = await run(tmp_path, "a = Agent.new\nx = a.chat 5")
    assert result.error is not None
    assert result.error.type == "invalid_argument", result.error.message
    assert result.error.source.endswith("spell.mini:2")


@pytest.mark.usefixtures("installed")
def test_a_text_may_be_of_that_language() -> None:
    assert Spell.of("return 1", "mini").label == "spell.mini"


def test_without_it_the_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "spell.mini"
    path.write_text("return 1")
    with pytest.raises(UsageError, match="is not a spell"):
        Spell.read(path)
    with pytest.raises(UsageError, match="there is no language 'mini'"):
        Spell.of("return 1", "mini")
