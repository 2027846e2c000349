"""Fields of tables that the registry describes: what a hook's handler is given, an event's data, results of calls.

Such a table may hold more than the registry says: a handler adds fields of its own, in this file or in another, and may
put a table of its own in a result's place. So only a name that is near a described one is told of, and only if nothing
in the document sets a field of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmspell.api.names import snake
from llmspell_lsp.analysis.given import given_to
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import Type, Value
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead, meant
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.given import given
from llmspell_lsp.checks.project import settings_of
from llmspell_lsp.syntax.nodes import Assign, Declare, Function, Member, Target

if TYPE_CHECKING:
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.snapshot import Snapshot


def fields(snapshot: Snapshot) -> Iterator[Finding | None]:
    """What the chunks find, without fields that the document itself sets on something."""
    there = given(snapshot).fields if snapshot.is_script else frozenset[str]()
    for each in _chunks(snapshot):
        if each is None or each.data not in there:
            yield each


def _fields(view: View) -> Iterator[Finding]:
    targets = {id(target) for assign in view.nodes(Assign) for target in assign.targets}
    for node in view.nodes(Member):
        if id(node) not in targets:
            yield from _field(view, view.infer.type_of(view.placed, node.object), node.name, node.name_span)
    if view.lua:
        return
    for function in view.nodes(Function):
        for index, parameter in enumerate(function.parameters):
            if parameter.pattern is not None:
                of = given_to(view.infer, view.placed, function, index)
                yield from _pattern(view, of, parameter.pattern.targets)
    for declare in view.nodes(Declare):
        if declare.kind != "loop" and declare.values:
            yield from _pattern(view, view.infer.type_of(view.placed, declare.values[0]), declare.targets)


def _pattern(view: View, of: Type, targets: list[Target]) -> Iterator[Finding]:
    """`({ promt }) => …`: names of a pattern's first level."""
    for target in targets:
        if len(target.path) == 1 and target.path[0] == target.name and not target.rest:
            yield from _field(view, of, target.name, target.span, fixable=False)


def _field(view: View, of: Type, name: str, span: Span, *, fixable: bool = True) -> Iterator[Finding]:
    if not isinstance(of, Value) or not _is_described(view, of) or view.infer.member(of, name) is not None:
        return
    known = {each.name for each in view.infer.words.members(of)}
    close = meant(view.infer.words.spelled(snake(name)), known)
    if close:
        place = absolute(view.placed.start, span)
        fixes = [instead(place, close)] if fixable else []
        what = {"HookContext": "a handler is given", "EventData": "this event brings"}.get(of.schema["x-name"])
        told = f"{what} no field {name!r}" if what else f"there is no field {name!r} here"
        yield found("unknown-field", place, f"{told}{ask(close)}", *fixes, data=name)


def _is_described(view: View, of: Value) -> bool:
    schema = view.infer.words.whole(of.schema)
    if "x-name" not in schema or schema.get("additionalProperties") or schema.get("x-custom"):
        return False
    settings = settings_of(view.snapshot) if schema["x-name"] == "HookContext" else None
    return settings is None or not settings.hooks.files  # their handlers may have put it there


_chunks = by_chunk(_fields)
FAMILY = fields
