"""What can be wrong with a document, one module a family of diagnostics. Knows no protocol.

A family is a function `(snapshot) -> Iterable[Finding]` named in `FAMILIES`; it runs when typing has paused, in the
server and in `llmspell validate` alike. A family that fails costs its own findings and a log line. What the engines'
compilers say (`compile`) is asked apart, because it takes its time in another process. `told` is what is left of all
findings after the spell's own comments and the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmspell_lsp.checks.finding import Finding
    from llmspell_lsp.workspace.snapshot import Snapshot

Family = Callable[["Snapshot"], "Iterable[Finding | None]"]
"""None among the findings: a piece of the work is done, and it may be left there."""

#: Module and name of each. With the registry and the grammar they are 60 ms, which the first answer must not wait for.
FAMILIES: Final = (
    ("options", "FAMILY"),
    ("members", "FAMILY"),
    ("fields", "FAMILY"),
    ("waiting", "FAMILY"),
    ("names", "unknown_names"),
    ("names", "unused"),
    ("asked", "FAMILY"),
    ("tool_arguments", "FAMILY"),
    ("json_schemas", "FAMILY"),
    ("references", "FAMILY"),
    ("references", "UNREAD"),
    ("steps", "FAMILY"),
    ("cycles", "FAMILY"),
    ("models", "FAMILY"),
    ("secrets", "FAMILY"),
    ("permissions", "FAMILY"),
    ("deprecation", "FAMILY"),
    ("last_run", "check"),
)


def families() -> Iterator[Family]:
    for module, name in FAMILIES:
        yield getattr(import_module(f"{__name__}.{module}"), name)


def of_files() -> Iterator[Family]:
    """For the files beside spells."""
    yield import_module(f"{__name__}.files").check


def pieces(snapshot: Snapshot, failed: Callable[[str, Exception], None]) -> Iterator[list[Finding]]:
    """What all families find in a document, in pieces of a few milliseconds. failed: is told of a family that could not
    do its work."""
    if snapshot.is_script:
        from llmspell_lsp.checks.chunked import prepared

        yield from ([] for _ in prepared(snapshot))
    for family in families() if snapshot.is_script else of_files():
        own: list[Finding] = []
        try:
            for each in family(snapshot):
                if each is None:
                    yield []
                else:
                    own.append(each)
        except Exception as error:
            failed(family.__module__, error)
        else:
            yield own


def found(snapshot: Snapshot, failed: Callable[[str, Exception], None]) -> list[Finding]:
    """All of it at once."""
    return [each for piece in pieces(snapshot, failed) for each in piece]


def levels(snapshot: Snapshot) -> Mapping[str, str]:
    """What the project says of the codes."""
    from llmspell_lsp.checks.project import settings_of

    settings = settings_of(snapshot)
    return settings.lint if settings is not None else {}


def told(snapshot: Snapshot, findings: Iterable[Finding]) -> list[Finding]:
    """Those that are shown, in the order of the file, as severe as the project wants them."""
    from llmspell_lsp.checks.ignoring import told

    return told(snapshot, findings, levels(snapshot))
