"""Every name of the registry completes where it belongs and hovers with its doc, in both languages."""

from __future__ import annotations

import pytest
from tests.lsp.probes import FAMILIES, LANGUAGES, Language, holds, offered, told

from llmspell_lsp.analysis.vocabulary import vocabulary


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("family", FAMILIES)
def test_each_name_completes_and_hovers(family: str, language: Language) -> None:
    labels: dict[str, set[str]] = {}
    missing: list[str] = []
    silent: list[str] = []
    probes = list({each[:3]: each for each in FAMILIES[family](vocabulary(language))}.values())
    assert len(probes) > 5
    for probe in probes:
        if probe.how == "name":
            if probe.text not in labels:
                labels[probe.text] = offered(probe.text, language)
            if probe.name not in labels[probe.text]:
                missing.append(f"{probe.name} at {probe.text!r}")
                continue
        if (probe.doc or probe.how == "signature") and not holds(probe, told(probe, language)):
            silent.append(f"{probe.name} at {probe.text!r}")
    assert not missing, f"{len(missing)} of {len(probes)} do not complete: " + "; ".join(missing[:40])
    assert not silent, f"{len(silent)} of {len(probes)} do not hover: " + "; ".join(silent[:40])
