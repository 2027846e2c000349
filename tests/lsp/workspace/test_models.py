"""Models with window and prices: what is known of one, what is offered where, and what that costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from llmspell_lsp.features.completion import complete
from llmspell_lsp.features.hover import hover
from llmspell_lsp.workspace import models
from llmspell_lsp.workspace.providers import key_variables, known

Desk = Callable[[], Any]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in known():
        for variable in key_variables(name):
            monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("name", "provider"),
    [("gpt-4o-mini", ""), ("openai/gpt-4o-mini", ""), ("gpt-4o-mini", "openai"), ("openai/gpt-4o-mini", "openai")],
)
def test_one_model_by_any_of_its_names(name: str, provider: str) -> None:
    found = models.model(name, provider)
    assert found is not None
    assert (found.context, found.max_output, found.input_price, found.output_price, found.mode) == (
        128_000, 16_384, 0.15, 0.6, "chat",
    )  # fmt: skip


def test_a_model_that_nobody_has() -> None:
    assert models.model("gpt-nowhere") is None
    assert models.models("nobody") == ()


def test_the_models_of_a_service() -> None:
    names = {models.short(each) for each in models.models("anthropic")}
    assert "claude-haiku-4-5" in names and not any("/" in name for name in names)
    assert {models.short(each) for each in models.models("together")}, "the map calls it together_ai"
    assert all(each.mode in ("chat", "responses") for each in models.models("openai"))
    assert any(each.deprecation for each in models.models("openai"))


def offered(desk: Desk, name: str, text: str) -> dict[str, str]:
    at = desk()
    before, _, after = text.partition("▮")
    found = complete(at.open(name, before + after), before.count("\n"), len(before) - before.rfind("\n") - 1)
    assert found is not None
    return {each.label: each.detail for each in found.candidates}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spell.lua", 'Agent.new{ provider = "openai", model = "▮" }'),
        ("spell.js", 'new Agent({ provider: "openai", model: "▮" });'),
    ],
)
def test_models_of_the_service_beside(desk: Desk, name: str, text: str) -> None:
    found = offered(desk, name, text)
    assert found["gpt-4o-mini"] == "128k · $0.15 in · $0.6 out"
    assert "claude-haiku-4-5" not in found and "openai/gpt-4o-mini" not in found


@pytest.mark.parametrize(
    ("name", "text"),
    [("spell.lua", 'Agent.new{ model = "▮" }'), ("spell.js", 'new Agent({ model: "▮" });')],
)
def test_models_of_the_usual_services(desk: Desk, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = offered(desk, name, text)
    assert "openai/gpt-4o-mini" in found and "anthropic/claude-haiku-4-5" in found and "groq/" in found
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    found = offered(desk, name, text)
    assert "anthropic/claude-haiku-4-5" in found and "openai/" in found and "openai/gpt-4o-mini" not in found


@pytest.mark.parametrize(
    ("name", "text"),
    [("spell.lua", 'Agent.new{ model = "anthropic/cl▮" }'), ("spell.js", 'new Agent({ model: "anthropic/cl▮" });')],
)
def test_models_behind_a_slash(desk: Desk, name: str, text: str) -> None:
    found = offered(desk, name, text)
    assert {each.partition("/")[0] for each in found} == {"anthropic"}


def test_the_settings_say_which_service_is_used(desk: Desk) -> None:
    desk().write("llmspell.toml", '[defaults]\nmodel = "mistral/mistral-small-latest"\n')
    found = offered(desk, "spell.lua", 'Agent.new{ model = "▮" }')
    assert "mistral/mistral-small-latest" in found and "openai/gpt-4o-mini" not in found


@pytest.mark.parametrize(
    ("name", "text"),
    [("spell.lua", 'Agent.new{ provider = "▮" }'), ("spell.js", 'new Agent({ provider: "▮" });')],
)
def test_services(desk: Desk, name: str, text: str) -> None:
    found = offered(desk, name, text)
    assert found["openai"] == "OPENAI_API_KEY" and "offline" in found and "litellm" in found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spell.lua", 'Agent.new{ model = "openai/gpt-4o▮-mini" }'),
        ("spell.js", 'new Agent({ provider: "openai", model: "gpt-4o▮-mini" });'),
    ],
)
def test_hover(desk: Desk, name: str, text: str) -> None:
    before, _, after = text.partition("▮")
    found = hover(desk().open(name, before + after), 0, len(before))
    assert found is not None
    assert "128,000" in found.markdown and "$0.15" in found.markdown and "16,384" in found.markdown


def test_litellm_is_not_imported_and_little_is_kept() -> None:
    program = (
        "import resource, sys\n"
        "from llmspell_lsp.workspace import models\n"
        "import llmspell.providers.prices\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert models.model('openai/gpt-4o-mini')\n"
        "assert [*map(models.told, models.models('openai'))]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 'litellm' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    kilobytes, imported = done.stdout.split()
    assert imported == "False"
    assert int(kilobytes) < 10_000
