"""What can be set: every section and key with its type, its default and one line that says what it does.

The fields' metadata is the only list of settings there is: files, variables, flags, `llmspell config show` and the
flags of `llmspell run` are read from it. This module does not know where values come from (`load`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from llmspell.frozen import frozen

Kind = Literal["text", "number", "whole", "switch", "texts", "path", "paths"]


@frozen
class About:
    """What is known of one setting. `least`: the smallest number allowed."""

    default: Any
    kind: Kind
    summary: str
    flag: str = ""
    least: float | None = None
    choices: tuple[str, ...] = ()


def setting(
    default: Any, kind: Kind, summary: str, *, flag: str = "", least: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    return field(default=default, metadata={"about": About(default, kind, summary, flag, least, choices)})


@frozen
class Defaults:
    model: str | None = setting(None, "text", "model of agents that name none, as litellm names it", flag="--model")
    provider: str | None = setting(None, "text", "provider of agents that name none")
    temperature: float | None = setting(None, "number", "how freely a model chooses its words", least=0)
    max_tokens: int | None = setting(None, "whole", "longest answer of a model", least=1)


@frozen
class Limits:
    """What a run may use. None: no limit."""

    wall_seconds: float | None = setting(None, "number", "time from start to end", flag="--wall-seconds", least=0)
    cpu_seconds: float = setting(60.0, "number", "time the spell may compute", flag="--cpu-seconds", least=0)
    memory_mb: int = setting(256, "whole", "memory of the spell's worker", flag="--memory-mb", least=16)
    output_mb: float = setting(16.0, "number", "text that the spell may print", least=0)
    in_flight: int = setting(1000, "whole", "host calls that may wait at once", least=1)
    #: 16 MB of empty maps would take the host 3.5 s and 1.2 GB to decode, 4 MB 0.3 s and 330 MB.
    frame_mb: float = setting(4.0, "number", "size of one value that a spell hands to its host", least=0)
    max_calls: int | None = setting(None, "whole", "requests sent to models", flag="--max-calls", least=0)
    max_cost: float | None = setting(None, "number", "dollars spent on models", flag="--max-cost", least=0)


@frozen
class Permissions:
    """What a run may do. Relative paths are below the project; `config`-like files stay closed whatever is allowed."""

    read: tuple[str, ...] = setting((".",), "paths", "files and folders that may be read", flag="--allow-read")
    write: tuple[str, ...] = setting(("output",), "paths", "files and folders to write", flag="--allow-write")
    net: tuple[str, ...] = setting((), "texts", "hosts to reach beside the providers'", flag="--allow-net")
    exec: tuple[str, ...] = setting((), "texts", "commands that may be run", flag="--allow-exec")
    env: tuple[str, ...] = setting(
        (), "texts", "environment variables to read; LLMSPELL_SECRET_* by whole names only", flag="--allow-env"
    )


@frozen
class Env:
    allow: tuple[str, ...] = setting((), "texts", "environment variables to read, as `[permissions] env`")


@frozen
class Trace:
    """What is kept of a run, and for how long."""

    content: bool = setting(True, "switch", "keep prompts, answers and tool results, not only their sizes")
    keep_runs: int = setting(200, "whole", "number of stored runs", least=1)
    keep_days: float = setting(30.0, "number", "age of stored runs", least=0)
    max_mb: float = setting(1024.0, "number", "size of all stored runs", least=1)


@frozen
class Hooks:
    """Handlers of hook points, and the files of them that serve every spell. What such a file may do is said here."""

    on_error: Literal["fail", "ignore"] = setting(
        "fail", "text", "whether a handler's error fails what it watched", choices=("fail", "ignore")
    )
    timeout: float = setting(30_000.0, "number", "milliseconds that a handler may take", least=1)
    files: tuple[str, ...] = setting((), "paths", "Lua, JavaScript or Python files of handlers", flag="--hooks")
    read: tuple[str, ...] = setting((".",), "paths", "files and folders that hook files may read")
    write: tuple[str, ...] = setting((), "paths", "files and folders that hook files may write")
    net: tuple[str, ...] = setting((), "texts", "hosts that hook files may reach beside the providers'")
    exec: tuple[str, ...] = setting((), "texts", "commands that hook files may run")
    env: tuple[str, ...] = setting((), "texts", "environment variables that hook files may read")


@frozen
class Agents:
    prompts: str | None = setting(None, "path", "folder of your own prompts of the templates; `prompts` unless given")


@frozen
class Tui:
    """How `llmspell dev` and `llmspell tui` look, and their keys."""

    theme: str = setting("auto", "text", "auto, dark or light; NO_COLOR wins", choices=("auto", "dark", "light"))
    keys: tuple[str, ...] = setting(
        (), "texts", 'keys of your own, by action: a table `[tui.keys]` with `follow = "ctrl+l"`; `?` names the actions'
    )


@frozen
class Log:
    """What of the spell's `logger` is shown on stderr; its events are kept whatever stands here."""

    level: Literal["debug", "info", "warn", "error", "off"] = setting(
        "info",
        "text",
        "from which level on messages of `logger` are shown",
        flag="--log-level",
        choices=("debug", "info", "warn", "error", "off"),
    )
    format: Literal["text", "json"] = setting("text", "text", "how they are written", choices=("text", "json"))


