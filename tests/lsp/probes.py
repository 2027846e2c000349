"""Where each entry of the registry shows in an editor: a text with a cursor `▮`, and what must be offered or told there.

A probe knows which entry it is about, so that one can be taken out of the registry and its probes asked again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Literal, NamedTuple

from llmspell.api import fields
from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.types import ClassObject, Instance, Value
from llmspell_lsp.analysis.vocabulary import Vocabulary
from llmspell_lsp.documents.document import Document
from llmspell_lsp.features.completion import complete
from llmspell_lsp.features.hover import hover
from llmspell_lsp.features.signatures import signatures
from llmspell_lsp.syntax.tokens import LUA_KEYWORDS
from llmspell_lsp.workspace.snapshot import Snapshot

Language = Literal["lua", "javascript"]
LANGUAGES: tuple[Language, ...] = ("lua", "javascript")
MARK = "▮"
DEEPEST = 4


class Probe(NamedTuple):
    """about: the entry, as `of` or `word` name it. how: `signature`: the name stands in the label of the call at the
    mark; else it is offered there, and with a doc ("": not asked) hovers with it."""

    text: str
    name: str
    doc: str
    about: Hashable
    how: Literal["name", "signature"] = "name"


def of(entry: object) -> Hashable:
    """An entry that is an object of the registry."""
    return id(entry)


def word(holder: object, text: str) -> Hashable:
    """An entry that is a text in a list, or the key of a text."""
    return id(holder), text


# What is asked


def place(text: str, language: Language) -> tuple[Snapshot, int, int]:
    before, mark, after = text.partition(MARK)
    assert mark, f"no mark in {text!r}"
    suffix = "lua" if language == "lua" else "js"
    line = before.count("\n")
    document = Document(f"file:///nowhere/spell.{suffix}", language, 1, before + after)
    return Snapshot(document), line, len(before) - (before.rfind("\n") + 1)


def offered(text: str, language: Language) -> set[str]:
    found = complete(*place(text, language))
    return {each.label.strip("\"'") for each in found.all()} if found is not None else set()


def told(probe: Probe, language: Language) -> str:
    """What is shown of the name once it is written at the mark."""
    before, _, after = probe.text.partition(MARK)
    if probe.how == "signature":
        found = signatures(*place(probe.text, language))
        return "" if found is None else "\n".join(form.label for form in found.forms)
    name = probe.name
    if before.endswith("{ "):
        after = f"{' =' if language == 'lua' else ':'} {'nil' if language == 'lua' else 'null'}{after}"
        if language == "lua" and name in LUA_KEYWORDS:
            before, name, after = f'{before}["', name, f'"]{after}'
    shown = hover(*place(f"{before}{MARK}{name}{after}", language))
    return "" if shown is None else shown.markdown


def holds(probe: Probe, markdown: str) -> bool:
    """Whether what is told is the probe's doc, or its parameter."""
    if probe.how == "signature":
        return re.search(rf"(?<!\w){re.escape(probe.name)}(?!\w)", markdown) is not None
    return plain(probe.doc)[:40] in plain(markdown)


def plain(text: str) -> str:
    """Without marks and blanks; names of both languages as one."""
    return re.sub(r"[\s`*_]+", "", text).lower()


# Where things stand


def made(name: str, words: Vocabulary) -> str:
    """Lines after which `x` is an object of a class."""
    if words.language == "lua":
        return f"---@type {name}\nlocal x = anything()\n"
    return f"/** @type {{{name}}} */\nconst x = anything();\n"


def globals_(words: Vocabulary) -> Iterator[Probe]:
    described = words.registry.described
    for class_ in words.layout.classes:
        entry = of(words.registry.classes[class_["name"]])
        if words.layout.is_global(class_):
            yield Probe(f"{MARK}\n", class_["name"], class_["doc"], entry)
            for alias in class_["aliases"]:
                yield Probe(f"{MARK}\n", alias, class_["doc"], word(class_["aliases"], alias))
        else:
            # Only what calls give: a member of such an object.
            yield from (each._replace(about=entry) for each in _members_of(class_, words))
    for error in described["errors"]:
        yield Probe(f"{MARK}\n", error["name"], error["doc"], of(error))
    for name, value in described["globals"].items():
        yield Probe(f"{MARK}\n", name, value["doc"], of(value))


