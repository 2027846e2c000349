"""Writes the files of `generated/` from the marks, signatures and docstrings of the exposed classes: `make gen`.

Type hints become JSON Schemas (`schemas`), the description becomes stubs and pages (`stubs`). `--check` says which
file has drifted and exits 1.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from llmspell.api import error_classes, event_kinds, fields, hook_points
from llmspell.api.describe import Doc, MemberMark, class_mark, member_mark
from llmspell.api.registry import GENERATED, written
from llmspell.api.schemas import Json, schema_of

#: Where the members are described that the engines' preludes define themselves.
PRELUDE = "llmspell.library.prelude"

_TOOL_HOOKS = "The tool's own hooks by hook point, such as `before_execute`."


def describe_class(cls: type) -> Json:
    """One class of the registry as plain values."""
    mark = class_mark(cls)
    assert mark is not None
    methods: dict[str, Json] = {}
    statics: dict[str, Json] = {}
    properties: dict[str, Json] = {}
    for member in vars(cls).values():
        target = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        found = member_mark(target)
        if found is None:
            continue
        if isinstance(target, property):
            properties[found.name] = _describe_property(target, found)
        else:
            (statics if found.static else methods)[found.name] = _describe_method(target, found)
    options = schema_of(mark.options, closed=True) if mark.options is not None else None
    if mark.tool is not None and options is not None:
        options["properties"]["hooks"] = schema_of(Annotated[_hooks_of_tools(), Doc(_TOOL_HOOKS)])
    return {
        "name": mark.name,
        "doc": inspect.cleandoc(cls.__doc__ or ""),
        "module": cls.__module__,
        "extends": next((base_mark.name for base in cls.__mro__[1:] if (base_mark := class_mark(base))), None),
        "aliases": list(mark.aliases),
        "namespace": mark.namespace,
        "constructible": mark.constructible,
        "positional": list(mark.positional),
        "options": options,
        "methods": dict(sorted(methods.items())),
        "statics": dict(sorted(statics.items())),
        "properties": dict(sorted(properties.items())),
        "tool": _describe_tool(cls),
        "example": mark.example,
        "languages": list(mark.languages),
    }


def _hooks_of_tools() -> Any:
    """The type of `hooks`, which built-in tools have as script tools do."""
    from llmspell import library

    mark = class_mark(library.load("Tool"))
    assert mark is not None and mark.options is not None
    return get_type_hints(mark.options, include_extras=True)["hooks"]


def _describe_method(function: Callable[..., Any], mark: MemberMark) -> Json:
    hints = {**get_type_hints(function, include_extras=True), **dict(mark.params)}
    parameters: list[Json] = []
    signature = inspect.signature(function)
    names = list(signature.parameters.values())
    for parameter in names if mark.kind == "local" else names[1:]:
        if parameter.name == "self":
            continue
        schema = schema_of(hints.get(parameter.name, Any), closed=True)
        required = (
            parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
        )
        described = {
            "name": parameter.name,
            "doc": schema.pop("description", ""),
            "schema": schema,
            "required": required,
            "variadic": parameter.kind is inspect.Parameter.VAR_POSITIONAL,
        }
        if not required and not described["variadic"]:
            described["default"] = parameter.default if _plain(parameter.default) else None
        parameters.append(described)
    result = mark.result if mark.result is not None else hints.get("return")
    if mark.kind == "stream" and mark.result is None:
        result, *_ = get_args(result) or (Any,)
    return {
        "name": mark.name,
        "kind": mark.kind,
        "waits": mark.kind in ("async", "stream") or inspect.iscoroutinefunction(function),
        "static": mark.static,
        "overridable": mark.overridable,
        "prefix": mark.prefix,
        "doc": inspect.cleandoc(function.__doc__ or ""),
        "params": parameters,
        "result": {} if result is None else schema_of(result),
        "errors": list(mark.errors),
        "example": mark.example,
        "languages": list(mark.languages),
    }


def _describe_property(member: property, mark: MemberMark) -> Json:
    hints = get_type_hints(member.fget, include_extras=True)
    return {
        "name": mark.name,
        "doc": inspect.cleandoc(member.fget.__doc__ or ""),
        "schema": schema_of(hints.get("return", Any)),
        "static": mark.static,
        "writable": member.fset is not None or mark.live,
        "live": mark.live,
        **({"open": True} if mark.open else {}),
        "example": mark.example,
    }


def _describe_tool(cls: type) -> Json | None:
    mark = class_mark(cls)
    if mark is None or mark.tool is None:
        return None
    from llmspell import library

    tool = mark.tool
    parameters = schema_of(tool.params)
    parameters.pop("description", None)
    return {
        "name": tool.name,
        "category": tool.category,
        "parameters": parameters,
        "result": schema_of(tool.result),
        "examples": [{"params": e.params, "result": e.result, "note": e.note} for e in tool.examples],
        "permissions": list(tool.permissions),
        "extra": library.extra_of(tool.name),
        "automatic": tool.automatic,
        "timeout": tool.timeout,
        "max_output": tool.max_output,
    }


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def registry_value() -> Json:
    """Everything scripts can see, as plain values."""
    from llmspell import library

    classes = {found["name"]: found for found in (describe_class(cls) for cls in library.load_all())}
    return {
        "classes": dict(sorted(classes.items())),
        "tools": {found["tool"]["name"]: name for name, found in sorted(classes.items()) if found["tool"] is not None},
        "globals": library.GLOBALS,
        "hook_points": [dataclasses.asdict(point) for point in hook_points.POINTS],
        "events": [dataclasses.asdict(kind) for kind in event_kinds.KINDS],
        "event_aliases": event_kinds.ALIASES,
        "fields": fields.FIELDS,
        "errors": [dataclasses.asdict(error) for error in error_classes.CLASSES],
    }


def binding_value(registry: Json) -> Json:
    """What the engines bind (`engines.binding.Binding`)."""
    classes = registry["classes"]

    def declared_options(name: str | None) -> list[str]:
        if name is None:
            return []
        schema = classes[name]["options"]
        return list(schema["properties"]) if schema else declared_options(classes[name]["extends"])

    def bound(described: Json) -> Json:
        return {
            "name": described["name"],
            "extends": described["extends"],
            "aliases": described["aliases"],
            "namespace": described["namespace"],
            "constructible": described["constructible"],
            "options": declared_options(described["name"]),
            "positional": described["positional"],
            "methods": [
                {key: method[key] for key in ("name", "kind", "static", "overridable", "prefix")}
                for method in (*described["methods"].values(), *described["statics"].values())
            ],
            "properties": [
                {key: found[key] for key in ("name", "writable", "live", "static", "open") if key in found}
                for found in described["properties"].values()
            ],
        }

    return {
        "classes": [bound(described) for described in _bases_first(classes) if described["module"] != PRELUDE],
        "errors": [{"name": error["name"], "type": error["type"]} for error in registry["errors"]],
    }


def _bases_first(classes: Json) -> list[Json]:
    ordered: dict[str, Json] = {}

    def place(name: str) -> None:
        if name not in ordered:
            if classes[name]["extends"]:
                place(classes[name]["extends"])
            ordered[name] = classes[name]

    for name in classes:
        place(name)
    return list(ordered.values())


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    from llmspell.api import stubs

    registry = registry_value()
    return {
        GENERATED / "api.gen.json": written(registry),
        GENERATED / "bindings.gen.json": json.dumps(binding_value(registry), indent=1) + "\n",
        **stubs.files(registry),
    }


def drift(expected: dict[Path, str], folder: Path = GENERATED) -> list[Path]:
    """The files that are missing, not as they would be written, or no longer written at all."""
    changed = [path for path, text in expected.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return changed + sorted(path for path in folder.rglob("*.gen.*") if path not in expected)


def main(arguments: list[str]) -> int:
    expected = files()
    drifted = drift(expected)
    for path in drifted:
        if "--check" in arguments:
            print(f"{path.name} has drifted: run `make gen` and commit it", file=sys.stderr)
        elif path in expected:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(expected[path], encoding="utf-8")
            print(f"wrote {path.name}")
        else:
            path.unlink()
            print(f"removed {path.name}")
    return 1 if drifted and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
