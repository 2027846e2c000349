"""What can be wrong with a document, one module a family of diagnostics. Knows no protocol.

A family is a function `(snapshot) -> Iterable[Finding]` listed in `FAMILIES`; it runs when typing has paused, in the
server and in `llmspell validate` alike. A family that fails costs its own findings and a log line. What the engines'
compilers say (`compile`) is asked apart, because it takes its time in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.workspace.snapshot import Snapshot

Family = Callable[["Snapshot"], "Iterable[Finding]"]

FAMILIES: Final[tuple[Family, ...]] = ()
