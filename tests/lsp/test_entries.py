"""No entry of the registry can go unnoticed: the list of those that there must be says so, and each shows in an editor,
in each language that can write it, no more once it is taken out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable

import pytest
from tests.lsp.entries import Entry, entries, listed, present, without
from tests.lsp.probes import FAMILIES, LANGUAGES, Language, Probe, offered, told

from llmspell.api.registry import registry
from llmspell_lsp.analysis.vocabulary import vocabulary

#: What nobody sees in an editor, each with the reason.
NOWHERE: dict[str, str] = {
    "class Hook": "it has no member of its own, and a script cannot name it: only objects of the classes below it are hooks",
    "field type": "the one event that has such a field describes it itself",
}


def test_the_registry_has_what_it_must_have() -> None:
    wanted, found = listed(), present()
    gone = {within: [*{*names} - {*found.get(within, ())}] for within, names in wanted.items()}
    assert {within: names for within, names in gone.items() if names} == {}
    # What is not listed could go unnoticed.
    assert found == wanted, "the registry has grown: run python tests/lsp/entries.py, and look at what it adds"


def rounds() -> dict[str, list[list[Entry]]]:
    """All entries, together where none can hide another: not inside each other, each of another holder. Classes and
    fields by themselves, for others are of them."""
    phases: dict[str, dict[int, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries(registry()):
        alone = entry.within if entry.within in ("class", "field") else f"depth {entry.depth}"
        phases[alone][id(entry.holder)].append(entry)
    return {
        phase: [
            [each[number] for each in holders.values() if number < len(each)]
            for number in range(max(map(len, holders.values())))
        ]
        for phase, holders in phases.items()
    }


PHASES = rounds()


@pytest.fixture(scope="module")
def probes() -> dict[Language, dict[Hashable, list[Probe]]]:
    """By language and entry."""
    found: dict[Language, dict[Hashable, list[Probe]]] = {}
    for language in LANGUAGES:
        words = vocabulary(language)
        own = found[language] = {}
        for family in FAMILIES.values():
            for probe in family(words):
                own.setdefault(probe.about, []).append(probe)
    return found


def seen(probe: Probe, language: Language) -> str:
    """What an editor shows of it; "" where it does not offer the name."""
    try:
        return "" if probe.how == "name" and probe.name not in offered(probe.text, language) else told(probe, language)
    except KeyError as error:  # the rest of the registry speaks of what is gone
        return repr(error)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phase", PHASES)
def test_what_is_taken_out_is_missed(
    phase: str, language: Language, probes: dict[Language, dict[Hashable, list[Probe]]]
) -> None:
    of, own = registry(), probes[language]
    unnoticed: list[str] = []
    for taken in PHASES[phase]:
        still: list[tuple[Entry, dict[Probe, str]]] = []
        with without(taken, of):
            for entry in taken:
                if language in entry.languages and entry.path not in NOWHERE:
                    shown = seen_of(own.get(entry.about, ())[:3], language)
                    if shown is not None:
                        still.append((entry, shown))
        unnoticed += [
            entry.path for entry, shown in still if all(seen(each, language) == text for each, text in shown.items())
        ]
    assert not unnoticed, f"{len(unnoticed)}: " + "; ".join(unnoticed[:60])


def seen_of(probes: Iterable[Probe], language: Language) -> dict[Probe, str] | None:
    """What is shown of an entry; None where it is not offered, though it is while it is there (`test_registry`)."""
    shown: dict[Probe, str] = {}
    for probe in probes:
        shown[probe] = seen(probe, language)
        if not shown[probe]:
            return None
    return shown


def test_taking_out_leaves_nothing_behind() -> None:
    before = repr(present())
    for taken in PHASES["depth 1"][:2]:
        with without(taken, registry()):
            assert repr(present()) != before
        assert repr(present()) == before
    assert {each.path for phase in PHASES.values() for taken in phase for each in taken} >= {*NOWHERE}
