"""JSON Schemas in a spell: each mistake at its place, in both languages, with what mends it; a run agrees."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from tests.lsp.marks import MARK, between

from llmspell.errors import ArgumentError
from llmspell.security.schemas import ForeignChecker
from llmspell_lsp.checks.finding import Finding

Find = Callable[[str, str], list[Finding]]

#: Severity, words of the message, the schema as JSON with the wrong place between two ▮.
WRONG = [
    ("error", "did you mean 'integer'?", '{properties: {a: {type: ▮"int"▮}}}'),
    ("error", "did you mean 'object'?", '{type: ▮"objct"▮}'),
    ("error", "type must be one of", '{properties: {a: {type: ["string", ▮"whatever"▮]}}}'),
    ("error", "the name of a type, or a list of them, not 3", '{properties: {a: {type: ▮3▮}}}'),
    ("error", "the schema of 'a' must be a schema", '{properties: {a: ▮"string"▮}}'),
    ("error", "the schema of 'a' must be a schema", '{properties: {a: ▮7▮}}'),
    ("error", "beside the properties", '{properties: {a: {type: "string", required: ▮true▮}}}'),
    ("error", "required must be a list of names, not 'a'", '{properties: {a: {}}, required: ▮"a"▮}'),
    ("error", "items must be a schema", '{properties: {a: {type: "array", items: ▮"string"▮}}}'),
    ("error", "items must be a schema", '{properties: {a: {items: ▮["string"]▮}}}'),
    ("error", "additionalProperties must be", '{additionalProperties: ▮"no"▮}'),
    ("error", "enum must be a list, not 'a'", '{properties: {a: {enum: ▮"a"▮}}}'),
    ("error", "minimum must be a number, not '3'", '{properties: {a: {minimum: ▮"3"▮}}}'),
    ("error", "maxLength must be a whole number", '{properties: {a: {maxLength: ▮1.5▮}}}'),
    ("error", "multipleOf must be more than 0, not 0", '{properties: {a: {multipleOf: ▮0▮}}}'),
    ("error", "description must be text, not true", '{properties: {a: {description: ▮true▮}}}'),
    ("error", "uniqueItems must be true or false", '{properties: {a: {uniqueItems: ▮"yes"▮}}}'),
    ("error", "an item of anyOf must be a schema", '{properties: {a: {anyOf: [{}, ▮"string"▮]}}}'),
    ("error", "properties must be a table of schemas", '{properties: ▮["a"]▮}'),
    ("warning", "did you mean 'name'?", '{properties: {name: {}}, required: ["name", ▮"nme"▮]}'),
    ("warning", "which is none of the properties", '{properties: {name: {}}, required: [▮"zebra"▮]}'),
    ("warning", "did you mean 'required'?", '{properties: {name: {}}, ▮requried▮: ["name"]}'),
    ("warning", "did you mean 'minLength'?", '{properties: {name: {▮min_length▮: 3}}}'),
    ("warning", "properties stand inside `properties`", '{▮city▮: {type: "string"}}'),
    ("warning", "minimum 5 is more than maximum 3", '{properties: {a: {minimum: ▮5▮, maximum: 3}}}'),
    ("warning", "a tool's arguments are an 'object', not 'array'", '{type: ▮"array"▮}'),
]  # fmt: skip
RIGHT = [
    '{type: "object"}',
    "{}",
    '{type: "object", properties: {}, required: []}',
    '{properties: {type: {type: "string"}, required: {type: ["boolean", "null"]}}, required: ["type"]}',
    '{properties: {a: true, b: {const: "objct"}, c: {enum: ["int", 3], default: {type: "int"}}}}',
    '{properties: {a: {type: "string", "x-unit": "m", unit: "m"}}}',
    '{properties: {a: {}}, required: ["b"], patternProperties: {"^b": {}}}',
    '{properties: {a: {}}, required: ["b"], additionalProperties: {type: "string"}}',
    '{required: ["b"]}',
    '{"$defs": {a: {type: "string"}}, properties: {b: {"$ref": "#/$defs/a"}}}',
    '{"$schema": "http://json-schema.org/draft-04/schema#", properties: {a: {minimum: 1, exclusiveMinimum: true}}}',
]


def spell(schema: str, language: str) -> str:
    """A tool with the schema, which is written as in JavaScript."""
    if language == "lua":
        schema = schema.translate({ord("["): "{", ord("]"): "}"})
        schema = re.sub(r'"([^"]*)": ', r'["\1"] = ', schema)
        schema = re.sub(r"(\w▮?): ", r"\1 = ", schema)
        options = f'name = "t", description = "d", execute = function(a) return a end, parameters = {schema}'
        return f"return Tool.define{{ {options} }}"
    return f'return Tool.define({{ name: "t", description: "d", execute: (a) => a, parameters: {schema} }});'


def refused(schema: str) -> bool:
    """Whether a run would take it."""
    try:
        ForeignChecker(json.loads(re.sub(r"(\w+): ", r'"\1": ', schema)), "Tool.define: parameters")
    except ArgumentError:
        return True
    return False


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize(("severity", "words", "schema"), WRONG)
def test_the_mistake_is_found_and_nothing_else(
    severity: str, words: str, schema: str, language: str, find: Find
) -> None:
    text, span = between(spell(schema, language))
    found = find(text, language)
    assert [(each.code, each.span) for each in found] == [("json-schema", span)]
    assert found[0].severity == severity
    assert words in found[0].message
    assert refused(schema.replace(MARK, "")) == (severity == "error")


@pytest.mark.parametrize("language", ["lua", "javascript"])
@pytest.mark.parametrize("schema", RIGHT)
def test_what_is_right_is_left_alone(schema: str, language: str, find: Find) -> None:
    assert [each.message for each in find(spell(schema, language), language)] == []
    assert not refused(schema)


@pytest.mark.parametrize(
    ("language", "text", "mended"),
    [
        ("lua", '{ type = "int" }', '{ type = "integer" }'),
        (
            "lua",
            '{ required = { "nme" }, properties = { name = "str" } }',
            '{ required = { "name" }, properties = { name = { type = "string" } } }',
        ),
        ("javascript", '{ properties: { a: "bool" } }', '{ properties: { a: { type: "boolean" } } }'),
        ("lua", '{ properties = { a = "bool" } }', '{ properties = { a = { type = "boolean" } } }'),
        ("javascript", "{ minLenght: 3 }", "{ minLength: 3 }"),
    ],
)
def test_what_was_meant_is_one_choice_away(language: str, text: str, mended: str, find: Find) -> None:
    call = "agent:chat" if language == "lua" else "agent.chat"
    key = "schema =" if language == "lua" else "schema:"
    make = "local agent = Agent.new{}" if language == "lua" else "const agent = new Agent({});"
    lines = [make, f'{call}("hello", {{ {key} {text} }})']
    found = find("\n".join(lines), language)
    edits = [edit for each in found for fix in each.fixes for edit in fix.edits]
    for edit in sorted(edits, reverse=True, key=lambda edit: edit.span):
        line, column, _, end = edit.span
        lines[line] = lines[line][:column] + edit.text + lines[line][end:]
    assert f"{key} {mended} }}" in lines[1]
    assert find("\n".join(lines), language) == []
