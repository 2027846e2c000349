"""Which provider answers for a model's name, and the instances of a run.

Names are litellm's, `provider/model`; either half may be given apart. Keys come from the environment or the settings
and go only to the host they were set for: a spell that names another `base_url` must bring its own key. Knows the
settings as plain values only.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from llmspell.api.names import near
from llmspell.errors import ArgumentError, ReplayError, SettingsError
from llmspell.frozen import frozen
from llmspell.providers import prices
from llmspell.providers.account import Account
from llmspell.providers.base import Completion, Delta, Provider, Request
from llmspell.providers.offline import MODEL as OFFLINE
from llmspell.providers.offline import Offline
from llmspell.providers.presets import ALIASES, PRESETS, Preset
from llmspell.providers.replies import Replies, read

DEFAULT_VARIABLE: Final = "LLMSPELL_DEFAULT_MODEL"
#: The fields of a `[providers.NAME]` table of the settings.
CUSTOM_FIELDS: Final = ("protocol", "base_url", "api_key", "api_key_env", "model", "headers")


@frozen
class Known:
    """A provider as `doctor` and `models list` show it; `ready`: a key is there, or none is needed."""

    name: str
    host: str
    key_variable: str
    ready: bool


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _permit(host: str, port: int) -> None:
    del host, port


def _place(url: str) -> tuple[str, int]:
    """Host and port of a service's address. Raises ArgumentError for what is none."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if not host or scheme not in ("http", "https"):
        raise ArgumentError(f"base_url {url[:100]!r} is no address of a service", hint="such as https://host/v1")
    return host, port or (443 if scheme == "https" else 80)


