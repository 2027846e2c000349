"""What is shown between the words of a script: names of parameters at bare values, and on wish types of variables.

`PROVIDERS` are asked in turn; who knows more about places of a script, such as a last run, adds one. Knows no protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from llmspell.api.names import snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.named import calls
from llmspell_lsp.analysis.shown import shown, widened
from llmspell_lsp.analysis.types import UNKNOWN, Record
from llmspell_lsp.features.last_values import last_values
from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import Call, Declare, Expression, Literal_, Member, Name, Operation, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed
    from llmspell_lsp.workspace.snapshot import Snapshot


@dataclass(slots=True, frozen=True)
class Inlay:
    """A text at a place. before, after: a blank parts it from what stands there. tooltip: Markdown."""

    line: int
    column: int
    label: str
    kind: Literal["parameter", "type", ""] = ""
    tooltip: str = ""
    before: bool = False
    after: bool = False


@dataclass(slots=True, frozen=True)
class Shown:
    """Which hints a person wants."""

    parameters: bool = True
    types: bool = False
    values: bool = True
    """Of the last run."""


Provider = Callable[["Snapshot", int, int, Shown], Iterator[Inlay]]


def inlays(snapshot: Snapshot, first: int, last: int, wanted: Shown) -> list[Inlay]:
    """The hints of some lines, in the order of the file."""
    found = [each for provider in PROVIDERS for each in provider(snapshot, first, last, wanted)]
    return sorted(found, key=lambda each: (each.line, each.column))


def _placed(infer: Inference, first: int, last: int) -> Iterator[Placed]:
    return (place for place in infer.analysis.placed if place.start <= last and place.end > first)


# Parameters


def parameters(snapshot: Snapshot, first: int, last: int, wanted: Shown) -> Iterator[Inlay]:
    """The names of what bare values are given for: `State.set("draft", text, ttl: 60000)`."""
    if not wanted.parameters:
        return
    infer = snapshot.types
    for place in _placed(infer, first, last):
        for call in calls(place.chunk):
            if first <= call.span.end_line + place.start and call.span.line + place.start <= last:
                yield from _of_call(infer, place, call, first, last)


def _of_call(infer: Inference, place: Placed, call: Call, first: int, last: int) -> Iterator[Inlay]:
    if not any(_is_bare(each) for each in call.arguments):
        return
    params = expect.takes(infer, infer.type_of(place, call.callee), constructs=call.constructs)
    several = len(call.arguments) > 1
    for index, given in enumerate(call.arguments):
        line = given.span.line + place.start
        if index >= len(params) or params[index].variadic or not first <= line <= last or not _is_bare(given):
            continue
        parameter = params[index]
        wanted = expect.argument(infer, place, call, index)
        name = infer.words.spelled(wanted.name) if wanted is not None and wanted.name else parameter.name
        if _helps(call, given, name, index, several=several):
            yield Inlay(line, given.span.column, f"{name}:", "parameter", parameter.doc, after=True)


def _is_bare(node: Expression) -> bool:
    """A value that does not say what it is for."""
    match node:
        case Text() | Literal_():
            return True
        case Operation(operator="-", operands=[Literal_()]):
            return True
        case _:
            return False


def _helps(call: Call, given: Expression, name: str, index: int, *, several: bool) -> bool:
    """Whether the name tells more than the call does: not for a text that stands first, nor `sleep_ms(ms: 5)`."""
    if not name or name.startswith("…") or len(name) == 1:
        return False
    if isinstance(given, Text) and (not several or index == 0):
        return False
    callee = call.callee
    called = snake(callee.name if isinstance(callee, Member) else callee.text if isinstance(callee, Name) else "")
    if not several and snake(name) in called.split("_"):
        return False
    return not (isinstance(given, Text) and snake(given.value or "") == snake(name))


# Types


def types(snapshot: Snapshot, first: int, last: int, wanted: Shown) -> Iterator[Inlay]:
    """The types of variables whose value does not show it."""
    if not wanted.types:
        return
    infer = snapshot.types
    for place in _placed(infer, first, last):
        for node in walk(place.chunk.tree.block):
            line = node.span.line + place.start
            if isinstance(node, Declare) and node.kind in ("local", "const", "let", "var") and first <= line <= last:
                yield from _of_declaration(infer, place, node)


def _of_declaration(infer: Inference, place: Placed, node: Declare) -> Iterator[Inlay]:
    if node.values and isinstance(node.values[0], Text | Literal_):
        return
    for target in node.targets:
        binding = infer.analysis.binding_at(target.span.line + place.start, target.span.column)
        type_ = infer.of_binding(binding) if binding is not None and binding.name == target.name else UNKNOWN
        text = "" if isinstance(type_, Record) else shown(widened(type_), infer.words)
        if text and not text.startswith("class "):
            yield Inlay(target.span.end_line + place.start, target.span.end_column, f": {text}", "type")


# The last run


def values(snapshot: Snapshot, first: int, last: int, wanted: Shown) -> Iterator[Inlay]:
    """What lines gave when the spell was last run."""
    if wanted.values:
        for each in last_values(snapshot, first, last):
            yield Inlay(each.line, each.column, each.text, tooltip=each.tooltip, before=True)


PROVIDERS: Final[list[Provider]] = [parameters, types, values]
