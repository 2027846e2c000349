"""What can be written inside a text: a `{{reference}}`, a name that the place wants, a module's name.

Knows no protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.features import names, paths, places, references
from llmspell_lsp.features.candidates import WANTED, Candidate, Completion
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.context import Context
    from llmspell_lsp.workspace.snapshot import Snapshot


def complete(snapshot: Snapshot, here: Context, line: int, column: int) -> Completion | None:
    """What goes on at a place in a text; None where nobody knows what the text is for."""
    if here.text is None:
        return None
    infer = snapshot.types
    opened = here.text.before.rpartition("{{")
    if opened[1] and "}}" not in opened[2] and "\n" not in opened[2]:
        return _reference(infer, here, opened[2].lstrip(), line, column)
    if "\n" in here.text.before:
        return None
    module = _module(snapshot, here, line, column)
    if module is not None:
        return module
    wanted = places.wanted(infer, here) or places.compared(infer, here)
    if wanted is None:
        return None
    if paths.is_path(wanted.schema):
        return paths.complete(snapshot, here.text.before, line, column)
    lines = infer.analysis.chunks.lines
    end = _end(lines[line], column, here.text.quote)
    span = Span(line, column - len(here.text.before), line, end)
    return Completion(span, list(_wanted(snapshot, wanted, here.text.before)))


def _end(line: str, column: int, quote: str) -> int:
    """Where the text ends that a place is in, so that a name takes the place of all of it; else the place itself."""
    found = line.find(quote, column)
    held = line[column:found] if found >= 0 else ""
    return (
        found
        if found >= 0 and held.replace("_", "").replace("-", "").replace("/", "").replace(".", "").isalnum()
        else column
    )


def _reference(infer: Inference, here: Context, typed: str, line: int, column: int) -> Completion | None:
    found = references.candidates(infer, here, typed)
    if found is None:
        return None
    rest = infer.analysis.chunks.lines[line][column:]
    name = len(rest) - len(rest.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.*"))
    after = rest[name:].lstrip()
    span = Span(line, column - len(typed), line, column + (name if after.startswith("}}") else 0))
    if not after.startswith("}}"):
        close = "}" if after.startswith("}") else "}}"
        found = [replace(each, insert=f"{each.label}{close}", plain=f"{each.label}{close}") for each in found]
    return Completion(span, found)


def _wanted(snapshot: Snapshot, wanted: Wanted, typed: str) -> Iterator[Candidate]:
    seen: set[str] = set()
    for each in expect.alternatives(wanted.schema):
        match each:
            case {"enum": list(values)} | {"enum": tuple(values)}:
                texts = [value for value in values if isinstance(value, str)]
            case {"const": str(value)}:
                texts = [value]
            case {"type": "string", "x-kind": str(kind)} | {"x-kind": str(kind), "maxLength": _}:
                for candidate in names.of_kind(snapshot, kind, wanted, typed):
                    if candidate.label not in seen:
                        seen.add(candidate.label)
                        yield candidate
                continue
            case _:
                continue
        for rank, text in enumerate(texts):
            if text not in seen:
                seen.add(text)
                yield Candidate(text, "value", group=WANTED, rank=rank)


def _module(snapshot: Snapshot, here: Context, line: int, column: int) -> Completion | None:
    """`require("▮")`, `import … from "▮"`."""
    if snapshot.project is None or here.text is None:
        return None
    infer = snapshot.types
    frame = here.frames[0] if here.frames else None
    lua = infer.language == "lua"
    if lua or (frame is not None and frame.kind == "call"):
        if frame is None or frame.kind != "call" or frame.callee is None or frame.argument:
            return None
        if infer.analysis.document.between(*frame.callee) not in ("require", "import"):
            return None
    elif here.after not in ("from", "import"):
        return None
    typed = here.text.before.rpartition("." if lua else "/")[2]
    found = snapshot.project.module_names(infer.analysis.uri, here.text.before)
    return Completion(
        Span(line, column - len(typed), line, column),
        [Candidate(name, "folder" if folder else "file", group=WANTED) for name, folder in found],
    )
