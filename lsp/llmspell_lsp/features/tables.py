"""Keys that a table may still get, and values that fit a schema, as candidates. Knows no place and no protocol."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from llmspell.api.lookup import lineage
from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.types import Choice, ClassObject, Constant, Instance, Schema, Script, ScriptClass, Type
from llmspell_lsp.analysis.vocabulary import Language, Vocabulary, vocabulary
from llmspell_lsp.features import names, snippets
from llmspell_lsp.features.candidates import (
    KEYWORD,
    NEEDED,
    WANTED,
    Block,
    Candidate,
    constructed,
    escaped,
    function,
    of_key,
)

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.context import Context
    from llmspell_lsp.workspace.snapshot import Snapshot

#: A key that has its mark already: only the name is put in.
_MARKED: Final = {"lua": re.compile(r"[ \t]*=(?!=)"), "javascript": re.compile(r"[ \t]*:")}

_kept: Final[dict[tuple[Language, int], tuple[Schema, tuple[tuple[str, Candidate], ...]]]] = {}
"""Of the registry's tables, by the identity of their schema, which lives as long as the process."""


def keys(infer: Inference, wanted: Wanted, here: Context) -> tuple[list[Candidate], tuple[Block, ...]]:
    """The keys that the table may still get, those that it must have first."""
    table = wanted.table
    given = {snake(each.key) for each in table.entries if each.key is not None} if table is not None else set[str]()
    line = infer.analysis.chunks.lines[here.word.line]
    typed = snake(line[here.word.column : here.word.end_column])
    marked = _MARKED[infer.language].match(line, here.word.end_column) is not None
    found: dict[str, Candidate] = {}
    for schema in expect.tables(wanted.schema, table):
        for name, candidate in _of_table(infer.words, schema):
            if name not in found and (name not in given or (name == typed and marked)):
                found[name] = replace(candidate, insert="", plain="", goes_on="") if marked else candidate
        if schema.get("propertyNames", {}).get("x-kind") == "hook_point":
            for name, candidate in _hook_points(infer.language):
                if name not in given:
                    found[name] = replace(candidate, insert="", plain="") if marked else candidate
    return list(found.values()), ()


def of_schema(infer: Inference, schema: Schema, written: Collection[str | None]) -> Iterator[Candidate]:
    """The keys of a table of a schema, without those that are written."""
    given = {snake(key) for key in written if key}
    for each in expect.tables(schema):
        for name, candidate in _of_table(infer.words, each):
            if name not in given:
                yield candidate


def _of_table(words: Vocabulary, schema: Schema) -> tuple[tuple[str, Candidate], ...]:
    key = (words.language, id(schema))
    known = _kept.get(key)
    if known is not None and known[0] is schema:
        return known[1]
    properties: Mapping[str, Any] = schema.get("properties", {})
    own: list[str] | None = schema.get("x-own")  # names of the spell's, which stay as they are
    required = schema.get("required", ())
    made = tuple(
        (
            snake(name),
            of_key(
                words.spelled(name) if own is None else name,
                inner,
                words,
                group=WANTED if name in required else NEEDED,
                rank=rank,
            ),
        )
        for rank, (name, inner) in enumerate(properties.items())
        if own is None or name in own
    )
    if "x-name" in schema and schema.get("additionalProperties") is not True:
        _kept[key] = (schema, made)
    return made


@cache
def _hook_points(language: Language) -> tuple[tuple[str, Candidate], ...]:
    """Each point with its handler."""
    words = vocabulary(language)
    opens = " = function(context)\n\t$0\nend," if language == "lua" else "(context) {\n\t$0\n},"
    return tuple(
        (
            point["name"],
            Candidate(name, "hook", "hook point", f"registry {name}", f"{name}{opens}", NEEDED, rank=rank),
        )
        for rank, (name, point) in enumerate(words.hook_points.items())
    )


# Values


