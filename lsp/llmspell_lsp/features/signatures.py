"""What the call around a place takes: its parameters, the keys of its option table, the forms it comes in.

Goes by the tokens around the place, so half-typed calls are as good as whole ones. Knows no protocol.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Parameter, Wanted
from llmspell_lsp.analysis.natives import natives
from llmspell_lsp.analysis.remarks import remarks
from llmspell_lsp.analysis.shown import schema_text, shown
from llmspell_lsp.analysis.types import ClassObject, Maker, Method, Native, Script, ScriptClass, Type, parts
from llmspell_lsp.features import places
from llmspell_lsp.syntax.backwards import Frame, Scan
from llmspell_lsp.syntax.context import Context, context
from llmspell_lsp.syntax.nodes import Function

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.workspace.snapshot import Snapshot

#: Characters of a callee that are shown; of a longer one its last name.
_LONGEST: Final = 60
_ARROW: Final = re.compile(r"[^()]*\)\s*=>")


@dataclass(slots=True, frozen=True)
class Part:
    """A parameter or key; start, end: where it stands in the label."""

    start: int
    end: int
    doc: str


@dataclass(slots=True, frozen=True)
class Signature:
    """One form of a call. active: which part the place is in; one that there is not, where it is in none."""

    label: str
    parts: tuple[Part, ...]
    doc: str
    active: int


@dataclass(slots=True, frozen=True)
class Signatures:
    forms: tuple[Signature, ...]
    active: int = 0


def signatures(snapshot: Snapshot, line: int, column: int) -> Signatures | None:
    """What the innermost call around a place takes; None where it is in none, or in one that nobody knows."""
    infer = snapshot.types
    here = context(infer.analysis.chunks, line, column)
    if here.kind == "comment":
        return None
    for depth, frame in enumerate(here.frames):
        match frame.kind:
            case "table":
                found = _table(infer, here, depth)
                if found is not None:
                    return Signatures((found,))
            case "call":
                return _call(infer, here, frame)
            case "group" if depth == 0 and (outer := _around_function(infer, here, frame)) is not None:
                found = _callback(infer, here, frame, outer)
                return None if found is None else Signatures((found,))
            case "insert" | "names" | "pattern":
                return None
            case _:
                pass
    return None


# Calls


def _call(infer: Inference, here: Context, frame: Frame) -> Signatures | None:
    if frame.callee is None:
        return None
    callee = places.callee_at(infer, frame.callee)
    several = parts(callee)
    callee = several[0] if several else callee
    params = expect.takes(infer, callee, constructs=frame.constructs)
    if not params and not isinstance(callee, Method | Native | Script | Maker):
        return None
    name = _name(infer, frame)
    argument = frame.argument - (1 if _explicit_self(infer, callee, frame) else 0)
    result = _result(infer, callee)
    doc = _doc(infer, callee)
    params = [_told(infer, each, callee, here, frame) for each in params]
    forms = [_form(infer, name, params, result, doc, argument)]
    positional = _positional(infer, callee, params)
    if not positional:
        return Signatures(tuple(forms))
    forms.append(_form(infer, name, positional, result, doc, argument))
    return Signatures(tuple(forms), 1 if _begins_with_text(infer, here, frame) else 0)


def _name(infer: Inference, frame: Frame) -> str:
    """The callee as it stands in the file, or its last name where that is long."""
    assert frame.callee is not None
    text = infer.analysis.document.between(*frame.callee)
    if len(text) > _LONGEST or "\n" in text:
        text = text.replace(":", ".").rpartition(".")[2].strip() or "…"
    return f"new {text}" if frame.constructs else text


def _explicit_self(infer: Inference, callee: Type, frame: Frame) -> bool:
    assert frame.callee is not None
    found = infer.analysis.expression_at(frame.callee)
    return found is not None and expect.takes_self(infer, callee, found[1])


def _told(infer: Inference, parameter: Parameter, callee: Type, here: Context, frame: Frame) -> Parameter:
    """A handler's parameter with what it is given at the hook point or event that the call names."""
    kinds = {each.get("x-kind") for each in expect.alternatives(parameter.schema)} if parameter.schema else set[str]()
    if not kinds & {"hook_handler", "event_handler"}:
        return parameter
    call = places.call_of(infer.analysis.chunks.at(frame.line), frame)
    beside = getattr(call.arguments[0], "value", None) if call is not None and call.arguments else None
    if not isinstance(beside, str):
        return parameter
    words = infer.words
    described = words.hook_point(beside) if "hook_handler" in kinds else words.event(beside)
    if described is None:
        return parameter
    about = [str(described["doc"])]
    if described.get("writable"):
        about.append("It may change " + ", ".join(f"`{words.spelled(name)}`" for name in described["writable"]) + ".")
    if described.get("fields"):
        about.append("It is told " + ", ".join(f"`{words.spelled(name)}`" for name in described["fields"]) + ".")
    return replace(parameter, doc="\n\n".join(about))


