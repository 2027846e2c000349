"""Models and services that can be written where one is wanted, with window and price. Knows no protocol."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from llmspell_lsp.features.candidates import NEEDED, Candidate
from llmspell_lsp.syntax.nodes import Text
from llmspell_lsp.workspace import models as known
from llmspell_lsp.workspace import providers as services

if TYPE_CHECKING:
    from llmspell_lsp.analysis.expect import Wanted
    from llmspell_lsp.workspace.snapshot import Snapshot


def models(snapshot: Snapshot, wanted: Wanted | None, typed: str) -> Iterator[Candidate]:
    """Of the service that stands beside it or before the slash; else of those that the person uses."""
    beside = _beside(wanted)
    if beside:
        yield from _of(beside, alone=True)
        return
    before, slash, _ = typed.partition("/")
    if slash:
        yield from _of(before, alone=False)
        return
    settings = snapshot.project.settings(snapshot.document.uri) if snapshot.project is not None else None
    used = known.used(settings)
    for name in used:
        yield from _of(name, alone=False)
    for name in services.known():
        if name not in used and known.has_models(name):
            yield Candidate(f"{name}/", "value", "its models", group=NEEDED, rank=1000, goes_on="more")


def providers(_snapshot: Snapshot, _wanted: Wanted | None, _typed: str) -> Iterator[Candidate]:
    for rank, name in enumerate(services.known()):
        keys = " or ".join(services.key_variables(name))
        yield Candidate(name, "value", keys, group=NEEDED, rank=rank)


def _beside(wanted: Wanted | None) -> str:
    """The text of `provider` in the same table."""
    table = wanted.table if wanted is not None else None
    for each in table.entries if table is not None else ():
        if each.key == "provider" and isinstance(each.value, Text):
            return each.value.value or ""
    return ""


@cache
def _of(provider: str, *, alone: bool) -> tuple[Candidate, ...]:
    """alone: the service is named beside it."""
    return tuple(
        Candidate(
            known.short(info) if alone else f"{provider}/{known.short(info)}",
            "value",
            known.figures(info),
            f"text {known.told(info)}",
            group=NEEDED,
            rank=rank,
            deprecated=bool(info.deprecation) and _is_past(info.deprecation),
        )
        for rank, info in enumerate(known.models(provider))
    )


def _is_past(day: str) -> bool:
    from datetime import date

    return day <= date.today().isoformat()  # noqa: DTZ011  a day, wherever one is
