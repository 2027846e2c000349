"""What the files of a project must be told when one is called otherwise: the names that it is imported by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell_lsp.analysis.infer import Inference
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.documents.uris import path_of
from llmspell_lsp.features.links import modules
from llmspell_lsp.features.renaming import FileEdits

if TYPE_CHECKING:
    from llmspell_lsp.syntax.nodes import Span
    from llmspell_lsp.workspace.project import Project


def moved(project: Project, old: str, new: str) -> Iterator[FileEdits]:
    """The edits of other files for a file or a folder that goes from one URI to another; and of the file itself, whose
    own relative imports lead elsewhere from there."""
    source, target = path_of(old), path_of(new)
    if source is None or target is None:
        return
    project.finish()
    for uri in project.scripts(old):
        document = project.document(uri)
        path = path_of(uri)
        if document is None or path is None or document.language not in ("lua", "javascript"):
            continue
        infer = Inference.of(document, project)
        edits: list[tuple[Span, str]] = []
        for place, text in modules(infer):
            named = text.value or ""
            found = project.path(document.uri, named)
            if found is None or text.raw != named:
                continue
            goes = _moved(found, source, target)
            from_ = _moved(path, source, target)
            if goes == found and from_ == path:
                continue
            if infer.language == "lua":
                renamed = _in_lua(named, Path(found), Path(goes), Path(path), Path(from_))
            else:
                renamed = _in_javascript(named, Path(found), Path(goes), Path(from_))
            if renamed is not None and renamed != named:
                edits.append((absolute(place.start, text.content), renamed))
        if edits:
            yield FileEdits(document, sorted(edits, reverse=True))


def _moved(path: str, source: str, target: str) -> str:
    """Where a file is afterwards: it may lie in a folder that moves."""
    if path == source:
        return target
    inside = path.startswith(source.rstrip("/") + "/")
    return target + path[len(source.rstrip("/")) :] if inside else path


def _in_javascript(named: str, found: Path, goes: Path, from_: Path) -> str:
    """Relative to the file that imports, with as much of the file's name as it said before."""
    relative = os.path.relpath(goes, from_.parent)
    for left_out in ("/index.js", ".js"):
        if str(found).endswith(left_out) and not named.endswith(left_out):
            relative = relative.removesuffix(left_out)
            break
    return relative if relative.startswith(".") else f"./{relative}"


def _in_lua(named: str, found: Path, goes: Path, path: Path, from_: Path) -> str | None:
    """From the folder that the name counts from: the asking file's own, or one above it that stays."""
    stem = named.replace(".", "/")
    end = next((end for end in (f"/{stem}.lua", f"/{stem}/init.lua") if str(found).endswith(end)), None)
    if end is None:
        return None
    base = Path(str(found).removesuffix(end))
    if base == path.parent:
        base = from_.parent
    if not goes.is_relative_to(base) or goes.suffix != ".lua":
        return None
    says = str(goes.relative_to(base)).removesuffix(".lua").removesuffix("/init")
    return says if "/" in named else says.replace("/", ".")