@frozen
class Otel:
    """Where spans go while a run goes, over OTLP/HTTP. Nothing is sent unless this or OTEL_EXPORTER_OTLP_ENDPOINT names
    a place."""

    endpoint: str | None = setting(None, "text", "collector that spans are sent to, such as http://localhost:4318")
    service: str = setting("llmspell", "text", "what the collector knows this program as")


@frozen
class State:
    """Where the global state of spells is kept, and what of it they may reach: patterns of `key` or `scope/key`."""

    backend: Literal["sqlite", "rocksdb", "postgres"] = setting(
        "sqlite", "text", "what keeps the state", choices=("sqlite", "rocksdb", "postgres")
    )
    url: str | None = setting(None, "text", "address of the PostgreSQL server; a password belongs into the variable")
    fsync: bool = setting(False, "switch", "wait for the disk at each change, so that a loss of power takes none")
    max_mb: float = setting(1024.0, "number", "size of the state file (sqlite)", least=1)
    read: tuple[str, ...] = setting(("*",), "texts", "keys that spells may read")
    write: tuple[str, ...] = setting(("*",), "texts", "keys that spells may write")


@frozen
class ProviderSettings:
    """One `[providers.<name>]`. A key never stands in a file: `api_key_env` names the variable that holds it."""

    base_url: str | None = setting(None, "text", "address of the endpoint")
    api_key_env: str | None = setting(None, "text", "name of the variable that holds the key")
    kind: str | None = setting(None, "text", "protocol that the endpoint speaks: openai, anthropic, litellm, offline")
    model: str | None = setting(None, "text", "model where an agent names only the provider")


@frozen
class Data:
    dir: str | None = setting(None, "path", "folder of runs, state and recordings")


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@frozen
class Settings:
    """All settings of one run, and where each came from.

    project: the folder of llmspell.toml, else the spell's own. data_dir: absolute; nothing has created it.
    config: `[config]` as it stands in the files, for the spell's global `config`.
    lint: `[lint]`: how much a code of the checks matters, where not as usual.
    files: the settings files that were read. origins: `section.key` -> "default", "file:line", a variable or a flag.
    """

    project: Path
    data_dir: Path
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    permissions: Permissions = Permissions()
    env: Env = Env()
    trace: Trace = Trace()
    hooks: Hooks = Hooks()
    log: Log = Log()
    otel: Otel = Otel()
    agents: Agents = Agents()
    state: State = State()
    tui: Tui = Tui()
    providers: Mapping[str, ProviderSettings] = field(default_factory=_empty)
    config: Mapping[str, Any] = field(default_factory=_empty)
    lint: Mapping[str, str] = field(default_factory=_empty)
    files: tuple[Path, ...] = ()
    origins: Mapping[str, str] = field(default_factory=_empty)

    @property
    def key_variables(self) -> list[str]:
        """The variables that hold providers' keys, as `api_key_env` names them."""
        return [each.api_key_env for each in self.providers.values() if each.api_key_env]

    @property
    def allowed_env(self) -> tuple[str, ...]:
        """The variables a spell may read: `[permissions] env`, `[env] allow` and --allow-env together."""
        return tuple(dict.fromkeys((*self.permissions.env, *self.env.allow)))

    def origin(self, name: str) -> str:
        return self.origins.get(name, "default")

    def items(self) -> Iterator[tuple[str, Any]]:
        """Every setting as (`section.key`, value), in the order of the sections; `config` as its leaves."""
        for section, kind in SECTIONS.items():
            part = getattr(self, section, None)
            for key in fields(kind):
                value = str(self.data_dir) if part is None else getattr(part, key.name)
                yield f"{section}.{key.name}", without_passwords(value) if isinstance(value, str) else value
        for name, provider in self.providers.items():
            for key in fields(ProviderSettings):
                if (value := getattr(provider, key.name)) is not None:
                    yield f"providers.{name}.{key.name}", value
        yield from _leaves("config", self.config)
        yield from ((f"lint.{code}", level) for code, level in self.lint.items())


#: The sections of a fixed shape; `[providers.<name>]` and `[config]` are open, `[lint]` has a key for each code.
SECTIONS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "defaults": Defaults,
        "limits": Limits,
        "permissions": Permissions,
        "env": Env,
        "trace": Trace,
        "hooks": Hooks,
        "log": Log,
        "otel": Otel,
        "agents": Agents,
        "state": State,
        "tui": Tui,
        "data": Data,
    }
)


def without_passwords(text: str) -> str:
    """A text in which the addresses of servers have no password: to be shown, logged or traced."""
    if "://" not in text and "=" not in text:
        return text
    import re  # 6 ms, and few settings are addresses

    text = re.sub(r"(?<=://)([^\s:/@]*):\S*(?=@)", r"\1", text)
    return re.sub(r"(?i)\b((?:ssl)?password=)[^\s&]*", r"\1***", text)


def about(key: Field[Any]) -> About:
    return key.metadata["about"]


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", inner)
    else:
        yield name, value