def members(words: Vocabulary) -> Iterator[Probe]:
    for class_ in words.layout.classes:
        yield from _members_of(class_, words)


def _members_of(class_: dict[str, Any], words: Vocabulary) -> Iterator[Probe]:
    for method, receiver, mark in _methods(class_, words):
        yield Probe(f"{receiver}{mark}{MARK}\n", words.spelled(method["name"]), method["doc"], of(method))
    for key, held in class_["properties"].items():
        static = held["static"] or class_["namespace"]
        if not static or words.layout.is_global(class_):
            before = class_["name"] if static else f"{made(class_['name'], words)}x"
            yield Probe(f"{before}.{MARK}\n", words.spelled(key), held["doc"], of(held))


def _methods(class_: dict[str, Any], words: Vocabulary) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Each method that can be written, what stands before its mark, and the mark."""
    for static, listed in ((True, class_["statics"].values()), (False, words.layout.methods(class_))):
        for method in listed:
            static_ = static or class_["namespace"]
            if words.language in method["languages"] and (not static_ or words.layout.is_global(class_)):
                receiver = class_["name"] if static_ else f"{made(class_['name'], words)}x"
                yield method, receiver, ":" if words.language == "lua" and not static_ else "."


def objects(words: Vocabulary) -> Iterator[Probe]:
    """Every member of an object that was made or found, those of its class's bases too."""
    for class_ in words.layout.classes:
        name = class_["name"]
        if not class_["constructible"] or not words.layout.is_global(class_):
            continue
        opens = f"local x = {name}.new({{}})\n" if words.language == "lua" else f"const x = new {name}({{}});\n"
        for found in words.members(Instance(ClassObject(name))):
            described = found.described
            assert described is not None
            mark = ":" if words.language == "lua" and found.kind == "method" else "."
            about = of(described) if described["name"] == snake(found.name) else ""
            yield Probe(f"{opens}x{mark}{MARK}\n", found.name, found.doc, about)


def options(words: Vocabulary) -> Iterator[Probe]:
    for class_ in words.layout.classes:
        name, schema = class_["name"], words.options(class_["name"])
        if class_["constructible"] and words.layout.is_global(class_) and schema is not None:
            opens = (f"local y = {name}.new", "") if words.language == "lua" else (f"const y = new {name}(", ")")
            yield from keys(words, schema, *opens)


def arguments(words: Vocabulary) -> Iterator[Probe]:
    """Parameters in the call's signature, and the tables that they take."""
    for class_ in words.layout.classes:
        for method, receiver, mark in _methods(class_, words):
            call = f"{receiver}{mark}{words.spelled(method['name'])}("
            *before, last = call.split("\n")
            call = "\n".join([*before, f"{'local' if words.language == 'lua' else 'const'} y = {last}"])
            for index, param in enumerate(method["params"]):
                empty = ("nil, " if words.language == "lua" else "null, ") * index
                shown = words.spelled(param["name"])
                yield Probe(f"{call}{empty}{MARK})\n", shown, "", of(param), "signature")
                yield from keys(words, param["schema"], f"{call}{empty}", ")")
                yield from _callbacks(words, param["schema"], f"{call}{empty}", ")\n")


def _callbacks(words: Vocabulary, schema: Any, before: str, after: str) -> Iterator[Probe]:
    """What a function that is handed over is given."""
    for each in expect.alternatives(schema):
        for name, inner in each.get("x-params", {}).items():
            shown = words.spelled(name)
            opens = f"function({shown}) local y = " if words.language == "lua" else f"({shown}) => {{ const y = "
            closes = " end" if words.language == "lua" else "; }"
            yield from parts(words, inner, f"{before}{opens}", shown, f"{closes}{after}")


