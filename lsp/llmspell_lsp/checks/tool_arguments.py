"""Arguments of tools against the tool's own schema: in `tool:execute{…}`, in a step's `params`, of built-in tools and
of those that the spell defines with a literal schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmspell_lsp.analysis import tools
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.steps import Step
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.flows import flows
from llmspell_lsp.checks.options import judged
from llmspell_lsp.checks.tool_names import executed
from llmspell_lsp.checks.values import within
from llmspell_lsp.syntax.nodes import Call, Entry, Expression, Literal_, Table, Text

_CODE: Final = "tool-arguments"


def arguments(view: View) -> Iterator[Finding]:
    for call in view.nodes(Call):
        given = call.arguments[0] if call.arguments else None
        # What is no table is judged by `options` where the tool is the spell's own.
        if isinstance(given, Table) or (isinstance(given, Text | Literal_) and executed(view, call) is not None):
            wanted = _of_call(view, call)
            if wanted is not None:
                yield from _judged(view, wanted, given)
    for flow in flows(view):
        for step in flow.steps():
            given = step.entries.get("params")
            if step.kind == "tool" and given is not None and isinstance(given.value, Table):
                wanted = tools.of_step(view.infer, step.site.placed, step.entries)
                if wanted is not None:
                    yield from _judged(replaced(view, step), wanted, given.value, given)


def replaced(view: View, step: Step) -> View:
    """The view of the chunk that a step stands in, which a variable may have led to."""
    return view if step.site.placed is view.placed else View(view.snapshot, step.site.placed)


def _judged(view: View, wanted: Wanted, given: Expression, entry: Entry | None = None) -> Iterator[Finding]:
    for place in within(wanted, given, entry, None):
        yield from judged(view, place, _CODE)


def _of_call(view: View, call: Call) -> Wanted | None:
    name = executed(view, call)
    if name is not None:
        return tools.built_in(view.infer.words, name)
    return tools.argument(view.infer, view.placed, call, 0)


FAMILY = by_chunk(arguments)
