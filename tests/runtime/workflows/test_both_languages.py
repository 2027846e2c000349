"""The same workflow written in Lua and in JavaScript: what is stored of its run is the same, up to ids, times and sites."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.events.event import Event

#: Functions of (value, context), by what they do: Lua, JavaScript.
FUNCTIONS = {
    "same": ("function(v) return v end", "(v) => v"),
    "one": ("function() return 1 end", "() => 1"),
    "count": ("function(v, c) c.n = (c.n or 0) + 1 return c.n end", "(v, c) => { c.n = (c.n ?? 0) + 1; return c.n; }"),
    "table": ("function(v) return { was = v, list = { 1, 'two' } } end", "(v) => ({ was: v, list: [1, 'two'] })"),
    "sleep": ("function() Async.sleep(1) return 'slept' end", "async () => { await Async.sleep(1); return 'slept'; }"),
    "fails": ("function() error('no') end", "() => { throw new Error('no'); }"),
    "input": ("function(v, c) return c.input.topic end", "(v, c) => c.input.topic"),
}
CONDITIONS = {
    "true": ("true", "true"),
    "false": ("false", "false"),
    "reference": ("'{{wanted}}'", "'{{wanted}}'"),
    "function": ("function(c) return c.topic == 'tea' end", "(c) => c.topic === 'tea'"),
}


@dataclass(frozen=True)
class Code:
    """A value as code: of a function by its name, or a table of codes and plain values."""

    name: str = ""
    table: dict[str, Any] = field(default_factory=dict[str, Any])

    def written(self, language: int) -> str:
        known = {**FUNCTIONS, **CONDITIONS}
        return known[self.name][language] if self.name else written(self.table, language)


def written(value: Any, language: int) -> str:
    match value:
        case Code():
            return value.written(language)
        case dict():
            pairs = ", ".join(
                f"{key}{' = ' if language == 0 else ': '}{written(item, language)}" for key, item in value.items()
            )
            return f"{{ {pairs} }}"
        case list():
            inner = ", ".join(written(item, language) for item in value)
            return f"{{ {inner} }}" if language == 0 else f"[{inner}]"
        case _:
            return json.dumps(value)


#: At once only what the worker answers in turn: whether it or a timer is first is a matter of time.
at_once = st.sampled_from(sorted(set(FUNCTIONS) - {"sleep"})).map(Code)
functions = st.sampled_from(sorted(FUNCTIONS)).map(Code)
conditions = st.sampled_from(sorted(CONDITIONS)).map(Code)
common = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["first", "second"]),
        "on_error": st.just("continue"),
        "retries": st.integers(0, 1),
        "input": st.sampled_from(["{{topic}}", "on {{topic}} {{input.n}}", {"a": "{{topic}}", "b": 2}]),
    },
)
guard = st.fixed_dictionaries({}, optional={"condition": conditions})


def done_by(work: st.SearchStrategy[Code]) -> st.SearchStrategy[Any]:
    return st.builds(lambda run, more, when: {"run": run, **more, **when}, work, common, guard)


tools = st.builds(lambda more: {"tool": "calculator", "params": {"expression": "{{n}} + 1"}, **more}, common)


def in_turn(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(steps, min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            lambda inner, more, when: {"type": "sequential", "steps": inner, **more, **when}, lists, common, guard
        ),
        st.builds(
            lambda when, yes, no: {"type": "conditional", "condition": when, "true_branch": yes, "false_branch": no},
            *(conditions, lists, steps),
        ),
        st.builds(lambda body, most: {"type": "loop", "body": body, "max_iterations": most}, lists, st.integers(1, 2)),
        st.builds(lambda body: {"type": "loop", "over": [1, 2], "body": body}, steps),
    )


quick = st.recursive(done_by(at_once), in_turn, max_leaves=3)
concurrent = st.one_of(
    st.builds(
        lambda inner, more: {"type": "parallel", "steps": inner, **more},
        st.lists(quick, min_size=1, max_size=3),
        common,
    ),
    st.builds(
        lambda body, size: {"type": "map_reduce", "items": [1, 2, 3], "map": body, "concurrency": size},
        *(st.lists(quick, min_size=1, max_size=2), st.integers(1, 3)),
    ),
    st.builds(
        lambda stages, size: {"type": "pipeline", "stages": stages, "buffer": size, "input": [1, 2]},
        *(st.lists(at_once, min_size=1, max_size=2), st.integers(1, 2)),
    ),
)
workflows = st.lists(
    st.recursive(st.one_of(done_by(functions), tools, concurrent), in_turn, max_leaves=6), min_size=1, max_size=4
)

#: What may differ: whose number it is, when and where it was, in which language.
_LEFT_OUT = frozenset({"source", "stack", "duration", "workflow_id", "agent_id", "value_of"})


def plain(value: Any) -> Any:
    match value:
        case dict():
            # A field that is nil is none in Lua.
            return {key: plain(item) for key, item in value.items() if key not in _LEFT_OUT and item is not None}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def lines(events: list[Event]) -> list[Any]:
    spells = ("spell_started", "spell_completed")
    return [
        (event.kind, event.phase, event.span, event.parent, event.name, plain(event.data))
        for event in events
        if event.kind not in spells
    ]


@pytest.mark.mission(46, 116)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=workflows)
async def test_what_happens_is_the_same_in_both_languages(cast: Any, steps: list[Any]) -> None:
    lua = f"""
        local flow = Workflow.create{{ name = "generated", steps = {written(steps, 0)} }}
        local ok, value = pcall(flow.run, flow, {{ topic = "tea", n = 1, wanted = true }})
        return ok and {{ value }} or "failed"
    """
    js = f"""
        const flow = Workflow.create({{ name: "generated", steps: {written(steps, 1)} }});
        return await flow.run({{ topic: "tea", n: 1, wanted: true }}).then((value) => [value], () => "failed");
    """
    first, second = await cast(lua=lua), await cast(js=js)
    assert lines(first.events) == lines(second.events)
