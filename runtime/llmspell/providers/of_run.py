"""The providers of a run: its settings, its environment, the replies beside its spell. Closed with the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmspell.providers.registry import Providers
from llmspell.providers.replies import Replies
from llmspell.run import Run
from llmspell.settings import Settings


def providers_of(run: Run) -> Providers:
    """The run's one `Providers`. Raises SettingsError, and ArgumentError for a bad `replies.json`."""
    return run.service(Providers, _make)


def _make(run: Run) -> Providers:
    made = Providers(
        run.environ,
        default_model=run.settings.defaults.model or "",
        custom=_custom(run.settings),
        replies=_replies(run.identity.folder),
        warn=lambda line: run.say("err", line + "\n"),
        permit=lambda host, port: run.permissions.check_host(host, port),  # of whoever asks: the spell, a hook file
    )
    run.at_end(made.close)
    return made


def _custom(settings: Settings) -> dict[str, dict[str, Any]]:
    """The `[providers.NAME]` tables as `Providers` takes them."""
    found: dict[str, dict[str, Any]] = {}
    for name, provider in settings.providers.items():
        table = {
            "protocol": provider.kind,
            "base_url": provider.base_url,
            "api_key_env": provider.api_key_env,
            "model": provider.model,
        }
        found[name] = {key: value for key, value in table.items() if value is not None}
    return found


def _replies(folder: Path) -> Replies | None:
    """What `replies.json` beside the spell holds, for the offline model."""
    path = folder / "replies.json"
    if not path.is_file():
        return None
    from llmspell.providers import replies

    return replies.load(path)
