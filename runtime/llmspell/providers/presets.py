"""The services llmspell speaks to natively: addresses, the variables that hold their keys, and a model to begin with.

Addresses are the services' own documented OpenAI-compatible ones; Anthropic has its own protocol. A plain table.
"""

from __future__ import annotations

from typing import Final, Literal

from llmspell.frozen import frozen

ProtocolName = Literal["openai", "anthropic", "litellm"]


@frozen
class Preset:
    """url_variables: environment variables that set another address, the first that is set wins. price_name: the
    service's name in litellm and its price map. local: it runs on the person's machine and asks for no key."""

    name: str
    base_url: str = ""
    key_variables: tuple[str, ...] = ()
    default_model: str = ""
    url_variables: tuple[str, ...] = ()
    protocol: ProtocolName = "openai"
    price_name: str = ""
    stream_usage: bool = True
    local: bool = False


#: In the order in which a key in the environment chooses the default.
PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset(
            "openai",
            "https://api.openai.com/v1",
            ("OPENAI_API_KEY",),
            "gpt-4o-mini",
            ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        ),
        Preset(
            "anthropic",
            "https://api.anthropic.com",
            ("ANTHROPIC_API_KEY",),
            "claude-haiku-4-5",
            ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
            "anthropic",
        ),
        Preset(
            "gemini",
            key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            default_model="gemini-2.5-flash",
            protocol="litellm",
        ),
        Preset(
            "openrouter",
            "https://openrouter.ai/api/v1",
            ("OPENROUTER_API_KEY",),
            "openrouter/auto",
            ("OPENROUTER_API_BASE",),
        ),
        Preset(
            "groq",
            "https://api.groq.com/openai/v1",
            ("GROQ_API_KEY",),
            "openai/gpt-oss-20b",
            ("GROQ_API_BASE",),
        ),
        # Mistral counts a stream's tokens unasked and refuses fields that it does not know.
        Preset(
            "mistral",
            "https://api.mistral.ai/v1",
            ("MISTRAL_API_KEY",),
            "mistral-small-latest",
            ("MISTRAL_API_BASE",),
            stream_usage=False,
        ),
        Preset(
            "deepseek",
            "https://api.deepseek.com/v1",
            ("DEEPSEEK_API_KEY",),
            "deepseek-chat",
            ("DEEPSEEK_API_BASE",),
        ),
        Preset(
            "together",
            "https://api.together.xyz/v1",
            ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            price_name="together_ai",
        ),
        Preset(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
            "accounts/fireworks/models/llama-v3p3-70b-instruct",
            price_name="fireworks_ai",
        ),
        Preset("xai", "https://api.x.ai/v1", ("XAI_API_KEY",), "grok-4.20", ("XAI_API_BASE",)),
        Preset("cerebras", "https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",), "llama-3.3-70b"),
        Preset("ollama", "http://localhost:11434/v1", ("OLLAMA_API_KEY",), local=True),
        Preset(
            "vllm",
            "http://localhost:8000/v1",
            ("VLLM_API_KEY", "HOSTED_VLLM_API_KEY"),
            url_variables=("VLLM_BASE_URL", "HOSTED_VLLM_API_BASE"),
            price_name="hosted_vllm",
            local=True,
        ),
        Preset(
            "lmstudio",
            "http://localhost:1234/v1",
            ("LM_STUDIO_API_KEY",),
            url_variables=("LM_STUDIO_API_BASE",),
            price_name="lm_studio",
            local=True,
        ),
        Preset("llamacpp", "http://localhost:8080/v1", url_variables=("LLAMACPP_BASE_URL",), local=True),
    )
}
#: litellm's names for the same services.
ALIASES: Final = {preset.price_name: name for name, preset in PRESETS.items() if preset.price_name}
