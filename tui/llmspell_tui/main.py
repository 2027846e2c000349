"""The doors of the terminal interface: `run_tui` over stored and live runs, `run_dev` with spells that run on save."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell.errors import UsageError
from llmspell_tui.app import sweeping

if TYPE_CHECKING:
    from llmspell.settings.values import Settings
    from llmspell_tui.app.window import Window
    from llmspell_tui.host.wishes import Wishes
    from llmspell_tui.theme import Mode


def run_tui(wishes: Wishes) -> int:
    """Show stored and live runs until the person leaves. Raises UsageError and StoreError."""
    settings = _settings(Path.cwd())
    path = _path(settings.data_dir, wishes.run) if wishes.run else None
    if wishes.web:
        return _in_browser()
    if wishes.plain:
        return _plain(settings, path, wishes)
    window = _window(settings)
    window.first = path
    return _run(window)


def run_dev(wishes: Wishes) -> int:
    """Run spells now and at every save, and show it, until the person leaves. Raises UsageError."""
    for file in wishes.files:
        if not Path(file).exists():
            raise UsageError(f"there is no file {file!r}", hint="`llmspell init` begins one")
    if wishes.web:
        return _in_browser()
    settings = _settings(Path(wishes.files[0]).absolute())
    if wishes.plain:
        return _plain(settings, None, wishes)
    window = _window(settings)
    window.wishes = wishes
    return _run(window)


def _in_browser() -> int:
    """The same command without `--web`, once for each window of the browser."""
    try:
        from llmspell_tui.app.web import serve  # aiohttp and jinja2: 0.3 s
    except ModuleNotFoundError as error:
        hint = "`pip install 'llmspell[browser]'` brings it"
        raise UsageError(f"--web needs {error.name}, which is not installed", hint=hint) from None
    return serve([argument for argument in sys.argv[1:] if argument != "--web"], _write)


def _plain(settings: Settings, path: Path | None, wishes: Wishes) -> int:
    """Lines instead of drawing: of spells that run on save, of one run, or of the list of runs."""
    import asyncio

    from llmspell_tui.app.plain import Plain, attended, listed, until_left
    from llmspell_tui.feed.runs import RunList

    runs = RunList([settings.data_dir])

    async def told() -> None:
        plain = Plain(_write, runs, lambda name: _path(settings.data_dir, name))

        async def all_runs() -> None:
            plain.say(*listed(await asyncio.to_thread(runs.read)))
            plain.ready.set()

        telling = plain.work(wishes) if wishes.files else all_runs() if path is None else plain.follow(path)
        await attended(plain, telling)

    return until_left(told)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _window(settings: Settings) -> Window:
    """Raises UsageError where there is nothing to draw on."""
    if os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver"):
        from llmspell_tui.app.page_process import end_with_the_server

        end_with_the_server()
    else:
        _check_terminal()
    sweeping.hold()
    from llmspell_tui.app.window import Window  # with Textual: 0.25 s

    chosen = settings.tui.theme
    window = Window(mode=chosen if chosen in ("dark", "light") else mode(), keys=keys_of(settings))
    window.data_dirs = [settings.data_dir]
    return window


def _run(window: Window) -> int:
    """Raises what the window ended by, where that is a fault of its own."""
    code = window.run()
    if window.fault is not None:
        raise window.fault
    return code or 0


def _check_terminal() -> None:
    """Textual reads from stdin and draws on stderr; who gives it a file for either, or for stdout, wants lines."""
    hint = "--plain prints lines instead, --web shows it in a browser"
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr)):
        if not stream.isatty():
            raise UsageError(f"{name} is no terminal, and this draws on one", hint=hint)
    if os.environ.get("TERM") == "dumb":
        raise UsageError("a dumb terminal cannot be drawn on (TERM=dumb)", hint=hint)


def keys_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """`[tui.keys]` by action. Raises SettingsError for what is no action or no key, and for a key of two actions."""
    from llmspell.errors import SettingsError
    from llmspell.settings.check import nearest
    from llmspell_tui.actions import ACTIONS, collisions, key_of, named

    chosen: dict[str, tuple[str, ...]] = {}
    for entry in settings.tui.keys:
        name, _, written = (part.strip() for part in entry.partition("="))
        key = key_of(written)
        place = settings.origins.get(f"tui.keys.{name}", settings.origin("tui.keys"))
        if named(name) is None:
            near = nearest(name, [action.name for action in ACTIONS])
            hint = f"did you mean {near!r}?" if near else "`?` in the terminal interface names the actions"
            raise SettingsError(f"tui.keys: there is no action {name!r}", hint=hint, source=place)
        if not key:
            hint = 'a sign, or a name as "ctrl+l", "f5", "space", "pageup"'
            raise SettingsError(f"tui.keys: {written!r} for {name!r} is not a key", hint=hint, source=place)
        chosen[name] = (*chosen.get(name, ()), key)
    if found := collisions(chosen):
        panel, name = found[0].panel, found[0].names[1]
        place = settings.origins.get(f"tui.keys.{name}") or settings.origins.get(f"tui.keys.{found[0].names[0]}")
        raise SettingsError(
            f"tui.keys: {found[0].key!r} would be both {found[0].names[0]!r} and {name!r} in the panel {panel!r}",
            hint="give one of them another key too",
            source=place or settings.origin("tui.keys"),
        )
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
