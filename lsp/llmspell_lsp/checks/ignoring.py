"""What of the findings is told: comments in the spell and `[lint]` in llmspell.toml may silence a code, or say how much
it matters.

    -- llmspell: ignore unknown-option, wrong-type        on the line, or alone on the line above it
    // llmspell: ignore-file unused-local                 anywhere: the whole file
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

from llmspell.api.names import near
from llmspell.settings.lint import SEVERITIES, Severity
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.checks.codes import ask, found, instead
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunk
    from llmspell_lsp.workspace.snapshot import Snapshot

_SAID: Final = re.compile(r"\bllmspell:\s*(ignore-file|ignore)\b[ \t]*([^\n]*)")
_CODE: Final = re.compile(r"[A-Za-z][\w-]*")


@dataclass(slots=True)
class _Said:
    """lines: the codes that are silent on a line. everywhere: in the whole file. codes: each as it is written."""

    lines: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    everywhere: set[str] = field(default_factory=set[str])
    codes: list[tuple[str, Span]] = field(default_factory=list[tuple[str, Span]])


def told(snapshot: Snapshot, findings: Iterable[Finding], levels: Mapping[str, str]) -> list[Finding]:
    """The findings that are left, as severe as they are to be, in the order of the file, and what is wrong with the
    comments themselves. levels: `[lint]`."""
    said = _said(snapshot) if snapshot.is_script else _Said()
    kept: list[Finding] = []
    for each in (*findings, *_unknown(said)):
        level = levels.get(each.code)
        if level == "off" or each.code in said.everywhere or each.code in said.lines.get(each.span.line, ()):
            continue
        kept.append(each if level is None else replace(each, severity=cast("Severity", level)))
    kept.sort(key=lambda each: each.span)
    return kept


def _unknown(said: _Said) -> Iterator[Finding]:
    for code, span in said.codes:
        if code not in SEVERITIES:
            close = next(iter(near(code, SEVERITIES)), "")
            message = f"there is no check {code!r} to ignore{ask(close)}"
            yield found("unknown-code", span, message, *([instead(span, close)] if close else []))


def _said(snapshot: Snapshot) -> _Said:
    found_ = _Said()
    for start, _, chunk in snapshot.chunks.placed:
        for scope, line, codes in _of_chunk(chunk):
            for code, span in codes:
                found_.codes.append((code, absolute(start, span)))
            names = {code for code, _ in codes}
            if scope == "ignore-file":
                found_.everywhere |= names
            else:
                found_.lines.setdefault(start + line, set()).update(names)
    return found_


_Comment = tuple[str, int, list[tuple[str, Span]]]


def _of_chunk(chunk: Chunk) -> list[_Comment]:
    """What the comments of a chunk say: whether of the file, for which line, and the codes with their places."""
    known = chunk.facts.get("ignores")
    if isinstance(known, list):
        return cast("list[_Comment]", known)
    made: list[_Comment] = []
    if any("llmspell:" in line for line in chunk.lines):
        for comment in chunk.tree.comments:
            if "llmspell:" not in comment.text:
                continue
            line = comment.span.line
            said = _SAID.search(chunk.lines[line], comment.span.column)
            if said is None:
                continue
            codes = [
                (each[0], Span(line, each.start(), line, each.end()))
                for each in _CODE.finditer(chunk.lines[line], said.start(2), _end(said[2], said.start(2)))
            ]
            alone = not chunk.lines[line][: comment.span.column].strip()
            made.append((said[1], _next(chunk, line) if alone else line, codes))
    chunk.facts["ignores"] = made
    return made


def _end(text: str, start: int) -> int:
    """Where the list of codes ends: words that no comma leads to are for people."""
    listed = re.match(r"\s*[A-Za-z][\w-]*(\s*,\s*[A-Za-z][\w-]*)*", text)
    return start + (listed.end() if listed else 0)


def _next(chunk: Chunk, line: int) -> int:
    """The line that a comment alone on its line is about: the next one that is no such comment."""
    comments = {
        each.span.line for each in chunk.tree.comments if not chunk.lines[each.span.line][: each.span.column].strip()
    }
    line += 1
    while line in comments:
        line += 1
    return line


def ignore(snapshot: Snapshot, finding: Finding) -> tuple[Span, str]:
    """Where, and what, a comment would be that silences a finding."""
    line = finding.span.line
    text = snapshot.document.lines[line]
    indent = text[: len(text) - len(text.lstrip())]
    mark = "--" if snapshot.document.language == "lua" else "//"
    return Span(line, 0, line, 0), f"{indent}{mark} llmspell: ignore {finding.code}\n"
