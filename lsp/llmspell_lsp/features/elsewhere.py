"""The places of a subject in the other files of the project: who asks for an agent, who uses what a module exports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.documents.uris import normal, path_of
from llmspell_lsp.features.occurrences import Occurrence, occurrences
from llmspell_lsp.features.subjects import Called, Local, Own, Subject

if TYPE_CHECKING:
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.documents.document import Document
    from llmspell_lsp.workspace.project import Project
    from llmspell_lsp.workspace.snapshot import Snapshot


def everywhere(
    snapshot: Snapshot, about: Subject, *, complete: bool = True
) -> Iterator[tuple[Document, list[Occurrence]]]:
    """The places of a subject by file: the snapshot's own first, even without any, the others where there are some.
    complete: files that nobody has looked at yet are read first."""
    infer = snapshot.types
    yield snapshot.document, occurrences(infer, about)
    if snapshot.project is None:
        return
    if complete:
        snapshot.project.finish()
    for other in _shared(infer, about):
        for document in _files(snapshot.project, snapshot.document, other):
            found = occurrences(Inference.of(document, snapshot.project), other)
            if found:
                yield document, found


def _shared(infer: Inference, about: Subject) -> Iterator[Called | Own]:
    """The subject as other files see it."""
    match about:
        case Called() if about.kind not in ("hook_point", "model", "provider", "path"):
            yield about
        case Own():
            yield about
        case Local(binding=binding):
            yield from exported(infer, binding)
        case _:
            return


def exported(infer: Inference, binding: Binding) -> Iterator[Own]:
    """A variable under each name that its file exports it by."""
    if infer.language != "javascript" or binding.local.scope.parent is not None:
        return
    for name, (_, found, _) in infer.analysis.exports().items():
        if found is not None and found.local is binding.local and name != "default":
            node = binding.local.node or binding.declaration
            yield Own(infer.analysis.uri, absolute(binding.placed.start, node.span), name)


def _files(project: Project, here: Document, about: Called | Own) -> Iterator[Document]:
    """The other files that may name it, by their text alone where that can tell."""
    if isinstance(about, Called):
        uris = [each.uri for each in project.mentions(here.uri, about.kind)]
    else:
        uris = project.scripts(here.uri)
    path = path_of(about.uri) if isinstance(about, Own) else None
    module = PurePosixPath(path).stem if path is not None else ""
    for uri in dict.fromkeys(uris):
        if normal(uri) == normal(here.uri):
            continue
        document = project.document(uri)
        if document is None or document.language not in ("lua", "javascript"):
            continue
        if isinstance(about, Own):
            home = normal(uri) == normal(about.uri)
            if not _holds(document, about.name) or not (home or _holds(document, module)):
                continue
        yield document


def _holds(document: Document, text: str) -> bool:
    return any(text in line for line in document.lines)
