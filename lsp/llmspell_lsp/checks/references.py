"""`{{references}}` in workflows: braces that hold none, names that nothing gives, steps read before they are over.

The rules are those of `llmspell.workflows.checks`, and so are most of the words. A function may set any name and a run
may be given any, so an unknown name is only told where neither is possible, or where it is a slip of one that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from llmspell.api.names import near
from llmspell.api.references import ALWAYS, STEP
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.steps import Flow, Step, Use
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead
from llmspell_lsp.checks.finding import Finding, Related
from llmspell_lsp.checks.flows import Runs, flows, runs
from llmspell_lsp.checks.names import is_slip
from llmspell_lsp.syntax.nodes import Member, Span


def references(view: View) -> Iterator[Finding]:
    for flow in flows(view):
        if not flow.uses:
            continue
        known = runs(view, flow)
        for use in flow.uses:
            yield from _use(flow, use, known)


def _use(flow: Flow, use: Use, known: Runs) -> Iterator[Finding]:
    if use.reference is None:
        yield found("reference-syntax", use.span, f"{use.field}: {use.problem}")
        return
    name = use.reference.name
    said = f"{use.field} refers to {{{{{use.reference.text}}}}}"
    if (numbered := STEP.fullmatch(name)) is not None:
        if not 1 <= int(numbered[1]) <= use.before:
            last = use.before
            before = f"step_1 to step_{last}" if last > 1 else "step_1" if last else "none"
            message = f"{said}, which is not before it (steps before: {before})"
            yield found("reference-early", use.name_span, message)
        return
    if name in use.sees or name in ALWAYS or name in known.inputs:
        return
    givers = flow.givers(name)
    if givers:
        if not known.known:  # a run's input may have the name, too
            return
        yield _early(use, said, givers)
        return
    yield from _unknown(flow, use, known, said, name)


def _early(use: Use, said: str, givers: list[Step]) -> Finding:
    related = tuple(Related(_place(giver), f"{giver.title!r} gives it here") for giver in givers[:1])
    sibling = next((giver for giver in givers if _at_once(use.step, giver)), None)
    if sibling is not None:
        message = f"{said}, which a step gives that runs at the same time"
        return found("parallel-reads-sibling", use.name_span, message, related=related)
    if any(giver is use.step or giver in use.step.all() for giver in givers):
        return found("reference-early", use.name_span, f"{said}, which the step itself gives", related=related)
    return found("reference-early", use.name_span, f"{said}, which a later step gives", related=related)


def _place(step: Step) -> Span:
    text = step.text("output") or step.text("name")
    return absolute(step.site.placed.start, text.content) if text is not None else step.site.span


def _at_once(one: Step, other: Step) -> bool:
    """Whether two steps are in different branches of one parallel."""
    above = {id(each): each for each in _upwards(one)}
    below = other
    for each in _upwards(other):
        if id(each) in above:
            return each.kind == "parallel" and below is not each and one is not each
        below = each
    return False


def _upwards(step: Step) -> Iterator[Step]:
    at: Step | None = step
    while at is not None:
        yield at
        at = at.parent


def _unknown(flow: Flow, use: Use, known: Runs, said: str, name: str) -> Iterator[Finding]:
    names = [*use.sees, *ALWAYS, *known.inputs]
    close = next((each for each in near(name, names, 3) if is_slip(name, each)), "")
    sure = flow.complete and not flow.functions and known.known
    if sure:
        close = close or next(iter(near(name, names)), "")
    elif not close:
        return
    severity = None if sure else "warning"
    fixes = [instead(use.name_span, close)] if close else []
    message = f"{said}, and nothing gives {name!r}{ask(close)}"
    yield found("reference-unknown", use.name_span, message, *fixes, severity=severity)


# Outputs that nobody reads


def _is_open(use: Use, known: Runs) -> bool:
    """Whether a reference leads nowhere."""
    if use.reference is None:
        return True
    name = use.reference.name
    return not (name in use.sees or name in ALWAYS or name in known.inputs or STEP.fullmatch(name))


def unread(view: View) -> Iterator[Finding]:
    """Outputs of steps in order that no reference names, where nothing else could."""
    for flow in flows(view):
        known = runs(view, flow)
        if not flow.complete or flow.functions or flow.root.kind != "sequential" or not known.known:
            continue
        if any(_is_open(use, known) for use in flow.uses):  # it may have been meant
            continue
        steps = flow.root.inside
        read = {use.reference.name for use in flow.uses if use.reference is not None}
        read |= {node.name for node in view.nodes(Member)}
        for step, after in pairwise(steps):
            text = step.text("output")
            if text is None or not step.output or step.output in read or "input" not in after.entries:
                continue
            if any(use.reference and use.reference.name == f"step_{step.number}" for use in flow.uses):
                continue
            span = absolute(step.site.placed.start, text.content)
            message = f"no later step reads the output {step.output!r}"
            yield found("output-unused", span, message, tags=("unnecessary",))


FAMILY = by_chunk(references)
UNREAD = by_chunk(unread)
