"""A schema of somebody else's fetches nothing and cannot hang."""

from __future__ import annotations

import time
from typing import Any

import pytest

from llmspell.errors import SchemaError
from llmspell.security.schemas import check, compile_schema


def multiplying(levels: int) -> dict[str, Any]:
    defs: dict[str, Any] = {
        f"a{level}": {"anyOf": [{"allOf": [{"$ref": f"#/$defs/a{level + 1}"}, {"minimum": n}]} for n in (5, 6)]}
        for level in range(levels)
    }
    return {"$defs": {**defs, f"a{levels}": {}}, "$ref": "#/$defs/a0"}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:9/x", "https://example.org/s.json", "file:///etc/passwd", "other.json"]
)
def test_no_other_document_is_read(uri: str) -> None:
    with pytest.raises(SchemaError, match="Schema"):
        compile_schema({"$ref": uri})


def test_references_that_multiply_are_refused_at_once() -> None:
    started = time.process_time()
    with pytest.raises(SchemaError, match="too long"):
        check(multiplying(40), 1)
    twice = {"$ref": "#/$defs/x", "$defs": {"x": {"anyOf": [
        {"properties": {"x": {"$ref": "#/$defs/x"}}, "required": [f"y{n}"]} for n in range(2)]}}}  # fmt: skip
    with pytest.raises(SchemaError, match="too long"):
        check(twice, nested(60))
    assert time.process_time() - started < 2


def test_ordinary_recursion_is_checked() -> None:
    tree = {"$defs": {"node": {"type": "object", "properties": {
        "left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}, "value": {"type": "integer"}}}},
        "$ref": "#/$defs/node"}  # fmt: skip
    value: Any = {"value": 1}
    for _ in range(12):
        value = {"left": value, "right": {"value": "x"}}
    assert len(check(tree, value)) == 12
    assert check({"$ref": "#"}, 1) == []
    assert check(multiplying(5), 1) != []


def test_patterns_match_in_linear_time() -> None:
    started = time.process_time()
    assert check({"pattern": "^(a+)+$"}, "a" * 50_000 + "b")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "schema", [{"type": "nothing"}, {"pattern": "("}, [], 5, {"minimum": "x"}, {"pattern": "(?=a)b"}]
)
def test_no_schema(schema: Any) -> None:
    with pytest.raises(SchemaError):
        compile_schema(schema)
