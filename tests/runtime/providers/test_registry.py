"""Which provider answers for which name, with which key, and at which address."""

from __future__ import annotations

import time
from typing import Any

import pytest

from llmspell.errors import ArgumentError, SecurityError, SettingsError
from llmspell.providers import prices
from llmspell.providers.base import Provider
from llmspell.providers.presets import PRESETS
from llmspell.providers.registry import Providers

pytestmark = pytest.mark.mission(148)


def resolve(environ: dict[str, str], *arguments: Any, **options: Any) -> tuple[str, str]:
    provider, model = Providers(environ, warn=lambda _: None, **options).resolve(*arguments)
    return provider.name, model


@pytest.mark.parametrize(
    ("environ", "arguments", "expected"),
    [
        ({}, (), ("offline", "offline")),
        ({"OPENAI_API_KEY": "k"}, (), ("openai", "gpt-4o-mini")),
        ({"ANTHROPIC_API_KEY": "k"}, (), ("anthropic", "claude-haiku-4-5")),
        ({"GEMINI_API_KEY": "k"}, (), ("gemini", "gemini-2.5-flash")),
        ({"ANTHROPIC_API_KEY": "k", "LLMSPELL_DEFAULT_MODEL": "ollama/qwen3"}, (), ("ollama", "qwen3")),
        ({"OPENAI_API_KEY": "k", "LLMSPELL_DEFAULT_MODEL": "offline"}, (), ("offline", "offline")),
        ({}, ("openai/gpt-4o",), ("openai", "gpt-4o")),
        ({}, ("gpt-4o", "openai"), ("openai", "gpt-4o")),
        ({}, ("openai/gpt-4o", "openai"), ("openai", "gpt-4o")),
        ({}, ("gpt-4o",), ("openai", "gpt-4o")),
        ({}, ("claude-opus-5",), ("anthropic", "claude-opus-5")),
        ({}, ("openrouter/anthropic/claude-opus-5",), ("openrouter", "anthropic/claude-opus-5")),
        ({}, ("together_ai/meta-llama/X",), ("together", "meta-llama/X")),
        ({}, ("meta-llama/X", "together"), ("together", "meta-llama/X")),
        ({}, (None, "anthropic"), ("anthropic", "claude-haiku-4-5")),
        ({"LLMSPELL_DEFAULT_MODEL": "groq/llama"}, (None, "groq"), ("groq", "llama")),
        ({}, ("gpt-4o", "litellm"), ("litellm", "gpt-4o")),
        ({}, ("litellm/openai/gpt-4o",), ("litellm", "openai/gpt-4o")),
        ({}, ("bedrock/amazon.nova-pro-v1:0",), ("litellm", "bedrock/amazon.nova-pro-v1:0")),
        ({}, ("nova", "bedrock"), ("litellm", "bedrock/nova")),
        ({}, ("some-model", None, "http://localhost:1/v1"), ("openai", "some-model")),
        ({"OPENAI_BASE_URL": "http://localhost:1/v1"}, ("org/some-model",), ("openai", "org/some-model")),
        ({}, ("x", "offline"), ("offline", "x")),
    ],
)
def test_names_find_their_provider(
    environ: dict[str, str], arguments: tuple[Any, ...], expected: tuple[str, str]
) -> None:
    assert resolve(environ, *arguments) == expected


def test_the_settings_default_yields_to_the_variable() -> None:
    assert resolve({}, default_model="mistral/m") == ("mistral", "m")
    assert resolve({"LLMSPELL_DEFAULT_MODEL": "groq/g"}, default_model="mistral/m") == ("groq", "g")


