"""The JSON tool: what it is asked and what it gives. `json_text` reads, `json_pointer` finds, `json_patch` changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.data import json_patch, json_pointer, json_query, json_text

_NOTHING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOptions:
    max_depth: Annotated[int, Bounds(ge=1, le=200)] = 100
    """How deep lists and objects may lie in each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonParams:
    operation: Literal["parse", "stringify", "get", "set", "delete", "query", "merge", "diff", "patch", "validate"]
    """parse: text to a value. stringify: a value to text. get, set, delete: what is at `path`. query: a JMESPath
    or JSONPath expression. merge: `other` into the value (RFC 7396: null removes). diff: the RFC 6902 patch that makes
    the value into `other`. patch: apply `patch`. validate: check against `schema`."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The value as JSON text; give this or `data`."""

    data: Any = None
    """The value itself."""

    path: Annotated[str, Bounds(max_length=2000)] | None = None
    """Where: a JSON Pointer as `/users/0/name`, or dotted as `users[0].name`; "" is the whole value."""

    value: Any = None
    """For set: what to put there. For get: what to give where there is nothing."""

    query: Annotated[str, Bounds(min_length=1, max_length=1000)] | None = None
    """For query: a JMESPath expression, as `users[?age > `30`].name`, or one in JSONPath, which begins with `$`, as
    `$.users[?@.age > 30].name`, and gives a list of what it found."""

    other: Any = None
    """For merge and diff: the other value."""

    patch: Annotated[list[dict[str, Any]], Bounds(max_items=10_000)] | None = None
    """For patch: RFC 6902 operations, as `[{"op": "replace", "path": "/a", "value": 1}]`."""

    schema: dict[str, Any] | bool | None = None
    """For validate: the JSON Schema (draft 4 to 2020-12); it cannot refer to other documents."""

    indent: Annotated[int, Bounds(ge=0, le=8)] = 0
    """For stringify: spaces for each level; 0 writes one line."""

    sort_keys: bool = False
    """For stringify: whether keys are sorted."""

    duplicates: Literal["error", "last"] = "error"
    """For parse: what a key that is there twice means."""


class JsonResult(TypedDict):
    result: NotRequired[Any]
    """The value; for stringify the text; for diff the patch. Not given by validate."""
    valid: NotRequired[bool]
    """validate: whether the value fits."""
    errors: NotRequired[list[str]]
    """validate: what does not, at most 20, each as `/path: sentence`."""


@exposed(
    aliases=("Json",),
    options=JsonOptions,
    tool=ToolMark(
        name="json",
        category="data",
        params=JsonParams,
        result=JsonResult,
        examples=(
            Example({"operation": "parse", "text": '{"a": [1, 2]}'}, {"result": {"a": [1, 2]}}),
            Example(
                {"operation": "get", "text": '{"users": [{"name": "Ada"}]}', "path": "/users/0/name"}, {"result": "Ada"}
            ),
            Example(
                {"operation": "validate", "data": {"age": -1}, "schema": {"properties": {"age": {"minimum": 0}}}},
                {"valid": False, "errors": ["/age: -1 is less than the minimum of 0"]},
            ),
        ),
        timeout=20_000,
        max_output=12_000_000,
    ),
)
class JsonTool(BuiltinTool[JsonOptions]):
    """Reads, writes, searches, changes, compares and checks JSON.

    Give the value as JSON `text` or as `data`. Use get for one known place, query to filter and reshape, patch and
    merge to change, diff to compare, validate to check against a JSON Schema.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = JsonParams(**params)
        if asked.text is not None and asked.data is not None:
            raise SchemaError("json takes `text` or `data`, not both", hint="leave one of them out")
        if asked.operation == "query" and (asked.query or "").lstrip().startswith("$"):
            return ToolOutput(await self._by_path(asked, context), {"operation": "query", "language": "jsonpath"})
        return ToolOutput(await asyncio.to_thread(self._answer, asked), {"operation": asked.operation})

    async def _by_path(self, asked: JsonParams, context: ToolContext) -> dict[str, Any]:
        """What a JSONPath finds. Filters, patterns and `..` may take long, so they work in a process of their own."""
        from llmspell.tools import aside
        from llmspell.tools.data import json_path

        query = (asked.query or "").strip()
        data = await asyncio.to_thread(self._answer, replace(asked, operation="get", path="", value=None))
        found = await aside.work(
            json_path.search,
            context,
            aside.Limits(),
            tame=json_path.is_tame(query),
            query=query,
            data=data["result"],
        )
        await asyncio.to_thread(json_text.check_size, found, self.options.max_depth * 2, json_path.MAX_RESULT)
        return {"result": found}

    def _answer(self, asked: JsonParams) -> dict[str, Any]:
        deep = self.options.max_depth
        for given in (asked.data, asked.value, asked.other, asked.patch, asked.schema):
            json_text.check_size(given, deep)
        data = asked.data if asked.text is None else json_text.parse(asked.text, deep, asked.duplicates)
        match asked.operation:
            case "parse":
                if asked.text is None:
                    raise _needs(asked, "text")
                return {"result": data}
            case "stringify":
                return {"result": json_text.stringify(data, asked.indent, asked.sort_keys)}
            case "validate":
                if asked.schema is None:
                    raise _needs(asked, "schema")
                from llmspell.security import schemas

                errors = schemas.check(asked.schema, data)
                return {"valid": not errors, "errors": errors}
            case "query":
                if asked.query is None:
                    raise _needs(asked, "query")
                return {"result": json_query.search(asked.query, data, deep)}
            case "merge":
                return {"result": json_patch.merge(data, asked.other)}
            case "diff":
                return {"result": json_patch.diff(data, asked.other)}
            case "patch":
                if asked.patch is None:
                    raise _needs(asked, "patch")
                return {"result": json_patch.apply(data, asked.patch)}
            case "get" | "set" | "delete":
                return {"result": _at_path(asked, data)}


def _at_path(asked: JsonParams, data: Any) -> Any:
    if asked.path is None:
        raise _needs(asked, "path")
    steps = json_pointer.parse(asked.path)
    match asked.operation:
        case "get":
            return json_pointer.get(data, steps, _NOTHING if asked.value is None else asked.value, _NOTHING)
        case "set":
            return json_patch.apply(data, [{"op": "set", "path": json_pointer.written(steps), "value": asked.value}])
        case _:
            return json_patch.apply(data, [{"op": "remove", "path": json_pointer.written(steps)}])


def _needs(asked: JsonParams, name: str) -> SchemaError:
    return SchemaError(f"`{asked.operation}` needs `{name}`", hint="the parameter's description says what it holds")
