"""What completion offers: candidates, and blocks of them that are made once and kept. Knows no place, no protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from llmspell.api.stubs.types import remarks as bounds
from llmspell_lsp.analysis.remarks import remarks
from llmspell_lsp.analysis.shown import schema_text, shown
from llmspell_lsp.analysis.types import (
    ClassObject,
    Maker,
    Method,
    Native,
    Schema,
    Script,
    ScriptClass,
    Type,
)
from llmspell_lsp.syntax.nodes import Function, Span
from llmspell_lsp.syntax.tokens import LUA_KEYWORDS

if TYPE_CHECKING:
    from llmspell_lsp.analysis.vocabulary import Found, Language, Vocabulary

CandidateKind = Literal[
    "class", "namespace", "method", "function", "property", "field", "variable", "constant", "keyword", "value",
    "event", "hook", "tool", "reference", "snippet", "file", "folder",
]  # fmt: skip

#: Groups in the order in which they are offered.
WANTED: Final = 0
NEEDED: Final = 1
LIKELY: Final = 2
LOCAL: Final = 3
AWAITED: Final = 4
GLOBAL: Final = 5
LANGUAGE: Final = 6
KEYWORD: Final = 7
LEAST: Final = 8


@dataclass(slots=True, frozen=True)
class Candidate:
    """Something that can be written.

    insert: what is put in where that is not the label; with `$0` or `$1` in it a snippet. plain: what is put in instead
    where the client knows no snippets, "" for the label. detail: its type on one line. about: what its documentation is
    found by. group, rank: smaller ones come first. earlier: an edit before it. colon: the mark before it becomes a
    colon. filter: what the typed word is compared with, "" for the label. note: a word beside it. goes_on: what is
    written next has completion of its own ("more"), or parameters ("call").
    """

    label: str
    kind: CandidateKind
    detail: str = ""
    about: str = ""
    insert: str = ""
    group: int = GLOBAL
    earlier: tuple[Span, str] | None = None
    deprecated: bool = False
    rank: int = 0
    plain: str = ""
    filter: str = ""
    note: str = ""
    colon: bool = False
    goes_on: Literal["", "call", "more"] = ""

    @property
    def is_snippet(self) -> bool:
        return "$0" in self.insert or "$1" in self.insert


@dataclass(slots=True, frozen=True, eq=False)
class Block:
    """Candidates that stay the same, such as all global names: what is made of them can be kept beside them."""

    language: Language
    candidates: tuple[Candidate, ...]
    number: int = field(default_factory=lambda: len(BLOCKS))

    def __post_init__(self) -> None:
        BLOCKS.append(self)


BLOCKS: Final[list[Block]] = []
"""All that were made, by number. There are as many as the registry has classes and tables: a few hundred."""


@dataclass(slots=True, frozen=True)
class Completion:
    """Candidates for a place.

    span: the word that they take the place of. without: names that the blocks leave out. far: variables far away, of
    which no more is told than their names. complete: whatever is typed on, no other could be meant.
    """

    span: Span
    candidates: Sequence[Candidate] = ()
    blocks: tuple[Block, ...] = ()
    without: frozenset[str] = frozenset()
    far: Sequence[tuple[str, CandidateKind]] = ()
    complete: bool = True

    def all(self) -> Iterator[Candidate]:
        """Every candidate, blocks included."""
        yield from self.candidates
        yield from (far(name, kind) for name, kind in self.far)
        for block in self.blocks:
            for each in block.candidates:
                if each.label not in self.without:
                    yield each


def far(name: str, kind: CandidateKind) -> Candidate:
    """A variable that is declared far away."""
    return Candidate(name, kind, group=LOCAL, rank=999)


# Of names that are found


def of_found(found: Found, words: Vocabulary, *, group: int = LIKELY, called: bool = True) -> Candidate:
    """A member or global as a candidate. called: with the brackets of a call."""
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
            kind = _field_kind(found.type)
    insert = call(found.name, found.type, words) if called else ""
    doc = found.doc if found.kind in ("option", "field") else ""
    return Candidate(
        found.name,
        kind,
        detail_of(found, words),
        about_of(found) or (f"text {remarks(doc, words.language).text}" if doc else ""),
        insert,
        group,
        deprecated="@deprecated" in doc,
        note="writable" if found.kind == "option" and found.described and found.described.get("x-writable") else "",
        goes_on="call" if insert else "",
    )


def _field_kind(type_: Type) -> CandidateKind:
    match type_:
        case Script():
            return "method"
        case ScriptClass():
            return "class"
        case _:
            return "field"


def detail_of(found: Found, words: Vocabulary) -> str:
    """Its type, on one line."""
    type_ = found.type
    if isinstance(type_, Method):
        described = type_.described
        names = [
            _parameter(words.spelled(each["name"]), each["required"], each["variadic"]) for each in described["params"]
        ]
        if described.get("x-callback"):
            names.append("callback?")
            return f"({', '.join(names)})"
        given = shown(words.given(described), words)
        return f"({', '.join(names)}){': ' + given if given and given not in ('nil', 'null') else ''}"
    if isinstance(type_, Native) and type_.signature:
        return type_.signature.removeprefix(type_.name)
    if found.kind in ("class", "namespace", "error", "maker"):
        return ""
    return shown(type_, words)


def _parameter(name: str, required: bool, variadic: bool) -> str:
    return f"...{name}" if variadic else name if required else f"{name}?"


def about_of(found: Found) -> str:
    """What the documentation of a name of the registry or the language is found by."""
    if isinstance(found.type, Native):
        return f"native {found.type.name}"
    if found.kind == "maker":
        return f"registry {found.owner}"
    if found.described is None:
        return f"text {found.doc}" if found.kind == "namespace" and found.doc else ""
    if found.kind in ("method", "property"):
        return f"registry {found.owner}.{found.described['name'].removesuffix('_async')}"
    return f"registry {found.name}" if found.kind in ("class", "namespace", "error", "global") else ""


def of_variable(
    name: str, kind: CandidateKind, type_: Type, words: Vocabulary, *, group: int, rank: int, doc: str
) -> Candidate:
    """A name that the spell declares."""
    detail = shown(type_, words)
    insert = call(name, type_, words)
    text = remarks(doc, words.language).text if doc else ""
    about = f"text {text}" if text else ""
    deprecated = "@deprecated" in doc
    more = "call" if insert else ""
    return Candidate(name, kind, detail, about, insert, group, rank=rank, deprecated=deprecated, goes_on=more)


# Calls


def call(name: str, type_: Type, words: Vocabulary) -> str:
    """What is put in for something that is called: `chat($0)`, `new{ $0 }`; "" for what is not."""
    lua = words.language == "lua"
    name = escaped(name)
    match type_:
        case Maker(extends=True):
            return f"{name}({{\n\t$0\n}})"
        case Maker(of=of):
            options = words.options(_root(of)) if _root(of) else None
            return f"{name}{{ $0 }}" if options else f"{name}($0)"
        case Method(described=described):
            params = described["params"]
            if not params and not described.get("x-callback"):
                return f"{name}()$0"
            if len(params) == 1 and _is_table(params[0]["schema"]) and not described.get("x-callback"):
                return f"{name}{{ $0 }}" if lua else f"{name}({{ $0 }})"
            return f"{name}($0)"
        case Native(result=_) if "(" in type_.signature:
            return f"{name}()$0" if "()" in type_.signature.partition(":")[0] else f"{name}($0)"
        case Script(site=site) if isinstance(site.node, Function):
            params = [each for each in site.node.parameters if each.name != "self" or not lua]
            return f"{name}($0)" if params else f"{name}()$0"
        case _:
            return ""


def constructed(name: str, of: Type, words: Vocabulary) -> str:
    """What is put in behind `new`: `Agent({ $0 })`."""
    root = _root(of)
    if not root or not words.described(root)["constructible"]:
        return f"{escaped(name)}($0)"
    own = of.members.get("constructor") if isinstance(of, ScriptClass) else None
    if own is not None:
        return f"{escaped(name)}($0)"
    return f"{escaped(name)}({{ $0 }})" if words.options(root) else f"{escaped(name)}()$0"


def _root(of: Type) -> str:
    while isinstance(of, ScriptClass):
        of = of.base
    return of.name if isinstance(of, ClassObject) else ""


def _is_table(schema: Schema) -> bool:
    """Whether only a table with known fields fits."""
    from llmspell_lsp.analysis.expect import alternatives

    found = [each for each in alternatives(schema) if each.get("type") != "null"]
    return len(found) == 1 and found[0].get("type") == "object" and bool(found[0].get("properties"))


def escaped(text: str) -> str:
    """A text as a snippet writes it."""
    return text.replace("\\", "\\\\").replace("$", "\\$") if "$" in text or "\\" in text else text


# Keys


def of_key(key: str, schema: Schema, words: Vocabulary, *, group: int, rank: int) -> Candidate:
    """A key of a table with the place of its value."""
    mark = " = " if words.language == "lua" else ": "
    filled, more = filling(schema, words)
    notes = ", ".join(dict.fromkeys(bounds(dict(schema))))
    doc = "\n\n".join(part for part in (str(schema.get("description", "")), notes) if part)
    written = f'["{key}"]' if words.language == "lua" and key in LUA_KEYWORDS else key
    return Candidate(
        key,
        "property",
        schema_text(schema, words.language),
        f"text {doc}" if doc else "",
        f"{escaped(written)}{mark}{filled}",
        group,
        rank=rank,
        plain=f"{written}{mark}",
        goes_on="more" if more else "",
    )


def filling(schema: Schema, words: Vocabulary) -> tuple[str, bool]:
    """The place of a value: inside the quotes of a text, the braces of a table; whether something is offered there."""
    from llmspell_lsp.analysis.expect import alternatives

    found = [each for each in alternatives(schema) if each.get("type") != "null"]
    if len(found) != 1:
        kinds = {each.get("type") if "x-object" not in each and "x-function" not in each else "" for each in found}
        offered = any("x-kind" in each or "x-object" in each or "enum" in each for each in found)
        return ('"$0"' if kinds == {"string"} else "$0", offered)
    lua = words.language == "lua"
    match found[0]:
        case {"x-function": _}:
            return function(found[0], words), False
        case {"x-object": _}:
            return "$0", True
        case {"type": "string"}:
            return '"$0"', "x-kind" in found[0] or "enum" in found[0]
        case {"type": "boolean"}:
            return "$0", True
        case {"type": "array"}:
            return ("{ $0 }" if lua else "[$0]"), "items" in found[0]
        case {"type": "object"}:
            return "{ $0 }", bool(found[0].get("properties"))
        case _:
            return "$0", False


def function(schema: Schema, words: Vocabulary) -> str:
    """A function that fits: `function(context) … end`, `(context) => { … }`."""
    names = ", ".join(words.spelled(name) for name in schema.get("x-params", {}))
    names = names or {"hook_handler": "context", "event_handler": "event"}.get(schema.get("x-kind", ""), "")
    return f"function({names})\n\t$0\nend" if words.language == "lua" else f"({names}) => {{\n\t$0\n}}"