class Providers:
    """The providers of one run.

    environ: the host's variables. default_model: `[defaults] model`. custom: the `[providers.NAME]` tables. replies:
    what the offline model was scripted with. warn: takes the one line that says the offline model was chosen.
    permit: asked for each host and port that a spell names itself and nothing else configured; raises where it is not
    allowed.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        default_model: str = "",
        custom: Mapping[str, Mapping[str, Any]] | None = None,
        replies: Replies | None = None,
        warn: Callable[[str], None] = _warn,
        permit: Callable[[str, int], None] = _permit,
    ) -> None:
        self._environ = environ
        self._default = environ.get(DEFAULT_VARIABLE) or default_model
        self._presets = {**PRESETS, **_customised(custom or {})}
        self._custom = custom or {}
        self._warn = warn
        self._permit = permit
        self._warned = False
        self._offline = Offline(replies)
        self._instances: dict[tuple[str, str, str], Provider] = {}
        self._own: dict[tuple[str, str], Provider] = {}  # at addresses that no spell named, by preset and key

    @staticmethod
    def scripted(replies: Any, source: str = "Provider.scripted") -> Offline:
        """An offline model with these replies (a list, or what `replies.json` holds)."""
        return Offline(replies if isinstance(replies, Replies) else read(replies, source))

    def resolve(
        self,
        model: str | None = None,
        provider: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
    ) -> tuple[Provider, str]:
        """The provider for what an agent's options say, and the model's name as that provider wants it."""
        name, wanted = self._choose(model or "", provider or "", base_url or "")
        if name == OFFLINE:
            return self._offline, wanted or OFFLINE
        if name == "litellm":
            return self._litellm(wanted, base_url or "", api_key or ""), wanted
        preset = self._presets[name]
        if not wanted:
            raise ArgumentError(
                f"no model is named for provider {name!r}",
                hint=f"name a model, or set {DEFAULT_VARIABLE}={name}/…",
            )
        return self._instance(preset, base_url or "", api_key or ""), wanted

    def script(self, replies: Any, source: str = "Provider.scripted") -> None:
        """Lets the offline model answer with these replies from now on."""
        self._offline.replies = replies if isinstance(replies, Replies) else read(replies, source)

    def recorded(self, name: str) -> Provider:
        """A provider in a replay: it has the name that was recorded, and is never asked."""
        return Recorded(name)

    def prefetch(self) -> None:
        """Starts loading what the default model's provider will need, while the spell is still being read."""
        if any(self._choose_default()):
            self.resolve()[0].prefetch()

    async def close(self) -> None:
        instances = list(self._instances.values())
        self._instances.clear()
        self._own.clear()
        for instance in instances:
            await instance.close()

    def known(self) -> list[Known]:
        """The providers with an address of their own, custom ones first in name only."""
        return [
            Known(preset.name, urlsplit(self._address(preset)).netloc, next(iter(preset.key_variables), ""), ready)
            for preset in self._presets.values()
            for ready in (preset.local or bool(self._key(preset)),)
        ]

    def ready_names(self) -> Iterator[str]:
        """The default model's provider, then the services elsewhere whose key or address is known; none where the
        offline model is the default."""
        first = self._choose_default()[0]
        if first == OFFLINE:
            return
        if first:
            yield first
        for name, preset in self._presets.items():
            if name != first and not preset.local and (self._key(preset) or self._set_address(preset)):
                yield name

    @staticmethod
    def models(provider: str = "") -> Iterator[prices.ModelInfo]:
        """The price map's chat models, of one provider if it is named."""
        wanted = PRESETS[provider].price_name or provider if provider in PRESETS else provider
        return (info for info in prices.models() if info.mode != "embedding" and wanted in ("", info.provider))

    def _choose(self, model: str, provider: str, base_url: str) -> tuple[str, str]:
        """(provider, model) by name; the model is "" where nothing names one."""
        if provider:
            name = self._name(provider)
            if name == "litellm" and name != provider:  # one of litellm's own
                return name, model if model.startswith(f"{provider}/") else f"{provider}/{model}"
            own = model.removeprefix(f"{provider}/") or self._model_of(name)
            return name, own
        if not model:
            chosen = self._choose_default()
            if chosen[0]:
                return chosen
            if base_url:
                return "openai", ""
            self._say_offline()
            return OFFLINE, OFFLINE
        prefix, _, rest = model.partition("/")
        if model == OFFLINE or prefix == OFFLINE:
            return OFFLINE, rest or OFFLINE
        if rest and (prefix in self._presets or prefix in ALIASES or prefix == "litellm"):
            return ALIASES.get(prefix, prefix), rest
        if base_url:
            return "openai", model
        return self._infer(model, prefix if rest else "")

    def _infer(self, model: str, prefix: str) -> tuple[str, str]:
        if model.startswith("claude"):
            return "anthropic", model
        if model.startswith(("gpt-", "o1", "o3", "o4", "chatgpt-")):
            return "openai", model
        if prefix and prices.serves(prefix):
            return "litellm", model
        info = prices.lookup(model)
        if info is not None and not prefix:
            name = ALIASES.get(info.provider, info.provider)
            return (name, model) if name in self._presets else ("litellm", f"{info.provider}/{model}")
        # A name nobody knows goes to the service that the environment points to.
        for preset in self._presets.values():
            if preset.protocol == "openai" and (self._set_address(preset) or self._key(preset)):
                return preset.name, model
        raise ArgumentError(
            f"no provider is known for model {model!r}",
            hint=f'write provider/model, such as "openai/{model}", or give provider or base_url',
        )

    def _choose_default(self) -> tuple[str, str]:
        if self._default:
            return self._choose(self._default, "", "")
        for preset in self._presets.values():
            if preset.default_model and not preset.local and self._key(preset):
                return preset.name, preset.default_model
        return "", ""

    def _say_offline(self) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                "llmspell: no model is configured, so the built-in offline model answers; "
                f"set {DEFAULT_VARIABLE} or a provider's key, such as OPENAI_API_KEY"
            )

    def _name(self, provider: str) -> str:
        name = ALIASES.get(provider, provider)
        if name in self._presets or name in (OFFLINE, "litellm"):
            return name
        if prices.serves(provider):
            return "litellm"
        close = near(provider, [*self._presets, OFFLINE, "litellm"])
        raise ArgumentError(
            f"there is no provider {provider!r}",
            hint=f"did you mean {close[0]!r}?"
            if close
            else f"providers are {', '.join(self._presets)}, litellm, offline",
        )

    def _model_of(self, name: str) -> str:
        """The model where only the provider was named."""
        prefix, _, rest = self._default.partition("/")
        if rest and ALIASES.get(prefix, prefix) == name:
            return rest
        if name == "litellm":
            return self._default
        return self._presets[name].default_model if name in self._presets else ""

    def _set_address(self, preset: Preset) -> str:
        """The address that the settings or the environment give, "" where neither does."""
        given = self._custom.get(preset.name, {}).get("base_url")
        if given:
            return str(given)
        if preset.name == "ollama":
            return _ollama(self._environ.get("OLLAMA_HOST") or self._environ.get("OLLAMA_API_BASE") or "")
        return next((self._environ[name] for name in preset.url_variables if self._environ.get(name)), "")

    def _address(self, preset: Preset) -> str:
        return self._set_address(preset) or preset.base_url

    def _key(self, preset: Preset) -> str:
        given = self._custom.get(preset.name, {}).get("api_key")
        if given:
            return str(given)
        return next((self._environ[name] for name in preset.key_variables if self._environ.get(name)), "")

    def _account(self, preset: Preset, base_url: str, api_key: str) -> Account:
        configured = self._address(preset)
        url = base_url or configured
        place = _place(url) if url else ("", 0)  # litellm knows addresses of its own
        # Another scheme is another place too: a key meant for https must not cross the network in the clear.
        foreign = bool(base_url) and urlsplit(base_url)[:2] != urlsplit(configured)[:2]
        if foreign:
            self._permit(*place)
        variable = next(iter(preset.key_variables), "")
        return Account(
            name=preset.name,
            base_url=url,
            api_key=api_key or ("" if foreign else self._key(preset)),
            key_variable=variable,
            key_required=not preset.local and bool(variable) and url == PRESETS.get(preset.name, preset).base_url,
            price_name=preset.price_name,
            headers={} if foreign else self._custom.get(preset.name, {}).get("headers", {}),
            environ=self._environ,
        )

    def _instance(self, preset: Preset, base_url: str, api_key: str) -> Provider:
        if not base_url and (known := self._own.get((preset.name, api_key))) is not None:
            return known
        account = self._account(preset, base_url, api_key)
        key = (preset.name, account.base_url, account.api_key)
        if key not in self._instances:
            self._instances[key] = _build(preset, account)
        if not base_url:
            self._own[preset.name, api_key] = self._instances[key]
        return self._instances[key]

    def _litellm(self, model: str, base_url: str, api_key: str) -> Provider:
        """litellm under the same addresses and keys as the native providers; what it is not told it takes from its
        own variables, but no key of theirs goes to an address that was told without one."""
        prefix = model.partition("/")[0]
        preset = self._presets.get(ALIASES.get(prefix, prefix), Preset(prefix))
        account = self._account(preset, base_url, api_key)
        told = base_url or self._set_address(preset)
        if told and not account.api_key:
            account = replace(account, api_key="none")
        variable = account.key_variable or f"{prefix.upper()}_API_KEY"
        account = replace(account, name="litellm", base_url=told, key_variable=variable, key_required=False)
        key = ("litellm " + prefix, account.base_url, account.api_key)
        if key not in self._instances:
            self._instances[key] = _build(Preset("litellm", protocol="litellm"), account)
        return self._instances[key]


