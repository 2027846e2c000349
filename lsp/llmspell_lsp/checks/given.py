"""The names that a document gives to agents, tools, workflows and events, as they stand in it: more than are asked for,
so that nothing is called unknown that may be known. Gathered once a chunk; knows no types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmspell_lsp.analysis.named import calls
from llmspell_lsp.syntax.lookup import of_kind
from llmspell_lsp.syntax.nodes import Assign, Call, ClassMember, Entry, Import, Member, Name, Table, Text

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk
    from llmspell_lsp.workspace.snapshot import Snapshot

_EMITS: Final = frozenset({"emit", "emit_and_wait", "emitAndWait"})
_NAMES: Final = frozenset({"name", "id"})


class Given(NamedTuple):
    """names: of agents, tools and workflows. fields: that are set on something. open: another file, or a computed name,
    may give more names."""

    names: frozenset[str]
    events: frozenset[str]
    fields: frozenset[str]
    open: bool


def given(snapshot: Snapshot) -> Given:
    """Of a document as it now stands."""
    kept = snapshot.document.facts.get(Given)
    revision = snapshot.document.revision
    if isinstance(kept, tuple) and kept[0] == revision:
        return kept[1]
    each = [of_chunk(placed.chunk) for placed in snapshot.chunks.placed]
    made = Given(
        frozenset[str]().union(*(one.names for one in each)),
        frozenset[str]().union(*(one.events for one in each)),
        frozenset[str]().union(*(one.fields for one in each)),
        any(one.open for one in each),
    )
    snapshot.document.facts[Given] = (revision, made)
    return made


def of_chunk(chunk: Chunk) -> Given:
    known = chunk.facts.get(Given)
    if isinstance(known, Given):
        return known
    names: set[str] = set()
    events: set[str] = set()
    fields: set[str] = set()
    more = bool(of_kind(chunk, Import))
    keys = [(each.key, each.value) for each in of_kind(chunk, Entry)]
    for key, value in keys + [(each.name, each.value) for each in of_kind(chunk, ClassMember)]:
        if key in _NAMES:
            if isinstance(value, Text) and value.value is not None:
                names.add(value.value)
            elif not isinstance(value, Table):
                more = True
    for assign in of_kind(chunk, Assign):
        fields |= {target.name for target in assign.targets if isinstance(target, Member)}
        for target, value in zip(assign.targets, assign.values):
            if isinstance(target, Member) and target.name in _NAMES and isinstance(value, Text):
                names.add(value.value or "")
    for call in calls(chunk):
        if isinstance(call.callee, Member) and call.callee.name == "assign":  # Object.assign(context, { … })
            tables = [each for each in call.arguments if isinstance(each, Table)]
            fields |= {each.key for table in tables for each in table.entries if each.key is not None}
        more |= isinstance(call.callee, Name) and call.callee.text == "require"
        if isinstance(call.callee, Member) and call.callee.name in _EMITS:
            events |= _texts(call)
    made = chunk.facts[Given] = Given(frozenset(names), frozenset(events), frozenset(fields), more)
    return made


def _texts(call: Call) -> set[str]:
    return {each.value for each in call.arguments if isinstance(each, Text) and each.value is not None}
