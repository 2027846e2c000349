"""The workflows of a chunk, and what is done with each: whether every run of it, and its input, can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis import workflows
from llmspell_lsp.analysis.steps import Flow
from llmspell_lsp.syntax.lookup import path_in, path_to
from llmspell_lsp.syntax.nodes import Call, Declare, Member, Name, Node, Table

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.checks.chunked import View

_RUNS: Final = frozenset({"run", "execute", "run_async", "execute_async"})


@dataclass(slots=True, frozen=True)
class Runs:
    """inputs: the names that runs of a workflow are given. known: all runs, and their inputs, are in sight."""

    inputs: frozenset[str]
    known: bool


def flows(view: View) -> list[Flow]:
    """The workflows that a chunk makes."""
    kept = view.__dict__.get("flows")
    if kept is None:
        found = (workflows.flow(view.infer, view.placed, call) for call in view.nodes(Call))
        kept = view.__dict__["flows"] = [each for each in found if each is not None]
    return kept


def runs(view: View, flow: Flow) -> Runs:
    call = flow.call.node
    around = path_to(view.placed.chunk, call)
    inputs: set[str] = set()
    known = True
    uses = list(_uses(view, around))
    if not uses:
        return Runs(frozenset(), False)
    for use in uses:
        names = _input(use)
        if names is None:
            known = False
        else:
            inputs |= names
    return Runs(frozenset(inputs), known)


def _uses(view: View, around: list[Node]) -> Iterator[list[Node]]:
    """Every use of the made workflow, as the nodes around it. Nothing where it goes where nobody sees it."""
    outer = around[-2] if len(around) > 1 else None
    if isinstance(outer, Member):
        yield around
        return
    if not isinstance(outer, Declare) or len(outer.targets) != 1 or outer.targets[0].path:
        return
    binding = _declared(view, outer)
    if binding is None:
        return
    for reference in view.infer.analysis.references(binding):
        if reference.declares:
            continue
        place = view.infer.analysis.chunks.at(reference.span.line)
        nodes = path_in(place, reference.span.line, reference.span.column)
        name = next((each for each in reversed(nodes) if isinstance(each, Name)), None)
        if name is None:
            continue
        yield path_to(place.chunk, name)


def _declared(view: View, declare: Declare) -> Binding | None:
    target = declare.targets[0]
    start = view.placed.start
    return view.infer.analysis.binding_at(target.span.line + start, target.span.column)


def _input(path: list[Node]) -> frozenset[str] | None:
    """The names that one use gives a run; None where it may be anything, or is no run."""
    match path[-3:]:
        case [Call() as call, Member(name=name), _] if name in _RUNS and call.callee is path[-2]:
            pass
        case _:
            return None
    if not call.arguments:
        return frozenset()
    given = call.arguments[0]
    if not isinstance(given, Table):
        return None
    if any(each.key is None for each in given.entries):
        return None
    return frozenset(each.key for each in given.entries if each.key is not None)