@frozen
class Recorded:
    """Stands for a provider whose answers all come from a recording. Raises ReplayError if it is asked."""

    name: str

    async def complete(self, request: Request) -> Completion:
        raise ReplayError(f"a replay asked {self.name} for an answer")

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion, None]:
        raise ReplayError(f"a replay asked {self.name} for an answer")
        yield Delta("")  # makes this a generator

    def prefetch(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """There is nothing to close."""


def _build(preset: Preset, account: Account) -> Provider:
    match preset.protocol:
        case "openai":
            from llmspell.providers.openai import OpenAI

            return OpenAI(account, stream_usage=preset.stream_usage)
        case "anthropic":
            from llmspell.providers.anthropic import Anthropic

            return Anthropic(account)
        case "litellm":
            from llmspell.providers.litellm import LiteLLM

            prefix = "" if preset.name == "litellm" else preset.price_name or preset.name
            return LiteLLM(account, prefix)


def _customised(custom: Mapping[str, Mapping[str, Any]]) -> dict[str, Preset]:
    """Presets of the `[providers.NAME]` tables: a known name is changed, a new one is OpenAI-compatible."""
    made: dict[str, Preset] = {}
    for name, table in custom.items():
        for key in table:
            if key not in CUSTOM_FIELDS:
                close = near(key, CUSTOM_FIELDS)
                hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(CUSTOM_FIELDS)}"
                raise SettingsError(f"[providers.{name}] has the unknown key {key!r}", hint=hint)
        preset = PRESETS.get(name, Preset(name))
        protocol: Any = table.get("protocol", preset.protocol)
        if protocol not in ("openai", "anthropic", "litellm"):
            hint = 'write "openai", "anthropic" or "litellm"'
            raise SettingsError(f"[providers.{name}] has the protocol {protocol!r}", hint=hint)
        if name not in PRESETS and protocol != "litellm" and not table.get("base_url"):
            raise SettingsError(f"[providers.{name}] has no base_url", hint='add base_url = "https://host/v1"')
        variables = (str(table["api_key_env"]),) if table.get("api_key_env") else preset.key_variables
        model = str(table.get("model", preset.default_model))
        made[name] = replace(preset, protocol=protocol, key_variables=variables, default_model=model)
    return made


def _ollama(host: str) -> str:
    """OLLAMA_HOST as an address: `host`, `host:port` or a whole one; 0.0.0.0 is where a server listens, not a goal."""
    if not host:
        return ""
    url = host if "://" in host else f"http://{host}"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 11434)
    except ValueError:
        raise SettingsError(f"OLLAMA_HOST {host[:100]!r} is no address", hint="such as 127.0.0.1:11434") from None
    name = "127.0.0.1" if parts.hostname in (None, "", "0.0.0.0") else parts.hostname
    if ":" in name:
        name = f"[{name}]"
    return f"{parts.scheme}://{name}:{port}/v1"
