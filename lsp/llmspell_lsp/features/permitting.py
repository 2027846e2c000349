"""A permission added to the project's llmspell.toml, where its other lines stay as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmspell_lsp.checks.project import settings_of
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.features.actions import Change, FileChange
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.workspace.snapshot import Snapshot

_FILE: Final = "llmspell.toml"
_HEADER: Final = re.compile(r"\s*\[permissions\]\s*(?:#.*)?$")
_SECTION: Final = re.compile(r"\s*\[")


def title(finding: Finding) -> str:
    _, permission, name = finding.data
    return f"Allow {permission} {name!r} in {_FILE}"


def permit(snapshot: Snapshot, permission: str, name: str) -> Change | None:
    """None for a file that cannot be read or whose list is written in a way that this does not know."""
    if snapshot.path is None:
        return None
    settings = settings_of(snapshot)
    path = (settings.project if settings is not None else Path(snapshot.path).parent) / _FILE
    value = json.dumps(name)
    lines = _lines(snapshot, path)
    if lines is None:
        return Change(files=(FileChange(str(path), f"[permissions]\n{permission} = [{value}]\n"),))
    found = _insertion(lines, permission, value)
    return Change(files=(FileChange(str(path), found[1], found[0]),)) if found is not None else None


def _lines(snapshot: Snapshot, path: Path) -> list[str] | None:
    """Of the file as the editor has it, or as it is on the disk; None where there is none."""
    opened = snapshot.project.document(uri_of(str(path))) if snapshot.project is not None else None
    if opened is not None:
        return opened.lines
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return None


def _insertion(lines: list[str], permission: str, value: str) -> tuple[Span, str] | None:
    """Where a text goes, and the text."""
    header = next((number for number, line in enumerate(lines) if _HEADER.match(line)), None)
    if header is None:
        last = len(lines) - 1
        column = len(lines[last])
        lead = "\n" if last or column else ""
        lead += "\n" if column else ""
        return Span(last, column, last, column), f"{lead}[permissions]\n{permission} = [{value}]\n"
    for number in range(header + 1, len(lines)):
        line = lines[number]
        if _SECTION.match(line):
            break
        if re.match(rf"\s*{permission}\s*=", line):
            close = line.rfind("]")
            if close < 0 or "#" in line:
                return None
            empty = line[:close].rstrip().endswith("[")
            return Span(number, close, number, close), value if empty else f", {value}"
    column = len(lines[header])
    return Span(header, column, header, column), f"\n{permission} = [{value}]"
