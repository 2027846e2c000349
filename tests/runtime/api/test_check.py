"""Values against schemas: form, refusal in words, and user data left alone."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.api.check import Checker, as_json, form, present, with_defaults
from llmspell.api.describe import exposed
from llmspell.api.names import camel
from llmspell.api.registry import Registry
from llmspell.errors import ArgumentError, SchemaError

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "system_prompt": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Who the agent is."},
        "max_turns": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        "mode": {"enum": ["round_robin", "skill_based"]},
        "context": {"type": "object", "additionalProperties": True},
        "limits": {
            "anyOf": [
                {"type": "object", "additionalProperties": False, "properties": {"wall_seconds": {"type": "number"}}},
                {"type": "null"},
            ]
        },
        "steps": {
            "type": "array",
            "items": {
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"tool_name": {"type": "string"}},
                        "required": ["tool_name"],
                    },
                    {"type": "object", "required": ["$function"], "x-function": True},
                ]
            },
        },
        "helper": {"type": "object", "required": ["$object"], "x-object": "Helper"},
        "on_done": {"type": "object", "required": ["$function"], "x-function": True},
        "data": {"x-bytes": True},
        "name": {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"},
        "verbose": {"type": "boolean"},
        "anything": {},
    },
}


@exposed()
class Helper:
    """Something scripts can hold."""


class SpecialHelper(Helper):
    """What the host makes of it."""


@exposed()
class Stranger:
    """Something else."""


def refusal(value: Any, language: str = "lua", schema: dict[str, Any] = SCHEMA) -> ArgumentError:
    with pytest.raises(ArgumentError) as caught:
        Checker(schema).take(value, "Agent.new", language)
    return caught.value


def test_declared_keys_are_understood_in_both_spellings() -> None:
    taken = Checker(SCHEMA).take({"systemPrompt": "x", "max_turns": 3, "steps": [{"toolName": "a"}]}, "Agent.new")
    assert taken == {"system_prompt": "x", "max_turns": 3, "steps": [{"tool_name": "a"}]}


@given(st.dictionaries(st.text(max_size=10), ANYTHING, max_size=4))
def test_user_data_is_never_touched(data: dict[str, Any]) -> None:
    assert Checker(SCHEMA).take({"context": data, "anything": data}, "x") == {"context": data, "anything": data}
    assert present({"context": data}, SCHEMA, "javascript") == {"context": data}


@given(ANYTHING)
def test_form_is_stable_and_presenting_undoes_it(value: Any) -> None:
    formed = form({"anything": value, "max_turns": 1}, SCHEMA)
    assert form(formed, SCHEMA) == formed
    assert form(present(formed, SCHEMA, "javascript"), SCHEMA) == formed
    assert present(formed, SCHEMA, "lua") is formed


def test_keys_that_a_script_made_up_keep_their_case_when_shown() -> None:
    shown = present({"max_turns": 1, "my_own_key": {"inner_key": 1}}, SCHEMA, "javascript")
    assert shown == {"maxTurns": 1, "my_own_key": {"inner_key": 1}}


def test_maps_of_declared_tables_are_spelled_inside() -> None:
    usage = {"type": "object", "properties": {"input_tokens": {}}}
    schema = {"type": "object", "additionalProperties": usage}
    assert present({"gpt_4": {"input_tokens": 1}}, schema, "javascript") == {"gpt_4": {"inputTokens": 1}}
    assert form({"gptFour": {"inputTokens": 1}}, schema) == {"gptFour": {"input_tokens": 1}}


@pytest.mark.parametrize("key", ["context", "limits"])
def test_an_empty_list_is_the_empty_table_that_is_wanted(key: str) -> None:
    assert Checker(SCHEMA).take({key: []}, "x") == {key: {}}


def test_an_empty_list_stays_one_where_lists_are_wanted() -> None:
    assert Checker(SCHEMA).take({"steps": [], "anything": []}, "x") == {"steps": [], "anything": []}
    assert Checker(SCHEMA).take([], "x") == {}


def test_of_several_tables_the_one_with_most_of_the_keys_is_meant() -> None:
    schema = {
        "oneOf": [
            {"type": "object", "properties": {"true_branch": {}}, "required": ["true_branch"]},
            {"type": "object", "properties": {"all_branches": {}, "run_default": {}}, "required": ["all_branches"]},
        ]
    }
    assert form({"allBranches": 1, "runDefault": 2}, schema) == {"all_branches": 1, "run_default": 2}


def test_a_key_in_both_spellings_is_refused() -> None:
    error = refusal({"max_turns": 1, "maxTurns": 2})
    assert "'max_turns' is given twice, also as 'maxTurns'" in error.message


MESSAGES = [
    ({"systm_prompt": "x"}, "unknown option 'systm_prompt'", "did you mean 'system_prompt'?"),
    ({"systmPrompt": "x"}, "unknown option 'systmPrompt'", "did you mean 'system_prompt'?"),
    ({"zzz": 1}, "unknown option 'zzz'", "known options: system_prompt, max_turns, mode, context, limits, steps,"),
    ({"system_prompt": 3}, "system_prompt must be text, not 3", 'write "3" in quotes'),
    ({"system_prompt": {}}, "system_prompt must be text, not a table", "system_prompt: Who the agent is."),
    ({"max_turns": "5"}, "max_turns must be a whole number, not '5'", "write 5 without quotes"),
    ({"max_turns": 0}, "max_turns must be at least 1, not 0", ""),
    ({"max_turns": 200}, "max_turns must be at most 100, not 200", ""),
    ({"mode": "round_robbin"}, "mode must be 'round_robin' or 'skill_based', not 'round_robbin'", "did you mean"),
    ({"mode": "skillBased"}, "mode must be 'round_robin' or 'skill_based', not 'skillBased'", "mean 'skill_based'?"),
    ({"limits": {"wall_secs": 1}}, "unknown option 'wall_secs' in limits", "did you mean 'wall_seconds'?"),
    ({"limits": {"wall_seconds": "x"}}, "limits.wall_seconds must be a number, not 'x'", ""),
    ({"limits": 3}, "limits must be a table, not 3", ""),
    ({"steps": [{"tool_name": "a"}, {}]}, "missing 'tool_name' in steps[2]", ""),
    ({"steps": [{"tool_nam": "a"}]}, "unknown option 'tool_nam' in steps[1]", "did you mean 'tool_name'?"),
    ({"steps": ["a"]}, "steps[1] must be a table or a function, not 'a'", ""),
    ({"steps": "a"}, "steps must be a list", 'put it in a list: { "a" }'),
    ({"helper": {}}, "helper must be an object of class Helper, not a table", ""),
    ({"on_done": {}}, "on_done must be a function, not a table", ""),
    ({"context": len}, "context must be a table, not a function", ""),
    ({"anything": None, "system_prompt": len}, "system_prompt must be text, not a function", ""),
    ({"limits": len}, "limits must be a table, not a function", ""),
    ({"context": b"x"}, "context must be a table, not bytes", ""),
    ({"helper": Stranger()}, "helper must be an object of class Helper, not an object of class Stranger", ""),
    ({"context": Helper()}, "context must be a table, not an object of class Helper", ""),
    ({"name": ""}, "name must have at least 1 character, not ''", ""),
    ({"name": "A"}, "name must match ^[a-z]+$, not 'A'", ""),
    ({"verbose": "true"}, "verbose must be true or false, not 'true'", "write true without quotes"),
    ("x", "the value must be a table, not 'x'", ""),
    (None, "the value must be a table, not nil", ""),
    ([1], "the value must be a table, not a list", ""),
]


@pytest.mark.parametrize(("value", "message", "hint"), MESSAGES, ids=[message for _, message, _ in MESSAGES])
def test_a_refusal_names_field_value_and_remedy(value: Any, message: str, hint: str) -> None:
    error = refusal(value)
    assert error.message.startswith(f"Agent.new: {message}")
    assert hint in error.hint


def test_javascript_hears_its_own_words() -> None:
    error = refusal({"systmPrompt": "x"}, "javascript")
    assert error.hint == "did you mean 'systemPrompt'?"
    error = refusal({"limits": {"wallSeconds": "x"}}, "javascript")
    assert error.message == "Agent.new: limits.wallSeconds must be a number, not 'x'"
    error = refusal({"steps": [{}]}, "javascript")
    assert error.message == "Agent.new: missing 'toolName' in steps[0]"
    error = refusal({"steps": {}}, "javascript")
    assert "steps must be an array" in error.message
    assert (
        refusal({"max_turns": None}, "javascript").message
        == "Agent.new: max_turns must be".replace("max_turns", "maxTurns") + " a whole number, not null"
    )


def test_a_misspelled_option_is_told_before_a_missing_one() -> None:
    schema = {**SCHEMA, "required": ["name"]}
    assert "unknown option 'nam'" in refusal({"nam": "x"}, schema=schema).message


def test_functions_objects_and_bytes_stay_themselves() -> None:
    helper, value = SpecialHelper(), b"x"
    given_value = {"helper": helper, "on_done": len, "data": value, "steps": [len], "anything": [helper, len]}
    taken = Checker(SCHEMA).take(given_value, "x")
    assert taken["helper"] is helper
    assert taken["on_done"] is len
    assert taken["steps"] == [len]
    assert taken["anything"] == [helper, len]
    assert taken["data"] is value


@given(ANYTHING)
def test_any_value_is_either_taken_or_refused_with_an_argument_error(value: Any) -> None:
    checker = Checker(SCHEMA)
    try:
        checker.take({"system_prompt": value}, "x")
    except ArgumentError as error:
        assert "system_prompt" in error.message or "systemPrompt" in error.message
    else:
        assert value is None or isinstance(value, str)


def test_a_lone_surrogate_is_text() -> None:
    assert Checker(SCHEMA).take({"system_prompt": "\ud800"}, "x") == {"system_prompt": "\ud800"}
    assert as_json({"\udfff": "é\ud800"}) == {"?": "é?"}


def test_tool_arguments_get_declared_defaults() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "default": 2}, "b": {}}}
    assert Checker(schema).check_params({"b": 1}, "tool") == {"a": 2, "b": 1}
    assert Checker(schema).check_params([], "tool") == {"a": 2}
    assert with_defaults({"a": 5}, schema) == {"a": 5}
    with pytest.raises(SchemaError, match="tool: a must be a whole number"):
        Checker(schema).check_params({"a": "x"}, "tool")


@pytest.mark.parametrize(
    "schema",
    [{"type": "nope"}, {"$ref": "#/$defs/none"}, {"type": "object", "properties": 3}, {"pattern": "("}],
    ids=["type", "reference", "properties", "pattern"],
)
def test_a_schema_that_is_none_is_refused_in_words(schema: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="no valid JSON Schema"):
        Checker(schema).take({}, "Tool.define")


def test_a_schema_makes_the_host_read_nothing(tmp_path: Any) -> None:
    secret = tmp_path / "schema.json"
    secret.write_text(json.dumps({"const": 1}))
    for uri in (secret.as_uri(), "http://127.0.0.1:9/schema"):
        with pytest.raises(ArgumentError, match="references to elsewhere are not followed"):
            Checker({"$ref": uri}).take(1, "Tool.define")


def test_every_option_of_the_registry_is_accepted_in_both_spellings(registry: Registry) -> None:
    checker = registry.options("Agent")
    assert checker is not None
    for name, schema in checker.schema["properties"].items():
        value = {"default": schema.get("default")}["default"]
        for spelling in {name, camel(name)}:
            assert checker.take({spelling: value}, "Agent.new") == {name: value}


def test_a_number_without_a_fraction_is_whole_where_a_whole_one_is_wanted() -> None:
    whole: dict[str, Any] = {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"limit": whole, "rate": {"type": "number"}, "rows": {"type": "array", "items": whole}},
    }
    found = Checker(schema).check_params({"limit": 3.0, "rate": 3.0, "rows": [1.0, None]}, "tool")
    assert [type(each) for each in (found["limit"], found["rate"], found["rows"][0])] == [int, float, int]
    with pytest.raises(SchemaError):
        Checker(schema).check_params({"limit": 3.5}, "tool")


@pytest.mark.parametrize("depth", [300, 100_000])
def test_a_value_too_deep_to_be_checked_is_a_clear_error(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    with pytest.raises(SchemaError, match="tables inside each other"):
        Checker({"type": "object", "properties": {"a": {"type": "string"}}}).check_params({"a": value}, "tool")


def test_a_megabyte_is_not_compared_with_the_names_that_it_may_have_been_meant_for() -> None:
    checker = Checker({"type": "object", "properties": {"operation": {"enum": ["read", "write"]}}})
    with pytest.raises(SchemaError, match="operation"):
        checker.check_params({"operation": "raed"}, "tool")
    begun = time.process_time()
    with pytest.raises(SchemaError, match="operation"):
        checker.check_params({"operation": "x" * 4_000_000}, "tool")
    assert time.process_time() - begun < 1