def keys(
    words: Vocabulary, schema: Any, before: str, after: str, *, depth: int = 0, seen: frozenset[str] = frozenset()
) -> Iterator[Probe]:
    """The keys of the tables that fit a schema, and of those inside them; the words of its lists of words."""
    lua = words.language == "lua"
    found = [each for each in expect.alternatives(schema) if each.get("type") != "null"]
    for each in found:
        if "x-function" in each:
            continue
        for value in each.get("enum", ()):
            if isinstance(value, str) and (depth or not before.endswith(".new")):
                yield Probe(f'{before}"{MARK}"{after}\n', value, "", word(each["enum"], value))
        name = str(each.get("x-name", ""))
        if not each.get("properties") or (name and name in seen):
            continue
        for key, inner in each["properties"].items():
            yield Probe(
                f"{before}{{ {MARK} }}{after}\n", words.spelled(key), str(inner.get("description", "")), of(inner)
            )
            if depth < DEEPEST:
                spelled = words.spelled(key)
                spelled = f'["{spelled}"]' if lua and spelled in LUA_KEYWORDS else spelled
                opens = f"{before}{{ {spelled}{' = ' if lua else ': '}"
                yield from keys(words, inner, opens, f" }}{after}", depth=depth + 1, seen=seen | {name})
    for each in found:
        if depth < DEEPEST and isinstance(each.get("additionalProperties"), dict) and "x-function" not in each:
            opens = f"{before}{{ any{' = ' if lua else ': '}"
            yield from keys(words, each["additionalProperties"], opens, f" }}{after}", depth=depth + 1, seen=seen)
        if depth < DEEPEST and isinstance(each.get("items"), dict):
            opens, closes = ("{ ", " }") if lua else ("[", "]")
            yield from keys(words, each["items"], before + opens, closes + after, depth=depth + 1, seen=seen)


def results(words: Vocabulary) -> Iterator[Probe]:
    """What calls and properties give."""
    lua = words.language == "lua"
    local = "local" if lua else "const"
    for class_ in words.layout.classes:
        for method, receiver, mark in _methods(class_, words):
            yield from _told_words(words, method["result"], f"{receiver}{mark}{MARK}\n", method["name"])
            *before, last = f"{receiver}{mark}{words.spelled(method['name'])}()".split("\n")
            lines = "".join(f"{line}\n" for line in before)
            if method["kind"] == "stream":
                opens = f"for r in {last} do\nlocal y = " if lua else f"for await (const r of {last}) {{\nconst y = "
                yield from parts(words, method["result"], f"{lines}{opens}", "r", "\nend\n" if lua else ";\n}\n")
            else:
                waits = "await " if not lua and method["waits"] else ""
                opens = f"{lines}{local} r = {waits}{last}\n{local} y = "
                yield from parts(words, method["result"], opens, "r", "\n")
        for key, held in class_["properties"].items():
            if not held["static"] and not class_["namespace"]:
                opens = f"{made(class_['name'], words)}{local} y = "
                yield from parts(words, held["schema"], opens, f"x.{words.spelled(key)}", "\n")


def parts(words: Vocabulary, schema: Any, before: str, value: str, after: str, depth: int = 0) -> Iterator[Probe]:
    """The fields of a value, and of those in it."""
    for each in expect.alternatives(schema):
        if "x-function" in each or "x-object" in each:
            continue
        for key, inner in each.get("properties", {}).items():
            doc = str(inner.get("description", ""))
            yield Probe(f"{before}{value}.{MARK}{after}", words.spelled(key), doc, of(inner))
            yield from _told_words(words, inner, f"{before}{value}.{MARK}{after}", key)
            if depth < DEEPEST and words.spelled(key) not in LUA_KEYWORDS:
                yield from parts(words, inner, before, f"{value}.{words.spelled(key)}", after, depth + 1)
        if depth < DEEPEST and isinstance(each.get("additionalProperties"), dict):
            yield from parts(words, each["additionalProperties"], before, f"{value}.any", after, depth + 1)
        if depth < DEEPEST and isinstance(each.get("items"), dict):
            first = "1" if words.language == "lua" else "0"
            yield from parts(words, each["items"], before, f"{value}[{first}]", after, depth + 1)


def _told_words(words: Vocabulary, schema: Any, text: str, key: str) -> Iterator[Probe]:
    """The words that a field may be, which hover lists."""
    for each in expect.alternatives(schema):
        for value in each.get("enum", ()):
            if isinstance(value, str):
                yield Probe(text, words.spelled(key), value, word(each["enum"], value))


