"""JavaScript's `await` in completion: of what is a promise, the members of what it will be. Knows no protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis.members import members
from llmspell_lsp.analysis.types import Choice, Method, Promise, Type, settled
from llmspell_lsp.features.candidates import LIKELY, LOCAL, Candidate, of_found
from llmspell_lsp.syntax.backwards import Scan
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.syntax.context import Context

#: Behind these a value is meant at once, and not the promise of one.
_VALUES: Final = frozenset({"=", "return", "+", "?", ":", "&&", "||", "??", "===", "!==", "==", "!=", "!"})
_STATEMENTS: Final = frozenset({"", ";", "{", "}", ")"})


def keyword(here: Context) -> list[Candidate]:
    """`await`, high up where a value is meant."""
    likely = here.line_start or here.after in _VALUES
    return [Candidate("await", "keyword", group=LOCAL if likely else LIKELY + 5, rank=900)]


def of_promise(infer: Inference, receiver: Span, type_: Type) -> Iterator[Candidate]:
    """The members of what a promise gives: taking one puts `(await …)` around what stands before the dot."""
    given = settled(type_)
    text = infer.analysis.document.between(*receiver)
    for found in members(given, infer.words):
        candidate = of_found(found, infer.words)
        yield replace(candidate, earlier=(receiver, f"(await {text})"), note="await", rank=1)


def is_promise(type_: Type) -> bool:
    return isinstance(type_, Promise) or (
        isinstance(type_, Choice) and any(isinstance(each, Promise) for each in type_.of)
    )


def awaited(infer: Inference, here: Context, receiver: Span, type_: Type) -> Iterator[Candidate]:
    """Methods that wait, with the `await` that is missing before their object."""
    scan = Scan(infer.analysis.chunks, receiver.line, receiver.column)
    before = scan.after(0)
    starts = not infer.analysis.chunks.lines[receiver.line][: receiver.column].strip()
    if before == "await" or not (before in _VALUES or (starts and before in _STATEMENTS | {"name"})):
        return
    place = Span(receiver.line, receiver.column, receiver.line, receiver.column)
    for found in members(type_, infer.words):
        if isinstance(found.type, Method):
            described = found.type.described
            if described["waits"] and described["kind"] != "stream":
                plain = of_found(found, infer.words)
                detail = plain.detail.replace("Promise<", "", 1).removesuffix(">")
                yield replace(
                    plain,
                    label=f"await {found.name}",
                    filter=found.name,
                    insert=plain.insert,
                    plain=found.name,
                    detail=detail,
                    earlier=(place, "await "),
                    rank=2,
                )
