"""What can stand in the braces of a workflow's `{{reference}}`, and what one that stands there refers to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmspell.api.references import STEP
from llmspell.api.references import Reference as RunReference
from llmspell_lsp.analysis.members import members
from llmspell_lsp.analysis.named import flows_at
from llmspell_lsp.analysis.steps import Flow, Step, Use
from llmspell_lsp.analysis.types import Instance, Type, Value
from llmspell_lsp.analysis.workflows import agent_of
from llmspell_lsp.features.candidates import LEAST, NEEDED, WANTED, Candidate
from llmspell_lsp.syntax.lookup import path_in

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.context import Context

_BUILT_IN = {
    "input": "what the workflow was run with",
    "params": "the spell's parameters",
    "context": "everything that is known so far",
    "item": "the item at hand",
    "index": "its place, from 0",
    "iteration": "how often the body has run, from 0",
    "confidence_score": "how sure the body is, 0 until something sets it",
}


def use_at(infer: Inference, line: int, column: int) -> tuple[Flow, Use] | None:
    """The reference around a place, in the innermost workflow."""
    found: tuple[Flow, Use] | None = None
    place = infer.analysis.chunks.at(line)
    for flow in flows_at(infer, place, path_in(place, line, column)):
        for use in flow.uses:
            if use.span.holds(line, column):
                found = (flow, use)
    return found


def candidates(infer: Inference, here: Context, typed: str) -> list[Candidate] | None:
    """What may be written behind `{{`; None outside workflows."""
    found = use_at(infer, here.word.line, here.word.column)
    if found is None:
        return None
    use = found[1]
    if "." in typed:
        return [
            Candidate(f"{typed.rpartition('.')[0]}.{name}", "field", detail, group=WANTED)
            for name, detail in _fields(infer, use, typed.rpartition(".")[0])
        ]
    offered = [
        Candidate(name, "reference", told(name, steps), group=NEEDED if steps else LEAST)
        for name, steps in use.sees.items()
    ]
    steps = [step for step in use.listed if step.number <= use.before]
    offered += [
        Candidate(f"step_{step.number}", "reference", f"what {step.title} gave", group=NEEDED) for step in steps
    ]
    return list({candidate.label: candidate for candidate in offered}.values())


def givers(use: Use) -> tuple[Step, ...]:
    """The steps that a reference's name stands for; none for the input's names and those that are always there."""
    if use.reference is None:
        return ()
    numbered = STEP.fullmatch(use.reference.name)
    if numbered is not None:
        return tuple(step for step in use.listed if step.number == int(numbered[1]))[:1]
    return use.sees.get(use.reference.name, ())


def told(name: str, steps: tuple[Step, ...]) -> str:
    """What a name stands for, in a few words."""
    if not steps:
        return _BUILT_IN.get(name, "")
    step = steps[-1]
    return f"what step {step.number} ({step.kind}) gives"


def _fields(infer: Inference, use: Use, path: str) -> list[tuple[str, str]]:
    """The fields of what a path refers to, where that is known: of a tool's result."""
    name, *inner = path.split(".")
    found = givers(replace(use, reference=RunReference(path, name)))
    type_: Type | None = value_of(infer, found[-1]) if found else None
    for key in inner:
        found = infer.member(type_, key) if type_ is not None else None
        type_ = None if found is None else found.type
    if type_ is None:
        return []
    return [(found.name, found.doc) for found in members(type_, infer.words) if found.kind in ("option", "field")]


def value_of(infer: Inference, step: Step) -> Type | None:
    """What a step gives, where that can be told: a tool's result."""
    words = infer.words
    text = step.text("tool")
    name = (text.value or "").replace("-", "_") if text is not None else ""
    if name in words.registry.described["tools"]:
        return words.of_schema(words.registry.tool(name)["result"])
    made = agent_of(infer, step)
    if step.kind == "tool" and isinstance(made, Instance):
        tool = words.member(made, "execute")
        result = tool.described["result"] if tool is not None and tool.described is not None else None
        return Value(result) if result else None
    return None
