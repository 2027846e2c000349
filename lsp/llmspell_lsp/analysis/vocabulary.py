"""The registry as one language writes it: global names, and what can be reached from a value, each as a `Found`.

Everything here comes from the registry's description; nothing is described a second time. Names are shown in the
language's own spelling and found in either. Knows no file and no cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, Literal

from llmspell.api import error_classes, fields
from llmspell.api.lookup import lineage
from llmspell.api.names import camel, snake
from llmspell.api.registry import Registry
from llmspell.api.registry import registry as installed
from llmspell.api.stubs.layout import Layout
from llmspell_lsp.analysis.types import (
    NIL,
    UNKNOWN,
    Choice,
    ClassObject,
    Constant,
    Field,
    Instance,
    Maker,
    Method,
    Module,
    Promise,
    Record,
    Schema,
    ScriptClass,
    Sequence,
    Type,
    Value,
    choice,
)

Language = Literal["lua", "javascript"]
FoundKind = Literal["class", "namespace", "error", "global", "method", "property", "option", "field", "maker", "native"]


@dataclass(slots=True, frozen=True, eq=False)
class Found:
    """A name that can be written, and what it means.

    described: the registry's own entry (a class, a method, a property's, an option's or a field's schema), or empty.
    owner: the class that declares a member. field: where the spell itself declares it.
    """

    name: str
    kind: FoundKind
    type: Type
    doc: str = ""
    described: Mapping[str, Any] | None = None
    owner: str = ""
    required: bool = False
    field: Field | None = None


class Vocabulary:
    """The registry's names in one language."""

    def __init__(self, registry: Registry, language: Language) -> None:
        self.registry = registry
        self.language: Final[Language] = language
        self.layout = Layout({**registry.described, "classes": dict(registry.classes)}, language)
        self._members: dict[tuple[str, bool], dict[str, Found]] = {}

    # Names

    def spelled(self, name: str) -> str:
        """A registry name as the language writes it."""
        return camel(name) if self.language == "javascript" else name

    @cached_property
    def globals(self) -> dict[str, Found]:
        """Every global name of the registry: classes and their aliases, namespaces, error classes, values."""
        found: dict[str, Found] = {}
        for described in self.layout.classes:
            if not self.layout.is_global(described):
                continue
            kind: FoundKind = "namespace" if described["namespace"] else "class"
            for name in (described["name"], *described["aliases"]):
                found[name] = Found(name, kind, ClassObject(described["name"]), described["doc"], described)
        for error in self.registry.described["errors"]:
            found[error["name"]] = Found(error["name"], "error", UNKNOWN, error["doc"], error)
        for name, described in self.registry.described["globals"].items():
            schema = described.get("schema", {"type": "object"})
            found[name] = Found(name, "global", Value({"x-open": True, **schema}), described["doc"], described)
        return found

    def described(self, class_name: str) -> dict[str, Any]:
        """The registry's description of a class. Raises KeyError."""
        return self.registry.classes[class_name]

    def tool_class(self, name: str) -> ClassObject | None:
        """The class of a built-in tool by any of its names."""
        listed = self.registry.described["tools"]
        made = listed.get(snake(name).replace("-", "_"))
        if made is not None:
            return ClassObject(made)
        found = self.globals.get(name)
        return found.type if found is not None and isinstance(found.type, ClassObject) else None

    def options(self, class_name: str) -> Schema | None:
        """The schema of the option table that makes an object of the class."""
        return self.layout.options(self.described(class_name))

    # Members

    def members(self, type_: Type) -> Iterator[Found]:
        """Everything that can be reached from a value, the nearest class's first; each name once."""
        match type_:
            case Instance(of=of):
                yield from self._of_class(of, static=False).values()
            case ClassObject() | ScriptClass():
                yield from self._of_class(type_, static=True).values()
            case Value(schema=schema):
                yield from self._of_schema(schema)
            case Record(fields=held) | Module(exports=held):
                for name, each in held.items():
                    yield Found(name, "field", each.type, each.doc, field=each)
            case Choice(of=options):
                seen: set[str] = set()
                for option in options:
                    for found in self.members(option):
                        if found.name not in seen:
                            seen.add(found.name)
                            yield found
            case _:
                return

    def member(self, type_: Type, name: str) -> Found | None:
        """The member of a name, in the language's own spelling or the other's: compare `Found.name`."""
        match type_:
            case Instance(of=of):
                return self._pick(self._of_class(of, static=False), name) or self._by_prefix(of, name)
            case ClassObject() | ScriptClass():
                return self._pick(self._of_class(type_, static=True), name) or self._by_prefix(type_, name, static=True)
            case Choice(of=options):
                found = [self.member(option, name) for option in options if option != NIL]
                return next((each for each in found if each is not None), None)
            case Record(fields=held) | Module(exports=held):
                return Found(name, "field", held[name].type, held[name].doc, field=held[name]) if name in held else None
            case Value(schema=schema):
                return self._pick({found.name: found for found in self.members(type_)}, name) or self._any(schema, name)
            case _:
                return None

    def is_closed(self, type_: Type) -> bool:
        """Whether a member that is not found is a mistake: nobody else can have put it there."""
        match type_:
            case Instance(of=ClassObject(name=name)):
                return not any(
                    found.get("open") or found.get("prefix")
                    for described in lineage(self.registry, name)
                    for kind in ("properties", "methods")
                    for found in described[kind].values()
                )
            case ClassObject():
                return True
            case Choice(of=options):
                return all(self.is_closed(option) for option in options)
            case _:
                return False

    def _of_class(self, of: ClassObject | ScriptClass, *, static: bool) -> dict[str, Found]:
        """Members by name as shown; a script's class adds its own to what its base has."""
        if isinstance(of, ScriptClass):
            own = {
                name: Found(name, "field", each.type, each.doc, owner=of.name, field=each)
                for name, each in of.members.items()
            }
            base = of.base if isinstance(of.base, ClassObject | ScriptClass) else None
            makers = dict(self._makers(of)) if static else {}
            return {**(self._of_class(base, static=static) if base is not None else {}), **makers, **own}
        key = (of.name, static)
        if key not in self._members:
            self._members[key] = dict(self._described_members(of, static=static))
        return self._members[key]

    def _described_members(self, of: ClassObject, *, static: bool) -> Iterator[tuple[str, Found]]:
        seen: set[str] = set()
        if static:
            yield from self._makers(of)
        for described in lineage(self.registry, of.name):
            namespace = described["namespace"]
            methods = {method["name"]: method for method in self.layout.methods(described)}
            kinds = [described["statics"], *([methods] if namespace or not static else [])]
            for each in kinds if static else [methods]:
                for method in each.values():
                    if self.language in method["languages"] and method["name"] not in seen:
                        seen.add(method["name"])
                        yield from self._method(described["name"], method, of)
            for name, held in described["properties"].items():
                if name not in seen and (namespace or held["static"] == static):
                    seen.add(name)
                    shown = self.spelled(name)
                    type_ = self.of_schema(held["schema"])
                    yield shown, Found(shown, "property", type_, held["doc"], held, described["name"])

    def _method(self, owner: str, method: dict[str, Any], of: ClassObject) -> Iterator[tuple[str, Found]]:
        name = self.spelled(method["name"])
        receiver: Type = of if method["static"] or self.described(owner)["namespace"] else Instance(of)
        yield name, Found(name, "method", Method(owner, method, receiver), method["doc"], method, owner)
        if self.language == "lua" and method["kind"] == "async":
            later: dict[str, Any] = {**method, "name": f"{method['name']}_async", "x-callback": True}
            yield (
                later["name"],
                Found(later["name"], "method", Method(owner, later, receiver), method["doc"], later, owner),
            )

    def _makers(self, of: ClassObject | ScriptClass) -> Iterator[tuple[str, Found]]:
        root = of
        while isinstance(root, ScriptClass) and isinstance(root.base, ClassObject | ScriptClass):
            root = root.base
        if not isinstance(root, ClassObject) or not self.described(root.name)["constructible"]:
            return
        if self.language == "lua":
            yield "new", Found("new", "maker", Maker(of), f"Makes a {of.name}.", owner=of.name)
            doc = "A class of the spell's own, with everything that this one has."
            yield "extend", Found("extend", "maker", Maker(of, extends=True), doc, owner=of.name)

    def _by_prefix(self, of: ClassObject | ScriptClass, name: str, *, static: bool = False) -> Found | None:
        """`get_cached_notes(key)` where the registry says that `get_cached` is a prefix."""
        for found in self._of_class(of, static=static).values():
            described = found.described
            if described is not None and described.get("prefix") and snake(name).startswith(f"{described['name']}_"):
                return found
        return None

    def _any(self, schema: Schema, name: str) -> Found | None:
        """A table by names of anybody's, whose values are described."""
        values = self.whole(schema).get("additionalProperties")
        type_ = self.of_schema(values) if isinstance(values, dict) else UNKNOWN
        return None if type_ == UNKNOWN else Found(name, "option", type_, described=values)

    def _pick(self, members: Mapping[str, Found], name: str) -> Found | None:
        found = members.get(name)
        if found is None and (other := snake(name) if self.language == "lua" else camel(name)) != name:
            found = members.get(other)
        return found

    # Schemas

    def of_schema(self, schema: Schema | None) -> Type:
        """The type of a value that fits a schema; UNKNOWN where the schema says nothing."""
        match schema:
            case None:
                return UNKNOWN
            case {"x-object": str(name)}:
                return Instance(ClassObject(name)) if name in self.registry.classes else UNKNOWN
            case {"const": value}:
                return Constant(value)
            case {"anyOf": options} | {"oneOf": options}:
                return choice([self.of_schema(option) for option in options])
            case {"type": "null"}:
                return NIL
            case {"type": "array", "items": dict(items)} if items:
                return Sequence(self.of_schema(items))
            case {"type": _} | {"enum": _} | {"x-function": _} | {"x-error": _} | {"x-bytes": _}:
                return Value(schema)
            case _:
                return UNKNOWN

    def given(self, method: Schema) -> Type:
        """What a call of a registry method is: in JavaScript a promise of the result where the call waits."""
        result = self.of_schema(method["result"])
        if method["kind"] == "stream":
            return Sequence(result, streamed=True)
        if self.language == "javascript" and method["waits"]:
            return Promise(result)
        return result

    def _of_schema(self, schema: Schema) -> Iterator[Found]:
        schema = self.whole(schema)
        required = schema.get("required", ())
        properties = self._error_fields if schema.get("x-error") else schema.get("properties", {})
        for name, inner in properties.items():
            shown = self.spelled(name)
            doc = inner.get("description", "")
            yield Found(shown, "option", self.of_schema(inner), doc, inner, required=name in required)

    @cached_property
    def _error_fields(self) -> dict[str, Schema]:
        """Of a caught error; JavaScript's own `Error` has some of them by itself."""
        native = error_classes.NATIVE if self.language == "javascript" else frozenset[str]()
        return {name: schema for name, schema in error_classes.FIELDS.items() if name not in native}

    @cached_property
    def shapes(self) -> dict[str, Schema]:
        """Each table that has a name, whole; the registry writes it out once and elsewhere names it (5 ms to find)."""
        found: dict[str, Schema] = {}
        rest: list[Any] = list(self.registry.classes.values())
        while rest:
            part = rest.pop()
            if isinstance(part, dict):
                name = part.get("x-name")
                if name is not None and "properties" in part:
                    found.setdefault(name, part)
                rest += [inner for inner in part.values() if type(inner) in (dict, list)]
            else:
                rest += [inner for inner in part if type(inner) in (dict, list)]
        return found

    def whole(self, schema: Schema) -> Schema:
        """The schema itself, or for one that only names a shape the shape."""
        name = schema.get("x-name")
        return schema if name is None or "properties" in schema else self.shapes.get(name, schema)

    # Hook points and events

    @cached_property
    def hook_points(self) -> dict[str, Schema]:
        """Each hook point by its name as shown."""
        return {self.spelled(point["name"]): point for point in self.registry.described["hook_points"]}

    def hook_point(self, spelling: str) -> Schema | None:
        name = snake(spelling)
        return next((point for point in self.hook_points.values() if point["name"] == name), None)

    @cached_property
    def events(self) -> dict[str, Schema]:
        """Each of the runtime's own events by its name as shown."""
        return {self.spelled(kind["name"]): kind for kind in self.registry.described["events"]}

    def event(self, spelling: str) -> Schema | None:
        name = snake(spelling)
        name = self.registry.described["event_aliases"].get(name, name)
        return next((kind for kind in self.events.values() if kind["name"] == name), None)

    def hook_context(self, spelling: str) -> Type:
        """What a handler of the point is given; of several points (`before_*`) the fields of all."""
        point = self.hook_point(spelling)
        points = [point] if point is not None else list(self.hook_points.values())
        properties = {
            name: {**schema, "x-writable": True} if writable else schema
            for each in points
            for name, schema, writable in self.layout.context(dict(each), "writable")
        }
        return Value({"type": "object", "properties": properties, "x-open": True, "x-name": "HookContext"})

    def event_data(self, spelling: str) -> Type:
        """What a listener of the event is given. x-custom: the spell's own events and patterns bring more."""
        kind = self.event(spelling)
        properties = dict(self.layout.every_event())
        more: Schema = {"x-custom": True}
        if kind is not None:
            properties |= {name: fields.schema(kind["name"], name) for name in kind["fields"]}
            more = {}
        return Value({"type": "object", "properties": properties, "x-open": True, "x-name": "EventData", **more})


@cache
def vocabulary(language: Language) -> Vocabulary:
    """The installed registry in a language."""
    return Vocabulary(installed(), language)
