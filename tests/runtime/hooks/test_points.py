"""Every hook point of the table, in every language: it fires, what is writable takes effect, what is not is warned of,
a throw fails the unit, a retry repeats it. The cells are made from the table: one without a way to try it fails."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmspell.api.hook_points import BY_NAME, POINTS, HookPoint
from llmspell.api.names import snake
from llmspell.errors import CancelledByUser
from llmspell.run import Run
from llmspell.testing.answers import Answer

sys.path.insert(0, str(Path(__file__).parent))

from scenes import LANGUAGES, Does, ending_scene, scene, spell_scene

#: Fields that only some calls of a point have.
SOMETIMES = {
    "before_execute": {"user_id", "tool_name", "params"},
    "after_execute": {"user_id", "tool_name", "params"},
    "before_tool_call": {"agent_id", "agent_name", "agent_type"},
    "after_tool_call": {"agent_id", "agent_name", "agent_type"},
    "on_error": {"tool_name", "user_id", "retry", "retry_delay", "user_message"},
    "on_retry": {"tool_name"},
}
#: A field that each point shows and nobody may change.
READ_ONLY = {
    **{point.name: "agent_name" for point in POINTS},
    **dict.fromkeys(("before_tool_call", "after_tool_call"), "tool_name"),
    **dict.fromkeys(("before_spell", "after_spell"), "run_id"),
    **dict.fromkeys(("before_state_change", "after_state_change"), "key"),
    **dict.fromkeys(("before_workflow", "after_workflow"), "workflow_name"),
    **dict.fromkeys(("before_workflow_step", "after_workflow_step"), "step_name"),
    **dict.fromkeys(("before_handoff", "after_handoff"), "from"),
    **dict.fromkeys(("before_delegation", "after_delegation"), "worker"),
    **dict.fromkeys(("before_event_emit", "after_event_emit"), "event"),
    "on_cancel": "reason",
    "on_limit": "limit",
}
#: What `error` events and `on_error` call a unit, where the table calls it otherwise.
FAILS = {"error": "llm_call", "event": "event_emit", "state": "state_change", "retry": "llm_call"}
DOWN = Answer(status=500, message="down", headers=(("retry-after-ms", "1"),))

Check = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Way:
    """How a field's writing is tried. check: of the spell's run and the model's service."""

    value: Any
    check: Check
    action: str = ""
    tool: str = ""
    answers: tuple[Answer, ...] = ()
    retries: int = 0
    more: tuple[tuple[str, Any], ...] = ()


def _sent(text: str) -> Check:
    """The bytes that the service received hold the text, and what it stands for is gone."""
    return lambda spell, model: text.encode() in model.requests[0].body and b"hello" not in model.requests[0].body


def _body(key: str, value: Any) -> Check:
    return lambda spell, model: model.requests[0].json.get(key) == value


def _gives(value: Any) -> Check:
    return lambda spell, model: spell.value[1] == value


def _system(spell: Any, model: Any) -> bool:
    return model.requests[0].json["messages"][0] == {"role": "system", "content": "changed"}


def _tokens(spell: Any, model: Any) -> bool:
    body = model.requests[0].json
    return 77 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def _waited(spell: Any, model: Any) -> bool:
    return [event.data["retry_delay"] for event in spell.of("retry")] == [3]


def _said_so(spell: Any, model: Any) -> bool:
    shown = spell.value[1]
    return shown["message"] == "changed" and "down" in shown["cause"]


WRITES: dict[tuple[str, str], Way] = {
    ("before_execute", "input"): Way({"message": "changed"}, _sent("changed"), "execute"),
    ("before_execute", "message"): Way("changed", _sent("changed"), "execute"),
    ("before_execute", "params"): Way({"text": "changed"}, _gives("changed"), "tool_call", tool="echo"),
    ("after_execute", "output"): Way("changed", _gives("changed"), "execute"),
    ("before_llm_call", "prompt"): Way("changed", _sent("changed")),
    ("before_llm_call", "message"): Way("changed", _sent("changed")),
    ("before_llm_call", "messages"): Way([{"role": "user", "content": "changed"}], _sent("changed")),
    ("before_llm_call", "system_prompt"): Way("changed", _system),
    ("before_llm_call", "model"): Way("changed", _body("model", "changed")),
    ("before_llm_call", "temperature"): Way(0.25, _body("temperature", 0.25)),
    ("before_llm_call", "max_tokens"): Way(77, _tokens),
    ("after_llm_call", "response"): Way("changed", _gives("changed")),
    ("before_tool_call", "params"): Way({"text": "changed"}, _gives("changed")),
    ("after_tool_call", "result"): Way("changed", _gives("changed")),
    ("on_error", "retry"): Way(True, _gives("You said: hello"), answers=(DOWN,)),
    ("on_error", "retry_delay"): Way(3, _waited, answers=(DOWN,), more=(("retry", True),)),
    ("on_error", "user_message"): Way("changed", _said_so, answers=(DOWN,)),
    ("on_retry", "retry_delay"): Way(3, _waited, answers=(DOWN,), retries=1),
    ("before_spell", "params"): Way({"x": "changed"}, lambda spell, model: spell.value == {"x": "changed"}),
    ("after_spell", "result"): Way("changed", lambda spell, model: spell.value == "changed"),
    ("before_init", "options"): Way({"system_prompt": "changed", "temperature": 0.25}, _system),
    ("before_state_change", "value"): Way("changed", _gives("changed")),
    ("before_workflow", "input"): Way("changed", _gives("changed")),
    ("after_workflow", "output"): Way("changed", _gives("changed")),
    ("before_workflow_step", "step_input"): Way("changed", _gives("changed")),
    ("after_workflow_step", "step_output"): Way("changed", _gives("changed")),
    ("before_handoff", "values"): Way({"mood": "changed"}, _gives({"mood": "changed"})),
    ("before_delegation", "task"): Way("changed", _sent("changed")),
    ("after_delegation", "output"): Way("changed", _gives("changed")),
    ("before_event_emit", "data"): Way({"text": "changed"}, _gives(["changed"])),
}