def values(snapshot: Snapshot, wanted: Wanted) -> tuple[list[Candidate], tuple[Block, ...]]:
    """Values that fit a schema, as they are written in code."""
    infer = snapshot.types
    found: list[Candidate] = []
    blocks: list[Block] = []
    if wanted.native.startswith(("(", "function")):
        found.append(_native_function(wanted.native, infer.language))
    for each in expect.alternatives(wanted.schema):
        if each.get("x-name") == "WorkflowStep":
            found += snippets.steps(infer.language)
        match each:
            case {"enum": list(options)} | {"enum": tuple(options)}:
                found += [
                    _quoted(Candidate(each, "value", rank=rank))
                    for rank, each in enumerate(options)
                    if type(each) is str
                ]
            case {"const": str(option)}:
                found.append(_quoted(Candidate(option, "value")))
            case {"type": "boolean"}:
                found += [Candidate(word, "keyword", group=WANTED) for word in ("true", "false")]
            case {"x-function": _}:
                label = "function" if infer.language == "lua" else "() => {}"
                label = "function … end" if infer.language == "lua" else "() => { … }"
                found.append(
                    Candidate(label, "snippet", "function", "", function(each, infer.words), WANTED, filter="function")
                )
            case {"x-object": str(name)}:
                blocks.append(_made(infer.language, name))
            case {"type": "string", "x-kind": str(kind)}:
                found += [_quoted(candidate) for candidate in names.of_kind(snapshot, kind, wanted)]
            case {"type": "object", "properties": dict(_)} | {"type": "array", "items": dict(_)}:
                opens = "[$0]" if each["type"] == "array" and infer.language == "javascript" else "{ $0 }"
                label = opens.replace("$0", "…")
                found.append(
                    Candidate(label, "snippet", "", "", opens, WANTED, rank=500, filter=opens[0], goes_on="more")
                )
            case _:
                pass
    return list({each.label: each for each in found}.values()), tuple(blocks)


def _quoted(candidate: Candidate) -> Candidate:
    return replace(candidate, label=f'"{candidate.label}"', filter=candidate.label, insert="", group=WANTED)


def _native_function(native: str, language: Language) -> Candidate:
    inner = re.match(r"\(([^()]*)\) =>", native)
    params = ", ".join(part.partition(":")[0].strip(" ?") for part in inner[1].split(",")) if inner else ""
    if language == "lua":
        return Candidate(
            "function … end", "snippet", native, "", f"function({params})\n\t$0\nend", WANTED, filter="function"
        )
    return Candidate(f"({params}) => …", "snippet", native, "", f"({params}) => $0", WANTED, filter="function")


@cache
def _made(language: Language, name: str) -> Block:
    """What makes an object that is wanted: `CacheHook.new{ … }`, `new CalculatorTool()`."""
    words = vocabulary(language)
    found: list[Candidate] = []
    for described in words.layout.classes:
        made = described["name"]
        if not described["constructible"] or not words.layout.is_global(described) or name not in _lineage(made):
            continue
        options = words.options(made)
        if language == "lua":
            label = f"{made}.new"
            insert = f"{escaped(made)}.new{{ $0 }}" if options else f"{escaped(made)}.new()$0"
        else:
            label = f"new {made}"
            insert = f"new {constructed(made, ClassObject(made), words)}"
        found.append(
            Candidate(label, "class", "", f"registry {made}", insert, KEYWORD - 3, filter=made, goes_on="call")
        )
    return Block(language, tuple(found))


# What fits


def fits(type_: Type, wanted: Wanted) -> bool:
    """Whether a variable holds what is wanted: an object of the class, a function, one of a list of texts."""
    options = list(expect.alternatives(wanted.schema)) if wanted.schema else []
    for each in type_.of if isinstance(type_, Choice) else (type_,):
        match each:
            case Instance(of=of):
                while isinstance(of, ScriptClass):
                    of = of.base  # type: ignore[assignment]
                if isinstance(of, ClassObject):
                    asked = {option["x-object"] for option in options if "x-object" in option}
                    if asked & _lineage(of.name):
                        return True
            case Script():
                if any("x-function" in option for option in options) or wanted.native.startswith("("):
                    return True
            case Constant(value=str(text)):
                if any(text in option.get("enum", ()) for option in options):
                    return True
            case _:
                pass
    return False


@cache
def _lineage(name: str) -> frozenset[str]:
    return frozenset(described["name"] for described in lineage(vocabulary("lua").registry, name))
