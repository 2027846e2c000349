"""Twenty agents at once, against random latencies, begin with a recording: unchanged, and with one of them changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmspell.engines import values
from llmspell.providers.base import Request
from llmspell.testing import model as small_model
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.traces.prefix import Prefix

if TYPE_CHECKING:
    from conftest import Cast, Caster

SPELLS = Path(__file__).parents[1] / "replay" / "spells"
SPELL = {language: (SPELLS / f"twenty.{language}").read_text() for language in ("lua", "js")}
#: Agent 7 is asked for something else at its beginning.
CHANGED = {
    "lua": ('number .. "% of 2500?"', 'number .. "% of " .. (number == 7 and "5000?" or "2500?")'),
    "js": ("% of 2500?", "% of ${number === 7 ? 5000 : 2500}?"),
}
#: What the hook adds to each prompt, and what it adds where one agent asks otherwise: that one's races may then end
#: otherwise, it draws more or fewer numbers, and what others draw after it is not what was recorded.
DRAWN, FIXED = "uuid.generate()", {"lua": "#context.prompt", "js": "context.prompt.length"}
#: All say more on their way; what they ask is as it was.
SAYING_MORE = {
    "lua": ("    local slow", '    print("at " .. os.time())\n    local slow'),
    "js": ("  const slow", "  console.log(`at ${Date.now()}`);\n  const slow"),
}


def answering() -> Any:
    """The small model; it never answers a message with `hang`, and one with `busy` only at the second try."""
    told: set[str] = set()

    def answer(request: Request, number: int) -> Answer:
        said = request.messages[-1].content
        if "hang" in said:
            return Answer(fault="hang")
        if "busy" in said and said not in told:
            told.add(said)
            return Answer(status=429, message="slow down", headers=(("retry-after-ms", "5"),))
        return small_model.answer(request, number)

    return answer


async def runs(cast: Caster, tmp_path: Path, text: dict[str, str], prefix: Cast | None = None) -> tuple[Cast, int]:
    """The run, and how often it asked the service."""
    (tmp_path / "llmspell.toml").write_text('[permissions]\nenv = ["TOPIC"]\n')
    async with ModelServer(latency=(1, 30), answer=answering()) as model:
        begins = {} if prefix is None else {"prefix": Prefix.load(prefix.file, values.unpack)}
        done = await cast(**text, model=model, params={"size": 3}, environ={"TOPIC": "tea"}, **begins)
        assert done.result.status == "ok", done.result.error
        return done, len(model.requests)


def lines(done: Cast) -> list[tuple[Any, ...]]:
    """What happened, but for when and at what cost."""
    own = ("usage", "recorded_usage", "from_recording", "duration")
    return [
        (event.kind, event.span, event.parent, event.name, event.site, *_said(event.data, own))
        for event in done.events
        if event.kind != "spell_completed"
    ]


def _said(data: dict[str, Any], without: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, value in data.items() if key not in without]


@pytest.mark.parametrize("language", SPELL)
async def test_the_same_spell_asks_nobody(cast: Caster, tmp_path: Path, language: str) -> None:
    first, asked = await runs(cast, tmp_path, {language: SPELL[language]})
    assert asked > 150
    again, asked = await runs(cast, tmp_path, {language: SPELL[language]}, first)
    assert asked == 0
    assert again.value == first.value
    assert lines(again) == lines(first)
    assert again.result.usage == {"tokens": 0, "cost": 0.0, "calls": 0}


@pytest.mark.parametrize("language", SPELL)
async def test_one_changed_agent_is_asked_live_and_no_other(cast: Caster, tmp_path: Path, language: str) -> None:
    spell = SPELL[language].replace(DRAWN, FIXED[language])
    first, _ = await runs(cast, tmp_path, {language: spell})
    changed = spell.replace(*CHANGED[language])
    assert changed != spell != SPELL[language]
    again, asked = await runs(cast, tmp_path, {language: changed}, first)
    live = {
        event.data["agent_name"]
        for event in again.of("llm_call_completed")
        if event.data["status"] == "ok" and "from_recording" not in event.data
    }
    assert live == {"agent7"}
    calls = [event for event in again.of("llm_call_completed") if event.data["agent_name"] == "agent7"]
    assert not [event for event in calls if "from_recording" in event.data]
    assert asked == again.result.usage["calls"] >= len(calls)


@pytest.mark.parametrize("language", SPELL)
async def test_what_is_printed_more_or_less_changes_nothing(cast: Caster, tmp_path: Path, language: str) -> None:
    first, _ = await runs(cast, tmp_path, {language: SPELL[language]})
    saying = {language: SPELL[language].replace(*SAYING_MORE[language])}
    more, asked = await runs(cast, tmp_path, saying, first)
    assert asked == 0
    assert len(more.output["out"].splitlines()) == 21
    said = [{**each, "chance": 0} for each in first.value]
    assert [{**each, "chance": 0} for each in more.value] == said
    less, asked = await runs(cast, tmp_path, {language: SPELL[language]}, more)
    assert asked == 0
    assert [{**each, "chance": 0} for each in less.value] == said


@pytest.mark.parametrize("language", SPELL)
async def test_a_changed_one_replays(cast: Caster, tmp_path: Path, language: str) -> None:
    """With what was free and what was not, in the order they came."""
    first, _ = await runs(cast, tmp_path, {language: SPELL[language]})
    text = {language: SPELL[language].replace(*CHANGED[language])}
    changed, _ = await runs(cast, tmp_path, text, first)
    replay = await cast(**text, replay=changed.recording)
    assert replay.events == changed.events