#: What a handler answers in place of a unit, and what comes of it.
ANSWERED: dict[str, Way] = {
    "before_llm_call": Way("changed", lambda spell, model: spell.value[1] == "changed" and not model.requests),
    "before_tool_call": Way("changed", lambda spell, model: spell.value[1] == "changed" and spell.value[3] == 0),
}


#: What is done where the cell does not say, and what the service is told, so that the point fires.
ACTION = {"error": "llm_call", "retry": "llm_call"}
ANSWERS: dict[str, tuple[Answer, ...]] = {"error": (DOWN,), "retry": (DOWN,)}
RETRIES = {"retry": 1}

#: What is vetoed at these points is the run itself, or the unit whose failure they are about.
NOT_UNITS = ("spell", "error", "retry")

#: Fields of a point where it was registered for a tool, which a runtime's own (Python) handlers are not.
TOOLS_OWN = {"before_execute": ("params",)}

CELLS = [
    pytest.param(point, language, aspect, id=f"{point.name}-{language}-{aspect}")
    for point in POINTS
    for language in (("python",) if point.name == "before_spell" else LANGUAGES)
    for aspect in (
        *("fires", "read_only"),
        *(
            f"write:{name}"
            for name in point.writable
            if not (language == "python" and name in TOOLS_OWN.get(point.name, ()))
        ),
        *(("veto",) if point.veto else ()),
        *(("on_error",) if point.veto and point.unit not in NOT_UNITS else ()),
        *(("retry",) if point.retry else ()),
        *(("answer",) if point.answer else ()),
    )
]


async def _perform(cast: Any, model: Any, point: HookPoint, language: str, does: Does, way: Way | None = None) -> Any:
    """Runs the point's scene; gives the run and the keys that the handler saw."""
    way = way or Way(None, lambda spell, model: True)
    model.will(*(way.answers or ANSWERS.get(point.unit, ())))
    seen: list[str] = []
    hooks = {point.name: does.python(seen)} if language == "python" else {}
    if point.unit == "spell":
        spell = await cast(**spell_scene(language, does), model=model, hooks=hooks, params={"x": 1})
        told = [snake(key) for event in spell.of("custom") for key in event.data["keys"]]
        return spell, seen or told
    if point.unit in ("cancel", "limit"):
        return await _end(cast, model, point, ending_scene(language, point.name, does), hooks, seen)
    action = way.action or ACTION.get(point.unit, point.unit)
    retries = way.retries or RETRIES.get(point.unit, 0)
    asked = scene(language, point.name, does, action, retries=retries, tool=way.tool)
    spell = await cast(**asked, model=model, hooks=hooks)
    return spell, seen or [snake(key) for key in spell.value[2]]


async def _end(
    cast: Any, model: Any, point: HookPoint, source: dict[str, str], hooks: dict[str, Any], seen: list[str]
) -> Any:
    """Ends a run, by a limit or from outside, and gives it and what the handler saw."""
    runs: list[Run] = []
    flags = {"limits.max_calls": 0} if point.unit == "limit" else {}

    def stop(event: Any) -> None:
        if point.unit == "cancel":
            runs[0].interrupt(CancelledByUser("enough"))

    spell = await cast(**source, model=model, hooks=hooks, flags=flags, prepare=runs.append, on_output=stop)
    assert spell.result.status == ("limit" if point.unit == "limit" else "cancelled")
    told = [snake(key) for event in spell.of("custom") for key in event.data["keys"]]
    return spell, seen or told


