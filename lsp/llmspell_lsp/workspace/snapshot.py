"""What a feature sees of a document while it answers one request. Knows no protocol.

A snapshot is made anew for each request and each check, which costs nothing; what is worked out of a text is kept with
its document, and brought up to date when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmspell_lsp.documents.document import Document

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference, Modules
    from llmspell_lsp.analysis.scope import Analysis
    from llmspell_lsp.live.board import Board, Seen
    from llmspell_lsp.syntax.chunks import Chunks
    from llmspell_lsp.workspace.project import Project


@dataclass(slots=True, frozen=True)
class Snapshot:
    """path: the document's file, None where it has none. folders: the paths of the folders that the editor has open."""

    document: Document
    path: str | None = None
    folders: Sequence[str] = field(default=())
    project: Project | None = None
    """The files around it: what is imported from them, and what they name."""
    board: Board | None = None
    """The last runs of spells."""

    @property
    def modules(self) -> Modules | None:
        """The project's other files, for what is imported from them."""
        return self.project

    @property
    def last_run(self) -> Seen | None:
        """The last run of the document, laid onto its present text."""
        return None if self.board is None else self.board.of(self.document)

    @property
    def is_script(self) -> bool:
        return self.document.language in ("lua", "javascript")

    @property
    def chunks(self) -> Chunks:
        """Of a script, up to date. Raises ValueError for a document that is none (`is_script`)."""
        from llmspell_lsp.syntax.chunks import Chunks  # tree-sitter, 5 ms, once there is a script to read

        return Chunks.of(self.document)

    @property
    def analysis(self) -> Analysis:
        """Which name is which declaration. Of a script."""
        from llmspell_lsp.analysis.scope import Analysis

        return Analysis.of(self.document)

    @property
    def types(self) -> Inference:
        """What expressions hold. Of a script."""
        from llmspell_lsp.analysis.infer import Inference  # with the registry 20 ms, once there is a script to read

        return Inference.of(self.document, self.project)
