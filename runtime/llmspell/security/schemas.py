"""JSON Schemas from others (a script, a model, a server): compiled so that they fetch nothing and cannot hang.

A reference to another document is refused, patterns match in linear time, and `cost` bounds the work before it is
done: forty lines of schema that refer to each other twice would take a validator longer than the universe.
"""

from __future__ import annotations

from typing import Any, Final

from llmspell.api.check import Checker, as_json
from llmspell.errors import ArgumentError, SchemaError

#: Evaluations of subschemas; jsonschema-rs does some ten million a second.
MAX_COST: Final = 20_000_000

_TOO_COSTLY: Final = "checking this schema could take too long: its references multiply at every level"
_LESS: Final = "refer to each definition once, or check a part of the value"

_SAME: Final = ("allOf", "anyOf", "oneOf")
_SAME_ONE: Final = ("not", "if", "then", "else", "contains", "propertyNames")
_IN_LISTS: Final = ("items", "additionalItems", "unevaluatedItems")
_IN_OBJECTS: Final = ("additionalProperties", "unevaluatedProperties")
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def compile_schema(schema: Any) -> Any:
    """A jsonschema-rs validator. Raises SchemaError for what is no schema, or refers to another document."""
    import jsonschema_rs  # 30 ms at its first import

    try:
        return jsonschema_rs.validator_for(
            schema,
            retriever=_refuse,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000, dfa_size_limit=1_000_000),
        )
    except (TypeError, ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        first = str(getattr(error, "message", "") or error).splitlines()[0][:300]
        raise SchemaError(
            f"the schema is no valid JSON Schema: {first}", hint="references must stay inside it"
        ) from None


class ForeignChecker(Checker):
    """A `Checker` for a schema of a script's own, which it reads at once. Raises ArgumentError where it is none."""

    __slots__ = ("_costs",)

    def __init__(self, schema: dict[str, Any], where: str) -> None:
        super().__init__(mended(schema))
        self._costs: dict[int, int] = {}
        self.compile(where)

    def compile(self, where: str) -> Any:
        try:
            if not _is_plain(self.schema):
                raise SchemaError("the schema is no valid JSON Schema: a function or an object is in it")
            self._validator = compile_schema(as_json(self.schema))
        except SchemaError as error:
            raise ArgumentError(
                f"{where}: {error.message}",
                hint="a schema says its `type`, and of an object its `properties`, each with a `type`",
            ) from None
        return self._validator

    def take(self, value: Any, where: str, language: str = "lua") -> Any:
        deep = depth(value)
        each = self._costs.get(deep)
        if each is None:
            each = self._costs[deep] = cost(self.schema, deep)
        if each * size(value, MAX_COST) > MAX_COST:
            raise ArgumentError(f"{where}: {_TOO_COSTLY}", hint=_LESS)
        return super().take(value, where, language)


def mended(schema: Any) -> Any:
    """The schema with `{}` wherever an empty table of Lua, which may be a list too, stands in a schema's place."""
    if isinstance(schema, list):
        return schema or {}
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    for word in found.keys() & {*_SAME_ONE, *_IN_LISTS, *_IN_OBJECTS}:
        found[word] = [mended(each) for each in found[word]] if _items(found[word]) else mended(found[word])
    for word in found.keys() & {*_SAME, "prefixItems"}:
        found[word] = [mended(each) for each in found[word]] if isinstance(found[word], list) else found[word]
    for word in found.keys() & {*_MAPS}:
        within = found[word] or {}
        found[word] = {key: mended(each) for key, each in within.items()} if isinstance(within, dict) else within
    return found


def check(schema: Any, value: Any, *, most: int = 20) -> list[str]:
    """What is wrong with `value`, at most `most` sentences. Raises SchemaError for a bad or too costly schema."""
    validator = compile_schema(schema)
    if cost(schema, depth(value)) * size(value, MAX_COST) > MAX_COST:
        raise SchemaError(_TOO_COSTLY, hint=_LESS)
    found: list[str] = []
    for error in validator.iter_errors(value):
        where = "".join(f"/{part}" for part in error.instance_path)
        found.append(f"{where or '/'}: {str(error.message)[:300]}")
        if len(found) >= most:
            break
    return found


def depth(value: Any, most: int = 200) -> int:
    """How deep containers lie in each other; `most` where deeper. Not recursive."""
    level: list[Any] = [value]
    deep = 0
    while deep < most:
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return deep
        deep += 1
    return deep


def size(value: Any, most: int) -> int:
    """How many values lie in `value`, itself among them; counting ends past `most`. Not recursive."""
    todo: list[Any] = [value]
    count = 0
    while todo and count <= most:
        item = todo.pop()
        count += 1
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return count


def cost(schema: Any, deep: int) -> int:
    """How many subschemas one value and those around it may be held against, where values lie `deep` levels deep;
    MAX_COST + 1 where more or unknown."""
    try:
        return _Cost(schema).of(schema, deep, frozenset())
    except RecursionError:
        return MAX_COST + 1


class _Cost:
    def __init__(self, root: Any) -> None:
        self.root = root
        self.known: dict[tuple[int, int], int] = {}
        self.visits = 0

    def of(self, schema: Any, deep: int, path: frozenset[int]) -> int:
        """path: subschemas already held against this same value; meeting one again is a loop, which the validator
        itself ends."""
        if not isinstance(schema, dict) or deep < 0:
            return 1
        key = (id(schema), deep)
        if key in self.known:
            return self.known[key]
        if id(schema) in path:
            return 1
        self.visits += 1
        if self.visits > 200_000 or len(path) > 300:
            return MAX_COST + 1
        total = self._same(schema, deep, path | {id(schema)}) + self._children(schema, deep)
        self.known[key] = found = min(total, MAX_COST + 1)
        return found

    def _same(self, schema: dict[str, Any], deep: int, path: frozenset[int]) -> int:
        subs: list[Any] = [sub for word in _SAME for sub in _items(schema.get(word))]
        subs += [schema[word] for word in _SAME_ONE if word in schema]
        subs += _values(schema.get("dependentSchemas"))
        total = 1 + len(_items(schema.get("enum"))) + sum(self.of(sub, deep, path) for sub in subs)
        for word in ("$ref", "$dynamicRef", "$recursiveRef"):
            if word in schema:
                target = self._target(schema[word])
                total += MAX_COST + 1 if target is None else self.of(target, deep, path)
        return total

    def _children(self, schema: dict[str, Any], deep: int) -> int:
        """A property is held against its own subschema and every pattern's; never is one value a list and an object."""
        if deep == 0:
            return 0

        def below(subs: list[Any]) -> list[int]:
            return [self.of(sub, deep - 1, frozenset()) for sub in subs]

        in_lists = sum(below([schema[word] for word in _IN_LISTS if word in schema]))
        in_lists += max(below(_items(schema.get("prefixItems")) + _items(schema.get("items"))), default=0)
        in_objects = sum(below([schema[word] for word in _IN_OBJECTS if word in schema]))
        in_objects += sum(below(_values(schema.get("patternProperties"))))
        in_objects += max(below(_values(schema.get("properties"))), default=0)
        return max(in_lists, in_objects)

    def _target(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        found = self.root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                return None
        return found if reference in {"#"} or reference.startswith("#/") else None


def _is_plain(value: Any) -> bool:
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(map(_is_plain, value.values()))
        case _:
            return False


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri!r} is another document")