@pytest.mark.mission(66, 67, 68, 69, 70, 71, 72, 73, 75, 76, 77, 78, 80)
@pytest.mark.parametrize(("point", "language", "aspect"), CELLS)
async def test_point(cast: Any, model: Any, point: HookPoint, language: str, aspect: str) -> None:
    if aspect == "fires":
        await _fires(cast, model, point, language)
    elif aspect == "read_only":
        await _read_only(cast, model, point, language)
    elif aspect == "veto":
        await _veto(cast, model, point, language)
    elif aspect == "on_error":
        await _told_of(cast, model, point, language)
    elif aspect == "retry":
        await _retry(cast, model, point, language)
    elif aspect == "answer":
        way = ANSWERED[point.name]
        spell, _ = await _perform(cast, model, point, language, Does({point.answer: way.value}), way)
        assert way.check(spell, model), (spell.result, model.requests)
        ended = spell.of("llm_call_completed" if point.unit == "llm_call" else "tool_completed")
        assert [event.data["answered"] for event in ended] == [True]
    else:
        name = aspect.partition(":")[2]
        way = WRITES.get((point.name, name))
        assert way is not None, f"no way is written to try {point.name}.{name}: add one to WRITES"
        does = Does({name: way.value, **dict(way.more)}, first=point.name == "on_error", only=_whose(point))
        spell, _ = await _perform(cast, model, point, language, does, way)
        assert way.check(spell, model), (spell.result, [request.body for request in model.requests])
        assert not spell.of("warning")


async def _fires(cast: Any, model: Any, point: HookPoint, language: str) -> None:
    spell, seen = await _perform(cast, model, point, language, Does())
    expected = {*point.readable, *point.writable} - SOMETIMES.get(point.name, set())
    # A key whose value is nil is no key in Lua.
    absent = {"temperature", "max_tokens", "old"} if language == "lua" else set[str]()
    assert expected - set(seen) <= absent, f"{point.name} lacks fields that the table promises"
    calls = [event.data for event in spell.of("hook_called")]
    assert {call["point"] for call in calls} == {point.name}
    assert all(call["handler"].rpartition(":")[2].isdigit() for call in calls) or language == "python"
    assert [event.data["status"] for event in spell.of("hook_completed")] == ["ok"] * len(calls)


async def _read_only(cast: Any, model: Any, point: HookPoint, language: str) -> None:
    name = READ_ONLY[point.name]
    assert name in point.readable
    spell, _ = await _perform(cast, model, point, language, Does({name: "forged"}))
    warnings = [event.data["message"] for event in spell.of("warning")]
    assert warnings and all(text == f"{point.name} cannot change {name}: it is read-only" for text in warnings)


async def _veto(cast: Any, model: Any, point: HookPoint, language: str) -> None:
    spell, _ = await _perform(cast, model, point, language, _throwing(point))
    if point.unit == "spell":
        assert (spell.result.status, spell.result.error.type) == ("error", "security")
        assert (spell.output["out"] == "") is (point.name == "before_spell")
        return
    ok, problem, _, ran = spell.value
    assert (ok, problem["type"], problem["message"]) == (False, "security", "not allowed")
    assert "veto" in [event.data["status"] for event in spell.of("hook_completed")] or not _is_before(point)
    if _is_before(point):
        assert not model.requests and ran == 0, "what was vetoed was not done"
    if point.unit == "retry":
        assert len(model.requests) == 1 and not spell.of("retry")
    failed = [event.data["unit"] for event in spell.of("error")]
    assert point.unit == "retry" or FAILS.get(point.unit, point.unit) in failed


def _throwing(point: HookPoint) -> Does:
    return Does(throws=True, only=_whose(point))


def _whose(point: HookPoint) -> str:
    return "ada" if point.unit == "init" else ""


async def _told_of(cast: Any, model: Any, point: HookPoint, language: str) -> None:
    """A veto reaches `on_error`: once for the unit, and once for each that it fails with it."""
    told: list[str] = []
    does = _throwing(point)

    def tell(context: dict[str, Any]) -> None:
        told.append(context["unit"])

    hooks: dict[str, Any] = {"on_error": tell}
    if language == "python":
        hooks[point.name] = does.python([])
    spell = await cast(**scene(language, point.name, does, point.unit), model=model, hooks=hooks)
    assert spell.value[1]["message"] == "not allowed"
    assert told.count(FAILS.get(point.unit, point.unit)) == 1
    assert told == [event.data["unit"] for event in spell.of("error")]


async def _retry(cast: Any, model: Any, point: HookPoint, language: str) -> None:
    for action, answers in (("llm_call", (DOWN,)), ("failing_tool", ()), ("failing_execute", ())):
        model.clear()
        model.will(*answers)
        does = Does({"retry": True, "retry_delay": 1}, first=True)
        hooks = {point.name: does.python([])} if language == "python" else {}
        spell = await cast(**scene(language, point.name, does, action), model=model, hooks=hooks)
        assert spell.value[0], spell.value
        (retry,) = spell.of("retry")
        assert (retry.data["retry_count"], retry.data["retry_delay"]) == (1, 1)
        assert len(model.requests) + spell.value[3] == 2, "the failed unit was done twice, and nothing else"


def _is_before(point: HookPoint) -> bool:
    return point.name.startswith("before_")


def test_every_writable_field_has_one_way_and_no_way_is_left_over() -> None:
    promised = {(point.name, name) for point in POINTS for name in point.writable}
    assert set(WRITES) == promised
    assert all(name in BY_NAME for name, _ in WRITES)
