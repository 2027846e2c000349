"""Every name of the registry completes where it belongs and hovers with its doc, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.types import Value
from llmspell_lsp.analysis.vocabulary import Vocabulary, vocabulary
from llmspell_lsp.features.completion import complete
from llmspell_lsp.features.hover import hover
from llmspell_lsp.syntax.tokens import LUA_KEYWORDS
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
At = Callable[[str, Language], tuple[Snapshot, int, int]]
Probe = tuple[str, str, str]
"""A text with its mark, the name that must be offered there, and the doc that it must hover with ("": not asked)."""

LANGUAGES: tuple[Language, ...] = ("lua", "javascript")
DEEPEST = 3


def made(name: str, words: Vocabulary) -> str:
    """Lines after which `x` is an object of a class."""
    if words.language == "lua":
        return f"---@type {name}\nlocal x = anything()\n"
    return f"/** @type {{{name}}} */\nconst x = anything();\n"


def globals_(words: Vocabulary) -> Iterator[Probe]:
    for name, found in words.globals.items():
        yield "▮\n", name, found.doc


def members(words: Vocabulary) -> Iterator[Probe]:
    for described in words.layout.classes:
        name = described["name"]
        is_global = words.layout.is_global(described)
        methods = words.layout.methods(described)
        for kind, listed in (("static", described["statics"].values()), ("own", methods)):
            for method in listed:
                if words.language not in method["languages"]:
                    continue
                static = kind == "static" or described["namespace"]
                if static and not is_global:
                    continue
                before = "" if static else made(name, words)
                mark = ":" if words.language == "lua" and not static else "."
                yield f"{before}{name if static else 'x'}{mark}▮\n", words.spelled(method["name"]), method["doc"]
        for key, held in described["properties"].items():
            static = held["static"] or described["namespace"]
            if static and not is_global:
                continue
            before = "" if static else made(name, words)
            yield f"{before}{name if static else 'x'}.▮\n", words.spelled(key), held["doc"]


def options(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    for described in words.layout.classes:
        name = described["name"]
        is_global = words.layout.is_global(described)
        schema = words.options(name)
        if described["constructible"] and is_global and schema is not None:
            opens = (f"local y = {name}.new", "") if lua else (f"const y = new {name}(", ")")
            yield from keys(words, schema, *opens, depth=0, seen=frozenset())
        for static, listed in ((True, described["statics"].values()), (False, words.layout.methods(described))):
            for method in listed:
                static_ = static or described["namespace"]
                if words.language not in method["languages"] or (static_ and not is_global):
                    continue
                before = "" if static_ else made(name, words)
                holder = name if static_ else "x"
                mark = ":" if lua and not static_ else "."
                spelled = words.spelled(method["name"])
                for index, param in enumerate(method["params"]):
                    empty = ("nil, " if lua else "null, ") * index
                    opens = (f"{before}{'local' if lua else 'const'} y = {holder}{mark}{spelled}({empty}", ")")
                    yield from keys(words, param["schema"], *opens, depth=0, seen=frozenset())


def keys(
    words: Vocabulary, schema: Any, before: str, after: str, *, depth: int, seen: frozenset[str]
) -> Iterator[Probe]:
    """The keys of the tables that fit a schema, and of those inside them, as far as each is of one shape."""
    found = [each for each in expect.alternatives(schema) if each.get("type") != "null"]
    shapes = [each for each in found if each.get("properties") and "x-function" not in each]
    for each in shapes[:1]:
        name = str(each.get("x-name", ""))
        if name in seen:
            continue
        for key, inner in each["properties"].items():
            yield f"{before}{{ ▮ }}{after}\n", words.spelled(key), str(inner.get("description", ""))
            if depth < DEEPEST:
                mark = " = " if words.language == "lua" else ": "
                opens = f"{before}{{ {words.spelled(key)}{mark}"
                yield from keys(words, inner, opens, f" }}{after}", depth=depth + 1, seen=seen | {name})
    for each in found:
        if isinstance(each.get("items"), dict) and depth < DEEPEST:
            opens, closes = ("{ ", " }") if words.language == "lua" else ("[", "]")
            yield from keys(words, each["items"], before + opens, closes + after, depth=depth + 1, seen=seen)
            break


def hook_points(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    for name, point in words.hook_points.items():
        doc = point["doc"]
        yield 'Hooks.register("▮")\n', name, doc
        yield ("Agent.new{ hooks = { ▮ } }\n" if lua else "new Agent({ hooks: { ▮ } });\n"), name, doc
        opens = "function(context) local y = context.▮ end" if lua else "(context) => { const y = context.▮; }"
        for key, schema, _ in words.layout.context(dict(point), ""):
            yield f'Hooks.register("{name}", {opens})\n', words.spelled(key), str(schema.get("description", ""))


def events(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    for name, kind in words.events.items():
        yield 'eventBus.on("▮")\n', name, kind["doc"]
        opens = "function(event) local y = event.▮ end" if lua else "(event) => { const y = event.▮; }"
        for key, schema in (*words.layout.every_event(), *words.layout.event(dict(kind))):
            yield f'eventBus.on("{name}", {opens})\n', words.spelled(key), str(schema.get("description", ""))


def tools(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    for name, tool in words.registry.described["tools"].items():
        yield 'Tool.get("▮")\n', name, words.described(tool)["doc"]
        opens = (
            (f'local y = Tool.get("{name}"):execute(', ")") if lua else (f'const y = Tool.get("{name}").execute(', ")")
        )
        described = words.registry.tool(name)
        yield from keys(words, described["parameters"], *opens, depth=DEEPEST, seen=frozenset())
        waits = "" if lua else "await "
        mark = ":" if lua else "."
        given = f'{"local" if lua else "const"} r = {waits}Tool.get("{name}"){mark}execute({{}})\n'
        result = described.get("result") or {}
        if result.get("type") == "object":
            for key, schema in result.get("properties", {}).items():
                yield (
                    f"{given}local y = r.▮\n" if lua else f"{given}const y = r.▮;\n",
                    words.spelled(key),
                    str(schema.get("description", "")),
                )


def errors(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    opens = "local ok, e = pcall(work)\nlocal y = e.▮\n" if lua else "try { work(); } catch (e) { const y = e.▮; }\n"
    for found in words.members(Value({"type": "object", "x-error": True})):
        yield opens, found.name, found.doc


FAMILIES = {
    "globals": globals_,
    "members": members,
    "options": options,
    "hook points": hook_points,
    "events": events,
    "tools": tools,
    "errors": errors,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("family", FAMILIES)
def test_each_name_completes_and_hovers(family: str, language: Language, at: At) -> None:
    words = vocabulary(language)
    offered: dict[str, set[str]] = {}
    missing: list[str] = []
    silent: list[str] = []
    probes = list(dict.fromkeys(FAMILIES[family](words)))
    assert len(probes) > 5
    for text, name, doc in probes:
        if text not in offered:
            found = complete(*at(text, language))
            offered[text] = {each.label for each in found.all()} if found is not None else set()
        if name not in offered[text]:
            missing.append(f"{name} at {text!r}")
        elif doc and not told(text, name, doc, language, at):
            silent.append(f"{name} at {text!r}")
    assert not missing, f"{len(missing)} of {len(probes)} do not complete: " + "; ".join(missing[:40])
    assert not silent, f"{len(silent)} of {len(probes)} do not hover: " + "; ".join(silent[:40])


def told(text: str, name: str, doc: str, language: Language, at: At) -> bool:
    """Whether the name, written at the mark, hovers with the first words of its doc."""
    lua = language == "lua"
    before, _, after = text.partition("▮")
    if before.endswith("{ "):
        after = f"{' =' if lua else ':'} {'nil' if lua else 'null'}{after}"
        if lua and name in LUA_KEYWORDS:
            before, name, after = f'{before}["', name, f'"]{after}'
    shown = hover(*at(f"{before}▮{name}{after}", language))
    return shown is not None and plain(doc)[:40] in plain(shown.markdown)


def plain(text: str) -> str:
    """Without marks and blanks; names of both languages as one."""
    return re.sub(r"[\s`*_]+", "", text).lower()