def _field(owner: str, key: str) -> Hashable:
    """The description of a hook point's or event's field: its own, or the one that all of the name share."""
    own = f"{owner}.{key}"
    return word(fields.FIELDS, own if own in fields.FIELDS else key)


def hook_points(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    for name, point in words.hook_points.items():
        yield Probe(f'Hooks.register("{MARK}")\n', name, point["doc"], of(point))
        yield Probe(
            f"Agent.new{{ hooks = {{ {MARK} }} }}\n" if lua else f"new Agent({{ hooks: {{ {MARK} }} }});\n",
            name,
            point["doc"],
            of(point),
        )
        opens = (
            f"function(context) local y = context.{MARK} end"
            if lua
            else f"(context) => {{ const y = context.{MARK}; }}"
        )
        for key, schema, _ in words.layout.context(dict(point), ""):
            holder = point["writable"] if key in point["writable"] else point["readable"]
            doc = str(schema.get("description", ""))
            for about in (word(holder, key), _field(point["name"], key)):
                yield Probe(f'Hooks.register("{name}", {opens})\n', words.spelled(key), doc, about)
            yield from _told_words(words, schema, f'Hooks.register("{name}", {opens})\n', key)
            before, _, after = f'Hooks.register("{name}", {opens})\n'.rpartition(f"context.{MARK}")
            yield from parts(words, schema, before, f"context.{words.spelled(key)}", after)


def events(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    for name, kind in words.events.items():
        yield Probe(f'eventBus.on("{MARK}")\n', name, kind["doc"], of(kind))
        opens = f"function(event) local y = event.{MARK} end" if lua else f"(event) => {{ const y = event.{MARK}; }}"
        text = f'eventBus.on("{name}", {opens})\n'
        for key, schema in (*words.layout.every_event(), *words.layout.event(dict(kind))):
            doc = str(schema.get("description", ""))
            for about in (word(kind["fields"], key), _field(kind["name"], key)):
                yield Probe(text, words.spelled(key), doc, about)
            yield from _told_words(words, schema, text, key)
            before, _, after = text.rpartition(f"event.{MARK}")
            yield from parts(words, schema, before, f"event.{words.spelled(key)}", after)
    for alias, name in words.registry.described["event_aliases"].items():
        about = word(words.registry.described["event_aliases"], alias)
        kind = words.event(name)
        assert kind is not None
        field = words.spelled(kind["fields"][0])
        opens = f"function(event) local y = event.{MARK} end" if lua else f"(event) => {{ const y = event.{MARK}; }}"
        yield Probe(f'eventBus.on("{words.spelled(alias)}", {opens})\n', field, "", about)


def tools(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    local = "local" if lua else "const"
    for name, class_ in words.registry.described["tools"].items():
        about = word(words.registry.described["tools"], name)
        yield Probe(f'Tool.get("{MARK}")\n', name, words.described(class_)["doc"], about)
        described = words.registry.tool(name)
        call = f'{local} y = Tool.get("{name}"){":" if lua else "."}execute('
        yield from keys(words, described["parameters"], call, ")")
        waits = "" if lua else "await "
        opens = f'{local} r = {waits}Tool.get("{name}"){":" if lua else "."}execute({{}})\n{local} y = '
        yield from parts(words, described.get("result") or {}, opens, "r", "\n")


def errors(words: Vocabulary) -> Iterator[Probe]:
    lua = words.language == "lua"
    text = (
        f"local ok, e = pcall(work)\nlocal y = e.{MARK}\n"
        if lua
        else f"try {{ work(); }} catch (e) {{ const y = e.{MARK}; }}\n"
    )
    for found in words.members(Value({"type": "object", "x-error": True})):
        yield Probe(text, found.name, found.doc, of(found.described))


FAMILIES: dict[str, Callable[[Vocabulary], Iterator[Probe]]] = {
    "globals": globals_,
    "members": members,
    "objects": objects,
    "options": options,
    "arguments": arguments,
    "results": results,
    "hook points": hook_points,
    "events": events,
    "tools": tools,
    "errors": errors,
}