def _positional(infer: Inference, callee: Type, params: Sequence[Parameter]) -> list[Parameter]:
    """`Agent.new("You are …")`: the parameters of a constructor's other form."""
    of = callee.of if isinstance(callee, Maker) else callee
    while isinstance(of, ScriptClass):
        of = of.base
    if not isinstance(of, ClassObject) or len(params) != 1 or params[0].name != "options":
        return []
    properties = params[0].schema.get("properties", {})
    names: list[str] = infer.words.described(of.name)["positional"]
    return [
        Parameter(
            infer.words.spelled(name), properties[name], required=False, doc=properties[name].get("description", "")
        )
        for name in names
        if name in properties
    ]


def _begins_with_text(infer: Inference, here: Context, frame: Frame) -> bool:
    if here.text is not None and here.frames and here.frames[0] is frame:
        return True
    line = infer.analysis.chunks.lines[frame.line]
    return line[frame.column :].lstrip("( \t")[:1] in ('"', "'", "`", "[")


def _form(infer: Inference, name: str, params: Sequence[Parameter], result: str, doc: str, argument: int) -> Signature:
    label, found = f"{name}(", list[Part]()
    for index, each in enumerate(params):
        label += ", " if index else ""
        text = _parameter(infer, each)
        found.append(Part(len(label), len(label) + len(text), each.doc))
        label += text
    label += f"): {result}" if result not in ("", "nil", "null") else ")"
    if params and params[-1].variadic:
        argument = min(argument, len(params) - 1)
    return Signature(label, tuple(found), doc, argument if argument >= 0 else len(params))


def _parameter(infer: Inference, each: Parameter) -> str:
    name = f"...{each.name.lstrip('.')}" if each.variadic else each.name if each.required else f"{each.name}?"
    type_ = each.native or (schema_text(each.schema, infer.language) if each.schema else shown(each.type, infer.words))
    return f"{name}: {type_}" if type_ and type_ not in ("any", "unknown") else name


def _result(infer: Inference, callee: Type) -> str:
    words = infer.words
    match callee:
        case Method(described=described) if not described.get("x-callback"):
            return shown(words.given(described), words)
        case Native(name=name):
            entry = natives(infer.language).entries.get(name)
            return entry.result if entry is not None else ""
        case Script(site=site) if isinstance(site.node, Function):
            return shown(infer.returned(site.placed, site.node), words)
        case Maker(of=of, extends=False):
            return of.name
        case _:
            return ""


def _doc(infer: Inference, callee: Type) -> str:
    match callee:
        case Method(described=described):
            return str(described["doc"])
        case Native(name=name):
            entry = natives(infer.language).entries.get(name)
            return entry.doc if entry is not None else ""
        case Script(site=site) if isinstance(site.node, Function):
            return remarks(site.node.doc, infer.language).text
        case Maker(of=ClassObject(name=name)) | ClassObject(name=name):
            return str(infer.words.described(name)["doc"])
        case _:
            return ""


