"""What can be written at a place: members, names, keys and values of tables, names in texts, references in `{{ }}`.

Where it is known what the place is there for, that comes first. A candidate carries no documentation: `about` says
where it is found when a person looks at one (`described`). Knows no protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.members import global_names, members
from llmspell_lsp.analysis.shown import schema_text, shown
from llmspell_lsp.analysis.types import (
    UNKNOWN,
    Choice,
    ClassObject,
    Instance,
    Method,
    Native,
    ScriptClass,
    Type,
    Value,
    settled,
)
from llmspell_lsp.analysis.vocabulary import Found, Vocabulary
from llmspell_lsp.features import places, references
from llmspell_lsp.syntax.context import Context, context
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.workspace.snapshot import Snapshot

CandidateKind = Literal[
    "class", "namespace", "method", "function", "property", "field", "variable", "constant", "keyword", "value",
    "event", "hook", "tool", "reference", "snippet", "file",
]  # fmt: skip

#: Groups in the order in which they are offered.
WANTED: Final = 0
NEEDED: Final = 1
LIKELY: Final = 2
LOCAL: Final = 3
GLOBAL: Final = 5
LANGUAGE: Final = 6
KEYWORD: Final = 7
LEAST: Final = 8

#: Words after which a new name is written: nothing is offered.
_NEW_NAMES: Final = frozenset({"local", "function", "const", "let", "var", "class", "goto", "::"})
_KEYWORDS: Final = {
    "lua": "and break do else elseif end false for function goto if in local nil not or repeat return then true until "
    "while",
    "javascript": "async await break case catch class const continue default delete do else export extends false "
    "finally for function if import in instanceof let new null of return static super switch this throw true try "
    "typeof undefined var void while yield",
}


@dataclass(slots=True, frozen=True)
class Candidate:
    """Something that can be written. insert: what is put in where that is not the label; `$1`, `$0` are its stops.

    detail: its type on one line. about: what `described` is asked with. group: a smaller one comes first. span: what it
    takes the place of, where that is not the word at the cursor. earlier: an edit before it (span, text).
    """

    label: str
    kind: CandidateKind
    detail: str = ""
    about: str = ""
    insert: str = ""
    group: int = GLOBAL
    span: Span | None = None
    earlier: tuple[Span, str] | None = None
    deprecated: bool = False


@dataclass(slots=True, frozen=True)
class Completion:
    """Candidates for a place. span: the word that they take the place of."""

    span: Span
    candidates: list[Candidate]


def complete(snapshot: Snapshot, line: int, column: int) -> Completion | None:
    """What can be written at a place of a script."""
    infer = snapshot.types
    here = context(infer.analysis.chunks, line, column)
    match here.kind:
        case "comment" | "number":
            return None
        case "text":
            return _in_text(infer, here, line, column)
        case "member":
            return Completion(here.word, list(_members(infer, here)))
        case "code":
            if here.after in _NEW_NAMES:
                return None
            return Completion(here.word, list(_code(infer, here, line, column)))


# Members


def _members(infer: Inference, here: Context) -> Iterator[Candidate]:
    if here.receiver is None:
        return
    type_ = places.type_at(infer, here.receiver)
    colon = here.mark == ":"
    for found in members(settled(type_) if isinstance(type_, Choice) else type_, infer.words):
        called = isinstance(found.type, Method) and isinstance(found.type.receiver, Instance)
        native = isinstance(found.type, Native) and infer.language == "lua" and _is_value(type_)
        if infer.language == "lua" and colon and not (called or native or _may_be_method(found)):
            continue
        candidate = of_found(found, infer.words)
        if infer.language == "lua" and not colon and (called or native or found.name == "extend"):
            dot = Span(here.word.line, here.word.column - 1, here.word.line, here.word.column)
            candidate = replace(candidate, earlier=(dot, ":"), group=LIKELY + 1)
        yield candidate


def _is_value(type_: Type) -> bool:
    """A text or list, whose natives are methods; not a library."""
    return not isinstance(type_, ClassObject) and type_ != UNKNOWN and not hasattr(type_, "name")


def _may_be_method(found: Found) -> bool:
    return found.kind == "field" or found.name == "extend"


def of_found(found: Found, words: Vocabulary) -> Candidate:
    """A member or global as a candidate."""
    match found.kind:
        case "method" | "maker":
            kind: CandidateKind = "method"
        case "class" | "error":
            kind = "class"
        case "namespace":
            kind = "namespace"
        case "native":
            kind = "function" if isinstance(found.type, Native) else "constant"
        case "option" | "property":
            kind = "property"
        case "global":
            kind = "variable"
        case "field":
            kind = "field"
    return Candidate(found.name, kind, detail_of(found, words), about_of(found), group=LIKELY)


def detail_of(found: Found, words: Vocabulary) -> str:
    """Its type, on one line."""
    if isinstance(found.type, Method):
        described = found.type.described
        inner = ", ".join(
            f"{words.spelled(each['name'])}{'' if each['required'] or each['variadic'] else '?'}"
            for each in described["params"]
        )
        given = shown(words.given(described), words)
        return f"({inner}){': ' + given if given and given not in ('nil', 'null') else ''}"
    if found.kind in ("class", "namespace", "error", "maker"):
        return ""
    return shown(found.type, words)


def about_of(found: Found) -> str:
    """What `described` is asked with for a name of the registry or the language."""
    if isinstance(found.type, Native):
        return f"native {found.type.name}"
    if found.described is None:
        return ""
    if found.kind in ("method", "property"):
        return f"registry {found.owner}.{found.described['name']}"
    return f"registry {found.name}" if found.kind in ("class", "namespace", "error", "global") else ""


# Code


def _code(infer: Inference, here: Context, line: int, column: int) -> Iterator[Candidate]:
    wanted = places.wanted(infer, here)
    if wanted is not None and here.at_key:
        yield from _keys(infer, wanted)
        if infer.language == "javascript":
            yield from _names(infer, line, column, group=LEAST)
            return
        if expect.items(wanted) is None and expect.keys(wanted):
            return
        wanted = expect.items(wanted)
    elif here.at_key and infer.language == "javascript":
        yield from _names(infer, line, column)
        return
    offered: set[str] = set()
    if wanted is not None:
        for candidate in _values(infer, wanted):
            offered.add(candidate.label)
            yield candidate
    classes_only = here.after == "new"
    for candidate in _names(infer, line, column, wanted=wanted):
        if candidate.label not in offered and not (classes_only and candidate.kind not in ("class", "variable")):
            yield candidate
    if not classes_only:
        for word in _KEYWORDS[infer.language].split():
            yield Candidate(word, "keyword", group=KEYWORD)


def _keys(infer: Inference, wanted: Wanted) -> Iterator[Candidate]:
    """The keys that the table may still get, those that it must have first."""
    words = infer.words
    given = {snake(each.key) for each in wanted.table.entries if each.key} if wanted.table is not None else set[str]()
    required = {name for each in expect.tables(wanted.schema) for name in each.get("required", ())}
    mark = " = " if infer.language == "lua" else ": "
    for name, schema in expect.keys(wanted, wanted.table).items():
        if name not in given:
            key = words.spelled(name)
            yield Candidate(
                key,
                "property",
                schema_text(schema, words.language),
                f"option {wanted.owner} {wanted.name} {name}",
                f"{key}{mark}{_stop(schema)}",
                WANTED if name in required else NEEDED,
            )
    for each in expect.tables(wanted.schema):
        if each.get("propertyNames", {}).get("x-kind") == "hook_point":
            for point in words.hook_points:
                if snake(point) not in given:
                    lua, javascript = " = function(context)\n\t$0\nend,", "(context) {\n\t$0\n},"
                    opens = f"{point}{lua if infer.language == 'lua' else javascript}"
                    yield Candidate(point, "hook", "hook point", f"registry {point}", opens, NEEDED)


def _stop(schema: Any) -> str:
    """Where the value of a key is typed: inside the quotes of a text, the braces of a table."""
    for each in expect.alternatives(schema):
        match each:
            case {"x-object": _} | {"x-function": _}:
                return "$0"
            case {"type": "string"}:
                return '"$0"'
            case {"type": "array"} | {"type": "object"}:
                return "$0"
            case _:
                pass
    return "$0"


def _values(infer: Inference, wanted: Wanted) -> Iterator[Candidate]:
    """Values that fit a schema."""
    lua = infer.language == "lua"
    for each in expect.alternatives(wanted.schema):
        match each:
            case {"enum": list(values)} | {"enum": tuple(values)}:
                for value in values:
                    if isinstance(value, str):
                        yield Candidate(f'"{value}"', "value", group=WANTED)
            case {"type": "boolean"}:
                yield Candidate("true", "keyword", group=WANTED)
                yield Candidate("false", "keyword", group=WANTED)
            case {"x-function": _}:
                names = ", ".join(infer.words.spelled(name) for name in each.get("x-params", {}))
                names = names or {"hook_handler": "context", "event_handler": "event"}.get(each.get("x-kind", ""), "")
                opens = f"function({names})\n\t$0\nend" if lua else f"({names}) => {{\n\t$0\n}}"
                yield Candidate("function" if lua else "() => {}", "snippet", "function", "", opens, WANTED)
            case {"type": "string", "x-kind": str(kind)}:
                for candidate in _named(infer, kind):
                    yield replace(candidate, label=f'"{candidate.label}"', insert="", group=WANTED)
            case _:
                pass


def _names(
    infer: Inference, line: int, column: int, *, group: int = LOCAL, wanted: Wanted | None = None
) -> Iterator[Candidate]:
    """Every name that means something at a place; those that hold what is wanted first."""
    visible = infer.analysis.visible(line, column)
    for name, binding in visible.items():
        type_ = infer.of_binding(binding)
        fits = wanted is not None and _fits(type_, wanted)
        yield Candidate(name, _kind(binding, type_), shown(type_, infer.words), "", group=WANTED if fits else group)
    for name, found in global_names(infer.language).items():
        if name not in visible:
            candidate = of_found(found, infer.words)
            yield replace(candidate, group=LANGUAGE if found.described is None else max(group, GLOBAL))


def _fits(type_: Type, wanted: Wanted) -> bool:
    """Whether a variable holds an object of a class that is wanted."""
    if not isinstance(type_, Instance):
        return False
    of: Type = type_.of
    while isinstance(of, ScriptClass):
        of = of.base
    if not isinstance(of, ClassObject):
        return False
    asked = {each["x-object"] for each in expect.alternatives(wanted.schema) if "x-object" in each}
    return bool(asked & set(_lineage(of.name)))


def _lineage(name: str) -> Iterator[str]:
    from llmspell.api.lookup import lineage
    from llmspell.api.registry import registry

    return (described["name"] for described in lineage(registry(), name))


def _kind(binding: Binding, type_: Type) -> CandidateKind:
    match binding.kind:
        case "function":
            return "function"
        case "class":
            return "class"
        case "const" if isinstance(type_, Value):
            return "constant"
        case _:
            return "class" if isinstance(type_, ScriptClass) else "variable"


# Texts


def _in_text(infer: Inference, here: Context, line: int, column: int) -> Completion | None:
    """A name inside a text: what a `{{` may refer to, or the names that the place wants."""
    if here.text is None:
        return None
    opened = here.text.before.rpartition("{{")
    if opened[1] and "}}" not in opened[2] and "\n" not in opened[2]:
        typed = opened[2].lstrip()
        span = Span(line, column - len(typed), line, column)
        found = references.candidates(infer, here, typed)
        return None if found is None else Completion(span, found)
    wanted = places.wanted(infer, here)
    if wanted is None or "\n" in here.text.before:
        return None
    span = Span(line, column - len(here.text.before), line, column)
    return Completion(span, list(_texts(infer, wanted)))


def _texts(infer: Inference, wanted: Wanted) -> Iterator[Candidate]:
    for each in expect.alternatives(wanted.schema):
        match each:
            case {"enum": list(values)} | {"enum": tuple(values)}:
                for value in values:
                    if isinstance(value, str):
                        yield Candidate(value, "value", group=WANTED)
            case {"type": "string", "x-kind": str(kind)}:
                yield from _named(infer, kind)
            case {"type": "object"}:
                # A table of names to choices: `permissions = { "▮" }` has none; nothing to offer.
                pass
            case _:
                pass


def _named(infer: Inference, kind: str) -> Iterator[Candidate]:
    """Names of a kind: the registry's lists, and what the project itself names."""
    words = infer.words
    match kind:
        case "hook_point":
            for name, point in words.hook_points.items():
                yield Candidate(name, "hook", str(point["doc"]), f"registry {name}", group=WANTED)
        case "event":
            for name, event in words.events.items():
                yield Candidate(name, "event", str(event["doc"]), f"registry {name}", group=WANTED)
        case "tool":
            for name, tool in words.registry.described["tools"].items():
                yield Candidate(name, "tool", tool, f"registry {tool}", group=WANTED)
        case _:
            pass
    given = {each.name: each for each in infer.named if each.kind == kind and each.name}
    for name in given:
        yield Candidate(name, "value", "named in this file", group=WANTED)
