"""Every use of the thing at a place: in the whole project, in its own document, or those that may be typed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell_lsp.features.elsewhere import everywhere
from llmspell_lsp.features.labels import label
from llmspell_lsp.features.meaning import This, Variable, meaning
from llmspell_lsp.features.occurrences import Occurrence, occurrences
from llmspell_lsp.features.subjects import Subject, Var, own, subject
from llmspell_lsp.syntax.nodes import Import, Span

if TYPE_CHECKING:
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.workspace.snapshot import Snapshot


def references_to(snapshot: Snapshot, line: int, column: int) -> list[tuple[Document, list[Occurrence]]] | None:
    """The places by file, the snapshot's own first; None where nothing is known of the place."""
    found = meaning(snapshot, line, column)
    about = subject(snapshot.types, found) if found is not None else None
    if about is None:
        of_label = _of_label(snapshot, line, column) if found is None else None
        return None if of_label is None else [(snapshot.document, of_label)]
    places = dict[str, tuple["Document", list[Occurrence]]]()
    subjects = [about]
    if isinstance(found, Variable) and (there := _imported(snapshot, found)) is not None:
        subjects.append(there)
    for each in subjects:
        for document, occurring in everywhere(snapshot, each):
            known = {one.span: one for one in places.get(document.uri, (document, []))[1]}
            known.update((one.span, one) for one in occurring if one.span not in known)
            places[document.uri] = document, sorted(known.values(), key=lambda one: one.span)
    return list(places.values())


def _imported(snapshot: Snapshot, found: Variable) -> Subject | None:
    """What an import brings in, as its own file has it."""
    declaration, target = found.binding.declaration, found.binding.target
    if not isinstance(declaration, Import) or target is None or not target.path or snapshot.project is None:
        return None
    module = snapshot.project.module(snapshot.document.uri, declaration.module.value or "")
    return None if module is None else own(snapshot.types, module, str(target.path[0]))


def highlights(snapshot: Snapshot, line: int, column: int) -> list[Occurrence] | None:
    """The places in the document."""
    found = meaning(snapshot, line, column)
    if found is None:
        return _of_label(snapshot, line, column)
    if isinstance(found, This):
        return None
    about = subject(snapshot.types, found)
    if about is None:
        return [Occurrence(found.span, "text")]
    return occurrences(snapshot.types, about)


def _of_label(snapshot: Snapshot, line: int, column: int) -> list[Occurrence] | None:
    found = label(snapshot, line, column)
    if found is None:
        return None
    return [Occurrence(span, "read", declares=span == found.declared) for span in found.places]


def linked(snapshot: Snapshot, line: int, column: int) -> list[Span] | None:
    """A workflow variable's places, if typing in one of them may change the others: each holds the name and no more."""
    found = meaning(snapshot, line, column)
    about = subject(snapshot.types, found) if found is not None else None
    if not isinstance(about, Var) or not about.steps:
        return None
    spans = [each.span for each in occurrences(snapshot.types, about) if not each.before and not each.after]
    document = snapshot.document
    if any(document.between(*span) != about.name for span in spans):
        return None
    return spans if len(spans) > 1 and any(span.holds(line, column) for span in spans) else None