# Tables


def _table(infer: Inference, here: Context, depth: int) -> Signature | None:
    """The keys of the table that a place is in, the one that it is at made out."""
    frame = here.frames[depth]
    around = replace(here, frames=here.frames[depth:], kind="code", after="{", text=None)
    if frame.key is not None:
        around = replace(around, frames=(frame._replace(key=None), *here.frames[depth + 1 :]))
    wanted = places.wanted(infer, around)
    keys = expect.keys(wanted, wanted.table) if wanted is not None else {}
    if wanted is None or not keys:
        return None
    words = infer.words
    required = {name for each in expect.tables(wanted.schema, wanted.table) for name in each.get("required", ())}
    given = {snake(each.key) for each in wanted.table.entries if each.key} if wanted.table is not None else set[str]()
    lines = infer.analysis.chunks.lines
    typed = snake(frame.key or lines[here.word.line][here.word.column : here.word.end_column])
    active = _active(list(keys), required, given, typed)
    label, found = _title(wanted, lua=infer.language == "lua"), list[Part]()
    for index, (name, schema) in enumerate(keys.items()):
        text = words.spelled(name) + ("" if name in required else "?")
        if index == active:
            text += f": {schema_text(schema, words.language)}"
        found.append(Part(len(label), len(label) + len(text), str(schema.get("description", ""))))
        label += text + (", " if index < len(keys) - 1 else " }")
    return Signature(label, tuple(found), "", active)


def _title(wanted: Wanted, *, lua: bool) -> str:
    whole = wanted.owner and wanted.name in ("", "options", "params")
    name = wanted.owner if whole else wanted.name
    return f"{name}{{ " if lua else f"{name}({{ " if whole else f"{name}: {{ "


def _active(keys: list[str], required: set[str], given: set[str], typed: str) -> int:
    """The key that is typed; while it is not clear, the one that it may become, or that is missing."""
    if typed in keys:
        return keys.index(typed)
    if typed:
        return next((index for index, key in enumerate(keys) if key.startswith(typed)), len(keys))
    missing = [index for index, key in enumerate(keys) if key in required and key not in given]
    return missing[0] if missing else next((index for index, key in enumerate(keys) if key not in given), len(keys))


# Callbacks


def _around_function(infer: Inference, here: Context, frame: Frame) -> tuple[Frame, ...] | None:
    """The brackets around a function whose parameters are being written; None where none are."""
    chunks = infer.analysis.chunks
    scan = Scan(chunks, frame.line, frame.column)
    word = scan.at(0)
    if word is not None and word.token.text == "function":
        return Scan(chunks, word.line, word.token.column).frames()
    rest = chunks.lines[here.word.line][here.word.column :]
    return here.frames[1:] if infer.language == "javascript" and _ARROW.match(rest) else None


def _callback(infer: Inference, here: Context, frame: Frame, outer: tuple[Frame, ...]) -> Signature | None:
    """The parameters of a function that is being written where one is wanted."""
    wanted = places.wanted(infer, replace(here, frames=outer, kind="code", after=","))
    if wanted is None:
        return None
    if wanted.native.startswith("("):
        inner = wanted.native[1:].partition(") =>")[0]
        params = [
            Parameter(part.partition(":")[0], {}, native=part.partition(": ")[2]) for part in inner.split(", ") if part
        ]
        return _form(infer, "function", params, "", "", frame.argument)
    for each in expect.alternatives(wanted.schema):
        named = each.get("x-params")
        params = [Parameter(infer.words.spelled(name), schema) for name, schema in (named or {}).items()]
        match each.get("x-kind"):
            case "hook_handler":
                params = [Parameter("context", {}, native="HookContext")]
            case "event_handler":
                params = [Parameter("event", {}, native="EventData")]
            case _:
                pass
        if params:
            return _form(infer, "function", params, "", "", frame.argument)
    return None