def test_the_offline_model_is_announced_once() -> None:
    lines: list[str] = []
    registry = Providers({}, warn=lines.append)
    assert registry.resolve()[0] is registry.resolve()[0]
    assert len(lines) == 1
    assert "offline" in lines[0]
    assert "LLMSPELL_DEFAULT_MODEL" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("x", "opnai"), "did you mean 'openai'"),
        (("nobody-knows-this",), "openai/nobody-knows-this"),
        (("nobody/knows-this",), "write provider/model"),
        ((None, "ollama"), "LLMSPELL_DEFAULT_MODEL=ollama/"),
    ],
)
def test_what_cannot_be_found_says_what_to_write(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        resolve({}, *arguments)
    assert complaint in caught.value.hint


def account(provider: Provider) -> Any:
    return provider._account  # type: ignore[attr-defined]


def test_addresses_come_from_the_usual_variables() -> None:
    def address(environ: dict[str, str], name: str) -> str:
        return account(Providers(environ).resolve(name)[0]).base_url

    assert address({"OPENAI_API_BASE": "http://a/v1"}, "openai/m") == "http://a/v1"
    assert address({"OPENAI_API_BASE": "http://a/v1", "OPENAI_BASE_URL": "http://b/v1"}, "openai/m") == "http://b/v1"
    assert address({"ANTHROPIC_BASE_URL": "http://c"}, "anthropic/m") == "http://c"
    for host, expected in {
        "0.0.0.0": "http://127.0.0.1:11434/v1",
        "box:9": "http://box:9/v1",
        "https://box": "https://box:443/v1",
        "[::1]:9": "http://[::1]:9/v1",
    }.items():
        assert address({"OLLAMA_HOST": host}, "ollama/m") == expected
    assert address({"OPENAI_BASE_URL": "http://b/v1"}, "litellm/openai/m") == "http://b/v1"


@pytest.mark.parametrize("prefix", ["openai", "anthropic", "litellm/openai"])
def test_a_key_goes_only_to_the_host_it_was_set_for(prefix: str) -> None:
    registry = Providers({"OPENAI_API_KEY": "secret", "ANTHROPIC_API_KEY": "secret"})
    named, _ = registry.resolve(f"{prefix}/m", base_url="http://elsewhere.example/v1")
    assert account(named).api_key in ("", "none")
    own, _ = registry.resolve(f"{prefix}/m", base_url="http://elsewhere.example/v1", api_key="mine")
    assert account(own).api_key == "mine"
    assert account(registry.resolve(f"{prefix}/m")[0]).api_key == "secret"
    assert "secret" not in f"{account(own)!r} {own!r} {registry.resolve(f'{prefix}/m')[0]!r}"


def test_a_host_that_a_spell_names_is_asked_for() -> None:
    def refuse(host: str, port: int) -> None:
        raise SecurityError(f"no {host}:{port}")

    registry = Providers({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, permit=refuse)
    registry.resolve("openai/m")
    registry.resolve("openai/m", base_url="http://127.0.0.1:9/v1")
    for prefix in ("openai", "litellm/openai", "litellm/bedrock"):
        with pytest.raises(SecurityError, match=r"no elsewhere\.example:80"):
            registry.resolve(f"{prefix}/m", base_url="http://elsewhere.example/v1")


def test_one_instance_serves_one_account() -> None:
    registry = Providers({"OPENAI_API_KEY": "k"})
    first = registry.resolve("openai/a")[0]
    assert registry.resolve("openai/b")[0] is first
    assert registry.resolve("openai/a", api_key="other")[0] is not first


def test_the_settings_add_and_change_providers() -> None:
    custom = {
        "corp": {"base_url": "http://corp/v1", "api_key_env": "CORP_KEY", "model": "m", "headers": {"x-team": "t"}},
        "openai": {"base_url": "http://proxy/v1"},
        "claude": {"base_url": "http://corp", "protocol": "anthropic"},
    }
    registry = Providers({"CORP_KEY": "k"}, custom=custom)
    provider, model = registry.resolve(provider="corp")
    assert (provider.name, model, account(provider).api_key) == ("corp", "m", "k")
    assert account(provider).headers == {"x-team": "t"}
    assert account(registry.resolve("openai/m")[0]).base_url == "http://proxy/v1"
    assert type(registry.resolve("claude/m")[0]).__name__ == "Anthropic"
    with pytest.raises(SettingsError, match="unknown key 'base_ulr'"):
        Providers({}, custom={"x": {"base_ulr": "y"}})
    with pytest.raises(SettingsError, match="has no base_url"):
        Providers({}, custom={"x": {}})


def test_known_providers_say_whether_they_are_ready() -> None:
    known = {one.name: one for one in Providers({"OPENAI_API_KEY": "k"}).known()}
    assert known["openai"].ready
    assert not known["anthropic"].ready
    assert known["ollama"].ready
    assert (known["anthropic"].host, known["anthropic"].key_variable) == ("api.anthropic.com", "ANTHROPIC_API_KEY")


def test_the_price_table_is_the_one_litellm_brings() -> None:
    assert prices.PATH.read_text() == prices.generate(), "run: python -m llmspell.providers.prices"


def test_a_price_is_found_within_its_time() -> None:
    started = time.process_time()
    info = prices.lookup("gpt-4o-mini", "openai")
    assert time.process_time() - started < 0.005
    assert info is not None
    assert (info.context, info.input_price, info.output_price, info.vision) == (128000, 0.15, 0.6, True)
    assert prices.lookup("gpt-4o-mini-nope") is None
    assert prices.cost("openai", "nope", 1, 1) is None


@pytest.mark.parametrize(
    "preset", [preset for preset in PRESETS.values() if preset.default_model], ids=lambda p: p.name
)
def test_every_default_model_is_a_known_one(preset: Any) -> None:
    # OpenRouter's router chooses among models of different prices: it has none of its own.
    assert preset.name == "openrouter" or prices.lookup(preset.default_model, preset.price_name or preset.name)


def test_models_are_listed_by_provider() -> None:
    names = {info.name for info in Providers.models("anthropic")}
    assert "claude-haiku-4-5" in names
    assert "gpt-4o" not in names
    assert len(list(Providers.models())) > 1000


@pytest.mark.parametrize("url", ["http://[bad", "http://host:99999", "nonsense", "ftp://host/v1"])
def test_what_is_no_address_is_said_before_anybody_is_asked(url: str) -> None:
    for environ, more in (
        ({"OPENAI_API_KEY": "k"}, {"base_url": url}),
        ({"OPENAI_API_KEY": "k", "OPENAI_API_BASE": url}, {}),
    ):
        with pytest.raises(ArgumentError, match="no address"):
            Providers(environ).resolve(model="openai/m", **more)
    if url.startswith("http:"):
        with pytest.raises(SettingsError, match="OLLAMA_HOST"):
            Providers({"OLLAMA_HOST": url}).resolve(model="ollama/m")
