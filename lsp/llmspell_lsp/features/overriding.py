"""The methods that a class of the spell's own may take over from its base, with their parameters. Knows no protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.members import members
from llmspell_lsp.analysis.types import ClassObject, Instance, Maker, Method, ScriptClass, Type
from llmspell_lsp.features import places, tables
from llmspell_lsp.features.candidates import NEEDED, WANTED, Candidate, escaped
from llmspell_lsp.syntax.lookup import path_in
from llmspell_lsp.syntax.nodes import Block, Class, Function, Node

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.context import Context


def candidates(infer: Inference, here: Context) -> list[Candidate] | None:
    """In the table of `Base:extend{ … }` and the body of `class X extends Base { … }`; None anywhere else."""
    if infer.language == "lua":
        return _in_table(infer, here)
    return _in_class(infer, here)


def _in_table(infer: Inference, here: Context) -> list[Candidate] | None:
    if not here.at_key or len(here.frames) < 2:
        return None
    callee = here.frames[1].callee
    if callee is None:
        return None
    type_ = places.type_at(infer, callee)
    if not isinstance(type_, Maker) or not type_.extends:
        return None
    table = places.table_of(infer, here.frames[0])
    written = {each.key for each in table.entries} if table is not None else set[str | None]()
    found: list[Candidate] = []
    for name, params, detail, about in _overridable(infer, type_.of):
        if name not in written:
            opens = f"{name} = function({', '.join(['self', *params])})\n\t$0\nend,"
            found.append(Candidate(name, "method", detail, about, opens, WANTED, plain=name))
    if "init" not in written:
        opens = "init = function(self, options)\n\t$0\nend,"
        doc = "text Called for each new object, with what `new` was given."
        found.append(Candidate("init", "method", "(self, options)", doc, opens, WANTED, rank=1, plain="init"))
    found += _options(infer, type_.of, written)
    return found


def _in_class(infer: Inference, here: Context) -> list[Candidate] | None:
    if here.frames or here.after not in {"{", "}", ";", "async", "static", "name", ")", "number", "text"}:
        return None
    place = infer.analysis.chunks.at(here.word.line)
    path = path_in(place, here.word.line, here.word.column)
    around = _class_body(path)
    if around is None:
        return None
    of = infer.type_of(place, around)
    written = {each.name for each in around.members}
    found: list[Candidate] = []
    asynchronous = "" if here.after == "async" else "async "
    for name, params, detail, about in _overridable(infer, of.base if isinstance(of, ScriptClass) else of):
        if name not in written:
            opens = f"{asynchronous}{escaped(name)}({', '.join(params)}) {{\n\t$0\n}}"
            found.append(Candidate(name, "method", detail, about, opens, WANTED, plain=name))
    if "constructor" not in written:
        call = "\n\tsuper(options);" if around.base is not None else ""
        opens = f"constructor(options) {{{call}\n\t$0\n}}"
        found.append(Candidate("constructor", "method", "(options)", "", opens, WANTED, rank=1, plain="constructor"))
    found += [Candidate(word, "keyword", group=NEEDED) for word in ("async", "static", "get", "set")]
    return found


def _class_body(path: Sequence[Node]) -> Class | None:
    """The class whose body, and nothing inside it, a path ends in."""
    for node in reversed(path):
        match node:
            case Class():
                return node
            case Function() | Block():
                return None
            case _:
                pass
    return None


def after_function(infer: Inference, type_: Type, mark: str) -> Iterator[Candidate]:
    """`function Writer:▮`: the name and the parameters of a method that the class may take over."""
    of = type_ if isinstance(type_, ScriptClass | ClassObject) else None
    if of is None:
        return
    for name, params, detail, about in _overridable(infer, of.base if isinstance(of, ScriptClass) else of):
        inner = params if mark == ":" else ["self", *params]
        opens = f"{name}({', '.join(inner)})\n\t$0\nend"
        yield Candidate(name, "method", detail, about, opens, WANTED, plain=name)
    inner = "options" if mark == ":" else "self, options"
    yield Candidate("init", "method", "(options)", "", f"init({inner})\n\t$0\nend", WANTED, rank=1, plain="init")


def _overridable(infer: Inference, of: Type) -> Iterator[tuple[str, list[str], str, str]]:
    """Each method that may be taken over: name, parameters, detail, and what its documentation is found by."""
    if not isinstance(of, ClassObject | ScriptClass):
        return
    for found in members(Instance(of), infer.words):
        if isinstance(found.type, Method) and found.type.described.get("overridable"):
            if found.type.described.get("x-callback"):
                continue
            params = [infer.words.spelled(each["name"]) for each in found.type.described["params"]]
            about = f"registry {found.owner}.{found.type.described['name']}"
            yield found.name, params, f"overrides {found.owner}", about


def _options(infer: Inference, of: Type, written: set[str | None]) -> Iterator[Candidate]:
    """Options of the base that the class may preset."""
    for parameter in expect.takes(infer, Maker(of) if isinstance(of, ClassObject) else of)[:1]:
        yield from tables.of_schema(infer, parameter.schema, written)
