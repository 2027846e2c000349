"""The settings of the project that a document is in, for checks: `[lint]`, permissions, services of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmspell.settings.values import Settings
    from llmspell_lsp.workspace.snapshot import Snapshot


def settings_of(snapshot: Snapshot) -> Settings | None:
    """None where there are none that can be read. The same object as long as they are equal."""
    found = snapshot.project.settings(snapshot.document.uri) if snapshot.project is not None else None
    known = snapshot.document.facts.get(_Kept)
    if not isinstance(known, _Kept):
        known = snapshot.document.facts[_Kept] = _Kept(found, found)
    if found is not known.read:
        known.read = found
        known.given = known.given if found == known.given else found
    return known.given


@dataclass(slots=True)
class _Kept:
    """read: as they were last read. given: equal ones that were told before."""

    read: Settings | None
    given: Settings | None
