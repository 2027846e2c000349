"""Every entry of the registry, by a path that says where it stands, and taken out of it for a while.

Entries are what has a name: classes, aliases, members, parameters, the keys of tables, the words of lists of words, hook
points, events, their fields, errors, tools, globals. `entries.txt` is the list of those that there must be; `python tests/lsp/entries.py`
writes it anew, to be read before it is believed.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from llmspell.api import error_classes, fields
from llmspell.api.registry import Registry, registry
from llmspell_lsp.analysis import natives
from llmspell_lsp.features import tables

LIST: Final = Path(__file__).parent / "entries.txt"
BOTH: Final = ("lua", "javascript")


class Entry(NamedTuple):
    """within, name: where it stands, and what it is called there. holder, key: what it is taken out of. about: what its probes call it (`probes`).
    depth: how many entries it is inside of. languages: those that can write it."""

    within: str
    name: str
    holder: Any
    key: Any
    about: Hashable
    depth: int
    languages: tuple[str, ...] = BOTH

    @property
    def path(self) -> str:
        return f"{self.within} {self.name}"


def entries(of: Registry) -> Iterator[Entry]:
    described = of.described
    for name in of.classes:
        yield from _class(of, of.classes[name])
    yield from _keyed(described["tools"], "tool")
    for name, value in described["globals"].items():
        yield Entry("global", name, described["globals"], name, id(value), 0)
    for point in described["hook_points"]:
        path = f"hook point {point['name']}"
        yield Entry("hook point", point["name"], described["hook_points"], point, id(point), 0)
        for kind in ("writable", "readable"):
            yield from _words(point[kind], f"{path} {kind}", 1)
    for event in described["events"]:
        path = f"event {event['name']}"
        yield Entry("event", event["name"], described["events"], event, id(event), 0)
        yield from _words(event["fields"], path, 1)
    yield from _keyed(described["event_aliases"], "event alias")
    for error in described["errors"]:
        yield Entry("error", error["name"], described["errors"], error, id(error), 0)
    # The registry's file repeats these two tables for programs that are no Python.
    for kind, table in (("field", fields.FIELDS), ("error field", error_classes.FIELDS)):
        for name, schema in table.items():
            languages = ("lua",) if table is error_classes.FIELDS and name in error_classes.NATIVE else BOTH
            about = id(schema) if table is error_classes.FIELDS else (id(table), name)
            yield Entry(kind, name, table, name, about, 0, languages)
            yield from _schema(schema, f"{kind} {name}", 1, languages)


def _class(of: Registry, described: dict[str, Any]) -> Iterator[Entry]:
    name, languages = described["name"], tuple(described["languages"])
    yield Entry("class", name, of.classes, name, id(described), 0, languages)
    yield from _words(described["aliases"], f"{name} alias", 1, languages)
    for kind in ("methods", "statics"):
        for method in described[kind].values():
            spoken = tuple(each for each in languages if each in method["languages"])
            path = f"{name} {kind} {method['name']}"
            yield Entry(f"{name} {kind}", method["name"], described[kind], method["name"], id(method), 1, spoken)
            for param in method["params"]:
                yield Entry(f"{path} takes", param["name"], method["params"], param, id(param), 2, spoken)
                yield from _schema(param["schema"], f"{path} takes {param['name']}", 3, spoken)
            yield from _schema(method["result"], f"{path} gives", 2, spoken)
    for key, held in described["properties"].items():
        yield Entry(f"{name} property", key, described["properties"], key, id(held), 1, languages)
        yield from _schema(held["schema"], f"{name} property {key}", 2, languages)
    yield from _schema(described["options"], f"{name} option", 1, languages)
    tool = described["tool"] or {}
    yield from _schema(tool.get("parameters"), f"{name} argument", 1, languages)
    yield from _schema(tool.get("result"), f"{name} result", 1, languages)


def _schema(schema: Any, path: str, depth: int, languages: tuple[str, ...] = BOTH) -> Iterator[Entry]:
    """The keys and words in a schema, however deep."""
    if isinstance(schema, list):
        for each in schema:
            yield from _schema(each, path, depth, languages)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key == "properties":
            for name, inner in value.items():
                yield Entry(path, name, value, name, id(inner), depth, languages)
                yield from _schema(inner, f"{path} {name}", depth + 1, languages)
        elif key == "enum":
            yield from _words([each for each in value if isinstance(each, str)], path, depth, languages, value)
        elif key not in ("default", "const", "examples", "required"):
            yield from _schema(value, path, depth, languages)


def _words(
    words: Iterable[str], path: str, depth: int, languages: tuple[str, ...] = BOTH, holder: Any = None
) -> Iterator[Entry]:
    holder = words if holder is None else holder
    for each in words:
        yield Entry(path, repr(each), holder, each, (id(holder), each), depth, languages)


def _keyed(table: dict[str, Any], kind: str) -> Iterator[Entry]:
    for name in table:
        yield Entry(kind, name, table, name, (id(table), name), 0)


# Without some of them


@contextmanager
def without(taken: Iterable[Entry], of: Registry) -> Generator[None]:
    """As if the registry had never had these; each is of another holder."""
    kept: list[tuple[Any, Any]] = []
    for entry in taken:
        holder = entry.holder
        if holder is of.classes:
            # Its texts are kept as well: each is parsed when it is asked for.
            inner: dict[str, Any] = of.classes._texts  # type: ignore[attr-defined]
            parsed: dict[str, Any] = of.classes._parsed  # type: ignore[attr-defined]
            kept += [(inner, dict(inner)), (parsed, dict(parsed))]
            del inner[entry.key]
            parsed.pop(entry.key, None)
        elif isinstance(holder, dict):
            kept.append((holder, dict(holder)))
            del holder[entry.key]
        else:
            kept.append((holder, list(holder)))
            holder[:] = [each for each in holder if each is not entry.key]
    try:
        _forget(of)
        yield
    finally:
        for holder, before in kept:
            if isinstance(holder, dict):
                holder.clear()
                holder.update(before)
            else:
                holder[:] = before
        _forget(of)


#: What is computed from other things than the registry.
_APART: Final = frozenset({registry, natives.natives})


def _forget(of: Registry) -> None:
    """All that has been computed from the registry."""
    vars(of).pop("tools", None)
    vars(of).pop("names", None)
    for known in ("_methods", "_properties", "_options"):
        getattr(of, known).clear()
    for function in _caches():
        function.cache_clear()
    tables._kept.clear()  # type: ignore[reportPrivateUsage]  # by the identity of schemas


def _caches() -> list[Any]:
    """Looked for anew each time: modules are imported when they are first needed."""
    modules = [module for name, module in [*sys.modules.items()] if name.startswith(_OWN)]
    found = {id(each): each for module in modules for each in vars(module).values() if hasattr(each, "cache_clear")}
    return [each for each in found.values() if each not in _APART]


_OWN: Final = ("llmspell.api.", "llmspell_lsp.features.", "llmspell_lsp.analysis.", "llmspell_lsp.checks.")


def listed() -> dict[str, list[str]]:
    """What there must be: names by where they stand."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {within: names.split(" | ") for within, names in (line.split(": ", 1) for line in lines)}


def present() -> dict[str, list[str]]:
    """What there is."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries(registry()):
        found.setdefault(entry.within, {})[entry.name] = None
    return {within: list(names) for within, names in found.items()}


if __name__ == "__main__":
    LIST.write_text(
        "".join(f"{within}: {' | '.join(names)}\n" for within, names in present().items()), encoding="utf-8"
    )
