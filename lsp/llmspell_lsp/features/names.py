"""Names that a text may hold, by kind: hook points, events and tools of the registry, and what the project names.

Further lists, such as models, stand in `SOURCES`. Knows no place and no protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from llmspell_lsp.analysis.named import of_chunk
from llmspell_lsp.analysis.reach import Reach, keep, kept
from llmspell_lsp.analysis.vocabulary import Language, vocabulary
from llmspell_lsp.features import model_names
from llmspell_lsp.features.candidates import NEEDED, WANTED, Candidate

if TYPE_CHECKING:
    from llmspell_lsp.analysis.expect import Wanted
    from llmspell_lsp.analysis.named import NameKind
    from llmspell_lsp.workspace.snapshot import Snapshot

SOURCES: Final[dict[str, Callable[[Snapshot, Wanted | None, str], Iterator[Candidate]]]] = {
    "model": model_names.models,
    "provider": model_names.providers,
}
"""Who knows names of a kind beside the registry and the project's own: by `x-kind`."""


_PERMISSIONS: Final = {
    "read": "reads files",
    "write": "writes files",
    "net": "opens connections",
    "exec": "starts programs",
    "env": "reads the environment",
}

#: Kinds that a spell names itself, and of them those that are named by asking for them.
_NAMED: Final = frozenset[str]({"agent", "tool", "workflow", "state_key", "event"})
_FREE: Final = frozenset[str]({"state_key", "event"})


def of_kind(snapshot: Snapshot, kind: str, wanted: Wanted | None = None, typed: str = "") -> Iterator[Candidate]:
    """Each name of a kind once, the spell's own first. wanted: what the place is for. typed: what stands there."""
    infer = snapshot.types
    seen: set[str] = set()
    for name in _here(snapshot, kind):
        if name not in seen:
            seen.add(name)
            yield Candidate(name, "value", "named in this file", group=WANTED)
    for name, file in _elsewhere(snapshot, kind):
        if name not in seen:
            seen.add(name)
            yield Candidate(name, "value", f"named in {file}", group=WANTED, rank=1)
    more = SOURCES[kind](snapshot, wanted, typed) if kind in SOURCES else ()
    for each in (*registered(infer.language, kind), *more):
        if each.label not in seen:
            seen.add(each.label)
            yield each


@cache
def registered(language: Language, kind: str) -> tuple[Candidate, ...]:
    """The registry's names of a kind."""
    words = vocabulary(language)
    match kind:
        case "hook_point":
            found = [
                Candidate(name, "hook", _first(point["doc"]), f"registry {name}")
                for name, point in words.hook_points.items()
            ]
        case "event":
            found = [
                Candidate(name, "event", _first(each["doc"]), f"registry {name}") for name, each in words.events.items()
            ]
        case "tool":
            found = [
                Candidate(name, "tool", tool, f"registry {tool}")
                for name, tool in words.registry.described["tools"].items()
            ]
        case "permission":
            found = [Candidate(name, "value", doc) for name, doc in _PERMISSIONS.items()]
        case _:
            found = []
    return tuple(replace(each, group=NEEDED, rank=rank) for rank, each in enumerate(found))


def _first(doc: str) -> str:
    """The first sentence."""
    sentence = doc.partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= 80 else f"{sentence[:79]}…"


def _here(snapshot: Snapshot, kind: str) -> Iterator[str]:
    """The names of a kind that the document itself gives, read anew only where something has changed."""
    infer, project = snapshot.types, snapshot.project
    analysis = infer.analysis
    reach = Reach.of(analysis, project.state(analysis.uri) if project is not None else None)
    fresh: list[tuple[int, list[tuple[str, str]]]] = []
    for index, place in enumerate(analysis.placed):
        known = kept(place.chunk, _here, reach.number(index))
        if known is None:
            known = [(each.kind, each.name) for each in of_chunk(infer, place) if each.gives or each.kind in _FREE]
            fresh.append((index, known))
        yield from (name for each, name in known if each == kind)
    if fresh:
        # Which files are imported is known once the types are.
        reach = Reach.of(analysis, project.state(analysis.uri) if project is not None else None)
        for index, known in fresh:
            keep(analysis.placed[index].chunk, _here, reach.number(index), known)


def _elsewhere(snapshot: Snapshot, kind: str) -> Iterator[tuple[str, str]]:
    """Names that other files of the project give, with the file's name."""
    if snapshot.project is None or kind not in _NAMED:
        return
    for mention in snapshot.project.mentions(snapshot.document.uri, cast("NameKind", kind)):
        if mention.gives or kind in _FREE:
            yield mention.name, mention.uri.rpartition("/")[2]
