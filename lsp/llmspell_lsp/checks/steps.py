"""Steps of workflows: fields that a kind of step has not, two kinds of work, loops without an end, names that outputs
cannot have, outputs that two steps write at once.

Which fields a step may have is `llmspell.workflows.step_fields`; the words are those of the runtime.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmspell.api.names import near
from llmspell.api.references import RESERVED, STEP
from llmspell.errors import ArgumentError
from llmspell.workflows.definition import TYPES
from llmspell.workflows.step_fields import COMMON, OWN, STAGE, type_of
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.steps import Step
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead
from llmspell_lsp.checks.finding import Finding, Related
from llmspell_lsp.checks.flows import flows
from llmspell_lsp.syntax.nodes import Literal_, Span, Table, Text

_NEEDS: Final = {
    "agent": "agent",
    "tool": "tool",
    "function": "run",
    "workflow": "workflow",
    "sequential": "steps",
    "loop": "body",
    "map_reduce": "map",
    "pipeline": "stages",
}


def steps(view: View) -> Iterator[Finding]:
    for flow in flows(view):
        yield from _parts(view, flow.root)
        for step in flow.steps():
            if isinstance(step.site.node, Table) and step.entries:
                yield from _step(view, step)
        for step in (flow.root, *flow.steps()):
            yield from _output(view, step)
            if step.kind == "parallel":
                yield from _shared(step)


def _is_whole(step: Step) -> bool:
    """Whether all of its fields are in sight."""
    node = step.site.node
    return isinstance(node, Table) and not any(each.spread or each.computed is not None for each in node.entries)


def _span(step: Step, key: str = "") -> Span:
    """Where a field's name stands, else the bracket that the step begins with."""
    start = step.site.placed.start
    entry = step.entries.get(key)
    if entry is not None and entry.key_span is not None:
        return absolute(start, entry.key_span)
    span = step.site.node.span
    return absolute(start, Span(span.line, span.column, span.line, span.column + 1))


def _there(step: Step) -> dict[str, str | None]:
    """The fields as the runtime's reader asks for them: nil leaves one out."""
    return {
        key: entry.value.value if isinstance(entry.value, Text) else None
        for key, entry in step.entries.items()
        if not (isinstance(entry.value, Literal_) and entry.value.kind == "nil")
    }


def _step(view: View, step: Step) -> Iterator[Finding]:
    fields = _there(step)
    said = fields.get("type")
    if "type" in fields and (said is None or said not in TYPES):  # its value is judged where values are
        return
    try:
        kind = type_of(fields)
    except ArgumentError as error:
        transforms = step.key == "stages" and fields.keys() <= {"transformer", "name"}
        if _is_whole(step) and not transforms:
            works = [key for key in ("agent", "tool", "run", "workflow") if key in fields]
            span = _span(step, works[1] if len(works) > 1 else "")
            yield found("step-fields", span, f"{step.title}: {error.message}; {error.hint}")
        return
    words = view.infer.words
    known = COMMON | OWN[kind] | (STAGE if step.key == "stages" else frozenset())
    everything = COMMON | STAGE | frozenset().union(*OWN.values())
    for key in fields:
        if key in everything and key not in known:
            close = next(iter(near(key, sorted(known))), "")
            message = f"a step of type {kind} has no {words.spelled(key)!r}"
            may = ", ".join(words.spelled(name) for name in sorted(known - COMMON))
            yield found(
                "step-fields", _span(step, key), f"{message}{ask(words.spelled(close)) or f'; it may have: {may}'}"
            )
    needed = _NEEDS.get(kind)
    if needed is not None and needed not in fields and _is_whole(step):
        yield found("step-fields", _span(step, "type"), f"{step.title}: missing {words.spelled(needed)!r}")
        return
    yield from _parts(view, step)
    if fields.get("on_error") == "fallback" and "fallback_output" not in fields and _is_whole(step):
        field = words.spelled("fallback_output")
        message = f"{step.title} falls back, but has no {field}; give the value to go on with"
        yield found("step-fields", _span(step, "on_error"), message)


def _parts(view: View, step: Step) -> Iterator[Finding]:
    """What a kind of step needs inside, of a workflow's own options too."""
    if not _is_whole(step):
        return
    fields, words = _there(step).keys(), view.infer.words
    problem = ""
    match step.kind:
        case "loop" if not {"condition", "over", "max_iterations"} & fields:
            problem = f"is a loop without an end; give it a condition, over or {words.spelled('max_iterations')}"
        case "parallel" if not {"steps", "agents"} & fields:
            problem = "is a parallel without steps; give it steps or agents"
        case "conditional" if {"true_branch", "false_branch"} & fields and "condition" not in fields:
            problem = "has a branch but no condition; give a condition: a function or a reference"
        case "conditional" if not {"true_branch", "false_branch", "branches"} & fields:
            problem = f"is a conditional without branches; give {words.spelled('true_branch')}, or branches"
        case "sequential" | "map_reduce" | "pipeline" if step.parent is None and _NEEDS[step.kind] not in fields:
            problem = f"missing {words.spelled(_NEEDS[step.kind])!r}"
        case "loop" if step.parent is None and "body" not in fields:
            problem = "missing 'body'"
        case _:
            pass
    if problem:
        title = step.title if step.parent is not None else step.name or "the workflow"
        yield found("step-fields", _span(step), f"{title}: {problem}" if "missing" in problem else f"{title} {problem}")


def _output(view: View, step: Step) -> Iterator[Finding]:
    text = step.text("output")
    name = text.value if text is not None else ""
    if not text or not name:
        return
    plain = name.replace("-", "_")
    if name in RESERVED or STEP.fullmatch(name) or not (plain.isidentifier() and plain.isascii()) or name[0] == "-":
        span = absolute(step.site.placed.start, text.content)
        reserved = ", ".join(sorted(RESERVED))
        message = f"{name!r} cannot be an output's name: letters, digits and _; not {reserved} or step_1"
        safe = f"{name}_output" if plain.isidentifier() and not STEP.fullmatch(name) else ""
        yield found("output-reserved", span, message, *([instead(span, safe)] if safe else []))


def _shared(step: Step) -> Iterator[Finding]:
    seen: dict[str, Step] = {}
    for branch in step.inside:
        own = [each for each in branch.all() if each.output]
        for each in own:
            first = seen.get(each.output)
            text, other = each.text("output"), first.text("output") if first is not None else None
            if text is not None and first is not None and other is not None:
                span = absolute(each.site.placed.start, text.content)
                message = f"writes the output {each.output!r}, as another step does at the same time"
                related = (Related(absolute(first.site.placed.start, other.content), "written here, too"),)
                yield found("output-shared", span, message, related=related)
        for each in own:
            seen.setdefault(each.output, each)


FAMILY = by_chunk(steps)
