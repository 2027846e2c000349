"""Workflows as they are written: steps, the names that they give, and every `{{reference}}` with what it may see.

Reads literals (`Workflow.sequential({ steps = { … } })`, through variables and functions of tables where they can be
followed). Where a part is no literal the workflow is not `complete`, and nobody may complain about names in it. The
rules of what a reference sees are those of `llmspell.workflows.checks`, on syntax instead of values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from llmspell.api.names import snake
from llmspell.api.references import ALWAYS, INSIDE, RESERVED, STEP, braces, reference
from llmspell.errors import ArgumentError
from llmspell.workflows.definition import TYPES
from llmspell.workflows.step_fields import TELLING
from llmspell_lsp.analysis.sites import Site, absolute
from llmspell_lsp.analysis.steps import Flow, Step, StepKind, Use
from llmspell_lsp.analysis.types import ClassObject, Instance, Maker, Method, Record, Script, Type
from llmspell_lsp.syntax.nodes import Call, Entry, Expression, Function, Member, Name, Span, Table, Text
from llmspell_lsp.syntax.texts import where

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.chunks import Placed


_KINDS: Final[Mapping[str, StepKind]] = {
    "sequential": "sequential",
    "create": "sequential",
    "parallel": "parallel",
    "conditional": "conditional",
    "loop": "loop",
    "map_reduce": "map_reduce",
    "pipeline": "pipeline",
}
_TEMPLATES: Final = ("input", "params", "over", "items", "fallback_output", "action", "role", "condition")
_FUNCTIONS: Final = ("run", "input_transform", "on_output", "aggregator", "transformer", "execute")
#: Fields that hold a step, a list of steps, or a function.
_BRANCHES: Final = ("true_branch", "false_branch", "default", "body", "map", "reduce")
_HOLDING: Final = ("steps", "agents", "branches", *_BRANCHES, "stages")
#: Steps inside steps: deeper ones are not read.
_DEEPEST: Final = 12


def is_workflow(infer: Inference, placed: Placed, call: Call) -> StepKind | None:
    """The kind of workflow that a call makes; None where it makes none."""
    callee = infer.type_of(placed, call.callee)
    match callee:
        case Method(owner="Workflow", described=described):
            return _KINDS.get(described["name"])
        case Maker(of=ClassObject(name="Workflow"), extends=False):
            return "sequential"
        case ClassObject(name="Workflow") if call.constructs:
            return "sequential"
        case _:
            return None


def flow(infer: Inference, placed: Placed, call: Call) -> Flow | None:
    """The workflow that a call makes, if it makes one."""
    kind = is_workflow(infer, placed, call)
    if kind is None or not call.arguments:
        return None
    return _Reader(infer).flow(placed, call, kind)


class _Reader:
    """Reads one workflow."""

    def __init__(self, infer: Inference) -> None:
        self.infer = infer
        self.complete = True
        self.functions = False
        self.uses: list[Use] = []

    def flow(self, placed: Placed, call: Call, kind: StepKind) -> Flow | None:
        found = self._table(placed, call.arguments[0])
        if found is None:
            return None
        site, entries = found
        said = _constant(entries, "type")
        root = Step(TYPES.get(said, kind) if said else kind, 0, site, entries, None, "")
        self._inside(root, 0)
        self._visit(root, dict.fromkeys(ALWAYS, ()), 0, ())
        return Flow(Site(self.infer.analysis.uri, placed, call), root, self.uses, self.complete, self.functions)

    # Steps

    def _table(self, placed: Placed, node: Expression) -> tuple[Site, dict[str, Entry]] | None:
        """The literal that an expression is, itself or through a variable, and its entries by name."""
        if not isinstance(node, Table):
            type_ = self.infer.type_of(placed, node)
            if not isinstance(type_, Record) or type_.site is None or not isinstance(type_.site.node, Table):
                return None
            placed, node = type_.site.placed, type_.site.node
            if not type_.complete or len(type_.fields) != sum(1 for each in node.entries if each.key):
                self.complete = False
        entries: dict[str, Entry] = {}
        for each in node.entries:
            if each.spread or each.computed is not None:
                self.complete = False
            elif each.key is not None:
                entries.setdefault(snake(each.key), each)
        return Site(self.infer.analysis.uri, placed, node), entries

    def _inside(self, step: Step, depth: int) -> None:
        """Reads the steps inside a step."""
        if depth > _DEEPEST:
            self.complete = False
            return
        self.functions |= any(self._is_function(step, key) for key in (*_FUNCTIONS, *_TEMPLATES))
        for key in _HOLDING:
            entry = step.entries.get(key)
            if entry is None:
                continue
            if key == "branches":
                self._branches(step, entry, depth)
            elif key in _BRANCHES:
                self._branch(step, key, entry.value, depth)
            elif step.kind != "agent":
                self._list(step, key, step.site.placed, entry.value, depth)

    def _branches(self, step: Step, entry: Entry, depth: int) -> None:
        if not isinstance(entry.value, Table):
            self.complete = False
            return
        for each in entry.value.entries:
            found = self._table(step.site.placed, each.value)
            if found is None:
                self.complete = False
            elif "steps" in found[1]:
                self._list(step, "branches", found[0].placed, found[1]["steps"].value, depth)

    def _branch(self, step: Step, key: str, node: Expression, depth: int) -> None:
        """A step, a list of steps, or a function."""
        placed = step.site.placed
        if isinstance(node, Table) and (node.shape == "array" or (node.entries and node.entries[0].key is None)):
            self._list(step, key, placed, node, depth)
        else:
            self._step(step, key, placed, node, 1, depth)

    def _list(self, step: Step, key: str, placed: Placed, node: Expression, depth: int) -> None:
        found = self._table(placed, node)
        if found is None:
            self.complete = False
            return
        site, _ = found
        items = site.node.entries if isinstance(site.node, Table) else []
        for number, each in enumerate((each for each in items if each.key is None and not each.spread), 1):
            self._step(step, key, site.placed, each.value, number, depth)

    def _step(self, parent: Step, key: str, placed: Placed, node: Expression, number: int, depth: int) -> None:
        found = None if isinstance(node, Function) else self._table(placed, node)
        if found is None:
            type_ = self.infer.type_of(placed, node)
            self.functions |= isinstance(type_, Script)
            if not isinstance(type_, Script | Instance) and key != "agents":
                self.complete = False
            kind: StepKind = "function" if isinstance(type_, Script) else "agent"
            parent.inside.append(Step(kind, number, Site(self.infer.analysis.uri, placed, node), {}, parent, key))
            return
        site, entries = found
        step = Step(_kind(entries), number, site, entries, parent, key)
        step.name, step.output = _constant(entries, "name"), _constant(entries, "output")
        if not _is_name(step.name):
            step.name = ""
        parent.inside.append(step)
        self._inside(step, depth + 1)

    def _is_function(self, step: Step, key: str) -> bool:
        entry = step.entries.get(key)
        if entry is None or isinstance(entry.value, Text | Table):
            return False
        return key in _FUNCTIONS or isinstance(self.infer.type_of(step.site.placed, entry.value), Script)

    # References

    def _visit(self, step: Step, sees: Mapping[str, tuple[Step, ...]], before: int, listed: tuple[Step, ...]) -> None:
        """Every reference of a step and those inside it, in the order in which they are met."""
        inside = {**sees, **dict.fromkeys(INSIDE.get(step.kind, ()), ())}
        if step.kind == "loop":
            inside.update(_given(step))
        for key in _TEMPLATES:
            entry = step.entries.get(key)
            if entry is not None and (step.parent is not None or key not in {"action", "role", "params"}):
                there = inside if key == "condition" and step.kind == "loop" else sees
                for text in _texts(entry.value):
                    self._text(step, key, text, there, before, listed)
        seen = dict(inside)
        group = ""
        reached = before
        for each in step.inside:
            if each.key != group and group in {"true_branch", "false_branch", "default", "branches"}:  # either, or
                seen = dict(inside)
            group = each.key
            around = (*(other for other in step.inside if other.key == each.key), *listed)
            self._visit(each, dict(seen), reached, around)
            if step.kind != "parallel":
                for name, givers in _given(each).items():
                    seen[name] = (*seen.get(name, ()), *givers)
                if step.kind != "pipeline":
                    reached = max(reached, each.number)

    def _text(
        self,
        step: Step,
        key: str,
        text: Text,
        sees: Mapping[str, tuple[Step, ...]],
        before: int,
        listed: tuple[Step, ...],
    ) -> None:
        value = text.value
        if value is None or "{{" not in value:
            return
        start_line = step.site.placed.start
        for start, end in braces(value):
            inner = value[start + 2 : end - 2] if value.endswith("}}", start + 2, end) else value[start + 2 : end]
            problem, found = "", None
            try:
                if not value.endswith("}}", start + 2, end):
                    raise ArgumentError("a reference is never closed")
                found = reference(inner)
            except ArgumentError as error:
                problem = error.message
            lead = start + 2 + len(inner) - len(inner.lstrip())
            length = len(found.name) if found is not None else len(inner.strip())
            self.uses.append(
                Use(
                    found,
                    problem,
                    absolute(start_line, Span(*where(text, start), *where(text, end))),
                    absolute(start_line, Span(*where(text, lead), *where(text, lead + length))),
                    text,
                    step,
                    key,
                    sees,
                    before,
                    listed,
                )
            )


def _kind(entries: Mapping[str, Entry]) -> StepKind:
    said = _constant(entries, "type")
    if said in TYPES:
        return "sequential" if said == "workflow" and "workflow" not in entries else TYPES[said]
    for key, kind in TELLING.items():
        if key in entries:
            return kind
    return "function"


def _constant(entries: Mapping[str, Entry], key: str) -> str:
    entry = entries.get(key)
    return (entry.value.value or "") if entry is not None and isinstance(entry.value, Text) else ""


def _is_name(text: str) -> bool:
    return text.replace("-", "_").isidentifier() and text not in RESERVED and not STEP.fullmatch(text)


def _given(step: Step) -> dict[str, tuple[Step, ...]]:
    """The names that are there once the step is over, with the steps that give them."""
    steps = [step] if step.kind == "map_reduce" else list(_visible(step))
    found: dict[str, tuple[Step, ...]] = {}
    for each in steps:
        for name in each.gives:
            found[name] = (*found.get(name, ()), each)
    return found


def _visible(step: Step) -> Iterator[Step]:
    """A step and those inside it whose names are seen outside: the items of a map keep theirs to themselves."""
    yield step
    if step.kind != "map_reduce":
        for each in step.inside:
            yield from _visible(each)


def _texts(node: Expression) -> Iterator[Text]:
    """The texts of a template: itself, or those of its tables."""
    match node:
        case Text():
            yield node
        case Table(entries=entries):
            for each in entries:
                yield from _texts(each.value)
        case _:
            return


def agent_of(infer: Inference, step: Step) -> Type | None:
    """What does a step: the type of its agent, tool or workflow where it is given as an object."""
    for key in ("agent", "tool", "workflow"):
        entry = step.entries.get(key)
        if entry is not None and isinstance(entry.value, Name | Member | Call):
            return infer.type_of(step.site.placed, entry.value)
    return None
