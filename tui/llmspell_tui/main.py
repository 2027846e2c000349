"""The doors of the terminal interface: `run_tui` over stored and live runs, `run_dev` with spells that run on save."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmspell.settings.values import Settings
    from llmspell_tui.app.window import Window
    from llmspell_tui.host.wishes import Wishes
    from llmspell_tui.theme import Mode


def run_tui(wishes: Wishes) -> int:
    """Show stored and live runs until the person leaves. Raises UsageError and StoreError."""
    if wishes.web:
        return _in_browser()
    settings = _settings(Path.cwd())
    path = _path(settings.data_dir, wishes.run) if wishes.run else None
    if wishes.plain:
        return _plain_run(settings, path)
    window = _window(settings)
    window.first = path
    return window.run() or 0


def run_dev(wishes: Wishes) -> int:
    """Run spells now and at every save, and show it, until the person leaves. Raises UsageError."""
    if wishes.web:
        return _in_browser()
    if wishes.plain:
        from llmspell_tui.app.plain import tell_spells, until_left

        return until_left(tell_spells(wishes, _write))
    window = _window(_settings(Path(wishes.files[0]).absolute()))
    window.wishes = wishes
    return window.run() or 0


def _in_browser() -> int:
    """The same command without `--web`, once for each window of the browser."""
    from llmspell.errors import UsageError

    try:
        from llmspell_tui.app.web import serve  # aiohttp and jinja2: 0.3 s
    except ModuleNotFoundError as error:
        hint = "`pip install 'llmspell[browser]'` brings it"
        raise UsageError(f"--web needs {error.name}, which is not installed", hint=hint) from None
    return serve([argument for argument in sys.argv[1:] if argument != "--web"])


def _plain_run(settings: Settings, path: Path | None) -> int:
    from llmspell_tui.app.plain import list_runs, tell_run, until_left
    from llmspell_tui.feed.runs import RunList

    if path is None:
        list_runs(RunList([settings.data_dir]).read(), _write)
        return 0
    return until_left(tell_run(path, _write))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _window(settings: Settings) -> Window:
    from llmspell_tui.app.window import Window  # with Textual: 0.25 s

    chosen = settings.tui.theme
    window = Window(mode=chosen if chosen in ("dark", "light") else mode(), keys=keys_of(settings))
    window.data_dirs = [settings.data_dir]
    return window


def keys_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """`[tui] keys` by action. Raises SettingsError for what is no action, and for a key that two would have."""
    from llmspell.errors import SettingsError
    from llmspell_tui.actions import ACTIONS, collisions, named

    place = settings.origin("tui.keys")
    chosen: dict[str, tuple[str, ...]] = {}
    for entry in settings.tui.keys:
        name, _, key = (part.strip() for part in entry.partition("="))
        if not key or named(name) is None:
            known = ", ".join(action.name for action in ACTIONS)
            raise SettingsError(f"tui.keys: {entry!r} is not action=key", hint=f"actions are {known}", source=place)
        chosen[name] = (*chosen.get(name, ()), key)
    if found := collisions(chosen):
        raise SettingsError(f"tui.keys: {found[0]}", hint="give one of them another key too", source=place)
    return chosen


def _path(data_dir: Path, run: str) -> Path:
    from llmspell.traces.runs import Runs

    return Runs(data_dir).find(run)


def _settings(start: Path) -> Settings:
    from llmspell.settings.load import load

    return load(start, os.environ)


def mode() -> Mode:
    """Light where the terminal says that its ground is (`COLORFGBG`), else dark."""
    return "light" if os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
