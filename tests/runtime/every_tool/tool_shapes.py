"""Schemas of tools: checkers, a result schema that allows nothing undeclared, and values drawn from a schema.

Knows no tool.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, cast

import jsonschema_rs
from hypothesis import strategies as st

from llmspell.api.check import Checker, as_json
from llmspell.api.registry import registry

Schema = dict[str, Any]

NAMES: Final = tuple(registry().tools)

#: Texts that have broken programs before.
ODD_TEXTS: Final = (
    "", " ", "a", "0", "-1", "1e999", "null", "..", "../../etc/passwd", "/dev/zero", "a\0b", "\ud800", "\U0001f9ff",
    "%00", "%s%n", "${x}", "{{x}}", "'; DROP TABLE t; --", "<a/>", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    "[" * 200, "(" * 200, "a\r\nB: c", "=1+1", "*" * 50, "2026-02-30", "http://127.0.0.1:1/", "\u202e", "1/0", "9" * 400,
)  # fmt: skip


@cache
def checker_of(name: str) -> Checker:
    return Checker(registry().tools[name]["parameters"])


@cache
def _result(name: str) -> Any:
    return jsonschema_rs.validator_for(strict(registry().tools[name]["result"]))


def wrong_with(name: str, content: Any) -> list[str]:
    """What does not fit the declared result of a tool."""
    return [f"{list(error.instance_path)}: {error.message}" for error in _result(name).iter_errors(as_json(content))]


def strict(schema: Any) -> Any:
    """The schema with every table closed that declares its fields."""
    if isinstance(schema, list):
        return [strict(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(item) for key, item in cast("Schema", schema).items()}
    if isinstance(found.get("properties"), dict) and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found


def drawn(schema: Schema, depth: int = 3) -> st.SearchStrategy[Any]:
    """Values that a schema allows, mostly: patterns and lengths are respected by chance only."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return st.one_of([drawn(part, depth) for part in schema[key]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema.get("type"):
        case "string":
            return _texts(schema)
        case "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return st.integers(low, high) if high is None or high <= 10_000 else st.integers(low, min(high, 2**53))
        case "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum"))
            return st.floats(low, schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            inner = schema.get("items") or {}
            most = min(schema.get("maxItems", 4), 4)
            items = drawn(inner, depth - 1) if depth else st.none()
            return st.lists(items, min_size=min(schema.get("minItems", 0), most), max_size=most)
        case "object":
            return _table(schema, depth)
        case _:
            return anything()


def arguments(schema: Schema, examples: list[Schema]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that fit, and such with one thing changed that may not. examples: arguments that do fit."""
    fitting = _table(schema, 3)
    known = st.sampled_from(examples)
    fields = sorted(schema["properties"])
    other = st.one_of([st.tuples(st.just(name), drawn(schema["properties"][name])) for name in fields])
    names = st.sampled_from([*fields, "unknown"])
    changed = st.builds(_with, known, other)
    spoiled = st.builds(_with, known | fitting, st.tuples(names, anything()))
    fewer = st.builds(_without, known, names)
    return known | fitting | changed | changed | spoiled | fewer


def _with(table: Schema, field: tuple[str, Any]) -> Schema:
    return {**table, field[0]: field[1]}


def _without(table: Schema, name: str) -> Schema:
    return {key: item for key, item in table.items() if key != name}


def anything() -> st.SearchStrategy[Any]:
    plain = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from(ODD_TEXTS)
    return st.recursive(
        plain | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=8,
    )


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    low, high = schema.get("minLength", 0), min(schema.get("maxLength", 60), 60)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    return st.sampled_from(
        [text for text in ODD_TEXTS if low <= len(text) <= schema.get("maxLength", 10**9)]
    ) | st.text(min_size=low, max_size=max(low, high))


def _table(schema: Schema, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    properties: dict[str, Schema] = schema.get("properties", {})
    rest = schema.get("additionalProperties")
    if not properties:
        inner = drawn(rest, depth - 1) if isinstance(rest, dict) and depth else anything()
        return st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    if not depth:
        return st.just({})
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: drawn(inner, depth - 1) for name, inner in properties.items() if name in required},
        optional={name: drawn(inner, depth - 1) for name, inner in properties.items() if name not in required},
    )


@cache
def extra_modules() -> list[str]:
    """The modules that only extras bring, by the names they are imported by."""
    from importlib.metadata import packages_distributions, requires

    needed = requires("llmspell") or []
    base = {_distribution(each) for each in needed if "extra ==" not in each}
    extra = {_distribution(each) for each in needed if "extra ==" in each} - base - {"llmspell"}
    return sorted(
        module
        for module, brought in packages_distributions().items()
        if {each.lower().replace("_", "-") for each in brought} & extra
    )


def _distribution(requirement: str) -> str:
    import re

    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0].lower().replace("_", "-")
