"""Which project a file belongs to: the folder of its `llmspell.toml`, else the editor's folder, else its own folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llmspell.settings.values import Settings

PATIENCE: Final = 2.0
"""Seconds in which a project is taken for unchanged, unless somebody says otherwise."""


class Roots:
    def __init__(self, folders: Callable[[], Sequence[str]], environ: dict[str, str]) -> None:
        self._folders = folders
        self._environ = environ
        self._known: dict[str, tuple[float, Path, Path | None]] = {}
        self._settings: dict[str, tuple[float, Settings | None]] = {}

    def of(self, path: str) -> Path:
        """The project's folder, absolute and without links."""
        return self._look(path)[0]

    def file(self, path: str) -> Path | None:
        """The project's `llmspell.toml`."""
        return self._look(path)[1]

    def settings(self, path: str) -> Settings | None:
        """What a spell at a path would run with; None where its settings cannot be read."""
        folder = str(Path(path).parent)
        now = time.monotonic()
        known = self._settings.get(folder)
        if known is None or now - known[0] >= PATIENCE:
            known = self._settings[folder] = (now, _settings(Path(folder), self._environ))
        return known[1]

    def changed(self) -> None:
        """A settings file, or the editor's folders."""
        self._known.clear()
        self._settings.clear()

    def _look(self, path: str) -> tuple[Path, Path | None]:
        folder = str(Path(path).parent)
        now = time.monotonic()
        known = self._known.get(folder)
        if known is None or now - known[0] >= PATIENCE:
            file = _project_file(Path(folder))
            root = file.parent if file is not None else self._opened(folder) or Path(folder)
            known = self._known[folder] = (now, _resolved(root), file)
        return known[1], known[2]

    def _opened(self, folder: str) -> Path | None:
        """The innermost of the editor's folders around one."""
        around = [each for each in self._folders() if Path(folder).is_relative_to(each)]
        return Path(max(around, key=len)) if around else None


def _project_file(folder: Path) -> Path | None:
    from llmspell.errors import SettingsError
    from llmspell.settings.load import find_project_file  # 5 ms, once there is a file to ask for

    try:
        return find_project_file(folder)
    except (SettingsError, OSError, RuntimeError):
        return None


def _settings(folder: Path, environ: dict[str, str]) -> Any:
    from llmspell.errors import SettingsError
    from llmspell.settings.load import load

    try:
        return load(folder, environ)
    except (SettingsError, OSError, RuntimeError, ValueError):
        return None


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path
